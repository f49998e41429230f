"""A call whose time is up is killed, cancelled or left behind, says so, and what it gives later counts for nothing."""

from __future__ import annotations

import asyncio
import math
import re
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG, ExecutionConfig, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import FastDagError, NodeTimeoutError, RunTimeoutError
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.policies.timeout import Timeout
from tests.workers import functions
from tests.workers.processes import children, gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODES: list[Any] = ["sequential", "parallel"]
SHORT = 0.05
setting: ContextVar[str] = ContextVar("setting", default="none")


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Let go, in the end, of the threads that are left behind, and see that they end."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fastdag"):
            thread.join(60)
            assert not thread.is_alive()


def only(func: Any, *policies: Any, name: str = "slow") -> DAG:
    dag = DAG("d")
    dag.add_node(Node(func, name, policies=policies))
    return dag


def failure(runner: Runner[Any], mode: Any = "sequential", **inputs: Any) -> Any:
    with runner, pytest.raises(WorkflowExecutionError) as caught:
        runner.run(inputs, mode)
    return caught.value.__cause__


# -- each kind of call -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [*MODES, "processes"])
@pytest.mark.parametrize("func", [functions.hang, functions.hang_async])
def test_a_process_is_killed(mode: Any, func: Any) -> None:
    error = failure(Runner(only(func, Timeout(0.3), Place("process"))), mode)
    assert type(error) is NodeTimeoutError
    found = re.fullmatch(r'Node "slow" did not end within 0.3 s: its process \((\d+)\) was killed', str(error))
    assert found is not None
    assert gone(int(found[1]))


@pytest.mark.parametrize("mode", MODES)
def test_a_function_in_this_process_is_left_behind_and_its_late_result_is_dropped(mode: Any, release: Any) -> None:
    returned = threading.Event()

    def slow() -> str:
        release.wait()
        returned.set()
        return "too late"

    runner = Runner(only(slow, Timeout(SHORT)))
    error = failure(runner, mode)
    assert type(error) is NodeTimeoutError
    assert "a thread cannot be stopped, so the function goes on until it returns" in str(error)
    assert 'policies=[Place("process")]' in str(error)
    assert (error.node_name, error.seconds) == ("slow", SHORT)
    assert error.where is not None
    assert error.where.file == __file__
    release.set()
    assert returned.wait(60)
    assert runner.metrics.results == {}
    assert runner.metrics.statuses == {"slow": "failed"}


@pytest.mark.parametrize("mode", MODES)
def test_an_async_function_is_cancelled(mode: Any) -> None:
    cleaned: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    error = failure(Runner(only(slow, Timeout(SHORT))), mode)
    assert type(error) is NodeTimeoutError
    assert str(error) == f'Node "slow" did not end within {SHORT} s: it was cancelled'
    assert cleaned == ["up"]


def test_an_async_function_that_does_not_let_itself_be_cancelled_fails_when_it_has_ended() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "all the same"
        return "never"

    error = failure(Runner(only(stubborn, Timeout(SHORT))))
    assert type(error) is NodeTimeoutError
    assert str(error).endswith("it was cancelled, and went on all the same")


def test_what_an_async_function_raises_when_it_is_cancelled_is_the_cause() -> None:
    async def clumsy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("while cleaning up")

    error = failure(Runner(only(clumsy, Timeout(SHORT))))
    assert type(error) is NodeTimeoutError
    assert isinstance(error.__cause__, KeyError)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_time_out_error_of_the_function_itself_is_its_own(is_async: bool) -> None:
    def impatient() -> None:
        raise TimeoutError("of its own")

    async def impatient_async() -> None:
        raise TimeoutError("of its own")

    error = failure(Runner(only(impatient_async if is_async else impatient, Timeout(60))))
    assert type(error) is TimeoutError


@pytest.mark.parametrize("mode", [*MODES, "processes"])
@pytest.mark.parametrize("policies", [(), (Place("process"),), (Place("thread"),)])
@pytest.mark.parametrize("func", [functions.give, functions.later])
def test_what_is_in_time_is_as_without_a_limit(mode: Any, policies: Any, func: Any) -> None:
    with Runner(only(func, Timeout(60), *policies)) as runner:
        assert runner.run({"value" if func is functions.give else "x": 3}, mode).value == 3


def test_context_variables_are_kept() -> None:
    token = setting.set("ours")
    try:
        assert Runner(only(setting.get, Timeout(60))).run().value == "ours"
    finally:
        setting.reset(token)


@pytest.mark.parametrize(
    "error", [StopIteration(1), SystemExit(2), KeyboardInterrupt(), ExceptionGroup("g", [OSError()])]
)
def test_any_exception_passes(error: BaseException) -> None:
    node = Node(functions.throw, "throws", policies=[Timeout(60)])
    dag = DAG("d")
    dag.add_node(node)
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - which one, is looked at
        Runner(dag).run({"error": error})
    assert error in (caught.value, caught.value.__cause__)


def test_a_time_out_error_is_ours_and_that_of_python() -> None:
    assert issubclass(NodeTimeoutError, FastDagError)
    assert issubclass(NodeTimeoutError, TimeoutError)
    assert issubclass(RunTimeoutError, NodeTimeoutError)


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_a_limit_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="a time-out is more than 0 seconds"):
        Timeout(seconds)


