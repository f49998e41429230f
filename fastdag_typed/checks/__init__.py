"""Values against types: what a type says of a value, and which edges the types of functions do not prove."""

from __future__ import annotations

from .checker import accepts, checker
from .edges import Argument, Unchecked, arguments_of, doubts, fed, may_give_nothing, unchecked
from .kinds import OPEN, Checker, Mismatch, short

__all__ = [
    "OPEN",
    "Argument",
    "Checker",
    "Mismatch",
    "Unchecked",
    "accepts",
    "arguments_of",
    "checker",
    "doubts",
    "fed",
    "may_give_nothing",
    "short",
    "unchecked",
]
