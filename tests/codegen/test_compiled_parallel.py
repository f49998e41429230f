"""Modules of the modes threads and asyncio: what they give is what the sequential runner gives, whatever runs first."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections import Counter
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from fastdag_codegen import compile_workflow, load, parallel, write
from fastdag_codegen.options import Options
from fastdag_codegen.schedule import schedule
from fastdag_typed import DAG, FSM, Condition, ConditionalReturn, Context, ExecutionConfig, Node, Runner
from fastdag_typed.exceptions import CompileError, WorkflowExecutionError
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.step import SKIPPED
from tests.codegen.test_compiled_agrees import Planned, build, given_inputs, plans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from fastdag_codegen.options import Mode
    from fastdag_typed import Workflow

HERE = Path(__file__).parent
MODES: list[Mode] = ["threads", "asyncio"]
GOLDEN: dict[str, tuple[str, Mode]] = {
    "etl_in_threads": ("flat_etl:etl", "threads"),
    "nested_in_threads": ("flat_nested:outer", "threads"),
    "routes_in_threads": ("flat_routes:routes", "threads"),
    "site_on_a_loop": ("flat_async:site", "asyncio"),
    "sums_on_a_loop": ("flat_composed:sums", "asyncio"),
}


def workflow_of(target: str) -> Workflow:
    module, _, name = target.partition(":")
    found: Workflow = getattr(__import__(module), name)
    return found


def compiled(workflow: Workflow, mode: Mode, folder: Path, **options: Any) -> ModuleType:
    """Compile a workflow that was made up, as one of a module that can be imported."""
    module = __import__("flat_random")
    module.dag = workflow
    path = folder / "made.py"
    write(compile_workflow(workflow.plan(), target="flat_random:dag", options=Options(mode=mode, **options)), path)
    return load(path)


@pytest.fixture
def flat(tmp_path: Path) -> Iterator[Callable[..., ModuleType]]:
    yield lambda workflow, mode, **options: compiled(workflow, mode, tmp_path, **options)
    __import__("flat_random").dag = DAG("random")


# -- whatever the workflow --------------------------------------------------------------------------------------------


def without(planned: tuple[Planned, ...], kinds: dict[str, str]) -> tuple[Planned, ...]:
    """Replace kinds of nodes, and failures that no later node outlives."""
    return tuple(
        one._replace(
            kind=kinds.get(one.kind, one.kind),
            failure="raises" if one.failure == "interrupts" else one.failure,
            inner=without(one.inner, kinds),
        )
        for one in planned
    )


PLAIN = {"threads": {"context": "plain", "async": "plain"}, "asyncio": {"context": "async"}}
"""What a node sees of the others' results depends on what ran first; and threads do not await."""


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(MODES),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([1, 2, 50]),
    st.sampled_from([1, 2, 6]),
)
def test_a_module_that_runs_several_nodes_at_once_does_what_the_runner_does(
    seed: int, mode: Mode, failing: float, size: int, workers: int
) -> None:
    log: list[str] = []
    planned = without(plans(Random(seed), failing=failing), PLAIN[mode])  # noqa: S311 - no secret
    note(planned)
    dag = build(planned, log)
    inputs = given_inputs(dag)
    expected = Runner(dag, error_strategy="skip").run(inputs)
    steps = Counter(log)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "schedule", partial(schedule, size=size))
        module = compiled(dag, mode, Path(folder))
        runner = Runner(module, max_workers=workers)
        for call in (
            lambda: runner.run(inputs, "parallel"),
            lambda: asyncio.run(runner.run_async(inputs, "parallel")),
        ):
            log.clear()
            error = raised(call)
            found = runner.metrics
            assert Counter(log) <= steps
            assert found.results.items() <= expected.results.items()
            assert [found.statuses[name] for name in dag.nodes if found.statuses[name] != "pending"] == [
                expected.statuses[name] for name in dag.nodes if found.statuses[name] != "pending"
            ]
            if not expected.errors:
                assert error is None
                assert (found.results, found.value, found.stop_reason) == (
                    expected.results,
                    expected.value,
                    "completed",
                )
                assert found.statuses == expected.statuses
                assert branches(found) == branches(expected)
                assert Counter(log) == steps
            else:
                assert isinstance(error, WorkflowExecutionError)
                assert str(error) in expected.errors
                assert found.errors[0] == str(error)
                assert set(found.errors) <= set(expected.errors)
                assert error.__cause__ is not None
                assert expected.statuses[str(error.node_name)] == "failed"
        log.clear()
        given_arguments = {module.INPUTS[name]: value for name, value in inputs.items()}
        error = raised(lambda: results.update(module.run(**given_arguments, max_workers=workers)), results := {})
        assert Counter(log) <= steps
        assert (error is None) == (not expected.errors)
        assert results == (expected.results if error is None else {})
        assert error is None or str(error) in expected.errors


