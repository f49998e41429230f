"""The ports of a function: its parameters, what it returns, and the fields of what it returns."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Coroutine, Mapping
from functools import cached_property
from typing import Any, Final, ForwardRef, Literal, NamedTuple, TypeVar, get_args, get_origin
from weakref import WeakValueDictionary

from .compat import fits
from .context import Context
from .diagnostic import Location
from .functions import Parameter, PortKind, enclosing_names, function_of, is_async, names_of, read_signature
from .hints import (
    EMPTY,
    bindings,
    class_hints,
    class_of,
    evaluate,
    is_named_tuple,
    is_typed_dict,
    members_of,
    seen_as,
    substitute,
    unalias,
    union,
    unmark,
)

__all__ = ["EMPTY", "Port", "Signature", "Take", "feed", "fields_of", "read_output", "signature_of", "unwrap"]

Direction = Literal["input", "output"]
Fields = dict[str, tuple[Any, Literal["key", "attr", "field"]]]
"""Type of each field of a value, and the way to read it."""


class Take(NamedTuple):
    """Read one field of the value in a slot.

    ``how``: ``key`` is ``value[name]``, ``attr`` is ``value.name``, ``field`` is ``key`` for a dict and else ``attr``,
    ``item`` is ``value[index]``, and ``named`` is ``key`` for a mapping and ``item`` for a sequence.
    """

    slot: int
    how: Literal["key", "attr", "field", "item", "named"]
    name: str
    index: int = 0  # type: ignore[assignment]  # shadows tuple.index, of no use here


@dataclasses.dataclass(frozen=True)
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
    """What wiring needs to know of a function; types are read when first asked for, where they can wait."""

    def __init__(self, func: Callable[..., Any]) -> None:
        parameters, self._notes = read_signature(func)
        self._func = func  # so that no other function gets its id, by which signatures are found again
        self._plain = plain = function_of(func)
        if any(isinstance(note, str) for note in self._notes.values()):
            # Names of an enclosing function can be seen only while that function runs.
            local = enclosing_names(plain)
            for name, note in self._notes.items():
                found = self._evaluate(note, local)
                self._notes[name] = note if found is EMPTY else found
        self.context: str | None = None
        kept: list[Parameter] = []
        for name, kind, default in parameters:
            wanted = kind not in ("args", "kwargs") and (name == "context" or _is_context(self._notes.get(name)))
            if wanted and self.context is None:
                self.context = name
            else:
                kept.append((name, kind, default))
        self.layout = tuple((name, kind) for name, kind, _ in parameters)
        self.parameters = tuple(kept)
        self.names = tuple(name for name, _, _ in kept)
        self.is_async = is_async(func) or get_origin(self._notes.get("return")) is Coroutine
        code = getattr(plain, "__code__", None)
        self.where = Location(code.co_filename, code.co_firstlineno) if code else None

    def _evaluate(self, note: Any, local: dict[str, Any] | None = None) -> Any:
        return evaluate(note, names_of(self._plain), local, getattr(self._plain, "__type_params__", ()))

    @cached_property
    def hints(self) -> dict[str, Any]:
        """Types by parameter name and ``"return"``; an annotation that cannot be read is absent."""
        found = {name: self._evaluate(note) for name, note in self._notes.items()}
        return {name: hint for name, hint in found.items() if hint is not EMPTY}

    @cached_property
    def bare(self) -> tuple[str, ...]:
        """Parameters that have no type that can be read."""
        return tuple(name for name in self.names if name not in self.hints)

    @cached_property
    def passed_by_name(self) -> frozenset[str]:
        """Names of parameters, which no further keyword can have."""
        return frozenset(name for name, kind in self.layout if kind in ("standard", "keyword"))

    @cached_property
    def calls(self) -> tuple[Port | None, ...] | None:
        """Ports in the order of a call by position, ``None`` for the context; nothing if it cannot be called so."""
        if any(kind not in ("positional", "standard") for _, kind in self.layout):
            return None
        ports = {port.name: port for port in self.inputs}
        return tuple(ports.get(name) for name, _ in self.layout)

    @cached_property
    def inputs(self) -> tuple[Port, ...]:
        """Input ports in the order of the parameters."""
        hints = self.hints
        return tuple(
            Port(name, hints.get(name, EMPTY), default, "input", kind) for name, kind, default in self.parameters
        )

    @cached_property
    def returns(self) -> Any:
        """Type of the value: for an async function what awaiting gives, for a steering return what it carries."""
        return unwrap(self.hints.get("return", EMPTY))

    @cached_property
    def fields(self) -> Fields:
        """Fields of the value that are output ports of their own: name to type and way of reading."""
        return fields_of(self.returns)


_signatures: WeakValueDictionary[int, Signature] = WeakValueDictionary()
"""Signatures in use, by the id of the function: the nodes keep them alive, and they their functions."""


def signature_of(func: Callable[..., Any]) -> Signature:
    """Read the ports of a callable, once for each function."""
    if type(func) is not types.FunctionType:
        return Signature(func)
    found = _signatures.get(id(func))
    if found is None:
        found = _signatures[id(func)] = Signature(func)
    return found


def unwrap(hint: Any) -> Any:
    """Give the type of the value that a declared return type carries to the next node."""
    from .returns import ConditionalReturn, FSMReturn, SelectReturn

    hint = unalias(hint)
    cls, args = class_of(hint), get_args(hint)
    if cls is Coroutine and args:
        return unwrap(args[2])
    if cls in (ConditionalReturn, SelectReturn, FSMReturn):
        return args[0] if args else EMPTY
    members = list(members_of(hint)) if hint is not EMPTY else []
    if any(class_of(member) in (ConditionalReturn, SelectReturn, FSMReturn) for member in members):
        carried = [unwrap(member) for member in members]
        return EMPTY if EMPTY in carried else union(carried)
    return hint


def fields_of(hint: Any) -> Fields:
    """List the fields of a TypedDict, NamedTuple or dataclass type with their types.

    A union has those that every member has; the type of one is the union of its types, and it is read by key or as an
    attribute, as the value is.
    """
    found: Fields
    found, *others = [_fields(member) for member in members_of(hint)]
    for other in others:
        found = {
            name: (union((kind, other[name][0])), how if other[name][1] == how else "field")
            for name, (kind, how) in found.items()
            if name in other
        }
    return found


def _fields(hint: Any) -> Fields:
    hint = unalias(hint)
    cls = class_of(hint)
    how: Literal["key", "attr"] = "attr"
    if is_typed_dict(cls):
        names = tuple(class_hints(cls))
        how = "key"
    elif is_named_tuple(cls):
        names = cls._fields
    elif isinstance(cls, type) and dataclasses.is_dataclass(cls):
        names = tuple(field.name for field in dataclasses.fields(cls))
    else:
        return {}
    hints, bound = class_hints(cls), bindings(hint)
    kinds = {name: substitute(unalias(unmark(hints.get(name, EMPTY))[0]), bound) for name in names}
    return {name: (EMPTY if isinstance(kind, TypeVar) else kind, how) for name, kind in kinds.items()}


def feed(
    returns: Any,
    fields: Fields,
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
    if port.name in fields and port.name not in declared:
        kind, how = fields[port.name]
        return Take(-1, how, port.name), kind, fits(kind, target) is not False
    if port.name in declared or (_value_type(returns) is not None and not _takes_mapping(target)):
        take, kind = read_output(returns, fields, declared, port.name)
        return take, kind, fits(kind, target) is not False
    return None, returns, False


def read_output(
    returns: Any,
    fields: Fields,
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
    value = _value_type(returns)
    if value is not None:
        return Take(-1, "key", output), value
    raise KeyError(output)


def _read_declared(
    returns: Any,
    fields: Fields,
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
    value = _value_type(returns)
    if value is not None:
        return Take(-1, "key", output), value
    if len(declared) == 1 and returns is not EMPTY:
        return None, returns
    return Take(-1, "named", output, index), EMPTY


def _value_type(hint: Any) -> Any:
    """Type of what a mapping holds under keys that are text; ``None`` if it is no such mapping."""
    args = None if is_typed_dict(class_of(hint)) else seen_as(hint, Mapping)
    if args is None or fits(str, args[0]) is False:
        return None
    return EMPTY if isinstance(args[1], TypeVar) else args[1]


def _takes_mapping(hint: Any) -> bool:
    """Whether a value of this type can be a mapping: then one is not taken apart for it."""
    return any(is_typed_dict(class_of(one)) or seen_as(one, Mapping) is not None for one in members_of(unalias(hint)))


def _is_context(note: Any) -> bool:
    """Whether an annotation means the context, also one whose name exists only for type checkers."""
    if note is None or isinstance(note, type):
        return note is not None and issubclass(note, Context)
    text = note.__forward_arg__ if isinstance(note, ForwardRef) else note
    if isinstance(text, str):
        return _CONTEXT.fullmatch(text) is not None
    return any(isinstance(member, type) and issubclass(member, Context) for member in members_of(note))


_CONTEXT: Final = re.compile(r"(None *\| *)?([\w.]*Optional\[)?([\w.]+\.)?(FSM)?Context\]?( *\| *None)?")
