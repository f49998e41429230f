"""Each driver with a workflow that it runs: one node that is well, the one with the fault, and one after it."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdag_typed import DAG, FSM, Node, Runner, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastdag_typed import Workflow


class Driver(NamedTuple):
    """A driver, how it is called, and whether the node with the fault is async in it."""

    name: str
    mode: Any
    by_run_async: bool
    is_async: bool
    is_machine: bool = False

    def workflow(self, fault: Callable[[int], Any], **options: Any) -> Workflow[Any, Any]:
        """Wire ``good``, ``bad``, which calls ``fault`` with what ``good`` gave, and ``never``."""

        async def later(x: int) -> Any:
            return fault(x)

        def now(x: int) -> Any:
            return fault(x)

        bad = later if self.is_async else now
        return self.chain({"good": lambda: 1, "bad": bad, "never": lambda x: x}, bad=options)

    def chain(self, functions: dict[str, Callable[..., Any]], **options: dict[str, Any]) -> Workflow[Any, Any]:
        """Wire functions one after the other."""
        if self.is_machine:
            flow: Any = FSM("machine", max_cycles=len(functions) + 1)
            nodes = [
                State(func, name, is_initial=not place, **options.get(name, {}))
                for place, (name, func) in enumerate(functions.items())
            ]
        else:
            flow = DAG("graph")
            nodes = [Node(func, name, **options.get(name, {})) for name, func in functions.items()]
        for node in nodes:
            flow.add_node(node)
        for before, after in pairwise(nodes):
            before >> after
        return flow

    def run(self, runner: Runner[Any]) -> Any:
        """Run it."""
        if self.by_run_async:
            return asyncio.run(runner.run_async(mode=self.mode))
        return runner.run(mode=self.mode)

    def __str__(self) -> str:
        return self.name


DRIVERS = [
    Driver("sequential", "sequential", False, False),
    Driver("sequential-async-node", "sequential", False, True),
    Driver("run_async", "sequential", True, False),
    Driver("run_async-async-node", "sequential", True, True),
    Driver("threads", "parallel", False, False),
    Driver("asyncio", "parallel", False, True),
    Driver("run_async-threads", "parallel", True, False),
    Driver("run_async-asyncio", "parallel", True, True),
    Driver("machine", "sequential", False, False, is_machine=True),
    Driver("machine-async-state", "sequential", False, True, is_machine=True),
    Driver("run_async-machine", "sequential", True, False, is_machine=True),
    Driver("parallel-machine", "parallel", False, False, is_machine=True),
]