def raised(call: Callable[[], object], _: object = None) -> BaseException | None:
    try:
        call()
    except WorkflowExecutionError as error:
        return error
    return None


def branches(metrics: Any) -> dict[str, Any]:
    return {name: execution.branch for name, execution in metrics.executions.items()}


# -- failures ---------------------------------------------------------------------------------------------------------


def meeting(count: int) -> threading.Barrier:
    """Have nodes wait until so many of them run at once."""
    return threading.Barrier(count, timeout=60)


def test_after_a_failure_nothing_begins_and_what_runs_comes_to_its_end(flat: Any) -> None:
    met, workers, log = meeting(2), list[threading.Thread](), list[str]()
    dag = DAG("random")

    @dag.node
    def bad() -> int:
        workers.append(threading.current_thread())
        met.wait()
        raise ValueError("no")

    @dag.node
    def slow() -> str:
        met.wait()
        workers[0].join(60)
        return "done"

    after = dag.add_node(Node(log.append, "in_the_same_group"))
    slow >> after >> dag.add_node(Node(log.append, "after"))
    runner = Runner(flat(dag, "threads"), max_workers=2)
    with pytest.raises(WorkflowExecutionError, match='Error in node "bad"') as found:
        runner.run({}, "parallel")
    assert isinstance(found.value.__cause__, ValueError)
    assert runner.metrics.results == {"slow": "done"}
    assert runner.metrics.statuses == {
        "bad": "failed",
        "slow": "done",
        "in_the_same_group": "pending",
        "after": "pending",
    }
    assert log == []


def test_after_a_failure_what_is_awaited_is_cancelled_and_ends_before_the_run(flat: Any) -> None:
    dag, log = DAG("random"), list[str]()
    waits = asyncio.Event()

    @dag.node
    async def bad() -> int:
        await asyncio.wait_for(waits.wait(), 60)
        raise ValueError("no")

    @dag.node
    async def slow() -> None:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            log.append("cleaned up")

    dag.add_node(Node(lambda: log.append("after"), "after")).after(slow)
    runner = Runner(flat(dag, "asyncio"))
    with pytest.raises(WorkflowExecutionError, match='Error in node "bad"'):
        runner.run({}, "parallel")
    assert log == ["cleaned up"]
    assert runner.metrics.statuses == {"bad": "failed", "slow": "pending", "after": "pending"}


