"""The functions of a state machine: a loop that calls the current state, and what starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastdag_typed.plan import reads
from fastdag_typed.ports import EMPTY

from .flows import Flow, Function, assign
from .names import literal, string

if TYPE_CHECKING:
    from fastdag_typed.plan import Machine, Transition
    from fastdag_typed.step import Step

_WORDS: Final = (
    *("cycles", "following", "history", "name", "previous", "reason", "results", "state", "stop", "value"),
)
"""Variables of the loop."""
_LINEAR: Final = 8
"""Up to so many states are told apart one after the other; more are halved first."""


class StateMachine(Flow):
    """Writes the functions of a state machine's plan."""

    def write(self, name: str, machine: Machine) -> Function:
        """Write the loop and the function that starts it."""
        plan, bindings = self.plan, self.bindings
        first = plan.names[machine.initial]
        fixed = {entry.name for entry in plan.inputs if entry.node == first and entry.default is EMPTY}
        standing: dict[str, list[str]] = {}
        for entry in plan.inputs:
            if entry.default is EMPTY and entry.name not in fixed:
                standing.setdefault(entry.node, []).append(entry.name)
        self.declare(frozenset(name for names in standing.values() for name in names))
        self.words = {word: self.names.take(word) for word in _WORDS}
        ambiguous = self._stand_in(standing)
        bindings.need("context", "FSMContext")
        numbers = ", ".join(f"{string(state)}: {index}" for index, state in enumerate(plan.names))
        states = bindings.bind(f"{plan.name}_states", f"{{{numbers}}}")
        names = bindings.bind(f"{plan.name}_names", f"tuple({states})")
        bodies = [self._statement(step, machine.transitions[step.index], states) for step in plan.steps]
        final = sorted(machine.final)
        return Function(
            template="machine.py.jinja",
            name="run_async" if plan.is_async and not self.path else name,
            parameters=self.parameters,
            body=_dispatch(list(enumerate(bodies)), self.words["state"]),
            is_async=plan.is_async,
            outer=not self.path,
            metadata=f"{self.place.text()}.metadata",
            check=self.check(),
            head=self.head,
            forwarded=self.forwarded(context=True),
            facts={
                **self.words,
                "walk": "walk" if not self.path else bindings.namespace.take(f"{name}_walk"),
                "given": self.forwarded(context=False),
                "ambiguous": ambiguous,
                "names": names,
                "initial": machine.initial,
                "final": f"({', '.join(map(str, final))}{',' if len(final) == 1 else ''})" if final else "",
                "max_cycles": machine.max_cycles,
                "exceeded": f"{bindings.helper('exceeded')}({string(plan.name)}, context, {machine.max_cycles}, "
                f'"{machine.on_max_cycles}")',
            },
        )

    def _stand_in(self, standing: dict[str, list[str]]) -> list[tuple[str, str]]:
        """Read the previous state's value where a state's one required input is not given."""
        for entry in self.plan.inputs:
            if entry.name in standing.get(entry.node, ()):
                given = self.inputs[entry.name]
                self.slots[entry.slot] = f"{self.words['previous']} if {given} is UNSET else {given}"
        ambiguous: list[tuple[str, str]] = []
        for node, names in standing.items():
            if len(names) > 1:
                parameters = [self.inputs[name] for name in names]
                missing = " + ".join(f"({parameter} is UNSET)" for parameter in parameters)
                message = f'state "{node}" takes one input from the state before it, so give the others of: '
                ambiguous.append((missing, string(message + ", ".join(names))))
        return ambiguous

    def _statement(self, step: Step, ways: tuple[Transition, ...], states: str) -> list[str]:
        self.constants(step)
        function, arguments, traced = self.call(step, [self.read(read) for read in reads(step)])
        rows = [f"({literal(way.branch)}, {way.target})" for way in ways]
        known = f"({', '.join(rows)}{',' if len(rows) == 1 else ''})"
        words = self.words
        targets = f"{words['value']}, {words['following']}, {words['stop']}"
        facts = [words["name"], words["value"], known, states]
        lines = [
            f"{words['name']} = context.current_state = {string(step.name)}",
            *assign(words["value"], function, arguments, awaits=step.is_async),
            *assign(targets, self.bindings.helper("transition"), facts),
        ]
        return self.mark(step, "", traced, lines)


def _dispatch(bodies: list[tuple[int, list[str]]], state: str) -> list[str]:
    """Find the code of the current state: one after the other, or by halves if there are many."""
    if len(bodies) == 1:
        return bodies[0][1]
    found: list[str] = []
    if len(bodies) > _LINEAR:
        middle = len(bodies) // 2
        found.append(f"if {state} < {bodies[middle][0]}:")
        found += _indented(_dispatch(bodies[:middle], state))
        return [*found, "else:", *_indented(_dispatch(bodies[middle:], state))]
    for index, body in bodies[:-1]:
        found += [f"{'elif' if found else 'if'} {state} == {index}:", *_indented(body)]
    return [*found, "else:", *_indented(bodies[-1][1])]


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
