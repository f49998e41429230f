"""One call of a node that runs somewhere else: how long it may take, and how it is stopped."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from contextvars import copy_context
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from ..exceptions import NodeTimeoutError, RunTimeoutError
from ..step import running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

    from ..diagnostic import Location
    from ..step import Call, Scope

_LONGEST: Final = 86_400.0  # seconds of one wait: what the system takes at most is not far above
_GOES_ON: Final = (
    "a thread cannot be stopped, so the function goes on until it returns, and what it returns is dropped (what runs "
    'with policies=[Place("process")] is stopped)'
)


class Limit:
    """How long one call may take: ``seconds`` from when it begins, and not beyond the run's ``deadline``."""

    __slots__ = ("_began", "_deadline", "name", "seconds", "where")

    def __init__(
        self, name: str, where: Location | None = None, seconds: float | None = None, deadline: float | None = None
    ) -> None:
        self.name = name
        self.where = where
        self.seconds = seconds
        self._deadline = deadline
        self._began: float | None = None

    def begin(self) -> None:
        """Begin to count; a call that has to be made again goes on counting.

        Raises:
            RunTimeoutError: the time of the run is up already.

        """
        now = perf_counter()
        if self._deadline is not None and now >= self._deadline:
            raise self.passed()
        if self._began is None:
            self._began = now

    def left(self) -> float | None:
        """Give the seconds that are left, 0 if none; ``None``: there is no limit."""
        ends = self.ends
        return None if ends is None else max(0.0, ends - perf_counter())

    def pause(self) -> float | None:
        """Give the seconds that one wait may take, after which ``left`` is asked again; ``None``: no limit."""
        left = self.left()
        return None if left is None else min(left, _LONGEST)

    def passed(self, outcome: str = "") -> NodeTimeoutError:
        """Make the error that says whose time is up, and what has become of the call."""
        after = f": {outcome}" if outcome else ""
        if self.seconds is None or self._began is None or self.ends == self._deadline:
            when = "before" if self._began is None else "during"
            return RunTimeoutError(
                f'The time of the run was up {when} node "{self.name}"{after}', node_name=self.name, where=self.where
            )
        return NodeTimeoutError(
            f'Node "{self.name}" did not end within {self.seconds:g} s{after}',
            node_name=self.name,
            seconds=self.seconds,
            where=self.where,
        )

    @property
    def ends(self) -> float | None:
        """When the time is up, in seconds of ``perf_counter``."""
        if self.seconds is None or self._began is None:
            return self._deadline
        own = self._began + self.seconds
        return own if self._deadline is None else min(own, self._deadline)


class Job:
    """A call under way, which any thread may stop."""

    __slots__ = ("_how", "_lock", "stopped")

    def __init__(self) -> None:
        self.stopped = False
        self._how: Callable[[], object] | None = None
        self._lock = threading.RLock()  # a signal may come while it is held

    def stop(self) -> None:
        """Make the call come to its end."""
        with self._lock:
            self.stopped = True
            if self._how is not None:
                self._how()

    def stops_by(self, how: Callable[[], object] | None) -> None:
        """Say how the call is stopped from now on; ``None``: nothing is under way."""
        with self._lock:
            self._how = how
            if self.stopped and how is not None:
                how()

    def check(self) -> None:
        """Raise if the call was stopped.

        Raises:
            asyncio.CancelledError: it was, which no policy takes for a failure of the node.

        """
        if self.stopped:
            from asyncio import CancelledError

            raise CancelledError("the run was stopped")


