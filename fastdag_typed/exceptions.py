"""The tree of errors: each says what, where and what to do, and carries its data as attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .diagnostic import Diagnostic, Location
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


class BranchError(FastDagError, LookupError):
    """A condition, selection or state chose a way that the workflow does not have."""


class InputError(WorkflowExecutionError, ValueError):
    """The inputs given to a run do not fit the open inputs of the workflow; no node has run."""

    def __init__(self, workflow: str, diagnostics: Sequence[Diagnostic]) -> None:
        lines = "".join(f"\n  {d.text}" for d in diagnostics)
        super().__init__(f'Workflow "{workflow}" cannot run with these inputs:{lines}')
        self.diagnostics = tuple(diagnostics)


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


class StaleModuleWarning(UserWarning):
    """A compiled module no longer matches its sources, and the workflow is interpreted instead."""
