"""The function of a DAG: straight-line calls, each guarded if it can be skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_typed.dag import SubWorkflow
from fastdag_typed.plan import CONTEXT, reads, slot_of

from .bindings import Mark, Traced
from .flows import Flow, Function, Statement, assign, result_type
from .names import string
from .optimize import UNCHANGED, optimize
from .parts import LONG, Block, Part, cut, sizes
from .types import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fastdag_typed.step import Guard, Read, Step


_DISPLAY: Final = 16
"""Python makes a dict of so many entries at once; to put a larger one together takes longer than to enter each."""
_CAST: Final = 'cast("Results", '


class Way(NamedTuple):
    """A way out of a decision; see ``Guard`` for what it is made of."""

    target: str
    branch: bool | str | None
    by_name: bool


class Graph(Flow):
    """Writes the function of a DAG's plan."""

    def write(self, name: str, kept: frozenset[int] | None) -> Function:
        """Write the function; only of steps that are ``kept`` (``None``: of all) the results are returned."""
        plan = self.plan
        self.begin(kept)
        dropped = self._dropped()
        many = len(plan.steps) > LONG or len(plan.steps if kept is None else kept) > _DISPLAY
        entered = self.names.take("results") if many and not self.path else ""
        body = [
            [*self.statement(step), *self._entry(entered, step), *dropped.get(step.index, ())] for step in plan.steps
        ]
        if entered:
            self.head.append(f"{entered} = {_CAST}{{}})")
        tail = [f"return {entered}"] if entered else self._value() if self.path else self.results()
        parts = self._parts(body, tail, entered) if len(body) > LONG else []
        return self.function(
            name,
            body=[line for lines in (self._calls(parts, entered) if parts else body) for line in lines],
            parts=parts,
            tail=tail,
        )

    def begin(self, kept: frozenset[int] | None) -> None:
        """Name what the function begins with, and the variable of each step."""
        plan = self.plan
        self.kept = kept
        self.declare()
        self.skippable: set[int] = set()
        self.ways: dict[int, dict[Way, str]] = {}
        self.taken = self.names.take("taken") if not self.path and any(s.decision >= 0 for s in plan.steps) else ""
        self.stored = self.names.take("stored") if plan.shows_context else ""
        self.watch = self.names.take("watch") if self.options.instrument and not self.path else ""
        for step in plan.steps:
            self.slots[step.out] = self.names.local(step.name)
        seen = None if kept is None else [plan.names[index] for index in kept]
        if self.path:
            finals = (plan.step_of_slot.get(slot_of(read)) for _, read in plan.returns.items)
            seen = [step.name for step in finals if step is not None]
        self.optimized = optimize(plan, seen) if self.options.level > 1 else UNCHANGED

    def function(
        self, name: str, *, template: str = "dag.py.jinja", body: Sequence[str] = (), **texts: Any
    ) -> Function:
        """Describe the function, of which the steps are written, for its template."""
        plan = self.plan
        if self.skippable:
            self.bindings.skips = True
        if plan.shows_context:
            self.bindings.need("context", "Context")
        return Function(
            name="run_async" if plan.is_async and not self.path else name,
            parameters=self.parameters,
            is_async=plan.is_async,
            inlines=self.inlines,
            outer=not self.path,
            context="Context" if plan.shows_context else "",
            taken=self.taken,
            watch=self.watch,
            watches=self.bindings.helper("Watch") if self.watch else "",
            around=self.around,
            metadata=f"{self.place.text()}.metadata" if plan.shows_context else "",
            stored=self.stored,
            check=self.check(),
            head=self.head,
            forwarded=self.forwarded(context=plan.shows_context),
            handed=[
                *(["context"] if plan.shows_context else []),
                *(["{}"] if self.taken else []),
                *([f"{self.bindings.helper('UNWATCHED')}"] if self.watch else []),
                *self.forwarded(context=False),
            ],
            skippable=frozenset(self.skippable),
            template=template,
            body=list(body),
            **texts,
        )

    def _dropped(self) -> dict[int, list[str]]:
        """Write what is to be deleted after each step: values that are not kept and that nothing reads any more."""
        if self.options.keep is None:
            return {}
        last: dict[int, int] = {}
        dead, folded, same = self.optimized
        for step in self.plan.steps:
            if step.index in same:
                last[self.plan.steps[same[step.index]].out] = step.index
            elif step.index not in dead and step.index not in folded:
                last.update(dict.fromkeys(map(slot_of, reads(step)), step.index))
            if step.index not in dead:
                last[step.out] = step.index
        final = {slot_of(read) for _, read in self.plan.returns.items}
        found: dict[int, list[str]] = {}
        for slot, index in sorted(last.items()):
            source = self.plan.step_of_slot.get(slot)
            if source is not None and source.index not in (self.kept or ()) and slot not in final and _frees(source):
                found.setdefault(index, []).append(self.slots[slot])
        return {index: [f"del {', '.join(names)}"] for index, names in found.items()}

    def _entry(self, entered: str, step: Step) -> list[str]:
        """Enter a result that is kept into the mapping of them, if there is one while steps go on.

        That is quicker than to enter them all at the end, where they have been out of sight for long.
        """
        if not entered or (self.kept is not None and step.index not in self.kept):
            return []
        entry = f"{entered}[{string(step.name)}] = {self.slots[step.out]}"
        skippable = step.out in self.skippable
        return [f"if {self.slots[step.out]} is not SKIPPED:", f"    {entry}"] if skippable else [entry]

    def _parts(self, body: list[list[str]], tail: list[str], entered: str) -> list[Part]:
        """Cut a long function into parts."""
        shared = [*self.inputs.values(), *self.slots.values()]
        shared += filter(None, (entered, self.taken, self.stored, self.watch))
        blocks = [
            Block(
                [line for index in steps for line in body[index]],
                is_async=any(self.plan.steps[index].is_async for index in steps),
            )
            for steps in sizes(len(body))
        ]
        given = {name for block in blocks for name in block.gives}
        names = [self.bindings.namespace.of_module(f"part_{number + 1}") for number in range(len(blocks))]
        return cut(blocks, [name for name in dict.fromkeys(shared) if name not in given], Block(tail).takes, names)

    def _calls(self, parts: list[Part], entered: str) -> Iterator[list[str]]:
        for part in parts:
            self.bindings.marks.append(Mark('""', entered))
            yield [f"#@ node {len(self.bindings.marks) - 1}", *part.call]

    def statement(self, step: Step) -> list[str]:
        """Write one step: what it reads, calls and gives, guarded if it can be skipped."""
        variable = self.slots[step.out]
        if step.index in self.optimized.dead:
            self.choose(step, "dropped", "it is pure, and nothing needs its value")
            return []
        if step.index in self.optimized.folded:
            self.choose(step, "folded", "it is pure, and its value is known")
            known = f"{variable}: {self._declared(step)} = {self.optimized.folded[step.index]}"
            return self.mark(step, variable, Traced(), [known])
        if step.index in self.optimized.same:
            other = self.plan.steps[self.optimized.same[step.index]]
            self.choose(step, "shared", f'it is pure, and "{other.name}" has its value')
            known = f"{variable}: {self._declared(step)} = {self.slots[other.out]}"
            return self.mark(step, variable, Traced(), [known])
        self.constants(step)
        needed = sorted({slot_of(read) for read in reads(step) if slot_of(read) in self.skippable})
        statement = Statement(variable)
        if step.kind == "any" and (step.guards or needed):
            values, statement.test = self._join(step, statement.arrivals)
            guarded = True
        else:
            values = [self.read(read) for read in reads(step)]
            tests = [f"{self.slots[slot]} is not SKIPPED" for slot in needed]
            tests += dict.fromkeys(self._taken(guard) for guard in step.guards)
            statement.test = " and ".join(tests)
            guarded = bool(tests)
        if guarded:
            self.skippable.add(step.out)
        if step.decision >= 0:
            traced = self._decide(step, statement, values)
        else:
            declared = "" if guarded else self._declared(step)
            statement.call, traced = self.carry_out(step, values, variable, declared=declared)
        if self.watch:
            statement.watch = self.watch, step.index
        if self.stored:
            statement.stored = f"{self.stored}[{string(step.name)}]"
        return self.mark(step, variable, traced, statement.lines())

    def _declared(self, step: Step) -> str:
        """Write the type of a step's variable; any, if bodies read it that take it for something else.

        Type checkers would find in them what is right where the parameter is of its own type: ``best = x`` and then
        ``best = 0.5`` for a float ``x`` that is given an int.
        """
        returns = step.node.signature.returns
        whole = (edge.input_port for edge in step.node.edges_out if edge.resolve()[0] is None)
        ports = (port for port in whole if port is not None and not port.variadic)
        if self.options.level and any(port.type != returns for port in ports):
            return ANY
        return result_type(self.bindings, step)

    def _decide(self, step: Step, statement: Statement, values: list[str]) -> Traced:
        """Take what a condition returned apart: one variable for each way, and the value that it passes on."""
        guards = [guard for other in self.plan.steps for guard in other.guards if guard.decision == step.decision]
        ways = self.ways[step.decision] = {
            way: self.names.local(f"{step.name}_to_{way.target}") for way in dict.fromkeys(map(_way, guards))
        }
        statement.ways = list(ways.values())
        variable = statement.variable
        raw = statement.raw = self.names.local(f"{step.name}_raw")
        first = next((read for read in reads(step) if slot_of(read) != CONTEXT), None)
        passed = "None" if first is None else self.read(first)
        lines, traced = self.carry_out(step, values, raw, declared="Any")
        known = ", ".join(f"({string(way.target)}, {_word(way.branch)}, {way.by_name})" for way in ways)
        table = self.bindings.bind(f"{step.name}_ways", f"({known}{',' if len(ways) == 1 else ''})", "Final")
        choose = [string(step.name), string(step.kind), raw, table, passed, self.taken or "{}"]
        names = f"{variable}, ({', '.join(ways.values())}{',' if len(ways) == 1 else ''})" if ways else variable

        def chosen(function: str) -> list[str]:
            *before, last = assign(names, function, choose)
            return [*before, last if ways else f"{last}[0]"]

        if step.kind != "condition":
            statement.call = [*lines, *chosen(self.bindings.helper("choose"))]
            return traced
        short = [f"{name} = {_taken(way, raw)}" for way, name in ways.items()]
        if self.taken:
            short.insert(0, f"{self.taken}[{string(step.name)}] = {raw}")
        statement.call = [
            *lines,
            f"if {raw} is True or {raw} is False:",
            *(f"    {line}" for line in [*short, f"{variable} = {passed}"]),
            "else:",
            "    from fastdag_typed.run.compiled import choose",
            *(f"    {line}" for line in chosen("choose")),
        ]
        return traced

    def _taken(self, guard: Guard) -> str:
        """Write the test whether a guarded edge is on the branch taken."""
        return self.ways[guard.decision][_way(guard)]

    def _join(self, step: Step, arrivals: list[tuple[str, str]]) -> tuple[list[str], str]:
        """Write the arguments of a join, ``None`` for what does not arrive, and the test whether anything does."""
        guard_of = {guard.read: guard for guard in step.guards if guard.read is not None}
        tests = [f"({self._taken(guard)})" for guard in step.guards if guard.read is None]
        values: list[str] = []
        always = False
        for position, read in enumerate(reads(step)):
            value = self.read(read)
            if slot_of(read) not in self.plan.step_of_slot:
                values.append(value)
                continue
            test = self._arrives(read, guard_of.get(position))
            if not test:
                always = True
                values.append(value)
                continue
            arrived = self.names.local(f"{step.name}_has_{position + 1}")
            arrivals.append((arrived, test))
            tests.append(arrived)
            values.append(f"{value} if {arrived} else None")
        return values, "" if always else " or ".join(tests)

    def _arrives(self, read: Read, guard: Guard | None) -> str:
        slot = slot_of(read)
        tests = [f"{self.slots[slot]} is not SKIPPED"] if slot in self.skippable else []
        if guard is not None:
            tests.append(self._taken(guard))
        return " and ".join(tests)

    def results(self) -> list[str]:
        """Write what the module's function returns: the result of every node that ran."""
        rows = [
            (string(step.name), self.slots[step.out], step.out in self.skippable)
            for step in self.plan.steps
            if self.kept is None or step.index in self.kept
        ]
        return self._mapping(rows, "Results")

    def _value(self) -> list[str]:
        """Write what a nested function returns: the final value."""
        returns = self.plan.returns
        rows = [(string(name), self.read(read), slot_of(read) in self.skippable) for name, read in returns.items]
        slots = [self.slots[slot_of(read)] for _, read in returns.items]
        values = [
            f"None if {slot} is SKIPPED else {value}" if skippable else value
            for (_, value, skippable), slot in zip(rows, slots, strict=True)
        ]
        if returns.form == "one":
            return [f"return {values[0]}"]
        if returns.form == "dict":
            fields = [
                f"SKIPPED if {slot} is SKIPPED else {value}" if skippable and value != slot else value
                for (_, value, skippable), slot in zip(rows, slots, strict=True)
            ]
            rows = [(name, value, skippable) for (name, _, skippable), value in zip(rows, fields, strict=True)]
            return self._mapping(rows, "dict[str, Any]")
        if returns.form == "list":
            return [f"return [{', '.join(values)}]"]
        return [f"return ({', '.join(values)}{',' if len(values) == 1 else ''})"]

    def _mapping(self, rows: list[tuple[str, str, bool]], annotation: str) -> list[str]:
        """Write a mapping that is returned, less what was skipped."""
        entries = [f"    {key}: {value}," for key, value, _ in rows]
        if len(rows) <= _DISPLAY and not any(skippable for _, _, skippable in rows):
            return ["return {", *entries, "}"]
        name = self.names.take("results")
        lines = [f"{name}: {annotation} = {{", *entries, "}"]
        if len(rows) > _DISPLAY:
            empty = f"{name} = {_CAST}{{}})" if annotation == "Results" else f"{name}: {annotation} = {{}}"
            lines = [empty, *(f"{name}[{key}] = {value}" for key, value, _ in rows)]
        for key, value, skippable in rows:
            if skippable:
                test = value if value.isidentifier() else f"{name}[{key}]"
                lines += [f"if {test} is SKIPPED:", f"    del {name}[{key}]"]
        return [*lines, f"return {name}"]


def _frees(step: Step) -> bool:
    """Tell whether it is worth a statement to free what a step gives; a number is not."""
    returns = None if isinstance(step.func, SubWorkflow) or step.kind == "condition" else step.node.signature.returns
    return not any(returns is number for number in (bool, float, int))


def _way(guard: Guard) -> Way:
    return Way(guard.target, guard.branch, guard.by_name)


def _word(branch: bool | str | None) -> str:
    return string(branch) if isinstance(branch, str) else str(branch)


def _taken(way: Way, raw: str) -> str:
    """Write whether a way is taken, if the decision is a bool."""
    if isinstance(way.branch, bool):
        return raw if way.branch else f"not {raw}"
    return str(way.branch is None and not way.by_name)
