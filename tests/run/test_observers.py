"""Policies nest by layer, observers see every fact and change nothing."""

from __future__ import annotations

import logging
from typing import Any, Literal

import pytest

from fastdag_typed import (
    DAG,
    Layer,
    Node,
    Runner,
    Step,
    WorkflowExecutionError,
)
from fastdag_typed.events import (
    NodeFailed,
    NodeFinished,
    NodeRetried,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
)
from tests.run.workflows import diamond

MODES: list[Literal["sequential", "parallel"]] = ["sequential", "parallel"]


class Twice:
    """Calls again after the first failure."""

    layer = Layer.RETRY

    def wrap(self, step: Step, call: Any, emit: Any) -> Any:
        if step.name == "untouched":
            return call

        def again(*args: Any, **kwargs: Any) -> Any:
            try:
                return call(*args, **kwargs)
            except ValueError as error:
                emit(NodeRetried(step.name, 2, error))
                return call(*args, **kwargs)

        return again


class Plus:
    """Adds one to the result."""

    layer = Layer.FALLBACK

    def wrap(self, step: Step, call: Any, emit: Any) -> Any:
        return lambda *args, **kwargs: call(*args, **kwargs) + 1


@pytest.mark.parametrize("mode", MODES)
def test_policies_nest_by_layer_and_attempts_are_counted(mode: Any) -> None:
    calls: list[int] = []

    def flaky(x: int) -> int:
        calls.append(x)
        if len(calls) == 1:
            raise ValueError
        return x

    dag = DAG("d")
    dag.add_node(Node(flaky, policies=[Plus(), Twice()]))
    metrics = Runner(dag).run({"x": 5}, mode)
    assert metrics.value == 6
    assert calls == [5, 5]
    assert metrics.executions["flaky"].attempts == 2


@pytest.mark.parametrize("mode", MODES)
def test_observers_see_every_fact_of_a_run(mode: Any) -> None:
    events: list[Any] = []
    dag = DAG("d")

    @dag.condition
    def check(x: int) -> bool:
        return False

    check.on_true >> dag.add_node(Node(lambda x: x, "skipped"))

    @dag.node
    def bad(x: int) -> int:
        raise ValueError(x)

    check.on_false >> bad
    with pytest.raises(WorkflowExecutionError):
        Runner(dag, observers=[events.append], max_workers=1).run({"x": 1}, mode)
    kinds = [type(event) for event in events]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    assert sorted(k.__name__ for k in kinds[1:-1]) == sorted(
        k.__name__ for k in (NodeStarted, NodeFinished, NodeSkipped, NodeStarted, NodeFailed)
    )
    assert isinstance(events[-1].error, WorkflowExecutionError)


def test_an_observer_that_fails_is_switched_off_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []

    def broken(event: Any) -> None:
        seen.append(event)
        raise RuntimeError("observer is broken")

    with caplog.at_level(logging.ERROR):
        assert Runner(diamond([]), observers=[broken]).run({"x": 2}).value == 23
    assert len(seen) == 1
    assert "is switched off for the rest of the run" in caplog.text


def test_a_required_observer_that_fails_fails_the_run() -> None:
    class Audit:
        required = True

        def __call__(self, event: Any) -> None:
            if isinstance(event, NodeFinished):
                raise OSError("audit log is full")

    with pytest.raises(WorkflowExecutionError, match="audit log is full"):
        Runner(diamond([]), observers=[Audit()]).run({"x": 2})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [RunStarted, RunFinished])
def test_a_required_observer_that_fails_outside_of_the_nodes_is_in_the_metrics(kind: type, mode: Any) -> None:
    seen: list[Any] = []

    class Audit:
        required = True

        def __call__(self, event: Any) -> None:
            if isinstance(event, kind):
                raise OSError("audit log is full")

    audit = Audit()
    runner = Runner(diamond([]), observers=[audit, seen.append])
    with pytest.raises(OSError, match="audit log is full"):
        runner.run({"x": 2}, mode)
    metrics = runner.metrics
    assert (metrics.stop_reason, metrics.value) == ("failed", None)
    assert metrics.errors == ["Error outside of the nodes: OSError: audit log is full"]
    assert metrics.nodes_executed == len(metrics.results) == (0 if kind is RunStarted else 4)
    assert (type(seen[0]), type(seen[-1])) == (RunStarted, RunFinished)
    audit.required = False
    runner.run({"x": 2}, mode)
    assert (runner.metrics.stop_reason, runner.metrics.errors) == ("completed", [])


def test_the_failure_of_a_node_goes_before_that_of_an_observer() -> None:
    class Audit:
        required = True

        def __call__(self, event: Any) -> None:
            if isinstance(event, RunFinished):
                raise OSError("audit log is full")

    dag = DAG("d")

    @dag.node
    def bad(x: int) -> int:
        raise ValueError("no good")

    runner = Runner(dag, observers=[Audit()])
    with pytest.raises(WorkflowExecutionError, match="no good"):
        runner.run({"x": 2})
    assert runner.metrics.stop_reason == "failed"
    assert [line.rpartition(": ")[2] for line in runner.metrics.errors] == ["no good", "audit log is full"]


def test_an_async_observer_is_refused() -> None:
    async def later(event: Any) -> None:
        raise AssertionError(event)

    class Later:
        async def __call__(self, event: Any) -> None:
            raise AssertionError(event)

    observers: list[Any] = [later, Later()]
    for observer in observers:
        with pytest.raises(TypeError, match="an observer is called, not awaited"):
            Runner(diamond([]), observers=[observer])


def test_a_required_observer_whose_failure_a_policy_swallows_still_fails_the_run() -> None:
    class Audit:
        required = True

        def __call__(self, event: Any) -> None:
            if isinstance(event, NodeRetried):
                raise OSError("audit log is full")

    class Swallow:
        layer = Layer.FALLBACK

        def wrap(self, step: Step, call: Any, emit: Any) -> Any:
            def safe(*args: Any) -> Any:
                try:
                    return call(*args)
                except OSError:
                    return None

            return safe

    def bad(x: int) -> int:
        raise ValueError(x)

    dag = DAG("d")
    dag.add_node(Node(bad, policies=[Twice(), Swallow()]))
    runner = Runner(dag, observers=[Audit()])
    with pytest.raises(OSError, match="audit log is full"):
        runner.run({"x": 1})
    assert (runner.metrics.stop_reason, runner.metrics.value) == ("failed", None)
    assert runner.metrics.errors == ["Error outside of the nodes: OSError: audit log is full"]
