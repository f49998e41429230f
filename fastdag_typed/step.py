"""One call and its wiring in slots, and what may be put around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

from .ports import Take

if TYPE_CHECKING:
    from .context import Context
    from .events import Event
    from .node import Node
    from .plan import Plan
    from .workers import Workers

Kind = Literal["standard", "condition", "select", "any", "all", "fsm_state", "workflow"]
Call = Callable[..., Any]


Read = int | Take
"""A whole slot, or a field of what is in it."""


class Guard(NamedTuple):
    """The edge that brings argument ``read`` (``None``: an edge without data) arrives only if a branch is taken.

    ``decision`` is the slot of the ``Decision``, ``branch`` the branch the edge belongs to (``None``: plain ``>>``),
    ``by_name`` whether a plain edge is the branch called like its target (so it is for selections).
    """

    decision: int
    branch: bool | str | None
    target: str
    read: int | None
    by_name: bool


class Decision(NamedTuple):
    """What a condition or selection decided: the branch, and the names of the targets it called for and against."""

    branch: bool | str | None
    chosen: str | None
    rejected: str | None

    def takes(self, guard: Guard) -> bool:
        """Tell whether the guarded edge is on the branch taken."""
        if self.chosen is not None and guard.target == self.chosen:
            return True
        if self.rejected is not None and guard.target == self.rejected:
            return False
        if guard.branch is not None:
            return self.chosen is None and guard.branch == self.branch
        return not guard.by_name or guard.target == self.branch


class Step(NamedTuple):
    """One call: read ``args`` and ``kwargs`` from slots, call ``func``, write slot ``out``.

    ``waits`` are the steps it waits for (transitively reduced); ``args`` are never reduced.
    """

    index: int  # type: ignore[assignment]  # shadows tuple.index, of no use here
    name: str
    func: Call
    args: tuple[Read, ...]
    kwargs: tuple[tuple[str, Read], ...]
    out: int
    waits: tuple[int, ...]
    guards: tuple[Guard, ...]
    kind: Kind
    is_async: bool
    decision: int
    node: Node[..., Any]


class Skipped(Enum):
    """The type of ``SKIPPED`` and ``LOST``."""

    SKIPPED = "SKIPPED"
    LOST = "LOST"


SKIPPED: Final = Skipped.SKIPPED
"""Stands in the slot of a step that was not run because its branch was not taken."""
LOST: Final = Skipped.LOST
"""Stands in the slot of a step that failed, or was not run because of one that did, where the run goes on."""


Emit = Callable[["Event"], None]
Observer = Callable[["Event"], None]
"""Reads facts about a run and cannot change it; if it is ``required`` (an attribute), its failure fails the run."""


class Scope(Protocol):
    """One run, as policies see it while it goes on."""

    @property
    def plan(self) -> Plan:
        """What is run."""
        ...

    @property
    def context(self) -> Context:
        """What user code sees of it."""
        ...

    @property
    def deadline(self) -> float | None:
        """When the run has to have ended, in seconds of ``perf_counter``."""
        ...

    @property
    def workers(self) -> Workers:
        """The processes of the runner; there are none before they are first asked for."""
        ...

    def emit(self, event: Event) -> None:
        """Tell the observers."""
        ...

    def catch_up(self) -> None:
        """Enter the results so far into the context, where the driver leaves that for later."""
        ...

    def at_end(self, action: Callable[[], Awaitable[object] | None]) -> None:
        """Have something done when the run has ended, however it ended; what was said last is done first."""
        ...

    def at_stop(self, action: Callable[[], object], *, begun: bool = True) -> Callable[[], None]:
        """Have something done if the run is interrupted (Ctrl-C, cancellation) from now until what is given is called.

        What has not ``begun`` is stopped after a failure, too, if nothing more is to begin then.
        It may be called by another thread, more than once, at once if the run is interrupted already, and has to make
        the calls that are under way come to an end.
        """
        ...


running: Final[ContextVar[Scope | None]] = ContextVar("fastdag_running", default=None)
"""The run that the present code is a part of: innermost, if runs are nested."""


class Layer(IntEnum):
    """The one order in which policies nest, inner to outer."""

    PLACE = 1
    TIMEOUT = 2
    ADMIT = 3
    RETRY = 4
    BREAKER = 5
    VALIDATE = 6
    CACHE = 7
    FALLBACK = 8
    HOOK = 9
    OBSERVE = 10


class Policy(Protocol):
    """Changes what a call does."""

    @property
    def layer(self) -> Layer:
        """Where the policy nests."""
        ...

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        """Wrap the call of a step, once, at bind time; return ``call`` itself where the policy does not apply.

        What is returned is kept for many runs, also for several at once: what belongs to one run is found through
        ``running``. For an async step ``call`` returns an awaitable, and so must what is returned.
        """
        ...


class Rescue:
    """A call, and what is done when it fails: a driver calls the inner one itself, so success costs nothing.

    ``again(error, args, kwargs)`` is async, gives the value after all or raises; around a sync step it never suspends.
    """

    __slots__ = ("again", "call")

    def __init__(
        self, call: Call, again: Callable[[Exception, tuple[Any, ...], dict[str, Any]], Awaitable[Any]]
    ) -> None:
        self.call = call
        self.again = again

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call, where something else is around it."""
        try:
            return self.call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again by what is called, if need be
            return drive(self.again(error, args, kwargs))

    async def recover(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Go on after the innermost call failed: each layer is asked in its turn."""
        if isinstance(self.call, Rescue):
            try:
                return await self.call.recover(error, args, kwargs)
            except Exception as later:  # noqa: BLE001 - as above
                error = unwrapped(later)
        return await self.again(error, args, kwargs)


class AsyncRescue(Rescue):
    """The same around a call that is awaited."""

    __slots__ = ()

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call and await, where something else is around it."""
        try:
            return await self.call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again by what is called, if need be
            return await self.again(error, args, kwargs)


def rescue(
    step: Step, call: Call, again: Callable[[Exception, tuple[Any, ...], dict[str, Any]], Awaitable[Any]]
) -> Call:
    """Put around a call what is done when it fails."""
    return (AsyncRescue if step.is_async else Rescue)(call, again)


def drive(coroutine: Awaitable[Any]) -> Any:
    """Run a coroutine that never suspends, without a loop; so a body is written once for sync and async.

    Raises:
        RuntimeError: it suspends.

    """
    steps: Any = coroutine.__await__()
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    except RuntimeError as error:
        stop = unwrapped(error)
        if stop is error:
            raise
    else:
        steps.close()
        raise RuntimeError(f"{coroutine!r} waits for something, but runs without an event loop")
    raise stop  # a function called from within raised it: only a coroutine turns it into something else


def unwrapped(error: Exception) -> Exception:
    """Give the ``StopIteration`` that a coroutine has made a ``RuntimeError`` of, else the exception itself."""
    stop = error.__cause__
    made = type(error) is RuntimeError and error.args == ("coroutine raised StopIteration",)
    return stop if made and isinstance(stop, StopIteration) else error
