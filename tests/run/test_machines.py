"""State machines go where their states say, remember every cycle, and stop where they should."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from fastdag_typed import (
    DAG,
    FSM,
    ConditionalReturn,
    Context,
    FSMContext,
    FSMReturn,
    InputError,
    Node,
    Runner,
    SelectReturn,
    WorkflowExecutionError,
    WorkflowValidationError,
    validate_workflow,
)


def counter(limit: int = 3, **options: Any) -> FSM:
    fsm = FSM("counter", **options)

    @fsm.state(is_initial=True)
    def start(first: int) -> FSMReturn[int]:
        return FSMReturn("count", first)

    @fsm.state
    def count(n: int) -> FSMReturn[int]:
        return FSMReturn("done" if n >= limit else "count", n + 1)

    @fsm.state(terminal=True)
    def done(n: int) -> FSMReturn[int]:
        return FSMReturn(value=n)

    return fsm


def test_a_single_required_port_takes_the_previous_value() -> None:
    fsm = counter()
    metrics = Runner(fsm).run({"first": 1})
    assert metrics.value == 4
    assert metrics.stop_reason == "final"
    assert fsm.state_history == ["count", "count", "count", "done", "END"]
    assert metrics.execution_order == ["start", "count", "count", "count", "done"]
    assert fsm.cycle_count == 5
    assert fsm.current_state == "done"
    assert metrics.executions["count"].attempts == 3


def test_results_are_read_as_of_a_cycle() -> None:
    fsm = counter()
    fsm.run(first=1)
    assert [fsm[f"count.{cycle}"] for cycle in range(1, 7)] == [None, 2, 3, 4, 4, 4]
    assert fsm["count"] == 4
    assert fsm.get_result("done.4") is None
    with pytest.raises(KeyError, match=r'has no node "cuont" \(did you mean "count"\?\)'):
        fsm["cuont"]


def test_an_input_that_is_named_comes_before_the_previous_value() -> None:
    fsm = counter(limit=0)
    assert fsm.run(first=1, n=7) == 7


def test_a_missing_input_of_the_first_state_is_refused() -> None:
    with pytest.raises(InputError, match='Input "first" is missing: node "start" requires it'):
        counter().run()


def test_max_cycles_stops_with_a_warning_or_raises(caplog: pytest.LogCaptureFixture) -> None:
    fsm = counter(limit=10**9, max_cycles=5)
    with caplog.at_level(logging.WARNING):
        metrics = Runner(fsm).run({"first": 1})
    assert metrics.stop_reason == "max_cycles"
    assert fsm.cycle_count == 5
    assert len(fsm.state_history) == 5
    assert fsm.state_history[-1] == "END"
    assert "after max_cycles=5 cycles" in caplog.text
    with pytest.raises(WorkflowExecutionError, match='stopped in state "count" after max_cycles=5'):
        counter(limit=10**9, max_cycles=5, on_max_cycles="raise").run(first=1)


@pytest.mark.parametrize(
    "stop", [{"stop_condition": True}, {"stop": True}, {"continue_execution": False}, {"next_state": None}]
)
def test_a_state_can_end_the_run(stop: dict[str, Any]) -> None:
    fsm = FSM("f")

    @fsm.state(initial=True)
    def only() -> FSMReturn[str]:
        return FSMReturn(**{"next_state": "only", **stop}, value="v")

    assert fsm.run() == "v"
    assert fsm.state_history == ["END"]


def test_plain_values_follow_the_wired_transition() -> None:
    fsm = FSM("f")

    @fsm.state(is_initial=True)
    def a() -> int:
        return 1

    @fsm.state
    def b(x: int) -> ConditionalReturn[int]:
        return ConditionalReturn(x > 3, x + 1)

    @fsm.state
    async def c(x: int) -> SelectReturn[int]:
        await asyncio.sleep(0)
        return SelectReturn(x + 10, "finish" if x > 4 else "b")

    @fsm.state
    def d(x: int) -> int:
        return -x

    a >> b
    b.on_true >> c
    b.on_false >> b
    c.on("finish") >> d
    assert fsm.run() == -15
    assert fsm.state_history == ["b", "b", "b", "b", "c", "d", "END"]


def test_states_may_be_given_as_nodes() -> None:
    fsm = FSM("f")

    @fsm.state
    def last(x: int) -> int:
        return x + 1

    @fsm.state(is_initial=True)
    def first() -> FSMReturn[int]:
        return FSMReturn(next_state=last, value=1)

    assert fsm.run() == 2


def test_a_state_that_does_not_exist_is_an_error_of_the_state() -> None:
    fsm = FSM("f")

    @fsm.state(is_initial=True)
    def red() -> FSMReturn[None]:
        return FSMReturn("gren")

    fsm.state(name="green")(lambda: 1)
    with pytest.raises(WorkflowExecutionError, match=r'State "red" goes to "gren".*did you mean "green"') as caught:
        fsm.run()
    assert caught.value.node_name == "red"


def test_each_run_starts_anew_and_metadata_is_copied() -> None:
    fsm = FSM("f", metadata={"step": 1})

    @fsm.state(is_initial=True)
    def only(context: Context) -> int:
        context.metadata["step"] += 1
        return int(context.metadata["step"])

    assert [fsm.run(), fsm.run()] == [2, 2]
    assert fsm.metadata == {"step": 1}


def test_what_a_machine_lacks_is_found_before_it_runs() -> None:
    fsm = FSM("f")
    with pytest.raises(WorkflowValidationError, match="has no nodes"):
        fsm.run()
    a, b, c = (fsm.state(name=name)(lambda: 1) for name in "abc")
    a >> b
    a >> c
    result = validate_workflow(fsm, strict=False)
    assert any("has no initial state" in error for error in result.errors)
    assert any('State "a" has more than one plain transition, to "b" and "c"' in error for error in result.errors)


def test_a_changed_limit_holds_from_the_next_run() -> None:
    fsm = counter(limit=10**9, max_cycles=5)
    fsm.run(first=1)
    fsm.max_cycles = 7
    fsm.run(first=1)
    assert fsm.cycle_count == 7
    fsm.on_max_cycles = "raise"
    with pytest.raises(WorkflowExecutionError, match="max_cycles=7"):
        fsm.run(first=1)


def test_ordinary_nodes_of_a_machine_are_states() -> None:
    fsm = FSM("f")
    a, b = fsm.node(name="a")(lambda: 1), fsm.add_node(Node(lambda: 2, "b"))
    a >> b
    fsm.set_entrypoint("a")
    assert fsm.run() == 2
    assert fsm.state_history == ["b", "END"]


def test_a_machine_as_a_node_asks_only_for_what_no_state_gives() -> None:
    dag = DAG("outer")
    node = dag.add_workflow("inner", counter())
    assert node.inputs == ["first", "n"]
    assert dag.run(first=1) == 4
    assert dag.run(first=1, n=7) == 7
    with pytest.raises(InputError, match='Input "first" is missing'):
        dag.run()


def test_a_condition_that_returns_a_bool_chooses_the_state_that_follows() -> None:
    fsm = FSM("m")

    @fsm.state(initial=True)
    def start() -> int:
        return 0

    @fsm.condition
    def positive(n: int) -> bool:
        return n > 0

    @fsm.state
    def yes() -> str:
        return "yes"

    @fsm.state
    def no() -> str:
        return "no"

    start >> positive
    positive.on_true >> yes
    positive.on_false >> no
    assert fsm.run() == "no"
    assert fsm.state_history == ["positive", "no", "END"]


def test_states_are_numbered_as_they_were_entered_in_either_mode() -> None:
    for mode in ("sequential", "parallel"):
        executions = Runner(counter()).run({"first": 3}, mode).executions
        assert [executions[name].order for name in ("start", "count", "done")] == [0, 1, 2]


def test_a_state_as_of_what_only_looks_like_a_number_does_not_exist() -> None:
    fsm = counter()
    fsm.run(first=1)
    with pytest.raises(KeyError, match="has no node"):
        fsm["count.²"]


@pytest.mark.parametrize("cycles", [0, -1, 2.5, "3"])
def test_a_machine_that_could_not_make_a_cycle_is_refused(cycles: Any) -> None:
    with pytest.raises(ValueError, match="max_cycles is a whole number of at least 1"):
        FSM(max_cycles=cycles)
    fsm = counter()
    with pytest.raises(ValueError, match=f"not {cycles!r}"):
        fsm.max_cycles = cycles
    assert fsm.max_cycles == 1000


def test_an_unknown_reaction_to_too_many_cycles_is_refused() -> None:
    options: Any = {"on_max_cycles": "explode"}
    with pytest.raises(ValueError, match='on_max_cycles is "stop" or "raise", not \'explode\''):
        FSM(**options)
    fsm: Any = counter()
    with pytest.raises(ValueError, match="on_max_cycles"):
        fsm.on_max_cycles = None
    assert fsm.on_max_cycles == "stop"


def test_a_context_handed_in_again_counts_its_cycles_anew() -> None:
    fsm, context = counter(max_cycles=6), FSMContext(metadata={"kept": 1})
    for _ in range(2):
        metrics = Runner(fsm).run({"first": 1}, context=context)
        assert metrics.stop_reason == "final"
        assert (context.cycle_count, len(context.state_history)) == (5, 5)
    assert context.metadata == {"kept": 1}