@pytest.mark.parametrize(
    ("first", "second", "raises"),
    [
        (ValueError, KeyError, ValueError),
        (ValueError, SystemExit, SystemExit),
        (KeyboardInterrupt, SystemExit, KeyboardInterrupt),
        (StopIteration, ValueError, StopIteration),
    ],
)
def test_of_several_failures_the_run_raises_what_the_runner_would(
    flat: Any, first: Any, second: Any, raises: Any
) -> None:
    """The groups are ``a, d`` and ``b, c``: the order of their lines is not the plan's."""
    met, dag = meeting(2), DAG("random")

    def fails(error: type[BaseException]) -> Any:
        def body(x: int) -> int:
            met.wait()
            raise error(f"{error.__name__} it is")

        return body

    a, b = (dag.add_node(Node(lambda: 1, name)) for name in "ab")
    b >> dag.add_node(Node(fails(first), "c"))
    a >> dag.add_node(Node(fails(second), "d"))
    assert dag.plan().names == ("a", "b", "c", "d")
    module = flat(dag, "threads")
    runner = Runner(module, max_workers=2)
    for call in (lambda: runner.run({}, "parallel"), lambda: module.run(max_workers=2)):
        with pytest.raises(BaseException) as found:  # noqa: PT011 - which one is looked at
            call()
        original = found.value.__cause__ if isinstance(found.value, WorkflowExecutionError) else found.value
        assert type(original) is raises
        if found.value is not original:
            assert found.value.node_name == "c"
    assert runner.metrics.statuses == {"a": "done", "b": "done", "c": "failed", "d": "failed"}
    assert len(runner.metrics.errors) == 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_exceptions_of_every_kind_come_out_as_they_do_from_the_runner(flat: Any, mode: Mode, error: Any) -> None:
    def build_with(func: Callable[..., Any]) -> DAG:
        dag = DAG("random")
        dag.add_node(Node(lambda: 3, "first")) >> dag.add_node(Node(func, "bad")) >> dag.add_node(Node(str, "last"))
        return dag

    def fails(x: int) -> None:
        raise error(x)

    async def fails_later(x: int) -> None:
        raise error(x)

    for func in (fails, fails_later)[: 1 + (mode == "asyncio")]:
        dag = build_with(func)
        expected, found = Runner(dag), Runner(flat(dag, mode))
        outcomes = []
        for runner, how in ((expected, "sequential"), (found, "parallel")):
            with pytest.raises(BaseException) as caught:  # noqa: PT011 - which one is looked at
                runner.run({}, how)
            outcomes.append((repr(caught.value), repr(caught.value.__cause__), getattr(caught.value, "where", None)))
            outcomes.append((runner.metrics.statuses, runner.metrics.errors, runner.metrics.stop_reason))
        assert outcomes[:2] == outcomes[2:]


@pytest.mark.usefixtures("_flows")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("level", [0, 2])
def test_a_failure_keeps_nothing_alive_when_it_is_gone(mode: Mode, level: Any, tmp_path: Path) -> None:
    flow: Any = __import__("flat_failing")
    plan, options = flow.failing.plan(), Options(mode=mode, level=level)
    write(compile_workflow(plan, target="flat_failing:failing", options=options), tmp_path / "made.py")
    module = load(tmp_path / "made.py")
    assert hasattr(module, "INLINED") == bool(level)
    flow.made.clear()

    async def main() -> None:
        with pytest.raises(WorkflowExecutionError):
            await (module.run_async() if mode == "asyncio" else asyncio.sleep(0, module.run()))
        assert [one() for one in flow.made] == [None]

    gc.collect()
    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


# -- how many at once, and in which context ---------------------------------------------------------------------------


def test_so_many_threads_as_are_asked_for_run_at_once_and_no_more(flat: Any) -> None:
    met, lock, dag = meeting(3), threading.Lock(), DAG("random")
    under_way, most = [0], [0]

    def work(met: threading.Barrier = met) -> int:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        met.wait()
        with lock:
            under_way[0] -= 1
        return threading.get_ident()

    for number in range(9):
        dag.add_node(Node(partial(work), f"n{number}"))
    module = flat(dag, "threads")
    assert len({*module.run(max_workers=3).values()}) == most[0] == 3
    assert Runner(module, max_workers=3).run({}, "parallel").stop_reason == "completed"
    assert most == [3]


