"""Compiles a validated workflow to a flat, readable Python module, in which the framework has disappeared."""

from __future__ import annotations

from .files import check, compile_target, differences, load, write
from .modules import compile_workflow

__all__ = ["check", "compile_target", "compile_workflow", "differences", "load", "write"]
