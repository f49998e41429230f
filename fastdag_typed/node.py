"""Nodes, and the statements that wire them."""

from __future__ import annotations

import copy
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from .edge import Edge
from .returns import name_of
from .unit import Unit
from .wiring import add_edge, caller, check_output, connect, listed, wire, wire_all

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from typing import Unpack

    from .context import Context
    from .returns import ConditionalReturn, SelectReturn, Steering
    from .signatures import ByName, Further, Open, Options, Pair, Several, Takes, Unpaired, Variadic
    from .step import Kind, Policy

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


class Source(Generic[R_co]):
    """Anything with a value to wire from: a node, one of its outputs, one of its branches."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _holds(self, value: R_co, /) -> None: ...  # type: ignore[misc]  # only a Vague one takes any object

    @property
    def outlet(self) -> tuple[Node[..., Any], str | None, bool | str | None]:
        """The node, the output and the branch that an edge from here starts at."""
        raise TypeError(type(self))  # pragma: no cover - both kinds of source have their own

    @overload
    def __rshift__(self: Source[T], other: Callable[Concatenate[T, P2], R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self, other: State[..., R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self: Source[T], other: Further[T, R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self, other: Inlet | ByName[R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self: Open, other: Node[..., R2]) -> Node[..., R2]: ...
    @overload
    def __rshift__(self: Source[T], other: Several[Takes[T]]) -> Fan[Any]: ...
    @overload
    def __rshift__(self: Open, other: tuple[Node[..., Any], ...]) -> Fan[Any]: ...
    @overload
    def __rshift__(self, other: list[Any]) -> Fan[Any]: ...
    def __rshift__(self, other: Any) -> Any:
        """Connect to the next free port of a node, or of each node of a list; give what was connected to."""
        if isinstance(other, Node):
            connect(*self.outlet, other, None, caller())
            return other
        return _fan([self], other)

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


class Inlet:
    """One input of a node, by name."""

    __slots__ = ("name", "node")

    def __init__(self, node: Node[..., Any], name: str) -> None:
        self.node = node
        self.name = name

    @property
    def inlet(self) -> tuple[Node[..., Any], str | None]:
        """The node and the input that an edge leads to."""
        return self.node, self.name

    def __rrshift__(self, other: Iterable[Any]) -> Node[..., Any]:
        """Connect each of several nodes here: ``[a, b] >> c.input("xs")``."""
        _fan(listed(other, self.node), self)
        return self.node

    __ror__ = __rrshift__


class Fan(list[R]):
    """Several nodes that were connected to at once and can be connected from at once."""

    def __rshift__(self, other: Any) -> Any:
        """Connect every node of the fan to a node, or to each node of a list."""
        return _fan(self, other)

    __or__ = __rshift__


class Node(Source[R_co], Unit, Generic[P, R_co]):
    """A unit of work: a function, its ports and its policies.

    ``In`` is the function's own parameter list, so a type checker and an editor show ``Node[(x: int, y: str), float]``.
    Called, it runs the function; while a workflow is composed, a call is recorded as wiring.
    A ``pure`` one has no side effects and always gives the same value for the same inputs: compiled code may leave its
    call out where nothing needs the value, or where the value is known already.
    """

    __slots__ = ()

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
            pure: bool = False,
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
            pure: bool = False,
        ) -> Node[P0, R]: ...
        def __new__(cls, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102 - the class says it

    func: Callable[P, Any]
    """The bare function; for an async one it returns an awaitable."""

    if not TYPE_CHECKING:  # mypy prefers an __init__ to a __new__ of the same class, and only that one gives P and R
        __init__ = Unit._setup  # noqa: SLF001 - its own base

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co:  # noqa: D102 - so that editors show the function's
        trace = tracer.get()
        if trace is None:
            return cast("R_co", self.func(*args, **kwargs))
        return cast("R_co", trace(self, args, kwargs))

    def __repr__(self) -> str:
        """Render with name and ports."""
        return f"<Node {self.name}({', '.join(self.inputs)}) -> {', '.join(self.outputs)}>"

    async def execute(self, context: Context, **kwargs: Any) -> Any:
        """Run the function with its policies around it, a context and inputs by name; await what is awaitable.

        It raises what the function raises. What policies do at the end of a run, they do when the function has ended.
        """
        if self.policies:
            from .policies.alone import Alone

            alone = Alone(self)
            try:
                return await alone.execute(context, kwargs)
            finally:
                await alone.end(context)
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

    @property
    def inlet(self) -> tuple[Node[..., Any], str | None]:
        """The node itself, its input chosen by what is free."""
        return self, None

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

    @overload
    def __rrshift__(self: Callable[Concatenate[T1, T2, P2], R2], other: Pair[T1, T2]) -> Node[..., R2]: ...
    @overload
    def __rrshift__(self: Callable[Concatenate[Any, T1, T2, P2], R2], other: Pair[T1, T2]) -> Node[..., R2]: ...
    @overload
    def __rrshift__(self: Callable[Concatenate[T1, Any, T2, P2], R2], other: Pair[T1, T2]) -> Node[..., R2]: ...
    @overload
    def __rrshift__(self: Variadic[R2], other: Pair[Any, Any]) -> Node[..., R2]: ...
    @overload
    def __rrshift__(self, other: list[Any] | Unpaired) -> Node[P, R_co]: ...
    def __rrshift__(self, other: Any) -> Any:
        """Connect each of several nodes here: ``[a, b] >> c``."""
        _fan(listed(other, self), self)
        return self

    __ror__ = __rrshift__


class Condition(Node[P, R_co]):
    """A node that chooses between a true and a false branch."""

    __slots__ = ("false_branch", "true_branch")

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls,
            func: Callable[P0, ConditionalReturn[R] | Coroutine[Any, Any, ConditionalReturn[R]]],
            name: str | None = None,
            true_branch: str | Node[..., Any] | None = None,
            false_branch: str | Node[..., Any] | None = None,
            **options: Unpack[Options],
        ) -> Condition[P0, R]: ...
        @overload
        def __new__(
            cls,
            func: Callable[P0, bool | Coroutine[Any, Any, bool]],
            name: str | None = None,
            true_branch: str | Node[..., Any] | None = None,
            false_branch: str | Node[..., Any] | None = None,
            **options: Unpack[Options],
        ) -> Condition[P0, Any]: ...
        def __new__(cls, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102 - the class says it

    def _setup_condition(
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

    if not TYPE_CHECKING:
        __init__ = _setup_condition

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

    if TYPE_CHECKING:

        def __new__(  # noqa: D102 - the class says it
            cls,
            func: Callable[P0, SelectReturn[R] | Coroutine[Any, Any, SelectReturn[R]]],
            name: str | None = None,
            **options: Unpack[Options],
        ) -> Select[P0, R]: ...

    def _setup_select(self, func: Callable[..., Any], name: str | None = None, **options: Any) -> None:
        options.setdefault("node_type", "select")
        self._setup(func, name, **options)

    if not TYPE_CHECKING:
        __init__ = _setup_select

    def on(self, branch: str) -> Outlet[R_co]:
        """Wire from here what runs if the branch is chosen."""
        return Outlet(self, None, branch)


class State(Node[P, R_co]):
    """A state of a state machine."""

    __slots__ = ("is_final", "is_initial")

    if TYPE_CHECKING:

        @overload
        def __new__(
            cls,
            func: Callable[P0, Steering[R] | Coroutine[Any, Any, Steering[R]]],
            name: str | None = None,
            *,
            is_initial: bool = False,
            is_final: bool = False,
            **options: Unpack[Options],
        ) -> State[P0, R]: ...
        @overload
        def __new__(
            cls,
            func: Callable[P0, Coroutine[Any, Any, R]],
            name: str | None = None,
            *,
            is_initial: bool = False,
            is_final: bool = False,
            **options: Unpack[Options],
        ) -> State[P0, R]: ...
        @overload
        def __new__(
            cls,
            func: Callable[P0, R],
            name: str | None = None,
            *,
            is_initial: bool = False,
            is_final: bool = False,
            **options: Unpack[Options],
        ) -> State[P0, R]: ...
        def __new__(cls, *args: Any, **kwargs: Any) -> Any: ...  # noqa: D102 - the class says it

    def _setup_state(
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

    if not TYPE_CHECKING:
        __init__ = _setup_state

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


def _fan(sources: Iterable[Any], target: Any) -> Any:
    """Connect each of several sources to a node, or to each node of a list; give what was connected to."""
    several = isinstance(target, list | tuple)
    nodes = wire_all(sources, target if several else [target], caller())
    return Fan(nodes) if several else nodes[0]
