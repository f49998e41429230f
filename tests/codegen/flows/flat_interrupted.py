"""A program that runs a compiled module until Ctrl-C comes; it says when it waits for that, and what is left."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any

from fastdag_codegen import compile_workflow, load, write
from fastdag_codegen.options import Options
from fastdag_typed import DAG, Node, Runner
from fastdag_typed.step import running

dag = DAG("interrupted")
log: list[str] = []
# What Python has for this that is written in Python can be broken by Ctrl-C, and so can the start of a thread.
stopped: SimpleQueue[None] = SimpleQueue()
"""Tells that the compiled code knows that it is interrupted."""
begun: SimpleQueue[None] = SimpleQueue()
"""Tells that the first thread is there."""


def wait_for_ctrl_c() -> None:
    begun.get()
    say("waiting")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def first() -> int:
    log.append("first")
    return 1


def deaf(x: int) -> int:
    """Go on, whatever happens to the run."""
    wait_for_ctrl_c()
    stopped.get()
    log.append("waited")
    return x


def deaf_for_ever(x: int) -> int:
    wait_for_ctrl_c()
    stopped.get()
    say("again")
    threading.Event().wait()
    return x


def heedful(x: int) -> int:
    """Wait until the run says that it is interrupted."""
    told = threading.Event()
    scope: Any = running.get()
    forget = scope.at_stop(told.set)
    wait_for_ctrl_c()
    told.wait()
    forget()
    log.append("waited")
    return x


async def awaited(x: int) -> int:
    say("waiting")
    try:
        await asyncio.Event().wait()
    finally:
        log.append("cleaned up")
    return x


def never(x: int) -> int:
    log.append("never")
    return x


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in what a shell runs in the background
    name, mode, by, folder = sys.argv[1:]
    start = dag.add_node(Node(first))
    last = dag.add_node(Node(never))
    start >> dag.add_node(Node(globals()[name], "waits")) >> last
    dag.add_node(Node(first, "beside")).after(last)
    options = Options(mode=mode)  # type: ignore[arg-type]
    write(compile_workflow(dag.plan(), target="flat_interrupted:dag", options=options), f"{folder}/made.py")
    module: Any = load(f"{folder}/made.py")

    class Watched(module.Crew):  # type: ignore[misc]
        def _come(self) -> None:
            super()._come()
            begun.put(None)

        def stop(self) -> None:
            super().stop()
            stopped.put(None)

    module.Crew = Watched
    runner = Runner(module)
    try:
        if by == "runner":
            runner.run({}, "parallel")
        else:
            module.run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threads = [one.name for one in threading.enumerate() if one is not threading.main_thread()]
        seen = {"results": runner.metrics.results, "statuses": runner.metrics.statuses} if by == "runner" else {}
        say(json.dumps({"log": log, "threads": threads, **seen}))
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise
