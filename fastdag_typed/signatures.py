"""What type checkers read and nothing runs: the types of decorators, and of what stands on the two sides of ``>>``."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Never,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    overload,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from .node import Condition, Inlet, Node, Outlet, Select, Source, State
    from .returns import ConditionalReturn, SelectReturn, Steering
    from .step import Policy

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class Options(TypedDict, total=False):
    """Arguments that every kind of node takes."""

    inputs: Sequence[str] | None
    outputs: Sequence[str] | None
    description: str | None
    policies: Iterable[Policy]


class NodeDecorator(Protocol):
    """Makes a node of a function."""

    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> Node[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, R], /) -> Node[P, R]: ...


class ConditionDecorator(Protocol):
    """Makes a condition of a function."""

    @overload
    def __call__(
        self, func: Callable[P, ConditionalReturn[R] | Coroutine[Any, Any, ConditionalReturn[R]]], /
    ) -> Condition[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, bool | Coroutine[Any, Any, bool]], /) -> Condition[P, Any]: ...


class SelectDecorator(Protocol):
    """Makes a selection of a function."""

    def __call__(self, func: Callable[P, SelectReturn[R] | Coroutine[Any, Any, SelectReturn[R]]], /) -> Select[P, R]:
        """Make a selection of a function."""
        ...


class StateDecorator(Protocol):
    """Makes a state of a function."""

    @overload
    def __call__(self, func: Callable[P, Steering[R] | Coroutine[Any, Any, Steering[R]]], /) -> State[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, R]], /) -> State[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, R], /) -> State[P, R]: ...


# -- operands ----------------------------------------------------------------------------------------------------------


class ByName(Protocol[R_co]):
    """A function that takes any keyword, which is the name of the source."""

    def __call__(self, **values: Never) -> R_co:
        """Give the result."""
        ...


class Vague(Protocol):
    """A source whose value may be anything, such as one of several in a loop: it is not judged."""

    def _holds(self, value: object, /) -> None: ...


class Dataclass(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


if TYPE_CHECKING:
    Record: TypeAlias = Mapping[str, object] | tuple[object, ...] | Dataclass
    """What may be taken apart: the name of the port decides, which no type can tell."""

    Open: TypeAlias = Source[Record] | Outlet[Any] | Vague
    """A source that is not judged by its type; a branch also leads to nodes whose inputs come from elsewhere."""

    Takes: TypeAlias = (
        Callable[Concatenate[T, ...], Any]
        | Callable[Concatenate[Any, Any, ...], Any]
        | Callable[Concatenate[Coroutine[Any, Any, Any], ...], Any]
        | State[..., Any]
        | Inlet
        | ByName[Any]
    )
    """A node whose only port takes a value, or one of whose ports may; mypy sees a generic port as a coroutine."""