def test_threads_that_had_nothing_to_do_come_back(flat: Any) -> None:
    dag, seen = DAG("random"), set[int]()

    def meet(at: threading.Barrier, *_: object) -> None:
        at.wait()
        seen.add(threading.get_ident())

    before = [dag.add_node(Node(lambda: 1, "start"))]
    for layer in range(4):
        met = threading.Barrier(3, timeout=60)
        made = [dag.add_node(Node(partial(meet, met), f"n{layer}_{number}")) for number in range(3)]
        for node in made:
            node.after(*before)
        before = made
    assert set(flat(dag, "threads").run(max_workers=3)) == set(dag.nodes)
    assert len(seen) == 3


def test_so_many_tasks_as_are_asked_for_run_at_once_and_no_more(flat: Any) -> None:
    dag = DAG("random")
    under_way, most = [0], [0]

    async def work() -> None:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        for _ in range(5):
            await asyncio.sleep(0)
        under_way[0] -= 1

    for number in range(9):
        dag.add_node(Node(work, f"n{number}")) >> dag.add_node(Node(lambda _: 1, f"m{number}"))
    module = flat(dag, "asyncio")
    assert set(module.run(max_workers=3)) == set(dag.nodes)
    assert most == [3]
    assert Runner(module, max_workers=2).run({}, "parallel").stop_reason == "completed"
    assert most == [3]


@pytest.mark.parametrize("mode", MODES)
def test_less_than_one_at_once_is_refused(flat: Any, mode: Mode) -> None:
    dag = DAG("random")
    dag.add_node(Node(lambda: 1, "one"))
    with pytest.raises(ValueError, match="max_workers is at least 1, not 0"):
        flat(dag, mode).run(max_workers=0)


@pytest.mark.parametrize("allowed", [0, 1])
def test_threads_that_cannot_be_had_are_done_without(flat: Any, allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dag = DAG("random")
    for number in range(5):
        dag.add_node(Node(lambda: 1, f"n{number}"))
    module = flat(dag, "threads")
    start, started = threading.Thread.start, list[threading.Thread]()

    def starts(thread: threading.Thread) -> None:
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starts)
    if allowed:
        assert len(module.run()) == 5
    else:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            module.run()
    assert len(started) == allowed


WHERE: ContextVar[str] = ContextVar("where", default="nowhere")


@pytest.mark.parametrize("mode", MODES)
def test_each_group_runs_in_its_own_copy_of_the_context_of_the_run(flat: Any, mode: Mode) -> None:
    dag = DAG("random")

    def go(to: str) -> str:
        found = WHERE.get()
        WHERE.set(to)
        return found

    async def go_later(to: str) -> str:
        return go(to)

    start = dag.add_node(Node(partial(go, "start"), "start"))
    dag.add_node(Node(partial(go_later if mode == "asyncio" else go, "left"), "left")).after(start)
    dag.add_node(Node(partial(go, "right"), "right")).after(start)
    module = flat(dag, mode)
    WHERE.set("outside")
    assert module.run() == {"start": "outside", "left": "outside", "right": "outside"}
    assert WHERE.get() == "outside"


# -- what else a node may have ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_policies_contexts_and_nested_workflows_work_as_in_the_runner(flat: Any, mode: Mode) -> None:
    def deciding() -> tuple[DAG, list[int]]:
        calls = list[int]()
        inner, dag = DAG("inner", metadata={"unit": "EUR"}), DAG("random", metadata={"unit": "USD"})

        def unsure(x: int) -> int:
            calls.append(x)
            if len(calls) < 3:
                raise ValueError(x)
            return x + 1

        def told(x: int, context: Context) -> str:
            return f"{x} {context.metadata['unit']} {context.get_result('unsure')}"

        inner.add_node(Node(lambda y: y * 2, "double")) >> inner.add_node(Node(told, "told"))
        first = dag.add_node(Node(unsure, policies=[RetryStrategy(5, delay=0)]))
        check = dag.add_node(Condition(lambda x: ConditionalReturn(x > 0, -x), "check"))
        first >> check
        check.on_true >> dag.add_workflow("inside", inner)
        check.on_false >> dag.add_node(Node(lambda x: x, "negative"))
        first >> dag.add_node(Node(told, "last"))
        return dag, calls

    for x in (4, -4):
        (one, calls), (other, expected_calls) = deciding(), deciding()
        found, expected = Runner(flat(one, mode)), Runner(other)
        found.run({"x": x}, "parallel")
        expected.run({"x": x})
        assert found.metrics.results == expected.metrics.results
        assert found.metrics.statuses == expected.metrics.statuses
        assert branches(found.metrics) == branches(expected.metrics)
        assert calls == expected_calls == [x] * 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fails", [False, True])
