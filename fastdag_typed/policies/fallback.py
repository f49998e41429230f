"""A value in the place of the one that a failed node did not give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .recovery import Exceptions, RecoveryStrategy, checked, steady

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..context import Context
    from ..node import Node
    from .errors import WorkflowError


class FallbackStrategy(RecoveryStrategy):
    """Goes on with another value where a node fails.

    Args:
        fallback_value: what the node is taken to have returned; for a condition or state, what steers it.
        fallback_func: called as ``fallback_func(error, node, context)`` for the value, sync or async; ``error`` is a
            ``WorkflowError``. What it raises replaces the failure.
        exceptions: for which exceptions.

    """

    def __init__(
        self,
        fallback_value: Any = None,
        fallback_func: Callable[[WorkflowError, Node[..., Any], Context], Any] | None = None,
        exceptions: Exceptions = (Exception,),
    ) -> None:
        if fallback_func is not None and not callable(fallback_func):
            raise TypeError(f"fallback_func is called for the value, and {fallback_func!r} cannot be called")
        self.fallback_value = fallback_value
        self.fallback_func = fallback_func
        self.exceptions = checked(exceptions)

    @steady
    async def recover(self, error: WorkflowError, node: Node[..., Any], context: Context) -> Any:
        """Give the fallback value, or what the fallback function gives."""
        if self.fallback_func is None:
            return self.fallback_value
        return await error.settle(self.fallback_func(error, node, context))
