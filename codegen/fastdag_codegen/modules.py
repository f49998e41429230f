"""From a plan to the text of a module: its functions, its tables, its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fastdag_typed import __version__
from fastdag_typed.diagnostic import did_you_mean
from fastdag_typed.exceptions import CompileError, FastDagError
from fastdag_typed.lowering import collector_at_rest
from fastdag_typed.plan import slot_of

from .bindings import Bindings, Place, reach
from .flows import Function, result_type, source_of
from .graphs import Graph
from .machines import StateMachine
from .names import comment, is_plain, string
from .options import Compilation, Options
from .parallel import Parallel, refuse
from .sources import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastdag_typed.dag import SubWorkflow
    from fastdag_typed.plan import Plan
    from fastdag_typed.step import Step

    from .bindings import Mark

DEFAULT: Final = Options()
_MARK: Final = re.compile(r"^\s*#@ (?:node (\d+)|line (\d+)|(end))$")
_WORD: Final = re.compile(r"\w+")
_UNSIGNED: Final = "-" * 64


def compile_workflow(plan: Plan, *, target: str, options: Options = DEFAULT) -> str:
    """Write the module whose ``run`` does what the sequential runner does with a plan.

    Args:
        plan: what is compiled.
        target: ``package.module:attribute``, where the compiled module finds the workflow's functions.
        options: how it is compiled.

    The same plan, target, options and sources give the same text, for any hash seed and supported version of Python.

    Raises:
        CompileError: a function cannot be reached from another module, the target is not the plan's workflow, or an
            option does not fit it.
    """
    return compilation(plan, target=target, options=options).text


def compilation(plan: Plan, *, target: str, options: Options = DEFAULT, before: str | None = None) -> Compilation:
    """Write the module of a plan, and tell what became of each node; see ``compile_workflow``.

    Args:
        plan: see there.
        target: see there.
        options: see there.
        before: the module as it is in its file; what is the same again is not compiled by Python again.

    Raises:
        CompileError: see there.
    """
    with collector_at_rest():
        module = Module(plan, target, options)
        text, fault = _tried(module, before)
        if fault is not None and options.level:  # whatever it is, calls alone do not have it
            module = Module(plan, target, replace(options, level=0))
            reason = f"the bodies cannot be put together ({_named(fault)})"
            text, fault = _tried(module, before)
            module.bindings.choices = [choice._replace(reason=reason) for choice in module.bindings.choices]
        if fault is not None:
            raise CompileError(f'Workflow "{plan.name}" cannot be compiled to one module: {_named(fault)}') from fault
        return Compilation(text, tuple(module.bindings.choices))


def _tried(module: Module, before: str | None) -> tuple[str, Exception | None]:
    """Give the text of a module, and what keeps it from being one, if anything does."""
    text = ""
    try:
        text = module.text()
        if text != before:
            compile(text, "<compiled workflow>", "exec", dont_inherit=True)
    except FastDagError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of the compiler, or what Python has limits for
        return text, error
    return text, None


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


class Module:
    """Writes one module."""

    def __init__(self, plan: Plan, target: str, options: Options) -> None:
        self.plan = plan
        self.target = target
        self.options = options
        self.kept = kept(plan, options)
        self.bindings = Bindings()
        self.functions: list[Function] = []
        self._nested: dict[int, tuple[str, dict[str, str]]] = {}
        self._open: list[int] = []

    def text(self) -> str:
        """Give the text of the module."""
        refuse(self.plan, self.options.mode)
        place = reach(self.bindings, self.plan, self.target)
        for step in self.plan.steps:
            source_of(self.bindings, step)
        inputs = self._function(self.plan, place, (), "run")
        rows = self._results()
        return self._rendered(inputs, rows)

    def _function(self, plan: Plan, place: Place, path: tuple[str, ...], name: str) -> dict[str, str]:
        flow: Graph | StateMachine
        if plan.machine is not None:
            flow = StateMachine(self.bindings, plan, place, path, self._call_nested, self.options)
            function = flow.write(name, plan.machine)
        else:
            kind = Graph if path or self.options.mode == "sequential" else Parallel
            graph = flow = kind(self.bindings, plan, place, path, self._call_nested, self.options)
            function = graph.write(name, self.kept if not path else None)
        self.functions.append(function)
        return flow.inputs

    def _call_nested(self, step: Step, place: Place, path: tuple[str, ...]) -> tuple[str, dict[str, str]]:
        """Compile the workflow that a step runs, once; give the name of its function, and of each input's parameter."""
        func: SubWorkflow = step.func  # type: ignore[assignment]
        workflow = func.workflow
        key = id(workflow)
        if key in self._open:
            way = " > ".join((*path, step.name))
            raise CompileError(f'Workflow "{workflow.name}" contains itself ({way}), so it cannot be compiled')
        if key not in self._nested:
            self._open.append(key)
            name = self.bindings.namespace.of_module(step.name)
            within = place.inner(self.bindings, step.name)
            self._nested[key] = name, self._function(workflow.plan(), within, (*path, step.name), name)
            self._open.pop()
        return self._nested[key]

    def _results(self) -> list[tuple[str, str]]:
        plan = self.plan
        first = plan.names[plan.machine.initial] if plan.machine is not None else ""
        skippable = {step.out for step in plan.steps} if plan.machine is not None else self.functions[-1].skippable
        rows: list[tuple[str, str]] = []
        for step in plan.steps:
            if self.kept is not None and step.index not in self.kept:
                continue
            annotation = result_type(self.bindings, step)
            if step.out in skippable and step.name != first:
                annotation = f"NotRequired[{annotation}]"
            rows.append((step.name, annotation))
        return rows

    def _rendered(self, inputs: dict[str, str], rows: list[tuple[str, str]]) -> str:
        bindings = self.bindings
        environment = bindings.standard("os") if self.target else ""
        hidden = {word for _, annotation in rows for word in _WORD.findall(annotation)}
        functional = any(not is_plain(name) or name in hidden for name, _ in rows)
        facts: dict[str, Any] = {
            "version": __version__,
            "target": self.target,
            "mode": self.options.mode,
            "plan": self.plan.hash,
            "digest": _UNSIGNED,
            "options": self.options.text(),
            "sources": sorted(bindings.sources.used.values(), key=lambda source: source.path),
            "kept": None if self.kept is None else [string(self.plan.names[index]) for index in sorted(self.kept)],
            "results": {
                "functional": functional,
                "rows": [(string(name) if functional else name, annotation) for name, annotation in rows],
            },
            "imports": bindings.imports,
            "type_imports": bindings.types.imports,
            "typing": self._typing(rows),
            "globals": bindings.globals,
            "skips": bindings.skips,
            "unchecked": bindings.unchecked,
            "late_globals": self.options.late_globals and self.options.level,
            "environment": environment,
            "instrument": self.options.instrument,
            "flows": self.functions,
            "inputs": [(string(name), parameter) for name, parameter in inputs.items()],
            "nodes": [(comment(string(name)), value) for name, value in bindings.nodes.items()],
        }
        templates = _templates()
        code, marked = _unmarked(templates.get_template("module.py.jinja").render(facts))
        lines = [(one.line, bindings.marks[one.mark]) for one in marked]
        inlined = [
            (one.origins[0][0], one.end, mark.name, string(mark.traced.origin), _pairs(one.origins), _names(mark))
            for one in marked
            if one.origins
            for mark in (bindings.marks[one.mark],)
        ]
        text: str = code + templates.get_template("tables.py.jinja").render(facts, lines=lines, inlined=inlined)
        return text.replace(_UNSIGNED, self._digest(text), 1)

    def _typing(self, rows: list[tuple[str, str]]) -> list[str]:
        found = {"TYPE_CHECKING", "Any", "Final", "TypedDict"}
        if any(annotation.startswith("NotRequired[") for _, annotation in rows):
            found.add("NotRequired")
        outer = self.functions[-1]
        if self.plan.machine is not None or any('cast("' in line for line in (*outer.head, *outer.tail)):
            found.add("cast")
        return sorted(found)

    def _digest(self, text: str) -> str:
        """Digest what the module does: its code without comments, and the code of the functions that it calls."""
        code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        chosen = [text] if (text := self.options.text()) else []
        return digest("\n".join((__version__, self.plan.hash, *chosen, *self.bindings.nodes.values(), *code)))


