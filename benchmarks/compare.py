"""Timing a subject and its control in turn, on a machine that has other things to do.

What is timed is called as often in a row as takes five milliseconds, and each round times every subject once, in turn,
now forwards and now backwards: what disturbs a round disturbs all of them. Ratios are taken within a round, and their
median counts; beside it stands the ratio of the fastest rounds, because what else a machine does only ever adds.
Work that neither waits nor uses threads can be timed by the processor's clock, which stands still while others run.
"""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from math import ceil
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Timed = Callable[[], object]

LEAST: Final = 0.005
SUBJECT: Final = "subject"
CONTROL: Final = "control"


class Found(NamedTuple):
    """The median over all rounds, and the same of the fastest rounds: as if nothing else had gone on."""

    median: float
    fastest: float


class Times:
    """Seconds that one call of each subject took, by round."""

    def __init__(self, subjects: Mapping[str, Timed], rounds: int, clock: Callable[[], float] = perf_counter) -> None:
        self._rounds: dict[str, list[float]] = {name: [] for name in subjects}
        repeats = {name: _repeats(work, clock) for name, work in subjects.items()}
        gc.collect()
        gc.freeze()  # what is there already is not looked through again
        try:
            for number in range(rounds):
                order = list(subjects) if number % 2 else list(subjects)[::-1]
                for name in order:
                    gc.collect()
                    self._rounds[name].append(_timed(subjects[name], repeats[name], clock))
        finally:
            gc.unfreeze()

    def took(self, subject: str) -> Found:
        """Give the seconds that one call of a subject took."""
        return Found(median(self._rounds[subject]), min(self._rounds[subject]))

    def ratio(self, subject: str, control: str) -> Found:
        """Find how many times as long as its control a subject takes."""
        pairs = zip(self._rounds[subject], self._rounds[control], strict=True)
        fastest = self.took(subject).fastest / self.took(control).fastest
        return Found(median(one / other for one, other in pairs), fastest)

    def difference(self, subject: str, control: str) -> Found:
        """Find how many seconds longer than its control a subject takes."""
        pairs = zip(self._rounds[subject], self._rounds[control], strict=True)
        fastest = self.took(subject).fastest - self.took(control).fastest
        return Found(median(one - other for one, other in pairs), fastest)


def _repeats(work: Timed, clock: Callable[[], float]) -> int:
    work()
    once = _timed(work, 1, clock)
    return ceil(LEAST / once) if 0 < once < LEAST else 1


def _timed(work: Timed, repeats: int, clock: Callable[[], float]) -> float:
    began = clock()
    for _ in range(repeats):
        work()
    return (clock() - began) / repeats


@dataclass(frozen=True)
class Figure:
    """What was found, and what it is to be at most; ``subject`` and ``control`` are seconds, at their fastest.

    Without a control it is a time that is found.
    """

    what: str
    subject: float
    control: float | None
    found: Found
    limit: float
    unit: str = "x"

    @property
    def holds(self) -> bool:
        """Whether the median is within the limit."""
        return self.found.median <= self.limit

    @property
    def verdict(self) -> str:
        """Say whether it is within the limit, and what it is where only the busy machine may be to blame."""
        if self.holds:
            return "holds"
        return "holds at its fastest" if self.found.fastest <= self.limit else "MISSED"


def repeated(rounds: int) -> int:
    """Give more rounds, or fewer, as asked."""
    return max(1, round(rounds * float(os.environ.get("FASTDAG_BENCH_ROUNDS", "1"))))


def compared(
    what: str,
    subject: Timed,
    control: Timed,
    *,
    limit: float,
    nodes: int = 1,
    rounds: int = 100,
    unit: str = "x",
    clock: Callable[[], float] = perf_counter,
) -> Figure:
    """Find how many times as long as its control a subject takes, how many µs longer for each node, or how many ms."""
    times = Times({SUBJECT: subject, CONTROL: control}, repeated(rounds), clock)
    found = times.ratio(SUBJECT, CONTROL)
    if unit == "µs":
        found = Found(*(seconds / nodes * 1e6 for seconds in times.difference(SUBJECT, CONTROL)))
    if unit == "ms":
        found = Found(*(seconds * 1e3 for seconds in times.took(SUBJECT)))
    return Figure(what, times.took(SUBJECT).fastest / nodes, times.took(CONTROL).fastest / nodes, found, limit, unit)


def shown(seconds: float) -> str:
    """Show a time in the unit that fits."""
    if seconds >= 0.001:
        return f"{seconds * 1e3:,.1f} ms"
    return f"{seconds * 1e6:.3g} µs"


def table(rows: list[list[str]]) -> list[str]:
    """Write a table, the first row of which is its head, as Markdown that can be read as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        [f"{row[0]:<{widths[0]}}", *(f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    ]
    lines.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return [f"| {' | '.join(line)} |" for line in lines]
