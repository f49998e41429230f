"""What must hold for random types and values: what is of a type is accepted, a spoilt part is found, proofs hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypedDict, Union, get_args, get_origin

from hypothesis import event, given, settings
from hypothesis import strategies as st

from fastdag_typed.checks import checker
from fastdag_typed.checks.edges import proves

Typed = tuple[Any, st.SearchStrategy[Any]]
"""A type, and how values of it are drawn."""


class Spoilt:
    """A value that is of no type."""

    def __repr__(self) -> str:
        return "spoilt"


SPOILT = Spoilt()


class Row(TypedDict):
    number: int
    texts: list[str]


class Pair(NamedTuple):
    left: int
    right: dict[str, float | None]


FLAT: list[Typed] = [
    (int, st.integers() | st.booleans()),
    (float, st.floats(allow_nan=False) | st.integers()),
    (str, st.text(max_size=3)),
    (bool, st.booleans()),
    (None, st.none()),
    (Literal["a", 1], st.sampled_from(["a", 1])),
    (Row, st.fixed_dictionaries({"number": st.integers(), "texts": st.lists(st.text(max_size=2), max_size=2)})),
    (
        Pair,
        st.builds(
            Pair,
            st.integers(),
            st.dictionaries(st.text(max_size=2), st.none() | st.floats(allow_nan=False), max_size=2),
        ),
    ),
]


def around(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def of_items(typed: Typed) -> st.SearchStrategy[Typed]:
        hint, values = typed
        some = st.lists(values, max_size=3)
        return st.sampled_from(
            [
                (list[hint], some),
                (Sequence[hint], some | some.map(tuple)),
                (Iterable[hint], some | some.map(tuple)),
                (tuple[hint, ...], some.map(tuple)),
                (dict[str, hint], st.dictionaries(st.text(max_size=2), values, max_size=3)),
                (Mapping[str, hint], st.dictionaries(st.text(max_size=2), values, max_size=3)),
            ]
        )

    def of_several(typed: list[Typed]) -> st.SearchStrategy[Typed]:
        hints, values = [hint for hint, _ in typed], [value for _, value in typed]
        return st.sampled_from(
            [(Union[tuple(hints)], st.one_of(values)), (tuple[tuple(hints)], st.tuples(*values))]  # noqa: UP007
        )

    return inner.flatmap(of_items) | st.lists(inner, min_size=1, max_size=3).flatmap(of_several)


TYPES: st.SearchStrategy[Typed] = st.recursive(st.sampled_from(FLAT), around, max_leaves=5)


@given(TYPES, st.data())
def test_a_value_of_a_type_is_accepted(typed: Typed, data: st.DataObject) -> None:
    hint, values = typed
    assert checker(hint).find(data.draw(values)) is None


@given(TYPES, st.data())
def test_a_value_that_is_spoilt_somewhere_is_refused_in_the_same_way_each_time(
    typed: Typed, data: st.DataObject
) -> None:
    hint, values = typed
    value, place = spoil(data.draw(values), data)
    found = checker(hint).find(value)
    assert found is not None
    assert checker(hint).find(value) == found
    assert place.startswith(found.path)  # a union of several may say no more than that none of it fits
    assert type(value) not in checker(hint).passes


def spoil(value: Any, data: st.DataObject) -> tuple[Any, str]:
    """Put something wrong into a part of a value that is drawn; give the way to it too."""
    parts: list[Any] = []
    if isinstance(value, dict):
        parts = list(value)
    elif isinstance(value, list | tuple):
        parts = list(range(len(value)))
    if not parts or data.draw(st.booleans()):
        return SPOILT, ""
    at = data.draw(st.sampled_from(parts))
    inner, place = spoil(value[at], data)
    if isinstance(value, Pair):
        return value._replace(**{Pair._fields[at]: inner}), f".{Pair._fields[at]}{place}"
    if isinstance(value, tuple):
        return (*value[:at], inner, *value[at + 1 :]), f"[{at}]{place}"
    copy: Any = value.copy()
    copy[at] = inner
    return copy, f"[{at!r}]{place}"


ANYTHING = st.none() | st.integers() | st.text(max_size=2) | st.just([None])
VAGUE: st.SearchStrategy[Typed] = st.recursive(st.sampled_from([*FLAT, *[(Any, ANYTHING)] * 8]), around, max_leaves=5)


def wider(hint: Any, data: st.DataObject) -> Any:
    """Draw a type that most values of a type are of too."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return data.draw(st.sampled_from([Any, int, str, list[Any], object]))
    found = [hint, hint, object, Union[hint, bytes]]  # noqa: UP007 - the type is known at run time only
    if hint is int or hint is bool:
        found += [float, int]
    elif origin in (list, Sequence, Iterable) or args[1:] == (...,):
        item: Any = wider(args[0], data)
        found += [Iterable[item], Iterable[item], Iterable[item] if origin is Iterable else Sequence[item]]
    elif origin in (dict, Mapping):
        found += [Mapping[str, wider(args[1], data)]] * 3
    elif origin is tuple:
        found += [tuple[tuple(wider(arg, data) for arg in args)]] * 3
    elif origin is Union:
        found += [Union[tuple(wider(arg, data) for arg in args)]] * 3  # noqa: UP007 - the same
    return data.draw(st.sampled_from(found))


@settings(max_examples=300)
@given(VAGUE, st.data())
def test_what_is_proved_is_never_refused(typed: Typed, data: st.DataObject) -> None:
    hint, values = typed
    target = wider(hint, data)
    value = data.draw(values)
    event(f"proved: {proves(hint, target)}, refused: {checker(target).find(value) is not None}")
    assert not proves(hint, target) or checker(target).find(value) is None


@settings(max_examples=300)
@given(TYPES, st.data())
def test_a_type_without_any_proves_what_is_wider(typed: Typed, data: st.DataObject) -> None:
    hint, values = typed
    target = wider(hint, data)
    assert proves(hint, target)
    assert checker(target).find(data.draw(values)) is None
