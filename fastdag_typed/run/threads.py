"""Sync steps in threads, each as soon as what it waits for has ended."""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..step import drive
from .books import Books, failed, note

if TYPE_CHECKING:
    from .run import Run


class _Threads:
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
            self.run.interrupt()
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
        elif len(self.threads) < self.run.config.max_workers:
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
        self.run.halt()

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
            value = self.context.copy().run(call, run, index)
            with self.lock:
                del run.record.running[index]
                note(run, index, began, value)
                ready = self.books.done(index)
                for further in ready[1:]:
                    self._offer(further)
                if ready:
                    return ready[0]
                self.idle += 1
                last = not self.books.left
        except BaseException as error:  # noqa: BLE001 - noted; the caller's thread raises it
            self._fail(index, began, error)
            return None
        if last:
            self._stop()
        return None

    def _fail(self, index: int, began: float, error: BaseException) -> None:
        with self.lock:
            self.run.record.running.pop(index, None)
            failed(self.run, index, began, error, stopping=self.stopping)
        self._stop()
        if not isinstance(error, Exception):
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
