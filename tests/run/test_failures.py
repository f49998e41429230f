"""A node that fails is named, whatever it raises, and what was done stays readable."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Literal

import pytest

from fastdag_typed import (
    DAG,
    Node,
    Runner,
    WorkflowExecutionError,
)

MODES: list[Literal["sequential", "parallel"]] = ["sequential", "parallel"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_failing_node_is_named_and_what_was_done_stays_readable(mode: Any, is_async: bool) -> None:
    dag = DAG("d")

    @dag.node
    def good() -> int:
        return 1

    if is_async:

        @dag.node(name="bad")
        async def bad(x: int) -> int:
            raise KeyError("lost")

    else:

        @dag.node(name="bad")
        def bad(x: int) -> int:
            raise KeyError("lost")

    @dag.node
    def never(x: int) -> int:
        return x

    good >> bad >> never
    runner = Runner(dag)
    with pytest.raises(
        WorkflowExecutionError, match=r"""Error in node "bad" \(.*test_failures\.py:\d+\): KeyError: 'lost'"""
    ) as caught:
        runner.run(mode=mode)
    assert caught.value.node_name == "bad"
    assert isinstance(caught.value.__cause__, KeyError)
    metrics = runner.metrics
    assert metrics.errors == [str(caught.value)]
    assert metrics.statuses == {"good": "done", "bad": "failed", "never": "pending"}
    assert metrics.results == {"good": 1}
    assert metrics.stop_reason == "failed"
    assert metrics.nodes_executed == 1
    assert dag["good"] == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_interrupt_passes_through_and_results_stay_readable(error: Any, mode: Any, is_async: bool) -> None:
    dag = DAG("d")
    dag.add_node(Node(lambda: 1, "good"))

    def stop(x: int) -> int:
        raise error

    async def stop_later(x: int) -> int:
        raise error

    dag.add_node(Node(stop_later if is_async else stop, "bad"))
    dag.connect("good", "bad")
    runner = Runner(dag)
    with pytest.raises(error):
        runner.run(mode=mode)
    assert runner.metrics.stop_reason == "interrupted"
    assert runner.metrics.results == {"good": 1}
    assert runner.metrics.statuses["bad"] == "failed"


@pytest.mark.parametrize("error", [StopIteration, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("mode", MODES)
def test_exceptions_that_python_treats_specially_are_still_those_of_the_node(error: Any, mode: Any) -> None:
    dag = DAG("d")

    def bad() -> int:
        raise error

    dag.add_node(Node(bad))
    with pytest.raises((WorkflowExecutionError, error)) as caught:
        dag.run(mode=mode)
    assert isinstance(caught.value, error) or isinstance(caught.value.__cause__, error)


def test_parallel_failures_raise_the_first_in_order_and_list_all() -> None:
    dag = DAG("d")
    barrier = threading.Barrier(2)

    def bad(name: str) -> int:
        barrier.wait(timeout=10)
        raise ValueError(name)

    for name in ("a", "b"):
        dag.add_node(Node(lambda name=name: bad(name), name, inputs=[]))
    runner = Runner(dag)
    with pytest.raises(WorkflowExecutionError) as caught:
        runner.run(mode="parallel")
    assert caught.value.node_name == "a"
    assert [line.split('"')[1] for line in runner.metrics.errors] == ["a", "b"]
