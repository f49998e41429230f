"""A straight workflow: fields, defaults, a variadic port, one input name for two nodes, order without data."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypedDict, TypeVar

from fastdag_typed import DAG

T = TypeVar("T")
HERE: Final = Path("in.txt")

etl = DAG("etl", metadata={"owner": "tests"})


class Lines(TypedDict):
    """What ``load`` gives."""

    lines: list[str]
    path: Path


class Counted(NamedTuple):
    """What ``count`` gives."""

    total: int
    longest: int


@dataclass(frozen=True)
class Price:
    """What ``price`` gives."""

    amount: Decimal
    currency: Literal["EUR", "USD"]


@etl.node
def load(path: Path = HERE, *, limit: int = 3) -> Lines:
    """Make lines.

    Not from the file: a test needs none.
    """
    return {"lines": [f"{path.name}-{n}" for n in range(limit)], "path": path}


@etl.node
def count(lines: list[str]) -> Counted:
    return Counted(len(lines), max(map(len, lines), default=0))


@etl.node(outputs=["head", "tail"])
def split(lines: list[str]) -> tuple[str, list[str]]:
    """Take off the first line."""
    return lines[0], lines[1:]


@etl.node
def price(total: int, limit: float = 1.5) -> Price:
    return Price(Decimal(str(limit)) * total, "EUR")


@etl.node
def first(*parts: object) -> object:
    return parts[0]


@etl.node
def same(value: T) -> T:
    return value


@etl.node
def report(head: str, amount: Decimal, currency: str = "EUR", note: str | None = None) -> str:
    return f"{head}: {amount} {currency}{note or ''}"


load >> count >> price
load >> split
[count, price, split] >> first >> same
split.connect_to(report, output_name="head")
price.connect_to(report, output_name="amount")
price.connect_to(report, output_name="currency")
report.after(same)
