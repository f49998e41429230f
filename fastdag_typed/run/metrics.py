"""What a run leaves behind: order, times, states and errors of its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import sub
from typing import TYPE_CHECKING, Any

from ..context import NodeExecution, Status

if TYPE_CHECKING:
    from ..plan import Plan
    from ..workflow import Workflow


class Record:
    """The raw notes of one run, by step index; times are ``perf_counter`` seconds.

    A sequential driver only appends to ``stamps``: the end of one step is the start of the next.
    """

    __slots__ = ("attempts", "began", "branches", "closed", "ends", "failed", "order", "parallel", "plan", "running", "skipped", "stamps", "starts")

    def __init__(self, plan: Plan, *, parallel: bool) -> None:
        self.plan = plan
        self.parallel = parallel
        self.began = 0.0
        self.stamps: list[float] = []
        self.order: list[int] = []
        self.starts: list[float] = []
        self.ends: list[float] = []
        self.running: dict[int, float] = {}
        self.skipped: set[int] = set()
        self.failed: dict[int, BaseException] = {}
        self.attempts: dict[str, int] = {}
        self.branches: dict[str, bool | str | None] = {}
        self.closed = False

    def settle(self) -> None:
        """Turn the stamps of a sequential run into one row for each step."""
        stamps = self.stamps
        if stamps:
            if self.skipped:
                kept = [i for i in range(len(stamps) - 1) if i not in self.skipped]
                self.order, self.starts = kept, [stamps[i] for i in kept]
                self.ends = [stamps[i + 1] for i in kept]
            else:
                self.order, self.starts, self.ends = list(range(len(stamps) - 1)), stamps[:-1], stamps[1:]

    def node_times(self) -> dict[str, float]:
        """Seconds in each node's calls."""
        names = self.plan.names
        if self.plan.machine is None:
            return dict(zip([names[i] for i in self.order], map(sub, self.ends, self.starts), strict=True))
        found: dict[str, float] = {}
        for index, start, end in zip(self.order, self.starts, self.ends, strict=True):
            found[names[index]] = found.get(names[index], 0.0) + end - start
        return found

    def executions(self) -> dict[str, NodeExecution]:
        """How each node has run so far."""
        if self.stamps:
            self.settle()
        plan = self.plan
        levels = plan.levels if self.parallel else None
        found: dict[str, NodeExecution] = {}
        for position, (index, start, end) in enumerate(zip(self.order, self.starts, self.ends, strict=True)):
            step = plan.steps[index]
            known = found.get(step.name)
            if known is not None:  # a state that was entered again
                known.duration += end - start
                known.attempts += 1
                continue
            found[step.name] = NodeExecution(
                order=levels[index] if levels else position,
                status="failed" if index in self.failed else "done",
                start=start - self.began,
                duration=end - start,
                attempts=1 + self.attempts.get(step.name, 0),
            )
        for index in self.failed:
            found[plan.names[index]].status = "failed"
        for index, start in list(self.running.items()):
            order = levels[index] if levels else len(self.order)
            found[plan.names[index]] = NodeExecution(order, "running", start - self.began)
        for index, step in enumerate(plan.steps):
            if step.name not in found:
                status: Status = "skipped" if index in self.skipped else "pending"
                found[step.name] = NodeExecution(levels[index] if levels else index, status)
        for name, branch in self.branches.items():
            found[name].branch = branch
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

    def __repr__(self) -> str:
        return repr(self._now())


@dataclass
class ExecutionMetrics:
    """How a run went; times are in seconds.

    ``errors`` has one line for each node that failed; ``stop_reason`` is ``completed``, ``failed``, ``interrupted``, and
    for a state machine ``stopped`` (by a state), ``final`` or ``max_cycles``; ``value`` is the final value.
    """

    total_time: float = 0.0
    node_times: dict[str, float] = field(default_factory=dict[str, float])
    nodes_executed: int = 0
    errors: list[str] = field(default_factory=list[str])
    execution_order: list[str] = field(default_factory=list[str])
    stop_reason: str = "completed"
    results: dict[str, Any] = field(default_factory=dict[str, Any])
    value: Any = None
    executions: Mapping[str, NodeExecution] = field(default_factory=dict[str, NodeExecution])
    workflow: Workflow | None = field(default=None, repr=False, compare=False, metadata={"stored": False})
    """The workflow as this run left it; its results are those of this run. It is not stored."""

    @property
    def statuses(self) -> dict[str, Status]:
        """State of each node: ``done``, ``failed``, ``skipped``, or ``pending`` if the run ended before it."""
        return {name: execution.status for name, execution in self.executions.items()}
