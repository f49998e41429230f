"""From a plan to one function: parameters, a statement for each step, what is returned."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from fastdag_typed.checks import checker, doubts
from fastdag_typed.dag import SubWorkflow
from fastdag_typed.plan import CONTEXT, reads, slot_of
from fastdag_typed.ports import EMPTY, Take

from .bindings import Mark, Traced
from .bodies import find, inlined, plain
from .names import Namespace, comment, identifier, is_plain, literal, string
from .options import Choice
from .sources import digest
from .types import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastdag_typed.plan import Input, Plan
    from fastdag_typed.step import Read, Step

    from . import sources
    from .bindings import Bindings, Place
    from .inline import Body, Sink
    from .options import How, Options
    from .parts import Part

WIDTH: Final = 120
_INSIDE: Final = 12
"""Columns that a statement is indented by at most, in a guarded step."""


@dataclass
class Statement:
    """The code of one step.

    ``test`` guards it, ``arrivals`` say which inputs of a join arrive, ``ways`` are the variables that tell which ways
    a decision takes, ``stored`` is where a context shows the result, ``watch`` is what is told, and of which step,
    ``raw`` what its function returned, if that is not its value.
    """

    variable: str
    test: str = ""
    arrivals: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    call: list[str] = field(default_factory=list[str])
    ways: list[str] = field(default_factory=list[str])
    stored: str = ""
    watch: tuple[str, int] | None = None
    raw: str = ""

    def lines(self) -> list[str]:
        """Write the statement."""
        found = [f"{name} = {test}" for name, test in self.arrivals]
        body = list(self.call)
        if self.stored:
            body.append(f"{self.stored} = {self.variable}")
        if self.watch is not None:
            watch, step = self.watch
            body = [f"{watch}.begin({step})", *body, f"{watch}.done({step}, {self.raw or self.variable})"]
        if not self.test:
            return [*found, *body]
        found.append(f"{self.variable}: Any = SKIPPED")
        if self.ways:
            found.append(f"{' = '.join(self.ways)} = False")
        found += [f"if {self.test}:", *(f"    {line}" for line in body)]
        return found if self.watch is None else [*found, "else:", f"    {self.watch[0]}.skip({self.watch[1]})"]


@dataclass
class Function:
    """A generated function, ready for its template; in ``body`` a line ``#@ 3`` marks where step 3 begins."""

    template: str
    name: str
    parameters: list[str]
    body: list[str]
    is_async: bool
    outer: bool
    context: str = ""
    around: str = ""
    taken: str = ""
    watch: str = ""
    watches: str = ""
    metadata: str = ""
    stored: str = ""
    check: list[str] = field(default_factory=list[str])
    head: list[str] = field(default_factory=list[str])
    tail: list[str] = field(default_factory=list[str])
    forwarded: list[str] = field(default_factory=list[str])
    handed: list[str] = field(default_factory=list[str])
    parts: list[Part] = field(default_factory=list["Part"])
    inlines: bool = False
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    skippable: frozenset[int] = frozenset()

    @property
    def word(self) -> str:
        """The word that begins its definition."""
        return "async def" if self.is_async else "def"

    @property
    def starts_loop(self) -> bool:
        """Whether a second function is wanted, for callers without an event loop."""
        return self.outer and self.is_async


