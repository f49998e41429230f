"""Processes of our own that run nodes: kept warm, killed when their time is up, replaced when they die."""

from .pool import Workers

__all__ = ["Workers"]
