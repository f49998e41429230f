"""How a value of each declared type is written as plain data and read again, decided once for each type."""

from __future__ import annotations

import builtins
import collections.abc
import dataclasses
import sys
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from ..context import NodeExecution, Results, Status
from ..diagnostic import Diagnostic, Location, did_you_mean
from ..edge import Edge
from ..exceptions import FastDagError, SerializationError
from ..hints import annotations_of, is_named_tuple
from ..node import Node
from ..ports import EMPTY, Port
from ..returns import UNSET, Unset
from ..workflow import Workflow
from .hints import text_of_type, type_of_text
from .plain import RefusedError, a, copied, kind_of, refuse

_WORDS: Final[dict[Any, str]] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "null",
}
_NAMES: Final[dict[str, Any]] = {
    **{name: one for name, one in vars(collections.abc).items() if isinstance(one, type)},
    **{one.__name__: one for one in (Node, Workflow, NodeExecution, Location, Diagnostic)},
    "Status": Status,
}
"""Names that modules of records may import for type checkers only."""


class StoredError(FastDagError):
    """An exception that was stored and whose type is not built in: ``type`` and ``message`` are its own."""

    def __init__(self, type: str, message: str) -> None:  # noqa: A002 - what it is
        super().__init__(f"{type}: {message}")
        self.type = type
        self.message = message


Convert = Callable[[Any], Any]


class Codec(NamedTuple):
    """Writes and reads values of one type; both raise ``RefusedError``.

    ``native`` is the one type of its plain data if that is bool, int, float or str.
    """

    encode: Convert
    decode: Convert
    native: type | None = None


class Field(NamedTuple):
    """A field of a record; where its value is its default and that is ``UNSET`` or ``EMPTY``, it is not stored."""

    name: str
    codec: Codec
    is_nullable: bool
    is_required: bool
    is_argument: bool
    default: Any

    @property
    def native(self) -> type | None:
        """The one type of its plain data, ``None`` included, if a database column can hold it as it is."""
        return self.codec.native


class RecordCodec:
    """Writes and reads records of one class."""

    def __init__(self, cls: Any, fields: dict[str, Field]) -> None:
        self._cls = cls
        self.fields = fields

    def encode(self, record: Any) -> dict[str, Any]:
        """Write a record as plain data."""
        if type(record) is not self._cls:
            refuse(f"expected {a(self._cls)}, not {a(kind_of(record))}")
        data: dict[str, Any] = {}
        for name, field in self.fields.items():
            value = getattr(record, name)
            if value is field.default and (value is UNSET or value is EMPTY):
                continue
            try:
                data[name] = field.codec.encode(value)
            except RefusedError as refused:
                refused.trail.append(f".{name}")
                raise
        return data

    def decode(self, data: Any) -> Any:
        """Make a record of plain data."""
        if not _is_mapping(data):
            refuse(f"expected a mapping with the fields of {self._cls.__name__}, not {a(kind_of(data))}")
        arguments: dict[str, Any] = {}
        others: dict[str, Any] = {}
        given: Mapping[str, Any] = data
        for name, value in given.items():
            field = self.fields.get(name)
            if field is None:
                hint = did_you_mean(str(name), self.fields, what="fields")
                refuse(f'{self._cls.__name__} has no field "{name}" ({hint})')
            try:
                (arguments if field.is_argument else others)[name] = field.codec.decode(value)
            except RefusedError as refused:
                refused.trail.append(f".{name}")
                raise
        missing = [name for name, field in self.fields.items() if field.is_required and name not in given]
        if missing:
            refuse(f'the field "{missing[0]}" of {self._cls.__name__} is missing')
        record = self._cls(**arguments)
        for name, value in others.items():
            object.__setattr__(record, name, value)
        return record


def record_of(cls: Any) -> RecordCodec:
    """Decide how the records of a class are written; no attribute is ever put on the class.

    Raises:
        SerializationError: it is no class of records, or a field has a type that cannot be stored.

    """
    return _record_of(cls)


@lru_cache(maxsize=256)
def _record_of(cls: Any) -> RecordCodec:
    base: Any = get_origin(cls) or cls
    if any(part in getattr(base, "__mro__", ()) for part in (Workflow, Node, Edge)):
        raise SerializationError(f"{a(base)} is part of a workflow: WorkflowSerializer writes whole workflows")
    if not is_record(base):
        raise SerializationError(f"{base!r} is no dataclass")
    try:
        hints = {name: hint for part in reversed(base.__mro__) for name, hint in _hints_in(part).items()}
    except NameError as error:
        raise SerializationError(f"the types of the fields of {base.__qualname__} cannot be read: {error}") from error
    fields: dict[str, Field] = {}
    for name, default, is_required, is_argument in fields_of(base):
        hint = hints.get(name, Any)
        try:
            codec = _PORT_TYPE if base is Port and name == "type" else codec_of(hint)
        except RefusedError as refused:
            raise SerializationError(str(refused), path=f"{base.__qualname__}.{name}") from None
        nullable = _is_union(hint) and type(None) in get_args(hint)
        fields[name] = Field(name, codec, nullable, is_required, is_argument, default)
    return RecordCodec(base, fields)


