"""This library: order, states and times are recorded, as they are unless one says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.works import INPUT, ends, sleeping, states
from fastdag_typed import DAG, FSM, Node, Runner, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.works import Graph, Job
    from fastdag_typed import FSMReturn


def wired(jobs: Graph, function: Callable[[Job], Callable[..., object]] = lambda job: job.func) -> DAG:
    """Wire a graph."""
    dag = DAG("graph")
    for name, job in jobs.items():
        dag.add_node(Node(function(job), name))
        for port, read in job.reads.items():
            if read != INPUT:
                dag.connect(read, name, input=port)
    return dag


def counting(limit: int, functions: Mapping[str, Callable[..., FSMReturn[int]]] | None = None) -> FSM:
    """Make the state machine, if need be of other functions."""
    fsm = FSM("counting", max_cycles=limit)
    for name, function in (functions or states(limit)).items():
        fsm.add_node(State(function, name, is_initial=name == "start"))
    return fsm


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run one node after the other."""
    runner, last = Runner(wired(jobs)), ends(jobs)

    def run() -> list[int]:
        results = runner.run({"x": 0}).results
        return [results[name] for name in last]

    return run


def parallel(jobs: Graph, workers: int) -> Callable[[], list[int]]:
    """Run in threads."""
    runner, last = Runner(wired(jobs, sleeping), max_workers=workers), ends(jobs)

    def run() -> list[int]:
        results = runner.run({"x": 0}, "parallel").results
        return [results[name] for name in last]

    return run


def machine(limit: int) -> Callable[[], object]:
    """Run the state machine."""
    runner = Runner(counting(limit))
    return lambda: runner.run({"begin": 0}).value
