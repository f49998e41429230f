"""Sharing a quantity in the order of asking, between threads and event loops."""

from __future__ import annotations

import threading
from time import perf_counter
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable


class Turn:
    """One that asks for a part of the quantity, waits for it, and holds it until it is given back."""

    __slots__ = ("amount", "stopped", "wake")

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self.stopped = False
        self.wake: Callable[[], object] = lambda: None


T = TypeVar("T", bound=Turn)


class Turns(Generic[T]):
    """Gives parts of a quantity to those who ask, first come first served.

    One that asks for much is not passed by those that ask for little, so it comes to its turn. Who waits sleeps until
    it is woken; nothing is looked at from time to time.

    Args:
        fits: whether an amount can be given now, beside what is held; not asked while nothing is: then all fits.

    """

    def __init__(self, fits: Callable[[int], bool]) -> None:
        self.total = 0
        self.count = 0
        """How many turns there have been so far."""
        self.held: dict[T, None] = {}
        # Reentrant: the garbage collector may close a waiting coroutine, which leaves, in the middle of all this.
        self._lock = threading.RLock()
        self._fits = fits
        self.waiting: dict[T, None] = {}

    def enter(self, turn: T, before: float | None = None) -> bool:
        """Wait in this thread, until ``before`` (``perf_counter`` seconds); tell whether it is there.

        It is not if the thread is that of an event loop: waiting there could stop those that are waited for.

        Raises:
            TimeoutError: the time is up.
            CancelledError: it was stopped.

        """
        come = threading.Event()
        waits = not self._ask(turn, come.set)
        on_a_loop, given = waits and _on_a_loop(), False
        try:
            if not (turn.stopped or on_a_loop):
                given = (not waits or come.wait(_left(before))) and not turn.stopped
        finally:
            if not given:
                self.leave(turn)
        if turn.stopped and not given:
            from asyncio import CancelledError

            raise CancelledError("the run was stopped")
        if not (given or on_a_loop):
            raise TimeoutError
        return given

    async def enter_async(self, turn: T, before: float | None = None) -> None:
        """Wait on the running event loop; otherwise as ``enter``."""
        from asyncio import get_running_loop, timeout

        loop = get_running_loop()
        come: Future[None] = loop.create_future()

        def tell() -> None:
            if not come.done():
                come.set_result(None)

        if self._ask(turn, lambda: loop.call_soon_threadsafe(tell)):
            return
        try:
            async with timeout(_left(before)):
                await come
        except BaseException:  # perhaps its turn had come just then: it is given back too
            self.leave(turn)
            raise

    def hold(self, turn: T) -> None:
        """Give a part without asking whether it fits."""
        with self._lock:
            self.held[turn] = None
            self.total += turn.amount
            self.count += 1

    def leave(self, turn: T) -> None:
        """Give back a part, or stop to wait for it; then it is the turn of the first of those who wait, if it fits."""
        with self._lock:
            if turn in self.waiting:
                del self.waiting[turn]
            else:
                self._give_back(turn)
            while self.waiting:
                first = next(iter(self.waiting))
                if not self._can_have(first):
                    return
                if first not in self.waiting:  # it left meanwhile, see the lock
                    continue
                del self.waiting[first]
                self.hold(first)
                try:
                    first.wake()
                except RuntimeError:  # its event loop is closed: nobody waits there any more
                    self._give_back(first)

    def stop(self, turn: T) -> None:
        """Have one that waits in a thread stop to wait."""
        turn.stopped = True
        turn.wake()

    def _ask(self, turn: T, wake: Callable[[], object]) -> bool:
        with self._lock:
            if not self.waiting and self._can_have(turn):
                self.hold(turn)
                return True
            turn.wake = wake
            self.waiting[turn] = None
            return False

    def _can_have(self, turn: T) -> bool:
        return not self.held or self._fits(turn.amount)

    def _give_back(self, turn: T) -> None:
        if turn in self.held:
            del self.held[turn]
            self.total -= turn.amount


def _left(before: float | None) -> float | None:
    return None if before is None else min(max(0.0, before - perf_counter()), threading.TIMEOUT_MAX)


def _on_a_loop() -> bool:
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