def test_an_instrumented_module_tells_observers_of_each_node_also_of_several_at_once(
    flat: Any, mode: Mode, fails: bool
) -> None:
    dag, met = DAG("random"), meeting(2)

    def work(x: int) -> int:
        if mode == "threads":
            met.wait()
        return x

    def last(left: int, right: int) -> int:
        return left // (not fails)

    end = dag.add_node(Node(last))
    dag.add_node(Node(work, "one")) >> end
    dag.add_node(Node(work, "other")) >> end
    check = dag.add_node(Condition(lambda x: x > 0, "check"))
    check.on_true >> dag.add_node(Node(lambda x: x, "never"))
    check >> dag.nodes["one"]

    def told(runner: Runner[Any]) -> tuple[Counter[tuple[str, str]], Any]:
        with suppress(WorkflowExecutionError):
            runner.run({"x": -1}, "parallel")
        seen = Counter((type(event).__name__, getattr(event, "node", "")) for event in events)
        events.clear()
        return seen, runner.metrics.statuses

    events = list[Any]()
    found = told(Runner(flat(dag, mode, instrument=True), observers=[events.append], max_workers=2))
    assert found == told(Runner(dag, observers=[events.append], max_workers=2))
    runner = Runner(flat(dag, mode, instrument=True), max_workers=2)
    with suppress(WorkflowExecutionError):
        runner.run({"x": -1}, "parallel")
    assert set(runner.metrics.node_times) == {"check", "one", "other", "last"}


def test_the_times_of_nodes_that_run_at_once_are_told_apart(flat: Any) -> None:
    dag, begun, over = DAG("random"), threading.Event(), threading.Event()
    dag.add_node(Node(lambda: begun.set() or over.wait(60), "long"))
    waits = dag.add_node(Node(lambda: begun.wait(60), "waits"))
    waits >> dag.add_node(Node(lambda _: over.set(), "within"))
    runs = Runner(flat(dag, "threads", instrument=True), max_workers=2).run().executions
    assert runs["long"].start < runs["within"].start
    assert runs["long"].duration > runs["within"].duration


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("workers", [1, 2])
def test_who_shares_the_value_of_a_pure_node_waits_for_it(flat: Any, mode: Mode, workers: int) -> None:
    dag, calls = DAG("random"), list[int]()

    def count(x: int) -> int:
        calls.append(x)
        return x * 2

    first, second = (dag.add_node(Node(count, name, pure=True)) for name in ("first", "second"))
    first >> dag.add_node(Node(lambda x: x + 1, "after_first"))
    second >> dag.add_node(Node(lambda x: x + 2, "after_second"))
    module = flat(dag, mode, level=2)
    expected = {"first": 6, "second": 6, "after_first": 7, "after_second": 8}
    assert module.run(3, max_workers=workers) == expected
    assert calls == [3]
    assert sum(missing for *_, missing in module.GROUPS) > 0


@pytest.mark.parametrize("mode", MODES)
def test_the_marker_of_what_was_skipped_is_a_value_like_any_other_in_every_mode(flat: Any, mode: Mode) -> None:
    dag = DAG("random")
    dag.add_node(Node(lambda: SKIPPED, "odd")) >> dag.add_node(Node(lambda x: x is SKIPPED, "check"))
    metrics = Runner(flat(dag, mode)).run({}, "parallel")
    assert metrics.results == {"odd": SKIPPED, "check": True}
    assert metrics.statuses == {"odd": "done", "check": "done"}


