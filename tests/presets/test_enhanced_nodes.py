"""Nodes with a version and a life, in workflows and by themselves, with other policies around them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from fastdag_typed import DAG, Node, Runner, WorkflowExecutionError
from fastdag_typed.context import Context
from fastdag_typed.policies.cache import Cache
from fastdag_typed.policies.hooks import Hooks
from fastdag_typed.policies.lifecycle import LifecycleHook, LoggingHook, NodeLifecycle, ValidationHook
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.presets.nodes import CachedNode, EnhancedNode, RetryableNode
from fastdag_typed.store.versions import VersionedNodeRegistry


class Noting(LifecycleHook):
    """Notes what it is called for, and what the node is at then."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def _note(self, what: str, node: Any) -> None:
        self.notes.append(f"{what}: {node.lifecycle_state.value}")

    async def on_before_init(self, node, context):
        self._note("before init", node)

    async def on_after_init(self, node, context):
        self._note("after init", node)

    async def on_before_execute(self, node, context, inputs):
        self._note("before execute", node)
        return inputs

    async def on_after_execute(self, node, context, result):
        self._note("after execute", node)
        return result

    async def on_error(self, node, context, error):
        self._note("error", node)

    async def on_dispose(self, node, context):
        self._note("dispose", node)


BEGIN = ["before init: initializing", "after init: initializing"]
CALL = ["before execute: executing", "after execute: executing"]


def double(x: int) -> int:
    return 2 * x


def test_the_specification_s_example_runs():
    dag = DAG("enhanced_workflow")
    logging_hook = LoggingHook(logging.getLogger(__name__))
    validation_hook = ValidationHook(input_schema={"data": {"type": list}}, output_schema={"type": dict})

    @dag.node()
    def process_v1(data: list[int]) -> dict[str, Any]:
        return {"count": len(data), "version": "1.0.0"}

    enhanced_node = EnhancedNode(
        func=process_v1,
        name="processor",
        version="1.0.0",
        hooks=[logging_hook, validation_hook],
        metadata={"author": "system", "description": "Data processor v1"},
    )
    registry = VersionedNodeRegistry()
    registry.register(enhanced_node)
    cached_node = CachedNode(
        func=lambda data: {"count": len(data), "sum": sum(data), "version": "2.0.0"},
        name="processor",
        version="2.0.0",
        cache_ttl=300,
        hooks=[logging_hook],
    )
    registry.register(cached_node)
    dag.add_node(registry.get("processor", "1.0.0"))
    metrics = asyncio.run(Runner(dag).run_async(inputs={"data": [1, 2, 3, 4, 5]}))
    assert metrics.results["processor"] == {"count": 5, "version": "1.0.0"}
    assert registry.get("processor") is cached_node


# -- in a run ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_run_initializes_and_disposes(mode):
    hook = Noting()
    node = EnhancedNode(double, hooks=[hook])
    assert node.lifecycle_state is NodeLifecycle.CREATED
    dag = DAG("d")
    dag.add_node(node)
    for _ in range(2):
        assert Runner(dag).run({"x": 2}, mode).value == 4
        assert hook.notes == [*BEGIN, *CALL, "dispose: completed"]
        assert node.lifecycle_state is NodeLifecycle.DISPOSED
        hook.notes.clear()


def test_a_node_without_hooks_has_a_state_too():
    seen: list[NodeLifecycle] = []
    node: EnhancedNode[[], None] = EnhancedNode(lambda: seen.append(node.lifecycle_state), "n")
    dag = DAG("d")
    dag.add_node(node)
    dag.run()
    assert seen == [NodeLifecycle.EXECUTING]
    assert node.lifecycle_state is NodeLifecycle.DISPOSED


def test_a_hook_may_be_added_and_removed_between_runs():
    first, second = Noting(), Noting()
    node = EnhancedNode(double, hooks=[first])
    dag = DAG("d")
    dag.add_node(node)
    runner = Runner(dag)
    runner.run({"x": 1})
    node.add_hook(second)
    node.remove_hook(first)
    assert node.hooks == (second,)
    first.notes.clear()
    runner.run({"x": 1})
    assert first.notes == []
    assert second.notes == [*BEGIN, *CALL, "dispose: completed"]
    with pytest.raises(ValueError, match='Node "double" does not have the hook'):
        node.remove_hook(first)
    with pytest.raises(TypeError, match="is no hook"):
        node.add_hook(Noting)  # type: ignore[arg-type]  # that is what is shown


def test_a_copy_has_a_life_and_hooks_of_its_own():
    hook = Noting()
    node = EnhancedNode(double, hooks=[hook], metadata={"a": 1}, policies=[Cache()])
    twin = node.copy("twin")
    twin.remove_hook(hook)
    twin.metadata["b"] = 2
    dag = DAG("d")
    dag.add_node(twin)
    dag.run(x=1)
    assert twin.lifecycle_state is NodeLifecycle.DISPOSED
    assert (node.hooks, node.lifecycle_state, node.metadata) == ((hook,), NodeLifecycle.CREATED, {"a": 1})
    assert hook.notes == []


