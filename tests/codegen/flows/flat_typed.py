"""Functions that type checkers accept where they are; they must also where a parameter is known more narrowly."""

# pyright: reportUnusedExpression=false, reportUnnecessaryCast=false, reportUnnecessaryComparison=false
from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastdag_typed import DAG

typed = DAG("typed")


@dataclass
class Money:
    cents: int


@typed.node
def number(x: int) -> int:
    return x + 1


@typed.node
def halves(v: float) -> list[float]:
    found = [v]
    found.append(v / 2)
    best = v
    best = best * 0.5
    return [*found, best]


@typed.node
def wide(v: int | str) -> bool:
    return v == "x"


@typed.node
def told(v: object) -> int:
    return cast("int", v)


@typed.node
def moneys(v: int) -> list[Money]:
    found: list[Money] = []
    while len(found) < v:
        found.append(Money(len(found)))
    return found


@typed.node(pure=True)
def either(v: int) -> list[int] | tuple[int]:
    if v > 3:
        result: list[int] | tuple[int] = [v]
    else:
        result = (v,)
    return result


@typed.node(pure=True)
def count(v: list[int] | tuple[int] | None) -> int:
    total = 0
    for one in v or ():
        total += one
    return total


for other in (halves, wide, told, moneys, either):
    number >> other
either >> count
either >> typed.add_node(count.copy("again"))
