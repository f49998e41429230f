"""Nodes that would do something else as native code that believed their types, or had numbers of 64 bits."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

from fastdag_typed import DAG

dag = DAG("native")
log: list[str] = []


class MissingError(LookupError):
    """What is raised from something else."""


def note(text: str) -> str:
    log.append(text)
    return text


@dag.node
def grown(number: int) -> int:
    """Grow beyond 64 bits."""
    for _ in range(70):
        number = number * 2 + 1
    return number


@dag.node
def kept(number: int) -> int:
    return number


@dag.node
def wide(amount: float) -> float:
    return amount


@dag.node
def scaled(amount: float) -> float:
    factor = 1.5
    return -(amount * factor) if amount > 0.25 else amount


@dag.node
def total(values: list[float]) -> float:
    found = 0.0
    for value in values:
        found += value
    return found


@dag.node
def filled(values: list[float], number: int) -> list[float]:
    found = [value / 2 for value in values if value == value]  # noqa: PLR0124 - a test for nan
    found.append(number)
    values.append(number)
    return found


@dag.node
def shown(text: str) -> str:
    return note(f"{text.strip().title()!r:>12}|{len(text)}")


@dag.node
def sorted_out(value: object) -> str:
    match value:
        case bool() | None:
            return "truth"
        case int(number) if number > 2:
            return f"number {number}"
        case [first, *rest]:
            return f"{first} and {len(rest)}"
        case _:
            return "other"


@dag.node
def looked_up(text: str) -> str:
    known = {"": 1, "one": 2, " one": 3}
    try:
        number = known[text]
    except KeyError as error:
        note("missing")
        if text == "context":
            raise MissingError(text)  # noqa: B904 - without a cause on purpose
        raise MissingError(text) from error
    finally:
        note("looked")
    return f"{number}"


@dag.node
def divided(found: float, number: int) -> float:
    if number == 13:
        raise KeyboardInterrupt
    rest = number % 7
    return found / rest


total >> divided
