"""Async steps on an event loop and sync steps in threads, each as soon as what it waits for has ended."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..step import Skipped
from .books import Books, failed, note
from .crew import Crew
from .threads import call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .run import Run


async def concurrent(run: Run) -> None:
    """Run async steps on this loop and sync steps in threads, each as soon as what it waits for has ended.

    After a failure that ends the run nothing new begins, async steps are cancelled, and sync steps come to their end.
    """
    await _Tasks(run).go()


class _Tasks:
    """A task for each step that is ready, of which so many at once are under way."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.books = Books(run.plan)
        self.loop = asyncio.get_running_loop()
        self.crew = Crew(self.loop)
        self.tasks: dict[asyncio.Task[None], bool] = {}
        self.ended = asyncio.Event()
        self.free = asyncio.Semaphore(run.config.max_workers)

    async def go(self) -> None:
        self._launch(self.books.first())
        try:
            await self.ended.wait()
        except BaseException:
            self.ended.set()
            self.run.interrupt()
            raise
        finally:
            self.ended.set()
            ended = False
            try:
                await self._wind_up()
                ended = True
            finally:
                self.crew.dismiss(wait=ended)

    def _launch(self, ready: Iterable[int]) -> None:
        for index in ready:
            task = self.loop.create_task(self._step(index))
            self.tasks[task] = self.run.plan.steps[index].is_async
            task.add_done_callback(self.tasks.pop)

    async def _step(self, index: int) -> None:
        run = self.run
        async with self.free:
            if self.ended.is_set():
                return
            began = perf_counter()
            run.record.running[index] = began
            try:
                value = await self._value(index)
                note(run, index, began, value)
            except BaseException as error:  # noqa: BLE001 - noted; the runner raises it
                self._fail(index, began, error)
                return
            finally:
                del run.record.running[index]
        ready = self.books.done(index)
        if not self.ended.is_set():
            self._launch(ready)
        if not self.books.left:
            self.ended.set()

    def _fail(self, index: int, began: float, error: BaseException) -> None:
        interrupts = failed(self.run, index, began, error, stopping=self.ended.is_set())
        self.ended.set()
        self.run.halt()
        if interrupts:
            self.run.interrupt()

    async def _value(self, index: int) -> Any:
        """Give the value of a step, or ``LOST``, or raise what ends the run."""
        run = self.run
        invoke, _, _, awaits, _ = run.program.steps[index]
        if not awaits:
            context = copy_context()
            value, error = await self.crew.call(lambda: context.run(_settled, run, index))
            if error is not None:
                raise error
            return value
        try:
            value = invoke(run.slots)
            return value if type(value) is Skipped else await value
        except BaseException as error:  # noqa: BLE001 - raised again, unless there is an answer
            return await run.after_failure(index, error)

    async def _wind_up(self) -> None:
        """Cancel async steps, and wait until all have ended: a thread cannot be cancelled, and its result counts."""
        tasks = dict(self.tasks)
        for task, awaits in tasks.items():
            if awaits:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _settled(run: Run, index: int) -> tuple[Any, BaseException | None]:
    """Call in a thread; a future cannot carry every exception (``StopIteration``)."""
    try:
        return call(run, index), None
    except BaseException as error:  # noqa: BLE001 - raised where it is awaited
        return None, error
