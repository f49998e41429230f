"""Faults of nodes in processes have the outcome that they have here, and leave no process."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from fastdag_typed import DAG, FSM, Node, Runner, State, WorkflowExecutionError
from fastdag_typed.policies.place import Place
from tests.faults import raising

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    children = set(psutil.Process().children(recursive=True))
    yield
    assert not set(psutil.Process().children(recursive=True)) - children


def chain(func: Any, kind: str) -> Any:
    """Wire ``good``, ``bad`` and ``never``, of which ``bad`` runs in a process."""
    machine = kind == "machine"
    flow: Any = FSM("machine") if machine else DAG("graph")
    make: Any = State if machine else Node
    policies = [] if kind == "processes" else [Place("process")]
    nodes = [
        make(raising.good, **({"is_initial": True} if machine else {})),
        make(func, "bad", policies=policies),
        make(raising.never),
    ]
    for node in nodes:
        flow.add_node(node)
    nodes[0] >> nodes[1] >> nodes[2]
    return flow


def mode_of(kind: str) -> Any:
    return {"sequential": "sequential", "machine": "sequential"}.get(kind, kind)


KINDS = ["sequential", "parallel", "processes", "machine"]


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_node_raises_in_a_process_is_what_the_run_ends_with(kind: str) -> None:
    with Runner(chain(raising.bad, kind)) as runner:
        for name, raised in raising.ERRORS.items():
            expected = RecursionError if raised is None else type(raised)
            with pytest.raises((WorkflowExecutionError, expected)) as caught:
                runner.run({"name": name}, mode_of(kind))
            if issubclass(expected, Exception):
                assert type(caught.value.__cause__) is expected
            else:
                assert type(caught.value) is expected
                assert caught.value.args == raised.args
            assert runner.metrics.results == {"good": 1}
            assert runner.metrics.statuses == {"good": "done", "bad": "failed", "never": "pending"}
            assert runner.metrics.stop_reason == ("failed" if issubclass(expected, Exception) else "interrupted")


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancelled_run_kills_the_process_of_its_node(kind: str, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    is_async = kind != "processes"  # a sync node keeps the loop waiting, unless the run is parallel
    runner = Runner(chain(raising.waits_later if is_async else raising.waits, kind))

    async def go() -> None:
        task = asyncio.ensure_future(runner.run_async({"begun": str(begun)}, mode_of(kind)))
        assert await asyncio.to_thread(begun.read_text) == "begun"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with runner:
        asyncio.run(go())
        assert runner.metrics.results == {"good": 1}
        assert runner.metrics.stop_reason == "interrupted"
