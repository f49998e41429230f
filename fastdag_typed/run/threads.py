"""Sync steps in threads, each as soon as what it waits for has ended."""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import copy_context
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..step import Skipped, drive
from .books import Books, failed, skipped
from .run import stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from .run import Run


class _Threads:
    """Threads that share a list of ready steps; one that ends a step goes on with what is ready.

    A thread without work parks on a lock of its own. One thread at a time is on its way to work, and has the next one
    come when it is there and finds more: many that were woken for short steps would only be in each other's way.
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
        self.coming = False
        """Whether a thread is on its way: started or woken, and not at the shared list yet."""
        self.stopping = False
        self.finished = threading.Event()
        self.context = copy_context()

    def go(self) -> None:
        forget = self.run.at_stop(self._stop)
        try:
            if self.ready:
                with self.lock:
                    start = self._more()
                if start is not None:
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

    def _more(self) -> Callable[[], object] | None:
        """Give what has one more thread come for what is ready, if one can; the lock is held."""
        if self.coming:
            return None
        if self.parked:
            self.coming = True
            return self.parked.pop().release
        if not self.wanted:
            return None
        thread = threading.Thread(target=self._work, name="fastdag-worker", daemon=True)
        self.threads.append(thread)
        self.wanted -= 1
        self.coming = True

        def start() -> None:
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had: those there are take the step when they can
                with self.lock:
                    self.threads.remove(thread)
                    self.wanted = 0
                    self.coming = False
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
        while True:
            with self.lock:
                self.coming = False
                if self.stopping:
                    return
                index = self.ready.pop() if self.ready else None
                company = self._more() if self.ready else None
                if index is None:
                    self.parked.append(own)
            if index is None:
                own.acquire()
                continue
            if company is not None:
                company()
            self._steps(index)

    def _steps(self, index: int | None) -> None:  # noqa: C901, PLR0912 - one loop without calls: they cost
        """Carry out a step, and then what is ready, until nothing is."""
        run, books, lock, ready = self.run, self.books, self.lock, self.ready
        steps, slots, results, running = run.program.steps, run.slots, run.context.results, run.record.running
        missing, successors, copy, row, clock = (
            books.missing,
            books.successors,
            self.context.copy,
            run.record.rows.append,
            perf_counter,
        )
        while index is not None and not self.stopping:
            invoke, out, name, _, skips = steps[index]
            context = copy()
            running[index] = began = clock()
            try:
                try:
                    value = context.run(invoke, slots)
                except BaseException as error:  # noqa: BLE001 - raised again, unless there is an answer
                    value = context.run(drive, run.after_failure(index, error))
                slots[out] = value
                following = company = None
                with lock:
                    del running[index]
                    if skips and type(value) is Skipped:
                        skipped(run, index, began)
                    else:
                        results[name] = value
                        row((began, index, clock()))
                    books.left -= 1
                    for succ in successors[index]:
                        missing[succ] = left = missing[succ] - 1
                        if not left:
                            if following is None:
                                following = succ
                            else:
                                ready.append(succ)
                    if ready:
                        if following is None:
                            following = ready.pop()
                        if not self.coming and ready:
                            company = self._more()
            except BaseException as error:  # noqa: BLE001 - noted; the caller's thread raises it
                self._fail(index, began, error)
                return
            index = following
            if company is not None:
                company()
            elif not books.left:
                self._stop()

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
