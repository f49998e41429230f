"""The immutable plan of a workflow: the only input of drivers, compiler and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from operator import itemgetter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from .analysis import levels, linear_groups
from .dag import SubWorkflow
from .ports import EMPTY, Take, read_output

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .ports import Port
    from .step import Read, Step

CONTEXT: Final = 0
"""The slot of the context."""
PREVIOUS: Final = 1
"""The slot of the previous state's value, in a state machine."""


class Input(NamedTuple):
    """An open input of the workflow: the slot it fills, the port it feeds, its default (``EMPTY``: required)."""

    name: str
    slot: int
    node: str
    port: Port
    default: Any


class Transition(NamedTuple):
    """A wired way from one state to another; ``branch`` is ``None`` for plain ``>>``."""

    branch: bool | str | None
    target: int


class Machine(NamedTuple):
    """What a state machine's plan knows beside its steps."""

    initial: int
    final: frozenset[int]
    transitions: tuple[tuple[Transition, ...], ...]
    max_cycles: int
    on_max_cycles: Literal["stop", "raise"]


class Returns(NamedTuple):
    """The final value: one value, or a collection of values, of which skipped ones are left out of a dict."""

    form: Literal["one", "dict", "tuple", "list"]
    items: tuple[tuple[str, Read], ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """Steps in their deterministic order, the slots they read and write, and what a run begins with.

    ``template`` is the state of all slots before a run, ``EMPTY`` where an input is required; ``guarded`` says whether
    any step can be skipped; ``given`` names the input for each slot that a composed function filled, ``unused`` those
    that it does not use; ``programs`` keeps what drivers made of the plan for their next run.
    """

    name: str
    kind: Literal["DAG", "FSM"]
    steps: tuple[Step, ...]
    template: tuple[Any, ...]
    inputs: tuple[Input, ...]
    returns: Returns
    metadata: dict[str, Any]
    guarded: bool
    is_async: bool
    uses_context: bool
    machine: Machine | None = None
    given: dict[int, str] = field(default_factory=dict[int, str])
    unused: frozenset[str] = frozenset()
    programs: dict[Any, Any] = field(default_factory=dict[Any, Any])

    @cached_property
    def inputs_by_name(self) -> dict[str, list[Input]]:
        """The open inputs by each name that addresses them: ``"port"`` or ``"node.port"``."""
        found: dict[str, list[Input]] = {}
        for entry in self.inputs:
            found.setdefault(entry.name, []).append(entry)
        for entry in self.inputs:
            found.setdefault(f"{entry.node}.{entry.port.name}", [entry])
        return found

    @cached_property
    def required(self) -> tuple[Input, ...]:
        """The open inputs that a run must be given."""
        return tuple(entry for entry in self.inputs if entry.default is EMPTY)

    @cached_property
    def shows_context(self) -> bool:
        """Whether a node sees the context, or one of a workflow within this one, to which it is the ``parent``."""
        plans: list[Plan] = [self]
        for plan in plans:  # grows; a workflow may be within itself
            if plan.uses_context:
                return True
            inside: list[Any] = [step.func for step in plan.steps if step.kind == "workflow"]
            plans += (found for found in (func.workflow.plan() for func in inside) if found not in plans)
        return False

    @cached_property
    def has_policies(self) -> bool:
        """Whether any node has policies of its own."""
        return any(step.node.policies for step in self.steps)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the steps, in order."""
        return tuple(step.name for step in self.steps)

    @cached_property
    def outs(self) -> Callable[[Sequence[Any]], Sequence[Any]]:
        """Reads the values of all steps, of which there are at least two, from the slots."""
        slots = [step.out for step in self.steps]
        in_a_row = slots == [*range(slots[0], slots[-1] + 1)]
        return itemgetter(slice(slots[0], slots[-1] + 1)) if in_a_row else itemgetter(*slots)

    @cached_property
    def step_of_slot(self) -> dict[int, Step]:
        """The step that writes each slot that a step writes."""
        return {step.out: step for step in self.steps}

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """For each step the longest way to it from a start, in edges."""
        return tuple(levels([step.waits for step in self.steps]))

    @cached_property
    def fusion_groups(self) -> tuple[tuple[int, ...], ...]:
        """Chains of steps that can run as one call: bare, unguarded, all sync or all async."""
        bare = [not (step.guards or step.node.policies or step.decision >= 0) for step in self.steps]
        waits = [step.waits for step in self.steps]
        return tuple(
            part for group in linear_groups(waits, bare) for part in _of_one_kind(group, self.steps) if len(part) > 1
        )

    @cached_property
    def last_uses(self) -> dict[int, int]:
        """For each slot the last step that reads it; slots that the final value reads are absent."""
        found: dict[int, int] = {}
        for step in self.steps:
            for read in reads(step):
                found[slot_of(read)] = step.index
        for _, read in self.returns.items:
            found.pop(slot_of(read), None)
        return found

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the wiring: names, functions, ports, branches and constants, but no code."""
        from hashlib import sha256

        lines = [self.kind, self.name, repr(self.returns), repr(self.machine)]
        lines.extend(
            f"{entry.name}|{entry.slot}|{entry.node}|{entry.port.name}|{_stable(entry.default)}"
            for entry in self.inputs
        )
        filled = {entry.slot for entry in self.inputs} | {step.out for step in self.steps}
        lines.extend(f"{slot}={_stable(value)}" for slot, value in enumerate(self.template) if slot not in filled)
        lines.extend(
            f"{s.name}|{_stable(s.func)}|{s.args}|{s.kwargs}|{s.out}|{s.waits}|{s.guards}|{s.kind}|{s.is_async}|"
            f"{s.decision}|{[type(policy).__qualname__ for policy in s.node.policies]}"
            + ("|pure" if s.node.pure else "")
            for s in self.steps
        )
        return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()

    def returned_type(self) -> Any:
        """Type of the final value, ``EMPTY`` where it is not known."""
        if self.returns.form != "one":
            return dict[str, Any] if self.returns.form == "dict" else {"tuple": tuple, "list": list}[self.returns.form]
        read = self.returns.items[0][1]
        step = self.step_of_slot.get(slot_of(read))
        if step is None:
            return EMPTY
        if isinstance(read, Take):
            signature = step.node.signature
            return read_output(signature.returns, signature.fields, step.node.declared, read.name)[1]
        return step.node.passes()


def reads(step: Step) -> tuple[Read, ...]:
    """List everything that a step reads, positional arguments first."""
    return (*step.args, *(read for _, read in step.kwargs))


def slot_of(read: Read) -> int:
    """Give the slot of a read."""
    return read.slot if isinstance(read, Take) else read


def _of_one_kind(group: tuple[int, ...], steps: tuple[Step, ...]) -> list[tuple[int, ...]]:
    parts: list[list[int]] = []
    for index in group:
        if parts and steps[parts[-1][-1]].is_async == steps[index].is_async:
            parts[-1].append(index)
        else:
            parts.append([index])
    return [tuple(part) for part in parts]


def _stable(value: Any, depth: int = 0) -> str:
    """Name a function, class or constant so that every run, machine and version of Python names it alike.

    What is no literal counts by its type: it may show an address, a path of the machine, or the order of a set.
    """
    kind = type(value)
    if isinstance(value, SubWorkflow):
        return value.workflow.plan().hash
    if value is None or kind in (bool, int, float, complex, str, bytes):
        return repr(value)
    if kind in (tuple, list, set, frozenset, dict) and depth < 8:
        parts = [_stable(part, depth + 1) for part in (value.items() if kind is dict else value)]
        return f"{kind.__name__}({', '.join(sorted(parts) if kind in (set, frozenset) else parts)})"
    if isinstance(value, Enum):
        return f"{kind.__module__}:{kind.__qualname__}.{value.name}"
    if hasattr(value, "__qualname__"):
        return f"{getattr(value, '__module__', '')}:{value.__qualname__}"
    return "Path" if isinstance(value, PurePath) else kind.__qualname__
