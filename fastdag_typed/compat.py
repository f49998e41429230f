"""Whether a value of one declared type fits a port of another, as a type checker would judge it.

Every verdict is ``True``, ``False`` or ``None``: it cannot be known here, so nothing is reported. The rules are mypy's:
a class fits its bases, parameters fit by their variance, what has no type fits everything.
"""

from __future__ import annotations

import types
import typing
from collections import abc
from enum import EnumType, Flag
from functools import lru_cache
from typing import Any, Final, Literal, Never, Union, cast, get_args, get_origin

from .hints import (
    CALLABLE,
    EMPTY,
    annotations_of,
    arguments,
    bindings,
    class_hints,
    class_of,
    declaration,
    is_list,
    is_typed_dict,
    plain,
    seen_as,
    show,
    substitute,
    union,
    unmark,
)

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EMPTY", "Key", "fits", "keys_of", "show"]


def fits(source: Any, target: Any) -> bool | None:
    """Tell whether a value of type ``source`` fits type ``target``; ``None``: cannot know.

    Both are runtime type hints; ``EMPTY`` and ``Any`` fit and accept everything.
    """
    if source is target:
        return True
    if type(source) is type and type(target) is type:  # two plain classes: most edges end here
        return (
            target in source.__mro__
            or source is EMPTY
            or target is EMPTY
            or (target in _PROMOTED and issubclass(source, _PROMOTED[target]))
        )
    try:
        return _remembered(source, target)
    except TypeError:  # a hint without a hash, such as Annotated[int, []]
        return _judge(source, target)


def _judge(source: Any, target: Any) -> bool | None:
    try:
        return _fits(source, target)
    except (TypeError, RecursionError):  # a hint that no rule foresees, or two that contain themselves
        return None


_remembered: Final = lru_cache(maxsize=1024)(_judge)
_PROMOTED: Final[dict[type, tuple[type, ...]]] = {float: (int,), complex: (int, float)}  # PEP 484, numeric tower


def _fits(source: Any, target: Any) -> bool | None:
    source, target = plain(source), plain(target)
    if source is target or target is object or Any in (source, target) or source is Never:
        return True
    have, want = class_of(source), class_of(target)
    if Literal in (want, *map(get_origin, get_args(target) if want is Union else ())):
        source = _as_literals(source)
        have = class_of(source)
    if have is Union:
        return _all(_fits(member, target) for member in get_args(source))
    if want is Union:
        return _any(_fits(source, member) for member in get_args(target))
    if have is Literal:
        return source == target if want is Literal else _fits(type(get_args(source)[0]), target)
    if isinstance(source, typing.NewType):
        return _fits(source.__supertype__, target)
    if not isinstance(have, type):  # a type variable, a name that was not found, ...
        return None
    if want in (Literal, Never) or isinstance(target, typing.NewType):
        return False
    return _classes(source, have, target, want) if isinstance(want, type) else None


def _classes(source: Any, have: Any, target: Any, want: Any) -> bool | None:
    if is_typed_dict(want):
        return _typed_dicts(source, target) if is_typed_dict(have) else False
    for special, judge in _SPECIAL:
        if special is want or special is have:
            return judge(source, have, target, want)
    if want in _PROMOTED and issubclass(have, _PROMOTED[want]):
        return True
    theirs, ours = seen_as(source, want), arguments(target)
    if theirs is None:
        return _structure(have, want)
    return True if ours is None else _parameters(want, theirs, ours)


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    sure = True
    for verdict in verdicts:
        if verdict is False:
            return False
        sure = sure and verdict is True
    return sure or None


def _any(verdicts: Iterable[bool | None]) -> bool | None:
    found = list(verdicts)
    return True if True in found else None if None in found else False


def _as_literals(hint: Any) -> Any:
    """Write a type with few values as the union of them."""
    if hint is bool:
        return union((Literal[True], Literal[False]))
    values = tuple(cast("Iterable[Any]", hint)) if isinstance(hint, EnumType) and not issubclass(hint, Flag) else ()
    return union(Literal[value] for value in values) if values else hint


def _parameters(cls: type, theirs: tuple[Any, ...], ours: tuple[Any, ...]) -> bool | None:
    if cls is tuple:
        return _tuples(theirs, ours)
    variables = declaration(cls)[0]
    if not len(theirs) == len(ours) == len(variables):
        return True if theirs == ours else None
    return _all(map(_parameter, variables, theirs, ours))


def _parameter(variable: Any, theirs: Any, ours: Any) -> bool | None:
    if getattr(variable, "__covariant__", False):
        return _fits(theirs, ours)
    if getattr(variable, "__contravariant__", False):
        return _fits(ours, theirs)
    same = _all((_fits(theirs, ours), _fits(ours, theirs)))
    return same or None if getattr(variable, "__infer_variance__", False) else same


