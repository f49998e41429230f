"""Compiled modules that are no files: for lambdas, closures, and functions of the script that runs now."""

from __future__ import annotations

import itertools
import linecache
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple
from weakref import finalize

from .bindings import WORKFLOW
from .modules import compilation
from .names import comment, identifier

if TYPE_CHECKING:
    from fastdag_typed.workflow import Workflow

    from .options import Choice, Options


class InMemory(NamedTuple):
    """A module that was compiled and loaded; its text, and what became of each node."""

    module: ModuleType
    text: str
    choices: tuple[Choice, ...]


def compile_in_memory(workflow: Workflow, options: Options) -> InMemory:
    """Compile a workflow, and load the module with the workflow itself in its namespace, wherever that was made.

    Raises:
        WorkflowValidationError: the workflow is not valid.
        CompileError: it cannot be compiled.
    """
    text, choices = compilation(workflow.plan(), target="", options=options)
    module = ModuleType(f"{identifier(workflow.name)}_compiled")
    file = _register(workflow.name, text)
    finalize(module, linecache.cache.pop, file, None).atexit = False
    vars(module).update({"__file__": file, WORKFLOW: workflow})
    exec(compile(text, file, "exec", dont_inherit=True), vars(module))  # noqa: S102 - it is what was just compiled
    return InMemory(module, text, choices)


def _register(name: str, text: str) -> str:
    """Have tracebacks show a text; give the name of file that stands for it.

    Source: ``attrs``, which puts its generated methods into ``linecache`` under a name that nobody else has.
    """
    lines = text.splitlines(keepends=True)
    for number in itertools.count(1):
        file = f"<fastdag compiled {comment(name)}{'' if number == 1 else f'-{number}'}>"
        entry = (len(text), None, lines, file)  # without a time, so that it is not looked for on the disk
        if linecache.cache.setdefault(file, entry) is entry:
            return file
    raise AssertionError  # pragma: no cover - the numbers do not end
