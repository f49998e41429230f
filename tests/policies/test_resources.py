"""Memory is given in the order of asking, never beyond the limit, and always given back."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed.exceptions import MemoryLimitError
from fastdag_typed.policies.resources import Memory, ResourceManager
from tests.policies.memory import PATIENCE, Machine, manager, node, settle, until

if TYPE_CHECKING:
    from fastdag_typed import Node


def test_what_is_acquired_is_in_the_account_until_it_is_released() -> None:
    async def work() -> None:
        resources, a, b = manager(), node("a"), node("b")
        assert await resources.acquire_resources(a, 30)
        assert await resources.acquire_resources(b, 70)
        assert await resources.acquire_resources(a, 0)
        assert resources.current_memory_usage == 100
        assert resources.node_memory_usage == {"a": 30, "b": 70}
        await resources.release_resources(a)
        await resources.release_resources(a)
        assert resources.node_memory_usage == {"b": 70}
        await resources.release_resources(b)
        assert (resources.current_memory_usage, resources.node_memory_usage) == (0, {})

    asyncio.run(work())


def test_what_was_not_acquired_cannot_be_released() -> None:
    resources, a = manager(), node("a")
    with pytest.raises(ValueError, match=r'"a" gives back memory, but none was acquired'):
        resources.release(a)
    resources.acquire(a, 1)
    resources.release(a)
    with pytest.raises(ValueError, match="none was acquired"):
        resources.release(a)


def test_without_a_limit_everything_fits() -> None:
    resources = ResourceManager()
    resources.acquire(node("a"), 10**9)
    resources.acquire(node("b"), 10**9)
    assert resources.current_memory_usage == 2 * 10**9


def test_a_small_one_does_not_pass_a_large_one_that_waits() -> None:
    async def work() -> None:
        resources, holder, large, small = manager(), node("holder", 60), node("large", 80), node("small", 10)
        order: list[str] = []

        async def take(one: Node[..., Any]) -> None:
            await resources.acquire_resources(one)
            order.append(one.name)

        await take(holder)
        tasks = [asyncio.create_task(take(one)) for one in (large, small)]
        await settle()
        assert order == ["holder"], "the small one would fit, but the large one was first"
        resources.release(holder)
        await asyncio.gather(*tasks)
        assert order == ["holder", "large", "small"]
        assert resources.current_memory_usage == 90

    asyncio.run(work())


def test_one_that_stops_to_wait_makes_room_for_those_behind_it() -> None:
    async def work() -> None:
        resources, holder, large, small = manager(), node("holder", 60), node("large", 80), node("small", 10)
        await resources.acquire_resources(holder)
        waits = asyncio.create_task(resources.acquire_resources(large))
        behind = asyncio.create_task(resources.acquire_resources(small))
        await settle()
        waits.cancel()
        assert await behind
        assert waits.cancelled()
        assert resources.node_memory_usage == {"holder": 60, "small": 10}

    asyncio.run(work())


def test_one_that_is_cancelled_just_when_its_turn_comes_gives_it_back() -> None:
    async def work() -> None:
        resources, holder, next_one, last = manager(), node("holder", 100), node("next", 100), node("last", 100)
        await resources.acquire_resources(holder)
        cancelled = asyncio.create_task(resources.acquire_resources(next_one))
        waits = asyncio.create_task(resources.acquire_resources(last))
        await settle()
        resources.release(holder)  # it is the turn of the next one, which has not been told yet
        assert resources.node_memory_usage == {"next": 100}
        cancelled.cancel()
        assert await waits
        assert resources.node_memory_usage == {"last": 100}

    asyncio.run(work())


def test_threads_and_tasks_wait_in_one_line() -> None:
    resources, holder = manager(), node("holder", 100)
    order: list[str] = []

    def in_thread() -> None:
        resources.acquire(thread)
        order.append("thread")
        resources.release(thread)

    async def work() -> None:
        resources.acquire(holder)
        first = asyncio.create_task(take(task_a))
        await settle()
        in_another = asyncio.get_running_loop().run_in_executor(pool, in_thread)
        until(lambda: len(resources.turns.waiting) == 2)
        last = asyncio.create_task(take(task_b))
        await settle()
        resources.release(holder)
        await asyncio.gather(first, in_another, last)

    async def take(one: Node[..., Any]) -> None:
        await resources.acquire_resources(one)
        order.append(one.name)
        resources.release(one)

    task_a, thread, task_b = node("a", 100), node("thread", 100), node("b", 100)
    with ThreadPoolExecutor(1) as pool:
        asyncio.run(work())
    assert order == ["a", "thread", "b"]
    assert resources.current_memory_usage == 0


def test_a_waiting_task_whose_loop_was_closed_stops_nobody() -> None:
    resources, holder, lost, other = manager(), node("holder", 100), node("lost", 100), node("other", 100)
    resources.acquire(holder)
    loop = asyncio.new_event_loop()
    coroutine = resources.acquire_resources(lost)
    task = loop.create_task(coroutine)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(resources.acquire, other)
        until(lambda: len(resources.turns.waiting) == 2)
        resources.release(holder)
        assert waits.result(PATIENCE)
    assert resources.node_memory_usage == {"other": 100}
    coroutine.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # the point of the test
    assert resources.node_memory_usage == {"other": 100}


def test_an_event_loop_is_not_stopped_to_wait_for_memory() -> None:
    async def work() -> None:
        resources, holder = manager(), node("holder", 100)
        resources.acquire(holder)
        with pytest.raises(RuntimeError, match=r"in an event loop: await acquire_resources"):
            resources.acquire(node("other", 1))
        resources.release(holder)
        assert resources.current_memory_usage == 0

    asyncio.run(work())


def test_while_others_run_a_call_also_waits_for_memory_that_the_machine_does_not_have() -> None:
    machine = Machine(free=10)
    resources = ResourceManager(1000, gauge=machine)
    first, second = node("first", 50), node("second", 50)

    async def work() -> None:
        await resources.acquire_resources(first)  # alone: nothing would ever wake it
        waits = asyncio.create_task(resources.acquire_resources(second))
        await settle()
        assert not waits.done()
        machine.free = 60
        resources.release(first)
        assert await waits

    asyncio.run(work())


# -- what a node needs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "estimated", "needed"),
    [((), None, 100), ((7.2,), None, 8), ((7, 9), None, 9), ((7,), 3, 3), ((), 0, 0)],
)
def test_a_node_needs_what_is_estimated_else_declared_else_the_default(
    declared: tuple[float, ...], estimated: float | None, needed: int
) -> None:
    assert manager(1000).need(node("a", *declared), estimated) == needed


def test_a_guess_is_cut_to_the_limit() -> None:
    assert manager(40).need(node("a")) == 40


def test_by_hand_too_a_node_that_can_never_fit_is_refused() -> None:
    with pytest.raises(MemoryLimitError, match="needs 101 MB"):
        asyncio.run(manager(100).acquire_resources(node("a"), 101))


@pytest.mark.parametrize("make", [lambda: Memory(-1), lambda: Memory(float("nan")), lambda: ResourceManager(0)])
def test_what_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="not"):
        make()


# -- in any order ----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=12), st.randoms())
def test_the_account_holds_whatever_is_asked_cancelled_and_released(asked: list[tuple[int, bool]], random: Any) -> None:
    async def work() -> None:
        resources = manager(100)
        inside: list[int] = []
        granted: list[int] = []

        async def one(number: int, megabytes: int) -> None:
            own = node(str(number))
            await resources.acquire_resources(own, megabytes)
            granted.append(number)
            inside.append(megabytes)
            try:
                assert sum(inside) == resources.current_memory_usage <= 100
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            finally:
                inside.remove(megabytes)
                resources.release(own)

        tasks = [asyncio.create_task(one(number, megabytes)) for number, (megabytes, _) in enumerate(asked)]
        for task, (_, cancelled) in zip(tasks, asked, strict=True):
            for _ in range(random.randrange(4)):
                await asyncio.sleep(0)
            if cancelled:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert granted == sorted(granted), "first come first served"
        assert {n for n, (_, cancelled) in enumerate(asked) if not cancelled} <= set(granted)
        assert (resources.current_memory_usage, resources.node_memory_usage) == (0, {})

    asyncio.run(work())