def _tuples(theirs: tuple[Any, ...], ours: tuple[Any, ...]) -> bool | None:
    if ours[1:] == (...,):
        return _all(_fits(item, ours[0]) for item in theirs if item is not ...)
    if theirs[1:] == (...,):  # only one whose items are not known may have the right length
        return plain(theirs[0]) is Any
    return len(theirs) == len(ours) and _all(map(_fits, theirs, ours))


# -- types that are known by what they have --------------------------------------------------------------------------


def _hashable(_source: Any, have: Any, _target: Any, want: Any) -> bool | None:
    if have is abc.Hashable:
        return _structure(have, want)
    if have.__hash__ is None:
        return False if have.__module__ == "builtins" else None  # mypy holds a dataclass hashable
    return None if have is type or have.__module__ == "collections.abc" or _is_protocol(have) else True


def _is_protocol(cls: type) -> bool:
    return getattr(cls, "_is_protocol", False)


def _structure(have: type, want: type) -> bool | None:
    """Compare by members: a class that lacks a member does not fit; one that has them all may."""
    if not _is_protocol(want):
        virtual = issubclass(have, want) and not is_typed_dict(have)
        return None if virtual else False  # registered, or by the look of its methods
    from typing_extensions import get_protocol_members  # typing has it from 3.13 on

    members = get_protocol_members(want)
    if not members or have is type(None):
        return members <= {"__bool__", "__hash__"}
    known = {name for base in have.__mro__ for name in (*vars(base), *_mentioned(base))}
    return None if members <= known or "__getattr__" in known else False


def _mentioned(cls: type) -> Iterable[str]:
    """Names that a class annotates, and those that its methods use: they may set them on ``self``."""
    yield from annotations_of(cls)
    for value in vars(cls).values():
        yield from getattr(getattr(value, "__code__", None), "co_names", ())


class Key(typing.NamedTuple):
    """What a TypedDict says of one of its keys."""

    hint: Any
    required: bool
    readonly: bool


def _typed_dicts(source: Any, target: Any) -> bool | None:
    theirs, ours = keys_of(source), keys_of(target)
    if not ours.keys() <= theirs.keys():
        return False
    return _all(_key(theirs[name], ours[name]) for name in ours)


def _key(theirs: Key, ours: Key) -> bool | None:
    if ours.readonly:
        return _fits(theirs.hint, ours.hint) if theirs.required or not ours.required else False
    if theirs.readonly or theirs.required is not ours.required:
        return False
    return _all((_fits(theirs.hint, ours.hint), _fits(ours.hint, theirs.hint)))


def keys_of(hint: Any) -> dict[str, Key]:
    """List the keys of a TypedDict; the type of one is ``EMPTY`` if it cannot be read."""
    cls = class_of(hint)
    bound = bindings(hint)
    keys: dict[str, Key] = {}
    for name, marked in class_hints(cls).items():
        kind, marks = unmark(marked)
        # Where annotations are text, __required_keys__ does not know the marks.
        required = "Required" in marks or ("NotRequired" not in marks and name in cls.__required_keys__)
        keys[name] = Key(substitute(kind, bound), required, "ReadOnly" in marks)
    return keys


def _class_objects(source: Any, have: Any, target: Any, want: Any) -> bool | None:
    """Judge where a class is the value: ``type[A]``."""
    ours = arguments(target)
    if have is not type:  # a metaclass
        return (ours is None or None) if issubclass(have, type) else False
    (theirs,) = arguments(source) or (Any,)
    if want is type:
        return True if ours is None else _fits(theirs, ours[0])
    if not isinstance(theirs, type) or _is_protocol(want):
        return None
    return _structure(type, want) if type(theirs) is type else _fits(type(theirs), target)


def _callables(source: Any, have: Any, target: Any, want: Any) -> bool | None:
    if want is not CALLABLE:
        return _structure(types.FunctionType, want)
    theirs, ours = arguments(source) or (..., Any), arguments(target) or (..., Any)
    if have is CALLABLE:
        return _all((_fits(theirs[1], ours[1]), _takes(theirs[0], ours[0])))
    if have is type:
        made = theirs[0] if arguments(source) else Any
        return (ours[0] is ... and _fits(made, ours[1])) or None
    if not any("__call__" in vars(base) for base in have.__mro__):
        return False
    return (ours[0] is ... and plain(ours[1]) is Any) or None


def _takes(theirs: Any, ours: Any) -> bool | None:
    """Whether what has one list of parameters can be called with another."""
    if theirs is ... or ours is ...:
        return True
    if is_list(theirs) and is_list(ours):
        return len(theirs) == len(ours) and _all(map(_fits, ours, theirs))
    return None  # a ParamSpec


_SPECIAL: Final = (
    (abc.Hashable, _hashable),
    (CALLABLE, _callables),
    (type, _class_objects),
)
"""Classes with rules of their own; the first that is on either side decides."""
