"""The facts about a run: one closed union that observers read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins; ``steps`` is the number of steps (of states, for a state machine)."""

    workflow: str
    steps: int


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node's call begins."""

    node: str


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node's call returned ``value`` after ``duration`` seconds."""

    node: str
    value: Any
    duration: float


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """A node's call raised ``error`` after ``duration`` seconds."""

    node: str
    error: BaseException
    duration: float


@dataclass(frozen=True, slots=True)
class NodeRetried:
    """A policy calls a node again after ``error``; ``attempt`` is the number of the call that begins."""

    node: str
    attempt: int
    error: BaseException


@dataclass(frozen=True, slots=True)
class NodeSkipped:
    """A node is not run, because its branch was not taken or a value it needs was skipped."""

    node: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ends after ``duration`` seconds, with ``error`` or without."""

    workflow: str
    duration: float
    error: BaseException | None


Event = RunStarted | NodeStarted | NodeFinished | NodeFailed | NodeRetried | NodeSkipped | RunFinished
