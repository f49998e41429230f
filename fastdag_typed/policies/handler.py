"""One place where failures are collected and handed to who handles their kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .errors import WorkflowError, original
from .recovery import RecoveryStrategy, steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..context import Context
    from ..node import Node

    Handler = Callable[[Exception, Node[..., Any], Context], Any]


class ErrorHandler(RecoveryStrategy):
    """Collects the failures of nodes, and hands each to the handler of its type.

    Handlers are called as ``handler(error, node, context)`` with the exception itself, sync or async. What one returns
    is taken for the node's value; what it raises replaces the failure. Without a handler the failure stays one.

    ``errors`` grows with every failure, over all runs; clear it when it has been read.
    """

    def __init__(self) -> None:
        self.error_handlers: dict[str | type[Exception], Handler] = {}
        self.global_handler: Handler | None = None
        self.errors: list[WorkflowError] = []

    def register_handler(self, error_type: str | type[Exception], handler: Handler) -> None:
        """Have a type of exceptions handled, and those derived from it that have no handler of their own.

        Args:
            error_type: the type, or its name (``"ValueError"``, or ``"package.module.Name"``).
            handler: who handles it.

        Raises:
            TypeError: it is no type of exceptions, or the handler cannot be called.

        """
        is_type = isinstance(error_type, type) and issubclass(error_type, Exception)
        if not (is_type or isinstance(error_type, str)):
            raise TypeError(f"errors to handle are subclasses of Exception or their names, not {error_type!r}")
        self.error_handlers[error_type] = _callable(handler)

    def set_global_handler(self, handler: Handler | None) -> None:
        """Have everything handled that has no handler of its own.

        Raises:
            TypeError: the handler cannot be called.

        """
        self.global_handler = None if handler is None else _callable(handler)

    async def handle_error(self, error: Exception, node: Node[..., Any], context: Context) -> Any:
        """Note an exception, and give what its handler returns; without one, raise it again."""
        return await self.recover(WorkflowError.of(error, node), node, context)

    @steady
    async def recover(self, error: WorkflowError, node: Node[..., Any], context: Context) -> Any:
        """Note a failure, and give what its handler returns; without one, raise its exception."""
        self.errors.append(replace(error, exception=None, repeat=None))
        exception = error.exception or RuntimeError(error.message)
        handler = self._handler_of(exception)
        if handler is None:
            raise exception
        return await error.settle(handler(exception, node, context))

    def _handler_of(self, error: Exception) -> Handler | None:
        """Find the handler of the nearest type; of a nested workflow's failure, first by what caused it."""
        kinds = dict.fromkeys((*type(original(error)).__mro__, *type(error).__mro__))
        for kind in sorted(kinds, key=lambda kind: issubclass(Exception, kind)):  # what all errors are comes last
            for key in (kind, kind.__name__, f"{kind.__module__}.{kind.__qualname__}"):
                if key in self.error_handlers:
                    return self.error_handlers[key]
        return self.global_handler


def _callable(handler: Handler) -> Handler:
    if not callable(handler):
        raise TypeError(f"a handler is called with the error, and {handler!r} cannot be called")
    return handler
