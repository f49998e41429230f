"""Walking a plan with several steps at once: dependencies are counted, no step waits for a whole level.

Source: the ready-list scheduling of Graham, Bounds on multiprocessing timing anomalies, 1969.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..step import SKIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..plan import Plan
    from .bind import Invoke, Slots
    from .drivers import Run


class Books:
    """Counts what each step still waits for; hands out steps that are ready."""

    __slots__ = ("_missing", "_successors", "left")

    def __init__(self, plan: Plan) -> None:
        successors: list[list[int]] | None = plan.programs.get("successors")
        if successors is None:
            successors = [[] for _ in plan.steps]
            for step in plan.steps:
                for pred in step.waits:
                    successors[pred].append(step.index)
            plan.programs["successors"] = successors
        self._successors = successors
        self._missing = [len(step.waits) for step in plan.steps]
        self.left = len(plan.steps)

    def first(self) -> list[int]:
        """Steps that wait for nothing."""
        return [index for index, missing in enumerate(self._missing) if not missing]

    def done(self, index: int) -> list[int]:
        """Note that a step has ended (run or skipped); give the steps that are ready now."""
        self.left -= 1
        ready: list[int] = []
        for succ in self._successors[index]:
            self._missing[succ] -= 1
            if not self._missing[succ]:
                ready.append(succ)
        return ready


def _note(run: Run, index: int, began: float, value: Any) -> None:
    record = run.record
    _, out, name, _, skips = run.program[index]
    run.slots[out] = value
    if value is SKIPPED and skips:
        record.skipped.add(index)
        return
    run.context.results[name] = value
    _time(run, index, began)


def _time(run: Run, index: int, began: float) -> None:
    run.record.rows.append((began, index, perf_counter()))


class _Workers:
    """Threads that take ready steps from a queue; one that ends a step keeps a ready successor for itself."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.books = Books(run.plan)
        self.lock = threading.Lock()
        self.queue: SimpleQueue[int | None] = SimpleQueue()
        self.threads: list[threading.Thread] = []
        self.idle = 0
        self.stopping = False
        self.finished = threading.Event()
        self.context = copy_context()

    def go(self) -> None:
        try:
            with self.lock:
                for index in self.books.first():
                    self._offer(index)
            self.finished.wait()
        except BaseException:  # Ctrl-C: begin nothing more, let what runs come to its end
            self._stop()
            raise
        finally:
            for thread in self.threads:
                with suppress(RuntimeError):  # Ctrl-C came while it was being started: it will find nothing to do
                    thread.join()

    def _offer(self, index: int) -> None:
        """Queue a step, with one more thread if all are busy; the lock is held."""
        if self.stopping:  # a thread begun now would wait for ever
            return
        self.queue.put(index)
        if self.idle:
            self.idle -= 1
        elif len(self.threads) < self.run.max_workers:
            thread = threading.Thread(target=self._work, name="fastdag-worker", daemon=True)
            self.threads.append(thread)
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had: those there are take the step when they can
                self.threads.remove(thread)
                if not self.threads:
                    raise

    def _stop(self) -> None:
        with self.lock:
            self.stopping = True
            for _ in self.threads:
                self.queue.put(None)
            self.finished.set()

    def _work(self) -> None:
        get = self.queue.get
        index = get()
        while index is not None:
            following = self._step(index)
            index = get() if following is None else following

    def _step(self, index: int) -> int | None:
        run = self.run
        if self.stopping:
            return None
        began = perf_counter()
        run.record.running[index] = began
        try:
            value = self.context.copy().run(run.program[index][0], run.slots)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, whatever it is
            with self.lock:
                del run.record.running[index]
                _time(run, index, began)
                run.failures[index] = error
            self._stop()
            return None
        with self.lock:
            del run.record.running[index]
            _note(run, index, began, value)
            ready = self.books.done(index)
            for further in ready[1:]:
                self._offer(further)
            if ready:
                return ready[0]
            self.idle += 1
            last = not self.books.left
        if last:
            self._stop()
        return None


def threads(run: Run) -> None:
    """Run sync steps in threads, each as soon as what it waits for has ended.

    After a failure nothing new begins; what runs comes to its end.
    """
    _Workers(run).go()


async def concurrent(run: Run) -> None:
    """Run async steps on this loop and sync steps in threads, each as soon as what it waits for has ended.

    After a failure nothing new begins, async steps are cancelled, and sync steps come to their end.
    """
    books = Books(run.plan)
    loop = asyncio.get_running_loop()
    tasks: dict[asyncio.Task[None], bool] = {}
    ended = asyncio.Event()
    slots_free = asyncio.Semaphore(run.max_workers)

    async def step(index: int) -> None:
        async with slots_free:
            if ended.is_set():
                return
            began = perf_counter()
            run.record.running[index] = began
            value, error = await _outcome(run, index, loop, pool)
            del run.record.running[index]
        if error is not None:
            if ended.is_set() and isinstance(error, asyncio.CancelledError):
                return  # cancelled from here, because another step failed
            _time(run, index, began)
            run.failures[index] = error
            ended.set()
            return
        _note(run, index, began, value)
        ready = books.done(index)
        if not ended.is_set():
            launch(ready)
        if not books.left:
            ended.set()

    def launch(ready: list[int]) -> None:
        for index in ready:
            task = loop.create_task(step(index))
            _, _, _, tasks[task], _ = run.program[index]
            task.add_done_callback(tasks.pop)

    with ThreadPoolExecutor(run.max_workers, thread_name_prefix="fastdag-worker") as pool:
        launch(books.first())
        try:
            await ended.wait()
        finally:
            ended.set()
            await _wind_up(dict(tasks))


async def _wind_up(tasks: Mapping[asyncio.Task[None], bool]) -> None:
    """Cancel async steps, and wait until all have ended: a thread cannot be cancelled, and its result counts."""
    for task, awaits in tasks.items():
        if awaits:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _outcome(
    run: Run, index: int, loop: asyncio.AbstractEventLoop, pool: ThreadPoolExecutor
) -> tuple[Any, BaseException | None]:
    """Give the value or the exception of a step; a future cannot carry every exception (``StopIteration``)."""
    invoke, _, _, awaits, _ = run.program[index]
    if not awaits:
        context = copy_context()
        return await loop.run_in_executor(pool, lambda: context.run(_called, invoke, run.slots))
    try:
        value = invoke(run.slots)
        return value if value is SKIPPED else await value, None
    except BaseException as error:  # noqa: BLE001 - raised by the runner, whatever it is
        return None, error


def _called(invoke: Invoke, slots: Slots) -> tuple[Any, BaseException | None]:
    try:
        return invoke(slots), None
    except BaseException as error:  # noqa: BLE001 - raised by the runner, whatever it is
        return None, error
