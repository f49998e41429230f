"""A run gives its values, order, times and errors; bad inputs stop it before any node has run."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import threading
from contextvars import ContextVar
from typing import Any, Literal

import pytest

from fastdag_typed import (
    DAG,
    Context,
    FSMContext,
    InputError,
    Layer,
    Node,
    Runner,
    Step,
    WorkflowExecutionError,
    WorkflowValidationError,
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
from fastdag_typed.step import SKIPPED

MODES: list[Literal["sequential", "parallel"]] = ["sequential", "parallel"]


def diamond(log: list[str]) -> DAG:
    dag = DAG("diamond")

    @dag.node
    def start(x: int) -> int:
        log.append("start")
        return x

    @dag.node
    def left(x: int) -> int:
        log.append("left")
        return x + 1

    @dag.node
    def right(x: int) -> int:
        log.append("right")
        return x * 10

    @dag.node
    def end(a: int, b: int) -> int:
        log.append("end")
        return a + b

    start >> [left, right] >> end
    return dag


@pytest.mark.parametrize("mode", MODES)
def test_metrics_tell_values_order_times_and_states(mode: Any) -> None:
    log: list[str] = []
    metrics = Runner(diamond(log)).run({"x": 2}, mode)
    assert metrics.value == 23
    assert metrics.results == {"start": 2, "left": 3, "right": 20, "end": 23}
    assert metrics.execution_order == log
    assert log[0] == "start"
    assert log[-1] == "end"
    assert set(metrics.node_times) == set(log)
    assert all(seconds >= 0 for seconds in metrics.node_times.values())
    assert sum(metrics.node_times.values()) <= 2 * metrics.total_time
    assert metrics.nodes_executed == 4
    assert metrics.errors == []
    assert metrics.stop_reason == "completed"
    assert set(metrics.statuses.values()) == {"done"}
    assert {e.attempts for e in metrics.executions.values()} == {1}


def test_parallel_nodes_share_their_place_in_the_order() -> None:
    metrics = Runner(diamond([])).run({"x": 2}, "parallel")
    assert {name: e.order for name, e in metrics.executions.items()} == {"start": 0, "left": 1, "right": 1, "end": 2}


def test_the_order_is_that_of_insertion_where_there_is_a_choice() -> None:
    log: list[str] = []
    dag = DAG("d")
    for name in "dbca":
        dag.add_node(Node(lambda name=name: log.append(name), name, inputs=[]))
    dag.run()
    assert log == list("dbca")


def test_a_node_may_read_what_has_run_so_far() -> None:
    dag = DAG("d", metadata={"unit": "m"})

    @dag.node
    def first() -> int:
        return 1

    @dag.node
    def second(x: int, context: Context) -> tuple[Any, ...]:
        info = context.execution_info
        return context.get_result(first), info["first"].status, info["second"].status, context.metadata["unit"]

    first >> second
    assert dag.run() == (1, "done", "running", "m")
    assert dag.run(mode="parallel") == (1, "done", "running", "m")


def test_each_run_has_fresh_results_and_two_runs_share_no_context() -> None:
    dag = DAG("d")
    barrier = threading.Barrier(2)

    @dag.node
    def wait(x: int) -> int:
        barrier.wait(timeout=10)
        return x

    found: dict[int, Any] = {}

    def go(x: int) -> None:
        metrics = Runner(dag).run({"x": x})
        assert metrics.workflow is not None
        found[x] = metrics.results["wait"], metrics.workflow["wait"]

    threads = [threading.Thread(target=go, args=(x,)) for x in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1: (1, 1), 2: (2, 2)}
    assert dag["wait"] in (1, 2)


def test_a_context_can_be_handed_in() -> None:
    dag = DAG("d")
    dag.add_node(Node(lambda context: context.metadata["a"], "read"))
    context = Context(metadata={"a": 5})
    assert dag.run(context=context) == 5
    assert context.results == {"read": 5}


# -- inputs ------------------------------------------------------------------------------------------------------------


def ran(dag: DAG, inputs: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        Runner(dag).run(inputs)
    return str(caught.value)


def test_everything_wrong_with_the_inputs_is_said_at_once_before_any_node_runs() -> None:
    log: list[str] = []
    dag = diamond(log)

    @dag.node
    def other(path: str, limit: int = 3, sizes: list[int] | None = None) -> str:
        log.append("other")
        return path * limit

    message = ran(dag, {"pth": "a", "limit": "3", "sizes": ["x"]})
    assert 'Workflow "diamond" cannot run with these inputs' in message
    assert 'Unknown input "pth" (did you mean "path"?)' in message
    assert 'Input "x" is missing: node "start" requires it' in message
    assert "a value of type int" in message
    assert 'Input "path" is missing: node "other" requires it' in message
    assert 'Input "limit" of node "other" expects "int", but is given "str": \'3\'' in message
    assert 'Input "sizes" of node "other" expects "list[int] | None", but is given "list"' in message
    assert "test_runner.py:" in message
    assert log == []


def test_an_input_can_address_one_node_and_a_default_can_be_given() -> None:
    dag = DAG("d")
    for name in ("a", "b"):
        dag.add_node(Node(lambda x, y=10: x + y, name))
    assert dag.run({"x": 1, "b.x": 2, "a.y": 0}) == {"a": 1, "b": 12}


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (int, [1, True], ["1", 1.5, None]),
        (float, [1, 1.5], ["1"]),
        (str, ["a"], [1, b"a"]),
        (int | None, [1, None], ["a"]),
        (list[int], [[], [1]], [(), ["a"]]),
        (Literal["a", "b"], ["a"], ["c"]),
        (tuple[int, str], [(1, "a")], [(1, 2)]),
        (dict[str, int], [{"a": 1}], [{1: 1}, []]),
        (Any, [object()], []),
    ],
)
def test_input_types_are_checked_as_the_type_checker_would(hint: Any, good: list[Any], bad: list[Any]) -> None:
    def take(value: Any) -> Any:
        return value

    take.__annotations__["value"] = hint
    dag = DAG("d")
    dag.add_node(Node(take))
    for value in good:
        assert dag.run(value=value) is value
    for value in bad:
        assert "expects" in ran(dag, {"value": value})


def test_an_invalid_workflow_does_not_run() -> None:
    dag = DAG("empty")
    with pytest.raises(WorkflowValidationError, match='Workflow "empty" has no nodes'):
        dag.run()


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match='mode is "sequential" or "parallel"'):
        Runner(diamond([])).run({"x": 1}, "fast")  # type: ignore[arg-type]


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_failing_node_is_named_and_what_was_done_stays_readable(mode: Any, is_async: bool) -> None:
    dag = DAG("d")

    @dag.node
    def good() -> int:
        return 1

    if is_async:

        @dag.node(name="bad")
        async def bad(x: int) -> int:
            raise KeyError("lost")

    else:

        @dag.node(name="bad")
        def bad(x: int) -> int:
            raise KeyError("lost")

    @dag.node
    def never(x: int) -> int:
        return x

    good >> bad >> never
    runner = Runner(dag)
    with pytest.raises(
        WorkflowExecutionError, match=r"""Error in node "bad" \(.*test_runner\.py:\d+\): KeyError: 'lost'"""
    ) as caught:
        runner.run(mode=mode)
    assert caught.value.node_name == "bad"
    assert isinstance(caught.value.__cause__, KeyError)
    metrics = runner.metrics
    assert metrics.errors == [str(caught.value)]
    assert metrics.statuses == {"good": "done", "bad": "failed", "never": "pending"}
    assert metrics.results == {"good": 1}
    assert metrics.stop_reason == "failed"
    assert metrics.nodes_executed == 1
    assert dag["good"] == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_interrupt_passes_through_and_results_stay_readable(error: Any, mode: Any, is_async: bool) -> None:
    dag = DAG("d")
    dag.add_node(Node(lambda: 1, "good"))

    def stop(x: int) -> int:
        raise error

    async def stop_later(x: int) -> int:
        raise error

    dag.add_node(Node(stop_later if is_async else stop, "bad"))
    dag.connect("good", "bad")
    runner = Runner(dag)
    with pytest.raises(error):
        runner.run(mode=mode)
    assert runner.metrics.stop_reason == "interrupted"
    assert runner.metrics.results == {"good": 1}
    assert runner.metrics.statuses["bad"] == "failed"


@pytest.mark.parametrize("error", [StopIteration, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("mode", MODES)
def test_exceptions_that_python_treats_specially_are_still_those_of_the_node(error: Any, mode: Any) -> None:
    dag = DAG("d")

    def bad() -> int:
        raise error

    dag.add_node(Node(bad))
    with pytest.raises((WorkflowExecutionError, error)) as caught:
        dag.run(mode=mode)
    assert isinstance(caught.value, error) or isinstance(caught.value.__cause__, error)


def test_parallel_failures_raise_the_first_in_order_and_list_all() -> None:
    dag = DAG("d")
    barrier = threading.Barrier(2)

    def bad(name: str) -> int:
        barrier.wait(timeout=10)
        raise ValueError(name)

    for name in ("a", "b"):
        dag.add_node(Node(lambda name=name: bad(name), name, inputs=[]))
    runner = Runner(dag)
    with pytest.raises(WorkflowExecutionError) as caught:
        runner.run(mode="parallel")
    assert caught.value.node_name == "a"
    assert [line.split('"')[1] for line in runner.metrics.errors] == ["a", "b"]


# -- loops and threads -------------------------------------------------------------------------------------------------


def async_dag() -> DAG:
    dag = DAG("d")

    @dag.node
    async def fetch(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    @dag.node
    def after(x: int) -> int:
        return x * 2

    fetch >> after
    return dag


@pytest.mark.parametrize("mode", MODES)
def test_async_nodes_run_without_and_inside_a_running_loop(mode: Any) -> None:
    dag = async_dag()
    assert dag.run(x=1, mode=mode) == 4

    async def inside() -> tuple[Any, Any]:
        return Runner(dag).run({"x": 2}, mode).value, await dag.run_async(x=3, mode=mode)

    assert asyncio.run(inside()) == (6, 8)


def test_plain_functions_start_no_loop_so_a_node_can_run_a_workflow() -> None:
    inner = diamond([])
    outer = DAG("outer")

    @outer.node
    def nested(x: int) -> int:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return int(Runner(inner).run({"x": x}).value)

    assert outer.run(x=1) == 12


@pytest.mark.parametrize("mode", MODES)
def test_a_workflow_is_a_node_with_the_open_inputs_as_ports(mode: Any) -> None:
    inner, outer = diamond([]), DAG("outer")
    node = outer.add_workflow("inner", inner)
    outer.add_node(Node(lambda r: r + 1, "plus"))
    node >> outer.nodes["plus"]
    assert node.inputs == ["x"]
    assert outer.run(x=1, mode=mode) == 13
    later = DAG("later")
    later.add_workflow("inner", async_dag()) >> later.add_node(Node(lambda r: r + 1, "plus"))
    assert later.run(x=1, mode=mode) == 5


def test_independent_nodes_really_run_at_the_same_time() -> None:
    dag = DAG("d")
    barrier = threading.Barrier(3)
    for name in "abc":
        dag.add_node(Node(lambda: barrier.wait(timeout=10), name))
    assert sorted(dag.run(mode="parallel", max_workers=3).values()) == [0, 1, 2]


def test_a_parallel_run_does_not_wait_for_a_level() -> None:
    dag = DAG("d")
    reached = threading.Event()

    @dag.node
    def slow() -> bool:
        return reached.wait(timeout=10)

    @dag.node
    def quick() -> int:
        return 1

    @dag.node
    def after_quick(x: int) -> int:
        reached.set()
        return x

    quick >> after_quick
    assert dag.run(mode="parallel") == {"slow": True, "after_quick": 1}


def test_a_cancelled_run_cancels_its_nodes() -> None:
    dag = DAG("d")
    seen: list[str] = []
    started = asyncio.Event()

    @dag.node
    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def go(mode: Any) -> None:
        task = asyncio.create_task(dag.run_async(mode=mode))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    for mode in MODES:
        started = asyncio.Event()
        asyncio.run(go(mode))
    assert seen == ["cancelled", "cancelled"]


# -- mechanism ---------------------------------------------------------------------------------------------------------


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
        Runner(dag, observers=[events.append]).run({"x": 1}, mode)
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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("branches", [False, True])
def test_the_marker_of_what_was_skipped_is_a_value_like_any_other(mode: Any, is_async: bool, branches: bool) -> None:
    dag = DAG("marker")

    def odd(x: int) -> Any:
        return SKIPPED

    async def odd_later(x: int) -> Any:
        return SKIPPED

    @dag.node
    def after(x: Any) -> bool:
        return x is SKIPPED

    dag.add_node(Node(odd_later if is_async else odd, "odd")) >> after
    if branches:

        @dag.condition
        def check(x: bool) -> bool:
            return x

        @dag.node
        def end(x: bool) -> bool:
            return x

        after >> check
        check.on_true >> end
    metrics = Runner(dag).run({"x": 1}, mode)
    assert set(metrics.statuses.values()) == {"done"}
    assert metrics.results["odd"] is SKIPPED
    assert metrics.value is True


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_on_a_branch_that_returns_the_marker_is_skipped(mode: Any, is_async: bool) -> None:
    dag = DAG("marker")

    @dag.condition
    def check(x: bool) -> bool:
        return x

    def odd(x: bool) -> Any:
        return SKIPPED

    async def odd_later(x: bool) -> Any:
        return SKIPPED

    @dag.node
    def after(x: Any) -> Any:
        return x

    node = dag.add_node(Node(odd_later if is_async else odd, "odd"))
    check.on_true >> node
    node >> after
    metrics = Runner(dag).run({"x": True}, mode)
    assert metrics.statuses == {"check": "done", "odd": "skipped", "after": "skipped"}
    assert set(metrics.results) == {"check"}


@pytest.mark.parametrize("default", [None, "some text", 1.5, ("a", 2.5)])
def test_a_default_that_is_not_of_the_type_of_its_port_can_be_given(default: Any) -> None:
    dag = DAG("d")

    @dag.node
    def load(x: int = default) -> Any:
        return x

    again = eval(repr(default))  # noqa: S307 - a value of the same kind that is another object
    assert Runner(dag).run({"x": again}).value == default
    with pytest.raises(InputError, match='expects "int"'):
        Runner(dag).run({"x": "another text"})


def test_ctrl_c_while_threads_are_started_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    running, stopped = threading.Event(), threading.Event()
    begun: list[str] = []

    class Thread(threading.Thread):
        def start(self) -> None:
            if running.is_set():
                raise KeyboardInterrupt
            super().start()
            assert running.wait(60)

        def join(self, timeout: float | None = None) -> None:
            stopped.set()
            super().join(timeout)

    dag = DAG("d")

    @dag.node
    def first() -> int:
        begun.append("first")
        running.set()
        assert stopped.wait(60)
        return 1

    @dag.node
    def second() -> int:
        begun.append("second")
        return 2

    @dag.node
    def third(x: int) -> int:
        begun.append("third")
        return x

    first >> third
    runner = Runner(dag, max_workers=2)
    monkeypatch.setattr(threading, "Thread", Thread)
    with pytest.raises(KeyboardInterrupt):
        runner.run({}, "parallel")
    assert begun == ["first"]
    assert runner.metrics.results == {"first": 1}
    assert runner.metrics.stop_reason == "interrupted"


def test_a_state_machine_wants_its_own_kind_of_context() -> None:
    from fastdag_typed import FSM

    fsm = FSM("f")
    fsm.state(is_initial=True)(lambda: 1)
    with pytest.raises(TypeError, match="FSMContext"):
        fsm.run(context=Context())
    context = FSMContext()
    assert fsm.run(context=context) == 1
    assert context.cycle_count == 1


@pytest.mark.parametrize("workers", [0, -1])
def test_fewer_than_one_worker_is_refused(workers: int) -> None:
    with pytest.raises(ValueError, match=f"max_workers is at least 1, not {workers}"):
        Runner(diamond([]), max_workers=workers)


def test_inputs_that_are_no_mapping_are_refused() -> None:
    inputs: Any = [1]
    with pytest.raises(InputError, match=r"Inputs are given as a mapping from names to values, not as \[1\]"):
        Runner(diamond([])).run(inputs)
    with pytest.raises(InputError, match=r"Inputs are given as a mapping from names to values, not as \[1\]"):
        diamond([]).run(inputs)


def test_stop_iteration_of_a_node_in_a_thread_fails_the_run() -> None:
    dag = DAG("d")

    @dag.node
    def first() -> int:
        return next(iter(()))

    @dag.node
    async def second() -> int:
        return 2

    with pytest.raises(WorkflowExecutionError, match=r'Error in node "first".*StopIteration') as caught:
        dag.run(mode="parallel")
    assert type(caught.value.__cause__) is StopIteration


@pytest.mark.parametrize("is_async", [False, True])
def test_after_a_failure_what_runs_in_a_thread_ends_and_is_recorded(
    is_async: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag = DAG("d")
    begun, failed = threading.Event(), threading.Event()

    class Thread(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            failed.set()  # the run waits for its threads: it begins nothing more
            super().join(timeout)

    @dag.node
    def slow() -> int:
        begun.set()
        failed.wait()
        return 1

    @dag.node
    def later(x: int) -> int:
        return x

    def observer(event: Any) -> None:
        if is_async and isinstance(event, NodeFailed):
            failed.set()

    monkeypatch.setattr(threading, "Thread", Thread)
    if is_async:

        @dag.node
        async def bad() -> int:
            await asyncio.to_thread(begun.wait)
            raise ValueError

    else:

        @dag.node
        def bad() -> int:
            begun.wait()
            raise ValueError

    slow >> later
    runner = Runner(dag, observers=[observer])
    with pytest.raises(WorkflowExecutionError):
        runner.run(mode="parallel")
    assert runner.metrics.statuses == {"slow": "done", "later": "pending", "bad": "failed"}
    assert runner.metrics.results == {"slow": 1}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("default", [None, 2])
def test_a_nested_workflow_keeps_the_default_of_each_node(mode: Any, default: Any) -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def a(x: int = 1) -> int:
        return x

    @inner.node
    def b(x: int = default) -> int:
        return x

    outer.add_workflow("nested", inner)
    assert outer.run(mode=mode) == inner.run(mode=mode) == {"a": 1, "b": default}
    assert outer.run(x=5, mode=mode) == {"a": 5, "b": 5}


def test_a_nested_workflow_requires_what_one_of_its_nodes_requires() -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def a(x: int = 1) -> int:
        return x

    @inner.node
    def b(x: int) -> int:
        return x

    outer.add_workflow("nested", inner)
    with pytest.raises(InputError, match='Input "x" is missing: node "nested" requires it'):
        outer.run()


def test_what_a_node_sets_in_a_context_variable_reaches_no_other_node_of_a_parallel_run() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    variable.set("caller")
    dag = DAG("d")

    def look() -> str:
        seen = variable.get()
        variable.set("node")
        return seen

    for index in range(5):
        dag.add_node(Node(look, f"n{index}"))
    assert set(dag.run(mode="parallel", max_workers=2).values()) == {"caller"}


def test_a_context_is_copied_and_pickled_without_its_workflow() -> None:
    dag = DAG("d")

    @dag.node
    def first() -> int:
        return 1

    context = Context()
    dag.run(context=context)
    for copied in (copy.deepcopy(context), pickle.loads(pickle.dumps(context))):  # noqa: S301 - made just here
        assert copied.results == {"first": 1}
        assert type(copied.execution_info) is dict
        assert copied.execution_info["first"].status == "done"
