"""What the commands say when something is wrong: diagnostics, and the user's traceback without the library's frames."""

from __future__ import annotations

import os
import sysconfig
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException
from typing import TYPE_CHECKING, Any

import click

from ..diagnostic import Diagnostic, Location
from ..exceptions import (
    FastDagError,
    OptionError,
    TargetError,
    WiringError,
    WorkflowExecutionError,
    WorkflowValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO


class Findings(click.ClickException):
    """Something is wrong with the user's code: the exit code is 1."""

    exit_code = 1

    def __init__(self, diagnostics: Sequence[Diagnostic], trace: str = "") -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = tuple(diagnostics)
        self.trace = trace

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the user's traceback, if any, and the diagnostics to the standard error stream."""
        click.echo(f"{self.trace}{self.message}", file=file, err=file is None)


def refusal(error: FastDagError) -> click.ClickException:
    """Make of an error of the library what the program says, and ends with the right exit code."""
    if isinstance(error, TargetError | OptionError):
        return click.UsageError(str(error))
    if isinstance(error, WorkflowValidationError):
        return Findings(error.result.diagnostics)
    return click.ClickException(str(error))


def import_failure(module: str, error: BaseException) -> Findings:
    """Say that a module raised while it was being imported; what is wrong with a wiring is said as it is."""
    if isinstance(error, WiringError):
        return Findings([error.diagnostic])
    if isinstance(error, WorkflowValidationError):
        return Findings(error.result.diagnostics)
    text = f'Module "{module}" cannot be imported: {_head(error)}'
    return Findings([Diagnostic("fastdag-import", text, where=_place(error))], users_traceback(error))


def node_failure(error: WorkflowExecutionError) -> Findings:
    """Say which node raised what, also a node of an inner workflow."""
    nodes = [error]
    culprit: BaseException = error
    while isinstance(culprit, WorkflowExecutionError) and culprit.__cause__ is not None:
        nodes.append(culprit)
        culprit = culprit.__cause__
    names = [f'"{node.node_name}"' for node in nodes[1:]]
    text = f"Node {' in '.join(reversed(names))} failed: {_head(culprit)}" if names else str(error)
    found = Diagnostic("fastdag-run", text, where=nodes[-1].where, node=error.node_name)
    return Findings([found], users_traceback(culprit))


def users_traceback(error: BaseException) -> str:
    """Format an exception and its causes without the frames of the library and of what calls it.

    Empty where nothing but the exception's own line would be left.
    """
    shown = TracebackException.from_exception(error)
    has_frames = _trim(shown)
    return "".join(shown.format()) if has_frames or isinstance(error, SyntaxError) else ""


def users_frames(error: BaseException) -> list[FrameSummary]:
    """List the frames that an exception came through, without those of the library and of what calls it."""
    return [frame for frame in TracebackException.from_exception(error).stack if not _is_machinery(frame)]


def _trim(shown: TracebackException) -> bool:
    """Take frames out in place; tell whether any is left."""
    shown.stack = StackSummary.from_list([frame for frame in shown.stack if not _is_machinery(frame)])
    others = (shown.__cause__, shown.__context__, *(shown.exceptions or ()))
    return any([bool(shown.stack), *(_trim(other) for other in others if other is not None)])


def _is_machinery(frame: FrameSummary) -> bool:
    return frame.filename.startswith(_machinery())


@cache
def _machinery() -> tuple[str, ...]:
    """Where the frames between the command line and the user's code are."""
    standard = Path(sysconfig.get_path("stdlib"))
    folders = [Path(__file__).parents[1], *(standard / name for name in ("asyncio", "concurrent", "importlib"))]
    folders.extend(Path(s.origin).parent for s in map(find_spec, ("click", "fastdag_codegen")) if s and s.origin)
    return ("<frozen ", *(f"{folder}{os.sep}" for folder in folders))


def _place(error: BaseException) -> Location | None:
    """Find the line of the user's code that raised."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return Location(error.filename, error.lineno or 1)
    frames = users_frames(error)
    others = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    own = [frame for frame in frames if not frame.filename.startswith(others)] or frames
    return Location(own[-1].filename, own[-1].lineno or 1) if own else None


def _head(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}{f': {text}' if text else ''}"
