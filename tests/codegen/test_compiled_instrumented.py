"""An instrumented module tells observers what the runner tells them, and takes the times of its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import Options
from fastdag_typed import Runner, WorkflowExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from fastdag_typed import Workflow

WATCHED = Options(instrument=True)
RUNS = [
    ("flat_etl:etl", {}),
    ("flat_etl:etl", {"limit": 0}),
    ("flat_routes:routes", {"x": 1}),
    ("flat_routes:routes", {"x": 14}),
    ("flat_nested:outer", {"number": 7}),
    ("flat_async:site", {"url": "here"}),
    ("flat_machine:machine", {"number": 7}),
    ("flat_machine:machine", {"number": 7, "step": 0}),
    ("flat_long:long", {"x": 3}),
]


def workflow_of(target: str) -> Workflow:
    module, _, name = target.partition(":")
    found: Workflow = getattr(__import__(module), name)
    return found


def told(subject: Workflow | ModuleType, inputs: dict[str, Any]) -> list[object]:
    events: list[Any] = []
    runner: Runner[Any] = Runner(subject, observers=[events.append])
    error = ""
    try:
        runner.run(inputs)
    except WorkflowExecutionError as failure:
        error = str(failure)
    facts = [
        (type(event).__name__, *(repr(getattr(event, name, None)) for name in ("node", "value", "error")))
        for event in events
    ]
    metrics = runner.metrics
    branches = {name: execution.branch for name, execution in metrics.executions.items()}
    order = [metrics.execution_order, list(metrics.node_times)]
    return [facts, error, metrics.results, metrics.statuses, order, branches]


@pytest.mark.parametrize(("target", "inputs"), RUNS)
def test_observers_are_told_what_the_runner_tells_them(
    flat: Callable[..., ModuleType], target: str, inputs: dict[str, Any]
) -> None:
    assert told(flat(target, WATCHED), inputs) == told(workflow_of(target), inputs)


def test_an_observer_that_raises_is_switched_off_and_a_required_one_fails_the_run(flat: Any) -> None:
    class Required:
        required = True

        def __call__(self, event: object) -> None:
            if type(event).__name__ == "NodeStarted":
                raise LookupError("gone")

    for subject in (workflow_of("flat_etl:etl"), flat("flat_etl:etl", WATCHED)):
        with pytest.raises(WorkflowExecutionError, match=r'node "load".*LookupError: gone'):
            Runner(subject, observers=[Required()]).run({})


@pytest.mark.parametrize("target", ["flat_etl:etl", "flat_machine:machine"])
def test_it_can_be_called_by_itself(flat: Any, target: str) -> None:
    inputs = {} if target == "flat_etl:etl" else {"number": 7}
    assert flat(target, WATCHED).run(**inputs) == flat(target).run(**inputs)


def test_a_module_that_is_not_instrumented_refuses_observers(flat: Any) -> None:
    with pytest.raises(ValueError, match="compile it with --instrument"):
        Runner(flat("flat_etl:etl"), observers=[print])
