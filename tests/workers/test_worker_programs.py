"""Whole programs that use processes: the script that is started, Ctrl-C, forks, and the program's own death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.workers.functions import told
from tests.workers.processes import gone

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
HEAD = """
import os, sys, time
from pathlib import Path
from fastdag_typed import DAG, Runner
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.timeout import Timeout
from fastdag_typed.workers import Workers
from tests.workers import functions

dag = DAG("script")

class Pair:
    def __init__(self, x, y):
        self.x, self.y = x, y

@dag.node(policies=[Place("process")])
def pair(x: int) -> Pair:
    return Pair(x, os.getpid())

@dag.node
def swap(pair: Pair) -> Pair:
    return Pair(pair.y, pair.x)

pair >> swap
"""


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program in a folder of its own; what hangs is killed in the end."""
    programs: list[subprocess.Popen[str]] = []

    def begin(text: str, *options: str) -> subprocess.Popen[str]:
        script = tmp_path / "script.py"
        script.write_text(HEAD + text)
        program = subprocess.Popen(
            [sys.executable, "-W", "error", *(options or (str(script),))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        programs.append(program)
        return program

    yield begin
    for program in programs:
        program.kill()
        program.communicate()


def output(program: subprocess.Popen[str]) -> str:
    out, err = program.communicate(timeout=120)
    assert err == ""
    assert program.returncode == 0
    return out


GUARDED = """
if __name__ == "__main__":
    runner = Runner(dag)  # never closed
    value = runner.run({"x": 3}).value
    print(value.y, value.x != os.getpid(), isinstance(value, Pair))
"""


@pytest.mark.parametrize("options", [(), ("-m", "script")])
def test_functions_and_classes_of_the_script_travel(start: Start, options: tuple[str, ...]) -> None:
    assert output(start(GUARDED, *options)) == "3 True True\n"


def test_a_script_that_begins_a_run_when_it_is_imported_is_told_what_to_do(start: Start) -> None:
    program = start('Runner(dag).run({"x": 3})\n')
    _, err = program.communicate(timeout=120)
    assert program.returncode == 1
    assert 'put what runs into `if __name__ == "__main__":`' in err


def test_a_script_that_has_nothing_in_the_process_needs_no_such_line(start: Start) -> None:
    text = "with Workers(1) as workers:\n    print(workers.call(functions.double.func, (4,), name='double'))\n"
    assert output(start(text)) == "8\n"


def test_what_is_typed_into_a_session_is_refused() -> None:
    text = "from fastdag_typed.workers import Workers\ndef f(): pass\nwith Workers(1) as w: w.call(f, name='f')\n"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "because what is typed into a session is in no file (define it" in done.stderr


def test_workers_that_are_forgotten_end_with_the_program(start: Start) -> None:
    text = """
if __name__ == "__main__":
    workers = Workers(2)
    print(workers.call(functions.pid, name="pid"))
"""
    assert gone(int(output(start(text))))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_busy_process_and_what_it_started_end_when_the_program_is_killed(
    start: Start, tmp_path: Path, how: signal.Signals
) -> None:
    text = """
if __name__ == "__main__":
    workers = Workers(2)
    print(workers.call(functions.pid, name="pid"), flush=True)
    workers.call(functions.hang_with_child, ("begun",), name="hang")
"""
    program = start(text)
    assert program.stdout is not None
    worker = int(program.stdout.readline())
    child = int(told(tmp_path / "begun"))
    program.send_signal(how)
    program.communicate(timeout=120)
    assert gone(worker)
    assert gone(child)


def test_a_forked_program_has_processes_of_its_own(start: Start) -> None:
    text = """
if __name__ == "__main__":
    workers = Workers(1)
    first = workers.call(functions.pid, name="pid")
    child = os.fork()
    if child == 0:
        assert workers.call(functions.pid, name="pid") != first
        del workers
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert workers.call(functions.pid, name="pid") == first
    print("both")
"""
    assert output(start(text)) == "both\n"


DRIVERS = {
    "sequential": ("", "sequential"),
    "threads": ("", "parallel"),
    "processes": ("", "processes"),
    "loop": ("async ", "sequential"),
    "loop and threads": ("async ", "parallel"),
}


@pytest.mark.parametrize("policy", ['Place("process")', "Timeout(600)"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_ctrl_c_ends_the_run_and_its_processes(start: Start, tmp_path: Path, driver: str, policy: str) -> None:
    kind, mode = DRIVERS[driver]
    text = f"""
busy = DAG("busy")

@busy.node
{kind}def first(x: int) -> int:
    return x

@busy.node(policies=[{policy}])
def hang(x: int) -> None:
    functions.hang("begun")

first >> hang

if __name__ == "__main__":
    runner = Runner(busy)
    try:
        with runner:
            runner.run({{"x": 3}}, "{mode}")
    except KeyboardInterrupt:
        print("interrupted", runner.metrics.results, runner.metrics.stop_reason)
        import psutil
        print(psutil.Process().children())
"""
    program = start(text)
    worker = int(told(tmp_path / "begun"))
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=120)
    assert err == ""
    assert "interrupted {'first': 3} interrupted\n" in out
    assert gone(worker)
    assert out.endswith("[]\n")