def test_what_is_no_version_is_refused_when_the_node_is_made():
    with pytest.raises(ValueError, match="'one' is no version"):
        EnhancedNode(double, version="one")


def test_it_is_a_node_like_any_other():
    node = EnhancedNode(double, "n", "1.2", metadata={"a": 1}, inputs=["x"], description="Doubles")
    assert isinstance(node, Node)
    assert (node.name, node.version, node.metadata, node.inputs, node.description) == (
        "n",
        "1.2",
        {"a": 1},
        ["x"],
        "Doubles",
    )
    assert node(3) == 6
    dag = DAG("d")
    dag.add_node(Node(lambda: 4, "four")) >> dag.add_node(node)
    assert dag.run() == 8


# -- by itself --------------------------------------------------------------------------------------------------------


def test_executed_by_itself_it_is_initialized_once_until_it_is_disposed_of():
    hook = Noting()
    node = EnhancedNode(double, hooks=[hook])

    async def main():
        context = Context()
        assert await node.execute(context, x=1) == 2
        assert await node.execute(context, x=2) == 4
        assert node.lifecycle_state is NodeLifecycle.COMPLETED
        assert hook.notes == [*BEGIN, *CALL, *CALL]
        await node.dispose(context)
        assert hook.notes.pop() == "dispose: completed"
        await node.dispose(context)
        assert hook.notes == [*BEGIN, *CALL, *CALL]
        assert node.lifecycle_state is NodeLifecycle.DISPOSED
        hook.notes.clear()
        await node.initialize(context)
        await node.initialize(context)
        assert node.lifecycle_state is NodeLifecycle.READY
        assert await node.execute(context, x=1) == 2
        assert hook.notes == [*BEGIN, *CALL]

    asyncio.run(main())


def test_executions_at_once_initialize_once_and_keep_their_contexts():
    go = asyncio.Event()
    notes: list[str] = []

    class Slow(LifecycleHook):
        async def on_before_init(self, node, context):
            notes.append("init")
            await go.wait()

        async def on_after_execute(self, node, context, result):
            await asyncio.sleep(0)
            return result, context.metadata["who"]

    async def later(x: int) -> int:
        await asyncio.sleep(0)
        return x

    node = EnhancedNode(later, hooks=[Slow()])

    async def main():
        tasks = [asyncio.create_task(node.execute(Context(metadata={"who": who}), x=who)) for who in range(3)]
        for _ in range(10):
            await asyncio.sleep(0)
        go.set()
        assert await asyncio.gather(*tasks) == [(0, 0), (1, 1), (2, 2)]

    asyncio.run(main())
    assert notes == ["init"]


def test_one_that_failed_to_initialize_is_initialized_again():
    attempts: list[int] = []

    class Flaky(LifecycleHook):
        def on_before_init(self, node, context):
            attempts.append(1)
            if len(attempts) == 1:
                raise OSError("disk")

    node = EnhancedNode(double, hooks=[Flaky()])

    async def main():
        with pytest.raises(OSError, match="disk"):
            await node.execute(Context(), x=1)
        assert node.lifecycle_state is NodeLifecycle.ERROR
        assert await node.execute(Context(), x=1) == 2

    asyncio.run(main())
    assert len(attempts) == 2


def test_a_hook_that_is_added_to_one_that_is_initialized_is_initialized_alone():
    first, second = Noting(), Noting()
    node = EnhancedNode(double, hooks=[first])

    async def main():
        await node.execute(Context(), x=1)
        node.add_hook(second)
        node.remove_hook(first)
        await node.execute(Context(), x=1)
        await node.dispose(Context())

    asyncio.run(main())
    assert first.notes == [*BEGIN, *CALL, "dispose: completed"]
    assert second.notes == [*BEGIN, *CALL, "dispose: completed"]


def test_what_dispose_cannot_do_is_raised_when_all_had_their_turn(caplog):
    class Broken(LifecycleHook):
        def on_dispose(self, node, context):
            raise OSError("disk")

    last = Noting()
    node = EnhancedNode(double, hooks=[Broken(), last])

    async def main():
        await node.execute(Context(), x=1)
        with pytest.raises(OSError, match="disk"):
            await node.dispose(Context())

    asyncio.run(main())
    assert last.notes[-1] == "dispose: completed"
    assert node.lifecycle_state is NodeLifecycle.DISPOSED


def test_an_error_is_raised_as_it_is_and_the_hooks_are_told():
    hook = Noting()

    def fail(x: int) -> int:
        raise ValueError(x)

    node = EnhancedNode(fail, hooks=[hook])
    with pytest.raises(ValueError, match="7"):
        asyncio.run(node.execute(Context(), x=7))
    assert hook.notes[-1] == "error: error"
    assert node.lifecycle_state is NodeLifecycle.ERROR