class Flow:
    """Writes the function of one plan; what all kinds of plan have in common."""

    def __init__(
        self,
        bindings: Bindings,
        plan: Plan,
        place: Place,
        path: tuple[str, ...],
        nested: Callable[[Step, Place, tuple[str, ...]], tuple[str, dict[str, str]]],
        options: Options,
    ) -> None:
        self.bindings = bindings
        self.plan = plan
        self.place = place
        self.path = path
        self.nested = nested
        self.options = options
        self.names = Namespace(bindings.namespace)
        self.slots: dict[int, str] = {CONTEXT: "context"}
        self._parameters: list[tuple[bool, str]] = []
        self._may_be_unset: set[str] = set()
        self.inputs: dict[str, str] = {}
        self.head: list[str] = []
        self.inlines = False
        self.around = self.names.take("around") if path and plan.shows_context else ""
        if self.around:
            bindings.need("context", "Context")

    # -- what a run begins with --------------------------------------------------------------------------------------

    def declare(self, optional: frozenset[str] = frozenset()) -> None:
        """Make a parameter of each open input; one that is ``optional`` has a default whatever its ports have."""
        groups: dict[str, list[Input]] = {}
        for entry in self.plan.inputs:
            groups.setdefault(entry.name, []).append(entry)
        for name, entries in groups.items():
            parameter = self.inputs[name] = self._parameter(name)
            defaults = [self._default(entry) for entry in entries]
            annotations = {input_type(self.bindings, self.plan, entry.node, entry.port.name) for entry in entries}
            annotation = annotations.pop() if len(annotations) == 1 else ANY
            default: str | None = None
            if name in optional or (None not in defaults and len(set(defaults)) > 1):
                default = self._unset()
                self._may_be_unset.add(name)
                annotation = annotation if annotation == ANY else f"{annotation} | {self._unset_type()}"
            elif None not in defaults:
                default = defaults[0]
            text = f"{parameter}: {annotation}" + (f" = {default}" if default is not None else "")
            self._parameters.append((default is not None, text))
            for entry, own in zip(entries, defaults, strict=True):
                self.slots[entry.slot] = parameter
                if default == "UNSET" and own is not None:
                    local = self.slots[entry.slot] = self.names.local(f"{entry.node}_{entry.port.name}")
                    self.head.append(f"{local} = {own} if {parameter} is UNSET else {parameter}")

    @property
    def parameters(self) -> list[str]:
        """The parameters as they are written, required ones first."""
        return [text for _, text in sorted(self._parameters, key=lambda one: one[0])]

    def forwarded(self, *, context: bool) -> list[str]:
        """Write the arguments that hand every parameter on."""
        names = self.inputs.values()
        return [*(f"{name}={name}" for name in names), *(["context=context"] if context else [])]

    def _parameter(self, name: str) -> str:
        """Name a parameter; what users see keeps its name, even with the underscore that marks names of the module."""
        if self.path:
            return self.names.local(name)
        plain = identifier(name)
        return (self.bindings.namespace if plain.startswith("_") else self.names).take(plain)

    def _unset(self) -> str:
        return self.bindings.need("returns", "UNSET")

    def _unset_type(self) -> str:
        return self.bindings.types.name("fastdag_typed.returns", "Unset")

    def _default(self, entry: Input) -> str | None:
        if entry.default is EMPTY:
            return None
        return literal(entry.default) or self._bound(entry.node, self.plan.given.get(entry.slot, entry.port.name))

    def _bound(self, node: str, port: str) -> str:
        found = next(step.node for step in self.plan.steps if step.name == node)
        if port in (found.bound or {}):
            value = f"{self.bindings.helper('bound_value')}({self.place.text()}, {string(node)}, {string(port)})"
        else:
            position = [one.name for one in found.ports].index(port)
            value = f"{self.place.text()}.nodes[{string(node)}].ports[{position}].default"
        return self.bindings.bind(f"{node}_{port}", value, "Final[Any]")

    # -- one step ----------------------------------------------------------------------------------------------------

    def constants(self, step: Step) -> None:
        """Find expressions for the slots that hold what a composed function gave as a constant."""
        for slot in map(slot_of, reads(step)):
            if slot not in self.slots and slot in self.plan.given:
                self.slots[slot] = literal(self.plan.template[slot]) or self._bound(step.name, self.plan.given[slot])

    def read(self, read: Read) -> str:
        """Write the expression that reads a value."""
        value = self.slots[slot_of(read)]
        if not isinstance(read, Take):
            return value
        key = f"{value}[{string(read.name)}]"
        attribute = f"{value}.{read.name}" if is_plain(read.name) else f"getattr({value}, {string(read.name)})"
        if read.how == "attr":
            return attribute
        if read.how == "item":
            return f"{value}[{read.index}]"
        if read.how == "key":
            return key
        if read.how == "field":
            return f"({key} if isinstance({value}, dict) else {attribute})"
        return f'({value}[{string(read.name)}] if hasattr({value}, "keys") else {value}[{read.index}])'

    def arguments(self, step: Step, values: Sequence[str]) -> list[str]:
        """Write the arguments of a call."""
        count = len(step.args)
        named = zip([name for name, _ in step.kwargs], values[count:], strict=True)
        return [
            *values[:count],
            *(f"{name}={value}" if is_plain(name) else f"**{{{string(name)}: {value}}}" for name, value in named),
        ]

    def call(self, step: Step, values: Sequence[str]) -> tuple[str, list[str], Traced]:
        """Write what a step calls and the arguments, and what its errors are traced to."""
        bindings = self.bindings
        wraps = step.node.policies or step.index in doubts(self.plan)
        if isinstance(step.func, SubWorkflow) and not wraps:
            name, parameters = self.nested(step, self.place, self.path)
            given = zip([parameters[name] for name, _ in step.kwargs], values, strict=True)
            around = ["context"] if step.func.workflow.plan().shows_context else []
            return name, [*around, *(f"{parameter}={value}" for parameter, value in given)], Traced()
        arguments = self.arguments(step, values)
        if wraps:
            wrapped = f"{bindings.helper('with_policies')}({self.place.text()}, {string(step.name)})"
            known = not isinstance(step.func, SubWorkflow)
            return wrapped, arguments, Traced(bindings.function(step, self.place)) if known else Traced()
        name = bindings.function(step, self.place)
        return name, arguments, Traced(name)

    def carry_out(
        self, step: Step, values: Sequence[str], target: str, sink: Sink | None = None, declared: str = ""
    ) -> tuple[list[str], Traced]:
        """Write what gives a step's value to a variable, by its body or by a call; ``sink`` writes a return otherwise.

        Without ``sink`` a return is an assignment to ``target``, of the type ``declared``. What a sink writes is for
        inlined bodies only: whether there is one shows in ``origin`` of what is given with the lines.
        """
        reason: Body | str | tuple[list[str], Traced]
        reason = find(step, self.plan, source_of(self.bindings, step), self.options)
        if not isinstance(reason, str):
            if sink is not None and self.options.instrument:
                reason = "observers are told what it returns"
            elif reason.goes_on:  # if that raises, what was returned would live on
                reason = "something of it goes on after it has returned"
            else:
                write = sink or plain(target, declared)
                self.bindings.unchecked |= not reason.checked
                reason = inlined(reason, step, values, self.bindings, self.names, self.options, write)
        if not isinstance(reason, str):
            self.inlines = True
            self.choose(step, "inlined", "")
            return reason
        self.choose(step, "called", reason)
        function, arguments, traced = self.call(step, values)
        return assign(target, function, arguments, awaits=step.is_async), traced._replace(reason=reason)

    def choose(self, step: Step, how: How, reason: str) -> None:
        """Note what becomes of a step, and why."""
        bindings = self.bindings
        bindings.choices.append(Choice(self._path(step), source_of(bindings, step).place, how, reason))

    def _path(self, step: Step) -> str:
        return ".".join((*self.path, step.name))

    def mark(self, step: Step, variable: str, traced: Traced, lines: list[str]) -> list[str]:
        """Enter a step into the tables; give its statement with a mark and a comment before."""
        bindings = self.bindings
        known = source_of(bindings, step)
        says = [self.read(read) for read in reads(step)] if traced.origin else lines  # a body is told by its digest
        bindings.nodes[self._path(step)] = digest("\n".join((known.digest, *says)))[:16]
        bindings.marks.append(Mark(string(step.name), variable, traced))
        place = f" ({known.place})" if known.place else ""
        kind = "" if step.kind in ("standard", "fsm_state") else f" [{step.kind}]"
        text = comment(f"{step.name}{kind}{place}" + (f": {known.summary}" if known.summary else ""))
        note = f" [called: {traced.reason}]" if traced.reason and self.options.level else ""
        room = WIDTH - _INSIDE - len("# node: ") - len(note)
        text = text if len(text) <= room else f"{text[: room - 4].rpartition(' ')[0]} ..."
        return [f"#@ node {len(bindings.marks) - 1}", f"# node: {text}{note}", *lines]

    def check(self) -> list[str]:
        """Write the check of the inputs: whole, unless their classes tell that nothing is wrong."""
        tests = dict.fromkeys(self._test(entry) for entry in self.plan.inputs if not checker(entry.port.type).idle)
        if not tests:
            return []
        given = [f"{string(name)}: {parameter}" for name, parameter in self.inputs.items()]
        call = f"check_inputs({self.place.text()}, {{"
        if None in tests:
            return spread(self.bindings.helper(call), given, "})")
        return [
            *_unless([f"({test})" if " or " in test else test for test in filter(None, tests)]),
            "    from fastdag_typed.run.compiled import check_inputs",
            *(f"    {line}" for line in spread(call, given, "})")),
        ]

    def _test(self, entry: Input) -> str | None:
        """Write the test that shows of nearly every right value that it is right; ``None``: there is none so short."""
        check, parameter = checker(entry.port.type), self.inputs[entry.name]
        kinds = set(check.passes) - {NoneType}
        names = sorted(kind.__name__ for kind in kinds if getattr(builtins, kind.__name__, None) is kind)
        if kinds == {entry.port.type} and not names:
            ports = next(step.node.ports for step in self.plan.steps if step.name == entry.node)
            value = f"{self.place.text()}.nodes[{string(entry.node)}].ports[{ports.index(entry.port)}].type"
            names = [self.bindings.bind(f"{entry.node}_{entry.port.name}_class", value, "Final[Any]")]
        if "int" in names:
            names.remove("bool")
        tests = [f"{parameter} is UNSET"] if entry.name in self._may_be_unset else []
        tests += [f"{parameter} is None"] if NoneType in check.passes else []
        tests += [f"isinstance({parameter}, ({', '.join(names)}))"] if len(names) > 1 else []
        tests += [f"isinstance({parameter}, {names[0]})"] if len(names) == 1 else []
        return " or ".join(tests) or None


