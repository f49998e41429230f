"""Sync steps in threads, each as soon as what it waits for has ended."""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import copy_context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..step import drive
from .books import Books, failed, note
from .run import stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from .run import Run


class _Threads:
    """Threads that share a list of ready steps; one that ends a step goes on with what is ready.

    A thread without work parks on a lock of its own, and is woken when the shared lock is free again.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.books = Books(run.plan)
        self.lock = threading.Lock()
        self.ready: list[int] = self.books.first()[::-1]
        self.parked: list[threading.Lock] = []
        self.threads: list[threading.Thread] = []
        self.wanted = run.config.max_workers
        """How many more threads there may be."""
        self.begun = min(len(self.ready), self.wanted)
        """How many there are before one of them starts another."""
        self.stopping = False
        self.finished = threading.Event()
        self.context = copy_context()

    def go(self) -> None:
        forget = self.run.at_stop(self._stop)
        try:
            if self.ready:
                for _ in range(self.begun):
                    with self.lock:
                        start = self._another()
                    start()
                self.finished.wait()
        except BaseException:  # Ctrl-C: begin nothing more, let what runs come to its end
            self._stop()
            self.run.interrupt()
            raise
        finally:
            forget()
            for thread in self.threads:
                with suppress(RuntimeError):  # Ctrl-C came while it was being started: it will find nothing to do
                    thread.join()
        failures = self.run.failures.values()
        if self.run.interrupted and self.books.left and all(isinstance(error, Exception) for error in failures):
            raise stopped()  # from outside: a run that is cut short has no outcome

    def _another(self) -> Callable[[], object]:
        """Give what starts one more thread; the lock is held."""
        thread = threading.Thread(target=self._work, name="fastdag-worker", daemon=True)
        self.threads.append(thread)
        self.wanted -= 1

        def start() -> None:
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had: those there are take the step when they can
                self.threads.remove(thread)
                if not self.threads:
                    raise

        return start

    def _stop(self) -> None:
        with self.lock:
            self.stopping = True
            parked, self.parked = self.parked, []
        for one in parked:
            one.release()
        self.finished.set()
        self.run.halt()

    def _work(self) -> None:
        own = threading.Lock()
        own.acquire()
        index: int | None = None
        while True:
            if index is None:
                with self.lock:
                    if self.stopping:
                        return
                    index, company = self._take()
                    if index is None:
                        self.parked.append(own)
                if index is None:
                    own.acquire()
                    continue
                if company is not None:
                    company()
            index = self._step(index)

    def _take(self) -> tuple[int | None, Callable[[], object] | None]:
        """Take a ready step, and say how another thread comes to the next one; the lock is held."""
        ready = self.ready
        index = ready.pop() if ready else None
        if not ready:
            return index, None
        if self.parked:
            return index, self.parked.pop().release
        return index, self._another() if self.wanted and len(self.threads) >= self.begun else None

    def _step(self, index: int) -> int | None:
        """Carry out a step; give another one that is ready."""
        run = self.run
        if self.stopping:
            return None
        began = perf_counter()
        run.record.running[index] = began
        try:
            value = self.context.copy().run(call, run, index)
            with self.lock:
                del run.record.running[index]
                note(run, index, began, value)
                self.ready.extend(self.books.done(index))
                following, company = self._take()
                last = not self.books.left
        except BaseException as error:  # noqa: BLE001 - noted; the caller's thread raises it
            self._fail(index, began, error)
            return None
        if company is not None:
            company()
        elif last:
            self._stop()
        return following

    def _fail(self, index: int, began: float, error: BaseException) -> None:
        with self.lock:
            self.run.record.running.pop(index, None)
            interrupts = failed(self.run, index, began, error, stopping=self.stopping)
        self._stop()
        if interrupts:
            self.run.interrupt()


def call(run: Run, index: int) -> Any:
    """Give the value of a sync step, after a failure by what its policies and the run have for it."""
    try:
        return run.program.steps[index][0](run.slots)
    except BaseException as error:  # noqa: BLE001 - raised again, unless there is an answer
        return drive(run.after_failure(index, error))


def threads(run: Run) -> None:
    """Run sync steps in threads, each as soon as what it waits for has ended.

    After a failure that ends the run nothing new begins; what runs comes to its end.
    """
    _Threads(run).go()
