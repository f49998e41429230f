"""``--input name=value``: each value is read by the type of its port."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NewType, TypedDict

import click
import pytest

from fastdag_typed import DAG
from fastdag_typed.cli.inputs import gather

if TYPE_CHECKING:
    from .conftest import Project

Meters = NewType("Meters", int)


class Colour(enum.Enum):
    RED = "red"
    BLUE = 7


@dataclass
class Point:
    x: int
    y: float = 0.5


class Pair(NamedTuple):
    left: int
    right: str


class Options(TypedDict):
    name: str
    paths: list[Path]


class Frame:
    pass


dag = DAG("types")


@dag.node
def show(
    *,
    text: str,
    number: int,
    meters: Annotated[Meters, "how far"],
    ratio: float,
    flag: bool,
    path: Path,
    colour: Colour,
    level: Literal["low", 3],
    maybe: int | None,
    either: int | str,
    day: date | None,
    point: Point | None,
    numbers: list[int],
    table: dict[str, float],
    options: Options,
    pair: Pair,
    places: tuple[Path, ...],
    anything: Any,
    raw: bytes,
    frame: Frame | None,
) -> None:
    """Take one port of each kind."""


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("text=5", "5"),
        ("text=a=b", "a=b"),
        ("text=", ""),
        ("number=-12", -12),
        ("meters=3", 3),
        ("ratio=1e3", 1000.0),
        ("flag=yes", True),
        ("flag=False", False),
        ("path=a/b", Path("a/b")),
        ("colour=BLUE", Colour.BLUE),
        ("colour=7", Colour.BLUE),
        ("colour=red", Colour.RED),
        ("level=3", 3),
        ("level=low", "low"),
        ("maybe=null", None),
        ("maybe=4", 4),
        ("either=4", 4),
        ("either=four", "four"),
        ("day=2024-02-29", date(2024, 2, 29)),
        ('point={"x": 1}', Point(1, 0.5)),
        ("point=null", None),
        ("numbers=[1, 2]", [1, 2]),
        ('table={"a": 1}', {"a": 1.0}),
        ('options={"name": "n", "paths": ["p"]}', {"name": "n", "paths": [Path("p")]}),
        ('pair=[1, "r"]', Pair(1, "r")),
        ('places=["a", "b"]', (Path("a"), Path("b"))),
        ('anything={"a": [1]}', {"a": [1]}),
        ("anything=plain words", "plain words"),
        ("raw=abc", b"abc"),
        ("frame=null", None),
    ],
)
def test_an_input_is_read_by_the_type_of_its_port(given: str, value: Any) -> None:
    name, _, _ = given.partition("=")
    found = gather(dag.plan(), None, [given])
    assert found == {name: value}
    assert type(found[name]) is type(value)
    assert gather(dag.plan(), None, [f"show.{given}"]) == {f"show.{name}": value}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("number=ten", 'Input "number" of node "show" expects "int", but is given \'ten\': invalid literal for int()'),
        ("flag=perhaps", "expects \"bool\", but is given 'perhaps': write true or false"),
        ("colour=GREEN", "but is given 'GREEN': it is one of RED, BLUE, red, 7"),
        ("level=high", "but is given 'high': it is one of low, 3"),
        ("maybe=x", "expects \"int | None\", but is given 'x': invalid literal"),
        ("day=tomorrow", "expects \"date | None\", but is given 'tomorrow': Invalid"),
        ('point={"y": 1}', "Object missing required field `x`"),
        ("numbers=1,2", "expects \"list[int]\", but is given '1,2': write it as JSON"),
        ('numbers=["a"]', "Expected `int`, got `str` - at `$[0]`"),
        ("frame=1", '"Frame" cannot be written as text'),
        ("nmber=1", 'Unknown input "nmber" (did you mean "number"?)'),
        ("number", '--input takes name=value, not "number"'),
    ],
)
def test_what_is_no_value_of_the_type_is_refused_with_the_reason(given: str, message: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        gather(dag.plan(), None, [given])
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("colour: BLUE", Colour.BLUE),
        ("colour: 7", Colour.BLUE),
        ("path: a/b", Path("a/b")),
        ("day: 2024-02-29", date(2024, 2, 29)),
        ("ratio: 3", 3.0),
        ("maybe: null", None),
        ("either: '4'", "4"),
        ("point: {x: 1}", Point(1)),
        ("raw: aGk=", b"hi"),
    ],
)
def test_a_document_says_values_in_its_own_types(project: Project, text: str, value: Any) -> None:
    file = project.write("in.yaml", f"{text}\n")
    found = gather(dag.plan(), str(file), [])
    assert list(found.values()) == [value]
    assert type(next(iter(found.values()))) is type(value)


def test_a_wrong_value_is_refused_before_anything_runs(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from fastdag_typed import DAG

        dag = DAG("typed")

        @dag.node
        def show(number: int, bare=None) -> int:
            print("running")
            return number
        """,
    )
    found = project.fastdag("run", "flow", "--input", "number=ten")
    assert (found.code, found.out) == (2, "")
    assert 'Input "number" of node "show" expects "int", but is given \'ten\'' in found.err
    assert project.fastdag("run", "flow", "--input", "number=10", "--input", "bare=[1]").out == "running\n10\n"
