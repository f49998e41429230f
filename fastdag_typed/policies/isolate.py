"""Nobody changes what another one has: contexts that give and take copies, and nodes that work on their own ones."""

from __future__ import annotations

import copy
from collections.abc import ItemsView, ValuesView
from dataclasses import dataclass
from itertools import chain, count, takewhile
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from ..context import FSMContext, Results
from ..exceptions import IsolationError
from ..ports import EMPTY
from ..returns import ConditionalReturn, FSMReturn, SelectReturn
from ..step import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from ..step import Call, Emit, Step


# -- nodes ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Isolate:
    """Give a node its own copies of its inputs, at each attempt.

    Two inputs that are one object are one in the copy, too; a default stays what it is, for it belongs to the function.

    Raises:
        IsolationError: a value cannot be copied; it names node and port.

    """

    @property
    def layer(self) -> Layer:
        """Where the policy nests: inside of retries, outside of what may leave a call running behind."""
        return Layer.ADMIT

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Copy before the call."""
        name, signature = step.name, step.node.signature
        by_position = [port for port, _ in takewhile(lambda port: port[1] != "args", signature.layout)]
        defaults = {port.name: port.default for port in step.node.ports if port.default is not EMPTY}

        def own(port: str, value: Any, memo: dict[int, Any]) -> Any:
            if port == signature.context or (port in defaults and value is defaults[port]):
                return value
            try:
                return copy.deepcopy(value, memo)
            except Exception as error:
                what = f'The value for input port "{port}" of node "{name}"'
                raise IsolationError(what, error, node_name=name, port=port) from error

        def run(*args: Any, **kwargs: Any) -> Any:
            memo: dict[int, Any] = {}
            ports = chain(by_position, (f"*{place}" for place in count()))
            values = [own(port, value, memo) for port, value in zip(ports, args, strict=False)]
            return call(*values, **{port: own(port, value, memo) for port, value in kwargs.items()})

        return run


@dataclass(frozen=True)
class IsolateResult:
    """Keep a copy of what a node gives, wherever it or its policies may have it from.

    Raises:
        IsolationError: it cannot be copied; it names the node.

    """

    @property
    def layer(self) -> Layer:
        """Where the policy nests: outside of caches and fallbacks."""
        return Layer.OBSERVE

    def wrap(self, step: Step, call: Call, emit: Emit) -> Call:  # noqa: ARG002 - every policy's parameters
        """Copy after the call."""
        name = step.name

        def run(*args: Any, **kwargs: Any) -> Any:
            return _returned(call(*args, **kwargs), name)

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            return _returned(await call(*args, **kwargs), name)

        return run_async if step.is_async else run


ISOLATION: Final = (Isolate(), IsolateResult())
"""What a run with an ``IsolatedContext`` has around every node."""


def _returned(value: Any, node: str) -> Any:
    try:
        if not isinstance(value, ConditionalReturn | SelectReturn | FSMReturn):
            return copy.deepcopy(value)
        twin = copy.copy(value)  # the nodes that it names stay those that they are
        twin.value = copy.deepcopy(value.value)
    except Exception as error:
        raise IsolationError(f'What node "{node}" returned', error, node_name=node) from error
    return twin


# -- contexts ---------------------------------------------------------------------------------------------------------


class IsolatedContext(FSMContext):
    """Context of a run, of a DAG or a state machine, in which nobody changes what another one has.

    Results and metadata are copied deep when they are entered and when they are read, by however many threads, and
    each node works on its own copies. What cannot be copied is an ``IsolationError``.
    """

    isolated: ClassVar[bool] = True

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep results and metadata in a way of their own, whoever sets them."""
        keep = _KEEP.get(name)
        super().__setattr__(name, value if keep is None else keep(value))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what a copy or a pickle holds."""
        for name, value in state.items():
            setattr(self, name, value)

    def create_child_context(self) -> Self:
        """Make a context that begins with what is here, and in which nothing that is done is seen here."""
        child = type(self)()
        child.results, child.metadata = self.results, self.metadata
        _kept(child).written.clear()
        return child

    def merge_child_context(self, child: IsolatedContext, prefix: str | None = None) -> None:
        """Enter the results of a child here, all at once; with a prefix, as ``"prefix.name"``.

        What the child had from the beginning is left out: it is here already, and may be newer.
        """
        start, theirs = f"{prefix}." if prefix else "", _kept(child)
        _kept(self).keep({start + name: value for name, value in theirs.kept().items() if name in theirs.written})

    def _as_of(self, cycle: int, state: str) -> Any:
        return copy.deepcopy(super()._as_of(cycle, state))


class _Kept(Results):
    """Gives copies and takes copies: what is kept is never changed, so that it can be kept elsewhere, too.

    Each method changes the dict in one operation at most, and so needs no lock. ``written`` names what was entered one
    way or another, and not there from the beginning.
    """

    __slots__ = ("written",)

    def __init__(self, given: Any = (), /) -> None:
        super().__init__()
        self.written: set[str] = set()
        if isinstance(given, _Kept):
            self.keep(given.kept())
        else:
            self.update(given)

    def kept(self) -> dict[str, Any]:
        """Give what is kept as it is, for others that will not change it either."""
        return dict(list(super().items()))

    def keep(self, kept: dict[str, Any]) -> None:
        """Take what nobody else will change."""
        super().update(kept)
        self.written.update(kept)

    def __getitem__(self, key: Any, /) -> Any:
        return _copied(key, super().__getitem__(key))

    def __setitem__(self, key: str, value: Any, /) -> None:
        self.keep({key: _copied(key, value)})

    def __iter__(self) -> Iterator[str]:
        """Go through the names of now; being no plain dict's, it also sends ``dict(...)`` through ``__getitem__``."""
        return iter(list(super().keys()))  # a view, which list() goes through in one operation

    def get(self, key: Any, default: Any = None, /) -> Any:
        """Get a copy, or the default."""
        value = super().get(key, _ABSENT)
        return default if value is _ABSENT else _copied(key, value)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]  # a dict's own view gives what is kept
        """View copies."""
        return ValuesView(self)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # as above
        """View names and copies."""
        return ItemsView(self)

    def update(self, given: Any = (), /, **named: Any) -> None:
        """Enter copies, all at once."""
        self.keep({key: _copied(key, value) for key, value in dict(given, **named).items()})

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        """Get a copy; enter one of the default first, if there is nothing."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, /, *default: Any) -> Any:
        """Take away, and give a copy, for it may be kept elsewhere."""
        value = self[key] if key in self or not default else default[0]
        super().pop(key, None)
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take away, and give a copy."""
        key, value = super().popitem()
        return key, _copied(key, value)

    def __ior__(self, other: Any, /) -> Self:  # type: ignore[override,misc]  # a dict's own takes no copies
        self.update(other)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and pickled as plain results; a context makes of them what it needs."""
        return Results, (dict(self),)


class _KeptMetadata(_Kept):
    __slots__ = ()

    def __missing__(self, key: Any) -> Any:
        raise KeyError(key)


_ABSENT: Final = object()
_KEEP: Final = {"results": _Kept, "metadata": _KeptMetadata}


def _kept(context: IsolatedContext) -> _Kept:
    return cast("_Kept", context.results)


def _copied(name: Any, value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception as error:
        raise IsolationError(f'The value of "{name}" in a context', error) from error
