"""Values of any known type as plain data that says what it was, and back where that type may be made again.

What plain data holds by itself is written as it is. Everything else is a mapping of two entries, ``$type`` and
``value``; the value of a record holds its fields, and that of a collection its items, all written in this way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, Flag
from functools import lru_cache
from inspect import signature
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from ..context import Results
from ..diagnostic import did_you_mean
from ..hints import is_named_tuple
from .codecs import fields_of, is_record
from .forms import FORMS, NAMED
from .plain import DEPTH, RefusedError, a, copied, kind_of, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

TYPE: Final = "$type"
VALUE: Final = "value"
_FEW: Final = 200
_ALIKE: Final = 10
"""How many items of a set of more than a few may on average have one hash."""


@dataclass(frozen=True)
class NotStored:
    """Stands where a value was that could not be stored: its ``type``, and as ``text`` what it was shown as."""

    type: str
    text: str


def name_of_type(cls: Any) -> str:
    """Give the name under which a class is written and found again; one of this library needs no module."""
    return cls.__qualname__ if cls.__module__.startswith("fastdag_typed.") else f"{cls.__module__}.{cls.__qualname__}"


class ValueWriter:
    """Writes values; with ``stand_in``, one that cannot be stored is replaced, innermost first, by a ``NotStored``."""

    def __init__(self, *, stand_in: bool = False) -> None:
        self._stand_in = stand_in
        self._inside: set[int] = set()

    def write(self, value: Any, depth: int = DEPTH) -> Any:
        """Write a value as plain data nested at most ``depth`` deep, or raise ``RefusedError``."""
        kind = kind_of(value)
        try:
            if kind in _PLAIN or (kind is float and isfinite(value)):
                return copied(value)
            form = FORMS.get(kind)
            if form is not None:
                _room(depth, 1)
                return _tagged(form.name, copied(form.write(value)))
            if isinstance(value, Enum):
                _room(depth, 1)
                return _tagged(name_of_type(kind), _member(value))
            return self._collection(value, kind, depth)
        except RefusedError:
            if not self._stand_in or depth < 2:
                raise
        name = kind.__qualname__ if kind.__module__ == "builtins" else name_of_type(kind)
        return _tagged(name_of_type(NotStored), {"type": name, "text": _shown(value)})

    def _collection(self, value: Any, kind: Any, depth: int) -> Any:
        if id(value) in self._inside:
            refuse("the value is inside itself")
        self._inside.add(id(value))
        try:
            if kind is list:
                return self._items(value, _room(depth, 1))
            if kind is dict and TYPE not in value and all(type(key) is str for key in value):
                return self._entries(value, _room(depth, 1))
            if kind is dict:
                return _tagged("dict", self._pairs(value, _room(depth, 3)))
            return self._tagged_collection(value, kind, _room(depth, 2))
        finally:
            self._inside.discard(id(value))

    def _tagged_collection(self, value: Any, kind: Any, depth: int) -> Any:
        if kind is tuple:
            return _tagged("tuple", self._items(value, depth))
        if kind is set or kind is frozenset:
            return _tagged(kind.__name__, sorted(self._distinct(value, depth), key=repr))
        if isinstance(value, Results):
            return _tagged("Results", self._entries(value, depth))
        if not is_record(kind):
            refuse(
                f'{a(kind)} cannot be stored: make it a dataclass, or let unstorable="repr" store what it looks like'
            )
        fields: dict[str, Any] = {}
        for name, _ in _shape(kind):
            if not hasattr(value, name):
                refuse(f'this {kind.__qualname__} has no value for its field "{name}"')
            fields[name] = getattr(value, name)
        return _tagged(name_of_type(kind), self._entries(fields, depth))

    def _items(self, values: Collection[Any], depth: int) -> list[Any]:
        items: list[Any] = []
        try:
            for value in values:
                items.append(self.write(value, depth))  # noqa: PERF401 - the place of a refused one is needed
        except RefusedError as refused:
            refused.trail.append(f"[{len(items)}]")
            raise
        return items

    def _entries(self, values: Mapping[str, Any], depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        for key, value in values.items():
            try:
                entries[copied(key)] = self.write(value, depth)
            except RefusedError as refused:
                refused.trail.append(f".{key}")
                raise
        return entries

    def _pairs(self, values: dict[Any, Any], depth: int) -> list[Any]:
        pairs: list[Any] = []
        for key, value in zip(self._distinct(values, depth), values.items(), strict=True):
            try:
                pairs.append([key, self.write(value[1], depth)])
            except RefusedError as refused:
                refused.trail.append(f"[{_shown(value[0], 50)}]")
                raise
        return pairs

    def _distinct(self, values: Collection[Any], depth: int) -> list[Any]:
        """Write items or keys, which have to stay different from each other: nothing may stand in for one of them."""
        writer = ValueWriter()
        return [writer.write(value, depth) for value in _spread(list(values))]


_PLAIN: Final = frozenset((type(None), bool, int, str))


def _room(depth: int, levels: int) -> int:
    """Go down some levels of plain data."""
    return depth - levels if depth >= levels else refuse(f"the value is nested more than {DEPTH} deep")


def _tagged(name: str, payload: Any) -> dict[str, Any]:
    return {TYPE: name, VALUE: payload}


def _member(value: Enum) -> Any:
    if isinstance(value, Flag):
        return copied(value.value)
    if type(value).__members__.get(value.name) is not value:
        refuse(f"{value!r} is not a member of its own class")
    return value.name


def _shown(value: Any, limit: int = 1000) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a value's own fault must not keep the others from being stored
        return f"<its repr raises {type(error).__name__}>"
    text = text if len(text) <= limit else f"{text[: limit - 3]}..."
    return text.encode(errors="backslashreplace").decode()


@lru_cache(maxsize=256)
def _shape(cls: Any) -> tuple[tuple[str, bool], ...]:
    """List the fields of a class of records, and whether each is given to ``__init__``; it must take them all."""
    lost = next((base for base in cls.__mro__ if base.__module__ == "builtins" and base is not object), None)
    if lost is not None and not (lost is tuple and is_named_tuple(cls)):
        refuse(f"{a(cls)} is {a(lost)}, too, and what it holds as such would be lost")
    fields = tuple((name, is_argument) for name, _, _, is_argument in fields_of(cls))
    try:
        signature(cls).bind(**{name: None for name, is_argument in fields if is_argument})
    except (TypeError, ValueError) as error:
        refuse(f"{a(cls)} cannot be made of its fields: {error}")
    return fields


class ValueReader:
    """Reads plain data that a ``ValueWriter`` wrote; of classes it makes only those that it is given, by name."""

    def __init__(self, types: Mapping[str, Any]) -> None:
        self._types = types

    def read(self, data: Any) -> Any:
        """Read plain data, or raise ``RefusedError``."""
        kind = kind_of(data)
        if kind is list:
            return self._items(data)
        if kind is not dict:
            return data
        if TYPE not in data:
            return self._entries(data)
        if data.keys() != {TYPE, VALUE} or type(data[TYPE]) is not str:
            refuse(f'expected a mapping of "{TYPE}", the name of a type, and "{VALUE}"')
        return self._tagged(data[TYPE], data[VALUE])

    def _tagged(self, name: str, payload: Any) -> Any:
        form = NAMED.get(name)
        if form is not None:
            return _made(name, form.read, _expect(payload, form.plain, name))
        match name:
            case "tuple":
                return tuple(self._items(_expect(payload, list, name)))
            case "set" | "frozenset":
                make: Any = set if name == "set" else frozenset
                return _made(name, make, _spread(self._items(_expect(payload, list, name))))
            case "dict":
                return self._dict(_expect(payload, list, name))
            case "Results":
                return Results(self._entries(_expect(payload, dict, name)))
            case _:
                return self._of_class(name, payload)

    def _of_class(self, name: str, payload: Any) -> Any:
        cls = self._types.get(name)
        if cls is None:
            hint = did_you_mean(name, (one for one in self._types if "." in one), what="known types")
            refuse(f'the type "{name}" is not known here ({hint}): give types=[...] with it, or the workflow')
        if not issubclass(cls, Enum):
            return self._record(cls, self._entries(_expect(payload, dict, name)))
        if issubclass(cls, Flag):
            return _made(name, cls, _expect(payload, int, name))
        return _made(name, lambda member: cls[member], _expect(payload, str, name))

    def _record(self, cls: Any, values: dict[str, Any]) -> Any:
        shape = dict(_shape(cls))
        for name in values:
            if name not in shape:
                refuse(f'{a(cls)} has no field "{name}" ({did_you_mean(name, shape, what="fields")})')
        arguments = {name: value for name, value in values.items() if shape[name]}
        record = _made(name_of_type(cls), lambda given: cls(**given), arguments)
        for name, value in values.items():
            if not shape[name]:
                object.__setattr__(record, name, value)
        return record

    def _items(self, data: list[Any]) -> list[Any]:
        items: list[Any] = []
        try:
            for item in data:
                items.append(self.read(item))  # noqa: PERF401 - the place of a refused one is needed
        except RefusedError as refused:
            refused.trail.append(f"[{len(items)}]")
            raise
        return items

    def _entries(self, data: dict[str, Any]) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        for key, value in data.items():
            try:
                entries[key] = self.read(value)
            except RefusedError as refused:
                refused.trail.append(f".{key}")
                raise
        return entries

    def _dict(self, pairs: list[Any]) -> dict[Any, Any]:
        items = self._items(pairs)
        if any(type(item) is not list or len(item) != 2 for item in items):
            refuse("expected pairs of key and value")
        keys = _spread([key for key, _ in items])
        found: dict[Any, Any] = _made("dict", dict, items)
        return found if len(found) == len(keys) else refuse("a key is given twice")


def _expect(payload: Any, kind: type, name: str) -> Any:
    return payload if type(payload) is kind else refuse(f"expected {a(kind)} for {name}, not {a(kind_of(payload))}")


def _made(name: str, make: Callable[[Any], Any], given: Any) -> Any:
    """Call what makes a value; whatever is wrong with what it is given is a refusal."""
    try:
        return make(given)
    except Exception as error:  # noqa: BLE001 - classes of users raise what they like
        return refuse(f"this is no {name}: {type(error).__name__}: {error}")


def _spread(items: list[Any]) -> list[Any]:
    """Refuse items made to have one hash, for a set of them takes quadratic time; when storing, so that it is read."""
    if len(items) > _FEW and len({_made("key", hash, item) for item in items}) * _ALIKE < len(items):
        refuse("too many items have the same hash")
    return items
