"""Not calling, for a while, a node that keeps failing."""

from __future__ import annotations

import time
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from ..exceptions import CircuitOpenError
from ..returns import name_of
from ..step import Layer
from .errors import WorkflowError, is_settled
from .recovery import Exceptions, RecoveryStrategy, checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..context import Context
    from ..node import Node
    from ..step import Call, Emit, Step

State = Literal["closed", "open", "half-open"]


class CircuitBreakerStrategy(RecoveryStrategy):
    """Stops calling a node that fails again and again, and tries after a while whether it works.

    Closed, the circuit lets all calls through. After so many failures in a row it opens: calls raise
    ``CircuitOpenError`` and the node is not called. When the time is over it is half-open: one call goes through as a
    trial; its success closes the circuit, its failure opens it for the same time again. Each node has a circuit of its
    own, by name, which is kept for later runs. Several threads and tasks may share it.

    Args:
        failure_threshold: how many failures in a row open the circuit.
        timeout: how long it stays open, in seconds; also how long a trial keeps others waiting.
        exceptions: which exceptions are failures; any other shows that the node answers.
        clock: gives the time in seconds.

    Raises:
        ValueError: a number makes no sense.
        TypeError: an exception is none.

    Source: M. Nygard, Release It! (2007), "Circuit Breaker".

    """

    layer: Layer = Layer.BREAKER

    def __init__(
        self,
        failure_threshold: int = 5,
        timeout: float = 60.0,
        *,
        exceptions: Exceptions = (Exception,),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if failure_threshold < 1:
            raise ValueError(f"failure_threshold is at least 1, not {failure_threshold!r}")
        if not timeout >= 0:
            raise ValueError(f"timeout is at least 0, not {timeout!r}")
        self.failure_threshold = failure_threshold
        self.timeout = timeout
        self.exceptions = checked(exceptions)
        self.clock = clock
        self._circuits: dict[str, _Circuit] = {}

    @property
    def failure_count(self) -> dict[str, int]:
        """How often each node has failed in a row."""
        return {name: circuit.failures for name, circuit in list(self._circuits.items())}

    @property
    def last_failure_time(self) -> dict[str, float]:
        """When each node has failed last, in seconds since the epoch."""
        last = {name: circuit.last_error for name, circuit in list(self._circuits.items())}
        return {name: error.timestamp for name, error in last.items() if error is not None}

    def state(self, node: str | Node[..., Any]) -> State:
        """Tell the state of a node's circuit: closed, open or half-open."""
        circuit = self._circuits.get(name_of(node))
        return "closed" if circuit is None else circuit.state()

    async def recover(self, error: WorkflowError, node: Node[..., Any], context: Context) -> Any:
        """Count the failure, and call the node again unless that opens the circuit."""
        circuit = self._circuit(node.name)
        circuit.failed(None, error.exception or RuntimeError(error.message))
        ticket = circuit.admit()
        try:
            value = await error.again(node, context)
        except BaseException as failure:
            circuit.failed(ticket, failure)
            raise
        circuit.succeeded(ticket)
        return value

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - a policy's signature
        """Put the node's circuit before its call."""
        circuit = self._circuit(step.name)

        def run(*args: Any, **kwargs: Any) -> Any:
            ticket = circuit.admit() if circuit.failures else None
            try:
                value = call(*args, **kwargs)
            except BaseException as error:
                circuit.failed(ticket, error)
                raise
            if circuit.failures:
                circuit.succeeded(ticket)
            return value

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            ticket = circuit.admit() if circuit.failures else None
            try:
                value = await call(*args, **kwargs)
            except BaseException as error:
                circuit.failed(ticket, error)
                raise
            if circuit.failures:
                circuit.succeeded(ticket)
            return value

        return run_async if step.is_async else run

    def _circuit(self, name: str) -> _Circuit:
        return self._circuits.setdefault(name, _Circuit(name, self))


_NOBODY = object()


class _Circuit:
    """The circuit of one node.

    A call that is let through has a ticket, and its outcome counts only while that is still the one in force: while the
    circuit is closed ``None``, while it is open nobody's, while it is half-open that of the trial. Without failures the
    circuit is closed, and asked nothing.
    """

    __slots__ = ("_lock", "_name", "_ticket", "_until", "failures", "last_error", "strategy")

    def __init__(self, name: str, strategy: CircuitBreakerStrategy) -> None:
        self._name = name
        self.strategy = strategy
        self._lock = Lock()
        self._ticket: object | None = None
        self._until = 0.0
        self.failures = 0
        self.last_error: WorkflowError | None = None

    def state(self) -> State:
        with self._lock:
            if self._ticket is None:
                return "closed"
            waits = self._ticket is _NOBODY and self.strategy.clock() < self._until
            return "open" if waits else "half-open"

    def admit(self) -> object | None:
        """Let a call through, as a trial if the circuit was open for long enough, and give its ticket."""
        with self._lock:
            if self._ticket is None:
                return None
            now = self.strategy.clock()
            if now < self._until:
                raise self._refusal(self._until - now)
            self._ticket = object()
            self._until = now + self.strategy.timeout  # a trial that never ends is not waited for any longer
            return self._ticket

    def succeeded(self, ticket: object | None) -> None:
        with self._lock:
            if ticket is self._ticket:
                self._ticket = None
                self.failures = 0

    def failed(self, ticket: object | None, error: BaseException) -> None:
        strategy = self.strategy
        if not isinstance(error, Exception) or is_settled(error):  # this says nothing about the node
            with self._lock:
                if ticket is not None and ticket is self._ticket:
                    self._open_until(strategy.clock())  # the next call is as good a trial
            return
        if not strategy.handles(error):
            self.succeeded(ticket)
            return
        record = replace(WorkflowError.of(error, self._name), exception=None)
        with self._lock:
            if ticket is not self._ticket:
                return
            self.failures += 1
            self.last_error = record
            if self.failures >= strategy.failure_threshold:  # also after a trial: only success ends the row
                self._open_until(strategy.clock() + strategy.timeout)

    def _open_until(self, then: float) -> None:
        self._ticket = _NOBODY
        self._until = then

    def _refusal(self, seconds: float) -> CircuitOpenError:
        error: Any = self.last_error  # a circuit without one is closed
        until = time.time() + seconds
        trial = "" if self._ticket is _NOBODY else "it is being tried, "
        message = (
            f'Node "{self._name}" is not called before {time.strftime("%H:%M:%S", time.localtime(until))} (for '
            f"{seconds:.3g} s): {trial}it failed {self.failures} times in a row, last with {error.error_type}: "
            f"{error.message}"
        )
        return CircuitOpenError(message, node_name=self._name, until=until, last_error=error)
