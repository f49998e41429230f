"""What the declared types and the wiring of a state machine tell of its states before it runs."""

from __future__ import annotations

from collections.abc import Coroutine  # noqa: TC003 - read from annotations
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import FSM, ConditionalReturn, FSMReturn, Node, SelectReturn, validate_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING_LEADS = "wire a state to it, return it as next_state, or mark it with is_initial=True"
NO_WAY_OUT = "wire what follows, return FSMReturn with next_state or stop_condition=True, or mark it with is_final=True"


def number() -> int:
    return 1


def double(x: int) -> int:
    return 2 * x


def warnings(fsm: FSM) -> list[tuple[str, str | None]]:
    """Give message and hint of each warning about states; there is no error."""
    result = validate_workflow(fsm)
    found = [d for d in result.diagnostics if d.code == "fastdag-state"]
    assert all(d.severity == "warning" and d.where == fsm.nodes[d.node or ""].where for d in found)
    return [(d.message, d.hint) for d in found]


def machine(**states: Callable[..., Any]) -> FSM:
    """Make a machine of states, the first of them initial and the last of them final."""
    fsm = FSM("m")
    for name, func in states.items():
        fsm.state(name=name, is_initial=not fsm.nodes, is_final=len(fsm.nodes) == len(states) - 1)(func)
    return fsm


def test_a_machine_whose_states_all_lead_somewhere_has_no_warning() -> None:
    fsm = machine(a=number, b=double, c=double)
    fsm.chain(*fsm.nodes.values())
    assert warnings(fsm) == []


def test_a_state_that_nothing_leads_to_is_a_warning_at_the_state() -> None:
    fsm = machine(a=number, b=double, c=double)
    a, b, _ = fsm.nodes.values()
    a >> b >> b
    assert warnings(fsm) == [('No state leads to "c"', NOTHING_LEADS)]


def test_a_state_that_leads_only_to_itself_is_one_that_nothing_leads_to() -> None:
    fsm = machine(a=number, b=double, c=double)
    a, b, c = fsm.nodes.values()
    a >> c
    b >> b
    assert warnings(fsm) == [('No state leads to "b"', NOTHING_LEADS)]


def go(_: int) -> FSMReturn[int]:
    return FSMReturn("c", 1)


def pick(x: int) -> ConditionalReturn[int]:
    return ConditionalReturn(x > 1)


async def choose(_: int) -> SelectReturn[int]:
    return SelectReturn(1, "c")


def either(x: int) -> FSMReturn[int] | int:
    return x


def later(_: int) -> Coroutine[Any, Any, FSMReturn[int]]:
    raise RuntimeError


def untyped(x):
    return x


def anything(x: int) -> Any:
    return x


def thing(x: int) -> object:
    return x


CHOOSERS: list[Any] = [go, pick, choose, either, later, untyped, anything, thing, lambda _: FSMReturn("c")]


@pytest.mark.parametrize("chooser", CHOOSERS)
def test_where_a_state_may_choose_what_follows_the_wiring_does_not_tell(chooser: Any) -> None:
    fsm = machine(a=number, b=chooser, c=double)
    a, b, _ = fsm.nodes.values()
    a >> b
    assert warnings(fsm) == []


async def wait(x: int) -> int:
    return x


def nothing(_: int) -> None:
    return None


def soon(_: int) -> Coroutine[Any, Any, int]:
    raise RuntimeError


@pytest.mark.parametrize("plain", [double, wait, nothing, soon])
def test_a_state_without_a_way_out_is_a_warning_and_ends_the_run(plain: Any) -> None:
    fsm = machine(a=number, b=plain, c=double)
    a, b, _ = fsm.nodes.values()
    a >> b
    assert warnings(fsm) == [('No state leads to "c"', NOTHING_LEADS), ('State "b" has no way out', NO_WAY_OUT)]


def test_the_run_of_a_machine_with_such_warnings_is_well_defined() -> None:
    fsm = machine(a=number, b=double, c=double)
    a, b, _ = fsm.nodes.values()
    a >> b
    assert fsm.run() == 2
    assert fsm.state_history == ["b", "END"]


def test_an_ordinary_node_is_a_state_without_a_way_out_too() -> None:
    fsm = FSM("m")
    fsm.add_node(Node(number))
    fsm.set_entrypoint("number")
    assert warnings(fsm) == [('State "number" has no way out', NO_WAY_OUT)]


def test_without_one_initial_state_only_that_is_said() -> None:
    fsm = FSM("m")
    for name in "ab":
        fsm.state(name=name)(number)
    result = validate_workflow(fsm, strict=False)
    assert [(d.message, d.hint) for d in result.diagnostics if d.code == "fastdag-state"] == [
        ('State machine "m" has no initial state', "mark one of the states with is_initial=True")
    ]
