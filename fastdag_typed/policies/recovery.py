"""What is done when a node has failed: the face that all strategies have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from ..context import Context
from ..exceptions import RunTimeoutError
from ..step import Layer, rescue, running
from .callbacks import settled
from .errors import Again, WorkflowError, original

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..node import Node
    from ..step import Call, Emit, Step

F = TypeVar("F", bound="Callable[..., Any]")
Exceptions = type[Exception] | tuple[type[Exception], ...]


def steady(recover: F) -> F:
    """Mark a ``recover`` that never suspends around a sync node, and so needs no event loop there."""
    recover.steady = True  # type: ignore[attr-defined]  # a function has a __dict__
    return recover


class RecoveryStrategy(ABC):
    """Says what becomes of a node that has failed; it is a policy, of no cost until then.

    Subclasses write ``recover``: it gives the value to go on with, or raises. Where it suspends and the node is sync,
    it runs in an event loop of its own. ``exceptions`` are those that it is asked about, at ``layer``.
    """

    layer: Layer = Layer.FALLBACK
    exceptions: tuple[type[Exception], ...] = (Exception,)

    @abstractmethod
    async def recover(self, error: WorkflowError, node: Node[..., Any], context: Context) -> Any:
        """Give the node's value after all, or raise; ``await error.again(node, context)`` calls it again."""

    def handles(self, error: Exception) -> bool:
        """Tell whether the strategy is for this exception, or for the one that made a nested workflow fail."""
        return isinstance(error, self.exceptions) or isinstance(original(error), self.exceptions)

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:
        """Have ``recover`` called after a failure."""
        node = step.node
        recover = self.recover
        direct = getattr(recover, "steady", False)

        async def again(error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if isinstance(original(error), RunTimeoutError) or not self.handles(error):
                raise error
            record = WorkflowError.of(error, node)
            record.repeat = Again(lambda: call(*args, **kwargs), emit, step.is_async, record.retry_count)
            scope = running.get()
            context = Context() if scope is None else scope.context
            try:
                raise error  # noqa: TRY301 - so that it is the context of what is raised from here on
            except Exception:  # noqa: BLE001 - it is what recover is about
                answer = recover(record, node, context)
                return await answer if direct else await settled(step, answer)

        return rescue(step, call, again)


def checked(exceptions: Exceptions) -> tuple[type[Exception], ...]:
    """Give types of exceptions as a tuple.

    Raises:
        TypeError: one is none; ``KeyboardInterrupt`` and its like are not failures of a node.

    """
    kinds = exceptions if isinstance(exceptions, tuple) else (exceptions,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise TypeError(f"exceptions are subclasses of Exception, not {kind!r}")
    return kinds
