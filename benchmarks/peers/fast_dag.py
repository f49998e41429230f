"""fast-dag: https://github.com/felixnext/fast-dag, the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fast_dag import DAG, FSM
from fast_dag.core.node import Node
from fast_dag.core.types import FSMReturn

from benchmarks.works import INPUT, ends, sleeping

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.works import Graph, Job


def _wired(jobs: Graph, function: Callable[[Job], Callable[..., int]] = lambda job: job.func) -> DAG:
    dag = DAG("graph")
    for name, job in jobs.items():
        dag.add_node(Node(func=function(job), name=name))
    for name, job in jobs.items():
        for port, read in job.reads.items():
            if read != INPUT:
                dag.connect(read, name, input=port)
    return dag


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run one node after the other."""
    dag, last = _wired(jobs), ends(jobs)

    def run() -> list[int]:
        dag.run(x=0)
        return [dag[name] for name in last]

    return run


def parallel(jobs: Graph, workers: int) -> Callable[[], list[int]]:
    """Run in threads."""
    dag, last = _wired(jobs, sleeping), ends(jobs)

    def run() -> list[int]:
        dag.run(x=0, mode="parallel", max_workers=workers)
        return [dag[name] for name in last]

    return run


def machine(limit: int) -> Callable[[], int]:
    """Run the state machine; a state reads the one before through a connection."""
    fsm = FSM("counting", max_cycles=limit + 1)

    @fsm.state(initial=True)
    def tick(count: int) -> FSMReturn:
        return FSMReturn(next_state="tock", value=count + 1)

    @fsm.state
    def tock(count: int) -> FSMReturn:
        return FSMReturn(next_state="tick", value=count + 1, stop=count + 1 >= limit)

    fsm.connect("tick", "tock", input="count")
    fsm.connect("tock", "tick", input="count")
    return lambda: fsm.run(count=0)
