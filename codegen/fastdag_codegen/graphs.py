"""The function of a DAG: straight-line calls, each guarded if it can be skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastdag_typed.plan import CONTEXT, reads, slot_of

from .flows import Flow, Function, Statement, assign
from .names import string

if TYPE_CHECKING:
    from fastdag_typed.step import Guard, Read, Step


class Graph(Flow):
    """Writes the function of a DAG's plan."""

    def write(self, name: str) -> Function:
        """Write the function."""
        plan = self.plan
        self.declare()
        self.skippable: set[int] = set()
        self.choices: dict[int, str] = {}
        self.sure: set[int] = set()
        self.stored = self.names.take("stored") if plan.uses_context else ""
        for step in plan.steps:
            self.slots[step.out] = self.names.local(step.name)
        body = [line for step in plan.steps for line in self._statement(step)]
        if self.skippable:
            self.bindings.skips()
        if plan.uses_context:
            self.bindings.need("context", "Context")
        return Function(
            template="dag.py.jinja",
            name="run_async" if plan.is_async and not self.path else name,
            parameters=self.parameters,
            body=body,
            is_async=plan.is_async,
            outer=not self.path,
            context="Context" if plan.uses_context else "",
            metadata=f"{self.place.text()}.metadata" if plan.uses_context else "",
            stored=self.stored,
            check=self.check(),
            head=self.head,
            tail=self._value() if self.path else self._results(),
            forwarded=self.forwarded(context=plan.uses_context),
            skippable=frozenset(self.skippable),
        )

    def _statement(self, step: Step) -> list[str]:
        self.constants(step)
        variable = self.slots[step.out]
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
        function, arguments, traced = self.call(step, values)
        if guarded:
            self.skippable.add(step.out)
        if step.decision >= 0:
            self._decide(step, statement, function, arguments, guarded=guarded)
        else:
            statement.call = assign(variable, function, arguments, awaits=step.is_async)
        if self.stored:
            statement.stored = f"{self.stored}[{string(step.name)}]"
        return self.mark(step, variable, traced, statement.lines())

    def _decide(self, step: Step, statement: Statement, function: str, arguments: list[str], *, guarded: bool) -> None:
        """Take what a condition returned apart."""
        self.bindings.need("returns", "UNSET")
        choice = statement.choice = self.choices[step.decision] = self.names.local(f"{step.name}_choice")
        if guarded:
            self.bindings.need("step", "Decision")
        else:
            self.sure.add(step.decision)
        guards = [guard for other in self.plan.steps for guard in other.guards if guard.decision == step.decision]
        known = sorted({guard.branch if isinstance(guard.branch, str) else guard.target for guard in guards})
        targets = self.bindings.bind(
            f"{step.name}_targets", f"frozenset([{', '.join(map(string, known))}])", "Final[frozenset[str]]"
        )
        variable = statement.variable
        decided = [string(step.name), string(step.kind), variable, targets]
        statement.call = [
            *assign(variable, function, arguments, awaits=step.is_async),
            *assign(f"{choice}, {variable}", self.bindings.helper("decided"), decided),
        ]
        first = next((read for read in reads(step) if slot_of(read) != CONTEXT), None)
        statement.passed = "None" if first is None else self.read(first)

    def _taken(self, guard: Guard) -> str:
        """Write the test whether a guarded edge is on the branch taken."""
        arguments = [string(guard.target)]
        if guard.branch is not None:
            arguments.append(f"branch={string(guard.branch) if isinstance(guard.branch, str) else guard.branch}")
        if guard.by_name:
            arguments.append("by_name=True")
        value = f"{self.bindings.helper('to')}({', '.join(arguments)})"
        way = self.bindings.bind(f"to_{guard.target}", value)
        choice = self.choices[guard.decision]
        test = f"{choice}.takes({way})"
        return test if guard.decision in self.sure else f"{choice} is not None and {test}"

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

    def _results(self) -> list[str]:
        """Write what the module's function returns: the result of every node that ran."""
        rows = [(string(step.name), self.slots[step.out], step.out in self.skippable) for step in self.plan.steps]
        return self._mapping(rows, ": Results")

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
            return self._mapping(rows, ": dict[str, Any]")
        if returns.form == "list":
            return [f"return [{', '.join(values)}]"]
        return [f"return ({', '.join(values)}{',' if len(values) == 1 else ''})"]

    def _mapping(self, rows: list[tuple[str, str, bool]], annotation: str) -> list[str]:
        entries = [f"    {key}: {value}," for key, value, _ in rows]
        if not any(skippable for _, _, skippable in rows):
            return ["return {", *entries, "}"]
        name = self.names.take("results")
        lines = [f"{name}{annotation} = {{", *entries, "}"]
        for key, value, skippable in rows:
            if skippable:
                test = value if value.isidentifier() else f"{name}[{key}]"
                lines += [f"if {test} is SKIPPED:", f"    del {name}[{key}]"]
        return [*lines, f"return {name}"]
