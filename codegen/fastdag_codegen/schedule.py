"""Which steps run as one, and what each group of them waits for, where several run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fastdag_typed.analysis import linear_groups, topological_order
from fastdag_typed.exceptions import CompileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIZE: Final = 50
"""So many steps are one group at most."""


class Schedule(NamedTuple):
    """Groups of steps, each in its order; for each group those that wait for it, and for how many it waits itself."""

    groups: tuple[tuple[int, ...], ...]
    successors: tuple[tuple[int, ...], ...]
    missing: tuple[int, ...]


def schedule(waits: Sequence[Sequence[int]], size: int = SIZE) -> Schedule:
    """Make a group of each chain in which a step waits for the one before alone, and nothing else waits for that one.

    Nothing is lost by that: no two steps of such a chain could ever run at once, and what the first one waits for, or
    what waits for the last one, is as it was.

    Args:
        waits: for each step those it waits for, transitively reduced; steps are numbered in topological order.
        size: how long a group may be; longer chains are cut.

    Raises:
        CompileError: see ``arranged``.
    """
    chains = linear_groups(waits, [True] * len(waits))
    chained = {step for chain in chains for step in chain}
    groups = [chain[start : start + size] for chain in chains for start in range(0, len(chain), size)]
    return arranged([*groups, *((step,) for step in range(len(waits)) if step not in chained)], waits)


def arranged(groups: Iterable[tuple[int, ...]], waits: Sequence[Sequence[int]]) -> Schedule:
    """Find what groups of steps wait for; they are given in the order of their first steps.

    Raises:
        CompileError: a step is in no group or in two, a group does not keep the order of its steps, or is not convex:
            a step outside of it waits for one of its steps, and another one of them for that.
    """
    ordered = sorted(groups)
    if sorted(step for group in ordered for step in group) != list(range(len(waits))):
        raise CompileError("each step is in one group")
    if any(list(group) != sorted(group) for group in ordered):
        raise CompileError("the steps of a group keep their order")
    group_of = {step: number for number, group in enumerate(ordered) for step in group}
    before = [
        sorted({group_of[pred] for step in group for pred in waits[step]} - {number})
        for number, group in enumerate(ordered)
    ]
    if len(topological_order(before)) != len(ordered):
        raise CompileError("a group of steps is not convex: something outside of it has to run in between")
    successors: list[list[int]] = [[] for _ in ordered]
    for number, preds in enumerate(before):
        for pred in preds:
            successors[pred].append(number)
    return Schedule(tuple(ordered), tuple(map(tuple, successors)), tuple(map(len, before)))
