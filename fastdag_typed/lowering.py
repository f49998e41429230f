"""Lowering: from a valid workflow to its plan, once."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal

from .analysis import transitive_reduction
from .compose import Placeholder, origin
from .node import Condition, State
from .plan import CONTEXT, PREVIOUS, Input, Machine, Plan, Returns, Transition
from .ports import read_output
from .step import Guard, Read, Step
from .validation import ordered, validate_workflow
from .wiring import place_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from .edge import Edge, Given
    from .node import Node
    from .ports import Port
    from .workflow import Workflow


def planned(workflow: Workflow) -> Plan:
    """Validate a workflow and lower it to its plan.

    Raises:
        WorkflowValidationError: it is not valid.

    """
    with collector_at_rest():
        validate_workflow(workflow)
        return lower(workflow)


@contextmanager
def collector_at_rest() -> Generator[None]:
    """Keep the garbage collector from walking a large graph again and again while its plan is made: no garbage is."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def lower(workflow: Workflow) -> Plan:
    """Lower a valid workflow to its plan."""
    return _Lowering(workflow).plan()


_DECIDING: Final = ("condition", "select")


class _Lowering:
    """Allocates slots and turns nodes into steps, once."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.template: list[Any] = [None]
        self.inputs: list[Input] = []
        self.out: dict[Node[..., Any], int] = {}
        self.decision: dict[Node[..., Any], int] = {}
        self.given: dict[int, str] = {}
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
            given=self.given,
            unused=workflow.unused,
        )

    def _slot(self, value: Any = None) -> int:
        self.template.append(value)
        return len(self.template) - 1

    def _step(self, index: int, node: Node[..., Any], waits: tuple[int, ...]) -> Step:
        signature, kind = node.signature, node.node_type
        calls = signature.calls
        if calls is None or self.decision or node.bound or self.is_machine or node.declares_inputs:
            args, kwargs, guards = self._arguments(node)
        else:
            args, kwargs, guards = self._by_position(node, calls), (), ()
        out = self.out[node] = self._slot()
        decision = -1
        if kind in _DECIDING and not self.is_machine:
            decision = self.decision[node] = self._slot()
        return Step(
            index, node.name, node.func, args, kwargs, out, waits, guards, kind, signature.is_async, decision, node
        )

    def _arguments(
        self, node: Node[..., Any]
    ) -> tuple[tuple[Read, ...], tuple[tuple[str, Read], ...], tuple[Guard, ...]]:
        signature = node.signature
        named: dict[str, tuple[Read, Edge | None]] = {}
        starred: list[tuple[int, Read, Edge | None]] = []
        if not self.is_machine:
            self._wired(node, named, starred)
        self._unwired(node, named, starred)
        if signature.context is not None:
            named[signature.context] = (CONTEXT, None)
            self.uses_context = True
        starred.sort(key=itemgetter(0))
        args, kwargs = _call_order(signature.layout, named, starred)
        sources = [edge for _, edge in args] + [edge for _, _, edge in kwargs]
        guards = [
            self._guard(edge, read)
            for read, edge in enumerate(sources)
            if edge is not None and edge.source in self.decision
        ]
        guards.extend(
            self._guard(edge, None) for edge in node.edges_in if edge.port is None and edge.source in self.decision
        )
        return tuple(r for r, _ in args), tuple((n, r) for n, r, _ in kwargs), tuple(guards)

    def _wired(
        self,
        node: Node[..., Any],
        named: dict[str, tuple[Read, Edge | None]],
        starred: list[tuple[int, Read, Edge | None]],
    ) -> None:
        """Read what edges bring."""
        for edge in node.edges_in:
            if edge.port is None:
                continue
            if node.kind_of(edge.port) == "args":
                place = place_of(edge.input or "")
                starred.append((len(starred) if place is None else place, self._read(edge), edge))
            else:
                named[edge.input or ""] = (self._read(edge), edge)

    def _unwired(
        self,
        node: Node[..., Any],
        named: dict[str, tuple[Read, Edge | None]],
        starred: list[tuple[int, Read, Edge | None]],
    ) -> None:
        """Read what a composed function gave, and open inputs for what is left."""
        bound = node.bound or {}
        ports = node.ports
        for port in ports:
            if port.name not in named and port.name not in bound and not port.variadic:
                slot = self._slot(port.default)
                self.inputs.append(Input(port.name, slot, node.name, port, port.default))
                named[port.name] = (slot, None)
        by_name = {port.name: port for port in ports if not port.variadic}
        by_kind = {port.kind: port for port in ports if port.variadic}
        for name, given in bound.items():
            place = place_of(name)
            if place is not None:
                starred.append((place, self._given(node, by_kind["args"], name, given), None))
            else:
                named[name] = (self._given(node, by_name.get(name) or by_kind["kwargs"], name, given), None)

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
                source = edge.source
                whole = edge.output is None and source.signature.returns is port.type and source.node_type == "standard"
                args.append(self.out[source] if whole else self._read(edge))
            else:
                args.append(len(self.template))
                self.inputs.append(Input(port.name, len(self.template), node.name, port, port.default))
                self.template.append(port.default)
        return tuple(args)

    def _given(self, node: Node[..., Any], port: Port, name: str, given: Given) -> int:
        slot = self._slot(given.value)
        self.given[slot] = name
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
