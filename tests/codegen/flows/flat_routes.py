"""Branches: conditions by edges and by name, a selection, joins, and what is skipped behind them."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

from typing import Any

from fastdag_typed import DAG, ConditionalReturn, SelectReturn

routes = DAG("routes")


@routes.node
def start(x: int) -> int:
    return x


@routes.condition
def is_even(value: int) -> bool:
    """Pass the value on to one side."""
    return value % 2 == 0


@routes.condition(true_branch="halve", false_branch="triple")
def by_name(value: int) -> ConditionalReturn[int]:
    """Decide by names given to the decorator, or by what is returned."""
    if value == 13:
        return ConditionalReturn(True, value, true_branch="triple")
    return ConditionalReturn(value < 10)


@routes.node
def halve(value: int) -> float:
    return value / 2


@routes.node
def triple(value: int) -> int:
    return value * 3


@routes.select
def size(value: int) -> SelectReturn[int]:
    return SelectReturn(value, None if value == 0 else "small" if value < 10 else "huge")


@routes.node
def small(value: int) -> str:
    return f"small {value}"


@routes.node
def large(value: int) -> str:
    return f"large {value}"


@routes.any
def either(a: float | None, b: int | None, *, c: str | None = None) -> list[Any]:
    return [a, b, c]


@routes.any
def told(value: int | None = None) -> str:
    return f"told {value}"


@routes.node
def behind(both: list[Any], text: str) -> str:
    return f"{both} {text}"


start >> [is_even, by_name]
is_even.on_true >> size
size >> small
size.on("huge") >> large
[halve, triple, small] >> either
is_even.on_false >> told
[either, large] >> behind
