"""The ports of a function: its parameters, what it returns, and the fields of what it returns."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, Final, Literal, get_args, get_origin, is_typeddict
from weakref import WeakKeyDictionary

from .compat import fits
from .context import Context
from .diagnostic import Location
from .step import Take

EMPTY: Final = inspect.Parameter.empty
"""Stands for a missing annotation or default."""

Direction = Literal["input", "output"]
PortKind = Literal["positional", "standard", "keyword", "args", "kwargs", "field"]

_KINDS: Final[dict[Any, PortKind]] = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "standard",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "args",
    inspect.Parameter.VAR_KEYWORD: "kwargs",
}
_CO_VARARGS: Final = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


@dataclasses.dataclass(frozen=True, slots=True)
class Port:
    """A named, typed end of a node; ``type`` and ``default`` are ``EMPTY`` where the function has none."""

    name: str
    type: Any = EMPTY
    default: Any = EMPTY
    direction: Direction = "input"
    kind: PortKind = "standard"

    @property
    def required(self) -> bool:
        """Whether a call needs a value for it."""
        return self.default is EMPTY and not self.variadic

    @property
    def variadic(self) -> bool:
        """Whether it takes any number of edges."""
        return self.kind in ("args", "kwargs")


class Signature:
    """What wiring needs to know of a function; types are read when first asked for.

    It holds no reference to the function, so that a cache of signatures keeps no function alive.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        plain = _plain(func)
        self._scope: dict[str, Any] = getattr(plain, "__globals__", {})
        parameters = _parameters(func)
        self._notes = _annotations(func, plain, parameters)
        if any(isinstance(note, str) for note in self._notes.values()):
            # Names of an enclosing function can be seen only while that function runs.
            scope = _caller_locals()
            for name, note in self._notes.items():
                found = self._evaluate(name, note, scope)
                self._notes[name] = note if found is EMPTY else found
        self.context: str | None = None
        kept: list[tuple[str, PortKind, Any]] = []
        for name, kind, default in parameters:
            if kind not in ("args", "kwargs") and (name == "context" or self._is_context(name)):
                self.context = name
            else:
                kept.append((name, kind, default))
        self.layout = tuple((name, kind) for name, kind, _ in parameters)
        self.parameters = tuple(kept)
        self.names = tuple(name for name, _, _ in kept)
        self.is_async = inspect.iscoroutinefunction(plain)
        code = getattr(plain, "__code__", None)
        self.where = Location(code.co_filename, code.co_firstlineno) if code else None

    def _is_context(self, name: str) -> bool:
        note = self._notes.get(name)
        return isinstance(note, type) and issubclass(note, Context)

    def _evaluate(self, name: str, note: Any, scope: dict[str, Any] | None = None) -> Any:
        stub = types.SimpleNamespace(__annotations__={name: note})
        try:
            hints = typing.get_type_hints(stub, self._scope, scope, include_extras=True)
        except Exception:  # noqa: BLE001 - whatever an annotation does, an unreadable one checks nothing
            return EMPTY
        return hints[name]

    @cached_property
    def hints(self) -> dict[str, Any]:
        """Types by parameter name and ``"return"``; an annotation that cannot be read is absent."""
        found = {name: self._evaluate(name, note) for name, note in self._notes.items()}
        return {name: hint for name, hint in found.items() if hint is not EMPTY}

    @cached_property
    def inputs(self) -> tuple[Port, ...]:
        """Input ports in the order of the parameters."""
        hints = self.hints
        return tuple(
            Port(name, hints.get(name, EMPTY), default, "input", kind)
            for name, kind, default in self.parameters
        )

    @cached_property
    def returns(self) -> Any:
        """Type of the value: for an async function what awaiting gives, for a steering return what it carries."""
        return unwrap(self.hints.get("return", EMPTY))

    @cached_property
    def fields(self) -> dict[str, tuple[Any, Literal["key", "attr"]]]:
        """Fields of the value that are output ports of their own: name to type and way of reading."""
        return fields_of(self.returns)


_signatures: WeakKeyDictionary[Callable[..., Any], Signature] = WeakKeyDictionary()


def signature_of(func: Callable[..., Any]) -> Signature:
    """Read the ports of a callable, once for each function."""
    if type(func) is not types.FunctionType:
        return Signature(func)
    found = _signatures.get(func)
    if found is None:
        found = _signatures[func] = Signature(func)
    return found


def unwrap(hint: Any) -> Any:
    """Give the type of the value that a declared return type carries to the next node."""
    from .returns import ConditionalReturn, FSMReturn, SelectReturn  # noqa: PLC0415 - see the layer test

    origin = get_origin(hint)
    if origin in (types.CoroutineType, typing.get_origin(typing.Coroutine[Any, Any, Any])):
        return unwrap(get_args(hint)[2])
    steering = (ConditionalReturn, SelectReturn, FSMReturn)
    if hint in steering:
        return EMPTY
    if origin in steering:
        return get_args(hint)[0]
    return hint


def fields_of(hint: Any) -> dict[str, tuple[Any, Literal["key", "attr"]]]:
    """List the fields of a TypedDict, NamedTuple or dataclass type with their types."""
    base = get_origin(hint) or hint
    if not isinstance(base, type):
        return {}
    if is_typeddict(base):
        return {name: (kind, "key") for name, kind in _class_hints(base).items()}
    if issubclass(base, tuple) and hasattr(base, "_fields"):
        hints = _class_hints(base)
        names: tuple[str, ...] = base._fields  # pyright: ignore[reportAttributeAccessIssue] - a NamedTuple has it
        return {name: (hints.get(name, EMPTY), "attr") for name in names}
    if dataclasses.is_dataclass(base):
        hints = _class_hints(base)
        return {
            f.name: (EMPTY if isinstance(t := hints.get(f.name, EMPTY), typing.TypeVar) else t, "attr")
            for f in dataclasses.fields(base)
        }
    return {}


