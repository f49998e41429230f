"""A function with typed ports, and the statements that wire it."""

from __future__ import annotations

import copy
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, TypeVar, cast, overload

from .compat import fits
from .diagnostic import Diagnostic, Location, did_you_mean
from .exceptions import WiringError
from .ports import EMPTY, Port, Signature, feed, read_output, signature_of
from .returns import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

    from .context import Context
    from .functions import PortKind
    from .step import Kind, Policy, Take
    from .workflow import Workflow

P = ParamSpec("P")
P0 = ParamSpec("P0")
P2 = ParamSpec("P2")
P3 = ParamSpec("P3")
R = TypeVar("R")
R2 = TypeVar("R2")
R3 = TypeVar("R3")
T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
R_co = TypeVar("R_co", covariant=True)

tracer: ContextVar[Callable[[Node[..., Any], tuple[Any, ...], dict[str, Any]], Any] | None] = ContextVar(
    "fastdag_tracer", default=None
)
"""Records the calls of nodes while a workflow is composed; ``None``: a call is a call."""


class Edge:
    """A connection between two nodes: data from an output to an input, or order only (``input`` is ``None``).

    ``output`` is the name that the user gave; ``None`` leaves the choice to the types. ``branch`` is set on an edge
    out of a condition or selection.
    """

    __slots__ = ("branch", "input", "output", "port", "source", "target", "where")

    def __init__(
        self,
        source: Node[..., Any],
        target: Node[..., Any],
        output: str | None,
        port: int | None,
        input_name: str | None,
        branch: bool | str | None,
        where: tuple[str, int],
    ) -> None:
        self.source = source
        self.target = target
        self.output = output
        self.port = port
        self.input = input_name
        self.branch = branch
        self.where = where

    def __repr__(self) -> str:
        """Render as ``a.output -> b.input``."""
        output = f".{self.output}" if self.output else ""
        return f"<Edge {self.source.name}{output} -> {self.target.name}.{self.input or '(order)'}>"

    @property
    def input_port(self) -> Port | None:
        """The port it leads to, ``None`` for order only."""
        if self.port is None:
            return None
        target = self.target
        return (target.ports if target.declares_inputs else target.signature.inputs)[self.port]

    @property
    def location(self) -> Location:
        """Where the wiring statement is."""
        return Location(*self.where)

    def resolve(self) -> tuple[Take | None, Any, bool]:
        """Decide how the value is read (``None``: whole), its type, and whether it fits the port."""
        port = self.input_port
        if port is None:
            return None, EMPTY, True
        source = self.source
        signature = source.signature
        returns = signature.returns
        if self.output is None:
            if source.node_type in ("condition", "select"):
                # Whether it gives a value of its own or passes on its first input, only its calls can tell.
                returns = source.passes()
                given = source.ports[0].type if source.ports else EMPTY
                return None, returns, any(fits(kind, port.type) is not False for kind in (returns, given))
            if returns is port.type:
                return None, returns, True
        return feed(signature.returns, signature.fields, source.declared, self.output, port)


class Given:
    """What a port takes that no edge brings: a constant, or a workflow input of another name."""

    __slots__ = ("input", "value")

    def __init__(self, value: Any = None, input_name: str | None = None) -> None:
        self.value = value
        self.input = input_name


