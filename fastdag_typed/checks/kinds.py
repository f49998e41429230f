"""What each kind of type says of a value. Containers and records are looked at whole, so verdicts can be repeated."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections import abc
from collections.abc import Callable, Iterable
from typing import IO, Any, BinaryIO, Final, Literal, NamedTuple, TextIO, get_args, get_origin

from ..compat import fits, keys_of
from ..hints import EMPTY, arguments, bindings, class_hints, class_of, is_named_tuple, members_of, show, substitute

if typing.TYPE_CHECKING:
    from collections.abc import Mapping


class Mismatch(NamedTuple):
    """Where a value is not what its type says: ``path`` leads to the part that is wrong, and is empty for the whole."""

    path: str
    expected: str
    actual: str
    value: Any

    def within(self, place: str) -> Mismatch:
        """Say the same as seen from around."""
        return self._replace(path=f"{place}{self.path}")


Find = Callable[[Any], Mismatch | None]


class Checker:
    """What a type says of a value.

    ``find`` gives what is wrong with a value. ``passes`` are classes of which every instance is right, so that most
    values need no call; ``blind`` tells what of the type is not checked; ``idle`` whether every value is right.
    """

    __slots__ = ("blind", "find", "idle", "passes")

    def __init__(
        self, find: Find, passes: Iterable[type] = (), blind: Iterable[str] = (), *, idle: bool = False
    ) -> None:
        self.find = find
        self.passes = frozenset(passes)
        self.blind = tuple(dict.fromkeys(blind))
        self.idle = idle


Of = Callable[[Any], Checker]
"""Makes the checker of a type that is a part of another."""


def _nothing_wrong(_: Any) -> None:
    pass


OPEN: Final = Checker(_nothing_wrong, idle=True)
"""Of what has no type."""


def unknown(name: str, why: str) -> Checker:
    """Take every value, because the type cannot be checked."""
    return Checker(_nothing_wrong, blind=[f'"{name}" not at all: {why}'], idle=True)


def wrong(expected: str, value: Any) -> Mismatch:
    """Say that a value as a whole is wrong."""
    return Mismatch("", expected, "None" if value is None else type(value).__name__, value)


# -- classes and choices ---------------------------------------------------------------------------------------------


def of_class(cls: Any) -> Checker:
    """Check that a value is an instance; an int is a float to type checkers (PEP 484)."""
    name, kinds = show(cls), _TOWER.get(cls, (cls,))

    def find(value: Any) -> Mismatch | None:
        return None if isinstance(value, kinds) else wrong(name, value)

    return Checker(find, (*kinds, bool) if int in kinds else kinds)


_TOWER: Final[dict[Any, tuple[type, ...]]] = {float: (float, int), complex: (complex, float, int)}


def of_never(hint: Any) -> Checker:
    """Refuse every value."""
    name = show(hint)
    return Checker(lambda value: wrong(name, value))


def of_union(hint: Any, of: Of) -> Checker:
    """Check that a value is of one of several types, or one of several literals."""
    members = list(members_of(hint))
    values = [get_args(member)[0] for member in members if get_origin(member) is Literal]
    literals = {(type(value), value) for value in values}
    kinds = {type(value) for value in values}
    others = [of(member) for member in members if get_origin(member) is not Literal]
    name = show(hint)
    blind = [text for other in others for text in other.blind]
    if any(other.idle for other in others):
        return Checker(_nothing_wrong, blind=blind, idle=True)

    def find(value: Any) -> Mismatch | None:
        if type(value) in kinds and (type(value), value) in literals:
            return None
        inner: list[Mismatch] = []
        for other in others:
            if type(value) in other.passes:
                return None
            found = other.find(value)
            if found is None:
                return None
            if found.path:
                inner.append(found)
        return inner[0] if len(inner) == 1 else wrong(name, value)

    return Checker(find, [kind for other in others for kind in other.passes], blind)


# -- containers ------------------------------------------------------------------------------------------------------


def _first_wrong(value: Iterable[Any], item: Checker, place: Callable[[int, Any], str]) -> Mismatch | None:
    if item.idle or item.passes.issuperset(map(type, value)):
        return None
    for index, one in enumerate(value):
        if type(one) not in item.passes:
            found = item.find(one)
            if found is not None:
                return found.within(place(index, one))
    return None


def _by_index(index: int, _: Any) -> str:
    return f"[{index}]"


def _by_value(_: int, one: Any) -> str:
    return f"{{{short(one)}}}"


def short(value: Any, limit: int = 80) -> str:
    """Show a value in a message."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a value's own fault must not hide the message about it
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def of_items(hint: Any, of: Of, kind: Any) -> Checker:
    """Check the class of a collection, and its items if they can be looked at without using them up.

    That is so in what says that it is a sequence, a set or a mapping; an iterator, a file, an array or the like is
    checked by its class alone.
    """
    cls, name, item = class_of(hint), show(hint), of(kind)
    if issubclass(cls, abc.Iterator):
        return by_class_alone(hint, [] if item.idle else ["looking at the items would use them up"])

    def find(value: Any) -> Mismatch | None:
        if not isinstance(value, cls):
            return wrong(name, value)
        if item.idle:
            return None
        if isinstance(value, _OF_ONE_KIND):
            kind = next(known for known in _OF_ONE_KIND if isinstance(value, known))
            return wrong(name, value) if fits(kind, hint) is False else None
        if isinstance(value, _ORDERED):
            return _first_wrong(value, item, _by_index)
        return _first_wrong(value, item, _by_value) if isinstance(value, _LOOSE) else None

    return Checker(find, [cls] if item.idle else (), item.blind)


