"""Workflows within one another, the innermost of which look at the runs around them."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

from typing import Any

from fastdag_typed import DAG, FSM, Context, FSMContext


def around(context: Context) -> list[dict[str, Any]]:
    """Show the results so far of each run around, and its metadata."""
    found: list[dict[str, Any]] = []
    seen = context.parent
    while seen is not None:
        found.append({**seen.metadata, **seen.results})
        seen = seen.parent
    return found


innermost = DAG("innermost", metadata={"at": "innermost"})


@innermost.node
def look(y: int, context: Context) -> list[dict[str, Any]]:
    return around(context)


middle = DAG("middle", metadata={"at": "middle"})


@middle.node
def double(y: int) -> int:
    return y * 2


middle_look = middle.add_workflow("look_around", innermost)
double >> middle_look

machine = FSM("machine")


@machine.state(is_initial=True)
def begin(found: list[dict[str, Any]], context: FSMContext) -> list[object]:
    return [found, around(context)]


outer = DAG("outer", metadata={"at": "outer"})


@outer.node(pure=True)
def first(x: int) -> int:
    return x + 1


@outer.node(pure=True)
def aside(x: int) -> int:
    return x - 1


way = outer.add_workflow("way", middle)
end = outer.add_workflow("end", machine)
way.after(aside)
first >> way >> end
