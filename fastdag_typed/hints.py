"""What a type hint says at run time: how it is read, its normal form, its arguments, its bases, its name."""

from __future__ import annotations

import collections
import inspect
import sys
import types
import typing
from collections import abc
from enum import Enum
from types import GenericAlias
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Never,
    TypeGuard,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EMPTY: Final = inspect.Parameter.empty
"""Stands for a missing annotation or default."""
CALLABLE: Final[Any] = abc.Callable  # as a value: checkers see in it only the form of a type


def annotations_of(owner: Any) -> dict[str, Any]:
    """Read the annotations of a function or class as they are written, so that names may still be missing."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(owner, format=Format.FORWARDREF)
    return dict(owner.__annotations__) if isinstance(owner, types.FunctionType) else inspect.get_annotations(owner)


def evaluate(
    note: Any, names: dict[str, Any], local: Mapping[str, Any] | None = None, variables: tuple[Any, ...] = ()
) -> Any:
    """Turn an annotation into a type hint; ``EMPTY`` if it cannot be read, for then it checks nothing."""
    if isinstance(note, type) and not isinstance(note, GenericAlias):
        return note
    stub = types.SimpleNamespace(__annotations__={"note": note}, __type_params__=variables)
    try:
        return typing.get_type_hints(stub, names, local, include_extras=True)["note"]
    except Exception:  # noqa: BLE001 - an annotation is any expression, and may raise anything
        return EMPTY


def class_hints(cls: type) -> dict[str, Any]:
    """Read the annotations of a class and its bases; ``EMPTY`` where one cannot be read."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        names = vars(sys.modules[base.__module__]) if base.__module__ in sys.modules else {}
        variables = getattr(base, "__type_params__", ())
        for name, note in annotations_of(base).items():
            found[name] = evaluate(note, dict(vars(base)), names, variables)
    return found


def unalias(hint: Any) -> Any:
    """Take off ``Annotated``, ``Final`` and the names of aliases."""
    while True:
        origin, args = get_origin(hint), get_args(hint)
        if origin in (Annotated, Final):
            hint = args[0]
        elif _is_alias(origin):  # type Pair[T] = tuple[T, T]
            hint = substitute(origin.__value__, dict(zip(origin.__type_params__, args, strict=False)))
        elif _is_alias(hint):
            hint = hint.__value__
        else:
            return hint


def unmark(hint: Any) -> tuple[Any, set[str]]:
    """Take off the marks of the keys of a TypedDict, such as ``NotRequired``, and say which there were."""
    marks: set[str] = set()
    while (mark := str(get_origin(hint)).rpartition(".")[2]) in ("Required", "NotRequired", "ReadOnly"):
        marks.add(mark)
        hint = get_args(hint)[0]
    return hint, marks


