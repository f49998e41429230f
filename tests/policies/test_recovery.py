"""A strategy of the user's own is a policy as those of the library are."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import compile_target, load, write
from fastdag_typed import DAG, Context, Node, Runner, WorkflowExecutionError
from fastdag_typed.events import NodeRetried
from fastdag_typed.exceptions import RunTimeoutError
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.recovery import RecoveryStrategy
from fastdag_typed.step import Layer

if TYPE_CHECKING:
    from pathlib import Path

    from fastdag_typed.policies.errors import WorkflowError

MODES: list[Any] = ["sequential", "parallel"]


class Patient(RecoveryStrategy):
    """Waits on an event loop, calls the node once more, and lowers the input of what fails again."""

    layer = Layer.RETRY
    exceptions = (OSError,)

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, str]] = []

    async def recover(self, error: WorkflowError, node: Any, context: Context) -> Any:
        await asyncio.sleep(0)
        try:
            return await error.again(node, context)
        except OSError:
            self.seen.append((error.message, error.retry_count, node.name))
            raise


def flow(*errors: BaseException, policies: Any, is_async: bool = False) -> DAG:
    left = list(errors)

    def bad(x: int) -> int:
        if left:
            raise left.pop(0)
        return x

    async def bad_later(x: int) -> int:
        return bad(x)

    dag = DAG("flow")
    dag.add_node(Node(bad_later if is_async else bad, "bad", policies=policies))
    return dag


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_its_recover_is_called_after_a_failure_and_may_wait(mode: Any, is_async: bool) -> None:
    events: list[Any] = []
    failure = OSError("one")
    dag = flow(failure, policies=[Patient()], is_async=is_async)
    metrics = Runner(dag, observers=[events.append]).run({"x": 5}, mode)
    assert metrics.value == 5
    assert metrics.executions["bad"].attempts == 2
    assert [event for event in events if isinstance(event, NodeRetried)] == [NodeRetried("bad", 2, failure)]


@pytest.mark.asyncio
@pytest.mark.parametrize("is_async", [False, True])
async def test_its_recover_may_wait_where_a_loop_is_running_already(is_async: bool) -> None:
    dag = flow(OSError("one"), policies=[Patient()], is_async=is_async)
    assert (await Runner(dag).run_async({"x": 5})).value == 5
    dag = flow(OSError("one"), policies=[Patient()], is_async=is_async)
    assert dag.run(x=5) == 5


@pytest.mark.parametrize("is_async", [False, True])
def test_what_it_raises_is_the_failure_with_the_first_one_as_context(is_async: bool) -> None:
    patient, failures = Patient(), (OSError("one"), OSError("two"))
    with pytest.raises(WorkflowExecutionError, match="two") as caught:
        flow(*failures, policies=[patient], is_async=is_async).run(x=5)
    assert caught.value.__cause__ is failures[1]
    assert failures[1].__context__ is failures[0]
    assert patient.seen == [("two", 1, "bad")]


def test_it_is_asked_only_about_its_exceptions() -> None:
    for error in (ValueError("no"), RunTimeoutError("over")):
        failing = flow(error, policies=[Patient()])
        with pytest.raises(WorkflowExecutionError) as caught:
            failing.run(x=5)
        assert caught.value.__cause__ is error
        assert failing.run(x=5) == 5


@pytest.mark.parametrize("is_async", [False, True])
def test_it_nests_with_others_by_its_layer(is_async: bool) -> None:
    dag = flow(OSError("one"), OSError("two"), policies=[FallbackStrategy("late"), Patient()], is_async=is_async)
    assert dag.run(x=5) == "late"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_strategy_of_the_library_can_be_extended(is_async: bool) -> None:
    class Measured(FallbackStrategy):
        async def recover(self, error: WorkflowError, node: Any, context: Context) -> Any:
            await asyncio.sleep(0)
            return (await super().recover(error, node, context), error.message)

    assert flow(OSError("one"), policies=[Measured("late")], is_async=is_async).run(x=5) == ("late", "one")


FLOW = """
from fastdag_typed import DAG
from fastdag_typed.policies.breaker import CircuitBreakerStrategy
from fastdag_typed.policies.fallback import FallbackStrategy
from fastdag_typed.policies.retry import RetryStrategy

dag = DAG("flow")
calls = []

@dag.node(policies=[FallbackStrategy("instead"), CircuitBreakerStrategy(2), RetryStrategy(1, delay=0)])
def down(x: int) -> str:
    calls.append(x)
    raise OSError("down")

@dag.node
def shout(text: str) -> str:
    return text.upper()

down >> shout
"""


def test_strategies_of_nodes_hold_in_a_compiled_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recovering_flow.py").write_text(FLOW)
    monkeypatch.syspath_prepend(tmp_path)
    write(compile_target("recovering_flow:dag"), tmp_path / "recovering_flat.py")
    module = load(tmp_path / "recovering_flat.py")
    flow: Any = sys.modules["recovering_flow"]
    assert [module.run(x=x)["shout"] for x in (1, 2, 3)] == ["INSTEAD"] * 3
    assert flow.calls == [1, 1, 2, 2]
    assert Runner(module).run({"x": 4}).value == "INSTEAD"
    assert flow.calls == [1, 1, 2, 2]


def test_a_strategy_without_recover_is_none() -> None:
    with pytest.raises(TypeError, match="abstract"):
        RecoveryStrategy()  # type: ignore[abstract]
