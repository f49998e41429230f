"""Ctrl-C ends a program in which a workflow runs, at once, in every driver, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from select import select
from typing import Any

import pytest

from tests.faults.interrupted import AFTERWARDS, DEAF, KINDS, LEFT_BEHIND, TWICE, WITHIN

ROOT = Path(__file__).parents[2]


def press(program: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C: as a terminal does, for the program and all that it has started."""
    os.killpg(program.pid, signal.SIGINT)


def answered(program: subprocess.Popen[bytes]) -> int:
    """Press until there is an answer, and count: Python may miss what comes just before it begins to wait."""
    presses = 0
    while not presses or not select([program.stdout], [], [], 5)[0]:
        press(program)
        presses += 1
    return presses


def interrupt(cases: str, kind: str) -> dict[str, Any]:
    """Run the program, press Ctrl-C when it waits for that, and give what it says then of what is left."""
    command = [sys.executable, "-W", "error", "-m", "tests.faults.interrupted", cases, kind]
    environment = {**os.environ, "PYTHONDEVMODE": "1", "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True
    ) as program:
        alarm = threading.Timer(60, program.kill)
        alarm.start()
        said = complaints = ""
        try:
            presses = 0
            for line in program.stdout or ():
                said = line.decode().strip()
                if said == "interrupted":
                    program.stdin.write(b"\n")  # type: ignore[union-attr]
                elif said in ("waiting", "again"):
                    presses += answered(program)
                else:
                    break
            complaints = program.communicate()[1].decode()
        finally:
            alarm.cancel()
            alarm.join()
            program.kill()
    assert said.startswith("{"), complaints
    assert program.returncode == -signal.SIGINT
    assert complaints.rstrip().endswith("KeyboardInterrupt")
    assert "Warning" not in complaints
    assert "Exception ignored" not in complaints
    left: dict[str, Any] = json.loads(said)
    assert left["results"]["good"] == 1
    assert left["statuses"]["never"] == "pending"
    assert left["reason"] == "interrupted"
    assert left["children"] == 0
    return {**left, "presses": presses}


@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_ends_the_run_and_leaves_what_was_done_readable_and_nothing_else(kind: str) -> None:
    assert interrupt("KINDS", kind)["threads"] == []


@pytest.mark.parametrize("kind", DEAF)
def test_ctrl_c_lets_a_node_that_runs_in_a_thread_come_to_its_end_and_its_result_counts(kind: str) -> None:
    left = interrupt("DEAF", kind)
    assert left["threads"] == []
    if "nested" not in kind:
        assert left["statuses"]["bad"] == "done"
        assert left["results"]["bad"] == 1


@pytest.mark.parametrize("kind", AFTERWARDS)
def test_nothing_begins_after_ctrl_c_that_the_run_would_have_to_wait_for(kind: str) -> None:
    assert interrupt("AFTERWARDS", kind)["threads"] == []


@pytest.mark.parametrize("kind", WITHIN)
def test_a_parallel_run_within_a_node_gives_nothing_after_ctrl_c(kind: str) -> None:
    left = interrupt("WITHIN", kind)
    assert left["threads"] == []
    assert left["statuses"]["bad"] != "done"
    assert "bad" not in left["results"]


@pytest.mark.parametrize("kind", LEFT_BEHIND)
def test_ctrl_c_leaves_a_thread_behind_that_has_a_time_out_and_the_program_ends_all_the_same(kind: str) -> None:
    assert interrupt("LEFT_BEHIND", kind)["threads"] == ["fastdag-bad"]


@pytest.mark.parametrize("kind", TWICE)
def test_a_second_ctrl_c_does_not_wait_for_a_node_that_runs_in_a_thread(kind: str) -> None:
    left = interrupt("TWICE", kind)
    assert len(left["threads"]) == 1
    assert left["presses"] >= 2  # more only if one was missed
