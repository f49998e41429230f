"""Choosing how to run: an executor that goes by the shape of a workflow, and by the times it has measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..exceptions import PlacementError
from ..plan import reads, slot_of
from ..workers.parcel import Parcel
from .config import ExecutionConfig
from .metrics import ExecutionMetrics
from .runner import Runner
from .shape import HEAVY_SHARE, DAGAnalysis, Elsewhere, can_move, graph_of, heavy_steps, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

    from ..plan import Plan
    from ..step import Observer, Policy, Step
    from ..workflow import Mode, Workflow

__all__ = ["DAGAnalysis", "ParallelExecutor"]


class ParallelExecutor:
    """Runs DAGs, each in the way that fits it; whatever it runs it runs with a ``Runner``, and so as that does.

    A DAG of which no two nodes can run at once runs sequentially, others in parallel; ``mode="processes"`` stays that.
    With ``use_process_pool`` the nodes of a parallel run that are heavy (see ``DAGAnalysis``, with the times of earlier
    runs here) are placed as by ``Place("cpu")``. A node stays if it has a ``Place`` of its own, if its function cannot
    be found elsewhere, or if what it took or gave before it turned out to be heavy does not pickle.

    All DAGs share one memory limit. What was made for each, its processes among it, is kept until ``cleanup`` or the
    end of a ``with`` block; then it can be used again.

    Args:
        config: how to run; ``mode`` is chosen as above.
        policies: what is put around every node's call.
        observers: what reads the events of each run.
        heavy_share: see ``DAGAnalysis.of``.

    ``metrics`` are those of the last run, also of one that failed.

    """

    def __init__(
        self,
        config: ExecutionConfig | None = None,
        *,
        policies: Iterable[Policy] = (),
        observers: Iterable[Observer] = (),
        heavy_share: float = HEAVY_SHARE,
    ) -> None:
        self.config = config or ExecutionConfig()
        self.metrics = ExecutionMetrics()
        self.heavy_share = heavy_share
        self._policies = tuple(policies)
        self._observers = tuple(observers)
        self._courses: dict[Workflow, _Course] = {}
        if self.config.memory_limit_mb is not None:
            from ..policies.resources import ResourceManager

            self._policies = (*self._policies, ResourceManager(self.config.memory_limit_mb))

    def __enter__(self) -> Self:
        """Keep processes until the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clean up."""
        self.cleanup()

    async def __aenter__(self) -> Self:
        """Keep processes until the end of the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Clean up."""
        self.cleanup()

    async def execute_dag(self, dag: Workflow, inputs: Mapping[str, Any] | None = None) -> ExecutionMetrics:
        """Run a DAG on the current event loop; otherwise as ``execute``."""
        course = self._course(dag)
        try:
            metrics = await course.runner.run_async(inputs, course.mode)
        finally:
            self.metrics = course.runner.metrics
        course.learn(metrics, inputs or {})
        return metrics

    def execute(self, dag: Workflow, inputs: Mapping[str, Any] | None = None) -> ExecutionMetrics:
        """Run a DAG with inputs by port name.

        Raises:
            TypeError: it is a state machine, which has nothing to run in parallel.
            WorkflowValidationError: it is not valid.
            InputError: an input is missing, unknown or of a wrong type; no node has run.
            WorkflowExecutionError: a node failed; its exception is the cause.

        """
        course = self._course(dag)
        try:
            metrics = course.runner.run(inputs, course.mode)
        finally:
            self.metrics = course.runner.metrics
        course.learn(metrics, inputs or {})
        return metrics

    def analyze(self, dag: Workflow) -> DAGAnalysis:
        """Analyze a DAG, by the times of its earlier runs here if there were any.

        Raises:
            TypeError: it is a state machine.
            WorkflowValidationError: it is not valid.

        """
        known = self._courses.get(dag)
        times = {} if known is None else {**known.times, **known.runner.metrics.node_times}
        return DAGAnalysis.of(dag, ExecutionMetrics(node_times=times), heavy_share=self.heavy_share)

    def cleanup(self) -> None:
        """End all processes, and forget what was learned."""
        while self._courses:
            _, course = self._courses.popitem()
            course.runner.close()

    def _course(self, dag: Workflow) -> _Course:
        """Say how a DAG is run, anew if it has changed."""
        plan, known = graph_of(dag), self._courses.get(dag)
        if known is not None and known.plan is plan:
            return known
        if known is None:
            own = replace(self.config, memory_limit_mb=None, use_process_pool=False)
            runner = Runner(dag, own, policies=self._policies, observers=self._observers)
        else:
            runner = known.runner
        course = self._courses[dag] = _Course(runner, plan, self.config, self._policies, self.heavy_share)
        return course


class _Course:
    """How one DAG is run, as long as it does not change, and what was learned of it."""

    def __init__(
        self, runner: Runner, plan: Plan, config: ExecutionConfig, policies: tuple[Policy, ...], heavy_share: float
    ) -> None:
        self.runner = runner
        self.plan = plan
        self.times: dict[str, float] = {}
        is_wide = config.max_workers > 1 and len(set(plan.levels)) < len(plan.steps)
        self.mode: Mode = config.mode if config.mode == "processes" else "parallel" if is_wide else "sequential"
        self._learns = config.use_process_pool and self.mode == "parallel"
        self._policies = policies
        self._heavy_share = heavy_share
        self._moved = frozenset[str]()
        self._staying: set[str] = set()
        runner.policies = policies
        self.learn(ExecutionMetrics(), {})

    def learn(self, metrics: ExecutionMetrics, inputs: Mapping[str, Any]) -> None:
        """Choose which nodes run elsewhere, by how long they took, and by what they took and gave."""
        if not self._learns:
            return
        self.times.update(metrics.node_times)
        heavy = [step for step in heavy_steps(self.plan, self.times, self._heavy_share) if place_of(step) is None]
        for step in heavy:
            if step.name not in self._moved and not self._travels(step, metrics.results, inputs):
                self._staying.add(step.name)
        moved = frozenset(step.name for step in heavy).difference(self._staying)
        if moved != self._moved:
            self._moved = moved
            self.runner.policies = (*self._policies, Elsewhere("cpu", strict=False, names=moved))

    def _travels(self, step: Step, results: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
        """Tell whether a node, and all that its last call took and gave, can leave this process."""
        if not can_move(step):
            return False
        slots = {slot_of(read) for read in reads(step)}
        sources = [self.plan.step_of_slot[slot].name for slot in slots if slot in self.plan.step_of_slot]
        given = [entry for entry in self.plan.inputs if entry.slot in slots]
        values = [results.get(name) for name in (step.name, *sources)]
        values.extend(inputs.get(f"{entry.node}.{entry.port.name}", inputs.get(entry.name)) for entry in given)
        try:
            parcel = Parcel(step.func, step.name)
            for value in values:
                parcel.check("", value)
        except PlacementError:
            return False
        return True
