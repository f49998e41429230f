"""Writes the body of a plain function in the place of a call, exactly equal to it, or tells which rule forbids that."""

from __future__ import annotations

from .reader import read
from .rules import RULES, Refusal, Rule
from .writing import Body, Inlined, Line, Names, Returned, Sink

__all__ = ["RULES", "Body", "Inlined", "Line", "Names", "Refusal", "Returned", "Rule", "Sink", "read"]
