"""Workflows compiled to files, which find them here."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from fastdag_codegen import Options, compilation, load, write

if TYPE_CHECKING:
    from types import ModuleType

    from fastdag_typed import Workflow

DEFAULT: Final = Options()
_FOLDER: Final = TemporaryDirectory(prefix="fastdag-bench-")


def placed(workflow: Workflow) -> str:
    """Put a workflow where it can be imported from; give its target."""
    name = f"workflow_{len(globals())}"
    globals()[name] = workflow
    return f"{__name__}:{name}"


def compiled(workflow: Workflow, options: Options = DEFAULT) -> tuple[ModuleType, Path]:
    """Compile a workflow to a file, the functions of which are inlined as the level says; give its module, and where.

    Raises:
        AssertionError: some function is not inlined at a level that inlines, so that something else would be measured.
    """
    target = placed(workflow)
    text, choices = compilation(workflow.plan(), target=target, options=options)
    called = [f"{choice.node}: {choice.reason}" for choice in choices if choice.how == "called"]
    if options.level and called:
        raise AssertionError(f"not inlined: {'; '.join(called)}")
    path = Path(_FOLDER.name) / f"{target.partition(':')[2]}.py"
    write(text, path)
    return load(path), path