@contextmanager
def heeding_ctrl_c(job: Job) -> Generator[None]:
    """Have Ctrl-C stop a call that keeps an event loop waiting: the loop itself would only cancel a task afterwards."""
    before = signal.getsignal(signal.SIGINT) if _keeps_a_loop_waiting() else None
    if not callable(before):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        job.stop()
        before(number, frame)

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _keeps_a_loop_waiting() -> bool:
    if "asyncio" not in sys.modules or threading.current_thread() is not threading.main_thread():
        return False  # signals are handled in the main thread only
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Outcome:
    """What a call gave or raised, for who waits for it: any exception is kept, also one that would end a thread."""

    __slots__ = ("_ended", "_error", "_value", "_woken")

    def __init__(self) -> None:
        self._ended = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._woken = threading.Event()

    def take(self, call: Callable[[], Any]) -> None:
        """Call, and keep what comes of it."""
        try:
            self._value = call()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for, whatever it is
            self._error = error
        self._ended = True
        self._woken.set()

    def give(self) -> Any:
        """Give the value, or raise the exception."""
        error, self._error = self._error, None
        if error is None:
            return self._value
        try:
            raise error
        finally:
            del error  # it would hold this frame, and this frame it

    def wait(self, limit: Limit, job: Job, outcome: str) -> Any:
        """Wait for the call and give what it gave; what comes too late is dropped.

        Raises:
            NodeTimeoutError: its time is up; ``outcome`` says what becomes of the call.
            asyncio.CancelledError: it was stopped.

        """
        job.stops_by(self._woken.set)
        try:
            while not self._woken.wait(limit.pause()) and limit.left() != 0.0:
                pass
        finally:
            job.stops_by(None)
        if self._ended and (self._error is None or limit.left() != 0.0):
            return self.give()
        if not self._ended:
            job.check()
        raise limit.passed(outcome) from self._error


class Part:
    """The part of a run that is one call in a thread of its own: with a deadline of its own, and stopped alone.

    What runs inside of the call (a workflow as a node) finds this in the place of the run.
    """

    def __init__(self, whole: Scope, deadline: float | None) -> None:
        self.deadline = deadline
        self._whole = whole
        self._stops: dict[object, Callable[[], object]] = {}

    def __getattr__(self, name: str) -> Any:
        """Be the run in everything else."""
        return getattr(self._whole, name)

    def at_stop(self, action: Callable[[], object], *, begun: bool = True) -> Callable[[], None]:
        """Have something done if this part, or all, is stopped."""
        key = object()
        self._stops[key] = action
        above = self._whole.at_stop(action, begun=begun)

        def settled() -> None:
            self._stops.pop(key, None)
            above()

        return settled

    def stop(self) -> None:
        """Bring the calls that are under way in this part to an end."""
        for action in tuple(self._stops.values()):
            action()


def in_thread(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any], limit: Limit, job: Job) -> Any:
    """Call in a thread of its own, with the context variables of this one, and wait for it.

    Raises:
        NodeTimeoutError: its time is up; the function goes on, but nobody waits for it.
        asyncio.CancelledError: it was stopped; the same is true of it.

    """
    limit.begin()
    outcome, context = Outcome(), copy_context()
    scope = running.get()
    part: Any = None if scope is None else Part(scope, limit.ends)
    if part is not None:
        context.run(running.set, part)
    threading.Thread(
        target=outcome.take,
        args=(lambda: context.run(call, *args, **kwargs),),
        name=f"fastdag-{limit.name}",
        daemon=True,  # one that never ends does not keep the program from ending
    ).start()
    try:
        return outcome.wait(limit, job, _GOES_ON)
    except NodeTimeoutError:
        if part is not None:
            part.stop()
        raise


async def beside_the_loop(call: Callable[[Job], Any]) -> Any:
    """Have a thread of its own make a call that blocks, and await it; it is stopped if this is cancelled."""
    import asyncio

    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    outcome, job, context = Outcome(), Job(), copy_context()

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    def work() -> None:
        outcome.take(lambda: context.run(call, job))
        loop.call_soon_threadsafe(tell)

    thread = threading.Thread(target=work, name="fastdag-wait", daemon=True)
    thread.start()
    try:
        await ended
    finally:
        if not ended.done() or ended.cancelled():
            job.stop()
        thread.join()  # it is at its end, or is stopped, which takes no time
    return outcome.give()
