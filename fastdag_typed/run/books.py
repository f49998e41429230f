"""The books of a run with several steps at once: dependencies are counted, no step waits for a whole level.

Source: the ready-list scheduling of Graham, Bounds on multiprocessing timing anomalies, 1969.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..step import Skipped

if TYPE_CHECKING:
    from ..plan import Plan
    from .run import Run


class Books:
    """Counts what each step still waits for; hands out steps that are ready."""

    __slots__ = ("left", "missing", "successors")

    def __init__(self, plan: Plan) -> None:
        successors: list[list[int]] | None = plan.programs.get("successors")
        if successors is None:
            successors = [[] for _ in plan.steps]
            for step in plan.steps:
                for pred in step.waits:
                    successors[pred].append(step.index)
            plan.programs["successors"] = successors
        self.successors = successors
        self.missing = [len(step.waits) for step in plan.steps]
        self.left = len(plan.steps)

    def first(self) -> list[int]:
        """Steps that wait for nothing."""
        return [index for index, missing in enumerate(self.missing) if not missing]

    def done(self, index: int) -> list[int]:
        """Note that a step has ended (run or skipped); give the steps that are ready now."""
        self.left -= 1
        ready: list[int] = []
        for succ in self.successors[index]:
            self.missing[succ] -= 1
            if not self.missing[succ]:
                ready.append(succ)
        return ready


def note(run: Run, index: int, began: float, value: Any) -> None:
    """Enter what became of a step: its value, or that it is left out, or that it failed and the run goes on."""
    _, out, name, _, skips = run.program.steps[index]
    run.slots[out] = value
    if skips and type(value) is Skipped:
        skipped(run, index, began)
        return
    run.context.results[name] = value
    timed(run, index, began)


def skipped(run: Run, index: int, began: float) -> None:
    """Enter that a step has no value: it is left out, or it failed and the run goes on."""
    if index not in run.failures:
        run.record.skipped.add(index)
    else:
        timed(run, index, began)


def timed(run: Run, index: int, began: float) -> None:
    """Enter how long a call took."""
    run.record.rows.append((began, index, perf_counter()))


def failed(run: Run, index: int, began: float, error: BaseException, *, stopping: bool) -> bool:
    """Enter that a step failed, unless it was only stopped because another one had; tell whether it interrupts all."""
    if stopping and isinstance(error, asyncio.CancelledError):
        run.failures.pop(index, None)
        if run.interrupted:
            run.record.cancelled.add(index)
        return False
    run.failures.setdefault(index, error)
    timed(run, index, began)
    return not isinstance(error, Exception)
