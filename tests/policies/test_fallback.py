"""Where a node fails, another value takes the place of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastdag_typed import (
    DAG,
    FSM,
    ConditionalReturn,
    Context,
    ExecutionConfig,
    FSMReturn,
    Node,
    Runner,
    SelectReturn,
    WorkflowExecutionError,
)
from fastdag_typed.events import NodeFinished
from fastdag_typed.exceptions import RunTimeoutError
from fastdag_typed.policies.errors import ErrorSeverity, WorkflowError
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import Layer, Rescue

MODES: list[Any] = ["sequential", "parallel"]
KINDS = pytest.mark.parametrize("is_async", [False, True])


def failing(error: BaseException, *policies: Any, is_async: bool = False, **options: Any) -> Node[..., Any]:
    def bad(x: int) -> int:
        raise error

    async def bad_later(x: int) -> int:
        raise error

    return Node(bad_later if is_async else bad, "bad", policies=policies, **options)


def flow(node: Node[..., Any]) -> DAG:
    dag = DAG("flow")
    dag.add_node(node) >> dag.add_node(Node(lambda x: ("after", x), "after"))
    return dag


@pytest.mark.parametrize("mode", MODES)
@KINDS
def test_the_fallback_value_takes_the_place_of_the_result(mode: Any, is_async: bool) -> None:
    seen: list[Any] = []
    dag = flow(failing(ValueError("bad"), FallbackStrategy(7), is_async=is_async))
    metrics = Runner(dag, observers=[seen.append]).run({"x": 1}, mode)
    assert metrics.value == ("after", 7)
    assert metrics.errors == []
    assert metrics.statuses == {"bad": "done", "after": "done"}
    assert metrics.executions["bad"].attempts == 1
    assert [event.value for event in seen if isinstance(event, NodeFinished)] == [7, ("after", 7)]


@pytest.mark.parametrize("mode", MODES)
@KINDS
@pytest.mark.parametrize("func_is_async", [False, True])
def test_the_fallback_function_is_given_what_is_known(mode: Any, is_async: bool, func_is_async: bool) -> None:
    given: list[tuple[WorkflowError, Any, Any]] = []

    def instead(error: WorkflowError, node: Any, context: Context) -> int:
        given.append((error, node, context))
        return 8

    async def instead_later(error: WorkflowError, node: Any, context: Context) -> int:
        await asyncio.sleep(0)
        return instead(error, node, context)

    failure = ValueError("bad")
    strategy = FallbackStrategy(1, instead_later if func_is_async else instead)
    dag = flow(failing(failure, strategy, RetryStrategy(2, delay=0), is_async=is_async))
    context = Context()
    metrics = Runner(dag).run({"x": 1}, mode, context=context)
    assert metrics.value == ("after", 8)
    [(error, node, seen)] = given
    assert node is dag.nodes["bad"]
    assert seen is context
    assert error.exception is failure
    assert (error.node_name, error.error_type, error.message) == ("bad", "ValueError", "bad")
    assert (error.severity, error.retry_count, error.max_retries) == (ErrorSeverity.ERROR, 2, 2)
    assert "in bad" in (error.traceback or "")


@KINDS
def test_a_fallback_function_that_fails_replaces_the_failure(is_async: bool) -> None:
    failure = ValueError("bad")

    def instead(error: WorkflowError, node: Any, context: Any) -> int:
        raise KeyError("worse")

    with pytest.raises(WorkflowExecutionError, match="KeyError: 'worse'") as caught:
        flow(failing(failure, FallbackStrategy(fallback_func=instead), is_async=is_async)).run(x=1)
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.__context__ is failure


def test_only_the_exceptions_that_are_meant_have_a_fallback() -> None:
    strategies = [FallbackStrategy("key", exceptions=KeyError), FallbackStrategy("os", exceptions=(OSError, EOFError))]
    for error, value in ((KeyError(), "key"), (ConnectionError(), "os"), (EOFError(), "os")):
        assert flow(failing(error, *strategies)).run(x=1) == ("after", value)
    with pytest.raises(WorkflowExecutionError, match="ValueError"):
        flow(failing(ValueError(), *strategies)).run(x=1)


@pytest.mark.parametrize("mode", MODES)
@KINDS
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_program_is_never_replaced(mode: Any, is_async: bool, error: Any) -> None:
    with pytest.raises(error):
        flow(failing(error(), FallbackStrategy(1), is_async=is_async)).run(mode=mode, x=1)


def test_the_end_of_the_runs_time_is_never_replaced() -> None:
    with pytest.raises(WorkflowExecutionError) as caught:
        flow(failing(RunTimeoutError("over"), FallbackStrategy(1))).run(x=1)
    assert isinstance(caught.value.__cause__, RunTimeoutError)


# -- what steers a workflow ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@KINDS
@pytest.mark.parametrize(
    ("value", "results"),
    [(True, {"bad", "yes"}), (False, {"bad", "no"}), (ConditionalReturn(True, 5), {"bad", "yes"})],
)
def test_the_fallback_of_a_condition_decides(mode: Any, is_async: bool, value: Any, results: Any) -> None:
    dag = DAG("choice")
    bad = dag.condition(name="bad", policies=[FallbackStrategy(value)])(failing(OSError(), is_async=is_async).func)
    bad.on_true >> dag.add_node(Node(lambda x: x, "yes"))
    bad.on_false >> dag.add_node(Node(lambda x: x, "no"))
    metrics = Runner(dag).run({"x": 3}, mode)
    assert set(metrics.results) == results
    assert metrics.results["bad"] == (5 if isinstance(value, ConditionalReturn) else 3)


@pytest.mark.parametrize("mode", MODES)
def test_the_fallback_of_a_selection_chooses(mode: Any) -> None:
    dag = DAG("choice")
    policies = [FallbackStrategy(SelectReturn("value", "b"))]
    bad = dag.select(name="bad", policies=policies)(failing(OSError()).func)
    bad.on("a") >> dag.add_node(Node(lambda x: x, "first"))
    bad.on("b") >> dag.add_node(Node(lambda x: x, "second"))
    assert Runner(dag).run({"x": 3}, mode).results == {"bad": "value", "second": "value"}


@KINDS
def test_the_fallback_of_a_state_says_what_follows(is_async: bool) -> None:
    fsm = FSM("machine")
    fallback = FallbackStrategy(FSMReturn("rest", 4))
    fsm.state(name="bad", is_initial=True, policies=[fallback])(failing(OSError(), is_async=is_async).func)

    @fsm.state(is_final=True)
    def rest(x: int, value: int) -> int:
        return value

    assert fsm.run(x=1) == 4
    assert fsm.state_history == ["rest", "END"]


@pytest.mark.parametrize("mode", MODES)
def test_a_nested_workflow_has_a_fallback_as_any_node(mode: Any) -> None:
    outer = DAG("outer")
    node = outer.add_workflow("inner", flow(failing(ConnectionError())))
    node.policies = (FallbackStrategy("late", exceptions=OSError),)
    assert outer.run(mode=mode, x=1) == "late"
    node.policies = (FallbackStrategy("late", exceptions=KeyError),)
    with pytest.raises(WorkflowExecutionError):
        Runner(outer, policies=[FallbackStrategy("late", exceptions=EOFError)]).run({"x": 1}, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strategy", ["continue", "skip"])
def test_a_run_that_goes_on_after_failures_has_no_failure_with_a_fallback(mode: Any, strategy: Any) -> None:
    config = ExecutionConfig(error_strategy=strategy)
    metrics = Runner(flow(failing(OSError(), FallbackStrategy(2))), config).run({"x": 1}, mode)
    assert (metrics.value, metrics.errors) == (("after", 2), [])


def test_success_is_a_call_of_the_function_itself() -> None:
    step = flow(failing(OSError())).plan().steps[0]
    call = FallbackStrategy(1).wrap(step, step.func, print)
    assert isinstance(call, Rescue)
    assert call.call is step.func
    assert FallbackStrategy().layer is Layer.FALLBACK


@pytest.mark.asyncio
async def test_used_directly_it_gives_the_value() -> None:
    node = failing(OSError())
    error = WorkflowError.of(OSError("gone"), node)

    async def instead(error: WorkflowError, node: Any, context: Any) -> str:
        await asyncio.sleep(0)
        return f"{node.name}: {error.message}"

    assert await FallbackStrategy("value").recover(error, node, Context()) == "value"
    assert await FallbackStrategy("value", instead).recover(error, node, Context()) == "bad: gone"


def test_a_fallback_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(TypeError, match="fallback_func is called for the value, and 3 cannot be called"):
        FallbackStrategy(fallback_func=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="exceptions are subclasses of Exception, not <class 'BaseException'>"):
        FallbackStrategy(1, exceptions=BaseException)  # type: ignore[arg-type]
