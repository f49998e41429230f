"""A program that runs a workflow until Ctrl-C comes; it says when it waits for that, and at the end what is left."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

from fastdag_typed import DAG, FSM, Node, Runner, State
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.policies.timeout import Timeout
from fastdag_typed.run.config import ExecutionConfig
from fastdag_typed.step import running


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def good() -> int:
    return 1


def never(x: int) -> int:
    return x


def waits(x: int) -> int:
    """Wait where a signal comes through: in the main thread."""
    say("waiting")
    threading.Event().wait()
    return x


async def waits_on_loop(x: int) -> int:
    say("waiting")
    await asyncio.Event().wait()
    return x


def waits_in_thread(x: int) -> int:
    """Wait where no signal comes: until the run says that it is interrupted."""
    stopped = threading.Event()
    scope: Any = running.get()
    forget = scope.at_stop(stopped.set)
    say("waiting")
    stopped.wait()
    forget()
    return x


def deaf(x: int) -> int:
    """Do not heed that the run is interrupted: go on until the time has come."""
    scope: Any = running.get()
    answers = ["interrupted"]
    forget = scope.at_stop(lambda: answers and say(answers.pop()))
    say("waiting")
    sys.stdin.readline()
    forget()
    return x


def deaf_for_ever(x: int) -> int:
    """Do not heed that the run is interrupted, and never come to an end."""
    scope: Any = running.get()
    answers = ["again"]

    def ask() -> None:
        if answers:  # when the run is sure to wait for this node
            threading.Timer(0.3, say, [answers.pop()]).start()

    scope.at_stop(ask)
    say("waiting")
    threading.Event().wait()
    return x


def deaf_and_fails(x: int) -> int:
    deaf(x)
    raise ValueError


def goes_on(x: int) -> int:
    say("went on")
    return x


def waits_in_process(x: int) -> int:
    say("waiting")
    time.sleep(1000)
    return x


def blocks_the_loop(x: int) -> int:
    """Wait for the first Ctrl-C, of which asyncio makes a cancellation, and then for a second one."""
    say("waiting")
    task: Any = asyncio.current_task()
    while not task.cancelling():
        time.sleep(0.001)
    say("again")
    threading.Event().wait()
    return x


def fails(x: int) -> int:
    say("waiting")
    raise ValueError


def chain(func: Callable[..., Any], *, machine: bool = False, **options: Any) -> Any:
    """Wire ``good``, ``bad`` and ``never``."""
    flow: Any = FSM("machine") if machine else DAG("graph")
    make: Any = State if machine else Node
    nodes = [
        make(good, **({"is_initial": True} if machine else {})),
        make(func, "bad", **options),
        make(never),
    ]
    for node in nodes:
        flow.add_node(node)
    nodes[0] >> nodes[1] >> nodes[2]
    return flow


def nested(func: Callable[..., Any], **options: Any) -> DAG:
    """Wire the same, with a workflow that calls ``func`` as the node in the middle."""
    inner, outer = DAG("inner"), DAG("outer")
    inner.add_node(Node(func, "inside", **options))
    outer.add_node(Node(good)) >> outer.add_workflow("bad", inner) >> outer.add_node(Node(never))
    return outer


def two_nested() -> DAG:
    """Wire a workflow as the node in the middle in which a second node follows the first."""
    inner = DAG("inner")
    inner.add_node(Node(deaf)) >> inner.add_node(Node(goes_on))
    outer = DAG("outer")
    outer.add_node(Node(good)) >> outer.add_workflow("bad", inner) >> outer.add_node(Node(never))
    return outer


def runs_in_threads(x: int) -> int:
    """Run a workflow in threads in which a second node follows the first, and tell what it gave, if it has ended."""
    inner = DAG("inner")
    inner.add_node(Node(deaf)) >> inner.add_node(Node(goes_on))
    say(f"gave {Runner(inner).run({'x': x}, 'parallel').value}")
    return x


def nested_in_time(func: Callable[..., Any]) -> Runner[Any]:
    flow = nested(func)
    flow.nodes["bad"].policies = (Timeout(1000),)
    return runner(flow)


def with_a_loop(flow: Any) -> Any:
    """Add a node that makes the run need an event loop."""
    flow.add_node(Node(quick))
    return flow


async def quick() -> int:
    return 1


def runner(flow: Any, **options: Any) -> Runner[Any]:
    return Runner(flow, ExecutionConfig(**options))


def now(found: Runner[Any]) -> None:
    found.run()


def later(found: Runner[Any]) -> None:
    asyncio.run(found.run_async())


def inside(found: Runner[Any]) -> None:
    async def go() -> None:
        found.run()

    asyncio.run(go())


def inside_twice(found: Runner[Any]) -> None:
    """Ask for a second Ctrl-C after the first, of which asyncio makes a cancellation for when the loop goes on."""

    async def go() -> None:
        handler: Any = signal.getsignal(signal.SIGINT)
        answers = ["again"]

        def handle(*signaled: Any) -> None:
            if answers:
                say(answers.pop())
            handler(*signaled)

        signal.signal(signal.SIGINT, handle)
        found.run()

    asyncio.run(go())


RETRY = RetryStrategy(3, delay=1000)
Case = tuple[Callable[[Runner[Any]], None], Callable[[], Runner[Any]]]
"""How to run, and what."""
KINDS: dict[str, Case] = {
    "sequential": (now, lambda: runner(chain(waits))),
    "sequential, unmeasured": (now, lambda: runner(chain(waits), measure=False)),
    "sequential, going on after failures": (now, lambda: runner(chain(waits), error_strategy="skip")),
    "sequential, async node": (now, lambda: runner(chain(waits_on_loop))),
    "sequential, sync node on a loop": (now, lambda: runner(with_a_loop(chain(blocks_the_loop)))),
    "sequential, nested": (now, lambda: runner(nested(waits))),
    "sequential, nested async node": (now, lambda: runner(nested(waits_on_loop))),
    "sequential, inside of a loop": (inside_twice, lambda: runner(chain(waits_on_loop))),
    "run_async": (later, lambda: runner(chain(waits_on_loop))),
    "run_async, sync node": (later, lambda: runner(chain(blocks_the_loop))),
    "run_async, nested": (later, lambda: runner(nested(waits_on_loop))),
    "threads": (now, lambda: runner(chain(waits_in_thread), mode="parallel")),
    "threads, going on after failures": (
        now,
        lambda: runner(chain(waits_in_thread), mode="parallel", error_strategy="continue"),
    ),
    "threads, nested": (now, lambda: runner(nested(waits_in_thread), mode="parallel")),
    "threads, inside of a loop": (inside_twice, lambda: runner(chain(waits_in_thread), mode="parallel")),
    "asyncio": (now, lambda: runner(chain(waits_on_loop), mode="parallel")),
    "asyncio, sync node": (now, lambda: runner(with_a_loop(chain(waits_in_thread)), mode="parallel")),
    "asyncio, run_async": (later, lambda: runner(chain(waits_on_loop), mode="parallel")),
    "asyncio, run_async, sync node": (later, lambda: runner(chain(waits_in_thread), mode="parallel")),
    "asyncio, inside of a loop": (inside_twice, lambda: runner(chain(waits_on_loop), mode="parallel")),
    "machine": (now, lambda: runner(chain(waits, machine=True))),
    "machine, async state": (now, lambda: runner(chain(waits_on_loop, machine=True))),
    "machine, run_async": (later, lambda: runner(chain(waits_on_loop, machine=True))),
    "processes": (now, lambda: runner(chain(waits_in_process), mode="processes")),
    "processes, run_async": (later, lambda: runner(chain(waits_in_process), mode="processes")),
    "processes, inside of a loop": (inside_twice, lambda: runner(chain(waits_in_process), mode="processes")),
    "process of a node": (now, lambda: runner(chain(waits_in_process, policies=[Place("process")]))),
    "process of a node, inside of a loop": (
        inside,
        lambda: runner(chain(waits_in_process, policies=[Place("process")])),
    ),
    "process of a state": (now, lambda: runner(chain(waits_in_process, machine=True, policies=[Place("process")]))),
    "process of a nested node": (now, lambda: runner(nested(waits_in_process, policies=[Place("process")]))),
    "retry": (now, lambda: runner(chain(fails, policies=[RETRY]))),
    "retry, threads": (now, lambda: runner(chain(fails, policies=[RETRY]), mode="parallel")),
    "retry, run_async": (later, lambda: runner(chain(fails, policies=[RETRY]), mode="parallel")),
    "time-out": (now, lambda: runner(chain(waits_in_thread, policies=[Timeout(1000)]))),
    "time-out, nested": (now, lambda: nested_in_time(waits_in_thread)),
    "time-out, threads": (now, lambda: runner(chain(waits_in_thread, policies=[Timeout(1000)]), mode="parallel")),
}
DEAF: dict[str, Case] = {
    "threads": (now, lambda: runner(chain(deaf), mode="parallel")),
    "threads, nested": (now, lambda: runner(nested(deaf), mode="parallel")),
    "asyncio": (now, lambda: runner(with_a_loop(chain(deaf)), mode="parallel")),
    "asyncio, run_async": (later, lambda: runner(chain(deaf), mode="parallel")),
}
AFTERWARDS: dict[str, Case] = {
    "threads": (now, lambda: runner(chain(deaf_and_fails, policies=[RETRY]), mode="parallel")),
    "threads, nested": (now, lambda: runner(nested(deaf_and_fails, policies=[RETRY]), mode="parallel")),
    "asyncio": (now, lambda: runner(with_a_loop(chain(deaf_and_fails, policies=[RETRY])), mode="parallel")),
    "threads, next node of a nested workflow": (now, lambda: runner(two_nested(), mode="parallel")),
    "asyncio, next node of a nested workflow": (later, lambda: runner(two_nested(), mode="parallel")),
}
WITHIN: dict[str, Case] = {
    "threads": (now, lambda: runner(chain(runs_in_threads), mode="parallel")),
    "threads, nested": (now, lambda: runner(nested(runs_in_threads), mode="parallel")),
    "asyncio": (now, lambda: runner(with_a_loop(chain(runs_in_threads)), mode="parallel")),
    "asyncio, run_async": (later, lambda: runner(chain(runs_in_threads), mode="parallel")),
    "time-out": (now, lambda: runner(chain(runs_in_threads, policies=[Timeout(1000)]), mode="parallel")),
}
TWICE: dict[str, Case] = {
    "threads": (now, lambda: runner(chain(deaf_for_ever), mode="parallel")),
    "threads, nested": (now, lambda: runner(nested(deaf_for_ever), mode="parallel")),
    "asyncio": (now, lambda: runner(with_a_loop(chain(deaf_for_ever)), mode="parallel")),
    "asyncio, run_async": (later, lambda: runner(chain(deaf_for_ever), mode="parallel")),
}
LEFT_BEHIND: dict[str, Case] = {
    "sequential": (now, lambda: runner(chain(waits, policies=[Timeout(1000)]))),
    "threads": (now, lambda: runner(chain(waits, policies=[Timeout(1000)]), mode="parallel")),
    "run_async": (later, lambda: runner(chain(waits, policies=[Timeout(1000)]), mode="parallel")),
}


def report(found: Runner[Any], patience: float) -> None:
    """Say what is left of the run, and beside it."""
    found.close()
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join(10.0 if isinstance(thread, threading.Timer) else patience)  # a timer is ours, and about to end
    left = {
        "statuses": found.metrics.statuses,
        "results": found.metrics.results,
        "reason": found.metrics.stop_reason,
        "threads": [one.name for one in threading.enumerate() if one is not threading.main_thread()],
        "children": len(psutil.Process().children(recursive=True)),
    }
    say(json.dumps(left))


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in what a shell runs in the background
    cases: dict[str, Case] = globals()[sys.argv[1]]
    call, make = cases[sys.argv[2]]
    found = make()
    try:
        call(found)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        report(found, 0.0 if cases in (LEFT_BEHIND, TWICE) else 10.0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise


if __name__ == "__main__":
    main()