class Source(Generic[R_co]):
    """Anything with a value to wire from: a node, one of its outputs, one of its branches."""

    __slots__ = ()

    @property
    def outlet(self) -> tuple[Node[..., Any], str | None, bool | str | None]:
        """The node, the output and the branch that an edge from here starts at."""
        raise TypeError(type(self))  # pragma: no cover - both kinds of source have their own

    @overload
    def __rshift__(self: Source[T], other: Callable[Concatenate[T, P2], R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self: Source[T], other: Callable[Concatenate[Any, T, P2], R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self: Source[T], other: Callable[Concatenate[Any, Any, T, P2], R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self: Source[T], other: Callable[Concatenate[Any, Any, Any, T, P2], R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(
        self: Source[T],
        other: tuple[Callable[Concatenate[T, P2], R2], Callable[Concatenate[T, P3], R3]],
    ) -> Fan[Any]: ...
    @overload
    def __rshift__(self, other: Inlet | Node[..., R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self, other: Sequence[Any]) -> Fan[Any]: ...
    def __rshift__(self, other: Any) -> Any:
        """Connect to the next free port of a node, or of each node of a list; give what was connected to."""
        if isinstance(other, Node):
            wire(self, other, where=caller())
            return other
        return _wire_all([self], other)

    __or__ = __rshift__

    def connect_to(
        self,
        other: Node[P2, R2],
        output_name: str | None = None,
        input_name: str | None = None,
    ) -> Node[P2, R2]:
        """Connect an output (default: by type) to an input (default: the next free one) of a node; give that node.

        Raises:
            WiringError: no such port, or no free one.

        """
        wire(self, other, output_name=output_name, input_name=input_name)
        return other


class Outlet(Source[R_co]):
    """One output or one branch of a node."""

    __slots__ = ("branch", "node", "output")

    def __init__(
        self,
        node: Node[..., Any],
        output: str | None = None,
        branch: bool | str | None = None,
    ) -> None:
        self.node = node
        self.output = output
        self.branch = branch

    @property
    def outlet(self) -> tuple[Node[..., Any], str | None, bool | str | None]:
        """The node, the output and the branch that an edge from here starts at."""
        return self.node, self.output, self.branch

    def output_of(self, name: str) -> Outlet[Any]:
        """Choose an output on this branch."""
        return Outlet(self.node, name, self.branch)


class Inlet:
    """One input of a node, by name."""

    __slots__ = ("name", "node")

    def __init__(self, node: Node[..., Any], name: str) -> None:
        self.node = node
        self.name = name

    def __rrshift__(self, other: Iterable[Any]) -> Node[..., Any]:
        """Connect each of several nodes here: ``[a, b] >> c.input("xs")``."""
        _wire_all(_sources(other, self.node), self)
        return self.node

    __ror__ = __rrshift__


class Fan(list[R]):
    """Several nodes that were connected to at once and can be connected from at once."""

    def __rshift__(self, other: Any) -> Any:
        """Connect every node of the fan to a node, or to each node of a list."""
        return _wire_all(self, other)

    __or__ = __rshift__


class Node(Source[R_co], Generic[P, R_co]):
    """A unit of work: a function, its ports and its policies.

    ``In`` is the function's own parameter list, so a type checker and an editor show ``Node[(x: int, y: str), float]``.
    Called, it runs the function; while a workflow is composed, a call is recorded as wiring.
    """

    __slots__ = (
        "__weakref__",
        "_inputs",
        "bound",
        "declared",
        "description",
        "func",
        "incoming",
        "name",
        "node_type",
        "outgoing",
        "owners",
        "policies",
        "signature",
    )

    if TYPE_CHECKING:

        @overload
        def __new__(  # pyright: ignore[reportInconsistentConstructor]
            cls,
            func: Callable[P0, Coroutine[Any, Any, R]],
            name: str | None = None,
            inputs: Sequence[str] | None = None,
            outputs: Sequence[str] | None = None,
            description: str | None = None,
            node_type: Kind = "standard",
            *,
            policies: Iterable[Policy] = (),
        ) -> Node[P0, R]: ...
        @overload
        def __new__(
            cls,
            func: Callable[P0, R],
            name: str | None = None,
            inputs: Sequence[str] | None = None,
            outputs: Sequence[str] | None = None,
            description: str | None = None,
            node_type: Kind = "standard",
            *,
            policies: Iterable[Policy] = (),
        ) -> Node[P0, R]: ...
        def __new__(cls, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102 - the class says it

    func: Callable[P, Any]
    """The bare function; for an async one it returns an awaitable."""

    def _setup(
        self,
        func: Callable[..., Any],
        name: str | None = None,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        description: str | None = None,
        node_type: Kind = "standard",
        *,
        policies: Iterable[Policy] = (),
    ) -> None:
        if isinstance(func, Node):  # a node in two workflows: the function is shared, the wiring is not
            func = func.func
        _check_arguments(func, name, inputs=inputs, outputs=outputs)
        self.func = func
        self.name: str = name or _name_of(func)
        self.node_type: Kind = node_type
        self.description = description
        self.signature: Signature = signature_of(func)
        self.declared: tuple[str, ...] = tuple(outputs) if outputs else ()
        self._inputs = None if inputs is None else tuple(inputs)
        self.policies: tuple[Policy, ...] = tuple(policies)
        self.incoming: dict[Any, Edge] | None = None
        self.outgoing: list[Edge] | None = None
        self.bound: dict[str, Given] | None = None
        self.owners: tuple[Workflow, ...] = ()
        if description is None:
            self.description = getattr(func, "__doc__", None)

    if not TYPE_CHECKING:  # mypy prefers an __init__ to a __new__ of the same class, and only that one gives P and R
        __init__ = _setup

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run the function; while a workflow is composed, record the call instead and give a placeholder."""
        trace = tracer.get()
        if trace is None:
            return cast("R_co", self.func(*args, **kwargs))
        return cast("R_co", trace(self, args, kwargs))

    def __repr__(self) -> str:
        """Render with name and ports."""
        return f"<Node {self.name}({', '.join(self.inputs)}) -> {', '.join(self.outputs)}>"

    async def execute(self, context: Context, **kwargs: Any) -> Any:
        """Run the function with a context and inputs by name, awaiting the result where it is awaitable."""
        if self.signature.context is not None:
            kwargs[self.signature.context] = context
        func: Callable[..., Any] = self.func
        result = func(**kwargs)
        return await result if self.signature.is_async else result

    def copy(self, name: str) -> Node[P, R_co]:
        """Make an unwired node of the same function under another name."""
        twin = copy.copy(self)
        twin.name = name
        twin.incoming = twin.outgoing = twin.bound = None
        twin.owners = ()
        return twin

    @property
    def outlet(self) -> tuple[Node[..., Any], str | None, bool | str | None]:
        """The node itself, its output chosen by type, no branch."""
        return self, None, None

    # -- ports -------------------------------------------------------------------------------------------------------

    @property
    def ports(self) -> tuple[Port, ...]:
        """Input ports in order."""
        ports = self.signature.inputs
        if self._inputs is None:
            return ports
        known = {port.name: port for port in ports}
        rest = next((port for port in ports if port.kind == "kwargs"), None)
        return tuple(
            known.get(name)
            or Port(name, rest.type if rest else EMPTY, EMPTY, "input", "keyword" if rest else "standard")
            for name in self._inputs
        )

    def kind_of(self, port: int) -> PortKind:
        """Give the kind of an input port by its place."""
        return self.signature.parameters[port][1] if self._inputs is None else self.ports[port].kind

    @property
    def declares_inputs(self) -> bool:
        """Whether the inputs were named, and may differ from the parameters of the function."""
        return self._inputs is not None

    @property
    def inputs(self) -> list[str]:
        """Names of the input ports."""
        return list(self.signature.names if self._inputs is None else self._inputs)

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs: those declared, else ``result`` and the fields of the result."""
        return list(self.declared) if self.declared else ["result", *self.signature.fields]

    @property
    def where(self) -> Location | None:
        """Where the function is defined."""
        return self.signature.where

    @property
    def input_connections(self) -> dict[str, Node[..., Any]]:
        """The source node of each connected input."""
        return {e.input: e.source for e in self.edges_in if e.input is not None}

    @property
    def output_connections(self) -> dict[str, list[Node[..., Any]]]:
        """The target nodes of each connected output."""
        found: dict[str, list[Node[..., Any]]] = {}
        for edge in self.edges_out:
            take = edge.resolve()[0]
            output = edge.output or (take.name if take else self.outputs[0])
            found.setdefault(output, []).append(edge.target)
        return found

    @property
    def edges_in(self) -> Iterable[Edge]:
        """Edges that lead here, in the order in which they were said."""
        return self.incoming.values() if self.incoming else ()

    @property
    def edges_out(self) -> Iterable[Edge]:
        """Edges that start here, in the order in which they were said."""
        return self.outgoing or ()

    def passes(self) -> Any:
        """Type of the value that goes on: for a condition or selection without a value, that of its first input."""
        returns = self.signature.returns
        if self.node_type in ("condition", "select") and (returns is EMPTY or returns is bool):
            ports = self.ports
            return ports[0].type if ports and returns is bool else EMPTY
        return returns

    # -- wiring ------------------------------------------------------------------------------------------------------

    def output(self, name: str) -> Outlet[Any]:
        """Choose an output by name, to wire from.

        Raises:
            WiringError: there is no such output.

        """
        check_output(self, name, caller())
        return Outlet(self, name)

    def input(self, name: str) -> Inlet:
        """Choose an input by name, to wire to."""
        return Inlet(self, name)

    def after(self, *others: Source[Any]) -> Node[P, R_co]:
        """Wait for other nodes without taking a value from them."""
        where = caller()
        for other in others:
            source, _, branch = other.outlet
            add_edge(Edge(source, self, None, None, None, branch, where))
        return self

    def __rrshift__(self, other: Iterable[Any]) -> Node[P, R_co]:
        """Connect each of several nodes here: ``[a, b] >> c``."""
        _wire_all(_sources(other, self), self)
        return self

    __ror__ = __rrshift__


class Condition(Node[P, R_co]):
    """A node that chooses between a true and a false branch."""

    __slots__ = ("false_branch", "true_branch")

    def __init__(
        self,
        func: Callable[..., Any],
        name: str | None = None,
        true_branch: str | Node[..., Any] | None = None,
        false_branch: str | Node[..., Any] | None = None,
        **options: Any,
    ) -> None:
        self._setup(func, name, node_type="condition", **options)
        self.true_branch = None if true_branch is None else name_of(true_branch)
        self.false_branch = None if false_branch is None else name_of(false_branch)

    @property
    def on_true(self) -> Outlet[R_co]:
        """Wire from here what runs if the condition holds."""
        return Outlet(self, None, branch=True)

    @property
    def on_false(self) -> Outlet[R_co]:
        """Wire from here what runs if the condition does not hold."""
        return Outlet(self, None, branch=False)


class Select(Node[P, R_co]):
    """A node that chooses one of several branches by name."""

    __slots__ = ()

    def on(self, branch: str) -> Outlet[R_co]:
        """Wire from here what runs if the branch is chosen."""
        return Outlet(self, None, branch)


class State(Node[P, R_co]):
    """A state of a state machine."""

    __slots__ = ("is_final", "is_initial")

    def __init__(
        self,
        func: Callable[..., Any],
        name: str | None = None,
        *,
        is_initial: bool = False,
        is_final: bool = False,
        **options: Any,
    ) -> None:
        self._setup(func, name, node_type="fsm_state", **options)
        self.is_initial = is_initial
        self.is_final = is_final

    @property
    def on_true(self) -> Outlet[R_co]:
        """Wire from here the state that follows a ``ConditionalReturn`` that holds."""
        return Outlet(self, None, branch=True)

    @property
    def on_false(self) -> Outlet[R_co]:
        """Wire from here the state that follows a ``ConditionalReturn`` that does not hold."""
        return Outlet(self, None, branch=False)

    def on(self, branch: str) -> Outlet[R_co]:
        """Wire from here the state that follows a ``SelectReturn`` of this branch."""
        return Outlet(self, None, branch)


def wire(
    source: Source[Any],
    target: Node[..., Any] | Inlet,
    *,
    output_name: str | None = None,
    input_name: str | None = None,
    where: tuple[str, int] | None = None,
) -> None:
    """Connect a source to a node: to the named input, else to the first free one, required ones first.

    Raises:
        WiringError: no such output or input, the input is taken, or none is free.

    """
    where = where or caller()
    if not isinstance(source, Source):
        raise _refuse("fastdag-wire", f"{source!r} is not a node", where, "wire nodes, or lists of nodes")
    node, output, branch = source.outlet
    if isinstance(target, Inlet):
        target, input_name = target.node, input_name or target.name
    if not isinstance(target, Node):
        raise _refuse(
            "fastdag-wire",
            f'"{node.name}" is connected to {target!r}, which is not a node',
            where,
            "make it a node with @dag.node or Node(...)",
        )
    output = output_name or output
    if output is not None and output != "result":
        check_output(node, output, where)
    else:
        output = None if output is None else "result"
    if target.node_type == "fsm_state":
        add_edge(Edge(node, target, output, None, None, branch, where))
        return
    names = tuple(target.inputs) if target.declares_inputs else target.signature.names
    if input_name is None:
        free = _free_port(node, output, branch, target, names, where)
        if free is not None:
            add_edge(Edge(node, target, output, *free, branch, where))
        return
    index = _port_index(target, input_name, where)
    taken = target.incoming.get(input_name) if target.incoming else None
    if taken is not None:
        if taken.source is node and taken.output == output and taken.branch == branch:
            return
        raise _refuse(
            "fastdag-taken",
            f'Input "{input_name}" of "{target.name}" is already connected to "{taken.source.name}" ({taken.location})',
            where,
            "connect another input, or remove the other connection",
            target,
            input_name,
        )
    add_edge(Edge(node, target, output, index, input_name, branch, where))


def add_edge(edge: Edge) -> None:
    """Record an edge at both its ends; the plans made of their workflows are out of date."""
    source, target = edge.source, edge.target
    port = edge.port
    key: Any = edge.input
    if port is None:
        key = (source, edge.output, edge.branch, None)
    elif target.kind_of(port) == "args" and place_of(key) is None:
        key = (source, edge.output, edge.branch, port)
    if target.incoming is None:
        target.incoming = {}
    elif key in target.incoming:
        return
    target.incoming[key] = edge
    if source.outgoing is None:
        source.outgoing = []
    source.outgoing.append(edge)
    for owner in source.owners:
        owner.changed()
    if target.owners != source.owners:
        for owner in target.owners:
            owner.changed()


def remove_edge(edge: Edge) -> None:
    """Forget an edge at both its ends."""
    target, source = edge.target, edge.source
    key = next((key for key, known in (target.incoming or {}).items() if known is edge), None)
    if target.incoming and key is not None:
        del target.incoming[key]
    if source.outgoing and edge in source.outgoing:
        source.outgoing.remove(edge)
    for owner in (*source.owners, *target.owners):
        owner.changed()


def _free_port(
    node: Node[..., Any],
    output: str | None,
    branch: bool | str | None,
    target: Node[..., Any],
    names: tuple[str, ...],
    where: tuple[str, int],
) -> tuple[int | None, str | None] | None:
    """Find the port for a connection without an input name; ``None``: this connection exists."""
    incoming = target.incoming
    if incoming is None and target.bound is None and names:
        parameters = target.signature.parameters
        if len(names) == 1 and not target.declares_inputs and parameters[0][1] != "kwargs":
            return 0, names[0]
    incoming = incoming or {}
    bound = target.bound or {}
    required: list[int] = []
    others: list[int] = []
    for index, port in enumerate(target.ports):
        edge = incoming.get(port.name)
        if edge is not None and not port.variadic:
            if edge.source is node and edge.output == output and edge.branch == branch:
                return None
        elif port.name not in bound:
            (required if port.required else others).append(index)
    if required or others:
        return _port_name(node, output, branch, target, (required or others)[0], where)
    if branch is not None:  # a branch needs no data to decide what runs
        return None, None
    raise _no_free_port(node, target, where)


def _port_name(
    node: Node[..., Any],
    output: str | None,
    branch: bool | str | None,
    target: Node[..., Any],
    index: int,
    where: tuple[str, int],
) -> tuple[int, str] | None:
    port = target.ports[index]
    if port.kind != "kwargs":
        return index, port.name
    known = (target.incoming or {}).get(node.name)
    if known is None and node.name not in target.signature.passed_by_name:
        return index, node.name
    if known is not None and (known.source, known.output, known.branch) == (node, output, branch):
        return None
    raise _refuse(
        "fastdag-taken",
        f'"{node.name}" is connected to "{target.name}", where the name "{node.name}" is taken',
        where,
        "connect it under a name of its own: connect_to(..., input_name=...)",
        target,
        node.name,
    )


def _no_free_port(node: Node[..., Any], target: Node[..., Any], where: tuple[str, int]) -> WiringError:
    ports, incoming = target.ports, target.incoming or {}
    if not ports:
        return _refuse(
            "fastdag-taken",
            f'"{node.name}" is connected to "{target.name}", which has no input',
            where,
            f"{target.name}.after({node.name}) orders the two without passing a value",
            target,
        )
    by = ", ".join(f'"{p.name}" from "{incoming[p.name].source.name}"' for p in ports if p.name in incoming)
    return _refuse(
        "fastdag-taken",
        f'"{node.name}" is connected to "{target.name}", which has no free input (connected: {by or "constants"})',
        where,
        "give the function another parameter, or connect an input by name",
        target,
    )


def _port_index(target: Node[..., Any], input_name: str, where: tuple[str, int]) -> int:
    names = target.inputs
    rest: int | None = None
    for index, port in enumerate(target.ports):
        if port.name == input_name and port.kind != "kwargs":
            return index
        if port.kind == "args" and place_of(input_name) is not None:
            return index
        if port.kind == "kwargs":
            rest = index
    if rest is not None:
        return rest
    raise _refuse(
        "fastdag-name",
        f'Node "{target.name}" has no input "{input_name}"',
        where,
        did_you_mean(input_name, names, what="inputs"),
        target,
        input_name,
    )


def place_of(input_name: str) -> int | None:
    """Read the place among ``*args`` that an input like ``"*2"`` stands for."""
    return int(input_name[1:]) if input_name.startswith("*") and input_name[1:].isdecimal() else None


def check_output(node: Node[..., Any], name: str, where: tuple[str, int]) -> None:
    """Raise ``WiringError`` unless a node has an output of this name."""
    signature = node.signature
    try:
        read_output(signature.returns, signature.fields, node.declared, name)
    except KeyError:
        hint = did_you_mean(name, node.outputs, what="outputs")
        if not node.declared and signature.returns is EMPTY:
            hint = f'declare it with outputs=["{name}"], or annotate what the function returns'
        raise _refuse("fastdag-name", f'Node "{node.name}" has no output "{name}"', where, hint, node, name) from None


def _wire_all(sources: Iterable[Any], target: Any) -> Any:
    where = caller()
    targets = list(target) if isinstance(target, list | tuple) else [target]
    for source in sources:
        for one in targets:
            wire(source, one, where=where)
    if isinstance(target, list | tuple):
        return Fan(targets)
    return target.node if isinstance(target, Inlet) else target


def _sources(other: Any, target: Node[..., Any]) -> list[Any]:
    if isinstance(other, list | tuple):
        return list(other)
    raise _refuse(
        "fastdag-wire",
        f'{other!r} is connected to "{target.name}" but is not a node',
        caller(),
        "make it a node with @dag.node or Node(...), or give the value as a run input",
    )


def _refuse(
    code: str,
    message: str,
    where: tuple[str, int],
    hint: str,
    node: Node[..., Any] | None = None,
    port: str | None = None,
) -> WiringError:
    name = node.name if node is not None else None
    return WiringError(Diagnostic(code, message, "error", Location(*where), name, port, hint))


def caller() -> tuple[str, int]:
    """Find the user's line that is being carried out: the nearest one outside the library."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's line
    while (frame.f_globals.get("__package__") or "").partition(".")[0] == _PACKAGE and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _check_arguments(func: Any, name: Any, **names: Sequence[str] | None) -> None:
    """Refuse what looks like the arguments of a node and is not."""
    if not callable(func):
        raise _refuse("fastdag-wire", f"{func!r} is not a function", caller(), "a node is made of a callable")
    if name is not None and not isinstance(name, str):
        raise _refuse("fastdag-name", f"{name!r} is no name of a node", caller(), "a name is a text")
    for what, given in names.items():
        if isinstance(given, str):
            raise _refuse(
                "fastdag-name",
                f'{what}="{given}" is one text, not a list of names',
                caller(),
                f'write {what}=["{given}"]',
            )


def _name_of(func: Any) -> str:
    while not hasattr(func, "__name__"):
        if not hasattr(func, "func"):
            return type(func).__name__
        func = func.func  # functools.partial
    return str(func.__name__)


_PACKAGE: Final = __package__
