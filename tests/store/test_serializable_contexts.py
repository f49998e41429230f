"""A context that was stored comes back as it was, or says what cannot be stored; reading it runs nobody's code."""

from __future__ import annotations

import json
import math
import pickle
import sys
import threading
import types
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum, StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Generic, Literal, NamedTuple, NewType, TypedDict, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed import (
    DAG,
    FSM,
    UNSET,
    FSMReturn,
    NodeExecution,
    Results,
    Runner,
    SerializationError,
    from_dict,
    to_dict,
)
from fastdag_typed.policies.isolate import IsolatedContext
from fastdag_typed.store.contexts import SerializableContext
from fastdag_typed.store.values import NotStored

T = TypeVar("T")


class Colour(Enum):
    RED = 1
    GREEN = (0, 255, 0)
    CRIMSON = 1  # noqa: PIE796 - another name of the same member


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    YES = "yes"


class Rights(Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    colour: Colour = Colour.RED


class Row(TypedDict):
    point: Point


@dataclass
class Item:
    name: str
    rights: Rights
    tags: set[str] = field(default_factory=set[str])
    size: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.size = len(self.name)


@dataclass(frozen=True)
class Order(Generic[T]):
    items: tuple[Item, ...]
    price: Decimal
    of: dict[date, T]
    row: Row | None = None
    before: Order[T] | None = None


TYPES = (Order, Item, Point, Colour, Level, Word, Rights)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=-3, seconds=7)), ZoneInfo("Europe/Berlin")])
FLAT = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    TEXT,
    st.complex_numbers(allow_nan=False),
    st.decimals(allow_nan=False),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(timezones=ZONES),
    st.times(timezones=ZONES),
    st.timedeltas(),
    st.uuids(),
    st.builds(Path, st.sampled_from(["", "a/b", "/", "é x"])),
    st.sampled_from([*Colour, *Level, *Word, Rights(0), Rights.READ, Rights.READ | Rights.WRITE, UNSET]),
    st.builds(Point, st.floats(allow_nan=False), st.sampled_from(Colour)),
)
HASHABLE = st.recursive(FLAT, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=3)
ITEM = st.builds(Item, TEXT, st.sampled_from(Rights), st.sets(TEXT, max_size=2))
VALUES = st.recursive(
    HASHABLE | ITEM | st.sets(HASHABLE, max_size=3) | st.binary(max_size=2).map(bytearray),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(TEXT, inner, max_size=3),
        st.dictionaries(TEXT, inner, max_size=3).map(Results),
        st.dictionaries(HASHABLE | st.just("$type"), inner, max_size=3),
        st.builds(Order, st.tuples(ITEM), st.decimals(allow_nan=False), st.dictionaries(st.dates(), inner, max_size=2)),
    ),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same types all through."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(map(same, one, other)) and all(map(same, one.values(), other.values()))
    if isinstance(one, list | tuple):
        return all(map(same, one, other))
    if isinstance(one, set | frozenset):
        return sorted(str(type(item)) for item in one) == sorted(str(type(item)) for item in other)
    if isinstance(one, Item | Order):
        return all(map(same, vars(one).values(), vars(other).values()))
    if isinstance(one, datetime | time):
        return type(one.tzinfo) is type(other.tzinfo) and one.utcoffset() == other.utcoffset()
    return isinstance(one, float | complex | Decimal) is False or repr(one) == repr(other)


@given(VALUES, VALUES)
def test_values_come_back_equal_and_of_their_types(result: Any, metadata: Any) -> None:
    context = SerializableContext({"a": result}, {"m": metadata})
    for again in (
        SerializableContext().from_dict(context.to_dict(), types=TYPES),
        SerializableContext().from_json(context.to_json(), types=TYPES),
        SerializableContext().from_pickle(context.to_pickle(), trusted=True),
    ):
        assert again == context
        assert same(again.results["a"], result)
        assert same(again.metadata["m"], metadata)


@pytest.mark.parametrize("number", [math.nan, complex(math.nan, -0.0), Decimal("NaN"), Decimal("sNaN12"), -0.0])
def test_numbers_that_are_no_numbers_come_back(number: Any) -> None:
    again = SerializableContext().from_json(SerializableContext({"a": [number]}).to_json()).results["a"][0]
    assert type(again) is type(number)
    assert repr(again) == repr(number)


