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
T1 = TypeVar("T1")
T2 = TypeVar("T2")
R_co = TypeVar("R_co", covariant=True)


class Options(TypedDict, total=False):
    """Arguments that every kind of node takes."""

    inputs: Sequence[str] | None
    outputs: Sequence[str] | None
    description: str | None
    policies: Iterable[Policy]
    pure: bool


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


class ByPlace(Protocol[R_co]):
    """A function that takes any number of arguments."""

    def __call__(self, *values: Never) -> R_co:
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

    Open: TypeAlias = Source[Record] | Outlet[Any] | Condition[..., Any] | Select[..., Any] | Vague
    """A source that is not judged by its type: what chooses may pass on its input, and only say what is to run."""

    Further: TypeAlias = (
        Callable[Concatenate[Any, T, ...], R]
        | Callable[Concatenate[Any, Any, T, ...], R]
        | Callable[Concatenate[Any, Any, Any, T, ...], R]
        | Callable[Concatenate[Any, Any, Any, Any, Any, ...], R]
        | Callable[Concatenate[Coroutine[Any, Any, Any], ...], R]
    )
    """A node that takes a value at a later port, if the first are not free; mypy sees a generic port as a coroutine."""

    Takes: TypeAlias = Callable[Concatenate[T, ...], Any] | Further[T, Any] | State[..., Any] | Inlet | ByName[Any]
    """What a value can be wired to."""

    Several: TypeAlias = tuple[T] | tuple[T, T] | tuple[T, T, T] | tuple[Any, Any, Any, Any, *tuple[Any, ...]]
    """Up to three of a kind; more are not judged."""

    Pair: TypeAlias = tuple[Source[T1], Source[T2]]
    """Two sources, for two ports one after the other, or with one between."""

    Variadic: TypeAlias = Callable[Concatenate[Any, Any, Any, Any, ...], R] | ByName[R] | ByPlace[R]
    """A node that has so many ports that a pair is not judged."""

    Unpaired: TypeAlias = (
        tuple[Source[Any]]
        | tuple[Open, Source[Any]]
        | tuple[Source[Any], Open]
        | tuple[Source[Any], Source[Any], Source[Any], *tuple[Source[Any], ...]]
    )
    """Sources that are not judged."""
