"""Whether a value of one declared type fits a port of another, as a type checker would judge it.

Says ``None`` where it cannot know: then nothing is reported.
"""

from __future__ import annotations

import collections.abc as abc
import types
import typing
from collections import deque
from inspect import Parameter
from typing import Annotated, Any, Final, ForwardRef, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

EMPTY: Final = Parameter.empty
_UNIONS: Final = (Union, types.UnionType)
_NUMBERS: Final[dict[type, tuple[type, ...]]] = {float: (int,), complex: (int, float)}  # PEP 484's numeric tower


def fits(source: Any, target: Any) -> bool | None:
    """Tell whether a value of type ``source`` fits type ``target``; ``None``: cannot know.

    Both are runtime type hints; ``inspect.Parameter.empty`` and ``Any`` fit and accept everything.
    """
    source, target = _plain(source), _plain(target)
    if source is target or target is object or _is_any(source) or _is_any(target):
        return True
    if isinstance(source, _UNKNOWN) or isinstance(target, _UNKNOWN):
        return None
    if _is_never(source):
        return True
    origin = get_origin(source)
    if origin in _UNIONS:
        return _all(fits(member, target) for member in get_args(source))
    if get_origin(target) in _UNIONS:
        return _any(fits(source, member) for member in get_args(target))
    if origin is Literal or get_origin(target) is Literal:
        return _literal(source, target)
    if source is type(None) or target is type(None):
        return source is target or (None if _is_protocol(target) else False)
    try:
        return _classes(source, target)
    except TypeError:  # an exotic hint that is no class: nothing is known
        return None


_UNKNOWN: Final = (TypeVar, ParamSpec, ForwardRef, str)


def show(hint: Any) -> str:
    """Write a type the way mypy writes it in messages."""
    if hint is EMPTY:
        return "Any"
    if hint is None or hint is type(None):
        return "None"
    origin, args = get_origin(hint), get_args(hint)
    if origin in _UNIONS:
        return " | ".join(show(member) for member in args)
    if origin is Annotated:
        return show(args[0])
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, args))}]"
    if origin is not None:
        inner = ", ".join("..." if a is Ellipsis else f"[{', '.join(map(show, a))}]" if isinstance(a, list) else show(a) for a in args)
        return f"{_name(origin)}[{inner}]" if inner else _name(origin)
    return _name(hint)


def _name(hint: Any) -> str:
    if isinstance(hint, type):
        return hint.__name__
    return getattr(hint, "__name__", None) or str(hint).removeprefix("typing.")


def _plain(hint: Any) -> Any:
    """Take off what does not change the set of values: aliases, Annotated, NewType is kept."""
    while True:
        if hint is None:
            return type(None)
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint


def _is_any(hint: Any) -> bool:
    return hint is EMPTY or hint is Any


def _is_never(hint: Any) -> bool:
    return hint is typing.NoReturn or hint is typing.Never


def _is_protocol(hint: Any) -> bool:
    return bool(getattr(get_origin(hint) or hint, "_is_protocol", False))


def _all(verdicts: typing.Iterable[bool | None]) -> bool | None:
    found = list(verdicts)
    return False if False in found else None if None in found else True


def _any(verdicts: typing.Iterable[bool | None]) -> bool | None:
    found = list(verdicts)
    return True if True in found else None if None in found else False


def _literal(source: Any, target: Any) -> bool | None:
    if get_origin(source) is not Literal:
        return False if isinstance(get_origin(source) or source, type) else None
    values = get_args(source)
    if get_origin(target) is Literal:
        wanted = {(type(v), v) for v in get_args(target)}
        return all((type(v), v) in wanted for v in values)
    return _all(fits(type(v), target) for v in values)


def _classes(source: Any, target: Any) -> bool | None:
    if isinstance(source, typing.NewType):
        return source is target or fits(source.__supertype__, target)
    if isinstance(target, typing.NewType):
        return False
    have, want = get_origin(source) or source, get_origin(target) or target
    if not (isinstance(have, type) and isinstance(want, type)):
        return None
    if typing.is_typeddict(have) or typing.is_typeddict(want):
        return _typed_dicts(source, have, want, target)
    if want in _NUMBERS and issubclass(have, _NUMBERS[want]):
        return True
    if _is_protocol(want) and not issubclass_nominal(have, want):
        return _protocol(have, want)
    if want is abc.Callable:
        return _callables(source, have, target)
    if want is type or have is type:
        return True if want in have.__mro__ and not get_args(target) else None if have is type or issubclass(have, type) else False
    if not issubclass(have, want):
        return False
    return _arguments(source, have, target, want)


def issubclass_nominal(have: type, want: type) -> bool:
    """Tell whether a class says itself that it is a kind of another."""
    return want in have.__mro__


def _protocol(have: type, want: type) -> bool | None:
    """A class lacking a member of the protocol does not fit; one that has them all may."""
    members = {
        name
        for base in want.__mro__
        if getattr(base, "_is_protocol", False)
        for name in (*vars(base), *getattr(base, "__annotations__", ()))
        if not name.startswith("_abc_") and name not in _PROTOCOL_NOISE
    }
    annotated = {name for base in have.__mro__ for name in getattr(base, "__annotations__", ())}
    return None if all(hasattr(have, name) or name in annotated for name in members) else False