@pytest.mark.parametrize("mode", MODES)
def test_names_that_the_module_wants_itself_can_be_the_users(flat: Any, mode: Mode) -> None:
    dag = DAG("random")
    names = ["crew", "values", "max_workers", "error", "Crew", "GROUPS", "PENDING", "go", "_g0", "threading", "taken"]
    previous = None
    for name in names:
        node = dag.add_node(Node(lambda x, **more: x + 1, name, inputs=["x", name]))
        if previous is not None:
            previous.connect_to(node, input_name="x")
        previous = node
    inputs = dict.fromkeys(names, 0) | {"x": 1}
    module = flat(dag, mode)
    expected = Runner(dag).run(inputs).results
    assert Runner(module).run(inputs, "parallel").results == expected
    assert module.run(**{module.INPUTS[name]: value for name, value in inputs.items()}) == expected
    assert module.INPUTS["max_workers"] == "max_workers"


class Big:
    """A value that can be watched."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 50])
def test_what_is_not_kept_and_not_read_any_more_is_let_go(
    flat: Any, mode: Mode, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "schedule", partial(schedule, size=size))
    dag, alive, most = DAG("random"), weakref.WeakSet[Big](), [0]

    def make(before: Any = None) -> Big:
        found = Big()
        alive.add(found)
        gc.collect()
        most[0] = max(most[0], len(alive))
        return found

    first = previous = dag.add_node(Node(make, "n0"))
    for number in range(1, 30):
        node = dag.add_node(Node(make, f"n{number}"))
        previous >> node
        previous = node
    dag.add_node(Node(lambda: 1, "beside")).after(first)
    runner = Runner(flat(dag, mode, keep=("n3", "beside")))
    assert set(runner.run({"before": 1}, "parallel").results) == {"n3", "n29", "beside"}
    assert set(runner.metrics.statuses.values()) == {"done"}
    assert most[0] == 3  # the one that is kept, the one that is read, and the new one


def test_ports_of_one_name_can_be_addressed_one_by_one(flat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE / "flows")
    workflow = workflow_of("flat_etl:etl")
    inputs = {"load.limit": 2, "price.limit": 0.5}
    module = flat(workflow, "threads")
    expected = Runner(workflow).run(inputs).results
    assert Runner(module).run(inputs, "parallel").results == expected
    assert asyncio.run(Runner(module).run_async(inputs, "parallel")).results == expected


# -- on a loop --------------------------------------------------------------------------------------------------------


def test_the_loop_goes_on_while_threads_run(flat: Any) -> None:
    dag, heard = DAG("random"), threading.Event()
    dag.add_node(Node(lambda: heard.wait(60), "hears"))
    module = flat(dag, "threads")

    async def main() -> Any:
        asyncio.get_running_loop().call_soon(heard.set)
        return await Runner(module).run_async({}, "parallel")

    assert asyncio.run(main()).results == {"hears": True}


@pytest.mark.parametrize("mode", MODES)
def test_a_run_that_is_cancelled_lets_what_runs_come_to_its_end_and_begins_nothing(flat: Any, mode: Mode) -> None:
    dag, log = DAG("random"), list[str]()
    begun, goes_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        goes_on.wait(60)
        return "slow"

    async def slow_later() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cleaned up")

    after = dag.add_node(Node(lambda _: log.append("after"), "after"))
    dag.add_node(Node(slow_later if mode == "asyncio" else slow, "slow")) >> after
    dag.add_node(Node(lambda: log.append("never"), "never")).after(after)
    runner = Runner(flat(dag, mode))

    async def main() -> None:
        task = asyncio.ensure_future(runner.run_async({}, "parallel"))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        asyncio.get_running_loop().call_soon(goes_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert runner.metrics.stop_reason == "interrupted"
    assert log == (["cleaned up"] if mode == "asyncio" else [])
    slow_is = ("failed", {}) if mode == "asyncio" else ("done", {"slow": "slow"})
    assert (runner.metrics.statuses["slow"], runner.metrics.results) == slow_is
    assert runner.metrics.statuses["after"] == "pending"


# -- what it is not for -----------------------------------------------------------------------------------------------


def test_a_workflow_that_cannot_run_in_a_mode_is_refused(flat: Any) -> None:
    fsm, dag = FSM("light"), DAG("random")
    fsm.state(is_initial=True)(lambda: 1)

    async def later() -> int:
        return 1

    dag.add_node(Node(later))
    for mode in MODES:
        with pytest.raises(CompileError, match='"light" is a state machine, of which one state runs at a time'):
            flat(fsm, mode)
    with pytest.raises(CompileError, match=r'has async nodes \(the first is "later"\).*mode="asyncio"'):
        flat(dag, "threads")


@pytest.mark.parametrize("mode", MODES)
def test_a_runner_runs_a_module_only_in_the_mode_that_it_was_compiled_for(flat: Any, mode: Mode) -> None:
    dag = DAG("random")
    dag.add_node(Node(lambda: 1, "one"))
    module = flat(dag, mode)
    for config, asked in ((None, "sequential"), (ExecutionConfig(), None), (None, "processes")):
        with pytest.raises(ValueError, match=f'of mode "{mode}" runs several nodes at once: ask for mode="parallel"'):
            Runner(module, config).run({}, asked)
    assert Runner(module, ExecutionConfig(mode="parallel")).run().results == {"one": 1}
    assert Runner(module).run().results == {"one": 1}


# -- the text ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def _flows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE / "flows")


def text_of(name: str) -> str:
    target, mode = GOLDEN[name]
    return compile_workflow(workflow_of(target).plan(), target=target, options=Options(mode=mode))


@pytest.mark.usefixtures("_flows")
@pytest.mark.parametrize("name", GOLDEN)
def test_the_text_of_the_modes_is_the_same_for_every_python_and_machine(name: str) -> None:
    kept = HERE / "golden" / "parallel" / f"{name}.py"
    text = text_of(name)
    if os.environ.get("FASTDAG_WRITE_GOLDEN"):
        write(text, kept)
    assert text == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_text_of_the_modes_does_not_depend_on_the_order_of_sets(seed: str) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(HERE / 'flows')!r}, {str(HERE.parents[1])!r}]\n"
        "from tests.codegen.test_compiled_parallel import GOLDEN, text_of\n"
        "for name in GOLDEN: sys.stdout.write(text_of(name))\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    kept = [(HERE / "golden" / "parallel" / f"{name}.py").read_text(encoding="utf-8") for name in GOLDEN]
    assert done.stdout == "".join(kept)


def test_mypy_accepts_the_modules_of_the_modes_strictly(pytestconfig: pytest.Config) -> None:
    cache = pytestconfig.cache.mkdir("mypy_of_parallel_modules") if pytestconfig.cache else os.devnull
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}"),
            *sorted(map(str, (HERE / "golden" / "parallel").glob("*.py"))),
        ],
        env={**os.environ, "MYPYPATH": str(HERE / "flows")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_module_imports_only_the_standard_library_and_the_users_modules(flat: Any) -> None:
    dag = DAG("random")
    dag.add_node(Node(lambda: 1, "one"))
    for mode in MODES:
        text = Path(flat(dag, mode).__file__).read_text(encoding="utf-8")
        imports = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
        assert imports[:2] == [
            "from __future__ import annotations",
            "from typing import Any, Final, TYPE_CHECKING, TypedDict",
        ]
        assert {line.split()[1] for line in imports[2:]} <= {"flat_random", *sys.stdlib_module_names}


def test_a_thousand_nodes_are_a_module_of_groups(flat: Any) -> None:
    dag = DAG("random")
    previous = dag.add_node(Node(lambda x: x + 1, "n0"))
    for number in range(1, 1000):
        node = dag.add_node(Node(lambda x: x + 1, f"n{number}"))
        previous >> node
        previous = node
    module = flat(dag, "threads")
    assert len(module.GROUPS) == 20
    assert module.run(0)["n999"] == 1000
