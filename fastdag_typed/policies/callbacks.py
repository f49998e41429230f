"""What users give to be called back may be sync or async, around sync and async nodes alike."""

from __future__ import annotations

from contextlib import suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..step import Step


async def settled(step: Step, value: Any) -> Any:
    """Give what a callback returned, awaited if it is awaitable.

    Around a sync node, where nothing may suspend, it is awaited in an event loop of its own.
    """
    if not isawaitable(value):
        return value
    return await value if step.is_async else in_own_loop(value)


def in_own_loop(value: Awaitable[Any]) -> Any:
    """Await in an event loop of its own: in this thread, or in another one if a loop is running in this one.

    What interrupts this thread cancels what it waits for.
    """
    import asyncio

    if not _is_in_loop():
        return _given(asyncio.run(_outcome(value)))
    from contextvars import copy_context
    from queue import SimpleQueue
    from threading import Thread

    ended: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    cancels: list[Callable[[], object]] = []
    interrupted: list[bool] = []

    async def wait() -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        cancels.append(lambda: task and loop.call_soon_threadsafe(task.cancel))
        if interrupted and task is not None:
            task.cancel()
        return await _outcome(value)

    def go() -> None:
        try:
            ended.put(asyncio.run(wait()))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            ended.put((None, error))

    thread = Thread(target=copy_context().run, args=(go,), name="fastdag-loop")
    try:
        thread.start()  # in the middle of which Ctrl-C may come: then it is there all the same
        return _given(ended.get())
    except BaseException:
        interrupted.append(True)
        for cancel in cancels:  # here, or there: one of the two sees the other
            with suppress(RuntimeError):  # the loop has been closed
                cancel()
        raise
    finally:
        with suppress(RuntimeError):  # it has not begun
            thread.join()


async def _outcome(value: Awaitable[Any]) -> tuple[Any, Exception | None]:
    """Await; give the value or the exception, of which asyncio would want to see the ``repr``."""
    try:
        return await value, None
    except Exception as error:  # noqa: BLE001 - raised by ``_given``
        return None, error


def _given(outcome: tuple[Any, BaseException | None]) -> Any:
    value, error = outcome
    if error is not None:
        raise error
    return value


def _is_in_loop() -> bool:
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