def _unless(tests: list[str]) -> list[str]:
    """Write the beginning of what is done unless all tests hold."""
    if len(tests) == 1:
        return [f"if not {tests[0]}:"]
    line = f"if not ({' and '.join(tests)}):"
    if len(line) <= WIDTH - _INSIDE:
        return [line]
    return ["if not (", f"    {tests[0]}", *(f"    and {test}" for test in tests[1:]), "):"]


def source_of(bindings: Bindings, step: Step) -> sources.Function:
    """Read what the source says about a step's function."""
    module = getattr(step.func, "__module__", None)
    return bindings.sources.function(step.node.where, module)


def input_type(bindings: Bindings, plan: Plan, node: str, port: str) -> str:
    """Write the type of a node's input, as its function names it."""
    step = next(step for step in plan.steps if step.name == node)
    if not isinstance(step.func, SubWorkflow):
        return bindings.types.parameter(source_of(bindings, step), port)
    inner = step.func.workflow.plan()
    found = {input_type(bindings, inner, entry.node, entry.port.name) for entry in inner.inputs if entry.name == port}
    return found.pop() if len(found) == 1 else ANY


def result_type(bindings: Bindings, step: Step) -> str:
    """Write the type of a step's result, as its function names it."""
    if not isinstance(step.func, SubWorkflow):
        steers = step.kind in ("condition", "select", "fsm_state")
        if step.kind == "condition" and step.node.signature.returns is bool:
            return ANY  # the value passed on is the first input's
        return bindings.types.returned(source_of(bindings, step), steers=steers)
    plan = step.func.workflow.plan()
    if plan.returns.form != "one":
        return {"dict": "dict[str, Any]", "tuple": "tuple[Any, ...]", "list": "list[Any]"}[plan.returns.form]
    read = plan.returns.items[0][1]
    inner = plan.step_of_slot.get(slot_of(read))
    if inner is None or isinstance(read, Take) or plan.guarded:
        return ANY
    return result_type(bindings, inner)


def assign(target: str, function: str, arguments: Sequence[str], *, awaits: bool = False) -> list[str]:
    """Write ``target = function(arguments)``, over several lines if it is long."""
    return spread(f"{target} = {'await ' if awaits else ''}{function}(", arguments, ")")


def spread(begin: str, parts: Sequence[str], end: str) -> list[str]:
    """Write parts between brackets, over several lines if they are long."""
    line = f"{begin}{', '.join(parts)}{end}"
    if len(line) <= WIDTH - _INSIDE or not parts:
        return [line]
    return [begin, *(f"    {part}," for part in parts), end]
