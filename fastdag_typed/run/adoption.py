"""Compiled forms of workflows, in files and in memory: whether one is up to date, and what runs if it is not."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from functools import wraps
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..exceptions import CompileError, StaleModuleWarning
from ..workflow import Workflow
from .compiled import Compiled
from .memory import CompiledWorkflow
from .native import current, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..context import Context
    from ..workflow import Mode
    from .runner import Runner

    Form = ModuleType | str | os.PathLike[str] | CompiledWorkflow[Any]


def adopt(
    form: Form, workflow: Workflow | None, *, policies: bool, observers: bool
) -> tuple[Workflow, Compiled | None]:
    """Find the workflow of a compiled form, and what runs it; ``None`` if the form is not to be used.

    Args:
        form: a compiled module, the file of one, or what was compiled in memory.
        workflow: what is to be run; ``None`` for what the form was compiled from.
        policies: whether a runner puts policies around the calls.
        observers: whether it has observers.

    Raises:
        CompileError: there is no such file, or it is not a compiled module.
        TypeError: the module is not a compiled one.
        ValueError: policies or observers are wanted, for which compiled code has no place.

    """
    kept = _Memory(form) if isinstance(form, CompiledWorkflow) else _Module(form)
    if policies:
        raise ValueError(
            f"compiled code has no place for policies of a runner: give the workflow itself, {kept.target}"
        )
    own = kept.origin(imports=workflow is None)
    run: Any = workflow or own
    if os.environ.get("FASTDAG_INTERPRET"):
        return run, None
    another = own is None or own.nodes is not run.nodes  # the views that runs leave behind share them
    reason = f"it was compiled from another workflow, {kept.target}" if another else kept.changes(run)
    if not reason:
        found = Compiled(kept.module(), run.plan())
        if observers and not found.watched:
            raise ValueError(
                f"compiled code tells observers nothing: compile it with --instrument, or give the workflow itself, "
                f"{kept.target}"
            )
        return run, found
    instead = "The one to run is" if another else "Its workflow is"
    message = f"{kept.title} is out of date, because {reason}. {instead} interpreted instead. {kept.advice}"
    warnings.warn(message, StaleModuleWarning, stacklevel=_depth())
    return run, None


def interpret(module: dict[str, Any]) -> None:
    """Have the functions of a compiled module run its workflow instead, as ``FASTDAG_INTERPRET=1`` asks for.

    Args:
        module: the names of the module.

    """
    for name in ("run", "run_async"):
        if name in module:
            module[name] = _interpreter(module, module[name])


def _interpreter(module: dict[str, Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Make what takes the arguments of a compiled function, and gives what it gives."""
    ports: dict[str, str] = {parameter: name for name, parameter in module["INPUTS"].items()}
    signature = inspect.signature(function)
    mode: Mode = "sequential" if module["MODE"] == "sequential" else "parallel"

    def prepared(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[Runner[Any], dict[str, Any], Context | None]:
        given = signature.bind(*args, **named).arguments
        options = {name: value for name, value in given.items() if name not in ports}
        context: Context | None = options.pop("context", None)
        place, _, attribute = module["TARGET"].partition(":")
        runner = Runner(attrgetter(attribute)(import_module(place)), max_workers=next(iter(options.values()), None))
        return runner, {ports[name]: value for name, value in given.items() if name in ports}, context

    def results(runner: Runner[Any]) -> dict[str, Any]:
        found = runner.metrics.results
        return {name: value for name, value in found.items() if name in module.get("KEPT", found)}

    from .runner import Runner

    if inspect.iscoroutinefunction(function):

        async def run_async(*args: Any, **named: Any) -> dict[str, Any]:
            runner, inputs, context = prepared(args, named)
            await runner.run_async(inputs, mode, context=context)
            return results(runner)

        return wraps(function)(run_async)

    def run(*args: Any, **named: Any) -> dict[str, Any]:
        runner, inputs, context = prepared(args, named)
        runner.run(inputs, mode, context=context)
        return results(runner)

    return wraps(function)(run)


class _Memory:
    """What was compiled in memory."""

    advice = "Call compile() again"

    def __init__(self, form: CompiledWorkflow[Any]) -> None:
        self.form = form
        self.target = f'"{form.workflow.name}"'
        self.title = f"The compiled form of {self.target}"

    def origin(self, *, imports: bool) -> Workflow | None:
        """Give the workflow; it is there already."""
        del imports
        return self.form.workflow

    def changes(self, workflow: Workflow) -> str:
        """Say what has changed, if anything."""
        return "" if workflow.plan() is self.form.plan else "the workflow has changed"

    def module(self) -> ModuleType:
        """Give the module."""
        return self.form.module


class _Module:
    """A compiled module, or the file of one, which is not imported before it is known to be of the right workflow."""

    def __init__(self, form: ModuleType | str | os.PathLike[str]) -> None:
        self.form = form
        if isinstance(form, ModuleType):
            self.form = form = current(form)
            if not all(hasattr(form, name) for name in ("TARGET", "PLAN", "SOURCES", "INPUTS", "LINES")):
                raise TypeError(f'module "{form.__name__}" is not compiled from a workflow: give the workflow itself')
            self.target: str = form.TARGET
            self.title = f'Compiled module "{form.__name__}"'
            file = os.path.relpath(text_of(form))
        else:
            from fastdag_codegen.files import read, target_of

            self.target = target_of(read(form), form)
            file = os.fspath(form)
            self.title = f'Compiled module "{Path(file).stem}"'
        self.advice = f"Compile it again: fastdag compile {self.target} -o {file}"

    def origin(self, *, imports: bool) -> Workflow | None:
        """Find the workflow that the module was compiled from, where it ``imports`` also in a module not imported yet.

        One that is not imported yet is not the one to run, and importing a script a second time would carry it out.
        """
        place, _, attribute = self.target.partition(":")
        found: Any = import_module(place) if imports else sys.modules.get(place)
        for part in attribute.split("."):
            found = getattr(found, part) if imports else getattr(found, part, None)
        if imports and not isinstance(found, Workflow):
            raise TypeError(f"{self.target}, from which the module was compiled, is no workflow any more")
        return found if isinstance(found, Workflow) else None

    def changes(self, workflow: Workflow) -> str:
        """Say what has changed, if anything."""
        try:
            module = self.module()
        except CompileError as error:
            if error.__cause__ is None:
                raise
            cause = error.__cause__
            return f"it does not find what it was compiled from ({type(cause).__name__}: {cause})"
        reason = next(filter(None, (changed(*source) for source in module.SOURCES)), "")
        if not reason and workflow.plan().hash != module.PLAN:
            reason = f"the wiring of {self.target} has changed"
        return reason

    def module(self) -> ModuleType:
        """Give the module, loaded."""
        if not isinstance(self.form, ModuleType):
            from fastdag_codegen.files import load

            self.form = load(self.form)
        return self.form


def changed(module: str, path: str, digest: str) -> str:
    """Say what is wrong with a source file; nothing if it is as it was."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):
            spec = None
        file = spec.origin if spec is not None else None
    try:
        text = Path(file or "").read_bytes()
    except OSError:
        return f"its source {path} cannot be found"
    same = sha256(text.replace(b"\r\n", b"\n").removeprefix(b"\xef\xbb\xbf")).hexdigest() == digest
    return "" if same else f"{path} has changed"


def _depth() -> int:
    """Count the frames up to the user's line, as ``warnings`` does."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's line
    depth = 1
    while (frame.f_globals.get("__package__") or "").partition(".")[0] == "fastdag_typed" and frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth
