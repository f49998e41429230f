"""When two values are the same by content, and copies that stay as they were."""

from __future__ import annotations

import array
import collections
import copy
import datetime as dt
import enum
import functools
import operator
import pathlib
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed import ConditionalReturn, Node
from fastdag_typed.policies.content import Digest, Unkeyed, snapshot


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Point:
    x: Any
    y: Any = field(default_factory=list)


class Pair(NamedTuple):
    x: Any
    y: Any


class Text(str):
    __slots__ = ()


class Buffer:
    """Tells its content by ``__reduce__``, as arrays do."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self):
        return Buffer, (self.data,)


def digest(value: Any) -> bytes:
    return Digest().of(value)


VALUES: list[Any] = [
    *[None, True, False, 0, 1, -1, 0.0, -0.0, 1.0, 1j, float("nan"), "1", b"1", "", ..., 10**5000, Text("1")],
    *[[], (), {}, set(), frozenset(), [1], (1,), [True], [1.0], ["1"], [[1]], [(1,)], {1}, {True}, frozenset({1})],
    *[{"a": 1}, {"a": True}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": {"b": 2}}, {("a", 1)}, [("a", 1)], ["a", 1]],
    *[bytearray(b"1"), array.array("d", [1]), array.array("f", [1]), Buffer(b"a"), Buffer(b"b"), [10**5000]],
    *[Point(1), Point(True), Point(1, [2]), Pair(1, 2), Pair(2, 1), (1, 2), Colour.RED, Colour.BLUE, Colour],
    *[Decimal(1), Decimal("1.0"), dt.date(2026, 1, 1), pathlib.PurePosixPath("a"), pathlib.PurePosixPath("b")],
    *[collections.OrderedDict(a=1), collections.Counter("a"), collections.defaultdict(list, a=1)],
    *[len, max, digest, operator.itemgetter(1), functools.partial(max, 1), int, bool, [].append, "x".upper],
    *[ValueError("a"), ValueError("b"), KeyError("a"), range(3), range(4), slice(1), object(), object()],
]


def test_different_values_never_have_the_same_digest():
    seen: dict[bytes, Any] = {}
    for value in VALUES:
        found = seen.setdefault(digest(value), value)
        assert found is value, f"{value!r} is taken for {found!r}"


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_has_the_same_digest_again_and_so_has_its_copy(value):
    assert digest(value) == digest(value)
    if type(value) is not object:  # it has no content beside itself
        assert digest([copy.deepcopy(value)]) == digest([value])


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(NESTED, NESTED)
def test_values_have_the_same_digest_if_and_only_if_they_are_written_alike(one, other):
    assert (digest(one) == digest(other)) is (repr(one) == repr(other))
    assert digest(copy.deepcopy(one)) == digest(one)


@given(st.lists(st.integers() | st.text(max_size=3), unique=True))
def test_the_order_in_which_a_set_was_filled_does_not_count(items):
    backwards = items[::-1]
    assert digest(set(items)) == digest(set(backwards))


def test_how_often_an_object_is_shared_does_not_count():
    row = {"a": 1}
    assert digest([row, row]) == digest([{"a": 1}, {"a": 1}])


def test_what_is_shared_again_and_again_is_read_once():
    value: list[Any] = [1.5]
    for _ in range(200):
        value = [value, value]
    assert digest(value) == digest(copy.deepcopy(value))


def test_classes_made_inside_of_functions_are_told_apart():
    def make() -> Any:
        @dataclass
        class Inner:
            x: int

        return Inner

    one, other = make(), make()
    assert digest(one(1)) == digest(one(1))
    assert digest(one(1)) != digest(other(1))


def test_functions_without_variables_of_their_own_are_themselves():
    functions = [lambda x: x, lambda x: x]
    assert digest(functions[0]) == digest(functions[0])
    assert digest(functions[0]) != digest(functions[1])


def looped() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def counter() -> Any:
    count = 0
    return lambda: count


@pytest.mark.parametrize(
    "value",
    [looped(), counter(), threading.Lock(), (n for n in ()), Point(counter()), {1: [pytest]}],
    ids=["loop", "closure", "lock", "generator", "inside", "module"],
)
def test_what_has_no_content_to_compare_is_told(value):
    with pytest.raises(Unkeyed):
        digest(value)


# -- copies -----------------------------------------------------------------------------------------------------------


def test_a_snapshot_gives_copies_of_what_the_value_was():
    value = {"rows": [1, 2]}
    again = snapshot(value)
    value["rows"].append(3)
    first = again()
    first["rows"].append(4)
    assert again() == {"rows": [1, 2]}


def test_what_cannot_change_is_given_as_it_is():
    for value in (None, "text", 10**100, object(), int, len, Colour.RED):
        assert snapshot(value)() is value


def test_objects_of_classes_made_inside_of_functions_are_copied_too():
    @dataclass
    class Inner:
        items: list[int]

    value = Inner([1])
    again = snapshot(value)
    value.items.append(2)
    assert again() == Inner([1])
    assert again() is not again()


class UnreadableError(Exception):
    """Can be written by pickle, and not be read."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)


@pytest.mark.parametrize(
    "value", [threading.Lock(), (n for n in ()), UnreadableError(1, "a")], ids=lambda v: type(v).__name__
)
def test_what_cannot_be_copied_is_refused_at_once(value):
    with pytest.raises(TypeError, match=f"a {type(value).__name__} cannot be copied"):
        snapshot(value)


def test_a_decision_keeps_the_node_that_it_names():
    node = Node(lambda: 1, "n")
    value = ConditionalReturn(True, [1], true_branch=node)
    again = snapshot(value)
    value.value.append(2)
    assert again().true_branch is node
    assert again().value == [1]
