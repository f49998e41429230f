"""When a cache gives what it has, and what callers at the same time are given."""

from __future__ import annotations

import asyncio
from threading import Barrier, Event, Lock, Thread
from typing import Any

import pytest

from fastdag_typed import DAG, FSM, ConditionalReturn, FSMReturn, Node, Runner, WorkflowExecutionError
from fastdag_typed.context import Context
from fastdag_typed.exceptions import CacheError
from fastdag_typed.policies.cache import Cache, CacheStats
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.retry import RetryStrategy

MODES = ["sequential", "parallel"]


class Clock:
    """Stands until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def one(func, cache, name="n", **options) -> DAG:
    dag = DAG("d")
    dag.add_node(Node(func, name, policies=[cache], **options))
    return dag


class Counting:
    """Counts the calls of a function."""

    def __init__(self, func=lambda x: x) -> None:
        self.func = func
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.func(x)


class CountingLater(Counting):
    """The same as an async function."""

    async def __call__(self, x: Any) -> Any:
        await asyncio.sleep(0)
        return super().__call__(x)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [Counting, CountingLater])
def test_a_call_with_the_same_arguments_is_made_once_in_all_runs(kind, mode):
    func = kind(lambda x: [x])
    runner = Runner(one(func, Cache()))
    assert [runner.run({"x": x}, mode).value for x in ({"a": [1]}, {"a": [1]}, {"a": [True]})] == [
        [{"a": [1]}],
        [{"a": [1]}],
        [{"a": [True]}],
    ]
    assert func.calls == 2


def test_what_one_caller_changes_no_other_sees():
    dag = one(lambda x: {"rows": [x]}, Cache())
    first = dag.run(x=1)
    first["rows"].append("mine")
    second = dag.run(x=1)
    assert second == {"rows": [1]}
    second["rows"].append("mine")
    assert dag.run(x=1) == {"rows": [1]}


def test_what_a_caller_did_to_an_argument_later_does_not_count():
    func = Counting(len)
    dag = one(func, Cache())
    rows = [1]
    assert dag.run(x=rows) == 1
    rows.append(2)
    assert dag.run(x=rows) == 2
    assert dag.run(x=[1]) == 1
    assert func.calls == 2


def test_the_order_of_a_dict_counts_for_the_function_can_see_it():
    def names(x):
        return list(x)

    dag = one(names, Cache())
    for x in ({"a": 1, "b": 2}, {"b": 2, "a": 1}):
        assert dag.run(x=x) == list(x)


def test_none_is_a_value_like_any_other():
    func = Counting(lambda x: None)
    dag = one(func, Cache())
    assert [dag.run(x=1), dag.run(x=1)] == [None, None]
    assert func.calls == 1


def test_errors_are_not_kept():
    func = Counting(lambda x: 1 / x)
    dag = one(func, Cache())
    for _ in range(2):
        with pytest.raises(WorkflowExecutionError, match="ZeroDivisionError"):
            dag.run(x=0)
    assert func.calls == 2


def test_the_time_that_a_value_is_kept_begins_when_it_was_made():
    clock = Clock()
    func = Counting()
    cache = Cache(10, clock=clock)
    dag = one(func, cache)
    dag.run(x=1)
    clock.now = 9.9
    dag.run(x=1)
    assert func.calls == 1
    assert cache.why("n") == "hit: made 9.9 s ago"
    clock.now = 10
    dag.run(x=1)
    assert func.calls == 2
    assert cache.why("n") == "miss: what was kept of it is older than 10 s"
    clock.now = 19.9
    dag.run(x=1)
    assert func.calls == 2


def test_a_value_without_a_time_limit_is_kept():
    clock = Clock()
    func = Counting()
    dag = one(func, Cache(None, clock=clock))
    dag.run(x=1)
    clock.now = 1e12
    dag.run(x=1)
    assert func.calls == 1


def test_the_value_not_asked_for_longest_makes_room():
    func = Counting()
    cache = Cache(max_size=2)
    dag = one(func, cache)
    for x in (1, 2, 1, 3):
        dag.run(x=x)
    assert func.calls == 3
    dag.run(x=1)
    assert func.calls == 3
    dag.run(x=2)
    assert func.calls == 4
    assert cache.why("n") == "miss: what was kept of it had to make room for others (max_size=2)"


def test_nodes_that_share_a_cache_are_kept_apart():
    cache = Cache()
    dag = DAG("d")
    first = dag.add_node(Node(lambda x: x + 1, "first", policies=[cache]))
    second = dag.add_node(Node(lambda x: x - 1, "second", policies=[cache]))
    first.after(second)
    assert Runner(dag).run({"x": 1}).results == {"first": 2, "second": 0}


def test_the_nodes_of_a_composed_function_share_what_they_call():
    calls = Counting(lambda x: x + 1)
    dag = DAG("d")
    step = dag.add_node(Node(calls, "step", policies=[Cache()]))

    @dag.compose
    def flow(a, b):
        return {"a": step(a), "b": step(b)}

    assert dag.run(a=1, b=1) == {"a": 2, "b": 2}
    assert calls.calls == 1


def test_arguments_are_the_same_however_they_are_passed():
    calls: list[Any] = []

    def add(a, b=2, *rest, c=3):
        calls.append((a, b, rest, c))
        return a + b + c

    node = Node(add, policies=[Cache()])
    dag = DAG("d")
    dag.add_node(node)
    assert dag.run(a=1) == 6
    assert asyncio.run(node.execute(Context(), c=3, b=2, a=1)) == 6
    assert asyncio.run(node.execute(Context(), a=1, b=3, c=2)) == 6
    assert len(calls) == 2


def test_conditions_and_states_may_have_a_cache():
    cache = Cache()
    dag = DAG("d")

    @dag.condition(policies=[cache])
    def big(x: int) -> ConditionalReturn[list[int]]:
        return ConditionalReturn(x > 5, [x])

    big.on_true >> dag.add_node(Node(lambda x: x.append(1) or x, "yes"))
    big.on_false >> dag.add_node(Node(lambda x: x, "no"))
    assert [dag.run(x=6), dag.run(x=6), dag.run(x=1)] == [{"yes": [6, 1]}, {"yes": [6, 1]}, {"no": [1]}]
    assert cache.stats.hits == 1

    machine = FSM("m", max_cycles=10)

    @machine.state(is_initial=True)
    def begin() -> FSMReturn[int]:
        return FSMReturn("flip", 0)

    @machine.state(policies=[cache])
    def flip(n: int) -> FSMReturn[int]:
        return FSMReturn("flip", 1 - n)

    machine.run()
    assert cache.stats[:2] == (1 + 7, 2 + 2)


# -- callers at the same time -----------------------------------------------------------------------------------------


def test_of_threads_that_call_at_once_one_makes_the_call():
    count = 4
    all_looked = Barrier(count, timeout=30)
    calls = []
    results: list[Any] = []

    def key(x):
        all_looked.wait()
        return x

    def slow(x):
        calls.append(x)
        return [x]

    dag = one(slow, Cache(key=key))
    threads = [Thread(target=lambda: results.append(dag.run(x=1))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert results == [[1]] * count
    assert len({id(result) for result in results}) == count


def test_threads_that_waited_for_a_call_that_failed_make_their_own():
    second_is_there, calls, outcomes = Event(), [], []
    asked = []

    def key(x):
        asked.append(x)
        if len(asked) == 2:
            second_is_there.set()
        return x

    def flaky(x):
        calls.append(x)
        if len(calls) == 1:
            assert second_is_there.wait(30)
            raise ValueError("first")
        return x

    dag = one(flaky, Cache(key=key))

    def run():
        try:
            outcomes.append(dag.run(x=1))
        except WorkflowExecutionError as error:
            outcomes.append(str(error.__cause__))

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [1, "first"]
    assert calls == [1, 1]


def test_tasks_wait_without_stopping_the_loop():
    async def main():
        begun, go = asyncio.Event(), asyncio.Event()
        calls = []

        async def slow(x):
            calls.append(x)
            begun.set()
            await go.wait()
            return [x]

        cache = Cache()
        dag = one(slow, cache)
        tasks = [asyncio.create_task(dag.run_async(x=1)) for _ in range(3)]
        await begun.wait()
        for _ in range(20):  # the loop goes on
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks)
        go.set()
        results = await asyncio.gather(*tasks)
        assert results == [[1]] * 3
        assert calls == [1]
        assert cache.why("n") == "hit: it was just being made"
        assert cache.stats == CacheStats(hits=2, misses=1, unkept=0, size=1)

    asyncio.run(main())


def test_a_task_that_waited_for_one_that_was_cancelled_makes_the_call():
    async def main():
        first_is_in, go = asyncio.Event(), asyncio.Event()
        calls = []

        async def slow(x):
            calls.append(x)
            first_is_in.set()
            await go.wait()
            return x

        dag = one(slow, Cache())
        first = asyncio.create_task(dag.run_async(x=1))
        await first_is_in.wait()
        second = asyncio.create_task(dag.run_async(x=1))
        for _ in range(10):
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.set()
        assert await second == 1
        assert calls == [1, 1]

    asyncio.run(main())


def test_a_task_that_is_cancelled_while_it_waits_disturbs_nobody():
    async def main():
        go = asyncio.Event()

        async def slow(x):
            await go.wait()
            return x

        cache = Cache()
        dag = one(slow, cache)
        first, second, third = (asyncio.create_task(dag.run_async(x=1)) for _ in range(3))
        for _ in range(10):
            await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        go.set()
        assert await asyncio.gather(first, third) == [1, 1]
        assert cache.stats.misses == 1

    asyncio.run(main())


def test_loops_in_several_threads_share_one_call():
    count = 3
    all_looked = Barrier(count, timeout=30)
    calls = []

    def key(x):
        all_looked.wait()
        return x

    async def slow(x):
        calls.append(x)
        await asyncio.sleep(0)
        return x

    dag = one(slow, Cache(key=key))
    results: list[Any] = []
    threads = [Thread(target=lambda: results.append(dag.run(x=1))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1] * count
    assert calls == [1]


def test_a_call_inside_of_itself_does_not_wait_for_itself():
    depth = []

    def again(x):
        depth.append(x)
        return x if len(depth) > 1 else dag.run(x=x)

    dag = one(again, Cache())
    assert dag.run(x=1) == 1
    assert len(depth) == 2


def test_an_async_call_inside_of_itself_does_not_wait_for_itself():
    depth = []

    async def again(x):
        depth.append(x)
        return x if len(depth) > 1 else await dag.run_async(x=x)

    dag = one(again, Cache())
    assert dag.run(x=1) == 1
    assert len(depth) == 2


def test_what_is_cleared_while_it_is_made_is_not_kept():
    cache = Cache()
    func = Counting(lambda x: cache.clear() or x)
    dag = one(func, cache)
    assert [dag.run(x=1), dag.run(x=1)] == [1, 1]
    assert func.calls == 2


def test_a_retry_is_inside_of_the_cache():
    calls = []

    def flaky(x):
        calls.append(x)
        if len(calls) < 3:
            raise ValueError(x)
        return x

    cache = Cache()
    dag = DAG("d")
    dag.add_node(Node(flaky, "n", policies=[cache, RetryStrategy(delay=0)]))
    assert [dag.run(x=1), dag.run(x=1)] == [1, 1]
    assert len(calls) == 3
    assert cache.stats[:2] == (1, 1)


# -- what cannot be kept ----------------------------------------------------------------------------------------------


def test_a_call_whose_arguments_cannot_be_compared_is_made_and_not_kept(caplog):
    count = 0

    def closure():
        return count

    func = Counting(lambda x: x())
    cache = Cache()
    dag = one(func, cache)
    assert dag.run(x=closure) == 0
    count = 1
    assert dag.run(x=closure) == 1
    assert cache.stats == CacheStats(hits=0, misses=2, unkept=2, size=0)
    assert cache.why("n").startswith('unkept: argument "x" cannot be compared: function')
    assert len(caplog.records) == 1
    assert 'A call of node "n" is not cached: argument "x"' in caplog.text


def test_arguments_that_are_nested_too_deep_are_not_compared():
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    func = Counting(lambda x: None)
    cache = Cache()
    dag = one(func, cache)
    dag.run(x=value)
    assert cache.why("n").startswith("unkept")
    while value:  # taken apart one by one, for Python cannot do it at once either
        value = value.pop()


def test_a_value_that_cannot_be_copied_is_given_and_not_kept(caplog):
    func = Counting(lambda x: Lock())
    cache = Cache()
    dag = one(func, cache)
    assert dag.run(x=1) is not dag.run(x=1)
    assert func.calls == 2
    assert "Cache(copy=False)" in cache.why("n")
    assert len(caplog.records) == 1


def test_without_copies_all_callers_are_given_the_same_object():
    func = Counting(lambda x: Lock())
    dag = one(func, Cache(copy=False))
    assert dag.run(x=1) is dag.run(x=1)
    assert func.calls == 1


def test_a_key_says_what_counts():
    func = Counting()

    async def key(x):
        await asyncio.sleep(0)
        return {"name": x["name"]}

    cache = Cache(key=key)
    dag = one(func, cache)
    assert dag.run(x={"name": "a", "at": 1}) == dag.run(x={"name": "a", "at": 2}) == {"name": "a", "at": 1}
    dag.run(x={"name": "b", "at": 1})
    assert cache.why("n") == "miss: no call with these arguments is known; since the last call the key changed"


def with_context(x: int, context: Context) -> int:
    return x + int(context.metadata["plus"])


def test_a_node_that_takes_the_context_needs_a_key():
    with pytest.raises(CacheError, match=r'Node "n" \(.*test_cache.py:\d+\) takes the context.*key=lambda') as caught:
        one(with_context, Cache()).run(x=1)
    assert caught.value.node_name == "n"
    dag = one(with_context, Cache(key=lambda x, context: (x, context.metadata["plus"])))
    assert [dag.run(x=1, context=Context(metadata={"plus": plus})) for plus in (1, 1, 2)] == [2, 2, 3]


# -- asking -----------------------------------------------------------------------------------------------------------


def test_a_miss_names_the_arguments_that_changed():
    def add(a, b, c=0):
        return a + b + c

    cache = Cache()
    dag = one(add, cache)
    dag.run(a=1, b=1)
    assert cache.why("n") == "miss: there is no earlier call to compare with"
    dag.run(a=1, b=2, c=3)
    assert cache.why(dag.nodes["n"]) == (
        'miss: no call with these arguments is known; since the last call argument "b", argument "c" changed'
    )
    dag.run(a=1, b=1)
    assert cache.why("n").startswith("hit: made ")


def test_a_miss_after_a_failure_says_so():
    cache = Cache()
    dag = one(lambda x: 1 / x, cache)
    for _ in range(2):
        with pytest.raises(WorkflowExecutionError):
            dag.run(x=0)
    assert cache.why("n") == "miss: the last call with these arguments left nothing"


def test_a_node_that_was_never_called_is_not_explained():
    cache = Cache()
    dag = one(lambda x: x, cache, "load")
    dag.run(x=1)
    with pytest.raises(KeyError, match='did you mean "load"'):
        cache.why("laod")


def test_what_is_cleared_is_made_again():
    func = Counting()
    cache = Cache()
    dag = one(func, cache)
    dag.run(x=1)
    cache.clear()
    assert cache.stats == CacheStats(hits=0, misses=1, unkept=0, size=0)
    dag.run(x=1)
    assert func.calls == 2


@pytest.mark.parametrize("options", [{"ttl": 0}, {"ttl": -1}, {"max_size": 0}])
def test_limits_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="is more than 0"):
        Cache(**options)


# -- nodes that come with one -----------------------------------------------------------------------------------------


def test_a_cached_node_of_a_workflow_is_a_node_with_a_cache():
    dag = DAG("d")
    calls: list[int] = []

    @dag.cached_node
    def first(x: int) -> int:
        calls.append(x)
        return x

    @dag.cached_node(name="second", inputs=["y"], cache_ttl=None, policies=[RetryStrategy(delay=0)])
    def second(y: int) -> int:
        calls.append(y)
        return y + 1

    first >> second
    assert [dag.run(x=1), dag.run(x=1)] == [2, 2]
    assert calls == [1, 1]
    assert [policy.ttl for policy in (first.policies[0], second.policies[0])] == [3600, None]
    assert len(second.policies) == 2


def test_a_cached_node_works_in_another_process_only_once():
    dag = one(double_there, Cache(copy=True))
    with Runner(dag, policies=[Place("process")]) as runner:
        assert [runner.run({"x": 2}).value for _ in range(2)] == [4, 4]
    assert dag.nodes["n"].policies[0].stats[:2] == (1, 1)


def double_there(x: int) -> int:
    return 2 * x
