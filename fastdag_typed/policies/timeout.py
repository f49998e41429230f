"""How long a call of a node may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..step import Layer, running
from ..workers.jobs import Limit
from .place import Placed, placed_in_thread

if TYPE_CHECKING:
    from ..step import Call, Emit, Step


@dataclass(frozen=True)
class Timeout:
    """Limit each call of a node to ``seconds``, and to what the run has left; ``None``: to the latter only.

    What becomes of a call whose time is up:

    * In a process (``Place("process")``): the process is killed, and with it all that the call started.
    * An async function is cancelled. If it does not let itself be cancelled it goes on, and what it gives then is
      dropped.
    * A sync function cannot be stopped. So it is called in a thread of its own, which is left behind: it goes on until
      it returns, and what it gives then is dropped. Of a workflow as a node, no further node begins.

    Each attempt of a retry policy is a call of its own. The wait for a process to be free is no part of it.

    Raises:
        ValueError: ``seconds`` is not more than 0.

    """

    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"a time-out is more than 0 seconds, not {self.seconds!r}")

    @property
    def layer(self) -> Layer:
        """Where the policy nests."""
        return Layer.TIMEOUT

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Put the limit around the call.

        The call raises ``NodeTimeoutError`` if its own time is up, ``RunTimeoutError`` if that of the run is.
        """
        if isinstance(call, Placed):
            return call.within(self.seconds)
        if step.is_async:
            return _cancelled_in_time(step, call, self.seconds)
        return placed_in_thread(step, call).within(self.seconds)


def _cancelled_in_time(step: Step, call: Call, seconds: float | None) -> Call:
    async def limited(*args: Any, **kwargs: Any) -> Any:
        import asyncio

        scope = running.get()
        limit = Limit(step.name, step.node.where, seconds, None if scope is None else scope.deadline)
        limit.begin()
        timer = asyncio.timeout(limit.left())
        try:
            async with timer:
                value = await call(*args, **kwargs)
        except Exception as error:
            if not timer.expired():
                raise
            raise limit.passed("it was cancelled") from error
        if timer.expired():  # it did not let itself be cancelled
            raise limit.passed("it was cancelled, and went on all the same")
        return value

    return limited
