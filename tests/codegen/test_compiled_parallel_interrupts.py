"""Ctrl-C ends a compiled module that runs several nodes at once as it ends a runner: nothing begins, what runs ends."""

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

FLOWS = Path(__file__).parent / "flows"


def press(program: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C until there is an answer: Python may miss what comes just before it begins to wait."""
    while True:
        os.killpg(program.pid, signal.SIGINT)
        if select([program.stdout], [], [], 5)[0]:
            return


def interrupted(name: str, mode: str, by: str, folder: Path) -> dict[str, Any]:
    """Run the program, press Ctrl-C when a node waits, and give what it says in the end."""
    command = [sys.executable, "-W", "error", "-c", "import flat_interrupted as f; f.main()"]
    paths = os.pathsep.join([str(FLOWS), *sys.path])
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, name, mode, by, str(folder)],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        bufsize=0,
        start_new_session=True,
    ) as program:
        alarm = threading.Timer(60, program.kill)
        alarm.start()
        try:
            said = ""
            for line in program.stdout or ():
                said = line.decode().strip()
                if said not in ("waiting", "again"):
                    break
                press(program)
            complaints = program.communicate()[1].decode()
        finally:
            alarm.cancel()
            alarm.join()
    assert said.startswith("{"), complaints
    assert complaints.rstrip().endswith("KeyboardInterrupt"), complaints
    found: dict[str, Any] = json.loads(said)
    return found


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C cannot be sent to one program")


@pytest.mark.parametrize("by", ["runner", "itself"])
def test_what_runs_in_a_thread_comes_to_its_end_and_nothing_begins(by: str, tmp_path: Path) -> None:
    left = interrupted("deaf", "threads", by, tmp_path)
    assert left["log"] == ["first", "waited"]
    assert left["threads"] == []
    if by == "runner":
        assert left["results"] == {"first": 1, "waits": 1}
        assert left["statuses"] == {"first": "done", "waits": "done", "never": "pending", "beside": "pending"}


def test_what_heeds_the_run_of_a_runner_is_told_to_stop(tmp_path: Path) -> None:
    left = interrupted("heedful", "threads", "runner", tmp_path)
    assert (left["log"], left["threads"]) == (["first", "waited"], [])


@pytest.mark.parametrize("by", ["runner", "itself"])
def test_a_second_ctrl_c_does_not_wait_for_what_never_ends(by: str, tmp_path: Path) -> None:
    left = interrupted("deaf_for_ever", "threads", by, tmp_path)
    assert (left["log"], left["threads"]) == (["first"], ["fastdag-worker"])


@pytest.mark.parametrize("by", ["runner", "itself"])
def test_what_is_awaited_is_cancelled(by: str, tmp_path: Path) -> None:
    left = interrupted("awaited", "asyncio", by, tmp_path)
    assert (left["log"], left["threads"]) == (["first", "cleaned up"], [])
    if by == "runner":
        assert left["statuses"] == {"first": "done", "waits": "failed", "never": "pending", "beside": "pending"}
