"""pydantic-graph: https://pydantic.dev/docs/ai/graph, steps and joins for graphs, classes for state machines.

A step has one input: what reads two jobs is a join that makes a list of both, and a step that reads the list.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_graph import BaseNode, End, GraphBuilder, GraphRunContext, StepContext, reduce_list_append

from benchmarks.works import INPUT, ends

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.works import Graph, Job


def _step(job: Job) -> Callable[[Any], Any]:
    func, pause = job.func, job.pause

    async def one(ctx: StepContext[None, None, int]) -> int:
        if pause:
            await asyncio.sleep(pause)
        return func(ctx.inputs)

    async def both(ctx: StepContext[None, None, list[int]]) -> int:
        if pause:
            await asyncio.sleep(pause)
        return func(*ctx.inputs)

    return one if len(job.reads) == 1 else both


def graph(jobs: Graph) -> Callable[[], list[int]]:
    """Run on an event loop."""
    g = GraphBuilder(input_type=int, output_type=list[int])
    sources: dict[str, Any] = {INPUT: g.start_node}
    targets: dict[str, list[Any]] = {INPUT: []}
    for name, job in jobs.items():
        entry = sources[name] = g.step(_step(job), node_id=name)
        targets[name] = []
        if len(job.reads) > 1:
            entry = g.join(reduce_list_append, initial_factory=list[int], node_id=f"join_{name}")
            g.add(g.edge_from(entry).to(sources[name]))
        for read in job.reads.values():
            targets[read].append(entry)
    last = g.join(reduce_list_append, initial_factory=list[int], node_id="last")
    for name in ends(jobs):
        targets[name].append(last)
    g.add(*(g.edge_from(sources[name]).to(*readers) for name, readers in targets.items()))
    g.add(g.edge_from(last).to(g.end_node))
    built = g.build()
    return lambda: asyncio.run(built.run(inputs=0))


def parallel(jobs: Graph, workers: int) -> Callable[[], list[int]]:  # noqa: ARG001 - tasks on one loop have no limit
    """Run on an event loop, where what waits lets others go on."""
    return graph(jobs)


@dataclass
class Tick(BaseNode[None, object, int]):
    """The first state."""

    count: int
    limit: int

    async def run(self, ctx: GraphRunContext[None]) -> Tock:  # noqa: ARG002 - what a node is given
        """Count."""
        return Tock(self.count + 1, self.limit)


@dataclass
class Tock(BaseNode[None, object, int]):
    """The second state."""

    count: int
    limit: int

    async def run(self, ctx: GraphRunContext[None]) -> Tick | End[int]:  # noqa: ARG002 - what a node is given
        """Count, or end."""
        count = self.count + 1
        return End(count) if count >= self.limit else Tick(count, self.limit)


def machine(limit: int) -> Callable[[], int]:
    """Run the state machine."""
    g = GraphBuilder(input_type=int, output_type=int)

    async def start(ctx: StepContext[None, None, int]) -> Tick:
        return Tick(0, ctx.inputs)

    g.add(g.node(Tick), g.node(Tock), g.edge_from(g.start_node).to(g.step(start)))
    built = g.build()
    return lambda: asyncio.run(built.run(inputs=limit))