def test_paths_of_other_systems_and_moments_that_come_twice_come_back() -> None:
    twice = datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    values = {"windows": PureWindowsPath("c:/x"), "posix": PurePosixPath("/x"), "twice": twice}
    again = SerializableContext().from_json(SerializableContext(values).to_json()).results
    assert again == values
    assert again["twice"].utcoffset() == twice.utcoffset() == timedelta(hours=1)
    assert type(again["windows"]) is PureWindowsPath


def test_the_document_is_plain_and_in_a_known_form() -> None:
    context = SerializableContext({"a": (1, b"x")}, {"m": Colour.RED}, {"a": NodeExecution(0, "done")})
    data = context.to_dict()
    assert data == {
        "format": 1,
        "results": {"a": {"$type": "tuple", "value": [1, {"$type": "bytes", "value": "eA=="}]}},
        "metadata": {"m": {"$type": f"{__name__}.Colour", "value": "RED"}},
        "execution_info": {
            "a": {"order": 0, "status": "done", "start": 0.0, "duration": 0.0, "attempts": 0, "branch": None}
        },
        "current_state": None,
        "state_history": [],
        "cycle_count": 0,
        "cycle_results": {},
    }
    assert json.loads(context.to_json(indent=2)) == data


def test_what_runs_left_comes_back_whole() -> None:
    dag = DAG("d")

    @dag.node
    def order(price: Decimal) -> Order[int]:
        return Order((Item("pen", Rights.READ),), price, {date(2026, 1, 1): 1}, {"point": Point(0.5)})

    @dag.node
    def best(order: Order[int]) -> list[Item]:
        return list(order.items)

    order >> best
    context = SerializableContext(metadata={"who": ("me", 1)})
    metrics = Runner(dag).run({"price": Decimal("1.20")}, context=context)
    again = SerializableContext().from_json(context.to_json(), workflow=dag)

    assert again == context
    assert type(again.results["order"].row["point"]) is Point
    assert again.execution_info == metrics.executions
    assert again.execution_info["best"].status == "done"


def test_a_state_machine_comes_back_with_its_history() -> None:
    fsm = FSM("m")

    @fsm.state(initial=True)
    def go(turns: int, context: SerializableContext) -> FSMReturn[Point]:
        return FSMReturn("go" if context.cycle_count < turns else None, Point(context.cycle_count))

    context = SerializableContext()
    fsm.run(turns=3, context=context)
    again = SerializableContext().from_json(context.to_json(), workflow=fsm)
    assert again == context
    assert again.get_result("go.2") == Point(2)
    assert (again.state_history, again.cycle_count) == (["go", "go", "END"], 3)


def test_what_comes_back_is_isolated_and_takes_the_place_of_all_that_was_there() -> None:
    context = SerializableContext({"old": 1}, {"old": 1})
    assert context.from_dict(SerializableContext({"a": [1]}).to_dict()) is context
    context.results["a"].append(2)
    assert (context.results, context.metadata) == ({"a": [1]}, {})
    assert isinstance(context.create_child_context(), SerializableContext)
    assert isinstance(context, IsolatedContext)


# -- which types may be made ------------------------------------------------------------------------------------------

Id = NewType("Id", Level)
V = TypeVar("V", bound=Item)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Item, Item("a", Rights.READ)),
        (list[Item | None], [Item("a", Rights.READ)]),
        (Row, {"point": Point(1.0, Colour.GREEN)}),
        (Literal[Word.YES], Word.YES),
        (Id, Level.LOW),
        (V, Item("a", Rights.WRITE)),
        (dict[Colour, Order[Point]], {Colour.RED: Order((), Decimal(1), {date(2026, 1, 1): Point(1)})}),
    ],
)
def test_types_that_are_mentioned_in_known_types_are_known(hint: Any, value: Any) -> None:
    document = SerializableContext({"a": value}).to_json()
    assert SerializableContext().from_json(document, types=[hint]).results["a"] == value
    with pytest.raises(SerializationError, match="is not known here"):
        SerializableContext().from_json(document)


