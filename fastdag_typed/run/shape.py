"""What the shape of a workflow, and the times of an earlier run, say about running it in parallel."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Final

from ..analysis import critical_path
from ..exceptions import PlacementError
from ..functions import function_of
from ..hints import annotations_of
from ..policies.place import Place, can_leave
from ..workers.parcel import Parcel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..plan import Plan
    from ..step import Call, Emit, Step
    from ..workflow import Workflow
    from .metrics import ExecutionMetrics

HEAVY_SHARE: Final = 0.1
_HEAVY_SECONDS: Final = 0.01
"""What takes less is not worth the way to a process and back, which takes up to a twentieth of it."""
_NUMERIC: Final = re.compile(r"(?<![\w.])(numpy|np|pandas|pd)\.")


@dataclass
class DAGAnalysis:
    """What can run at once, what takes longest, what is heavy; found in linear time.

    ``levels`` has the names of nodes by the longest way to them, in edges; ``max_parallelism`` is the size of the
    largest level, and 1 exactly if no two nodes can run at once.

    ``critical_path`` is the way that took most time, and of several the one of most nodes: so it is the one of most
    nodes where nothing was measured. ``critical_time`` is how long it took in seconds, and no parallel run is shorter;
    ``total_time`` is how long all nodes took together.

    Heavy is a node that is declared to run elsewhere, by ``Place``; and a sync node without a ``Place`` that took, of
    the time of all nodes, at least a share (``heavy_share``) and at least 10 ms, or that has types of numpy or pandas
    among its annotations.
    """

    levels: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    max_parallelism: int = 1
    critical_path: list[str] = field(default_factory=list[str])
    has_heavy_computation: bool = False
    heavy_nodes: set[str] = field(default_factory=set[str])
    critical_time: float = 0.0
    total_time: float = 0.0

    @classmethod
    def of(
        cls, workflow: Workflow, metrics: ExecutionMetrics | None = None, *, heavy_share: float = HEAVY_SHARE
    ) -> DAGAnalysis:
        """Analyze a DAG, with the times of an earlier run if they are given.

        Raises:
            TypeError: it is a state machine.
            WorkflowValidationError: it is not valid.

        """
        plan = graph_of(workflow)
        times: Mapping[str, float] = {} if metrics is None else metrics.node_times
        levels: dict[int, list[str]] = {}
        for name, level in zip(plan.names, plan.levels, strict=True):
            levels.setdefault(level, []).append(name)
        seconds = [times.get(name, 0.0) for name in plan.names]
        path = critical_path([step.waits for step in plan.steps], seconds)
        heavy = heavy_steps(plan, times, heavy_share)
        return cls(
            levels=dict(sorted(levels.items())),
            max_parallelism=max(map(len, levels.values()), default=1),
            critical_path=[plan.names[index] for index in path],
            has_heavy_computation=bool(heavy),
            heavy_nodes={step.name for step in heavy},
            critical_time=sum(seconds[index] for index in path),
            total_time=sum(seconds),
        )

    @property
    def speedup(self) -> float:
        """How many times faster than one node after the other it can run, with as many workers as it has use for."""
        if self.critical_time:
            return self.total_time / self.critical_time
        return sum(map(len, self.levels.values())) / max(1, len(self.critical_path))


def graph_of(workflow: Workflow) -> Plan:
    """Give the plan of a DAG.

    Raises:
        TypeError: it is a state machine.
        WorkflowValidationError: it is not valid.

    """
    plan = workflow.plan()
    if plan.machine is not None:
        raise TypeError(
            f'"{workflow.name}" is a state machine: its states run one after the other, so nothing of it can run in '
            "parallel (run it with a Runner)"
        )
    return plan


def heavy_steps(plan: Plan, times: Mapping[str, float], heavy_share: float = HEAVY_SHARE) -> list[Step]:
    """List what is heavy, see ``DAGAnalysis``, by the seconds that nodes took."""
    always, light = _by_declaration(plan)
    least = max(_HEAVY_SECONDS, heavy_share * sum(times.get(name, 0.0) for name in plan.names))
    return [
        step
        for step in plan.steps
        if step.index in always or (times.get(step.name, 0.0) >= least and step.index not in light)
    ]


def _by_declaration(plan: Plan) -> tuple[set[int], set[int]]:
    """Give the steps that are heavy, and those that are not, however long they take; found once for a plan."""
    known: tuple[set[int], set[int]] | None = plan.programs.get("heavy")
    if known is None:
        always, light = known = plan.programs["heavy"] = set[int](), set[int]()
        for step in plan.steps:
            place = place_of(step)
            if place is not None:
                (light if place.where in ("here", "thread") else always).add(step.index)
            elif step.is_async:
                light.add(step.index)
            elif _is_numeric(step):
                always.add(step.index)
    return known


def place_of(step: Step) -> Place | None:
    """Give what a node itself says about where it runs."""
    return next((policy for policy in step.node.policies if isinstance(policy, Place)), None)


def can_move(step: Step) -> bool:
    """Tell whether a step can be called elsewhere, with arguments that can go there."""
    try:
        Parcel(step.func, step.name)
    except PlacementError:
        return False
    return can_leave(step)


def _is_numeric(step: Step) -> bool:
    """Tell whether an annotation names a type of numpy or pandas, also one that only type checkers can read."""
    plain = function_of(step.func)
    written = annotations_of(plain).values() if isinstance(plain, FunctionType) else ()
    notes = (*written, *step.node.signature.hints.values())
    return any(_NUMERIC.search(note if isinstance(note, str) else repr(note)) for note in notes)


@dataclass(frozen=True)
class Elsewhere(Place):
    """Place the nodes of these names, among the policies of a runner."""

    names: frozenset[str] = frozenset()

    def sends(self, step: Step) -> bool:
        """Tell whether the arguments of a step leave this interpreter."""
        return step.name in self.names and super().sends(step)

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        """Have the call made there, if it is one of these."""
        return super().wrap(step, call, emit) if step.name in self.names else call


def heavy_place(plan: Plan) -> Elsewhere:
    """Place what is heavy whatever was measured, and can be elsewhere."""
    steps = (step for step in heavy_steps(plan, {}) if place_of(step) is None and can_move(step))
    return Elsewhere("cpu", strict=False, names=frozenset(step.name for step in steps))