_OF_ONE_KIND: Final = (str, bytes, bytearray, memoryview, range)
"""Sequences whose items are always of the same type."""
_ORDERED: Final = abc.Sequence
_LOOSE: Final = (abc.Set, abc.Mapping, abc.ValuesView)


def of_mapping(hint: Any, of: Of, key_type: Any, item_type: Any) -> Checker:
    """Check the class of a mapping, its keys and its values."""
    cls, name, key, item = class_of(hint), show(hint), of(key_type), of(item_type)

    def find(value: Any) -> Mismatch | None:
        if not isinstance(value, cls):
            return wrong(name, value)
        mapping: Mapping[Any, Any] = value
        found = _first_wrong(mapping, key, _by_value)
        if found is not None or item.idle or item.passes.issuperset(map(type, mapping.values())):
            return found
        for at, one in mapping.items():
            if type(one) not in item.passes:
                found = item.find(one)
                if found is not None:
                    return found.within(f"[{short(at)}]")
        return None

    return Checker(find, [cls] if key.idle and item.idle else (), (*key.blind, *item.blind))


def of_tuple(hint: Any, of: Of) -> Checker:
    """Check a tuple of a fixed length and its items, each against its own type."""
    args = arguments(hint) or ()
    if any(get_origin(arg) is typing.Unpack or getattr(arg, "__unpacked__", False) for arg in args):
        return by_class_alone(hint, ["how many items there are is left open"])
    name, items = show(hint), [of(arg) for arg in args]

    def find(value: Any) -> Mismatch | None:
        if not isinstance(value, tuple) or len(value) != len(items):
            return wrong(name, value)
        return _first_of_each(value, items)

    return Checker(find, blind=[text for item in items for text in item.blind])


def _first_of_each(values: Iterable[Any], items: Iterable[Checker]) -> Mismatch | None:
    for index, (one, item) in enumerate(zip(values, items, strict=True)):
        if type(one) not in item.passes:
            found = item.find(one)
            if found is not None:
                return found.within(f"[{index}]")
    return None


# -- records ---------------------------------------------------------------------------------------------------------

_MISSING: Final = object()


def of_typed_dict(hint: Any, of: Of) -> Checker:
    """Check that a dict has the keys that it must have, and each of those known with its type; others may be there."""
    name = show(hint)
    rows = [(key, of(one.hint), one.required, show(one.hint)) for key, one in keys_of(hint).items()]

    def find(value: Any) -> Mismatch | None:
        if not isinstance(value, dict):
            return wrong(name, value)
        fields: dict[Any, Any] = value
        for key, item, required, kind in rows:
            one = fields.get(key, _MISSING)
            if type(one) in item.passes:
                continue
            if one is _MISSING:
                if required:
                    return Mismatch(f"[{key!r}]", kind, "", EMPTY)
            elif (found := item.find(one)) is not None:
                return found.within(f"[{key!r}]")
        return None

    return Checker(find, blind=[text for _, item, _, _ in rows for text in item.blind])


