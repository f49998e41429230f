"""Compiles a validated workflow to a flat, readable Python module, in which the framework has disappeared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .files import check, compile_target, differences, load, write
from .options import Options

if TYPE_CHECKING:
    from .modules import compilation, compile_workflow

__all__ = ["Options", "check", "compilation", "compile_target", "compile_workflow", "differences", "load", "write"]


def __getattr__(name: str) -> Any:
    """Import the compiler when it is first asked for: what was compiled is loaded without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import modules

    return getattr(modules, name)
