"""The specification's usage examples run as they stand."""

from __future__ import annotations

import runpy
from typing import Any

import pytest

from fastdag_typed import ConditionalReturn, ExecutionMetrics, Runner, WorkflowExecutionError


def example(name: str) -> dict[str, Any]:
    return runpy.run_module(f"examples.spec.{name}")


def test_the_basic_example_runs_its_nodes_in_order_and_gives_the_last_result() -> None:
    found = example("basic")
    assert found["metrics"].execution_order == ["load_data", "process_data", "save_results"]
    assert found["result"] is True
    assert found["workflow"].get_result("save_results") is True
    assert found["workflow"].get_result("process_data") == {"processed": True}


def test_connecting_the_basic_example_a_second_time_changes_nothing() -> None:
    edges = list(example("basic")["workflow"].edges)
    assert [(edge.source.name, edge.target.name) for edge in edges] == [
        ("load_data", "process_data"),
        ("process_data", "save_results"),
    ]


@pytest.mark.parametrize(
    ("value", "taken", "skipped", "text"),
    [
        (101, "process_large", "process_small", "Large: 101"),
        (100, "process_small", "process_large", "Small: 100"),
    ],
)
def test_the_conditional_example_runs_one_branch(value: int, taken: str, skipped: str, text: str) -> None:
    metrics = Runner(example("conditional")["workflow"]).run(inputs={"value": value})
    assert metrics.results[taken] == text
    assert skipped not in metrics.results
    assert metrics.executions[skipped].status == "skipped"
    assert metrics.results["branch_logic"] == value


def test_a_plain_node_of_the_conditional_example_keeps_its_conditional_return_as_its_value() -> None:
    metrics = Runner(example("conditional")["workflow"]).run(inputs={"value": 11})
    assert metrics.results["check_condition"] == ConditionalReturn(
        condition=True, value=11, true_branch="handle_large", false_branch="handle_small"
    )


def test_the_state_machine_example_repeats_a_state_until_the_limit_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = example("state_machine")
    data = {"ready": True, "complete": False}
    metrics: ExecutionMetrics = found["metrics"]
    assert metrics.stop_reason == "max_cycles"
    assert found["fsm"].cycle_count == 1000
    assert found["latest_result"] == found["specific_result"] == data
    assert found["fsm"]["initial_state.1"] == data
    assert found["fsm"]["processing.1"] is None
    assert 'stopped in state "processing" after max_cycles=1000' in caplog.text


def test_the_state_machine_example_stops_when_its_data_is_complete() -> None:
    fsm = example("state_machine")["fsm"]
    metrics = Runner(fsm).run(inputs={"data": {"ready": True, "complete": True}})
    assert metrics.execution_order == ["initial_state", "processing"]
    assert metrics.stop_reason == "stopped"
    assert fsm.state_history == ["processing", "END"]
    assert fsm["processing"] is None


def test_the_state_that_the_specification_forgot_to_define_is_named_with_those_that_there_are() -> None:
    fsm = example("state_machine")["fsm"]
    with pytest.raises(WorkflowExecutionError, match=r'"waiting".*initial_state, processing') as raised:
        Runner(fsm).run(inputs={"data": {"ready": False}})
    assert raised.value.node_name == "initial_state"


def test_the_pictures_show_every_node_and_edge_with_its_result() -> None:
    found = example("visualization")
    mermaid, graphviz = found["mermaid_diagram"], found["graphviz_diagram"]
    for text in (mermaid, graphviz):
        assert all(name in text for name in ("load_data", "process_data", "save_results", "True"))
    assert mermaid.count("-->") == graphviz.count("->") == 2
