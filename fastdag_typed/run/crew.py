"""Threads that make calls for an event loop."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable

    Job = tuple[Future[Any], Callable[[], Any]]


class Crew:
    """Threads that are started when there is work for them; none keeps the program from ending.

    An executor of the standard library would: its threads are waited for when the program ends, also after Ctrl-C.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lock = threading.Lock()

    async def call(self, func: Callable[[], Any]) -> Any:
        """Call a function that raises nothing in a thread, and give what it returns."""
        future: Future[Any] = self._loop.create_future()
        self._jobs.put((future, func))
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                self._start()
        return await future

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name="fastdag-worker", daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had: those there are take the call when they can
            self._threads.remove(thread)
            if not self._threads:
                raise

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, func = job
            value = func()
            with self._lock:
                self._idle += 1
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, future, value)

    def dismiss(self, *, wait: bool) -> None:
        """Have the threads end when their calls have ended, and wait for that."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads if wait else ():
            thread.join()


def _settle(future: Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)
