"""Calls get processes that are kept, replaced when they die, killed when their time is up, and never left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import spawn
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from fastdag_typed.exceptions import NodeTimeoutError, RunTimeoutError, WorkerError
from fastdag_typed.workers import Workers
from fastdag_typed.workers.jobs import Job
from tests.workers import functions
from tests.workers.processes import children, gone

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def workers() -> Iterator[Workers]:
    before = children()
    with Workers(2) as two:
        yield two
    assert children() <= before


def test_a_function_is_called_in_another_process(workers: Workers) -> None:
    assert workers.call(functions.double.func, (4,), name="double") == 8
    assert workers.call(functions.plus_one.func, kwargs={"x": 4}, name="plus_one") == 5
    assert workers.call(functions.pid, name="pid") not in (os.getpid(), None)


def test_an_async_function_gets_an_event_loop(workers: Workers) -> None:
    assert workers.call(functions.later, (4,), name="later") == 4


def test_processes_are_started_when_needed_and_kept_for_the_next_call(workers: Workers) -> None:
    assert workers.pids == []
    first = workers.call(functions.pid, name="pid")
    assert workers.pids == [first]
    assert {workers.call(functions.pid, name="pid") for _ in range(5)} == {first}


def test_there_are_never_more_processes_than_asked_for_and_every_call_has_its_own_result(workers: Workers) -> None:
    with ThreadPoolExecutor(8) as threads:
        doubled = threads.map(lambda x: workers.call(functions.double.func, (x,), name="double"), range(100))
        assert list(doubled) == list(range(0, 200, 2))
        assert len(set(threads.map(lambda _: workers.call(functions.pid, name="pid"), range(50)))) <= 2
    assert len(workers.pids) == 2


def test_there_is_at_least_one_worker() -> None:
    with pytest.raises(ValueError, match="at least 1 worker, not 0"):
        Workers(0)


def test_what_a_node_prints_is_seen_at_once(workers: Workers, capfd: Any) -> None:
    workers.call(functions.talk, ("hello",), name="talk")
    assert capfd.readouterr().out == "hello"


def test_a_default_time_out_of_sockets_changes_nothing(workers: Workers) -> None:
    socket.setdefaulttimeout(0.001)
    try:
        assert workers.call(functions.double.func, (1,), name="double") == 2
    finally:
        socket.setdefaulttimeout(None)


# -- processes that die ------------------------------------------------------------------------------------------------


def test_a_call_whose_process_dies_is_made_again_in_another_one(workers: Workers, tmp_path: Path, caplog: Any) -> None:
    assert workers.call(functions.die_at_first, (str(tmp_path / "calls"),), name="frail") == 2
    assert 'which ran node "frail", ended with exit code 1: the node is run again' in caplog.text


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ("exit", 7, "ended with exit code 7"),
        ("SIGKILL", -9, r"was killed \(SIGKILL\), as the system does when memory runs out"),
        ("SIGSEGV", -11, "died of SIGSEGV"),
        ("fork", 8, "ended with exit code 8"),
    ],
)
def test_a_node_that_ends_three_processes_is_named(workers: Workers, how: str, code: int, words: str) -> None:
    before = children()
    with pytest.raises(WorkerError, match=f'Node "deadly" ended 3 worker processes: the last one {words}') as caught:
        workers.call(functions.die, (how,), name="deadly")
    assert (caught.value.node_name, caught.value.exit_code) == ("deadly", code)
    assert workers.pids == []
    assert children() == before
    assert workers.call(functions.double.func, (4,), name="double") == 8


def test_only_the_call_of_the_process_that_died_is_made_again(workers: Workers, tmp_path: Path) -> None:
    calls, go = tmp_path / "calls", tmp_path / "go"
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(workers.call, functions.wait_for, (str(go),), name="waiting")
        other = None
        while other is None:
            other = next(iter(workers.pids), None)
        with pytest.raises(WorkerError):
            workers.call(functions.die, ("exit",), name="deadly")
        functions.tell(str(go), "went on")
        assert waiting.result() == "went on"
    assert other in workers.pids
    assert not calls.exists()


def test_a_process_that_died_between_two_calls_is_replaced_unnoticed(workers: Workers, caplog: Any) -> None:
    pid = workers.call(functions.pid, name="pid")
    psutil.Process(pid).kill()
    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.001)
    assert workers.call(functions.pid, name="pid") != pid
    assert caplog.text == ""


def test_memory_that_is_not_there_is_an_error_of_the_node_alone(workers: Workers) -> None:
    pid = workers.call(functions.pid, name="pid")
    with pytest.raises(MemoryError):
        workers.call(functions.be_hungry, name="hungry")
    assert workers.call(functions.pid, name="pid") == pid


@pytest.mark.parametrize(
    ("executable", "words"),
    [("/bin/false", "cannot be started: it ended with exit code 1"), ("/no/such/python", "starts no worker process")],
)
def test_a_process_that_does_not_even_start_is_no_fault_of_the_node(
    workers: Workers, executable: str, words: str
) -> None:
    usual = spawn.get_executable()
    spawn.set_executable(executable)
    try:
        with pytest.raises(WorkerError, match=words) as caught:
            workers.call(functions.double.func, (1,), name="double")
    finally:
        spawn.set_executable(usual)
    assert caught.value.node_name is None
    assert workers.pids == []


# -- time-outs and stops -----------------------------------------------------------------------------------------------

_KILLED = r'Node "hang" did not end within 0.3 s: its process \((\d+)\) was killed'


def test_a_call_that_takes_too_long_is_killed_and_no_other(workers: Workers, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(workers.call, functions.wait_for, (str(go),), name="waiting")
        with pytest.raises(NodeTimeoutError, match=_KILLED) as caught:
            workers.call(functions.hang, name="hang", seconds=0.3)
        functions.tell(str(go), "not killed")
        assert waiting.result() == "not killed"
    assert (caught.value.node_name, caught.value.seconds) == ("hang", 0.3)
    assert gone(int(re.findall(_KILLED, str(caught.value))[0]))
    assert workers.call(functions.double.func, (1,), name="double", seconds=60) == 2


def test_what_a_killed_node_had_started_is_killed_too(workers: Workers, tmp_path: Path) -> None:
    begun, job = tmp_path / "begun", Job()
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(workers.call, functions.hang_with_child, (str(begun),), name="hang", job=job)
        child = int(functions.told(begun))
        assert psutil.pid_exists(child)
        job.stop()
        assert isinstance(call.exception(), asyncio.CancelledError)
    assert gone(child)


def test_the_deadline_counts_while_a_process_is_waited_for(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with Workers(1) as workers, ThreadPoolExecutor(1) as threads:
        busy = threads.submit(workers.call, functions.wait_for, (str(go),), name="busy")
        while not workers.pids:
            pass
        with pytest.raises(RunTimeoutError, match='The time of the run was up before node "late"'):
            workers.call(functions.give, (1,), name="late", deadline=time.perf_counter() + 0.05)
        functions.tell(str(go), "done")
        assert busy.result() == "done"


def test_interrupt_ends_the_calls_under_way_and_nothing_else(workers: Workers, tmp_path: Path) -> None:
    idle = workers.call(functions.pid, name="pid")
    begun = [tmp_path / "1", tmp_path / "2"]
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(workers.call, functions.hang, (str(file),), name="hang") for file in begun]
        pids = [int(functions.told(file)) for file in begun]
        calls.append(threads.submit(workers.call, functions.hang, name="waiting for a process"))
        while len(workers._calls) < 3:
            pass
        workers.interrupt()
        assert [type(call.exception()) for call in calls] == [asyncio.CancelledError] * 3
    assert all(map(gone, pids))
    assert idle in pids
    assert workers.call(functions.double.func, (1,), name="double") == 2


def test_a_call_that_was_stopped_before_it_began_does_not_begin(workers: Workers) -> None:
    job = Job()
    job.stop()
    with pytest.raises(asyncio.CancelledError):
        workers.call(functions.give, (1,), name="give", job=job)
    assert workers.pids == []


# -- the end -----------------------------------------------------------------------------------------------------------


def test_close_leaves_no_process_no_thread_and_no_open_file(tmp_path: Path) -> None:
    def have() -> tuple[set[int], int, set[Path]]:
        return children(), threading.active_count(), set(Path("/proc/self/fd").iterdir())

    Workers(1).close()
    before = have()
    workers = Workers(2)
    with ThreadPoolExecutor(2) as threads:
        idle = threads.submit(workers.call, functions.give, (1,), name="give")
        assert idle.result() == 1
        begun = tmp_path / "begun"
        busy = threads.submit(workers.call, functions.hang, (str(begun),), name="hang")
        functions.told(begun)
        workers.close()
        assert isinstance(busy.exception(), asyncio.CancelledError)
    assert have() == before


def test_after_close_a_call_starts_processes_again(workers: Workers) -> None:
    first = workers.call(functions.pid, name="pid")
    workers.close()
    assert workers.pids == []
    assert workers.call(functions.pid, name="pid") != first


def test_workers_that_nobody_has_any_more_end() -> None:
    workers = Workers(1)
    pid = workers.call(functions.pid, name="pid")
    del workers
    gc.collect()
    assert gone(pid)
