"""Hooks: what users write, or take from here, to be done around the calls of a node."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from ..exceptions import SchemaError
from .recovery import steady

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from logging import Logger

    from ..context import Context


class NodeLifecycle(Enum):
    """What a node is at; ``DISPOSED`` at the end of each run, from where the next one begins anew."""

    CREATED = "created"
    INITIALIZING = "initializing"
    READY = "ready"
    EXECUTING = "executing"
    COMPLETED = "completed"
    ERROR = "error"
    DISPOSED = "disposed"


class LifecycleHook:
    """Base of hooks: override what you need, as ``def`` or ``async def``; what is not overridden is never called.

    What a hook raises makes the node fail, except in ``on_error`` and ``on_dispose``.
    """

    def on_before_init(self, node: Any, context: Context) -> Awaitable[None] | None:
        """Do something once in each run, before the node's first call."""

    def on_after_init(self, node: Any, context: Context) -> Awaitable[None] | None:
        """Do something once in each run, when ``on_before_init`` of all hooks of the node is done."""

    def on_before_execute(
        self,
        node: Any,  # noqa: ARG002 - for those who override it
        context: Context,  # noqa: ARG002 - the same
        inputs: dict[str, Any],
    ) -> Awaitable[dict[str, Any]] | dict[str, Any]:
        """Give the inputs, by the names of the function's parameters, that the node is to be called with."""
        return inputs

    def on_after_execute(self, node: Any, context: Context, result: Any) -> Any:  # noqa: ARG002 - the same
        """Give the result that the node is to have."""
        return result

    def on_error(self, node: Any, context: Context, error: Exception) -> Any:
        """Give a result in the place of an error; ``None``: there is none.

        What this raises itself does not replace the error: it is logged, and noted in the error.
        """

    def on_dispose(self, node: Any, context: Context) -> Awaitable[None] | None:
        """Do something once at the end of each run in which ``on_before_init`` was done, however the run ended.

        What this raises does not change how the run went: it is logged, and among the errors of its metrics.
        """


HOOKED: Final = tuple(name for name in vars(LifecycleHook) if name.startswith("on_"))
"""The methods of a hook."""


class LoggingHook(LifecycleHook):
    """Logs what a node comes to: calls as information, their names of inputs, but no values; errors as errors.

    ``logger`` is by default the library's, ``fastdag_typed``.
    """

    def __init__(self, logger: Logger | None = None) -> None:
        if logger is None:
            from logging import getLogger

            logger = getLogger("fastdag_typed")
        self.logger = logger

    @steady
    async def on_before_init(self, node: Any, context: Context) -> None:  # noqa: ARG002 - every hook's parameters
        """Log that the node is initialized."""
        self.logger.debug("Initializing node: %s", node.name)

    @steady
    async def on_after_init(self, node: Any, context: Context) -> None:  # noqa: ARG002 - the same
        """Log that the node has been initialized."""
        self.logger.debug("Node initialized: %s", node.name)

    @steady
    async def on_before_execute(self, node: Any, context: Context, inputs: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - the same
        """Log that the node is called."""
        self.logger.info("Executing node: %s with inputs: %s", node.name, list(inputs))
        return inputs

    @steady
    async def on_after_execute(self, node: Any, context: Context, result: Any) -> Any:  # noqa: ARG002 - the same
        """Log that the node has a result."""
        self.logger.info("Node completed: %s", node.name)
        return result

    @steady
    async def on_error(self, node: Any, context: Context, error: Exception) -> None:  # noqa: ARG002 - the same
        """Log that the node failed."""
        self.logger.error("Node error: %s - %s: %s", node.name, type(error).__name__, error)

    @steady
    async def on_dispose(self, node: Any, context: Context) -> None:  # noqa: ARG002 - the same
        """Log that the node is disposed of."""
        self.logger.debug("Disposing node: %s", node.name)


class ValidationHook(LifecycleHook):
    """Checks the types of inputs and of the result: what ``isinstance`` takes, bare or as ``{"type": ...}``.

    Args:
        input_schema: by the names of inputs; those that a node does not have are ignored.
        output_schema: of the result.

    Raises:
        TypeError: what is given is no type to check by ``isinstance``.

    """

    def __init__(self, input_schema: Mapping[str, Any] | None = None, output_schema: Any = None) -> None:
        self.input_schema = input_schema
        self.output_schema = output_schema
        self._inputs = {key: _type_of(schema, f'input "{key}"') for key, schema in (input_schema or {}).items()}
        self._output = None if output_schema is None else _type_of(output_schema, "the result")

    @steady
    async def on_before_execute(self, node: Any, context: Context, inputs: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - every hook's parameters
        """Check the inputs.

        Raises:
            SchemaError: one is of another type.

        """
        for key, expected in self._inputs.items():
            if key in inputs and not isinstance(inputs[key], expected):
                raise SchemaError(node.name, key, _named(expected), type(inputs[key]), node.where)
        return inputs

    @steady
    async def on_after_execute(self, node: Any, context: Context, result: Any) -> Any:  # noqa: ARG002 - the same
        """Check the result.

        Raises:
            SchemaError: it is of another type.

        """
        if self._output is not None and not isinstance(result, self._output):
            raise SchemaError(node.name, None, _named(self._output), type(result), node.where)
        return result


def _type_of(schema: Any, what: str) -> Any:
    """Read the type in a schema."""
    if isinstance(schema, Mapping):
        further = sorted(map(str, schema.keys() - {"type"}))
        if further:
            raise TypeError(f'the schema of {what} has {", ".join(further)}, but only "type" can be checked')
        schema = schema.get("type", object)
    try:
        isinstance(None, schema)
    except TypeError:
        hint = 'give a class, a tuple of classes or a union of classes, as {"type": list}'
        raise TypeError(f"{schema!r} for {what} cannot be checked ({hint})") from None
    return schema


def _named(expected: Any) -> str:
    if isinstance(expected, tuple):
        return " or ".join(map(_named, expected))
    return expected.__qualname__ if isinstance(expected, type) else str(expected)
