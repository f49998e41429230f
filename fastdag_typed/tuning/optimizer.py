"""What could be saved: steps that run as one, results worth keeping, values that travel, edges that say nothing new."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from ..hints import class_of
from ..policies.cache import Cache
from ..policies.place import Place
from ..run.config import ExecutionConfig
from ..run.shape import graph_of, heavy_steps, place_of
from ..step import Layer, running
from .twins import twin_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ParamSpec, TypeVar

    from ..dag import DAG
    from ..edge import Edge
    from ..node import Node
    from ..plan import Plan
    from ..run.metrics import ExecutionMetrics
    from ..step import Call, Emit, Step

    P = ParamSpec("P")
    R = TypeVar("R")

_WORTH_KEEPING: Final = 0.001
"""Seconds: what takes less is as quick as finding what was kept, which reads all arguments."""


@dataclass
class ExecutionPlan:
    """What an optimizer found in a DAG, by the names of nodes.

    ``fusion_groups`` are chains that run as one call, in order. ``cacheable_nodes`` are those whose results are worth
    keeping from run to run; within a run no node is called twice. ``data_transfer_plan`` tells for each edge that
    carries a value (``"a.result -> b.x"``) how it travels: as a ``reference``, or as a ``pickle`` between processes.
    """

    fusion_groups: list[list[str]] = field(default_factory=list[list[str]])
    cacheable_nodes: set[str] = field(default_factory=set[str])
    data_transfer_plan: dict[str, str] = field(default_factory=dict[str, str])


class ExecutionOptimizer:
    """Finds out what could be saved in running a DAG; it changes nothing.

    Args:
        config: how the DAG will be run, which decides what runs in other processes; by default as each node says.

    """

    def __init__(self, config: ExecutionConfig | None = None) -> None:
        self.config = config or ExecutionConfig()

    def optimize_execution_plan(self, dag: DAG, metrics: ExecutionMetrics | None = None) -> ExecutionPlan:
        """Look at a DAG, and at the times of an earlier run of it if they are given.

        Chains that can be fused run as one call in a compiled module. Worth keeping is what several nodes read, and
        what took a tenth of the time; if times are given, nothing that took less than 1 ms. Where
        ``PerformanceOptimizer.why_not_cached`` has a reason, nothing is kept.

        Raises:
            TypeError: it is a state machine.
            WorkflowValidationError: it is not valid.

        """
        plan = graph_of(dag)
        times: Mapping[str, float] = {} if metrics is None else metrics.node_times
        return ExecutionPlan(
            fusion_groups=[[plan.names[index] for index in group] for group in plan.fusion_groups],
            cacheable_nodes={step.name for step in _worth_keeping(plan, times)},
            data_transfer_plan=_ways(plan, self._elsewhere(plan, times)),
        )

    def _elsewhere(self, plan: Plan, times: Mapping[str, float]) -> set[Node[..., Any]]:
        """Give the nodes that are called in another process, or interpreter."""
        config, places = self.config, dict[int, Place]()
        if config.mode == "processes":
            places = dict.fromkeys(range(len(plan.steps)), Place("process", strict=False))
        elif config.mode == "parallel" and config.use_process_pool:
            places = {step.index: Place("cpu", strict=False) for step in heavy_steps(plan, times)}
        own = {step.index: place for step in plan.steps if (place := place_of(step)) is not None}
        return {plan.steps[index].node for index, place in {**places, **own}.items() if place.sends(plan.steps[index])}


def _worth_keeping(plan: Plan, times: Mapping[str, float]) -> list[Step]:
    long = {step.index for step in heavy_steps(plan, times) if step.name in times}
    found: list[Step] = []
    for step in plan.steps:
        readers = {edge.target for edge in step.node.edges_out if edge.port is not None}
        is_long = step.index in long
        is_read_often = len(readers) > 1 and times.get(step.name, 0.0 if times else _WORTH_KEEPING) >= _WORTH_KEEPING
        if (is_long or is_read_often) and PerformanceOptimizer.why_not_cached(step.node) is None:
            found.append(step)
    return found


def _ways(plan: Plan, elsewhere: set[Node[..., Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in plan.steps:
        for edge in step.node.edges_in:
            if edge.port is not None:
                leaves = edge.source in elsewhere or edge.target in elsewhere
                name = f"{edge.source.name}.{edge.output_name} -> {edge.target.name}.{edge.input}"
                found[name] = "pickle" if leaves else "reference"
    return found


class PerformanceOptimizer:
    """Makes nodes and DAGs that do the same with less; what it is given stays as it is."""

    @staticmethod
    def optimize_node_execution(node: Node[P, R]) -> Node[P, R]:
        """Make an unwired node of the same function that keeps 128 results, and notes how long its calls take.

        The time goes to the metadata of the run's context, as ``"<node>_execution_time"``, in seconds. Results are kept
        as ``Cache`` does, which is right only if the function computes them of its arguments alone, and is not called
        for anything else that it does: that cannot be seen from outside. Where ``why_not_cached`` has a reason, or the
        node has a cache already, none is added.
        """
        twin = node.copy(node.name)
        kinds = {type(policy) for policy in node.policies}
        if Cache not in kinds and PerformanceOptimizer.why_not_cached(node) is None:
            twin.policies = (*twin.policies, Cache(ttl=None, max_size=128))
        if Timing not in kinds:
            twin.policies = (*twin.policies, Timing())
        return twin

    @staticmethod
    def why_not_cached(node: Node[..., Any]) -> str | None:
        """Say what shows that keeping a node's results would be wrong, or of no use; ``None``: nothing does."""
        signature = node.signature
        returned = class_of(signature.returns)
        if signature.context is not None:
            return "it takes the context, which is another one in each run"
        if not signature.parameters:
            return "it has no input, so what it gives comes from elsewhere, and may be different next time"
        if node.node_type in ("workflow", "fsm_state"):
            return "it stands for a whole course of calls: keep results of the nodes in it"
        if returned is type(None) or returned is None:
            return "it returns nothing, so it is called for what it does"
        if isinstance(returned, type) and issubclass(returned, Iterator | AsyncIterator):
            return "it returns an iterator, which is used up by the first who reads it"
        return None

    @staticmethod
    def optimize_dag_structure(dag: DAG) -> DAG:
        """Make an equal DAG without the edges that ``redundant_edges`` finds; they are logged.

        Its nodes are twins of the same names and functions, and it gives the same results; it also runs as before, for
        a plan leaves out these edges anyway. What is saved is in documents, pictures and the mind.

        Raises:
            TypeError: it is a state machine.
            WorkflowValidationError: it is not valid.

        """
        redundant = PerformanceOptimizer.redundant_edges(dag)
        if redundant:
            from logging import getLogger

            said = ", ".join(f'"{edge.source.name}" before "{edge.target.name}"' for edge in redundant)
            getLogger("fastdag_typed").info('"%s" without order that other edges imply: %s', dag.name, said)
        return twin_of(dag, without=redundant)

    @staticmethod
    def redundant_edges(dag: DAG) -> list[Edge]:
        """List the edges that only say what comes first, where other edges say it too; never one with data or a branch.

        Raises:
            TypeError: it is a state machine.
            WorkflowValidationError: it is not valid.

        """
        plan = graph_of(dag)
        found: list[Edge] = []
        for step in plan.steps:
            edges = list(step.node.edges_in)
            waits = {plan.steps[index].node for index in step.waits}  # reduced: what others imply is not among them
            said = {edge.source for edge in edges if not _only_orders(edge)}
            found.extend(e for e in edges if _only_orders(e) and (e.source in said or e.source not in waits))
        return found


def _only_orders(edge: Edge) -> bool:
    return edge.port is None and edge.source.node_type not in ("condition", "select")


@dataclass(frozen=True)
class Timing:
    """Note how long the node's last call took, with all that is around it, in the metadata of the run's context."""

    @property
    def layer(self) -> Layer:
        """Where the policy nests."""
        return Layer.OBSERVE

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Take the time of each call that succeeds."""
        key = f"{step.name}_execution_time"

        def note(began: float) -> None:
            scope = running.get()
            if scope is not None:
                scope.context.metadata[key] = perf_counter() - began

        def run(*args: Any, **kwargs: Any) -> Any:
            began = perf_counter()
            value = call(*args, **kwargs)
            note(began)
            return value

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            began = perf_counter()
            value = await call(*args, **kwargs)
            note(began)
            return value

        return run_async if step.is_async else run
