"""Workflows and records as documents, and back."""
