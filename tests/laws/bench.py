"""What nodes of random workflows do and how they fail, remembered and told so that it can be compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

FAILURES = ["value", "key", "stop", "stop async", "group", "cause", "arguments", "odd"]


class Failure(NamedTuple):
    """How a node fails, and in how many of its calls in a run before one succeeds."""

    kind: str
    times: int


@dataclass
class Bench:
    """What the nodes of a workflow did in a run, and how often each has been called in it."""

    log: list[tuple[str, str, str]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)

    def clear(self) -> None:
        self.log.clear()
        self.calls.clear()

    def begun(self) -> list[tuple[str, str]]:
        """Each call and what it was given, in the order in which they began."""
        return [(path, given) for what, path, given in self.log if what == "begin"]


@dataclass(frozen=True)
class Parts:
    """A record read by attribute."""

    left: int
    right: int


def number_of(value: Any) -> int:
    """Read a number from whatever a node can give."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, Parts):
        return value.left + 3 * value.right
    items = list(value.values() if isinstance(value, dict) else value)
    return sum(3**place * number_of(item) for place, item in enumerate(items))


class TwoArgumentsError(Exception):
    """An exception that cannot be made from a text alone."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(what)
        self.where = where


def make_error(kind: str, name: str) -> Exception:
    """Make the exception that a node raises."""
    if kind == "cause":
        error = RuntimeError(f"{name} fails")
        error.__cause__ = ValueError("a reason")
        return error
    made: dict[str, Exception] = {
        "key": KeyError(name),
        "stop": StopIteration(name),
        "stop async": StopAsyncIteration(name),
        "group": ExceptionGroup(f"{name} fails", [ValueError("one"), ExceptionGroup("more", [TypeError("two")])]),
        "arguments": TwoArgumentsError(name, "here"),
    }
    return made.get(kind) or ValueError(f"{name} fails")


def told(error: BaseException | None) -> object:
    """Tell all of an error that has to be the same however it came: types, texts, node, and what caused it."""
    if error is None:
        return None
    parts = [told(part) for part in error.exceptions] if isinstance(error, BaseExceptionGroup) else []
    return type(error), steady(str(error)), getattr(error, "node_name", None), parts, told(error.__cause__)


def steady(text: str) -> str:
    """Leave the time of day out of a text."""
    return re.sub(r"\d\d:\d\d:\d\d", "now", text)
