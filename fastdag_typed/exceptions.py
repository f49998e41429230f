"""The tree of errors: each says what, where and what to do, and carries its data as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .diagnostic import Diagnostic, Location
    from .node import Node
    from .policies.errors import WorkflowError
    from .validation import ValidationResult


class FastDagError(Exception):
    """Base of every error that the library raises itself."""


class WiringError(FastDagError, ValueError):
    """A statement that builds a workflow cannot be carried out; ``diagnostic`` says why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.text)
        self.diagnostic = diagnostic


class PlaceholderError(FastDagError, TypeError):
    """A value that does not exist yet was used while a workflow was being composed."""


class WorkflowValidationError(FastDagError):
    """A workflow is not valid; ``result`` holds every diagnostic."""

    def __init__(self, message: str, result: ValidationResult) -> None:
        super().__init__(message)
        self.result = result


class WorkflowExecutionError(FastDagError):
    """A node failed while a workflow was running; the original exception is ``__cause__``."""

    def __init__(self, message: str, *, node_name: str | None = None, where: Location | None = None) -> None:
        super().__init__(message)
        self.node_name = node_name
        self.where = where


class NodeTimeoutError(FastDagError, TimeoutError):
    """A call of a node took longer than ``seconds``."""

    def __init__(
        self, message: str, *, node_name: str | None = None, seconds: float = 0.0, where: Location | None = None
    ) -> None:
        super().__init__(message)
        self.node_name = node_name
        self.seconds = seconds
        self.where = where


class RunTimeoutError(NodeTimeoutError):
    """The time of the whole run was up, in or before a node; nothing tries it again."""


class PlacementError(FastDagError, TypeError):
    """A node, or the value of its ``port``, cannot go to where the node is to run, or its result cannot come back."""

    def __init__(
        self, message: str, *, node_name: str | None = None, port: str | None = None, where: Location | None = None
    ) -> None:
        super().__init__(message)
        self.node_name = node_name
        self.port = port
        self.where = where


class WorkerError(FastDagError):
    """A node ended one process after the other, or none can be started; ``exit_code`` is negative for a signal."""

    def __init__(
        self,
        message: str,
        *,
        node_name: str | None = None,
        exit_code: int | None = None,
        where: Location | None = None,
    ) -> None:
        super().__init__(message)
        self.node_name = node_name
        self.exit_code = exit_code
        self.where = where


class RemoteError(FastDagError):
    """Stands for an exception that cannot leave the process it was raised in; ``type_name`` is what it was."""

    def __init__(self, message: str, *, type_name: str = "") -> None:
        super().__init__(message)
        self.type_name = type_name


class PortTypeError(FastDagError, TypeError):
    """A value is not of the type of the port that it came to, or not of the type that a node declares to return.

    ``expected``, ``actual`` and ``path`` (empty: the whole value) say what is wrong and where inside of the value;
    ``source`` is the node that gave it (``None``: it is an input of the run), and ``source_where`` where that one is.
    """

    def __init__(
        self,
        message: str,
        *,
        node_name: str | None = None,
        port: str | None = None,
        expected: str = "",
        actual: str = "",
        path: str = "",
        source: str | None = None,
        source_where: Location | None = None,
        where: Location | None = None,
    ) -> None:
        super().__init__(message)
        self.node_name = node_name
        self.port = port
        self.expected = expected
        self.actual = actual
        self.path = path
        self.source = source
        self.source_where = source_where
        self.where = where


class SecurityError(FastDagError):
    """A value breaks a ``SecurityPolicy``; the node was not called."""

    def __init__(
        self, message: str, *, node_name: str | None = None, port: str | None = None, where: Location | None = None
    ) -> None:
        super().__init__(message)
        self.node_name = node_name
        self.port = port
        self.where = where


class BranchError(FastDagError, LookupError):
    """A condition, selection or state chose a way that the workflow does not have."""


