"""From workflow to plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..compose import Placeholder, origin
from ..dag import SubWorkflow
from ..exceptions import SerializationError
from ..fsm import FSM
from ..node import Condition, State
from ..ports import EMPTY
from .functions import Names, NotFoundError
from .plain import DEPTH, kind_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..edge import Edge, Given
    from ..node import Node
    from ..workflow import Workflow

FORMAT: Final = 1
"""The version of the form of documents."""


class Writer:
    """Writes a workflow and the workflows inside it; what has its default value is left out."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def workflow(self, workflow: Workflow, path: str = "", depth: int = 0) -> dict[str, Any]:
        """Write a workflow.

        Raises:
            SerializationError: something in it cannot be written.

        """
        if depth > DEPTH // 4:  # a document spends about four levels on each workflow
            raise SerializationError("workflows are nested too deep, or inside themselves", path=path)
        data: dict[str, Any] = {} if depth else {"format": FORMAT}
        data |= {"name": workflow.name, "type": workflow.kind}
        if workflow.description is not None:
            data["description"] = workflow.description
        if workflow.metadata:
            data["metadata"] = plain(workflow.metadata, f"{path}metadata")
        initial: list[str] = []
        if isinstance(workflow, FSM):
            initial = [node.name for node in workflow.nodes.values() if isinstance(node, State) and node.is_initial]
            data |= {"max_cycles": workflow.max_cycles} if workflow.max_cycles != FSM().max_cycles else {}
            data |= {"on_max_cycles": workflow.on_max_cycles} if workflow.on_max_cycles != "stop" else {}
        if workflow.entrypoints != initial:
            data["entrypoints"] = list(workflow.entrypoints)
        nodes = list(workflow.nodes.values())
        data["nodes"] = [
            self._node(node, workflow.kind, f"{path}nodes[{index}]", depth) for index, node in enumerate(nodes)
        ]
        data["connections"] = [_connection(edge) for edge in _edges(workflow)]
        if workflow.returns is not None:
            data["returns"] = _returns(workflow.returns, f"{path}returns")
        if workflow.unused:
            data["unused"] = sorted(workflow.unused)
        return data

    def _node(self, node: Node[..., Any], kind: str, path: str, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {"name": node.name}
        if isinstance(node.func, SubWorkflow):
            data["workflow"] = self.workflow(node.func.workflow, f"{path}.workflow.", depth + 1)
            usual = "workflow"
        else:
            usual = "fsm_state" if kind == "FSM" else "standard"
            try:
                data["function"], module = self._names.name(node)
            except NotFoundError as error:
                raise SerializationError(str(error), path=f"{path}.function") from None
            if module is not None:
                data["module"] = module
        if node.node_type != usual:
            data["node_type"] = node.node_type
        if node.declares_inputs:
            data["inputs"] = node.inputs
        if node.declared:
            data["outputs"] = list(node.declared)
        if node.description != getattr(node.func, "__doc__", None):
            data["description"] = node.description
        data |= _own(node)
        if node.policies:
            data["policies"] = [type(policy).__name__ for policy in node.policies]
        if node.bound:
            data["bound"] = {name: _given(given, f"{path}.bound.{name}") for name, given in node.bound.items()}
        return data


def _own(node: Node[..., Any]) -> dict[str, Any]:
    """Write what only conditions, states and pure nodes have."""
    found: dict[str, Any] = {"pure": True} if node.pure else {}
    if isinstance(node, Condition):
        found = {"true_branch": node.true_branch, "false_branch": node.false_branch}
    elif isinstance(node, State):
        found = {"is_initial": node.is_initial or None, "is_final": node.is_final or None}
    return {key: value for key, value in found.items() if value is not None}


def _edges(workflow: Workflow) -> Iterator[Edge]:
    """Order edges as the plan reads them: of a DAG by their target, of a state machine by their source."""
    if workflow.kind == "DAG":
        yield from workflow.edges
    else:
        for node in workflow.nodes.values():
            yield from node.edges_out


def _connection(edge: Edge) -> dict[str, Any]:
    data: dict[str, Any] = {"from": edge.source.name, "to": edge.target.name}
    if edge.output is not None:
        data["output"] = edge.output
    if edge.input is not None:
        data["input"] = edge.input
    elif edge.target.node_type != "fsm_state":
        data["order"] = True
    if edge.branch is not None:
        data["branch"] = edge.branch
    return data


def _given(given: Given, path: str) -> dict[str, Any]:
    if given.input is None:
        return {"value": plain(given.value, f"{path}.value")}
    default = {} if given.value is EMPTY else {"default": plain(given.value, f"{path}.default")}
    return {"input": given.input, **default}


def _returns(spec: Any, path: str) -> dict[str, Any]:
    form = kind_of(spec)
    if form is Placeholder:
        node, output = origin(spec)
        if node is not None:
            return {"node": node.name, **({} if output is None else {"output": output})}
    if form is dict:
        entries: dict[str, Any] = spec
        return {"dict": {name: _returns(value, f"{path}.{name}") for name, value in entries.items()}}
    if form in (tuple, list):
        return {form.__name__: [_returns(value, f"{path}[{index}]") for index, value in enumerate(spec)]}
    raise SerializationError(f"{spec!r} is neither a node's result nor a collection of them", path=path)