def test_types_of_ports_also_of_inner_workflows_are_known() -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def make(words: list[Word]) -> Point:
        return Point(len(words))

    outer.add_workflow("nested", inner)
    document = SerializableContext({"a": Point(1), "b": Word.YES}).to_json()
    assert SerializableContext().from_json(document, workflow=outer).results == {"a": Point(1), "b": Word.YES}


def test_a_module_stands_for_the_classes_that_it_defines() -> None:
    document = SerializableContext({"a": Item("a", Rights.READ)}).to_json()
    assert SerializableContext().from_json(document, types=[sys.modules[__name__]]).results["a"].name == "a"
    with pytest.raises(SerializationError, match="is not known here"):
        SerializableContext().from_json(document, types=[types, pytest])


def test_a_class_that_was_moved_is_given_by_its_old_name() -> None:
    document = SerializableContext({"a": Level.LOW}).to_json().replace(f"{__name__}.Level", "old.place.Level")
    assert SerializableContext().from_json(document, types={"old.place.Level": Level}).results["a"] is Level.LOW
    with pytest.raises(TypeError, match="no dataclass, named tuple or enum"):
        SerializableContext().from_json(document, types={"old.place.Level": int})


def test_two_classes_of_one_name_are_told_apart_by_the_caller() -> None:
    def local(kind: str) -> Any:
        @dataclass
        class Same:
            kind: str

        Same.__doc__ = kind
        return Same

    one, other = local("one"), local("other")
    document = SerializableContext({"a": one("x")}).to_json()
    name = f"{one.__module__}.{one.__qualname__}"
    with pytest.raises(SerializationError, match="two classes are called"):
        SerializableContext().from_json(document, types=[one, other])
    assert type(SerializableContext().from_json(document, types={name: other}).results["a"]) is other


def test_an_unknown_type_is_named_with_what_was_meant() -> None:
    document = SerializableContext({"a": [{"b": Level.LOW}]}).to_json().replace("Level", "Levle")
    with pytest.raises(SerializationError, match=r'did you mean ".*\.Level"') as caught:
        SerializableContext().from_json(document, types=TYPES)
    assert caught.value.path == "results.a[0].b"


def test_reading_imports_and_runs_nothing() -> None:
    for name in ("antigravity.Joke", "os.system", "builtins.eval", "subprocess.Popen", "fastdag_typed.cli.main"):
        hostile = {"results": {"a": {"$type": name, "value": {"args": "x"}}}}
        with pytest.raises(SerializationError, match="is not known here"):
            SerializableContext().from_dict(hostile, types=TYPES)
    assert "antigravity" not in sys.modules


# -- what cannot be stored --------------------------------------------------------------------------------------------


class Odd:
    def __repr__(self) -> str:
        return "an odd thing"

    def __deepcopy__(self, memo: object) -> Odd:
        return self

    def __reduce__(self) -> Any:
        raise TypeError("odd")


class Broken(Odd):
    def __repr__(self) -> str:
        raise ZeroDivisionError


class Text(str):
    __slots__ = ()


class Far(tzinfo):
    def utcoffset(self, _: object) -> timedelta:
        return timedelta(0)


@dataclass
class Keyed(dict[str, int]):
    name: str = ""


@dataclass
class Needing:
    name: str
    secret: InitVar[str]


@dataclass
class Empty:
    name: str = field(init=False)