class InputError(WorkflowExecutionError, ValueError):
    """The inputs given to a run do not fit the open inputs of the workflow; no node has run.

    ``violations`` tell more of those that are of a wrong type.
    """

    def __init__(
        self, workflow: str, diagnostics: Sequence[Diagnostic], violations: Sequence[PortTypeError] = ()
    ) -> None:
        lines = "".join(f"\n  {d.text}" for d in diagnostics)
        super().__init__(f'Workflow "{workflow}" cannot run with these inputs:{lines}')
        self.diagnostics = tuple(diagnostics)
        self.violations = tuple(violations)


class SerializationError(FastDagError, ValueError):
    """A document cannot be read, or a value cannot be stored; ``path`` and ``line`` say where."""

    def __init__(self, message: str, *, path: str = "", line: int | None = None) -> None:
        place = f"line {line}: " if line is not None else ""
        super().__init__(f"{place}{path}: {message}" if path else f"{place}{message}")
        self.path = path
        self.line = line


class TargetError(FastDagError):
    """A ``package.module:workflow`` or a file does not lead to a workflow."""


class CompileError(FastDagError):
    """A workflow cannot be compiled to a module."""


class OptionError(FastDagError, ValueError):
    """An option of the compiler is unknown or makes no sense; ``key`` says which."""

    def __init__(self, message: str, *, key: str) -> None:
        super().__init__(message)
        self.key = key


class StaleModuleWarning(UserWarning):
    """A compiled module no longer matches its sources, and the workflow is interpreted instead."""


class MemoryLimitError(FastDagError, ValueError):
    """A node needs more memory than there may ever be: ``needed_mb``, where ``limit_mb`` is the limit."""

    def __init__(self, node: Node[..., Any], needed_mb: int, limit_mb: int) -> None:
        place = f" ({node.where})" if node.where else ""
        super().__init__(
            f'Node "{node.name}"{place} needs {needed_mb} MB of memory, but the limit is {limit_mb} MB for all nodes '
            "that run (raise memory_limit_mb, or declare less with Memory(...))"
        )
        self.node_name: str = node.name
        self.where: Location | None = node.where
        self.needed_mb = needed_mb
        self.limit_mb = limit_mb


class CircuitOpenError(FastDagError):
    """A node was not called, because it failed too often before.

    ``until`` is when it is tried again, in seconds since the epoch; ``last_error`` says how it failed last.
    """

    def __init__(self, message: str, *, node_name: str, until: float, last_error: WorkflowError) -> None:
        super().__init__(message)
        self.node_name = node_name
        self.until = until
        self.last_error = last_error


class SchemaError(FastDagError, ValueError):
    """An input (``key``) or the result (``key`` is ``None``) of a node is not of the type in a ``ValidationHook``."""

    def __init__(self, node_name: str, key: str | None, expected: str, actual: type, where: Location | None) -> None:
        what = "the result" if key is None else f'input "{key}"'
        place = f" ({where})" if where else ""
        super().__init__(
            f'Node "{node_name}"{place}: invalid type for {what}: expected {expected}, got {actual.__qualname__}'
        )
        self.node_name = node_name
        self.key = key
        self.expected = expected
        self.actual = actual
        self.where = where


class IsolationError(FastDagError, TypeError):
    """A value cannot be copied, so nobody can have it alone; the cause says why.

    ``node_name`` and ``port`` say which node was to have it; without a port it is what the node returned.
    """

    def __init__(self, what: str, cause: Exception, *, node_name: str | None = None, port: str | None = None) -> None:
        super().__init__(
            f"{what} cannot be copied, which isolation needs: {type(cause).__name__}: {cause} (make it in the node, of "
            "what can be copied, or let its class say with __deepcopy__ what a copy of it is)"
        )
        self.node_name = node_name
        self.port = port


class CacheError(FastDagError, TypeError):
    """A node cannot have a cache as it is."""

    def __init__(self, message: str, *, node_name: str) -> None:
        super().__init__(message)
        self.node_name = node_name


class UnknownNodeError(FastDagError, KeyError):
    """A registry has no node of this ``name``, or none of this ``version``; ``known`` is what it has."""

    def __init__(self, message: str, *, name: str, version: str | None = None, known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.name = name
        self.version = version
        self.known = tuple(known)

    def __str__(self) -> str:
        """Render the message as it is, where a ``KeyError`` would quote it."""
        return str(self.args[0])
