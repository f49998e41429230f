"""The works that engines are measured by, and plain functions that do the same: the controls."""

from __future__ import annotations

import asyncio
import time
from functools import wraps
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_typed import FSMReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INPUT: Final = "x"
"""What a job reads that reads no other job: the input of the run."""


class Job(NamedTuple):
    """A function, for each of its parameters the name of what it reads, and how many seconds it waits for something."""

    func: Callable[..., int]
    reads: dict[str, str]
    pause: float = 0.0


Graph = dict[str, Job]
"""Jobs by name, in an order in which they can be called."""


def increment(x: int) -> int:
    """Do as little as a job can."""
    return x + 1


def mixed(left: int, right: int) -> int:
    """Do as little as a job of two inputs can; it matters to no engine which one comes first."""
    return (left + right) & 1023


def chain(size: int) -> Graph:
    """Describe jobs that each read the one before."""
    return {f"n{i}": Job(increment, {"x": f"n{i - 1}" if i else INPUT}) for i in range(size)}


def layered(layers: int, width: int, pauses: Callable[[], float] = float) -> Graph:
    """Describe layers of jobs that each read two of the layer before."""
    graph = {f"n0_{i}": Job(increment, {"x": INPUT}, pauses()) for i in range(width)}
    for layer in range(1, layers):
        for i in range(width):
            reads = {"left": f"n{layer - 1}_{i}", "right": f"n{layer - 1}_{(i + 1) % width}"}
            graph[f"n{layer}_{i}"] = Job(mixed, reads, pauses())
    return graph


def skewed(layers: int, width: int, *, shortest: float = 0.004) -> Graph:
    """Describe layers of jobs that wait for so long as a Pareto distribution says: most shortly, a few for long.

    Who waits for a whole layer waits for the longest of each; who counts dependencies takes the critical path.
    """
    random = Random(5)  # noqa: S311 - the same at every run
    return layered(layers, width, lambda: shortest * random.paretovariate(1.5))


def critical_path(graph: Graph) -> list[float]:
    """Give the pauses on the way through a graph that takes longest, in seconds."""
    longest: dict[str, tuple[float, list[float]]] = {INPUT: (0.0, [])}
    for name, job in graph.items():
        before = max((longest[read] for read in job.reads.values()), key=lambda way: way[0])
        longest[name] = (before[0] + job.pause, [*before[1], job.pause])
    return max(longest.values(), key=lambda way: way[0])[1]


def ends(graph: Graph) -> list[str]:
    """Name the jobs that no other job reads."""
    read = {name for job in graph.values() for name in job.reads.values()}
    return [name for name in graph if name not in read]


def sleeping(job: Job) -> Callable[..., int]:
    """Make a function of the same parameters that lets its thread sleep first."""

    @wraps(job.func)
    def call(*args: int, **kwargs: int) -> int:
        time.sleep(job.pause)
        return job.func(*args, **kwargs)

    return call


def awaiting(job: Job) -> Callable[..., Any]:
    """Make an async function of the same parameters that awaits its pause first."""

    @wraps(job.func)
    async def call(*args: int, **kwargs: int) -> int:
        await asyncio.sleep(job.pause)
        return job.func(*args, **kwargs)

    return call


# -- controls --------------------------------------------------------------------------------------------------------


BODIES: Final = {increment: "{x} + 1", mixed: "({left} + {right}) & 1023"}
"""What stands in the place of a call where it is inlined."""


def by_hand(
    graph: Graph, keep: Sequence[str] | None = None, *, inlined: bool = False
) -> Callable[[int], dict[str, int]]:
    """Write a graph out as a plain function: a line for each call, or for what is called, in order.

    Each value is kept by its name as soon as it is there, which is quicker than a literal of many names at the end; of
    only some values such a literal.
    """
    namespace: dict[str, Any] = {job.func.__name__: job.func for job in graph.values()}
    lines = ["def plain(x):", *([] if keep else ["    kept = {}"])]
    for name, job in graph.items():
        call = f"{job.func.__name__}({', '.join(job.reads.values())})"
        value = BODIES[job.func].format(**job.reads) if inlined else call
        lines.append(f"    {'' if keep else f'kept[{name!r}] = '}{name} = {value}")
    result = f"{{{', '.join(f'{name!r}: {name}' for name in keep)}}}" if keep else "kept"
    exec("\n".join([*lines, f"    return {result}"]), namespace)  # noqa: S102 - our own text, of our own names
    plain: Callable[[int], dict[str, int]] = namespace["plain"]
    return plain


def in_a_row(pauses: list[float]) -> Callable[[], None]:
    """Sleep so often."""

    def sleeps() -> None:
        for pause in pauses:
            time.sleep(pause)

    return sleeps


# -- state machine ---------------------------------------------------------------------------------------------------


def states(limit: int) -> dict[str, Callable[[int], FSMReturn[int]]]:
    """Make states that count: one to begin with, then two in turn; the first of these ends it at ``limit``, if even."""

    def start(begin: int) -> FSMReturn[int]:
        return FSMReturn(next_state="tick", value=begin + 1)

    def tick(count: int) -> FSMReturn[int]:
        return FSMReturn(next_state="tock", value=count + 1, stop_condition=count + 1 >= limit)

    def tock(count: int) -> FSMReturn[int]:
        return FSMReturn(next_state="tick", value=count + 1)

    return {"start": start, "tick": tick, "tock": tock}


def count_first(begin: int) -> FSMReturn[int]:
    """Do what the state to begin with does."""
    return FSMReturn(next_state="tick", value=begin + 1)


def count_to(count: int, limit: int = 0) -> FSMReturn[int]:
    """Do what the state does that can end it; the limit is an input, so that a compiler can read all of it."""
    return FSMReturn(next_state="tock", value=count + 1, stop_condition=count + 1 >= limit)


def count_on(count: int) -> FSMReturn[int]:
    """Do what the third state does."""
    return FSMReturn(next_state="tick", value=count + 1)


STATES: Final[dict[str, Callable[..., FSMReturn[int]]]] = {"start": count_first, "tick": count_to, "tock": count_on}
"""The same states, the limit of which is an input."""


def machine_by_hand(limit: int) -> Callable[[], tuple[list[str], dict[str, int]]]:
    """Write a loop over the same states that keeps the history and the latest value of each state."""
    functions = states(limit)

    def loop() -> tuple[list[str], dict[str, int]]:
        history: list[str] = []
        results: dict[str, int] = {}
        state, count = "start", 0
        while True:
            returned: Any = functions[state](count)
            results[state] = count = returned.value
            if returned.stop_condition:
                history.append("END")
                return history, results
            state = returned.next_state
            history.append(state)

    return loop
