"""Results are a dict by names that also takes nodes, and says what was meant where there is none."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import Any

import pytest

from fastdag_typed import (
    DAG,
    Context,
    ExecutionMetrics,
    FSMContext,
    Node,
    Results,
    Runner,
    from_dict,
    from_json,
    from_row,
    from_yaml,
    to_dict,
    to_json,
    to_row,
    to_yaml,
)
from tests.run.workflows import diamond


def one() -> int:
    return 1


def test_a_result_is_read_by_name_or_by_node_wherever_results_are() -> None:
    dag = diamond([])
    end = dag.nodes["end"]
    metrics = Runner(dag).run({"x": 1})
    assert metrics.workflow is not None
    for results in (metrics.results, dag.results, dag.context.results, metrics.workflow.results):
        assert type(results) is Results
        assert results["end"] == results[end] == 12
    assert metrics.results == {"start": 1, "left": 2, "right": 10, "end": 12}


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_node_reads_the_results_before_it_by_node(mode: Any) -> None:
    dag = DAG("d")

    @dag.node
    def first(x: int) -> int:
        return x + 1

    @dag.node
    def second(_: int, context: Context) -> int:
        return context.results[first] * 10

    first >> second
    assert dag.run(x=1, mode=mode) == 20


def test_a_missing_result_says_what_was_meant() -> None:
    results = Results({"load": 1, "save": 2})
    with pytest.raises(KeyError, match=r'There is no result "laod" \(did you mean "load"\?\)'):
        results["laod"]
    with pytest.raises(KeyError, match=r'There is no result "one" \(results: load, save\)'):
        results[Node(one)]
    unhinted: Any = results
    with pytest.raises(KeyError, match=r'There is no result "5"'):
        unhinted[5]
    with pytest.raises(KeyError, match=r'There is no result "x" \(results: none\)'):
        Results()["x"]


def test_results_are_a_dict_in_every_other_way() -> None:
    plain = {"a": 1, "b": None}
    results = Results(plain)
    assert results == plain
    assert repr(results) == repr(plain)
    assert results["b"] is None
    assert results.get("c") is None
    assert "c" not in results
    assert json.dumps(results) == json.dumps(plain)
    results["c"] = 3
    assert list(results) == ["a", "b", "c"]


COPIES: list[Any] = [
    copy.copy,
    copy.deepcopy,
    Results.copy,
    lambda results: pickle.loads(pickle.dumps(results)),  # noqa: S301 - our own
]


@pytest.mark.parametrize("again", COPIES)
def test_a_copy_is_results_too(again: Any) -> None:
    results = Results(a=1, b=[2])
    twin = again(results)
    assert twin == results
    assert twin is not results
    assert type(twin) is Results
    assert twin[Node(one, "a")] == 1


def test_a_copy_of_a_context_keeps_its_results() -> None:
    context = FSMContext({"a": 1}, current_state="a")
    for twin in (copy.deepcopy(context), dataclasses.replace(context), pickle.loads(pickle.dumps(context))):  # noqa: S301 - our own
        assert twin == context
        assert type(twin.results) is Results


def test_a_context_takes_any_mapping_and_keeps_results_as_they_are() -> None:
    assert type(Context({"a": 1}).results) is Results
    assert Context().results == {}
    results, metadata = Results(a=1), {"k": 1}
    context = FSMContext(results, metadata)
    assert context.results is results
    assert context.metadata is metadata
    assert (context.cycle_count, context.state_history, context.cycle_results) == (0, [], {})


def test_a_context_of_users_may_have_more_fields() -> None:
    @dataclasses.dataclass
    class Mine(Context):
        user: str = "nobody"

    assert Mine().results == {}
    assert Mine(user="a").user == "a"


FORMS: list[Any] = [(to_dict, from_dict), (to_json, from_json), (to_yaml, from_yaml), (to_row, from_row)]


@pytest.mark.parametrize(("write", "read"), FORMS)
def test_stored_results_come_back_as_results(write: Any, read: Any) -> None:
    dag = diamond([])
    metrics = Runner(dag).run({"x": 1})
    for record in (metrics, dag.context, FSMContext({"a": 1})):
        again = read(type(record), write(record))
        assert again.results == record.results
        assert type(again.results) is Results


def test_the_results_of_one_workflow_can_be_stored_as_a_result_of_another() -> None:
    metrics = ExecutionMetrics(results=Results(inner=Results(a=1)))
    assert from_dict(ExecutionMetrics, to_dict(metrics)).results == {"inner": {"a": 1}}
