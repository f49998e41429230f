"""Groups of steps that run as one: neither an order is lost by it, nor what could run at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_codegen.schedule import arranged, schedule
from fastdag_typed.analysis import transitive_reduction
from fastdag_typed.exceptions import CompileError

GRAPHS = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        *(st.sets(st.integers(0, node - 1)) if node else st.just(set[int]()) for node in range(size))
    )
)


def before(waits: list[tuple[int, ...]]) -> list[set[int]]:
    """Find for each node all that come before it."""
    found: list[set[int]] = []
    for preds in waits:
        found.append(set(preds).union(*(found[pred] for pred in preds)))
    return found


@given(GRAPHS, st.integers(1, 4))
def test_groups_keep_every_order_of_steps_and_add_none(graph: tuple[set[int], ...], size: int) -> None:
    waits = transitive_reduction([sorted(preds) for preds in graph])
    made = schedule(waits, size)
    preds: list[list[int]] = [[] for _ in made.groups]
    for number, followers in enumerate(made.successors):
        for follower in followers:
            preds[follower].append(number)
    assert [len(found) for found in preds] == list(made.missing)
    assert all(0 < len(group) <= size for group in made.groups)
    of = {step: number for number, group in enumerate(made.groups) for step in group}
    groups, steps = before([tuple(found) for found in preds]), before(waits)
    for later in range(len(graph)):
        for earlier in range(later):
            ordered = of[earlier] == of[later] or of[earlier] in groups[of[later]]
            assert ordered == (earlier in steps[later])


def test_a_chain_is_one_group_also_where_values_pass_by() -> None:
    assert schedule(transitive_reduction([[], [0], [0, 1], [2, 0]])).groups == ((0, 1, 2, 3),)


def test_a_long_chain_is_cut() -> None:
    made = schedule([(step - 1,) if step else () for step in range(120)])
    assert [len(group) for group in made.groups] == [50, 50, 20]
    assert (made.successors, made.missing) == (((1,), (2,), ()), (0, 1, 1))


def test_groups_are_in_the_order_of_their_first_steps() -> None:
    assert schedule([(), (), (0,), (1,)]).groups == ((0, 2), (1, 3))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([(0, 2), (1,), (3,)], "is not convex"),
        ([(0, 3), (1, 2)], "is not convex"),
        ([(0, 1), (3, 2)], "keep their order"),
        ([(0, 1), (1, 2, 3)], "each step is in one group"),
        ([(0, 1), (2,)], "each step is in one group"),
    ],
)
def test_what_cannot_run_as_groups_is_refused(groups: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(CompileError, match=message):
        arranged(groups, [(), (0,), (1,), (2,)])
