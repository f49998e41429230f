"""Work that several callers want and one of them does, while the others wait: threads and tasks alike."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Event, get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..exceptions import FastDagError, RunTimeoutError
from ..step import running

if TYPE_CHECKING:
    from ..step import Step

T = TypeVar("T")


class Flight(Generic[T]):
    """Work that its maker does; it lands with a value, or without one if it failed.

    Source: the "single flight" of Go's ``golang.org/x/sync``, but after a failure those who waited look again instead
    of failing too.
    """

    __slots__ = ("_landing", "_task", "_thread")

    def __init__(self, step: Step) -> None:
        self._landing: Future[T | None] = Future()
        self._landing.set_running_or_notify_cancel()  # so that a task that waits can be cancelled alone
        self._thread = get_ident()
        self._task = _task(step)

    def stands_still(self, step: Step) -> bool:
        """Tell whether the work could not go on while the present caller waited.

        The caller is a part of the work, or would block the event loop that does it.
        """
        if get_ident() != self._thread:
            return False
        task = _task(step)
        return task is None or self._task is None or task is self._task

    async def wait(self, step: Step) -> T | None:
        """Wait for the landing, and give its value: a sync step stops its thread, an async one not its loop.

        Raises:
            RunTimeoutError: the time of the caller's run was up before.
            FastDagError: the caller's run was interrupted before.

        """
        scope = running.get()
        deadline = None if scope is None else scope.deadline
        left = None if deadline is None else max(0.0, deadline - perf_counter())
        if step.is_async:
            from asyncio import wait_for, wrap_future

            try:
                return await wait_for(wrap_future(self._landing), left)
            except TimeoutError:
                raise _too_late(step) from None
        woken = Event()
        self._landing.add_done_callback(lambda _: woken.set())
        forget = None if scope is None else scope.at_stop(woken.set)
        try:
            in_time = woken.wait(left)
        finally:
            if forget is not None:
                forget()
        if self._landing.done():
            return self._landing.result()
        if in_time:
            raise FastDagError(f'Node "{step.name}" was interrupted while it waited for another call')
        raise _too_late(step)

    def land(self, value: T | None = None) -> None:
        """End the work, so that those who wait go on."""
        self._landing.set_result(value)


def _too_late(step: Step) -> RunTimeoutError:
    return RunTimeoutError(
        f'The time of the run was up while node "{step.name}" waited for what another call was doing',
        node_name=step.name,
        where=step.node.where,
    )


def _task(step: Step) -> Any:
    if not step.is_async:
        return None
    from asyncio import current_task

    return current_task()
