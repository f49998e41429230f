"""What can be wrong with a workflow: one tuple of checks, each a function from workflow to findings."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from .analysis import closing_edges, topological_order
from .compat import fits, show
from .compose import origin
from .diagnostic import Diagnostic, did_you_mean
from .exceptions import WorkflowValidationError
from .hints import class_of, unalias
from .node import Condition, Outlet, State
from .ports import EMPTY
from .returns import ConditionalReturn, FSMReturn, SelectReturn
from .wiring import caller, wire

if TYPE_CHECKING:
    from .edge import Edge
    from .node import Node
    from .workflow import Workflow

Check = Callable[["Workflow"], Iterator[Diagnostic]]


@dataclass
class ValidationResult:
    """Outcome of a validation: valid unless an error was added."""

    is_valid: bool = True
    errors: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def add_error(self, message: str) -> None:
        """Record an error; the result is no longer valid."""
        self.errors.append(message)
        self.is_valid = False

    def add_warning(self, message: str) -> None:
        """Record a warning; the result stays as valid as it was."""
        self.warnings.append(message)

    def add(self, diagnostic: Diagnostic) -> None:
        """Record a diagnostic under its severity."""
        self.diagnostics.append(diagnostic)
        if diagnostic.severity == "error":
            self.add_error(diagnostic.text)
        else:
            self.add_warning(diagnostic.text)


def validate_workflow(workflow: Workflow, *, strict: bool = True) -> ValidationResult:
    """Run every check; report everything that is wrong at once.

    Raises:
        WorkflowValidationError: the workflow is not valid and ``strict`` is true; it carries the result.

    """
    result = examine(workflow)
    if strict and not result.is_valid:
        lines = "".join(f"\n  {d.text}" for d in result.diagnostics if d.severity == "error")
        raise WorkflowValidationError(f'Workflow "{workflow.name}" is not valid:{lines}', result)
    return result


def examine(workflow: Workflow) -> ValidationResult:
    """Run every check and collect the findings, in the order of ``CHECKS``."""
    _settle(workflow)
    result = ValidationResult()
    for check in CHECKS:
        for diagnostic in check(workflow):
            result.add(diagnostic)
    return result


def _settle(workflow: Workflow) -> None:
    """Connect the branches that conditions name and nothing connects yet."""
    for node in list(workflow.nodes.values()):
        if node.node_type != "condition" or not isinstance(node, Condition):
            continue
        for name, branch in ((node.true_branch, True), (node.false_branch, False)):
            target = workflow.nodes.get(name) if name is not None else None
            if target is not None and all(edge.target is not target for edge in node.edges_out):
                wire(Outlet(node, None, branch), target, where=node.where or caller())


def check_nodes(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find a workflow without nodes."""
    if not workflow.nodes:
        decorator = "@fsm.state" if workflow.kind == "FSM" else "@dag.node"
        yield Diagnostic(
            "fastdag-empty",
            f'Workflow "{workflow.name}" has no nodes',
            where=workflow.where,
            hint=f"add functions with {decorator}",
        )