def _hints_in(part: Any) -> dict[str, Any]:
    """Read the annotations of one class without its bases, which may be of modules that know other names."""
    own = vars(sys.modules[part.__module__])
    names = {"__annotations__": annotations_of(part), "__type_params__": getattr(part, "__type_params__", ())}
    alone = type(part.__name__, (), {**names, "__module__": part.__module__})
    return get_type_hints(alone, localns={name: one for name, one in _NAMES.items() if name not in own})


def is_record(base: Any) -> bool:
    """Tell whether a class is a dataclass or a named tuple."""
    return isinstance(base, type) and (dataclasses.is_dataclass(base) or is_named_tuple(base))


def fields_of(base: Any) -> list[tuple[str, Any, bool, bool]]:
    """List name, default, whether it must be given, and whether it is given to ``__init__``."""
    if is_named_tuple(base):
        defaults: dict[str, Any] = base._field_defaults
        return [(name, defaults.get(name), name not in defaults, True) for name in base._fields]
    has_own_init = not base.__dataclass_params__.init  # then the class itself knows what it needs
    return [
        (f.name, f.default, not has_own_init and f.default is f.default_factory is dataclasses.MISSING, f.init)
        for f in dataclasses.fields(base)
        if f.metadata.get("stored", True)
    ]


# -- one rule for each kind of type ----------------------------------------------------------------------------------


def codec_of(hint: Any) -> Codec:
    """Decide how values of a type are written, or raise ``RefusedError``."""
    return _codec_of(hint)


@lru_cache(maxsize=1024)
def _codec_of(hint: Any) -> Codec:
    for rule in _RULES:
        codec = rule(hint)
        if codec is not None:
            return codec
    return refuse(f"a value of type {hint!r} cannot be stored")


def _anything(hint: Any) -> Codec | None:
    return Codec(copied, copied) if hint is Any or hint is object or isinstance(hint, TypeVar) else None


def _scalar(hint: Any) -> Codec | None:
    kind: Any = type(None) if hint is None else hint
    if kind not in _WORDS:
        return None
    check = _exactly(kind)
    return Codec(check, check, None if kind is type(None) else kind)


def _exactly(kind: Any) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not kind and not (kind is float and type(value) is int):
            refuse(f"expected {_WORDS[kind]}, not {a(kind_of(value))}")
        return copied(value)

    return check


def _literal(hint: Any) -> Codec | None:
    if get_origin(hint) is not Literal:
        return None
    known = get_args(hint)

    def check(value: Any) -> Any:
        if not any(type(value) is type(one) and value == one for one in known):
            refuse(f"expected one of {', '.join(map(repr, known))}, not {value!r}")
        return value

    return Codec(check, check, str if all(type(one) is str for one in known) else None)


def _enum(hint: Any) -> Codec | None:
    """Store a member of an enum by its name."""
    if not (isinstance(hint, type) and issubclass(hint, Enum)):
        return None

    def encode(value: Any) -> str:
        if type(value) is not hint:
            refuse(f"expected {a(hint)}, not {a(kind_of(value))}")
        return str(value.name)

    def decode(name: Any) -> Any:
        members: dict[Any, Any] = dict(hint.__members__)
        if type(name) is not str or name not in members:
            refuse(f"expected one of {', '.join(members)}, not {name!r}")
        return members[name]

    return Codec(encode, decode, str)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _union(hint: Any) -> Codec | None:
    if not _is_union(hint):
        return None
    members = [codec_of(member) for member in get_args(hint) if member is not Unset]
    natives = {codec.native for member, codec in zip(get_args(hint), members, strict=False) if member is not type(None)}
    return Codec(
        _first_of([member.encode for member in members]),
        _first_of([member.decode for member in members]),
        natives.pop() if len(natives) == 1 else None,
    )


def _first_of(ways: list[Convert]) -> Convert:
    def convert(value: Any) -> Any:
        refusals: list[RefusedError] = []
        for way in ways:
            try:
                return way(value)
            except RefusedError as refused:
                refusals.append(refused)
        # The member that went deepest into the value is the one that was meant.
        raise max(refusals, key=lambda refused: len(refused.trail))

    return convert


def _list(hint: Any) -> Codec | None:
    if (get_origin(hint) or hint) is not list:
        return None
    item = codec_of((get_args(hint) or (Any,))[0])

    def through(convert: Convert) -> Convert:
        def walk(value: Any) -> list[Any]:
            if kind_of(value) is not list:
                refuse(f"expected a list, not {a(kind_of(value))}")
            return _each(value, convert)

        return walk

    return Codec(through(item.encode), through(item.decode))