@pytest.mark.parametrize("func", [functions.give, functions.later])
@pytest.mark.parametrize("policies", [(), (Place("process"),)])
def test_a_limit_beyond_what_the_system_can_wait_for_is_no_limit(func: Any, policies: Any) -> None:
    with Runner(only(func, Timeout(1e12), *policies)) as runner:
        assert runner.run({"value" if func is functions.give else "x": 3}).value == 3


# -- several limits ----------------------------------------------------------------------------------------------------


def test_each_attempt_of_a_retry_has_the_whole_time(release: Any) -> None:
    calls: list[int] = []

    def slow_at_first() -> int:
        calls.append(1)
        if len(calls) < 3:
            release.wait()
        return len(calls)

    dag = only(slow_at_first, Timeout(SHORT), RetryStrategy(3, delay=0))
    assert Runner(dag).run().value == 3


@pytest.mark.parametrize("mode", MODES)
def test_the_time_of_the_run_is_a_limit_of_every_node(mode: Any, release: Any) -> None:
    runner = Runner(only(release.wait), ExecutionConfig(run_timeout_seconds=SHORT))
    error = failure(runner, mode)
    assert type(error) is RunTimeoutError
    assert str(error).startswith('The time of the run was up during node "slow": a thread cannot be stopped')
    assert runner.metrics.stop_reason == "timeout"


def test_the_time_of_the_run_is_no_reason_to_try_again(release: Any) -> None:
    calls: list[int] = []

    def slow() -> None:
        calls.append(1)
        release.wait()

    dag = only(slow, RetryStrategy(5, delay=0))
    assert type(failure(Runner(dag, ExecutionConfig(run_timeout_seconds=SHORT)))) is RunTimeoutError
    assert len(calls) == 1


@pytest.mark.parametrize("func", [functions.hang, functions.hang_async])
def test_the_time_of_the_run_kills_processes(func: Any) -> None:
    error = failure(Runner(only(func, Place("process")), ExecutionConfig(run_timeout_seconds=0.3)))
    assert type(error) is RunTimeoutError


def test_the_shorter_limit_holds(release: Any) -> None:
    dag = only(release.wait, Timeout(60))
    assert type(failure(Runner(dag, ExecutionConfig(run_timeout_seconds=SHORT)))) is RunTimeoutError
    dag = only(release.wait, Timeout(SHORT))
    assert type(failure(Runner(dag, ExecutionConfig(run_timeout_seconds=60)))) is NodeTimeoutError
    dag = only(release.wait)
    config = ExecutionConfig(timeout_seconds=60)
    assert type(failure(Runner(dag, config, policies=[Timeout(SHORT)]))) is NodeTimeoutError


@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_does_not_begin_when_the_time_of_the_run_is_up(is_async: bool) -> None:
    begun: list[str] = []

    def late() -> None:
        begun.append("late")

    async def late_async() -> None:
        begun.append("late")

    dag = DAG("d")

    @dag.node
    async def stubborn() -> None:
        end = time.perf_counter() + 2 * SHORT
        while time.perf_counter() < end:
            pass

    last = dag.add_node(Node(late_async if is_async else late, "late"))
    last.after(stubborn)
    runner = Runner(dag, ExecutionConfig(run_timeout_seconds=SHORT, error_strategy="continue"))
    with pytest.raises(WorkflowExecutionError):
        runner.run()
    assert begun == []


# -- workflows as nodes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_of_a_workflow_as_a_node_nothing_further_begins(mode: Any, release: Any) -> None:
    begun: list[str] = []
    inner = DAG("inner")

    @inner.node
    def first() -> None:
        begun.append("first")
        release.wait()

    @inner.node
    def second() -> None:
        begun.append("second")

    second.after(first)
    dag = DAG("outer")
    node = dag.add_workflow("inner", inner)
    node.policies = (Timeout(SHORT),)
    error = failure(Runner(dag), mode)
    assert type(error) is NodeTimeoutError
    assert error.node_name == "inner"
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fastdag"):
            thread.join(60)
    assert begun == ["first"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("on_a_loop", [False, True])
def test_a_parallel_run_within_a_call_whose_time_is_up_gives_nothing(mode: Any, on_a_loop: bool, release: Any) -> None:
    given: list[Any] = []
    inner = DAG("inner")

    @inner.node
    def first() -> int:
        given.append("first")
        release.wait()
        return 1

    inner.add_node(Node(lambda: given.append("second"), "second")).after(first)

    def within() -> None:
        try:
            given.append(Runner(inner).run(mode="parallel").value)
        except BaseException as error:
            given.append(type(error))
            raise

    dag = only(within, Timeout(4 * SHORT), name="within")
    if on_a_loop:
        dag.add_node(Node(functions.later))
    error = failure(Runner(dag), mode, **({"x": 1} if on_a_loop else {}))
    assert type(error) is NodeTimeoutError
    release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fastdag"):
            thread.join(60)
    assert given[0] == "first"
    assert given[1:] in ([asyncio.CancelledError], [WorkflowExecutionError])  # stopped, or by its own clock


def test_of_a_workflow_as_a_node_the_processes_are_killed(tmp_path: Path) -> None:
    inner = DAG("inner")
    inner.add_node(Node(functions.hang, "hang", policies=[Place("process")]))
    dag = DAG("outer")
    node = dag.add_workflow("inner", inner)
    node.policies = (Timeout(1),)
    begun = tmp_path / "begun"
    with Runner(dag) as runner:
        with pytest.raises(WorkflowExecutionError, match='Node "inner" did not end within 1 s'):
            runner.run({"begun": str(begun)})
        assert gone(int(begun.read_text()))
