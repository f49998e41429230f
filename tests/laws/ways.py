"""The ways to run a workflow, and all that can be seen of a run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdag_typed import Runner, WorkflowExecutionError
from fastdag_typed.events import NodeFailed, NodeFinished, NodeRetried, NodeSkipped, NodeStarted
from tests.laws.bench import steady, told

if TYPE_CHECKING:
    from fastdag_typed import ExecutionMetrics


class Way(NamedTuple):
    """A driver, and from where it is called: by ``run``, ``run_async``, or ``run`` where a loop is running."""

    mode: Any
    called: str


WAYS = [
    Way(mode, called) for mode in ("sequential", "parallel") for called in ("run", "run_async", "run inside a loop")
]


@dataclass
class Seen:
    """What a run leaves behind, and what its observer was told."""

    metrics: ExecutionMetrics
    error: object
    events: dict[str, list[str]] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """What does not depend on the order of calls."""
        found = self.metrics
        return {
            "results": dict(found.results),
            "value": found.value,
            "statuses": found.statuses,
            "error": self.error,
            "errors": [steady(line) for line in found.errors],
            "reason": found.stop_reason,
            "attempts": {name: one.attempts for name, one in found.executions.items()},
            "branches": {name: one.branch for name, one in found.executions.items()},
            "executed": (found.nodes_executed, sorted(found.execution_order)),
            "events": self.events,
        }


def call(runner: Runner[Any], inputs: dict[str, Any], way: Way) -> None:
    """Run in one of the ways."""
    if way.called == "run":
        runner.run(inputs, way.mode)
    elif way.called == "run_async":
        asyncio.run(runner.run_async(inputs, way.mode))
    else:

        async def inside() -> None:
            runner.run(inputs, way.mode)

        asyncio.run(inside())


class Watch:
    """An observer that remembers what happened to each node."""

    def __init__(self) -> None:
        self.events: dict[str, list[str]] = {}

    def __call__(self, event: Any) -> None:
        if isinstance(event, NodeStarted | NodeFinished | NodeFailed | NodeRetried | NodeSkipped):
            self.events.setdefault(event.node, []).append(type(event).__name__)


def observe(runner: Runner[Any], inputs: dict[str, Any], way: Way) -> Seen:
    """Run, and look at everything."""
    watches = [observer for observer in runner.observers if isinstance(observer, Watch)]
    for watch in watches:
        watch.events = {}
    error: object = None
    try:
        call(runner, inputs, way)
    except WorkflowExecutionError as raised:
        error = told(raised)
    return Seen(runner.metrics, error, watches[0].events if watches else {})