def check_members(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find edges to nodes that are not in the workflow."""
    find = workflow.nodes.get
    for node in workflow.nodes.values():
        for edge in node.incoming.values() if node.incoming else ():
            source = edge.source
            if find(source.name) is not source:
                yield _outside(workflow, edge, source, node)
        for edge in node.outgoing or ():
            target = edge.target
            if find(target.name) is not target:
                yield _outside(workflow, edge, target, node)


def _outside(workflow: Workflow, edge: Edge, other: Node[..., Any], node: Node[..., Any]) -> Diagnostic:
    return Diagnostic(
        "fastdag-member",
        f'"{edge.source.name}" is connected to "{edge.target.name}", but "{other.name}" is not a node of '
        f'workflow "{workflow.name}"',
        where=edge.location,
        node=other.name,
        hint=f'add it with add_node, or remove the connection to "{node.name}"',
    )


def check_signatures(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find declared inputs that are not those of the function."""
    for node in workflow.nodes.values():
        if node.declares_inputs:
            yield from _declared_inputs(node)


def _declared_inputs(node: Node[..., Any]) -> Iterator[Diagnostic]:
    known = {port.name: port for port in node.signature.inputs}
    declared = node.inputs
    if not any(port.kind == "kwargs" for port in known.values()):
        for name in declared:
            if name not in known:
                yield Diagnostic(
                    "fastdag-signature",
                    f'Node "{node.name}" declares input "{name}", which is no parameter of its function',
                    where=node.where,
                    node=node.name,
                    port=name,
                    hint=did_you_mean(name, known, what="parameters"),
                )
    for name, port in known.items():
        if port.required and name not in declared:
            yield Diagnostic(
                "fastdag-signature",
                f'Node "{node.name}" does not declare input "{name}", which its function requires',
                where=node.where,
                node=node.name,
                port=name,
                hint="add it to inputs=[...], or give the parameter a default",
            )


def check_types(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find values whose type does not fit the port that they are wired to."""
    for node in workflow.nodes.values():
        if node.incoming:
            for edge in node.incoming.values():
                _, kind, right = edge.resolve()
                if not right:
                    yield mismatch(edge, kind)


def mismatch(edge: Edge, kind: Any) -> Diagnostic:
    """Say that the value on an edge does not fit; the plugin says the same in the same words."""
    source, target, port = edge.source, edge.target, edge.input_port
    expected = show(port.type if port else EMPTY)
    take = edge.resolve()[0]
    if take is not None:
        what = f'Output "{take.name}" of "{source.name}" is "{show(kind)}"'
    elif kind is None or kind is type(None):
        what = f'Node "{source.name}" returns nothing'
    else:
        what = f'Node "{source.name}" returns "{show(kind)}"'
    return Diagnostic(
        "fastdag-port",
        f'{what}, but input port "{edge.input}" of "{target.name}" expects "{expected}"',
        where=edge.location,
        node=target.name,
        port=edge.input,
        hint=None,
    )


def check_annotations(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find what is not annotated and so not checked."""
    for node in workflow.nodes.values():
        signature = node.signature
        bare = signature.bare
        if "return" not in signature.hints and any(e.port is not None for e in node.edges_out):
            bare = (*bare, "return")
        if bare:
            names = ", ".join(f'"{name}"' for name in bare)
            yield Diagnostic(
                "fastdag-untyped",
                f'Node "{node.name}" has no type for {names}, so its wiring is not checked there',
                "warning",
                node.where,
                node.name,
                hint="annotate the function",
            )


def check_entrypoints(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find entrypoints that do not exist, and nodes without edges that are none."""
    for name in workflow.entrypoints:
        if name not in workflow.nodes:
            yield Diagnostic(
                "fastdag-entrypoint",
                f'Entrypoint "{name}" is not a node of workflow "{workflow.name}"',
                where=workflow.entrypoints_where,
                node=name,
                hint=did_you_mean(name, workflow.nodes, what="nodes"),
            )
    if workflow.kind == "FSM" or not workflow.entrypoints:
        return
    given = set(workflow.entrypoints)
    for node in workflow.nodes.values():
        if not node.incoming and node.name not in given:
            yield Diagnostic(
                "fastdag-entrypoint",
                f'Node "{node.name}" has no input connections and is not an entrypoint',
                where=node.where,
                node=node.name,
                hint=f"connect it, or add it: set_entrypoint({', '.join(map(repr, [*given, node.name]))})",
            )


def check_cycles(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find the connections that close a cycle: of each cycle the one that was said last."""
    if workflow.kind != "DAG":
        return
    preds, order = ordered(workflow)
    if len(order) == len(preds):
        return
    nodes = list(workflow.nodes.values())
    left = {nodes[index]: index for index in set(range(len(nodes))).difference(order)}
    edges = [edge for node in nodes if node in left for edge in node.edges_out if edge.target in left]
    edges.sort(key=lambda edge: edge.where[1])
    for place, cycle in closing_edges(len(nodes), [(left[edge.source], left[edge.target]) for edge in edges]):
        yield Diagnostic(
            "fastdag-cycle",
            f"This connection closes a cycle: {' -> '.join(nodes[index].name for index in cycle)}",
            where=edges[place].location,
            node=nodes[cycle[0]].name,
            hint="remove one of these connections; what must run again and again is a state machine (FSM)",
        )


def ordered(workflow: Workflow) -> tuple[list[list[int]], list[int]]:
    """List for each node, by its place of insertion, the nodes it is wired from, and order the nodes.

    Nodes on a cycle, or behind one, are missing from the order.
    """
    found = workflow.order
    if found is None:
        at = {node: index for index, node in enumerate(workflow.nodes.values())}
        preds = [
            [at[edge.source] for edge in node.incoming.values() if edge.source in at] if node.incoming else []
            for node in at
        ]
        found = workflow.order = preds, topological_order(preds)
    return found


def check_branches(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find branches that do not exist, and choices that nothing acts on."""
    steering: dict[Any, Any] = {}  # by signature: many nodes may share a function
    for node in workflow.nodes.values():
        if isinstance(node, Condition):
            for name in (node.true_branch, node.false_branch):
                if name is not None and name not in workflow.nodes:
                    yield Diagnostic(
                        "fastdag-branch",
                        f'Condition "{node.name}" names branch "{name}", which is not a node',
                        where=node.where,
                        node=node.name,
                        hint=did_you_mean(name, workflow.nodes, what="nodes"),
                    )
        elif node.node_type == "standard":
            signature = node.signature
            if signature not in steering:
                returned = signature.hints.get("return")
                steering[signature] = get_origin(returned) or returned
            kind = steering[signature]
            if kind in _STEERING and workflow.kind == "DAG":
                yield Diagnostic(
                    "fastdag-branch",
                    f'Node "{node.name}" returns a {kind.__name__}, but is an ordinary node: it does not branch',
                    "warning",
                    node.where,
                    node.name,
                    hint=_STEERING[kind],
                )


_STEERING: Final[dict[Any, str]] = {
    ConditionalReturn: "make it with @dag.condition",
    SelectReturn: "make it with @dag.select",
    FSMReturn: "make it a state of an FSM",
}


def check_states(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find state machines that do not know where to begin or what follows."""
    if workflow.kind != "FSM" or not workflow.nodes:
        return
    if len(workflow.entrypoints) != 1:
        several = ", ".join(f'"{name}"' for name in workflow.entrypoints)
        yield Diagnostic(
            "fastdag-state",
            f'State machine "{workflow.name}" has {"no" if not several else "more than one"} initial state',
            where=workflow.where,
            hint=f"mark one of {several or 'the states'} with is_initial=True",
        )
    for node in workflow.nodes.values():
        plain = [edge for edge in node.edges_out if edge.branch is None]
        if len(plain) > 1:
            names = " and ".join(f'"{edge.target.name}"' for edge in plain)
            yield Diagnostic(
                "fastdag-state",
                f'State "{node.name}" has more than one plain transition, to {names}',
                where=plain[1].location,
                node=node.name,
                hint="return FSMReturn(next_state=...), or wire on_true, on_false or on(name)",
            )
        if isinstance(node, State) and node.is_final and plain:
            yield Diagnostic(
                "fastdag-state",
                f'State "{node.name}" is final, but is connected to "{plain[0].target.name}"',
                "warning",
                plain[0].location,
                node.name,
                hint="a run ends in a final state",
            )
    if len(workflow.entrypoints) == 1:
        yield from _dead_ends(workflow)


def _dead_ends(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find states that no run enters, and states that end it without saying so, as far as the wiring tells."""
    nodes = workflow.nodes.values()
    by_wiring = {node for node in nodes if not _may_choose(node)}
    for node in nodes if len(by_wiring) == len(nodes) else ():
        if node.name not in workflow.entrypoints and all(edge.source is node for edge in node.edges_in):
            yield Diagnostic(
                "fastdag-state",
                f'No state leads to "{node.name}"',
                "warning",
                node.where,
                node.name,
                hint="wire a state to it, return it as next_state, or mark it with is_initial=True",
            )
    for node in nodes:
        if node in by_wiring and not node.outgoing and not getattr(node, "is_final", False):
            yield Diagnostic(
                "fastdag-state",
                f'State "{node.name}" has no way out',
                "warning",
                node.where,
                node.name,
                hint="wire what follows, return FSMReturn with next_state or stop_condition=True, or mark it with "
                "is_final=True",
            )


def _may_choose(node: Node[..., Any]) -> bool:
    """Tell whether a state may itself say what follows, by what it is declared to return."""
    hint = unalias(node.signature.hints.get("return", EMPTY))
    if class_of(hint) is Coroutine and get_args(hint):
        hint = get_args(hint)[2]
    return any(fits(kind, hint) is not False for kind in _STEERING)


def check_returned(workflow: Workflow) -> Iterator[Diagnostic]:
    """Find results that a composed function neither uses nor returns."""
    if workflow.returns is None:
        return
    spec = workflow.returns
    values = spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list | tuple) else [spec]
    returned = {origin(value)[0] for value in values}
    for node in workflow.nodes.values():
        if not node.outgoing and node not in returned:
            yield Diagnostic(
                "fastdag-unused",
                f'The result of "{node.name}" is neither used nor returned',
                "warning",
                node.where,
                node.name,
                hint="return it from the composed function, or leave the call out if it does nothing else",
            )


CHECKS: Final[tuple[Check, ...]] = (
    check_nodes,
    check_members,
    check_signatures,
    check_types,
    check_annotations,
    check_entrypoints,
    check_cycles,
    check_branches,
    check_states,
    check_returned,
)
"""Every check, in the order in which findings are reported."""
