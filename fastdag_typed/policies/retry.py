"""Calling a failed node again, after a wait."""

from __future__ import annotations

import time
from threading import TIMEOUT_MAX, Event
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..exceptions import WorkflowExecutionError
from ..step import Layer, running
from .errors import Tried, WorkflowError, is_settled
from .recovery import Exceptions, RecoveryStrategy, checked, steady

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

    from ..context import Context
    from ..node import Node
    from ..step import Call, Emit, Step

Outcome = tuple[Exception | None, Any]


class RetryStrategy(RecoveryStrategy):
    """Calls a failed node again with its inputs; the exception of the last call stays the node's failure.

    The wait before retry ``n`` takes ``delay * backoff_factor ** (n - 1)`` seconds, at most ``max_delay``, and up to
    ``jitter`` seconds more, drawn at random. A wait that would outlast the run is not begun, nor is one gone on with
    when the run is interrupted. Wrong inputs of a nested workflow, and a run whose time is up, are never retried.

    Args:
        max_retries: how many calls may follow the first one.
        backoff_factor: by how much each wait is longer than the one before.
        delay: the first wait, in seconds.
        max_delay: the longest wait, in seconds, before jitter.
        jitter: in seconds.
        exceptions: which exceptions are retried.
        give_up: called with an exception; whether it is not to be retried.
        sleep: waits for so many seconds, sync or async; by default ``asyncio.sleep`` for async nodes, else the thread
            waits.

    Raises:
        ValueError: a number makes no sense.
        TypeError: an exception is none.

    """

    layer: Layer = Layer.RETRY

    def __init__(
        self,
        max_retries: int = 3,
        backoff_factor: float = 2.0,
        *,
        delay: float = 1.0,
        max_delay: float | None = None,
        jitter: float = 0.0,
        exceptions: Exceptions = (Exception,),
        give_up: Callable[[Exception], bool] | None = None,
        sleep: Callable[[float], Awaitable[object] | None] | None = None,
    ) -> None:
        numbers = {"max_retries": max_retries, "delay": delay, "max_delay": max_delay, "jitter": jitter}
        for name, number in numbers.items():
            if number is not None and not number >= 0:
                raise ValueError(f"{name} is at least 0, not {number!r}")
        if not backoff_factor > 0:
            raise ValueError(f"backoff_factor is more than 0, not {backoff_factor!r}")
        self.max_retries = max_retries
        self.backoff_factor = backoff_factor
        self.delay = delay
        self.max_delay = max_delay
        self.jitter = jitter
        self.exceptions = checked(exceptions)
        self.give_up = give_up
        self.sleep = sleep

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        """Have ``recover`` called after a failure."""
        return super().wrap(step, call, emit) if self.max_retries else call

    def handles(self, error: Exception) -> bool:
        """Tell whether an exception is retried."""
        return super().handles(error) and not is_settled(error) and not (self.give_up and self.give_up(error))

    @steady
    async def recover(self, error: WorkflowError, node: Node[..., Any], context: Context) -> Any:
        """Wait and call again until a call succeeds, or the last one that is allowed has failed.

        Source: the loop and the waits are tenacity's.
        """
        from tenacity import AsyncRetrying
        from tenacity.wait import wait_exponential, wait_random

        error.max_retries = self.max_retries + (error.repeat.before if error.repeat else 0)
        calls = _Calls(self, error, node, context)
        longest = TIMEOUT_MAX if self.max_delay is None else self.max_delay
        retrying = AsyncRetrying(
            sleep=calls.wait,
            stop=calls.end,
            wait=wait_exponential(self.delay, longest, self.backoff_factor) + wait_random(0, self.jitter),
            retry=_failed,
            retry_error_callback=_outcome,
        )
        outcome: Outcome = await retrying(calls.outcome)
        failure, value = outcome
        if failure is None:
            return value
        if calls.why:
            _note(failure, calls.why, error)
        raise failure


class _Calls:
    """A call that has failed, and those that follow it."""

    def __init__(self, strategy: RetryStrategy, error: WorkflowError, node: Node[..., Any], context: Context) -> None:
        self.strategy = strategy
        self.error = error
        self.node = node
        self.context = context
        self.failure = error.exception or WorkflowExecutionError(error.message, node_name=node.name)
        self.begun = False
        self.why = ""

    async def outcome(self) -> Outcome:
        """Make the call that has begun; without one, what is known is the outcome."""
        if not self.begun:
            return self.failure, None
        self.begun = False
        try:
            return None, await self.error.proceed(self.node, self.context)
        except Exception as failure:  # noqa: BLE001 - raised in the end, if no call succeeds
            self.failure = failure
            if not self.strategy.handles(failure):
                self.why = f"Retry {self.error.retry_count} raised what is not retried"
            return failure, None

    def end(self, state: RetryCallState) -> bool:
        """Tell whether no call may follow a failure, and why."""
        scope = running.get()
        if self.why:
            return True
        if self.error.retry_count >= self.error.max_retries:
            self.why = f"Max retries ({self.strategy.max_retries}) exceeded"
        elif scope and scope.deadline is not None and perf_counter() + state.upcoming_sleep >= scope.deadline:
            self.why = f"A wait of {state.upcoming_sleep:.3g} s would outlast the run"
        return bool(self.why)

    async def wait(self, seconds: float) -> None:
        """Wait, and begin the next call."""
        if await self._waited(seconds):
            self.error.begin()
            self.begun = True
        else:
            self.why = "The run was interrupted during a wait"

    async def _waited(self, seconds: float) -> bool:
        """Wait; tell whether it was to the end."""
        if self.strategy.sleep is not None:
            await self.error.settle(self.strategy.sleep(seconds))
        elif self.error.may_wait:
            from asyncio import sleep

            await sleep(seconds)
        else:
            return _pause(min(seconds, TIMEOUT_MAX))
        return True


def _failed(state: RetryCallState) -> bool:
    return _outcome(state)[0] is not None


def _outcome(state: RetryCallState) -> Outcome:
    """Give the outcome of the last call; what is no failure of a node, like Ctrl-C, is raised."""
    outcome: Any = state.outcome
    return outcome.result()  # type: ignore[no-any-return]


def _pause(seconds: float) -> bool:
    """Let this thread wait until the time is over, or the run is interrupted; tell whether it was the first."""
    scope = running.get()
    if scope is None:
        time.sleep(seconds)
        return True
    stopped = Event()
    forget = scope.at_stop(stopped.set)
    try:
        return not stopped.wait(seconds)
    finally:
        forget()


def _note(failure: Exception, text: str, error: WorkflowError) -> None:
    """Note on an exception why it is final; one that is raised more than once has the latest note only."""
    note = Tried(f'{text} for node "{error.node_name}"')
    note.node, note.retries, note.max_retries = error.node_name, error.retry_count, error.max_retries
    failure.__notes__ = [other for other in getattr(failure, "__notes__", ()) if not isinstance(other, Tried)]
    failure.add_note(note)