def of_record(hint: Any, of: Of) -> Checker:
    """Check the class of a NamedTuple or dataclass, and each field; one that has its default is right as it is."""
    cls, name, bound, hints = class_of(hint), show(hint), bindings(hint), class_hints(class_of(hint))
    if is_named_tuple(cls):
        defaults: dict[str, Any] = {field: cls._field_defaults.get(field, _MISSING) for field in cls._fields}
    else:
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    fields = [(field, of(substitute(hints.get(field, EMPTY), bound)), default) for field, default in defaults.items()]
    rows = [row for row in fields if not row[1].idle]

    def find(value: Any) -> Mismatch | None:
        if not isinstance(value, cls):
            return wrong(name, value)
        for field, item, default in rows:
            one = getattr(value, field, default)
            if type(one) not in item.passes and one is not default and (found := item.find(one)) is not None:
                return found.within(f".{field}")
        return None

    return Checker(find, () if rows else (cls,), [text for _, item, _ in fields for text in item.blind])


# -- what can be seen only in part -----------------------------------------------------------------------------------


def by_class_alone(hint: Any, reasons: Iterable[str]) -> Checker:
    """Check the class of a value, and tell why no more."""
    cls, name = class_of(hint), show(hint)
    blind = [f'"{name}" only by its class: {reason}' for reason in reasons]
    return Checker(lambda value: None if isinstance(value, cls) else wrong(name, value), (cls,), blind)


def of_generic(hint: Any, of: Of) -> Checker:
    """Check the class of a value of a user's own generic class."""
    known = all(of(arg).idle for arg in get_args(hint))
    return by_class_alone(hint, [] if known else ["a value does not tell what it was made for"])


def of_callable(hint: Any, _: Of) -> Checker:
    """Check that a value can be called."""
    name, args = show(hint), arguments(hint) or (..., Any)
    blind = [f'"{name}" only as callable: what it takes and gives is seen when it is called']
    return Checker(
        lambda value: None if callable(value) else wrong(name, value),
        blind=() if args[0] is ... and args[1] is Any else blind,
    )


def of_protocol(hint: Any, _: Of) -> Checker:
    """Check that a value has the members of a protocol."""
    from typing_extensions import get_protocol_members  # typing has it from 3.13 on

    members = sorted(get_protocol_members(class_of(hint)))
    return _by_members(hint, members)


def of_file(hint: Any, _: Of) -> Checker:
    """Check that a value is a file, as far as its methods say."""
    return _by_members(hint, ["close", "read", "write"])


FILES: Final[tuple[Any, ...]] = (IO, TextIO, BinaryIO)


def _by_members(hint: Any, members: list[str]) -> Checker:
    name = show(hint)
    blind = [f'"{name}" only by its members, not their types'] if members else []

    def find(value: Any) -> Mismatch | None:
        return None if all(_has(value, member) for member in members) else wrong(name, value)

    return Checker(find, blind=blind)


def _has(value: Any, member: str) -> bool:
    """Tell whether a value has a member, without computing it."""
    kind: Any = type(value)
    found = getattr(kind, member, _MISSING)
    if found is not _MISSING:
        return not (found is None and member.startswith("__"))  # such as __hash__ of a list
    if member in getattr(value, "__dict__", ()) or hasattr(kind, "__getattr__"):
        return True
    return isinstance(value, type) and hasattr(value, member)


def of_leaf(hint: Any, _: Of) -> Checker:
    """Leave a type to beartype that is none of the above, such as ``type[A]``, ``re.Pattern[str]`` or an array's."""
    from beartype import BeartypeConf
    from beartype.door import is_bearable
    from beartype.roar import BeartypeException

    name, conf, cls = show(hint), BeartypeConf(is_pep484_tower=True), class_of(hint)
    asked: Any = types.GenericAlias(cls, get_args(hint)) if cls is type else hint  # it warns of typing.Type

    def find(value: Any) -> Mismatch | None:
        return None if is_bearable(value, asked, conf=conf) else wrong(name, value)

    try:
        find(None)
    except BeartypeException:
        return unknown(name, "a running program cannot tell")
    return Checker(find)
