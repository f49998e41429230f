"""Directed acyclic graphs."""

from __future__ import annotations

import inspect
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, ClassVar, Literal, ParamSpec, TypeVar, overload

from .diagnostic import Diagnostic, Location
from .exceptions import WiringError
from .node import Node, Select
from .ports import EMPTY
from .returns import UNSET
from .wiring import caller
from .workflow import InputsT_contra, NodesT_co, Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from .plan import Input, Plan
    from .returns import SelectReturn
    from .signatures import NodeDecorator, SelectDecorator
    from .step import Policy

P = ParamSpec("P")
R = TypeVar("R")


class DAG(Workflow[NodesT_co, InputsT_contra]):
    """A workflow in which every node runs at most once, after the nodes it depends on."""

    kind: ClassVar[Literal["DAG", "FSM"]] = "DAG"

    @overload
    def select(self, func: Callable[P, SelectReturn[R] | Coroutine[Any, Any, SelectReturn[R]]], /) -> Select[P, R]: ...
    @overload
    def select(
        self,
        name: str | None = None,
        *,
        description: str | None = None,
        policies: Sequence[Policy] = (),
        pure: bool = False,
    ) -> SelectDecorator: ...
    def select(self, name: Any = None, **options: Any) -> Any:
        """Make a selection of the decorated function, which returns a ``SelectReturn`` that names the branch to run.

        A branch is what ``pick.on("name") >> node`` says, and for a plain ``pick >> node`` the node's own name.
        """
        return self._decorate(Select, name, options)

    @overload
    def any(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> Node[P, R]: ...
    @overload
    def any(self, func: Callable[P, R], /) -> Node[P, R]: ...
    @overload
    def any(
        self,
        name: str | None = None,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        description: str | None = None,
        *,
        policies: Sequence[Policy] = (),
        pure: bool = False,
    ) -> NodeDecorator: ...
    def any(self, name: Any = None, *args: Any, **options: Any) -> Any:
        """Make a join that runs if at least one of its inputs arrives; the others are ``None``."""
        options.update(zip(("inputs", "outputs", "description"), args, strict=False))
        return self._decorate(_join("any"), name, options)

    @overload
    def all(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> Node[P, R]: ...
    @overload
    def all(self, func: Callable[P, R], /) -> Node[P, R]: ...
    @overload
    def all(
        self,
        name: str | None = None,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        description: str | None = None,
        *,
        policies: Sequence[Policy] = (),
        pure: bool = False,
    ) -> NodeDecorator: ...
    def all(self, name: Any = None, *args: Any, **options: Any) -> Any:
        """Make a join that runs only if every one of its inputs arrives, as any node does, and is drawn as a join."""
        options.update(zip(("inputs", "outputs", "description"), args, strict=False))
        return self._decorate(_join("all"), name, options)

    @overload
    def cached_node(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> Node[P, R]: ...
    @overload
    def cached_node(self, func: Callable[P, R], /) -> Node[P, R]: ...
    @overload
    def cached_node(
        self,
        name: str | None = None,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        description: str | None = None,
        *,
        cache_ttl: float | None = 3600.0,
        policies: Sequence[Policy] = (),
        pure: bool = False,
    ) -> NodeDecorator: ...
    def cached_node(
        self,
        name: Any = None,
        *args: Any,
        cache_ttl: float | None = 3600.0,
        policies: Sequence[Policy] = (),
        **options: Any,
    ) -> Any:
        """Make a node that keeps what its calls gave, for ``cache_ttl`` seconds (``None``: for ever); see ``Cache``."""
        from .policies.cache import Cache

        options.update(zip(("inputs", "outputs", "description"), args, strict=False))
        return self._decorate(Node, name, {**options, "policies": (Cache(cache_ttl), *policies)})

    def add_workflow(self, name: str, workflow: Workflow) -> Node[..., Any]:
        """Add a finished workflow as a node: its open inputs are the ports, its final value is the result.

        Raises:
            WorkflowValidationError: the inner workflow is not valid.
            WiringError: it is none, it contains this workflow, or an input of it cannot be a port.

        """
        if not isinstance(workflow, Workflow):
            raise _refused(f'Node "{name}" is given {workflow!r}, which is no workflow', name, "give a DAG or an FSM")
        if any(inner.nodes is self.nodes for inner in _within(workflow)):
            what = "itself" if workflow.nodes is self.nodes else f'"{workflow.name}", which contains it,'
            raise _refused(
                f'Workflow "{self.name}" is given {what} as node "{name}"', name, "add a workflow of its own"
            )
        make = AsyncSubWorkflow if workflow.plan().is_async else SubWorkflow
        _check_inputs(name, workflow)
        return self.add_node(Node(make(workflow), name, node_type="workflow"))


def _within(workflow: Workflow) -> Iterator[Workflow]:
    """Give a workflow and all workflows that are nodes in it, however deep."""
    pending, seen = [workflow], set[int]()
    while pending:
        one = pending.pop()
        yield one
        inner = [node.func.workflow for node in one.nodes.values() if isinstance(node.func, SubWorkflow)]
        pending.extend(found for found in inner if id(found.nodes) not in seen)
        seen.update(id(found.nodes) for found in inner)


def _check_inputs(name: str, workflow: Workflow) -> None:
    """Refuse inputs whose names cannot be those of ports: a context is given to a node, not wired."""
    for entry in workflow.plan().inputs:
        if not entry.name.isidentifier() or iskeyword(entry.name) or entry.name == "context":
            raise _refused(
                f'Input "{entry.name}" of workflow "{workflow.name}" cannot be a port of node "{name}"',
                name,
                f'give the input of "{entry.node}" another name, or wire it inside "{workflow.name}"',
            )


def _refused(message: str, node: str, hint: str) -> WiringError:
    return WiringError(Diagnostic("fastdag-wire", message, where=Location(*caller()), node=node, hint=hint))


def _join(kind: Literal["any", "all"]) -> Callable[..., Node[..., Any]]:
    def build(func: Callable[..., Any], name: str | None = None, **options: Any) -> Node[..., Any]:
        return Node(func, name, node_type=kind, **options)

    return build


class SubWorkflow:
    """A workflow as a function of its open inputs."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.__name__ = workflow.name
        self.__doc__ = workflow.description
        self.__signature__ = _signature(workflow)

    def _said(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Leave out the defaults, for inside each node has its own."""
        parameters = self.__signature__.parameters
        return {name: value for name, value in inputs.items() if value is not parameters[name].default}

    def __call__(self, /, **inputs: Any) -> Any:
        """Run the workflow and give its final value."""
        return self.workflow.run(self._said(inputs))


class AsyncSubWorkflow(SubWorkflow):
    """A workflow with async nodes as an async function of its open inputs."""

    async def __call__(self, /, **inputs: Any) -> Any:
        """Run the workflow and give its final value."""
        return await self.workflow.run_async(self._said(inputs))


def _signature(workflow: Workflow) -> inspect.Signature:
    plan = workflow.plan()
    entries: dict[str, list[Input]] = {}
    for entry in plan.inputs:
        entries.setdefault(entry.name, []).append(entry)
    parameters = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=_default(plan, same), annotation=same[0].port.type
        )
        for name, same in entries.items()
    ]
    return inspect.Signature(parameters, return_annotation=plan.returned_type())


def _default(plan: Plan, entries: list[Input]) -> Any:
    """Give the one default of the inputs of a name, ``UNSET`` if each has its own, nothing if one is required."""
    missing = [entry for entry in entries if entry.default is EMPTY]
    if not all(_can_follow(plan, entry) for entry in missing):
        return EMPTY
    default = entries[0].default
    return UNSET if missing or not all(alike(entry.default, default) for entry in entries) else default


def alike(one: Any, other: Any) -> bool:
    """Tell whether two defaults are the same, without comparing what may not be comparable."""
    if one is other or type(one) is not type(other):
        return one is other
    if type(one) is tuple:
        return len(one) == len(other) and all(map(alike, one, other))
    return type(one) in (bool, int, float, complex, str, bytes) and repr(one) == repr(other)


def _can_follow(plan: Plan, entry: Input) -> bool:
    """Tell whether a state's input takes the value of the state before, where it is not given."""
    if plan.machine is None or entry.node == plan.names[plan.machine.initial]:
        return False
    given = {other.name for other in plan.required if other.node == plan.names[plan.machine.initial]}
    return entry.name in given or sum(e.node == entry.node and e.name not in given for e in plan.required) == 1
