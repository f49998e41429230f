"""A runner with strategies for single nodes: they combine by layer, on every kind of node, in every mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import (
    DAG,
    FSM,
    ConditionalReturn,
    ExecutionConfig,
    FSMReturn,
    Node,
    Runner,
    WiringError,
    WorkflowExecutionError,
)
from fastdag_typed.events import NodeRetried
from fastdag_typed.policies.breaker import CircuitBreakerStrategy
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.handler import ErrorHandler
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.presets.runners import EnhancedRunner
from tests.policies.flaky import Flaky

if TYPE_CHECKING:
    from pathlib import Path

MODES: list[Any] = ["sequential", "parallel", "processes"]
KINDS = pytest.mark.parametrize("is_async", [False, True])


def down(calls: Path, x: int) -> int:
    """Fail, and leave a mark for it: also from another process."""
    with calls.open("a") as file:
        file.write(f"{x} ")
    raise ConnectionError("down")


async def down_later(calls: Path, x: int) -> int:
    return down(calls, x)


def double(x: int) -> int:
    return 2 * x


def is_large(x: int) -> ConditionalReturn[int]:
    return ConditionalReturn(x > 10, x)


def down_choice(calls: Path, x: int) -> ConditionalReturn[int]:
    return ConditionalReturn(down(calls, x) > 0)


def down_state(calls: Path, x: int) -> FSMReturn[int]:
    return FSMReturn(value=down(calls, x))


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def strategies(fallback: Any = 100) -> tuple[Any, ...]:
    return (FallbackStrategy(fallback), RetryStrategy(1, delay=0), CircuitBreakerStrategy(2))


def service(func: Any) -> DAG:
    dag = DAG("service")
    dag.add_node(Node(func, "fetch")) >> dag.add_node(Node(double, "double"))
    return dag


@pytest.mark.parametrize("mode", MODES)
@KINDS
def test_retry_breaker_and_fallback_combine_on_one_node(mode: Any, is_async: bool, calls: Path) -> None:
    events: list[Any] = []
    with EnhancedRunner(service(down_later if is_async else down), observers=[events.append], max_workers=1) as runner:
        for strategy in strategies():
            runner.set_recovery_strategy("fetch", strategy)
        runs = [runner.run({"calls": calls, "x": 7}, mode) for _ in range(3)]
    assert [metrics.value for metrics in runs] == [200, 200, 200]
    assert calls.read_text() == "7 7 " * 2  # two runs with one retry each; then the circuit is open
    assert [metrics.executions["fetch"].attempts for metrics in runs] == [2, 2, 1]
    assert [event.attempt for event in events if isinstance(event, NodeRetried)] == [2, 2]
    assert runner.error_handler.errors == []


@pytest.mark.parametrize("mode", MODES)
@KINDS
def test_the_handler_is_asked_what_the_strategies_leave(mode: Any, is_async: bool, calls: Path) -> None:
    handler = ErrorHandler()
    handler.register_handler("ConnectionError", lambda error, node, context: 1000)
    with EnhancedRunner(service(down_later if is_async else down), handler, max_workers=1) as runner:
        runner.set_recovery_strategy("fetch", RetryStrategy(2, delay=0))
        assert runner.run({"calls": calls, "x": 7}, mode).value == 2000
    assert calls.read_text() == "7 7 7 "
    [error] = handler.errors
    assert (error.node_name, error.error_type, error.retry_count) == ("fetch", "ConnectionError", 2)


def test_without_a_handler_of_its_own_failures_are_collected(calls: Path) -> None:
    runner = EnhancedRunner(service(down))
    with pytest.raises(WorkflowExecutionError, match="ConnectionError: down"):
        runner.run({"calls": calls, "x": 7})
    assert [error.message for error in runner.error_handler.errors] == ["down"]
    assert runner.metrics.statuses == {"fetch": "failed", "double": "pending"}


@pytest.mark.parametrize("mode", MODES)
def test_they_combine_on_a_condition(mode: Any, calls: Path) -> None:
    dag = DAG("choice")
    check = dag.condition(name="check")(down_choice)
    check.on_true >> dag.add_node(Node(double, "yes"))
    check.on_false >> dag.add_node(Node(double, "no"))
    with EnhancedRunner(dag, max_workers=1) as runner:
        for strategy in strategies(ConditionalReturn(False, 5)):
            runner.set_recovery_strategy(check, strategy)
        metrics = runner.run({"calls": calls, "x": 7}, mode)
    assert metrics.results == {"check": 5, "no": 10}
    assert metrics.executions["check"].attempts == 2


@pytest.mark.parametrize("mode", MODES)
def test_they_combine_on_a_state(mode: Any, calls: Path) -> None:
    fsm = FSM("machine")
    first = fsm.state(name="first", is_initial=True)(down_state)
    last = fsm.state(name="last", is_final=True)(double)
    first >> last
    with EnhancedRunner(fsm, max_workers=1) as runner:
        for strategy in strategies(FSMReturn("last", 4)):
            runner.set_recovery_strategy("first", strategy)
        metrics = runner.run({"calls": calls, "first.x": 7, "last.x": 4}, mode)
    assert (metrics.value, metrics.stop_reason) == (8, "final")
    assert calls.read_text() == "7 7 "


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
@KINDS
def test_they_combine_on_a_nested_workflow(mode: Any, is_async: bool, calls: Path) -> None:
    outer = DAG("outer")
    inner = outer.add_workflow("inner", service(down_later if is_async else down))
    inner >> outer.add_node(Node(double, "after"))
    runner = EnhancedRunner(outer)
    for strategy in strategies():
        runner.set_recovery_strategy("inner", strategy)
    runs = [runner.run({"calls": calls, "x": 7}, mode) for _ in range(3)]
    assert [metrics.value for metrics in runs] == [200, 200, 200]
    assert calls.read_text() == "7 7 7 7 "


def test_a_strategy_is_for_its_node_only_and_the_last_one_at_a_layer_counts(calls: Path) -> None:
    dag = DAG("two")
    for name in ("a", "b"):
        dag.add_node(Node(down, name))
    runner = EnhancedRunner(dag, config=ExecutionConfig(error_strategy="skip"))
    first, second, retry = FallbackStrategy(1), FallbackStrategy(2), RetryStrategy(1, delay=0)
    for strategy in (first, retry, second):
        runner.set_recovery_strategy("a", strategy)
    assert runner.recovery_strategies == {"a": (retry, second)}
    metrics = runner.run({"calls": calls, "a.x": 1, "b.x": 2})
    assert metrics.statuses == {"a": "done", "b": "failed"}
    assert metrics.results == {"a": 2}
    assert calls.read_text() == "1 1 2 "


def test_a_strategy_that_is_set_between_runs_counts_from_the_next_one_on(calls: Path) -> None:
    runner = EnhancedRunner(service(down))
    with pytest.raises(WorkflowExecutionError):
        runner.run({"calls": calls, "x": 7})
    runner.set_recovery_strategy("fetch", FallbackStrategy(1))
    assert runner.run({"calls": calls, "x": 7}).value == 2


def test_policies_for_all_nodes_and_the_nodes_own_stay(calls: Path) -> None:
    class Plus:
        layer = FallbackStrategy.layer

        def wrap(self, step: Any, call: Any, emit: Any) -> Any:
            return lambda *args: call(*args) + 1

    dag = service(down)
    dag.nodes["fetch"].policies = (FallbackStrategy(10),)
    runner = EnhancedRunner(dag, policies=[Plus()])
    assert runner.run({"calls": calls, "x": 7}).value == 23
    runner.set_recovery_strategy("double", RetryStrategy())
    assert runner.run({"calls": calls, "x": 7}).value == 23


def test_retries_can_be_switched_off(calls: Path) -> None:
    runner = EnhancedRunner(service(down), config=ExecutionConfig(retry_on_failure=False))
    for strategy in strategies():
        runner.set_recovery_strategy("fetch", strategy)
    assert runner.run({"calls": calls, "x": 7}).value == 200
    assert calls.read_text() == "7 "


def test_a_node_that_the_workflow_does_not_have_is_refused() -> None:
    dag = service(down)
    runner = EnhancedRunner(dag)
    with pytest.raises(
        WiringError,
        match=r'Workflow "service" has no node "fetsh" to recover \(did you mean "fetch"\?\) '
        r"\[.*test_enhanced_runner\.py:\d+\]",
    ):
        runner.set_recovery_strategy("fetsh", RetryStrategy())
    with pytest.raises(WiringError, match='the node called "fetch" here is another one'):
        runner.set_recovery_strategy(Node(down, "fetch"), RetryStrategy())
    assert runner.recovery_strategies == {}
    runner.set_recovery_strategy(dag.nodes["fetch"], RetryStrategy())
    assert list(runner.recovery_strategies) == ["fetch"]


def test_it_is_a_runner_as_any_where_nothing_fails() -> None:
    dag = DAG("fine")
    dag.add_node(Node(double))
    assert EnhancedRunner(dag).run({"x": 4}).results == Runner(dag).run({"x": 4}).results == {"double": 8}


@pytest.mark.asyncio
async def test_the_usage_of_the_specification() -> None:
    dag, failures = DAG("error_prone_workflow"), [ConnectionError("Service unavailable")] * 2

    @dag.node()
    def unreliable_service(data: dict[str, Any]) -> dict[str, Any]:
        if failures:
            raise failures.pop()
        return {"status": "success", **data}

    @dag.node()
    def process_result(data: dict[str, Any]) -> str:
        if data["id"] == 0:
            raise ValueError(data)
        return str(data["status"])

    unreliable_service >> process_result
    waits: list[float] = []
    runner = EnhancedRunner(dag)
    runner.set_recovery_strategy("unreliable_service", RetryStrategy(max_retries=5, sleep=waits.append))
    runner.set_recovery_strategy("process_result", FallbackStrategy(fallback_value="fallback_result"))
    assert (await runner.run_async(inputs={"data": {"id": 123}})).value == "success"
    assert waits == [1, 2]
    assert (await runner.run_async(inputs={"data": {"id": 0}})).value == "fallback_result"


@pytest.mark.parametrize(("own", "general", "calls"), [(1, None, 4), (None, 1, 4), (1, 0, 4), (None, None, 4)])
def test_the_strategy_set_for_a_node_goes_before_its_own_and_the_general_one(
    own: int | None, general: int | None, calls: int
) -> None:
    flaky = Flaky([ConnectionError()] * 9)
    dag = DAG("d")
    dag.add_node(flaky.node(policies=[] if own is None else [RetryStrategy(own, delay=0)]))
    policies = [] if general is None else [RetryStrategy(general, delay=0)]
    runner = EnhancedRunner(dag, policies=policies)
    runner.set_recovery_strategy("flaky", RetryStrategy(3, delay=0))
    with pytest.raises(WorkflowExecutionError):
        runner.run({"x": 1})
    assert len(flaky.calls) == calls


def test_the_strategy_of_a_node_goes_before_the_general_one() -> None:
    flaky = Flaky([ConnectionError()] * 9)
    dag = DAG("d")
    dag.add_node(flaky.node(policies=[RetryStrategy(1, delay=0)]))
    with pytest.raises(WorkflowExecutionError):
        Runner(dag, policies=[RetryStrategy(3, delay=0)]).run({"x": 1})
    assert len(flaky.calls) == 2