def test_a_plain_node_is_executed_with_its_policies_and_disposed_of_at_once():
    notes: list[str] = []

    class Ends(LifecycleHook):
        def on_before_init(self, node, context):
            notes.append("init")

        def on_dispose(self, node, context):
            notes.append("dispose")

    calls: list[int] = []

    def flaky(x: int, context: Context) -> str:
        calls.append(x)
        if len(calls) < 3:
            raise ValueError(x)
        return f"{x} {context.metadata['who']}"

    node = Node(flaky, policies=[Hooks([Ends()]), RetryStrategy(delay=0)])
    assert asyncio.run(node.execute(Context(metadata={"who": "me"}), x=1)) == "1 me"
    assert calls == [1, 1, 1]
    assert notes == ["init", "dispose"]


def test_waits_around_a_sync_function_do_not_stop_the_loop():
    async def main():
        waiting, go = asyncio.Event(), asyncio.Event()
        calls: list[int] = []

        def flaky(x: int) -> int:
            calls.append(x)
            if len(calls) == 1:
                raise ValueError(x)
            return x

        async def sleep(seconds: float) -> None:
            waiting.set()
            await go.wait()

        node = Node(flaky, policies=[RetryStrategy(delay=1, sleep=sleep)])
        task = asyncio.create_task(node.execute(Context(), x=1))
        await waiting.wait()
        assert not task.done()
        go.set()
        assert await task == 1

    asyncio.run(main())


# -- with a cache, with retries ---------------------------------------------------------------------------------------


def test_a_cached_node_keeps_values_until_it_is_cleared():
    calls: list[Any] = []
    node = CachedNode(lambda x: calls.append(x) or [x], "n", cache_ttl=300)
    dag = DAG("d")
    dag.add_node(node)
    assert [dag.run(x={"a": 1}), dag.run(x={"a": 1})] == [[{"a": 1}]] * 2
    assert len(calls) == 1
    assert asyncio.run(node.execute(Context(), x={"a": 1})) == [{"a": 1}]
    assert len(calls) == 1
    node.clear_cache()
    dag.run(x={"a": 1})
    assert len(calls) == 2
    assert node.cache_ttl == node.cache.ttl == 300


class Flaky:
    """Fails so many times before it succeeds."""

    def __init__(self, times: int, error: type[Exception] = ValueError) -> None:
        self.times = times
        self.error = error
        self.calls = 0

    def __call__(self, x: int) -> int:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error(x)
        return x


def test_a_retryable_node_is_called_again():
    func = Flaky(2)
    node = RetryableNode(func, "n", max_retries=2, retry_delay=0, retry_backoff=3, retry_exceptions=(ValueError,))
    assert (node.max_retries, node.retry_delay, node.retry_backoff) == (2, 0, 3)
    assert node.retry_exceptions == (ValueError,)
    dag = DAG("d")
    dag.add_node(node)
    assert dag.run(x=1) == 1
    assert func.calls == 3


def test_a_retryable_node_gives_up():
    for func, calls in ((Flaky(9), 3), (Flaky(9, KeyError), 1)):
        node = RetryableNode(func, "n", max_retries=2, retry_delay=0, retry_exceptions=(ValueError,))
        with pytest.raises(func.error):
            asyncio.run(node.execute(Context(), x=1))
        assert func.calls == calls


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
@pytest.mark.parametrize(
    "make",
    [
        lambda func, hook: EnhancedNode(func, "n", hooks=[hook], policies=[RetryStrategy(delay=0), Cache()]),
        lambda func, hook: CachedNode(func, "n", hooks=[hook], policies=[RetryStrategy(delay=0)]),
        lambda func, hook: RetryableNode(func, "n", hooks=[hook], retry_delay=0, policies=[Cache()]),
        lambda func, hook: Node(func, "n", policies=[Hooks([hook]), Cache(), RetryStrategy(delay=0)]),
    ],
    ids=["enhanced", "cached", "retryable", "plain"],
)
def test_hooks_cache_and_retries_combine_in_any_way(make, mode):
    class Counting(LifecycleHook):
        calls = errors = 0

        def on_after_execute(self, node, context, result):
            self.calls += 1
            return result

        def on_error(self, node, context, error):
            self.errors += 1

    func, hook = Flaky(2), Counting()
    dag = DAG("d")
    dag.add_node(make(func, hook))
    runner = Runner(dag)
    assert [runner.run({"x": 1}, mode).value for _ in range(2)] == [1, 1]
    assert (func.calls, hook.calls, hook.errors) == (3, 2, 0)


def test_a_failed_node_says_what_and_where():
    dag = DAG("d")
    dag.add_node(RetryableNode(Flaky(9), "n", max_retries=1, retry_delay=0))
    with pytest.raises(WorkflowExecutionError, match=r'Error in node "n" \(.*test_enhanced_nodes.py:\d+\): ValueError'):
        dag.run(x=1)
