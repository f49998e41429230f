"""From a type to what checks it: made once for each type."""

from __future__ import annotations

import dataclasses
import sys
from collections import abc
from contextvars import ContextVar
from functools import lru_cache
from typing import (
    Annotated,
    Any,
    Final,
    ForwardRef,
    Generic,
    Literal,
    Never,
    NewType,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from ..hints import CALLABLE, EMPTY, arguments, class_of, is_named_tuple, is_typed_dict, plain, seen_as, show, union
from .kinds import (
    FILES,
    OPEN,
    Checker,
    Mismatch,
    Of,
    by_class_alone,
    of_callable,
    of_class,
    of_file,
    of_generic,
    of_items,
    of_leaf,
    of_mapping,
    of_never,
    of_protocol,
    of_record,
    of_tuple,
    of_typed_dict,
    of_union,
    unknown,
    wrong,
)


def checker(hint: Any) -> Checker:
    """Make what checks values against a type, or give the one that was made before."""
    try:
        return _remembered(hint)
    except TypeError:  # a hint without a hash, such as Annotated[int, []]
        return _made(hint)


def accepts(hint: Any, value: Any) -> bool:
    """Tell whether a value is of a type, as far as a running program can tell."""
    found = checker(hint)
    return type(value) in found.passes or found.find(value) is None


def _made(hint: Any) -> Checker:
    try:
        return _Making().root(hint)
    except RecursionError:  # an alias that contains itself in ever new forms
        return unknown(str(hint), "it has no end")


_remembered: Final = lru_cache(maxsize=1024)(_made)

_seen: ContextVar[dict[tuple[int, int], Any]] = ContextVar("fastdag_seen")
"""The parts that the check under way has looked at, by checker and value, where a type contains itself."""


class _Making:
    """Makes the checker of one type; knows what types it is inside of."""

    def __init__(self) -> None:
        self.around: dict[Any, Checker] = {}
        self.met_again: set[Any] = set()

    def root(self, hint: Any) -> Checker:
        made = self.of(hint)
        if not self.met_again:
            return made
        name = show(hint)

        def find(value: Any) -> Mismatch | None:
            token = _seen.set({})
            try:
                return made.find(value)
            except RecursionError:
                return wrong(name, value)._replace(actual=f"{type(value).__name__}, too deep to be checked")
            finally:
                _seen.reset(token)

        return Checker(find, made.passes, made.blind, idle=made.idle)

    def of(self, hint: Any) -> Checker:
        """Make the checker of a type or of a part of it."""
        validators = _validators(hint)
        made = self._of(plain(hint))
        return _both(made, of_leaf(Annotated[object, *validators], self.of), show(hint)) if validators else made

    def _of(self, hint: Any) -> Checker:
        if hint is EMPTY or hint is Any or hint is object:
            return OPEN
        if _is_mere_class(hint):
            return of_class(hint)
        key = _key(hint)
        if key in self.around:
            if dataclasses.is_dataclass(class_of(hint)):  # objects may refer to each other round and round
                return by_class_alone(hint, ["it is inside of itself"])
            self.met_again.add(key)
            return self.around[key]
        again = self.around[key] = Checker(OPEN.find)
        made = self._composite(hint)
        del self.around[key]
        if key not in self.met_again:
            return made
        again.find, again.passes, again.blind, again.idle = _once(made), made.passes, made.blind, made.idle
        return again

    def _composite(self, hint: Any) -> Checker:
        cls = class_of(hint)
        if isinstance(hint, NewType):
            return self.of(hint.__supertype__)
        if isinstance(hint, TypeVar):
            return self.of(union(hint.__constraints__) if hint.__constraints__ else hint.__bound__ or Any)
        if isinstance(hint, str | ForwardRef):
            return unknown(hint if isinstance(hint, str) else hint.__forward_arg__, "there is no such name")
        if hint is Never:
            return of_never(hint)
        if arguments(hint) is None and isinstance(cls, type) and cls is not hint:  # such as typing.List
            return self._of(cls)
        return next(make for belongs, make in _RULES if belongs(cls, hint))(hint, self.of)


def _key(hint: Any) -> Any:
    try:
        hash(hint)
    except TypeError:
        return id(hint)
    return hint


def _once(made: Checker) -> Any:
    """Look at each value once: it may contain itself, or be contained very often."""

    def find(value: Any) -> Mismatch | None:
        seen, mark = _seen.get(), (id(made), id(value))
        if mark in seen:
            return None
        seen[mark] = value
        found = made.find(value)
        if found is not None:
            del seen[mark]
        return found

    return find


def _validators(hint: Any) -> list[Any]:
    """List what beartype is to ask of a value, as notes of ``Annotated`` say, also under the name of an alias."""
    found: list[Any] = []
    while True:
        if get_origin(hint) is Annotated:
            found += [note for note in hint.__metadata__ if type(note).__module__.startswith("beartype.vale.")]
            hint = hint.__origin__
        elif hasattr(hint, "__value__") and not isinstance(hint, type):
            hint = hint.__value__
        else:
            return found


def _both(made: Checker, more: Checker, name: str) -> Checker:
    def find(value: Any) -> Mismatch | None:
        found = made.find(value)
        return found if found is not None or more.find(value) is None else wrong(f"{name} as annotated", value)

    return Checker(find, blind=(*made.blind, *more.blind))


def _is_mere_class(hint: Any) -> bool:
    if not isinstance(hint, type) or get_origin(hint) is not None or hint in FILES:
        return False
    return not (_is_record(hint) or is_typed_dict(hint) or _is_protocol(hint))


def _is_record(cls: Any) -> bool:
    return is_named_tuple(cls) or (isinstance(cls, type) and dataclasses.is_dataclass(cls))


def _is_protocol(cls: Any) -> bool:
    return bool(getattr(cls, "_is_protocol", False))


def _is_of_class(cls: Any) -> bool:
    """Tell whether objects of a generic class do not know its arguments, and beartype would not either."""
    return Generic in cls.__mro__ or cls.__module__.partition(".")[0] in sys.stdlib_module_names


def _mapping(hint: Any, of: Of) -> Checker:
    return of_mapping(hint, of, *(seen_as(hint, abc.Mapping) or ()))


def _items(hint: Any, of: Of) -> Checker:
    return of_items(hint, of, *(seen_as(hint, abc.Iterable) or seen_as(hint, abc.Container) or ()))


_RULES: Final[tuple[tuple[abc.Callable[[Any, Any], bool], abc.Callable[[Any, Of], Checker]], ...]] = (
    (lambda cls, _: cls is Union or cls is Literal, of_union),
    (lambda cls, _: cls in FILES, of_file),
    (lambda cls, _: cls is type or not isinstance(cls, type), of_leaf),
    (lambda cls, _: cls is CALLABLE, of_callable),
    (lambda cls, _: is_typed_dict(cls), of_typed_dict),
    (lambda cls, _: _is_record(cls), of_record),
    (lambda cls, _: _is_protocol(cls), of_protocol),
    (lambda cls, hint: cls is tuple and get_args(hint)[1:] != (...,), of_tuple),
    (lambda _, hint: seen_as(hint, abc.Mapping) is not None, _mapping),
    (lambda _, hint: (seen_as(hint, abc.Iterable) or seen_as(hint, abc.Container)) is not None, _items),
    (lambda cls, _: _is_of_class(cls), of_generic),
    (lambda _, __: True, of_leaf),
)
"""What makes the checker of a type: the first rule that it belongs to."""
