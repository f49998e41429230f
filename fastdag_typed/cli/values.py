"""Values as text: inputs read by the type of their port, results written for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from math import isfinite
from pathlib import PurePath
from pprint import pformat
from types import NoneType, UnionType
from typing import Any, Final, Literal, NewType, TypeVar, Union, get_args, get_origin
from uuid import UUID

import msgspec

from ..checks import accepts
from ..hints import show, unalias
from ..ports import EMPTY

T = TypeVar("T")

# -- reading ---------------------------------------------------------------------------------------------------------


def read_text(text: str, hint: Any) -> Any:
    """Read a value of a type from text: text as it is, numbers and dates as usual, everything else as JSON.

    Raises:
        ValueError: the text says no value of this type.

    """
    hint = _bare(hint)
    if _is_open(hint):
        try:
            return json.loads(text)
        except ValueError:
            return text
    members = get_args(hint) if get_origin(hint) in _UNIONS else ()
    if members:
        return None if text == "null" and NoneType in members else _first(members, partial(read_text, text))
    read = _reader(hint)
    if read is not None:
        return read(text)
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"write it as JSON: {error}") from None
    return read_data(found, hint)


def _reader(hint: Any) -> Callable[[str], Any] | None:
    """Find how a type is read that has a text of its own, which is not JSON."""
    if get_origin(hint) is Literal:
        return lambda text: _choose(text, {_word(value): value for value in get_args(hint)})
    if hint in _ISO:
        return lambda text: _convert(text, hint, strict=False)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda text: _member(text, hint)
    if isinstance(hint, type) and issubclass(hint, PurePath):
        return hint
    return _WORDED.get(hint)


def read_data(data: Any, hint: Any) -> Any:
    """Read a value of a type from what a JSON or YAML document holds.

    Raises:
        ValueError: it is no value of this type.

    """
    hint = _bare(hint)
    if _is_open(hint):
        return data
    members = get_args(hint) if get_origin(hint) in _UNIONS else ()
    if members:
        return None if data is None and NoneType in members else _first(members, partial(read_data, data))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member(data, hint)
    return _convert(data, hint, strict=True)


def _bare(hint: Any) -> Any:
    """Take off names and notes that do not change how a value is written."""
    while isinstance(hint := unalias(hint), NewType):
        hint = hint.__supertype__
    return NoneType if hint is None else hint


def _is_open(hint: Any) -> bool:
    return hint is EMPTY or hint is Any or hint is object or isinstance(hint, TypeVar)


_UNIONS: Final = (Union, UnionType)
_EAGER: Final = (int, float, bool, bytes, str)
"""Types that take nearly any text, so that the other members of a union come before them."""


def _first(members: tuple[Any, ...], read: Callable[[Any], Any]) -> Any:
    """Read a value of the first member of a union that it fits; ``None`` is no matter any more."""
    reasons: list[str] = []
    for member in sorted(members, key=lambda one: _EAGER.index(one) if one in _EAGER else -1):
        if member is NoneType:
            continue
        try:
            return read(member)
        except ValueError as error:
            reasons.append(str(error))
    raise ValueError("; ".join(reasons))


def _member(data: Any, hint: type[Enum]) -> Enum:
    choices: dict[str, Enum] = {**hint.__members__}
    for member in hint:
        choices.setdefault(_word(member.value), member)
    return _choose(str(data), choices)


def _choose(text: str, choices: Mapping[str, T]) -> T:
    if text not in choices:
        raise ValueError(f"it is one of {', '.join(choices)}")
    return choices[text]


def _word(value: Any) -> str:
    """Write a value of a ``Literal`` or an ``Enum`` as it is written on a command line."""
    if isinstance(value, Enum):
        return value.name
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _bool(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE and word not in _FALSE:
        raise ValueError("write true or false")
    return word in _TRUE


_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")


def _none(text: str) -> None:
    if text != "null":
        raise ValueError("write null")


_WORDED: Final[dict[Any, Any]] = {
    str: str,
    int: int,
    float: float,
    complex: complex,
    bool: _bool,
    bytes: str.encode,
    NoneType: _none,
}
_ISO: Final = (date, datetime, time, timedelta, UUID, Decimal)


def _convert(data: Any, hint: Any, *, strict: bool) -> Any:
    try:
        return msgspec.convert(data, hint, strict=strict, dec_hook=_further)
    except TypeError as error:  # a type of which msgspec says that it cannot be read from text
        raise ValueError(str(error)) from None


def _further(hint: Any, data: Any) -> Any:
    """Read what msgspec leaves to us."""
    if isinstance(hint, type) and issubclass(hint, PurePath) and isinstance(data, str):
        return hint(data)
    if accepts(hint, data):
        return data
    raise ValueError(f'"{show(hint)}" cannot be written as text')


# -- writing ---------------------------------------------------------------------------------------------------------


def readable(value: Any, width: int = 100) -> str:
    """Write a value for people: text as it is, the rest as Python shows it, over several lines if it is long."""
    if isinstance(value, str):
        return value
    try:
        return pformat(value, width=width, sort_dicts=False)
    except Exception as error:  # noqa: BLE001 - a value's own fault must not lose the run's result
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def to_json(value: Any) -> str:
    """Write a value as JSON.

    Records become objects, collections lists, dates and paths text. Of anything else, JSON gets its type and its repr.
    """
    return json.dumps(_plain(value, ()), ensure_ascii=False, indent=2)


def _plain(value: Any, around: tuple[int, ...]) -> Any:
    """Make a value one that ``json`` writes; ``around`` are the values that it is in."""
    if isinstance(value, Enum):
        return _plain(value.value, around)
    write = next((write for kind, write in _SCALARS if isinstance(value, kind)), None)
    if write is not None:
        return write(value)
    if id(value) in around or len(around) == _DEPTH:
        return _described(value)
    try:
        return _collection(value, type(value), (*around, id(value)))
    except Exception:  # noqa: BLE001 - whatever a user's class does when it is read, the rest is still worth writing
        return _described(value)


def _collection(value: Any, kind: Any, around: tuple[int, ...]) -> Any:
    if isinstance(value, _MAPPINGS):
        return {_key(key): _plain(item, around) for key, item in value.items()}
    if hasattr(kind, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name), around) for field in fields(value)}
    if not isinstance(value, _SERIES):
        return _described(value)
    items = [_plain(item, around) for item in value]
    names = getattr(kind, "_fields", None)  # of a NamedTuple
    return items if names is None else dict(zip(names, items, strict=True))


def _described(value: object) -> dict[str, str]:
    kind = type(value)
    return {"type": f"{kind.__module__}.{kind.__qualname__}", "repr": readable(value)}


def _key(key: Any) -> str:
    plain = _plain(key, ())
    return plain if isinstance(plain, str) else json.dumps(plain)


_SCALARS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (NoneType | bool, lambda value: value),
    (int, lambda value: value if value.bit_length() < _BITS else _described(value)),
    (float, lambda value: value if isfinite(value) else None),  # JSON has no word for nan and inf
    (str, lambda value: value.encode(errors="backslashreplace").decode()),
    (PurePath | UUID | Decimal, str),
    (date | time, lambda value: value.isoformat()),
    (bytes | timedelta, msgspec.to_builtins),
)
_MAPPINGS: Final[Any] = Mapping
_SERIES: Final[Any] = (list, tuple, AbstractSet)
_DEPTH: Final = 100
"""How deep collections are written; deeper ones by their repr."""
_BITS: Final = 14_000
"""How long a whole number may be; Python writes at most 4,300 digits."""
