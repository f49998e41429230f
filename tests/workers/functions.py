"""Functions that run in processes: they have to be found there by name."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial, wraps
from itertools import pairwise
from pathlib import Path
from typing import Any

from fastdag_typed import DAG, ConditionalReturn, Context, FSMReturn

dag = DAG("nodes in a module")


@dag.node
def double(x: int) -> int:
    return x * 2


@dag.node
def plus_one(x: int) -> int:
    return x + 1


def pid(*_: object) -> int:
    return os.getpid()


async def later(x: int) -> int:
    await asyncio.sleep(0)
    return x


def give(value: Any) -> Any:
    return value


def noted(func: Any) -> Any:
    @wraps(func)
    def run(*args: Any) -> Any:
        return f"noted {func(*args)}"

    return run


@noted
def decorated(x: int) -> int:
    return x


class Account:
    def __init__(self, balance: int) -> None:
        self.balance = balance

    def __call__(self, amount: int) -> int:
        return self.balance + amount

    def plus(self, amount: int) -> int:
        return self.balance + amount

    @classmethod
    def empty(cls) -> int:
        return cls(0).balance

    @staticmethod
    def twice(x: int) -> int:
        return 2 * x


NOTHING = object()


def is_given(first: int = 0, value: object = NOTHING, last: int = 0) -> tuple[int, bool, int]:
    return first, value is not NOTHING, last


def choose(x: int) -> ConditionalReturn[int]:
    return ConditionalReturn(x > 0)


def go_on(x: int) -> FSMReturn[int]:
    return FSMReturn("second", x + 1)


def stop(x: int) -> FSMReturn[int]:
    return FSMReturn(value=x * 2, stop=True)


def with_context(x: int, context: Context) -> int:
    return x


# -- what goes wrong --------------------------------------------------------------------------------------------------


def hang(begun: str | None = None) -> None:
    if begun is not None:
        tell(begun, str(os.getpid()))
    while True:
        time.sleep(1000)


async def hang_async(begun: str | None = None) -> None:
    hang(begun)


def hang_with_child(begun: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
    tell(begun, str(child.pid))
    child.wait()


def tell(file: str, text: str) -> None:
    """Write at once, so that a reader sees all or nothing."""
    draft = Path(f"{file}.{os.getpid()}")
    draft.write_text(text)
    draft.rename(file)


def told(file: Path | str) -> str:
    """Wait for what ``tell`` writes."""
    file = Path(file)
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return file.read_text()


def wait_for(file: str) -> str:
    return told(file)


async def begin_and_wait_async(begun: str, go: str) -> str:
    tell(begun, "begun")
    return told(go)


def count(file: str) -> int:
    with Path(file).open("a") as lines:
        lines.write(f"{os.getpid()}\n")
    return len(Path(file).read_text().splitlines())


def die(how: str) -> None:
    if how == "exit":
        os._exit(7)
    if how == "fork":  # what it leaves behind has all its files open
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(8)
    os.kill(os.getpid(), signal.Signals[how])
    threading.Event().wait()


def die_at_first(file: str) -> int:
    calls = count(file)
    if calls == 1:
        os._exit(1)
    return calls


def be_hungry() -> None:
    import resource

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, resource.RLIM_INFINITY))
    try:
        bytearray(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def talk(text: str) -> None:
    sys.stdout.write(text)


def lambda_of(x: int) -> Any:
    return lambda: x


def _build(pid: int, *, same: bool) -> Any:
    if (os.getpid() == pid) is not same:
        raise RuntimeError("only there")
    return Unreadable()


class Unreadable:
    """Can be read only in the process that wrote it."""

    def __reduce__(self) -> Any:
        return partial(_build, same=True), (os.getpid(),)


def only_there() -> Unreadable:
    return Unreadable()


class LostError(Exception):
    """Does not pickle, because it cannot be made of its arguments."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(f"{what} in {where}")


class RichError(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = 42


def fail(how: str) -> None:
    _FAILURES[how]()


def _rich() -> None:
    raise RichError("rich")


def _first() -> None:
    raise KeyError("first")


def _cause() -> None:
    try:
        _first()
    except KeyError as error:
        raise ValueError("second") from error


def _context() -> None:
    try:
        _first()
    except KeyError:
        raise ValueError("second")  # noqa: B904 - the context is what is looked at


def _suppressed() -> None:
    try:
        _first()
    except KeyError:
        raise ValueError("second") from None


def _notes() -> None:
    error = ValueError("noted")
    error.add_note("a note")
    raise error


def _lost() -> None:
    raise LostError("keys", where="the sea")


def _lost_cause() -> None:
    raise ValueError("found") from LostError("keys", where="the sea")


def _group() -> None:
    members = [ValueError(1), ValueError(2)]
    for member in members:
        member.__cause__ = KeyError("first")
    raise ExceptionGroup("both", members)


def _lost_in_a_group() -> None:
    raise ExceptionGroup("some", [ValueError(1), LostError("keys", where="the sea")])


def _local() -> None:
    class LocalError(Exception):
        pass

    raise LocalError("only here")


def _circle() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    raise one


def _chain() -> None:
    links = [ValueError(number) for number in range(2000)]
    for link, before in pairwise(reversed(links)):
        link.__cause__ = before
    raise links[-1]


_FAILURES = {
    "rich": _rich,
    "cause": _cause,
    "context": _context,
    "suppressed": _suppressed,
    "notes": _notes,
    "lost": _lost,
    "lost cause": _lost_cause,
    "group": _group,
    "lost in a group": _lost_in_a_group,
    "local": _local,
    "circle": _circle,
    "chain": _chain,
}


def throw(error: BaseException) -> None:
    raise error


async def throw_async(error: BaseException) -> None:
    raise error
