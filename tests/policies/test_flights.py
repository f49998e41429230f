"""How those who wait for another caller's work stop to wait."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import RunTimeoutError
from fastdag_typed.policies.cache import Cache
from fastdag_typed.run.config import ExecutionConfig

if TYPE_CHECKING:
    from collections.abc import Generator


class Work:
    """Something that takes until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, x: int) -> int:
        self.begun.set()
        assert self.go.wait(30)
        return x


@contextmanager
def under_way(work: Work, cache: Cache) -> Generator[list[Any]]:
    """Have another run do the work meanwhile; give its values."""
    values: list[Any] = []
    dag = with_cache(work, cache)
    thread = threading.Thread(target=lambda: values.append(dag.run(x=1)))
    thread.start()
    try:
        assert work.begun.wait(30)
        yield values
    finally:
        work.go.set()
        thread.join()


def with_cache(func, cache: Cache) -> DAG:
    dag = DAG("d")
    dag.add_node(Node(func, "n", policies=[cache]))
    return dag


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_thread_does_not_wait_longer_than_its_run_may_take(mode):
    work, cache = Work(), Cache()
    with under_way(work, cache) as values:
        runner = Runner(with_cache(work, cache), ExecutionConfig(run_timeout_seconds=0.05))
        with pytest.raises(WorkflowExecutionError, match='time of the run was up while node "n" waited') as caught:
            runner.run({"x": 1}, mode)
        assert isinstance(caught.value.__cause__, RunTimeoutError)
    assert values == [1]


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_task_does_not_wait_longer_than_its_run_may_take(mode):
    async def main():
        begun, go = asyncio.Event(), asyncio.Event()

        async def work(x):
            begun.set()
            await go.wait()
            return x

        cache = Cache()
        first = asyncio.create_task(with_cache(work, cache).run_async(x=1))
        await begun.wait()
        runner = Runner(with_cache(work, cache), ExecutionConfig(run_timeout_seconds=0.05))
        with pytest.raises(WorkflowExecutionError) as caught:
            await runner.run_async({"x": 1}, mode)
        assert isinstance(caught.value.__cause__, RunTimeoutError)
        go.set()
        assert await first == 1

    asyncio.run(main())


def test_an_interrupted_run_does_not_wait_for_another_one():
    work, asked = Work(), threading.Event()
    cache = Cache(key=lambda x: asked.set() or x)

    async def endless() -> None:
        await asyncio.Event().wait()

    async def main(dag: DAG) -> None:
        run = asyncio.create_task(Runner(dag).run_async({"x": 1}, "parallel"))
        await asyncio.to_thread(asked.wait, 30)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    with under_way(work, cache) as values:
        asked.clear()
        dag = with_cache(work, cache)
        dag.add_node(Node(endless))
        asyncio.run(main(dag))
        assert values == []
    assert values == [1]
