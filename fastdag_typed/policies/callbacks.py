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
    from concurrent.futures import Future, ThreadPoolExecutor
    from contextvars import copy_context

    begun: Future[Callable[[], object]] = Future()

    async def wait() -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        begun.set_result(lambda: task and loop.call_soon_threadsafe(task.cancel))
        return await _outcome(value)

    with ThreadPoolExecutor(1, thread_name_prefix="fastdag-loop") as pool:
        outcome = pool.submit(copy_context().run, asyncio.run, wait())
        try:
            return _given(outcome.result())
        except BaseException:
            if not outcome.done():
                with suppress(RuntimeError):  # the loop has just been closed
                    begun.result()()
            raise


async def _outcome(value: Awaitable[Any]) -> tuple[Any, Exception | None]:
    """Await; give the value or the exception, of which asyncio would want to see the ``repr``."""
    try:
        return await value, None
    except Exception as error:  # noqa: BLE001 - raised by ``_given``
        return None, error


def _given(outcome: tuple[Any, Exception | None]) -> Any:
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
