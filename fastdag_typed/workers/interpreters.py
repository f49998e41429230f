"""Other interpreters of this process, each of which runs Python code beside the others; from Python 3.14 on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .homes import script_again
from .inside import answer
from .jobs import Outcome
from .worker import search_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor, Future

    from .jobs import Job, Limit
    from .parcel import Parcel


def are_there() -> bool:
    """Tell whether the running Python has them."""
    return sys.version_info >= (3, 14)


class Interpreters:
    """Interpreters that run nodes, ``count`` at once: made when they are needed, kept for the next call.

    They cannot be stopped: what takes too long goes on, and what it gives is dropped. Some native modules (numpy)
    cannot be imported there.

    Raises:
        RuntimeError: the running Python has none.

    """

    def __init__(self, count: int) -> None:
        self._pool = _pool(count)
        self._calls: set[Future[bytes]] = set()

    def carry_out(
        self, parcel: Parcel, args: tuple[Any, ...], kwargs: Mapping[str, Any], limit: Limit, job: Job
    ) -> Any:
        """Call a function there and wait for what it gives.

        Raises:
            NodeTimeoutError: its time is up.
            PlacementError: the function, an argument or the result cannot travel.
            asyncio.CancelledError: it was stopped.

        """
        request = parcel.request(args, kwargs)
        outcome = Outcome()

        def ended(future: Future[bytes]) -> None:
            self._calls.discard(future)
            outcome.take(future.result)

        limit.begin()
        future = self._pool.submit(answer, request)
        self._calls.add(future)
        future.add_done_callback(ended)
        reply = outcome.wait(
            limit, job, "an interpreter cannot be stopped, so the function goes on, and what it returns is dropped"
        )
        return parcel.value(reply, "another interpreter")

    def close(self) -> None:
        """End those that do nothing now, and the others when they come to it."""
        self._pool.shutdown(wait=not self._calls, cancel_futures=True)


def _pool(count: int) -> Executor:
    if sys.version_info >= (3, 14):
        from concurrent.futures import InterpreterPoolExecutor

        start = (search_path(), list(sys.argv), script_again())
        likeness = (
            f"import sys\nsys.path[:] = {start[0]!r}\n"
            f"from fastdag_typed.workers.inside import Start, be_like\nbe_like(Start(*{start!r}))"
        )
        return InterpreterPoolExecutor(
            count, thread_name_prefix="fastdag-interpreter", initializer=exec, initargs=(likeness,)
        )
    raise RuntimeError("Python has interpreters for this from 3.14 on")
