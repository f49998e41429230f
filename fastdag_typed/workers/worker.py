"""One worker process, seen from the program that started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing import spawn
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..exceptions import WorkerError
from .homes import script_again

if TYPE_CHECKING:
    from .jobs import Limit

_BOOT: Final = (
    "import sys; from multiprocessing.connection import Connection; connection = Connection({}); "
    "start = connection.recv(); sys.path[:] = start[0]; "
    "from fastdag_typed.workers.inside import Start, serve; serve(connection, Start(*start))"
)
_PATIENCE: Final = 5.0  # seconds that a worker has to end by itself


class Worker:
    """A process that carries out one request at a time.

    It is no child of ``multiprocessing``: a node may start processes of its own, which end with it, and no process is
    left behind that keeps account of others.

    Raises:
        WorkerError: the system starts no more processes.

    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            ours.settimeout(None)  # whatever socket.setdefaulttimeout says
            theirs.settimeout(None)
            handle = theirs.fileno()
            options: dict[str, Any] = {"pass_fds": (handle,), "process_group": 0}
            if sys.platform == "win32":
                theirs.set_inheritable(True)
                options = {"close_fds": False}
            flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001 - as multiprocessing does
            command = [spawn.get_executable(), *flags, "-P", "-c", _BOOT.format(handle)]
            try:
                self._process = subprocess.Popen(command, stdin=subprocess.PIPE, **options)  # noqa: S603 - ourselves
            except OSError as error:
                ours.close()
                raise WorkerError(f"The system starts no worker process: {error}") from error
        self._connection: Connection[Any, Any] = Connection(ours.detach())
        self._ready = False
        self.busy = False
        with suppress(OSError):  # it is dead already, as ``ask`` will see
            self._connection.send((search_path(), list(sys.argv), script_again()))

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def ask(self, request: bytes, limit: Limit) -> bytes | None:
        """Have a request carried out; ``None`` if the worker died of it.

        Raises:
            NodeTimeoutError: the time is up; the worker is of no more use.
            WorkerError: the worker did not even start.

        """
        if not self._ready:
            if self._heard(limit) is None:
                raise WorkerError(
                    f"A worker process cannot be started: it {in_words(self.end())}; what it wrote to the standard "
                    "error stream says more"
                )
            self._ready = True
        limit.begin()
        try:
            self._connection.send_bytes(request)
        except OSError:
            return None
        return self._heard(limit)

    def _heard(self, limit: Limit) -> bytes | None:
        while limit.left() is not None and not self._connection.poll(limit.pause()):
            if limit.left() == 0.0:
                raise limit.passed(f"its process ({self.pid}) was killed")
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def kill(self) -> None:
        """Kill the process and all that it started; any thread may, while a call is under way."""
        if sys.platform == "win32":
            self._process.kill()
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def hang_up(self) -> None:
        """Let it know that nothing more comes, so that it ends by itself."""
        self._connection.close()

    def end(self) -> int:
        """Wait until it has ended, at worst by being killed, and give its exit code, negative for a signal."""
        if not self.busy:  # else the connection is in use
            self.hang_up()
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        self.kill()  # what it started and left behind
        self._let_go()
        return code

    def forget(self) -> None:
        """Let go of a process that belongs to the program which this one was forked off from."""
        self.hang_up()
        self._let_go()
        self._process.returncode = 0  # so that nothing waits for it or warns of it

    def _let_go(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


def search_path() -> list[str]:
    """Give where modules are looked for, also seen from elsewhere."""
    return [folder or str(Path.cwd()) for folder in sys.path]


def in_words(exit_code: int) -> str:
    """Say how a process ended."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    if name == "SIGKILL":
        return "was killed (SIGKILL), as the system does when memory runs out"
    return f"died of {name}"
