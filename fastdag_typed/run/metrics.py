"""What a run leaves behind: order, times, states and errors of its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import sub
from typing import TYPE_CHECKING, Any

from ..context import NodeExecution, Results, Status

if TYPE_CHECKING:
    from ..plan import Plan
    from ..workflow import Workflow


class Record:
    """The raw notes of one run, by step index; times are ``perf_counter`` seconds.

    A sequential driver only appends to ``stamps``: the end of one step is the start of the next. The others append a
    whole row, ``(start, index, end)``, for each call that has ended.
    """

    __slots__ = (
        "attempts",
        "began",
        "branches",
        "closed",
        "failed",
        "parallel",
        "plan",
        "rows",
        "running",
        "skipped",
        "stamps",
    )

    def __init__(self, plan: Plan, *, parallel: bool) -> None:
        self.plan = plan
        self.parallel = parallel
        self.began = 0.0
        self.stamps: list[float] = []
        self.rows: list[tuple[float, int, float]] = []
        self.running: dict[int, float] = {}
        self.skipped: set[int] = set()
        self.failed: dict[int, BaseException] = {}
        self.attempts: dict[str, int] = {}
        self.branches: dict[str, bool | str | None] = {}
        self.closed = False

    def columns(self) -> tuple[Sequence[int], Sequence[float], Sequence[float]]:
        """Step index, start and end of each call that has ended, in the order in which they began."""
        stamps = self.stamps
        if not stamps:
            rows = sorted(self.rows) if self.parallel else self.rows
            return [i for _, i, _ in rows], [start for start, _, _ in rows], [end for _, _, end in rows]
        if not self.skipped:
            return range(len(stamps) - 1), stamps[:-1], stamps[1:]
        kept = [i for i in range(len(stamps) - 1) if i not in self.skipped]
        return kept, [stamps[i] for i in kept], [stamps[i + 1] for i in kept]

    def executions(self) -> dict[str, NodeExecution]:
        """How each node has run so far."""
        plan = self.plan
        levels = plan.levels if self.parallel else None
        found: dict[str, NodeExecution] = {}
        for position, (index, start, end) in enumerate(zip(*self.columns(), strict=True)):
            name = plan.names[index]
            known = found.get(name)
            if known is not None:  # a state that was entered again
                known.duration += end - start
                known.attempts += 1
                continue
            found[name] = NodeExecution(
                order=levels[index] if levels else position,
                status="done",
                start=start - self.began,
                duration=end - start,
                attempts=1 + self.attempts.get(name, 0),
            )
        for index in self.failed:
            found[plan.names[index]].status = "failed"
        running = list(self.running.items())
        if self.stamps and not self.closed and len(self.stamps) <= len(plan.names):
            running.append((len(self.stamps) - 1, self.stamps[-1]))
        for index, start in running:
            order = levels[index] if levels else len(found)
            found[plan.names[index]] = NodeExecution(order, "running", start - self.began)
        for index, name in enumerate(plan.names):
            if name not in found:
                status: Status = "skipped" if index in self.skipped else "pending"
                found[name] = NodeExecution(levels[index] if levels else index, status)
        for name, branch in self.branches.items():
            found[name].branch = branch
        return found


def node_times(names: Sequence[str], starts: Sequence[float], ends: Sequence[float]) -> dict[str, float]:
    """Add up the seconds in each node's calls."""
    times = map(sub, ends, starts)
    found = dict(zip(names, times, strict=True))
    if len(found) < len(names):  # a state machine comes to a state more than once
        found = dict.fromkeys(found, 0.0)
        for name, start, end in zip(names, starts, ends, strict=True):
            found[name] += end - start
    return found


class ExecutionInfo(Mapping[str, NodeExecution]):
    """How each node runs or ran, made from the record when it is looked at."""

    __slots__ = ("_record", "_rows")

    def __init__(self, record: Record) -> None:
        self._record = record
        self._rows: dict[str, NodeExecution] | None = None

    def _now(self) -> dict[str, NodeExecution]:
        if self._rows is not None:
            return self._rows
        rows = self._record.executions()
        if self._record.closed:
            self._rows = rows
        return rows

    def __getitem__(self, name: str) -> NodeExecution:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._record.plan.steps)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a plain dict: what is noted, without the plan it is about."""
        return dict, (dict(self._now()),)

    def __repr__(self) -> str:
        return repr(self._now())


@dataclass
class ExecutionMetrics:
    """How a run went; times are in seconds.

    ``errors`` has one line for each node that failed; ``stop_reason`` is ``completed``, ``failed`` or ``interrupted``,
    for a state machine also ``stopped`` (by a state), ``final`` or ``max_cycles``; ``value`` is the final value.
    """

    total_time: float = 0.0
    node_times: dict[str, float] = field(default_factory=dict[str, float])
    nodes_executed: int = 0
    errors: list[str] = field(default_factory=list[str])
    execution_order: list[str] = field(default_factory=list[str])
    stop_reason: str = "completed"
    results: Results = field(default_factory=Results)
    value: Any = None
    executions: Mapping[str, NodeExecution] = field(default_factory=dict[str, NodeExecution])
    workflow: Workflow | None = field(default=None, repr=False, compare=False, metadata={"stored": False})
    """The workflow as this run left it; its results are those of this run. It is not stored."""

    @property
    def statuses(self) -> dict[str, Status]:
        """State of each node: ``done``, ``failed``, ``skipped``, or ``pending`` if the run ended before it."""
        return {name: execution.status for name, execution in self.executions.items()}
