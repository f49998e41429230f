"""The immutable plan of a workflow: the only input of drivers, compiler and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import PurePath
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from .analysis import levels, linear_groups, transitive_reduction
from .compose import Placeholder, origin
from .dag import SubWorkflow
from .node import Condition, State, place_of
from .ports import EMPTY, read_output
from .step import Guard, Read, Step, Take
from .validation import ordered

if TYPE_CHECKING:
    from .node import Edge, Given, Node
    from .ports import Port
    from .workflow import Workflow

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
    any step can be skipped; ``programs`` keeps what drivers made of the plan for their next run.
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
    def has_policies(self) -> bool:
        """Whether any node has policies of its own."""
        return any(step.node.policies for step in self.steps)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the steps, in order."""
        return tuple(step.name for step in self.steps)

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
            for s in self.steps
        )
        return sha256("\n".join(lines).encode()).hexdigest()

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


def lower(workflow: Workflow) -> Plan:
    """Lower a valid workflow to its plan."""
    return _Lowering(workflow).plan()


class _Lowering:
    """Allocates slots and turns nodes into steps, once."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.template: list[Any] = [None]
        self.inputs: list[Input] = []
        self.out: dict[Node[..., Any], int] = {}
        self.decision: dict[Node[..., Any], int] = {}
        self.uses_context = False
        self.is_machine = workflow.kind == "FSM"

    def plan(self) -> Plan:
        workflow = self.workflow
        nodes = list(workflow.nodes.values())
        if workflow.kind == "FSM":
            return self._machine(nodes)
        preds, order = ordered(workflow)
        place = [0] * len(order)
        for index, node in enumerate(order):
            place[node] = index
        waits = transitive_reduction([[place[p] for p in preds[node]] for node in order])
        steps = tuple(self._step(index, nodes[node], waits[index]) for index, node in enumerate(order))
        return self._finish(steps, self._returns(), None)

    def _machine(self, nodes: list[Node[..., Any]]) -> Plan:
        self.template.append(None)  # PREVIOUS
        at = {node: index for index, node in enumerate(nodes)}
        steps = tuple(self._step(index, node, ()) for index, node in enumerate(nodes))
        workflow: Any = self.workflow
        machine = Machine(
            at[workflow.nodes[workflow.entrypoints[0]]],
            frozenset(i for node, i in at.items() if isinstance(node, State) and node.is_final),
            tuple(tuple(Transition(e.branch, at[e.target]) for e in node.edges_out) for node in nodes),
            workflow.max_cycles,
            workflow.on_max_cycles,
        )
        return self._finish(steps, Returns("one", (("", PREVIOUS),)), machine)

    def _finish(self, steps: tuple[Step, ...], returns: Returns, machine: Machine | None) -> Plan:
        workflow = self.workflow
        return Plan(
            name=workflow.name,
            kind=workflow.kind,
            steps=steps,
            template=tuple(self.template),
            inputs=tuple(self.inputs),
            returns=returns,
            metadata=workflow.metadata,
            guarded=any(step.guards for step in steps),
            is_async=any(step.is_async for step in steps),
            uses_context=self.uses_context,
            machine=machine,
        )

    def _slot(self, value: Any = None) -> int:
        self.template.append(value)
        return len(self.template) - 1

    def _step(self, index: int, node: Node[..., Any], waits: tuple[int, ...]) -> Step:
        args, kwargs, guards = self._arguments(node)
        out = self.out[node] = self._slot()
        decision = -1
        if node.node_type in ("condition", "select") and self.workflow.kind == "DAG":
            decision = self.decision[node] = self._slot()
        return Step(
            index,
            node.name,
            node.func,
            args,
            kwargs,
            out,
            waits,
            guards,
            node.node_type,
            node.signature.is_async,
            decision,
            node,
        )

    def _arguments(
        self, node: Node[..., Any]
    ) -> tuple[tuple[Read, ...], tuple[tuple[str, Read], ...], tuple[Guard, ...]]:
        signature = node.signature
        calls = signature.calls
        if calls is not None and not (self.decision or node.bound or node.declares_inputs or self.is_machine):
            return self._by_position(node, calls), (), ()
        named: dict[str, tuple[Read, Edge | None]] = {}
        starred: list[tuple[int, Read, Edge | None]] = []
        order_only: list[Edge] = []
        ports = node.ports
        if node.incoming and not self.is_machine:
            for edge in node.incoming.values():
                if edge.port is None:
                    order_only.append(edge)
                elif ports[edge.port].kind == "args":
                    place = place_of(edge.input or "")
                    starred.append((len(starred) if place is None else place, self._read(edge), edge))
                else:
                    named[edge.input or ""] = (self._read(edge), edge)
        bound = node.bound or {}
        for port in ports:
            if port.name in named:
                continue
            given = bound.get(port.name)
            if given is not None:
                named[port.name] = (self._given(node, port, given), None)
            elif not port.variadic:
                slot = self._slot(port.default)
                self.inputs.append(Input(port.name, slot, node.name, port, port.default))
                named[port.name] = (slot, None)
        for name, given in bound.items():
            place = place_of(name)
            if place is not None:
                port = next(p for p in ports if p.kind == "args")
                starred.append((place, self._given(node, port, given), None))
            elif name not in named:
                port = next(p for p in ports if p.kind == "kwargs")
                named[name] = (self._given(node, port, given), None)
        starred.sort(key=itemgetter(0))
        if signature.context is not None:
            named[signature.context] = (CONTEXT, None)
            self.uses_context = True
        args, kwargs = _call_order(signature.layout, named, starred)
        guards = [
            self._guard(edge, read)
            for read, edge in enumerate([edge for _, edge in args] + [edge for _, _, edge in kwargs])
            if edge is not None and edge.source in self.decision
        ]
        guards.extend(self._guard(edge, None) for edge in order_only if edge.source in self.decision)
        # A guarded edge without data, or any edge out of a step that may be skipped, decides whether this one runs.
        return tuple(r for r, _ in args), tuple((n, r) for n, r, _ in kwargs), tuple(guards)

    def _by_position(self, node: Node[..., Any], ports: tuple[Port | None, ...]) -> tuple[Read, ...]:
        """Read the arguments of the common node: no branches above it, nothing bound, nothing by keyword."""
        incoming = node.incoming or {}
        args: list[Read] = []
        for port in ports:
            if port is None:
                self.uses_context = True
                args.append(CONTEXT)
                continue
            edge = incoming.get(port.name)
            if edge is not None:
                args.append(self._read(edge))
            else:
                args.append(len(self.template))
                self.inputs.append(Input(port.name, len(self.template), node.name, port, port.default))
                self.template.append(port.default)
        return tuple(args)

    def _given(self, node: Node[..., Any], port: Port, given: Given) -> int:
        slot = self._slot(given.value)
        if given.input is not None:
            self.inputs.append(Input(given.input, slot, node.name, port, given.value))
        return slot

    def _read(self, edge: Edge) -> Read:
        slot = self.out[edge.source]
        take = edge.resolve()[0]
        return slot if take is None else take._replace(slot=slot)

    def _guard(self, edge: Edge, read: int | None) -> Guard:
        source = edge.source
        branch = edge.branch
        if branch is None and isinstance(source, Condition):
            name = edge.target.name
            branch = True if name == source.true_branch else False if name == source.false_branch else None
        by_name = source.node_type == "select" and branch is None
        return Guard(self.decision[source], branch, edge.target.name, read, by_name)

    def _returns(self) -> Returns:
        spec = self.workflow.returns
        if spec is None:
            sinks = [node for node in self.workflow.nodes.values() if not node.outgoing]
            return Returns("one" if len(sinks) == 1 else "dict", tuple((n.name, self.out[n]) for n in sinks))
        if isinstance(spec, Placeholder):
            return Returns("one", (("", self._returned(spec)),))
        if isinstance(spec, dict):
            return Returns("dict", tuple((name, self._returned(value)) for name, value in spec.items()))
        form: Literal["tuple", "list"] = "tuple" if isinstance(spec, tuple) else "list"
        return Returns(form, tuple((str(i), self._returned(value)) for i, value in enumerate(spec)))

    def _returned(self, value: Placeholder) -> Read:
        node, output = origin(value)
        if node is None:
            raise TypeError(value)  # pragma: no cover - refused when composed
        slot = self.out[node]
        if output is None:
            return slot
        signature = node.signature
        take = read_output(signature.returns, signature.fields, node.declared, output)[0]
        return slot if take is None else take._replace(slot=slot)


def _call_order(
    layout: tuple[tuple[str, str], ...],
    named: dict[str, tuple[Read, Edge | None]],
    starred: list[tuple[int, Read, Edge | None]],
) -> tuple[list[tuple[Read, Edge | None]], list[tuple[str, Read, Edge | None]]]:
    """Pass by position as far as there is no gap, and the rest by keyword."""
    args: list[tuple[Read, Edge | None]] = []
    kwargs: list[tuple[str, Read, Edge | None]] = []
    gap = False
    for name, kind in layout:
        if kind == "args":
            args.extend((read, edge) for _, read, edge in starred)
            gap = True
        elif name not in named or kind == "kwargs":
            gap = True
        elif gap or kind == "keyword":
            kwargs.append((name, *named.pop(name)))
        else:
            args.append(named.pop(name))
    kwargs.extend((name, *found) for name, found in named.items())
    return args, kwargs


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