def kept(plan: Plan, options: Options) -> frozenset[int] | None:
    """Find the steps whose results the module returns: what is asked for, and what the final value is made of.

    Raises:
        CompileError: there is no such node, or the workflow is a state machine.
    """
    if options.keep is None:
        return None
    if plan.machine is not None:
        raise CompileError(
            f'"{plan.name}" is a state machine, which keeps the latest result of each state: leave out keep'
        )
    at = {step.name: step.index for step in plan.steps}
    for name in options.keep:
        if name not in at:
            raise CompileError(f'There is no node "{name}" to keep ({did_you_mean(name, at, what="nodes")})')
    final = (plan.step_of_slot.get(slot_of(read)) for _, read in plan.returns.items)
    return frozenset([*(at[name] for name in options.keep), *(step.index for step in final if step is not None)])


@dataclass
class _Marked:
    """Where a step's lines begin, and which lines of its source those of its inlined body are from."""

    line: int
    mark: int
    origins: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    end: int = 0


def _unmarked(text: str) -> tuple[str, list[_Marked]]:
    """Take the marks out of a text; give what they say of the lines that follow them."""
    kept: list[str] = []
    found: list[_Marked] = []
    for line in text.split("\n"):
        mark = _MARK.match(line) if "#@" in line else None
        if mark is None:
            kept.append(line)
        elif mark[1]:
            found.append(_Marked(len(kept) + 1, int(mark[1])))
        elif mark[2]:
            found[-1].origins.append((len(kept) + 1, int(mark[2])))
        else:
            found[-1].end = len(kept)
    return "\n".join(kept), found


def _pairs(pairs: Sequence[tuple[int, int]]) -> str:
    return f"({', '.join(f'({line}, {source})' for line, source in pairs)},)"


def _names(mark: Mark) -> str:
    pairs = [f"({string(name)}, {string(original)})" for name, original in mark.traced.names]
    return f"({', '.join(pairs)}{',' if len(pairs) == 1 else ''})"


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("fastdag_codegen"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - what is written is Python
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
