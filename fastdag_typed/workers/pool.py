"""As many workers as may run at once: each call gets one, and another one if it dies."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from weakref import finalize

from ..exceptions import WorkerError
from .jobs import Job, Limit
from .parcel import Parcel
from .worker import Worker, in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Self

    from ..diagnostic import Location
    from .interpreters import Interpreters

_DEATHS: Final = 3


class Workers:
    """Processes that run nodes, ``count`` at once: started when they are needed, kept for the next call.

    Nodes that are run by the same process share what they change in it (modules, the working directory). A call whose
    process dies is made again in another one, so what it had done already may be done twice.

    Raises:
        ValueError: ``count`` is less than 1.

    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"there is at least 1 worker, not {count}")
        self.count = count
        self._open()

    def _open(self) -> None:
        self._program = os.getpid()
        self._changed = threading.Condition()
        self._started: list[Worker] = []
        self._idle: list[Worker] = []
        self._calls: dict[Job, Worker | None] = {}
        self._finalizer = finalize(self, _end_all, self._started, self._program)

    def __enter__(self) -> Self:
        """Give itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @cached_property
    def interpreters(self) -> Interpreters:
        """Interpreters of this process, as many."""
        from .interpreters import Interpreters

        return Interpreters(self.count)

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that there are."""
        return [worker.pid for worker in self._started]

    def call(
        self,
        func: Callable[..., Any] | Parcel,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        name: str,
        where: Location | None = None,
        seconds: float | None = None,
        deadline: float | None = None,
        job: Job | None = None,
    ) -> Any:
        """Call a function in a process and wait for what it gives; an async function gets an event loop there.

        Args:
            func: the function, or one that was made ready to travel.
            args: its arguments by position.
            kwargs: its arguments by name.
            name: the node, for messages.
            where: where the node's function is defined, for messages.
            seconds: how long the call may take, from when a process has it.
            deadline: when the call has to have ended, in seconds of ``perf_counter``.
            job: what another thread stops the call with.

        Raises:
            NodeTimeoutError: it took too long, and its process was killed.
            WorkerError: three processes died of it, or none can be started.
            PlacementError: the function, an argument or the result cannot travel.
            asyncio.CancelledError: it was stopped.

        """
        parcel = func if isinstance(func, Parcel) else Parcel(func, name, where)
        return self.carry_out(parcel, args, kwargs or {}, Limit(name, where, seconds, deadline), job or Job())

    def carry_out(
        self, parcel: Parcel, args: tuple[Any, ...], kwargs: Mapping[str, Any], limit: Limit, job: Job
    ) -> Any:
        """Do as ``call``, with everything ready."""
        request = parcel.request(args, kwargs)
        if os.getpid() != self._program:  # this process was forked off: the workers are those of the other one
            self._finalizer()
            self._open()
        self._calls[job] = None
        try:
            reply, pid = self._ask(request, limit, job)
        finally:
            job.stops_by(None)
            worker = self._calls.pop(job)
            if worker is not None:  # it still carries out what nobody waits for
                worker.kill()
                self._drop(worker)
        return parcel.value(reply, f"worker process {pid}")

    def interrupt(self) -> None:
        """Kill what is running; each call under way raises ``asyncio.CancelledError``."""
        for job in tuple(self._calls):
            job.stop()

    def close(self) -> None:
        """End all processes, those that carry out a call by killing them; a later call starts others."""
        self.interrupt()
        interpreters: Interpreters | None = self.__dict__.pop("interpreters", None)
        if interpreters is not None:
            interpreters.close()
        with self._changed:
            ending = tuple(self._started)
            for worker in self._idle:
                self._started.remove(worker)
            self._idle.clear()
        _end_all(ending, self._program)

    def _ask(self, request: bytes, limit: Limit, job: Job) -> tuple[bytes, int]:
        """Have a worker carry out a request, and another one if it dies; give the reply and the worker's number."""
        deaths = 0
        while True:
            worker = self._take(limit, job)
            job.stops_by(worker.kill)
            reply = worker.ask(request, limit)
            job.stops_by(None)
            if reply is not None:
                if not job.stopped:
                    self._keep(worker, job)
                return reply, worker.pid
            self._calls[job] = None
            code = self._drop(worker)
            job.check()
            deaths += 1
            if deaths == _DEATHS:
                place = f" ({limit.where})" if limit.where else ""
                raise WorkerError(
                    f'Node "{limit.name}"{place} ended {deaths} worker processes: the last one {in_words(code)}',
                    node_name=limit.name,
                    exit_code=code,
                    where=limit.where,
                )
            from logging import getLogger

            getLogger("fastdag_typed").warning(
                'Worker process %d, which ran node "%s", %s: the node is run again',
                worker.pid,
                limit.name,
                in_words(code),
            )

    # -- who has which worker ----------------------------------------------------------------------------------------

    def _take(self, limit: Limit, job: Job) -> Worker:
        """Give an idle worker, else a new one, else wait for one."""
        job.stops_by(self._wake)
        with self._changed:
            while True:
                job.check()
                worker = self._found()
                if worker is not None:
                    worker.busy, self._calls[job] = True, worker
                    return worker
                self._changed.wait(limit.pause())
                if limit.left() == 0.0:
                    raise limit.passed()

    def _found(self) -> Worker | None:
        """Find an idle worker that lives, or start one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            self._started.remove(worker)
            worker.end()
        if len(self._started) >= self.count:
            return None
        worker = Worker()
        self._started.append(worker)
        return worker

    def _keep(self, worker: Worker, job: Job) -> None:
        with self._changed:
            worker.busy, self._calls[job] = False, None
            self._idle.append(worker)
            self._changed.notify_all()

    def _drop(self, worker: Worker) -> int:
        """See that a worker ends, and give its exit code."""
        worker.busy = False
        code = worker.end()
        with self._changed:
            if worker in self._started:
                self._started.remove(worker)
            self._changed.notify_all()
        return code

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _end_all(workers: Iterable[Worker], program: int) -> None:
    """End workers; those of the program that this one was forked off from are only forgotten."""
    workers = tuple(workers)
    if os.getpid() != program:
        for worker in workers:
            worker.forget()
        return
    for worker in workers:
        if worker.busy:
            worker.kill()
        else:
            worker.hang_up()
    for worker in workers:
        worker.end()