def plain(hint: Any) -> Any:
    """Bring a hint into its normal form: without aliases, and the same thing always written in one way."""
    hint = unalias(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return union(type(None) if value is None else Literal[value] for value in args)
    if origin is type and class_of(args[0]) is Union:
        return union(type[member] for member in get_args(args[0]))
    return next((meaning for spelling, meaning in _SAME if spelling is (origin or hint)), hint)


_SAME: Final[tuple[tuple[Any, Any], ...]] = (
    (None, type(None)),
    (EMPTY, Any),
    (typing.NoReturn, Never),
    (typing.LiteralString, str),
    (typing.TypeGuard, bool),
    (getattr(typing, "TypeIs", typing.TypeGuard), bool),
)
"""Other spellings, and what they mean to mypy."""


def _is_alias(hint: Any) -> bool:
    return type(hint).__name__ == "TypeAliasType"  # of typing (3.12) or of typing_extensions


def class_of(hint: Any) -> Any:
    """Get the class of a hint, without its arguments; one name for both kinds of union."""
    origin = get_origin(hint)
    return Union if origin is types.UnionType else origin or hint


def arguments(hint: Any) -> tuple[Any, ...] | None:
    """Get the arguments of a hint; ``None`` if it is bare (``tuple[()]`` is not)."""
    return get_args(hint) if hasattr(hint, "__args__") else None


def substitute(hint: Any, bound: Mapping[Any, Any]) -> Any:
    """Put types in the place of type variables."""
    if isinstance(hint, TypeVar):
        return bound.get(hint, hint)
    variables: tuple[Any, ...] = getattr(hint, "__parameters__", ())
    if not variables or get_origin(hint) is None:  # a class has parameters, but no arguments to put them into
        return hint
    return hint[tuple(bound.get(variable, variable) for variable in variables)]


def union(members: Iterable[Any]) -> Any:
    """Make the union of one or more types."""
    return Union[tuple(members)]  # noqa: UP007 - how many there are is known at run time only


def is_typed_dict(hint: Any) -> bool:
    """Tell whether a hint is a class of dictionaries with known keys."""
    return isinstance(hint, type) and dict in hint.__mro__ and hasattr(hint, "__required_keys__")


def is_named_tuple(hint: Any) -> bool:
    """Tell whether a hint is a class of tuples with named items."""
    return isinstance(hint, type) and tuple in hint.__mro__ and hasattr(hint, "_fields")


def is_list(hint: Any) -> TypeGuard[list[Any]]:
    """Tell whether this is no hint, but the parameters of a ``Callable``."""
    return isinstance(hint, list)


_make: Final[Any] = TypeVar  # by a name that checkers do not follow: these variables belong to no declaration of ours
UNKNOWN: Final = _make("UNKNOWN")
"""Fits nothing for certain: the argument of a base that was written without arguments."""


def _declare(signs: str, *bases: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Make type variables (``+`` covariant, ``-`` contravariant, ``=`` invariant) and bases; numbers are variables."""
    variables = tuple(_make(f"T{i}", covariant=sign == "+", contravariant=sign == "-") for i, sign in enumerate(signs))
    return variables, tuple(
        GenericAlias(base, tuple(variables[a] if isinstance(a, int) else a for a in args)) for base, *args in bases
    )


_DECLARED: Final = {
    # The built-in classes do not tell their parameters and bases at run time. Source: typeshed.
    abc.Container: _declare("+"),
    abc.Iterable: _declare("+"),
    abc.Iterator: _declare("+", (abc.Iterable, 0)),
    abc.Generator: _declare("+-+", (abc.Iterator, 0)),
    abc.Reversible: _declare("+", (abc.Iterable, 0)),
    abc.Collection: _declare("+", (abc.Iterable, 0), (abc.Container, 0), (abc.Sized,)),
    abc.Sequence: _declare("+", (abc.Reversible, 0), (abc.Collection, 0)),
    abc.MutableSequence: _declare("=", (abc.Sequence, 0)),
    abc.Set: _declare("+", (abc.Collection, 0)),
    abc.MutableSet: _declare("=", (abc.Set, 0)),
    abc.Mapping: _declare("=+", (abc.Collection, 0)),
    abc.MutableMapping: _declare("==", (abc.Mapping, 0, 1)),
    abc.KeysView: _declare("+", (abc.Set, 0)),
    abc.ValuesView: _declare("+", (abc.Collection, 0)),
    abc.ItemsView: _declare("++", (abc.Set, UNKNOWN)),
    abc.Awaitable: _declare("+"),
    abc.Coroutine: _declare("+-+", (abc.Awaitable, 2)),
    abc.AsyncIterable: _declare("+"),
    abc.AsyncIterator: _declare("+", (abc.AsyncIterable, 0)),
    abc.AsyncGenerator: _declare("+-", (abc.AsyncIterator, 0)),
    list: _declare("=", (abc.MutableSequence, 0)),
    set: _declare("=", (abc.MutableSet, 0)),
    frozenset: _declare("+", (abc.Set, 0)),
    dict: _declare("==", (abc.MutableMapping, 0, 1), (abc.Reversible, 0)),
    collections.deque: _declare("=", (abc.MutableSequence, 0)),
    collections.defaultdict: _declare("==", (dict, 0, 1)),
    collections.OrderedDict: _declare("==", (dict, 0, 1)),
    collections.Counter: _declare("=", (dict, 0, int)),
    collections.ChainMap: _declare("==", (abc.MutableMapping, 0, 1)),
    str: _declare("", (abc.Sequence, str)),
    bytes: _declare("", (abc.Sequence, int)),
    bytearray: _declare("", (abc.MutableSequence, int)),
    memoryview: _declare("", (abc.Sequence, int)),
    range: _declare("", (abc.Sequence, int)),
}


def seen_as(hint: Any, base: type, missing: Any = Any) -> tuple[Any, ...] | None:
    """Find the arguments that a type has when seen as one of its bases; ``None`` if it has no such base.

    ``dict[str, int]`` seen as ``Iterable`` has the argument ``str``. Arguments that are not written are ``missing``.
    """
    cls, args = class_of(hint), arguments(hint)
    variables, bases = declaration(cls)
    if cls is tuple:
        args = (missing, ...) if args is None else args
        items = tuple(item for item in args if item is not ...)
        bases = (GenericAlias(abc.Sequence, (union(items) if items else Never,)),)
    elif args is None:
        args = (missing,) * len(variables)
    if cls is base:
        return args
    known = len(args) == len(variables) and all(isinstance(variable, TypeVar) for variable in variables)
    bound = dict(zip(variables, args if known else (UNKNOWN,) * len(variables), strict=True))
    found = (seen_as(substitute(parent, bound), base, UNKNOWN) for parent in bases)
    return next((arguments for arguments in found if arguments is not None), None)


def declaration(cls: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """List the type variables and the bases of a class."""
    if cls in _DECLARED:
        return _DECLARED[cls]
    if not isinstance(cls, type):
        return (), ()
    variables, bases = _written(cls)
    if is_typed_dict(cls):
        bases = (GenericAlias(abc.Mapping, (str, object)),)
    elif is_named_tuple(cls):
        hints = class_hints(cls)
        names: tuple[str, ...] = getattr(cls, "_fields", ())
        bases = (GenericAlias(tuple, tuple(hints.get(name, Any) for name in names)),)
    return variables, bases


def _written(cls: type) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """List the type variables and the bases that the class statement says, which for records are not those of mypy."""
    bases: tuple[Any, ...] = vars(cls).get("__orig_bases__", cls.__bases__)
    inherited = dict.fromkeys(variable for base in bases for variable in getattr(base, "__parameters__", ()))
    variables: tuple[Any, ...] = getattr(cls, "__parameters__", tuple(inherited))
    return variables, tuple(base for base in bases if get_origin(base) not in (typing.Generic, typing.Protocol))


def bindings(hint: Any) -> dict[Any, Any]:
    """Map the type variables of a class and of its bases to what they stand for; ``Any`` if that is two things."""
    cls, args = class_of(hint), arguments(hint) or ()
    if not isinstance(cls, type):
        return {}
    variables, bases = _written(cls)
    bound: dict[Any, Any] = dict(zip(variables, args, strict=True)) if len(args) == len(variables) else {}
    for parent in bases:
        for variable, meaning in bindings(substitute(parent, bound)).items():
            bound[variable] = meaning if bound.get(variable, meaning) == meaning else Any
    return bound


def show(hint: Any) -> str:
    """Write a type the way mypy writes it in messages."""
    if is_list(hint):
        return f"[{_list(hint)}]"
    if hint is ... or isinstance(hint, str):
        return "..." if hint is ... else hint
    if _is_recursive(hint):
        return str(hint)
    hint = plain(hint)
    cls, args = class_of(hint), arguments(hint)
    if cls in (Union, Literal):
        return _show_union(hint)
    if args is None:
        count = len(declaration(cls)[0])
        args = (Any, ...) if cls is tuple else (..., Any) if cls is CALLABLE else (Any,) * count
    name: str = _NAMES.get(cls) or getattr(cls, "__name__", None) or str(cls).removeprefix("typing.")
    inner = _list(args) or ("()" if cls is tuple else "")
    return f"{name}[{inner}]" if inner else name


_NAMES: Final[dict[Any, str]] = {type(None): "None", abc.Set: "AbstractSet"}


def _list(hints: Iterable[Any]) -> str:
    return ", ".join(map(show, hints))


def _show_union(hint: Any) -> str:
    """Join the names of the members: several literals in one and first, ``None`` last."""
    members = list(dict.fromkeys(members_of(hint)))
    literals = [member for member in members if class_of(member) is Literal]
    together = f"Literal[{', '.join(_value(get_args(literal)[0]) for literal in literals)}]"
    if len(literals) > 1:
        members = [literals[0], *(member for member in members if member not in literals)]
    names = [together if member in literals else show(member) for member in members if member is not type(None)]
    return " | ".join([*names, "None"] if type(None) in members else names)


def _value(literal: Any) -> str:
    return f"{type(literal).__name__}.{literal.name}" if isinstance(literal, Enum) else repr(literal)


def members_of(hint: Any) -> Iterable[Any]:
    """List the members of a union, also of unions in it; of another hint, itself."""
    hint = hint if _is_recursive(hint) else plain(hint)
    if class_of(hint) is not Union:
        yield hint
    else:
        for member in get_args(hint):
            yield from members_of(member)


def _is_recursive(alias: Any) -> bool:
    """Tell whether a hint is an alias that contains itself."""
    seen: list[Any] = []
    todo = [alias.__value__] if _is_alias(alias) else []
    while todo:
        hint = todo.pop()
        if _is_alias(hint) and hint not in seen:
            seen.append(hint)
            todo.append(hint.__value__)
        todo.extend(getattr(hint, "__args__", ()))
    return alias in seen
