"""Wired by calls: constants, a node used twice, several values returned."""

from __future__ import annotations

from fractions import Fraction

from fastdag_typed import DAG

sums = DAG("sums")
HALF = Fraction(1, 2)


@sums.node
def add(a: float, b: float = 1.0) -> float:
    return a + b


@sums.node
def half(value: float, part: Fraction) -> float:
    return value * part


@sums.node
def named(*values: float, **more: object) -> str:
    return f"{values} {sorted(more.items())}"


@sums.compose
def flow(x: float, y: float = 2.5) -> tuple[float, str]:
    total = add(x, y)
    again = add(total, b=4)
    part = half(again, HALF)
    return part, named(total, part, unit="m", **{"not a name": (1, "two")})