def _tuple(hint: Any) -> Codec | None:
    if (get_origin(hint) or hint) is not tuple:
        return None
    args = get_args(hint) or (Any, ...)
    is_open = args[-1] is Ellipsis
    items = [codec_of(arg) for arg in (args[:1] if is_open else args)]

    def through(ways: list[Convert], given: type, made: type[list[Any] | tuple[Any, ...]]) -> Convert:
        def walk(value: Any) -> Any:
            if kind_of(value) is not given:
                refuse(f"expected {a(given)}, not {a(kind_of(value))}")
            if not is_open and len(value) != len(ways):
                refuse(f"expected {len(ways)} items, not {len(value)}")
            return made(_each(value, *ways))

        return walk

    return Codec(
        through([item.encode for item in items], tuple, list), through([item.decode for item in items], list, tuple)
    )


def _each(values: Any, *ways: Convert) -> list[Any]:
    """Convert each value its own way, or all of them the one way."""
    done: list[Any] = []
    try:
        for value in values:
            done.append(ways[len(done) % len(ways)](value))
    except RefusedError as refused:
        refused.trail.append(f"[{len(done)}]")
        raise
    return done


def _mapping(hint: Any) -> Codec | None:
    kind: Any = get_origin(hint) or hint
    if kind not in (dict, Mapping, Results):
        return None
    key_type, value_type = get_args(hint) or (str, Any)
    if key_type is not str:
        refuse(f"a mapping whose keys are {key_type!r} cannot be stored, only one whose keys are text")
    item = codec_of(value_type)

    def through(convert: Convert, made: type[dict[str, Any]] = dict) -> Convert:
        def walk(value: Any) -> dict[str, Any]:
            if not _is_mapping(value):
                refuse(f"expected a mapping, not {a(kind_of(value))}")
            entries: Mapping[Any, Any] = value
            done = made()
            for key, each in entries.items():
                if type(key) is not str:
                    refuse(f"the key {key!r} is not text")
                try:
                    done[copied(key)] = convert(each)
                except RefusedError as refused:
                    refused.trail.append(f".{key}")
                    raise
            return done

        return walk

    return Codec(through(item.encode), through(item.decode, Results if kind is Results else dict))


def _node(hint: Any) -> Codec | None:
    base = get_origin(hint) or hint
    if not isinstance(base, type) or not issubclass(base, Node):
        return None
    return Codec(_node_name, _exactly(str), str)


def _error(hint: Any) -> Codec | None:
    if not isinstance(hint, type) or not issubclass(hint, BaseException):
        return None
    return Codec(_encode_error, _decode_error)


def _record(hint: Any) -> Codec | None:
    base = get_origin(hint) or hint
    if not is_record(base):
        return None

    # The record is looked up when a value comes: a record may hold records of its own class.
    def encode(value: Any) -> dict[str, Any]:
        return record_of(base).encode(value)

    def decode(data: Any) -> Any:
        return record_of(base).decode(data)

    return Codec(encode, decode)


_RULES: Final = (_anything, _scalar, _enum, _literal, _union, _list, _tuple, _mapping, _node, _error, _record)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _node_name(value: Any) -> str:
    if not isinstance(value, Node):
        refuse(f"expected a node or its name, not {a(kind_of(value))}")
    return str(copied(value.name))


def _encode_error(error: Any) -> dict[str, Any]:
    if not isinstance(error, BaseException):
        refuse(f"expected an exception, not {a(kind_of(error))}")
    if isinstance(error, StoredError):
        return {"type": error.type, "message": error.message}
    kind = type(error)
    if getattr(builtins, kind.__name__, None) is kind:
        try:
            return {"type": kind.__name__, "args": copied(list(error.args))}
        except RefusedError:  # arguments that are not plain: what it says is stored instead
            pass
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {"type": name, "message": _message(error)}


def _message(error: BaseException) -> str:
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except Exception:  # noqa: BLE001 - an exception that cannot say what it is, is still one
        return ""


def _decode_error(data: Any) -> BaseException:
    data = copied(data)
    if kind_of(data) is not dict or kind_of(data.get("type")) is not str or data.keys() - {"type", "args", "message"}:
        refuse('expected an exception: a mapping with "type", and "args" or "message"')
    name, args, message = data["type"], data.get("args"), data.get("message", "")
    kind: Any = getattr(builtins, name, None)
    if kind_of(args) is list and isinstance(kind, type) and issubclass(kind, BaseException):
        try:
            return kind(*args)
        except Exception:  # noqa: BLE001 - not the arguments of this exception: what is known is kept
            message = str(args)
    return StoredError(name, str(message))


def _type_of_text(text: Any) -> Any:
    return type_of_text(_exactly(str)(text))


_PORT_TYPE: Final = Codec(text_of_type, _type_of_text, str)
