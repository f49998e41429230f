"""The functions of a state machine: a loop that finds the code of the current state, and what starts it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from fastdag_typed.node import Node
from fastdag_typed.plan import reads
from fastdag_typed.ports import EMPTY

from .bindings import Mark
from .flows import Flow, Function
from .names import string
from .steering import Known, Loop, Steering, indented

if TYPE_CHECKING:
    from fastdag_typed.plan import Machine, Transition
    from fastdag_typed.step import Step

_WORDS: Final = (
    *("cycle", "cycles", "following", "history", "log", "logs", "name", "previous", "raw", "reason", "results"),
    *("state", "stop", "value", "visited"),
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
        self.steps: dict[object, Step] = {key: step for step in plan.steps for key in (step.name, step.node)}
        self.words = {word: self.names.take(word) for word in _WORDS}
        self.watch = self.names.take("watch") if self.options.instrument and not self.path else ""
        ambiguous = self._stand_in(standing)
        bindings.need("context", "FSMContext")
        numbers = ", ".join(f"{string(state)}: {index}" for index, state in enumerate(plan.names))
        states = bindings.bind(f"{plan.name}_states", f"{{{numbers}}}")
        names = bindings.bind(f"{plan.name}_names", f"tuple({states})")
        loop = Loop(
            **{word: self.words[word] for word in ("name", "raw", "value", "following", "stop")},
            transition=bindings.helper("transition"),
            states=states,
            at=lambda: self._at(states),
            state=self._state,
            need=lambda name: bindings.need("returns", name),
            local=self.names.local,
            late=self.options.late_globals,
        )
        bodies = [self._statement(step, machine.transitions[step.index], loop) for step in plan.steps]
        bindings.marks.append(Mark('""', self.words["results"]))  # what is after the last state belongs to none
        return Function(
            template="machine.py.jinja",
            name="run_async" if plan.is_async and not self.path else name,
            parameters=self.parameters,
            body=_dispatch(list(enumerate(bodies)), self.words["state"]),
            is_async=plan.is_async,
            outer=not self.path,
            inlines=self.inlines,
            watch=self.watch,
            watches=bindings.helper("Watch") if self.watch else "",
            around=self.around,
            metadata=f"{self.place.text()}.metadata",
            check=self.check(),
            head=self.head,
            forwarded=self.forwarded(context=True),
            facts={
                **self.words,
                "walk": "walk" if not self.path else bindings.namespace.take(f"{name}_walk"),
                "given": self.forwarded(context=False),
                "unwatched": [bindings.helper("UNWATCHED")] if self.watch else [],
                "ambiguous": ambiguous,
                "names": names,
                "count": len(plan.steps),
                "initial": machine.initial,
                "final": _tests(self.words["state"], sorted(machine.final)),
                "end": f"#@ node {len(bindings.marks) - 1}",
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

    def _statement(self, step: Step, ways: tuple[Transition, ...], loop: Loop) -> list[str]:
        self.constants(step)
        steering = Steering(step, ways, loop)
        values = [self.read(read) for read in reads(step)]
        lines, traced = self.carry_out(step, values, loop.raw, steering.sink)
        return self.mark(step, "", traced, [*lines, *(steering.rest() if traced.origin else steering.called())])

    def _state(self, found: object) -> Known | None:
        """Tell of a state, given by name or as itself."""
        step = self.steps.get(found) if isinstance(found, str | Node) else None
        return Known(step.name, step.index, partial(self._itself, step)) if step else None

    def _itself(self, step: Step) -> str:
        value = f"{self.place.text()}.nodes[{string(step.name)}]"
        return self.bindings.bind(f"{step.name}_state", value, "Final[Any]")

    def _at(self, states: str) -> str:
        """Bind the number of each state by its name and by itself; a workflow that was changed may have others."""
        nodes = f"{{node: {states}[name] for name, node in {self.place.text()}.nodes.items() if name in {states}}}"
        return self.bindings.bind(f"{self.plan.name}_at", f"{states} | {nodes}", "Final[dict[Any, int]]")


def _dispatch(bodies: list[tuple[int, list[str]]], state: str) -> list[str]:
    """Find the code of the current state: one after the other, or by halves if there are many."""
    if len(bodies) == 1:
        return bodies[0][1]
    found: list[str] = []
    if len(bodies) > _LINEAR:
        middle = len(bodies) // 2
        found.append(f"if {state} < {bodies[middle][0]}:")
        found += indented(_dispatch(bodies[:middle], state))
        return [*found, "else:", *indented(_dispatch(bodies[middle:], state))]
    for index, body in bodies[:-1]:
        found += [f"{'elif' if found else 'if'} {state} == {index}:", *indented(body)]
    return [*found, "else:", *indented(bodies[-1][1])]


def _tests(state: str, numbers: list[int]) -> tuple[str, str] | None:
    """Write the tests whether a state is one of some, and whether it is not."""
    if len(numbers) > 1:
        return f"{state} in ({', '.join(map(str, numbers))})", f"{state} not in ({', '.join(map(str, numbers))})"
    return (f"{state} == {numbers[0]}", f"{state} != {numbers[0]}") if numbers else None