REFUSED: list[tuple[Any, str]] = [
    (Odd(), "make it a dataclass"),
    (Text("x"), "Text cannot be stored"),
    (Results, "a type cannot be stored"),
    (datetime(2026, 1, 1, tzinfo=Far()), "its time zone is"),
    (Keyed("x"), "what it holds as such would be lost"),
    (Needing("x", "s"), "cannot be made of its fields: missing a required argument: 'secret'"),
    (Empty(), 'has no value for its field "name"'),
    ("\ud800", "half a surrogate pair"),
    (1 << 20_000, "more than 4,200 digits"),
    ({number * (2**61 - 1) for number in range(300)}, "too many items have the same hash"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_cannot_be_stored_is_named_with_its_place(value: Any, message: str) -> None:
    context = SerializableContext({"fine": 1, "a": {"b": [0, Order((), Decimal(1), {date(2026, 1, 1): value})]}})
    for write in (context.to_dict, context.to_json):
        with pytest.raises(SerializationError, match=message) as caught:
            write()
        assert caught.value.path == "results.a.b[1].of[datetime.date(2026, 1, 1)]"
    with pytest.raises(SerializationError, match=message) as caught:
        SerializableContext(metadata={"a": value}).to_dict()
    assert caught.value.path == "metadata.a"


def test_a_stand_in_says_that_it_is_one() -> None:
    context = SerializableContext({"a": [1, Odd(), (Broken(),)], "b": {Odd(): 1}, "c": {1, Odd()}, "d": 2})
    document = context.to_json(unstorable="repr")
    again = SerializableContext().from_json(document)

    odd = f"{__name__}.Odd"
    assert again.results["a"] == [
        1,
        NotStored(odd, "an odd thing"),
        (NotStored(f"{__name__}.Broken", "<its repr raises ZeroDivisionError>"),),
    ]
    assert again.results["b"] == NotStored("dict", "{an odd thing: 1}")  # its key could not be told from others
    assert again.results["c"].type == "set"
    assert again.results["d"] == 2
    assert again.to_json() == document
    with pytest.raises(ValueError, match='unstorable is "error" or "repr"'):
        context.to_dict(unstorable="ignore")  # type: ignore[arg-type]


def test_a_stand_in_shows_no_more_than_a_page() -> None:
    class Long(Odd):
        def __repr__(self) -> str:
            return "\ud800" + "x" * 100_000

    again = SerializableContext().from_dict(SerializableContext({"a": Long()}).to_dict(unstorable="repr"))
    assert again.results["a"].text.startswith("\\ud800xxx")
    assert len(again.results["a"].text) < 1100


@pytest.mark.parametrize("unstorable", ["error", "repr"])
def test_a_value_inside_itself_is_refused_or_shown_once(unstorable: Any) -> None:
    loop: list[Any] = []
    loop += [loop, loop]
    context = SerializableContext({"loop": loop})
    if unstorable == "error":
        with pytest.raises(SerializationError, match=r"results.loop\[0\]: the value is inside itself"):
            context.to_dict()
    else:
        again = SerializableContext().from_dict(context.to_dict(unstorable=unstorable))
        assert again.results["loop"] == [NotStored("list", "[[...], [...]]")] * 2


def nested(depth: int, wrap: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    ("wrap", "deepest"),
    [
        (lambda value: [value], 100),
        (lambda value: {"a": value}, 100),
        (lambda value: (value,), 50),
        (lambda value: {1: value}, 33),
        (lambda value: Point(1.0, value), 50),
    ],
)
def test_what_is_nested_as_deep_as_it_may_be_comes_back_and_deeper_is_refused(wrap: Any, deepest: int) -> None:
    value = nested(deepest, wrap)
    assert (
        SerializableContext().from_json(SerializableContext({"a": value}).to_json(), types=TYPES).results["a"] == value
    )
    with pytest.raises(SerializationError, match="nested more than 100 deep") as caught:
        SerializableContext({"a": wrap(value)}).to_json()
    assert caught.value.path.startswith("results.a")
    kept = SerializableContext({"a": wrap(value)}).to_dict(unstorable="repr")
    assert "NotStored" in repr(SerializableContext().from_dict(kept, types=TYPES).results["a"])


def test_little_stack_left_is_said() -> None:
    context = SerializableContext({"a": nested(90, lambda value: [value])})
    document = context.to_dict()
    limit = sys.getrecursionlimit()
    depth = len(list(_frames()))
    sys.setrecursionlimit(depth + 60)
    try:
        for call in (context.to_json, lambda: SerializableContext().from_dict(document)):
            with pytest.raises((SerializationError, TypeError), match=r"nested too deep|RecursionError"):
                call()
    finally:
        sys.setrecursionlimit(limit)


def _frames() -> Any:
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back  # type: ignore[assignment]


# -- hostile documents ------------------------------------------------------------------------------------------------

WRONG: list[tuple[Any, str, str]] = [
    ({"format": 2}, "format", "the one that this version reads"),
    ({"format": [[[]]]}, "format", "the one that this version reads"),
    ({"result": {}}, "", 'no field "result".*did you mean "results"'),
    ({"results": []}, "results", "expected a mapping"),
    ({"results": {1: 1}}, "results", "the key 1 is not text"),
    ({"results": {"a": Level.LOW}}, "results.a", "is not plain data"),
    ({"results": {"a": {"$type": "tuple"}}}, "results.a", "expected a mapping of"),
    ({"results": {"a": {"$type": "tuple", "value": [], "more": 1}}}, "results.a", "expected a mapping of"),
    ({"results": {"a": {"$type": ["tuple"], "value": []}}}, "results.a", "expected a mapping of"),
    ({"results": {"a": {"$type": "tuple", "value": {}}}}, "results.a", "expected a list for tuple"),
    ({"results": {"a": {"$type": "set", "value": [[]]}}}, "results.a", "this is no set: TypeError: unhashable"),
    ({"results": {"a": {"$type": "dict", "value": [[1]]}}}, "results.a", "expected pairs"),
    ({"results": {"a": {"$type": "dict", "value": [[1, 1], [True, 2]]}}}, "results.a", "a key is given twice"),
    ({"results": {"a": {"$type": "date", "value": "today"}}}, "results.a", "this is no date: ValueError"),
    ({"results": {"a": {"$type": "date", "value": 5}}}, "results.a", "expected a str for date"),
    ({"results": {"a": {"$type": "bytes", "value": "ä"}}}, "results.a", "this is no bytes"),
    ({"results": {"a": {"$type": "Decimal", "value": "x"}}}, "results.a", "this is no Decimal"),
    ({"results": {"a": {"$type": "timedelta", "value": 10**40}}}, "results.a", "this is no timedelta"),
    ({"results": {"a": {"$type": "UUID", "value": "1"}}}, "results.a", "this is no UUID"),
    (
        {"results": {"a": {"$type": "datetime", "value": "2026-01-01T00:00:00+00:00[../../etc/passwd]"}}},
        "results.a",
        "this is no datetime",
    ),
    ({"results": {"a": {"$type": f"{__name__}.Colour", "value": "mro"}}}, "results.a", "this is no .*Colour: KeyError"),
    ({"results": {"a": {"$type": f"{__name__}.Rights", "value": 64}}}, "results.a", "this is no .*Rights: ValueError"),
    ({"results": {"a": {"$type": f"{__name__}.Point", "value": {}}}}, "results.a", "this is no .*Point: TypeError"),
    (
        {"results": {"a": [{"$type": f"{__name__}.Item", "value": {"nmae": ""}}]}},
        "results.a[0]",
        'has no field "nmae" .did you mean "name"',
    ),
    ({"metadata": {"a": {"b": {"$type": "x", "value": 1}}}}, "metadata.a.b", 'the type "x" is not known'),
    ({"execution_info": {"a": {"order": "first"}}}, "execution_info.a.order", "expected a whole number"),
    ({"cycle_results": {"s": [[1, {"$type": "x", "value": 1}]]}}, "cycle_results.s[0]", 'the type "x" is not known'),
    ({"cycle_count": "1"}, "cycle_count", "expected a whole number"),
]


@pytest.mark.parametrize(("data", "path", "message"), WRONG)
def test_what_is_not_a_context_is_refused_with_its_place(data: Any, path: str, message: str) -> None:
    context = SerializableContext({"kept": 1})
    with pytest.raises(SerializationError, match=message) as caught:
        context.from_dict(data, types=TYPES)
    assert caught.value.path == path
    assert context.results == {"kept": 1}  # nothing is taken over by halves


def test_what_is_no_mapping_is_refused() -> None:
    for data in ([], None, "{}", nested(5000, lambda value: [value])):
        with pytest.raises(SerializationError, match="expected the mapping that to_dict gives"):
            SerializableContext().from_dict(data)  # type: ignore[arg-type]


def test_a_class_whose_init_refuses_is_reported_with_its_place() -> None:
    @dataclass
    class Positive:
        value: int

        def __post_init__(self) -> None:
            if self.value < 0:
                raise RuntimeError("negative")

    document = SerializableContext({"a": [Positive(5)]}).to_json().replace("5", "-5")
    with pytest.raises(SerializationError, match=r"results.a\[0\]: this is no .*Positive: RuntimeError: negative"):
        SerializableContext().from_json(document, types=[Positive])


@pytest.mark.parametrize(
    "text",
    [
        '{"results": {"a": ' + "[" * 100_000,
        '{"results": {"a": ' + "[" * 2000 + "]" * 2000 + "}}",
        '{"results": {"a": ' + '{"$type": "tuple", "value": [' * 300 + "]}" * 300 + "}}",
        '{"results": {"a": ' + "9" * 10_000 + "}}",
        '{"results": {"a": NaN}}',
        "{" + ", ".join(f'"k{number}": 1' for number in range(100_000)) + ', "k99999": 1}',
        '{"results": {"a": {"$type": "set", "value": ['
        + ", ".join(str(number * (2**61 - 1)) for number in range(100_000))
        + "]}}}",
        '{"results": {"a": {"$type": "dict", "value": ['
        + ", ".join(f"[{number * (2**61 - 1)}, 1]" for number in range(100_000))
        + "]}}}",
        b"\xff",
        "",
    ],
    ids=["unclosed", "deep", "deep tuples", "digits", "nan", "twice", "one hash", "one hash of keys", "bytes", "empty"],
)
def test_a_hostile_text_is_refused_at_once(text: str | bytes) -> None:
    with pytest.raises(SerializationError):
        SerializableContext().from_json(text)


def test_a_text_that_is_longer_than_is_allowed_is_refused() -> None:
    text = SerializableContext({"a": "x" * 1000}).to_json()
    with pytest.raises(SerializationError, match=f"longer than 500: give limit={len(text)}"):
        SerializableContext().from_json(text, limit=500)
    assert SerializableContext().from_json(text, limit=len(text)).results["a"] == "x" * 1000


# -- pickles ----------------------------------------------------------------------------------------------------------


RAN: list[str] = []


def run() -> None:
    RAN.append("run")


class Hostile:
    def __reduce__(self) -> Any:
        return run, ()


def test_a_pickle_is_read_only_by_who_says_that_he_trusts_it() -> None:
    hostile = pickle.dumps({"format": 1, "results": Hostile()})
    for options in ({}, {"trusted": False}, {"trusted": "yes"}, {"trusted": 1}):
        with pytest.raises(SerializationError, match="runs whatever code its writer put there"):
            SerializableContext().from_pickle(hostile, **options)  # type: ignore[arg-type]
    assert RAN == []
    with pytest.raises(SerializationError, match="not a pickled context"):
        SerializableContext().from_pickle(hostile, trusted=True)
    assert RAN == ["run"]  # so it is true


@pytest.mark.parametrize("data", [b"", b"garbage", pickle.dumps([]), pickle.dumps({"format": 1}), pickle.dumps(None)])
def test_what_is_no_pickled_context_is_refused(data: bytes) -> None:
    with pytest.raises(SerializationError, match="not a pickled context"):
        SerializableContext().from_pickle(data, trusted=True)


def test_what_cannot_be_pickled_is_named() -> None:
    context = SerializableContext({"fine": 1, "odd": [Odd()]})
    with pytest.raises(SerializationError, match="cannot be pickled") as caught:
        context.to_pickle()
    assert caught.value.path == "results.odd"


def test_contexts_can_be_stored_while_threads_write_them() -> None:
    context, stop = SerializableContext(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            context.set_result(f"r{number % 100}", (number,))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(50):
            again = SerializableContext().from_json(context.to_json())
            assert all(type(value) is tuple for value in again.results.values())
    finally:
        stop.set()
        thread.join()


def test_an_isolated_context_is_a_record_as_every_context() -> None:
    for kind in (IsolatedContext, SerializableContext):
        context = kind({"a": [1]}, {"m": 1})
        assert from_dict(kind, to_dict(context)) == context


def test_uuids_are_written_as_text() -> None:
    value = UUID(int=5)
    assert SerializableContext({"a": value}).to_dict()["results"]["a"]["value"] == str(value)
