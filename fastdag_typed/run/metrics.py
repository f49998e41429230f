"""What a run leaves behind: order, times, states and errors of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import length_hint, sub
from typing import TYPE_CHECKING, Any

from ..context import NodeExecution, Results, Status

if TYPE_CHECKING:
    from ..plan import Plan
    from ..workflow import Workflow


class Record:
    """The raw notes of one run, by step index; times are ``perf_counter`` seconds.

    A sequential driver only appends to ``stamps``: the end of one step is the start of the next; a state machine also
    to ``visited``. The lean one shows in ``remaining`` how far it is, and says in ``reached`` how far it came. The
    others append a whole row, ``(start, index, end)``, for each call that has ended.
    """

    __slots__ = (
        "attempts",
        "began",
        "branches",
        "cancelled",
        "closed",
        "failed",
        "parallel",
        "plan",
        "reached",
        "remaining",
        "rows",
        "running",
        "skipped",
        "stamps",
        "visited",
    )

    def __init__(self, plan: Plan, *, parallel: bool) -> None:
        self.plan = plan
        self.parallel = parallel
        self.began = 0.0
        self.stamps: list[float] = []
        self.visited: list[int] = []
        self.remaining: Iterator[object] | None = None
        self.reached: int | None = None
        self.rows: list[tuple[float, int, float]] = []
        self.running: dict[int, float] = {}
        self.skipped: set[int] = set()
        self.cancelled: set[int] = set()
        self.failed: dict[int, BaseException] = {}
        self.attempts: dict[str, int] = {}
        self.branches: dict[str, bool | str | None] = {}
        self.closed = False

    @property
    def done(self) -> int:
        """How many steps have ended with a value, where the lean driver ran them; else 0."""
        if self.reached is not None or self.remaining is None:
            return self.reached or 0
        return max(0, len(self.plan.steps) - length_hint(self.remaining) - 1)

    def order(self) -> Sequence[int]:
        """Step index of each call that has ended, in the order in which they began."""
        if self.visited:
            return self.visited[: len(self.stamps) - 1]
        if self.remaining is not None:
            return range(self.done + bool(self.failed))
        if self.stamps:
            every = range(len(self.stamps) - 1)
            return [i for i in every if i not in self.skipped] if self.skipped else every
        return [i for _, i, _ in (sorted(self.rows) if self.parallel else self.rows)]

    def times(self) -> Iterable[tuple[int, float, float]]:
        """Step index, start and end of each call in the order in which they began; nothing if no times were taken."""
        stamps = self.stamps
        if self.visited:
            return zip(self.visited, stamps[:-1], stamps[1:], strict=False)
        if stamps:
            every = zip(range(len(stamps) - 1), stamps[:-1], stamps[1:], strict=True)
            return (row for row in every if row[0] not in self.skipped) if self.skipped else every
        return ((i, start, end) for start, i, end in (sorted(self.rows) if self.parallel else self.rows))

    def executions(self) -> dict[str, NodeExecution]:
        """How each node has run so far."""
        plan = self.plan
        levels = plan.levels if self.parallel else None
        found: dict[str, NodeExecution] = {}
        untimed = ((index, self.began, self.began) for index in self.order())
        rows = self.times() if self.stamps or self.rows else untimed
        for position, (index, start, end) in enumerate(rows):
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
        for index in (*self.failed, *self.cancelled):
            entry = found.setdefault(
                plan.names[index], NodeExecution(levels[index] if levels else len(found), "failed")
            )
            entry.status = "failed"
        for index, start in self._under_way():
            order = levels[index] if levels else len(found)
            found[plan.names[index]] = NodeExecution(order, "running", start - self.began)
        for index, name in enumerate(plan.names):
            if name not in found:
                status: Status = "skipped" if index in self.skipped else "pending"
                found[name] = NodeExecution(levels[index] if levels else index, status)
        for name, branch in self.branches.items():
            found[name].branch = branch
        return found

    def _under_way(self) -> list[tuple[int, float]]:
        running = list(self.running.items())
        if self.closed or running:
            return running
        if self.visited:
            return [(self.visited[-1], self.stamps[-1])] if len(self.visited) == len(self.stamps) else []
        if self.stamps:
            return [(len(self.stamps) - 1, self.stamps[-1])] if len(self.stamps) <= len(self.plan.steps) else []
        return [(self.done, self.began)] if self.remaining is not None and self.reached is None else []


def node_times(record: Record) -> dict[str, float]:
    """Add up the seconds in each node's calls."""
    names, stamps = record.plan.names, record.stamps
    if stamps and not (record.visited or record.skipped):
        return dict(zip(names, map(sub, stamps[1:], stamps), strict=False))
    found: dict[str, float] = {}
    for index, start, end in record.times():
        name = names[index]
        found[name] = found.get(name, 0.0) + end - start
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

    def measured_by(self, record: Record) -> None:
        """Take the times from a record, when they are first asked for."""
        del self.node_times
        self._record = record

    def __getattr__(self, name: str) -> Any:
        """Add up the times."""
        if name != "node_times" or "_record" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.node_times = found = node_times(self.__dict__.pop("_record"))
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the record, which holds the plan."""
        _ = self.node_times
        return self.__dict__

    @property
    def statuses(self) -> dict[str, Status]:
        """State of each node: ``done``, ``failed``, ``skipped``, or ``pending`` if the run ended before it."""
        return {name: execution.status for name, execution in self.executions.items()}
