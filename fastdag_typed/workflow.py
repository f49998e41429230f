"""Named nodes and how they are wired: what a DAG and a state machine have in common."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, ParamSpec, overload

from .compose import Composition
from .context import Context
from .diagnostic import Location, did_you_mean
from .node import Condition, Node
from .returns import name_of
from .wiring import caller, refuse, remove_edge, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence

    from typing_extensions import TypeVar

    from fastdag_codegen.options import Level
    from fastdag_codegen.options import Mode as CompiledMode

    from .context import Results
    from .edge import Edge
    from .plan import Plan
    from .returns import ConditionalReturn
    from .run.config import ExecutionConfig
    from .run.memory import CompiledWorkflow
    from .run.runner import Runner
    from .signatures import ConditionDecorator, NodeDecorator
    from .step import Policy

    NodesT_co = TypeVar("NodesT_co", covariant=True, default=Any)  # without brackets neither is checked
    InputsT_contra = TypeVar("InputsT_contra", contravariant=True, default=Any)
else:
    from typing import TypeVar

    NodesT_co = TypeVar("NodesT_co", covariant=True)
    InputsT_contra = TypeVar("InputsT_contra", contravariant=True)

P = ParamSpec("P")
R = TypeVar("R")
N = TypeVar("N", bound=Node[..., Any])
Mode = Literal["sequential", "parallel", "processes"]
ErrorStrategy = Literal["stop", "continue", "skip"]


class Workflow(Generic[NodesT_co, InputsT_contra]):
    """Named nodes, their wiring and where a run begins; only this stage can be changed.

    ``DAG[Any, MyInputs]("name")``, with a TypedDict, lets every type checker check what ``run`` is given; the first of
    the two types is the mypy plugin's, for the nodes.

    Args:
        name: how messages, pictures and compiled modules call it.
        description: one line for pictures and documents.
        metadata: whatever should travel with the workflow; copied into the context of each run.
        open: other modules add nodes: the mypy plugin then does not take an unknown name for an error.

    """

    kind: ClassVar[Literal["DAG", "FSM"]]
    __slots__ = ("__dict__", "__weakref__", "context")  # all but the context is shared with the views of single runs

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: Any) -> Any:
            """Give the class itself: the types in the brackets are for type checkers."""
            return cls

    def __init__(
        self,
        name: str = "workflow",
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        *,
        open: bool = False,  # noqa: A002 - how a checker is told that there is more
    ) -> None:
        self.name = name
        self.description = description
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.open = open
        self.nodes: dict[str, Node[..., Any]] = {}
        self.entrypoints: list[str] = []
        self.entrypoints_where: Location | None = None
        self.returns: Any = None
        self.unused: frozenset[str] = frozenset()
        self.context: Context = Context()
        self.where = Location(*caller())
        self.owner = (self,)  # one tuple for all nodes that are only here
        self.order: tuple[list[list[int]], list[int]] | None = None
        self._plan: Plan | None = None

    def __getstate__(self) -> Any:
        """Leave out the plan: it is made anew of what is copied or pickled."""
        return {**self.__dict__, "_plan": None, "order": None}, {"context": self.context}

    def __repr__(self) -> str:
        """Render with name and size."""
        return f"<{self.kind} {self.name}: {len(self.nodes)} nodes>"

    # -- authoring ---------------------------------------------------------------------------------------------------

    @overload
    def node(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> Node[P, R]: ...
    @overload
    def node(self, func: Callable[P, R], /) -> Node[P, R]: ...
    @overload
    def node(
        self,
        name: str | None = None,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        description: str | None = None,
        *,
        policies: Sequence[Policy] = (),
        pure: bool = False,
    ) -> NodeDecorator: ...
    def node(self, name: Any = None, *args: Any, **options: Any) -> Any:
        """Make a node of the decorated function and add it.

        Args:
            name: the node's name; by default the function's.
            inputs: which parameters are ports, in order; by default all but the context.
            outputs: names for the items of a returned tuple or the keys of a returned mapping.
            description: by default the docstring.
            policies: what is put around the node's call.
            pure: whether it has no side effects and always gives the same value for the same inputs; see ``Node``.

        """
        options.update(zip(("inputs", "outputs", "description"), args, strict=False))
        return self._decorate(Node, name, options)

    @overload
    def condition(
        self, func: Callable[P, ConditionalReturn[R] | Coroutine[Any, Any, ConditionalReturn[R]]], /
    ) -> Condition[P, R]: ...
    @overload
    def condition(self, func: Callable[P, bool | Coroutine[Any, Any, bool]], /) -> Condition[P, Any]: ...
    @overload
    def condition(
        self,
        name: str | None = None,
        true_branch: str | Node[..., Any] | None = None,
        false_branch: str | Node[..., Any] | None = None,
        *,
        description: str | None = None,
        policies: Sequence[Policy] = (),
        pure: bool = False,
    ) -> ConditionDecorator: ...
    def condition(self, name: Any = None, *args: Any, **options: Any) -> Any:
        """Make a condition of the decorated function, which returns a ``ConditionalReturn`` or a bool.

        ``true_branch`` and ``false_branch`` name the nodes that run; they are connected if nothing else connects them.
        """
        options.update(zip(("true_branch", "false_branch"), args, strict=False))
        return self._decorate(Condition, name, options)

    def add_node(self, node: N) -> N:
        """Add a node.

        Raises:
            WiringError: a node of this name exists (it is a ``ValueError``).

        """
        if not isinstance(node, Node):
            message = f'{node!r} is added to workflow "{self.name}" but is not a node'
            raise refuse("fastdag-wire", message, caller(), "make it a node with Node(...)")
        if node.name in self.nodes:
            hint = f"the first one is defined at {self.nodes[node.name].where}; give one of them another name"
            raise refuse("fastdag-name", f'Node "{node.name}" already exists', caller(), hint, node.name)
        self.nodes[node.name] = node
        node.owners = (*node.owners, *self.owner) if node.owners else self.owner
        self.changed()
        return node

    def remove_node(self, node_name: str | Node[..., Any]) -> None:
        """Remove a node and its connections.

        Raises:
            WiringError: the workflow has no such node.

        """
        node = self._named(name_of(node_name))
        if isinstance(node_name, Node) and node_name is not node:
            message = f'Node "{node.name}" of workflow "{self.name}" is another one than the node to remove'
            raise refuse("fastdag-name", message, caller(), None, node.name)
        for edge in [*node.edges_in, *node.edges_out]:
            remove_edge(edge)
        del self.nodes[node.name]
        node.owners = tuple(owner for owner in node.owners if owner not in self.owner)
        self.changed()

    def connect(
        self,
        source: str | Node[..., Any],
        target: str | Node[..., Any],
        output: str | None = None,
        input: str | None = None,  # noqa: A002 - the name that users of such libraries know
    ) -> None:
        """Connect two nodes by name, by default to the next free input.

        Raises:
            WiringError: no such node, output or input, or the input is taken.

        """
        where = caller()
        start, end = self._named(source, where), self._named(target, where)
        wire(start, end, output_name=output, input_name=input, where=where)

    def disconnect(self, source: str | Node[..., Any], target: str | Node[..., Any]) -> None:
        """Remove every connection between two nodes."""
        where = caller()
        start, end = self._named(source, where), self._named(target, where)
        for edge in [e for e in start.edges_out if e.target is end]:
            remove_edge(edge)

    def set_entrypoint(self, *node_names: str | Node[..., Any]) -> None:
        """Say where a run begins; another node without incoming edges is then an error.

        Raises:
            WiringError: what is given is neither a node nor a name.

        """
        where = caller()
        for name in node_names:
            if not isinstance(name, str | Node):
                message = f'{name!r} is no entrypoint of workflow "{self.name}"'
                raise refuse("fastdag-wire", message, where, 'give nodes or names one by one: set_entrypoint("a", "b")')
        self.entrypoints = [name_of(name) for name in node_names]
        self.entrypoints_where = Location(*where)
        self.changed()

    def compose(self, flow: Callable[P, R]) -> Callable[P, R]:
        """Wire by calls: run the decorated function once on placeholders and record its calls of nodes as edges.

        Its parameters are the inputs of the workflow (one that it does not use may be given, and is not needed), what
        it returns is the final value. The function itself is given back: called, it runs the nodes as plain functions.

        Raises:
            WiringError: what is decorated cannot be composed, or does not return results of nodes.

        """
        composition = Composition(self)
        self.returns = composition.run(flow)
        self.unused = frozenset(composition.inputs - composition.used)
        self.changed()
        return flow

    def chain(self, *nodes: Node[..., Any]) -> Node[..., Any]:
        """Connect nodes one after the other; give the last one."""
        where = caller()
        for source, target in itertools.pairwise(nodes):
            wire(source, target, where=where)
        return nodes[-1]

    def changed(self) -> None:
        """Forget the plan made of an earlier state of the workflow."""
        self._plan = self.order = None

    def _decorate(self, make: Callable[..., Node[..., Any]], name: Any, options: dict[str, Any]) -> Any:
        if callable(name) and not isinstance(name, str):
            return self.add_node(make(name, **options))

        def decorator(func: Callable[..., Any]) -> Node[..., Any]:
            return self.add_node(make(func, name, **options))

        return decorator

    def _named(self, node: str | Node[..., Any], where: tuple[str, int] | None = None) -> Node[..., Any]:
        if isinstance(node, Node):
            return node
        found = self.nodes.get(node) if isinstance(node, str) else None
        if found is None:
            message, hint = (
                f'Workflow "{self.name}" has no node "{node}"',
                did_you_mean(str(node), self.nodes, what="nodes"),
            )
            raise refuse("fastdag-name", message, where or caller(), hint, str(node))
        return found

    # -- asking ------------------------------------------------------------------------------------------------------

    @property
    def edges(self) -> Iterator[Edge]:
        """Every edge, by target node in the order in which nodes were added."""
        for node in self.nodes.values():
            yield from node.edges_in

    def validate(self) -> list[str]:
        """List every error of the wiring; empty if the workflow is valid."""
        from .validation import examine

        return examine(self).errors

    def get_dependencies(self, node_name: str | Node[..., Any]) -> set[str]:
        """Name every node upstream of a node."""
        return self._reach(node_name, lambda node: (edge.source for edge in node.edges_in))

    def get_downstream(self, node_name: str | Node[..., Any]) -> set[str]:
        """Name every node downstream of a node."""
        return self._reach(node_name, lambda node: (edge.target for edge in node.edges_out))

    def _reach(
        self, node_name: str | Node[..., Any], ahead: Callable[[Node[..., Any]], Iterator[Node[..., Any]]]
    ) -> set[str]:
        found: set[str] = set()
        pending = [self._named(node_name)]
        while pending:
            for node in ahead(pending.pop()):
                if node.name not in found:
                    found.add(node.name)
                    pending.append(node)
        return found

    def plan(self) -> Plan:
        """Validate, and lower to the immutable plan that runs, compiles and is drawn; made anew after a change.

        Raises:
            WorkflowValidationError: the workflow is not valid.

        """
        if self._plan is None:
            from .lowering import planned

            self._plan = planned(self)
            self.order = None
        return self._plan

    def compile(
        self,
        *,
        level: Level = 1,
        mode: CompiledMode = "sequential",
        keep: Iterable[str | Node[..., Any]] | None = None,
        instrument: bool = False,
        late_globals: bool = False,
    ) -> CompiledWorkflow[InputsT_contra]:
        """Compile in memory, also lambdas, closures and functions of a script; see ``fastdag_codegen.Options``.

        Raises:
            WorkflowValidationError: the workflow is not valid.
            CompileError: it cannot be compiled.
            OptionError: an option makes no sense.

        """
        from .run.memory import compile_in_memory

        return compile_in_memory(self, level, mode, keep, instrument=instrument, late_globals=late_globals)

    # -- running and results -----------------------------------------------------------------------------------------

    def run(
        self,
        inputs: InputsT_contra | None = None,
        *,
        mode: Mode | None = None,
        context: Context | None = None,
        max_workers: int | None = None,
        error_strategy: ErrorStrategy | None = None,
        config: ExecutionConfig | None = None,
        **named: Any,
    ) -> Any:
        """Run, and give the final value: of the composed function, of the one sink, or a dict of the sinks that ran.

        Inputs are given by port name, as a mapping or by keyword; ``config`` says the rest of how it is run.

        Raises:
            WorkflowValidationError: the workflow is not valid.
            InputError: an input is missing, unknown or of a wrong type.
            WorkflowExecutionError: a node failed.

        """
        with self._runner(config, max_workers, error_strategy) as runner:
            return runner.run(merged(inputs, named), mode, context=context).value

    async def run_async(
        self,
        inputs: InputsT_contra | None = None,
        *,
        mode: Mode | None = None,
        context: Context | None = None,
        max_workers: int | None = None,
        error_strategy: ErrorStrategy | None = None,
        config: ExecutionConfig | None = None,
        **named: Any,
    ) -> Any:
        """Run on the current event loop, and give the final value; otherwise as ``run``."""
        with self._runner(config, max_workers, error_strategy) as runner:
            return (await runner.run_async(merged(inputs, named), mode, context=context)).value

    def _runner(
        self, config: ExecutionConfig | None, max_workers: int | None, error_strategy: ErrorStrategy | None
    ) -> Runner:
        from .run.runner import Runner

        return Runner(self, config, max_workers=max_workers, error_strategy=error_strategy)

    @overload
    def __getitem__(self, node_name: Node[..., R]) -> R: ...
    @overload
    def __getitem__(self, node_name: str) -> Any: ...
    def __getitem__(self, node_name: Any) -> Any:
        """Get the result of a node in the last finished run, ``None`` if it has none.

        Raises:
            KeyError: there is no such node.

        """
        name = name_of(node_name)
        value = self.context.get_result(name)
        if value is None and not self._is_result_name(name):
            hint = did_you_mean(name, self.nodes, what="nodes")
            raise KeyError(f'Workflow "{self.name}" has no node "{name}" ({hint})')
        return value

    def _is_result_name(self, name: str) -> bool:
        return name in self.nodes or name in self.context.results

    @overload
    def get_result(self, node_name: Node[..., R]) -> R | None: ...
    @overload
    def get_result(self, node_name: str) -> Any: ...
    def get_result(self, node_name: Any) -> Any:
        """Get the result of a node in the last finished run, ``None`` if it has none."""
        return self.context.get_result(node_name)

    @property
    def results(self) -> Results:
        """All results of the last finished run."""
        return self.context.results

    def seen_with(self, context: Context) -> Workflow[NodesT_co, InputsT_contra]:
        """Give a view of this workflow whose results are those of one run; all else is shared, also what changes."""
        view = object.__new__(type(self))
        view.__dict__ = self.__dict__
        view.context = context
        return view


def merged(inputs: Any, named: dict[str, Any]) -> Any:
    """Join both ways of giving inputs; what is no mapping is left for the runner to refuse."""
    return {**inputs, **named} if inputs and named else inputs or named


WorkflowBase = Workflow
"""The specification's name."""
