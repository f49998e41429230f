"""What is known of a node's failure, and how its call is made again."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from inspect import isawaitable
from time import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..events import NodeRetried
from ..exceptions import (
    CircuitOpenError,
    FastDagError,
    InputError,
    PlacementError,
    RunTimeoutError,
    WorkflowExecutionError,
    WorkflowValidationError,
)
from ..returns import name_of
from .callbacks import in_own_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..context import Context
    from ..node import Node
    from ..step import Emit


class ErrorSeverity(Enum):
    """How grave a failure is: of the process, of the program, or of what it depends on."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Again(NamedTuple):
    """How a call that failed is made again, with its inputs.

    ``may_wait`` says whether what is done about the failure may suspend: around a sync node in a run nothing may.
    ``before`` is how often the call had been made again before what is asked now was asked.
    """

    call: Callable[[], Any]
    emit: Emit | None = None
    may_wait: bool = True
    before: int = 0


class Tried(str):
    """A note on an exception: how often the call of a node that it ended had been made again."""

    __slots__ = ("max_retries", "node", "retries")

    node: str
    retries: int
    max_retries: int


@dataclass
class WorkflowError:
    """What is known of a node's failure; ``timestamp`` is in seconds since the epoch.

    ``retry_count`` counts the calls after the first one, of ``max_retries`` that a retry strategy allowed.
    ``exception`` is the exception itself, and ``repeat`` the call: these two are not stored, and keep the inputs alive.
    """

    node_name: str
    error_type: str
    message: str
    severity: ErrorSeverity
    timestamp: float
    traceback: str | None = None
    retry_count: int = 0
    max_retries: int = 3
    exception: Exception | None = field(default=None, repr=False, compare=False, metadata={"stored": False})
    repeat: Again | None = field(default=None, repr=False, compare=False, metadata={"stored": False})

    @classmethod
    def of(cls, error: Exception, node: str | Node[..., Any], call: Callable[[], Any] | None = None) -> WorkflowError:
        """Describe what a call of a node raised; ``call`` makes it again, and may give an awaitable."""
        name = name_of(node)
        notes = getattr(error, "__notes__", ())
        tried = next((note for note in notes if isinstance(note, Tried) and note.node == name), None)
        return cls(
            name,
            **_facts(error),
            retry_count=tried.retries if tried else 0,
            max_retries=tried.max_retries if tried else 0,
            repeat=Again(call) if call else None,
        )

    async def again(self, node: Node[..., Any], context: Context) -> Any:
        """Call the node again, with the inputs that it had; observers are told, and metrics count it.

        If that fails too, the record is from then on about the new failure.

        Raises:
            FastDagError: the inputs are not known, because the record was made by hand and without a call.

        """
        self.begin()
        return await self.proceed(node, context)

    def begin(self) -> None:
        """Count one more call, and tell the observers of it."""
        self.retry_count += 1
        if self.repeat is not None and self.repeat.emit is not None and self.exception is not None:
            self.repeat.emit(NodeRetried(self.node_name, self.retry_count + 1, self.exception))

    async def proceed(self, node: Node[..., Any], context: Context) -> Any:
        """Make the call that has begun."""
        repeat = self.repeat or Again(_without_inputs(node, context))
        try:
            value = repeat.call()
            return await value if repeat.may_wait and isawaitable(value) else value
        except Exception as error:
            vars(self).update(_facts(error))
            raise

    async def settle(self, value: Any) -> Any:
        """Give what a callback of the user returned, awaited if it is awaitable."""
        if not isawaitable(value):
            return value
        return await value if self.may_wait else in_own_loop(value)

    @property
    def may_wait(self) -> bool:
        """Whether what is done about the failure may suspend."""
        return self.repeat is None or self.repeat.may_wait


def _facts(error: Exception) -> dict[str, Any]:
    from traceback import format_exception

    return {
        "error_type": type(error).__name__,
        "message": str(error),
        "severity": severity_of(error),
        "timestamp": time(),
        "traceback": "".join(format_exception(error)),
        "exception": error,
    }


def _without_inputs(node: Node[..., Any], context: Context) -> Callable[[], Any]:
    missing = [port.name for port in node.ports if port.required]
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        raise FastDagError(
            f'Node "{node.name}" cannot be called again: the inputs {names} are not known (make the record with '
            "WorkflowError.of(error, node, call), whose call has them)"
        )
    return lambda: node.execute(context)


_CRITICAL: Final = (MemoryError, SystemError)
_ERRORS: Final = (ValueError, TypeError, KeyError)
_SETTLED: Final = (InputError, WorkflowValidationError, RunTimeoutError, PlacementError, CircuitOpenError)


def severity_of(error: BaseException) -> ErrorSeverity:
    """Say how grave an exception is; of a nested workflow's failure, the exception that caused it."""
    error = original(error)
    if not isinstance(error, Exception) or isinstance(error, _CRITICAL):
        return ErrorSeverity.CRITICAL
    return ErrorSeverity.ERROR if isinstance(error, _ERRORS) else ErrorSeverity.WARNING


def original(error: BaseException) -> BaseException:
    """Give what a node of a nested workflow raised, where that is what made the workflow fail."""
    while type(error) is WorkflowExecutionError and error.__cause__ is not None:
        error = error.__cause__
    return error


def is_settled(error: BaseException) -> bool:
    """Tell whether a further call would fail alike, so that the failure says nothing about how the node does.

    Inputs or wiring are wrong, the time of the run is up, or a circuit breaker inside refuses the call.
    """
    return isinstance(original(error), _SETTLED)