def feed(
    returns: Any,
    fields: Mapping[str, tuple[Any, Literal["key", "attr"]]],
    declared: tuple[str, ...],
    output: str | None,
    port: Port,
) -> tuple[Take | None, Any, bool]:
    """Decide what an edge carries: how to read it (``None``: the whole value), its type, and whether it fits the port.

    ``declared`` are the names given with ``outputs=[...]``; ``output`` is the one that the edge names, if any.
    The value is the named output, else the whole if its type fits, else the field that bears the port's name.
    """
    target = port.type
    if output is not None:
        take, kind = read_output(returns, fields, declared, output)
        return take, kind, fits(kind, target) is not False
    whole = fits(returns, target)
    if whole is not False:
        return None, returns, True
    if port.name in declared or port.name in fields or _is_open_mapping(returns):
        take, kind = read_output(returns, fields, declared, port.name)
        return take, kind, fits(kind, target) is not False
    return None, returns, False


def read_output(
    returns: Any,
    fields: Mapping[str, tuple[Any, Literal["key", "attr"]]],
    declared: tuple[str, ...],
    output: str,
) -> tuple[Take | None, Any]:
    """Say how an output is read from the value (``None``: it is the whole value), and its type.

    Raises:
        KeyError: there is no such output.
    """
    if output in declared:
        return _read_declared(returns, fields, declared, output)
    if output == "result":
        return None, returns
    if output in fields:
        kind, how = fields[output]
        return Take(-1, how, output), kind
    if _is_open_mapping(returns):
        args = get_args(returns)
        return Take(-1, "key", output), args[1] if len(args) == 2 else EMPTY  # noqa: PLR2004 - key and value
    raise KeyError(output)


def _read_declared(
    returns: Any,
    fields: Mapping[str, tuple[Any, Literal["key", "attr"]]],
    declared: tuple[str, ...],
    output: str,
) -> tuple[Take | None, Any]:
    if declared == ("result",):
        return None, returns
    index = declared.index(output)
    args = get_args(returns)
    if output in fields:
        kind, how = fields[output]
        return Take(-1, how, output), kind
    if get_origin(returns) is tuple and Ellipsis not in args and index < len(args):
        return Take(-1, "item", output, index), args[index]
    if _is_open_mapping(returns):
        return Take(-1, "key", output), args[1] if len(args) == 2 else EMPTY  # noqa: PLR2004 - key and value
    if len(declared) == 1 and returns is not EMPTY:
        return None, returns
    return Take(-1, "named", output, index), EMPTY


def _is_open_mapping(hint: Any) -> bool:
    base = get_origin(hint) or hint
    return isinstance(base, type) and issubclass(base, Mapping) and not is_typeddict(base)


def _class_hints(base: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(base)
    except Exception:  # noqa: BLE001 - an unreadable annotation checks nothing
        return {}


def _plain(func: Any) -> Any:
    """Get the function behind a method, partial, wrapper or callable object."""
    while True:
        if isinstance(func, types.MethodType):
            func = func.__func__
        elif isinstance(func, partial):
            func = func.func
        elif hasattr(func, "__wrapped__"):
            func = func.__wrapped__
        elif isinstance(func, types.FunctionType | type) or hasattr(func, "__signature__"):
            return func
        else:
            call = getattr(type(func), "__call__", None)  # noqa: B004 - the method is looked at, not called
            if not isinstance(call, types.FunctionType):
                return func
            func = call


def _parameters(func: Callable[..., Any]) -> list[tuple[str, PortKind, Any]]:
    if type(func) is types.FunctionType and not hasattr(func, "__wrapped__"):
        code = func.__code__
        if not (code.co_flags & _CO_VARARGS or code.co_kwonlyargcount or code.co_posonlyargcount):
            # The common function, read without inspect: many times faster.
            names = code.co_varnames[: code.co_argcount]
            defaults: tuple[Any, ...] = func.__defaults__ or ()
            padded = (EMPTY,) * (len(names) - len(defaults)) + defaults
            return [(name, "standard", default) for name, default in zip(names, padded, strict=True)]
    try:
        found = inspect.signature(func).parameters.values()
    except (ValueError, TypeError):  # a builtin without a signature takes what it is given
        return [("args", "args", EMPTY), ("kwargs", "kwargs", EMPTY)]
    return [(p.name, _KINDS[p.kind], p.default) for p in found]


def _annotations(
    func: Callable[..., Any], plain: Any, parameters: list[tuple[str, PortKind, Any]]
) -> dict[str, Any]:
    if isinstance(plain, types.FunctionType):
        wanted = {name for name, _, _ in parameters} | {"return"}
        return {name: note for name, note in plain.__annotations__.items() if name in wanted}
    try:
        signature = inspect.signature(func)
    except (ValueError, TypeError):
        return {}
    notes = {p.name: p.annotation for p in signature.parameters.values() if p.annotation is not EMPTY}
    if isinstance(plain, type):
        notes["return"] = plain
    elif signature.return_annotation is not EMPTY:
        notes["return"] = signature.return_annotation
    return notes


def _caller_locals() -> dict[str, Any]:
    """Find the names of the function that is wiring, where annotations written as text may live."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's names
    while frame is not None and (frame.f_globals.get("__package__") or "").partition(".")[0] == __package__:
        frame = frame.f_back  # type: ignore[assignment]
    return dict(frame.f_locals) if frame is not None and frame.f_locals is not frame.f_globals else {}
