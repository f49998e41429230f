"""Workflows that are compiled in memory: callables, and what a runner takes in the place of the workflow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Generic

from ..context import Results
from ..returns import UNSET, name_of
from ..workflow import InputsT_contra, Workflow, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

    from fastdag_codegen.options import Choice, Level, Mode

    from ..context import Context
    from ..node import Node


class CompiledWorkflow(Generic[InputsT_contra]):
    """A workflow that was compiled in memory: called with its inputs, it gives the result of each node.

    If the workflow has changed since, it is interpreted, with a ``StaleModuleWarning``.

    Attributes:
        workflow: what was compiled.
        module: the compiled module.
        text: its source.
        choices: what became of each node, and why.

    """

    def __init__(
        self,
        workflow: Workflow[Any, InputsT_contra],
        module: ModuleType,
        text: str,
        choices: tuple[Choice, ...],
    ) -> None:
        self.workflow = workflow
        self.module = module
        self.text = text
        self.choices = choices
        self.plan = workflow.plan()
        self._run = module.run
        self._run_async = getattr(module, "run_async", None)
        self._parameters: dict[str, str] = module.INPUTS
        code, defaults = module.run.__code__, module.run.__defaults__ or ()
        self._required = frozenset(code.co_varnames[: code.co_argcount - len(defaults)])
        self._interprets = bool(os.environ.get("FASTDAG_INTERPRET"))

    def __repr__(self) -> str:
        """Render as the workflow, which it does the same as."""
        return f"<compiled {self.workflow!r}>"

    def __call__(
        self, inputs: InputsT_contra | None = None, /, *, context: Context | None = None, **named: Any
    ) -> Results:
        """Run with inputs by port name, as a mapping or by keyword; give the result of each node that ran.

        Raises:
            InputError: an input is missing, unknown or of a wrong type.
            WorkflowExecutionError: a node failed.

        """
        given = merged(inputs, named)
        arguments = self._arguments(given, context)
        if arguments is None:
            from .runner import Runner

            return Runner(self.workflow, compiled=self).run(given, context=context).results
        if self._run_async is None:
            return _results(self._run(**arguments))
        from ..policies.callbacks import in_own_loop

        return _results(in_own_loop(self._run_async(**arguments)))

    async def run_async(
        self, inputs: InputsT_contra | None = None, /, *, context: Context | None = None, **named: Any
    ) -> Results:
        """Run on the current event loop; otherwise as when called."""
        given = merged(inputs, named)
        arguments = self._arguments(given, context)
        if arguments is None:
            from .runner import Runner

            return (await Runner(self.workflow, compiled=self).run_async(given, context=context)).results
        return _results(self._run(**arguments) if self._run_async is None else await self._run_async(**arguments))

    def _arguments(self, given: Any, context: Context | None) -> dict[str, Any] | None:
        """Give the arguments of the compiled function; ``None`` where the runner has to see to it."""
        if self._interprets or self.workflow.plan() is not self.plan or context is not None or type(given) is not dict:
            return None
        parameters = self._parameters
        try:
            found = {parameters[name]: value for name, value in given.items() if value is not UNSET}
        except KeyError:
            return None
        return found if self._required <= found.keys() else None


def compile_in_memory(
    workflow: Workflow[Any, InputsT_contra],
    level: Level,
    mode: Mode,
    keep: Iterable[str | Node[..., Any]] | None,
    **options: bool,
) -> CompiledWorkflow[InputsT_contra]:
    """Compile a workflow, see its ``compile``."""
    from fastdag_codegen.memory import compile_in_memory
    from fastdag_codegen.options import Options

    kept: Any = keep if keep is None or isinstance(keep, str) else tuple(map(name_of, keep))  # a text is refused there
    made = compile_in_memory(workflow, Options(level, mode, keep=kept, **options))
    return CompiledWorkflow(workflow, *made)


def _results(found: Mapping[str, Any]) -> Results:
    return found if isinstance(found, Results) else Results(found)