class _Bare(typing.Protocol): ...


_PROTOCOL_NOISE: Final = frozenset(vars(_Bare)) | frozenset(vars(typing.Protocol)) | frozenset(vars(typing.Generic)) | {
    "__class_getitem__", "__orig_bases__", "__parameters__", "__type_params__", "__annotate__", "__annotate_func__", "__annotations_cache__",
    "__init__", "__hash__", "__slots__", "__static_attributes__", "__firstlineno__", "__non_callable_proto_members__", "__annotations__",
}  # fmt: skip


def _typed_dicts(source: Any, have: type, want: type, target: Any) -> bool | None:
    if not typing.is_typeddict(have):
        return False  # no mapping is known to have the keys
    if not typing.is_typeddict(want):
        if want is dict or not issubclass(dict, want):
            return False  # mypy: a TypedDict is a Mapping[str, object], not a dict
        args = get_args(target)
        if want in (abc.Mapping, abc.Collection, abc.Iterable, abc.Container, abc.Sized, abc.Reversible):
            return fits(str, args[0]) if not args or len(args) == 1 else _all([fits(str, args[0]), fits(object, args[1])]) if args else True
        return False
    if have is want:
        return None if get_args(source) else True
    lacks = getattr(want, "__required_keys__", frozenset()) - getattr(have, "__required_keys__", frozenset())
    return False if lacks else None


def _callables(source: Any, have: type, target: Any) -> bool | None:
    if have is abc.Callable:
        theirs, ours = get_args(source), get_args(target)
        if not theirs or not ours:
            return True
        verdict = fits(theirs[1], ours[1])
        if isinstance(theirs[0], list) and isinstance(ours[0], list):
            if len(theirs[0]) != len(ours[0]):
                return False
            return _all([verdict, *(fits(b, a) for a, b in zip(theirs[0], ours[0], strict=True))])
        return verdict if verdict is False else None
    if have is type or callable(getattr(have, "__call__", None)) and "__call__" in dir(have):  # noqa: B004
        return None
    return False


_COVARIANT: Final = frozenset(
    {
        tuple, frozenset, abc.Iterable, abc.Iterator, abc.Collection, abc.Container, abc.Sequence, abc.Reversible,
        abc.Set, abc.Awaitable, abc.AsyncIterable, abc.AsyncIterator, abc.KeysView, abc.ValuesView, abc.ItemsView,
    }
)  # fmt: skip
_INVARIANT: Final = frozenset(
    {list, set, dict, deque, abc.MutableSequence, abc.MutableSet, abc.MutableMapping}
)
_ONE_ARGUMENT: Final = (_COVARIANT | _INVARIANT) - {tuple, dict, abc.MutableMapping, abc.ItemsView}


def _arguments(source: Any, have: type, target: Any, want: type) -> bool | None:
    ours = get_args(target)
    if not ours or all(_is_any(a) for a in ours):
        return True
    theirs = _as_base(source, have, want)
    if theirs is None:
        return None
    if not theirs or all(_is_any(a) for a in theirs):
        return True
    if want is tuple:
        return _tuples(theirs, ours)
    if len(theirs) != len(ours):
        return None
    if want in _COVARIANT:
        return _all(map(fits, theirs, ours))
    if want in _INVARIANT:
        return _all(map(_same, theirs, ours))
    if want is abc.Mapping:
        return _all([_same(theirs[0], ours[0]), fits(theirs[1], ours[1])])
    return True if theirs == ours else None


def _same(source: Any, target: Any) -> bool | None:
    if _is_any(source) or _is_any(target) or source == target:
        return True
    return _all([fits(source, target), fits(target, source)])


def _tuples(theirs: tuple[Any, ...], ours: tuple[Any, ...]) -> bool | None:
    loose, open_end = Ellipsis in theirs, Ellipsis in ours
    if open_end:
        items = theirs[:1] if loose else theirs
        return _all(fits(item, ours[0]) for item in items)
    if loose:
        return False
    if len(theirs) != len(ours):
        return False
    return _all(map(fits, theirs, ours))


def _as_base(source: Any, have: type, want: type) -> tuple[Any, ...] | None:
    """Find the arguments that a type has when seen as one of its bases; ``None``: not known."""
    args = get_args(source)
    if have is want:
        return args
    if have in (str,) and want in _COVARIANT:
        return (str,)
    if have in (bytes, bytearray, range, memoryview) and want in _COVARIANT:
        return (int,)
    if have is tuple and want in _COVARIANT:
        if not args:
            return ()
        items = args[:1] if Ellipsis in args else args
        return (Union[tuple(items)],) if items else None
    if have in _ONE_ARGUMENT and want in _ONE_ARGUMENT:
        return args
    if issubclass(have, abc.Mapping) and get_origin(source) is not None and have.__module__ in ("builtins", "collections", "collections.abc"):
        if want in (abc.Mapping, abc.MutableMapping, dict):
            return args
        if want in _COVARIANT:
            return args[:1]
    if have.__module__ in ("builtins", "collections", "collections.abc") and not args:
        return ()
    for base in getattr(have, "__orig_bases__", ()):
        origin = get_origin(base)
        if origin is want and not any(isinstance(a, TypeVar) for a in get_args(base)) and not args:
            return get_args(base)
    return None
