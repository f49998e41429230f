"""What goes on inside a worker: it answers one request after the other."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .failures import pack
from .homes import Home, find, import_script, remember_script

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from multiprocessing.connection import Connection

PROTOCOL: Final = 5


class Start(NamedTuple):
    """What a worker is told first, so that it finds what the program finds."""

    path: list[str]
    argv: list[str]
    script: dict[str, str]


def be_like(start: Start) -> None:
    """Look for modules where the program that started this does."""
    sys.path[:], sys.argv[:] = start.path, start.argv
    remember_script(start.script)


def serve(connection: Connection[Any, Any], start: Start) -> None:
    """Answer requests until the other end is closed."""
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the program; what a node starts may still get it
    if sys.platform != "win32":
        _end_with_the_program()
        os.register_at_fork(after_in_child=connection.close)  # so that its end is the end of this process alone
    be_like(start)
    connection.send_bytes(b"ready")
    while True:
        try:
            request = connection.recv_bytes()
        except (EOFError, OSError):
            return
        reply = answer(request)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the node may have closed it
                stream.flush()
        connection.send_bytes(reply)


def _end_with_the_program() -> None:
    """Have the system end this process, and all that it started, when the program ends, however that happens.

    The program holds the other end of standard input and never writes to it: the only news is its end, and the default
    action of the signal that tells it (SIGIO) is to end the process, whatever it is doing.
    """
    if sys.platform == "win32":
        return
    import fcntl

    life = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(life, fcntl.F_SETFL, os.O_ASYNC)


class _Unpickler(pickle.Unpickler):
    """Imports the script that the program was started with, but only if something of it comes."""

    def find_class(self, module: str, name: str, /) -> Any:
        if module in ("__main__", "__mp_main__"):
            import_script()
        return super().find_class(module, name)


def answer(request: bytes) -> bytes:
    """Carry out one request, two pickles: a function or its home, and its arguments.

    What comes back is a pair: ``("value", ...)``, or ``("call" | "load" | "send", Packed)`` for an exception of the
    function, of the way there, or of the way back.
    """
    try:
        pickles = io.BytesIO(request)
        func = _Unpickler(pickles).load()
        if isinstance(func, Home):
            func = find(func)
        args, kwargs = _Unpickler(pickles).load()  # another one: the first remembers its own pickle
    except BaseException as error:  # noqa: BLE001 - an import may raise anything
        return pickle.dumps(("load", pack(error)), PROTOCOL)
    try:
        value = func(*args, **kwargs)
        if hasattr(value, "__await__"):
            value = _awaited(value)
    except BaseException as error:  # noqa: BLE001 - raised again where the node was called
        return pickle.dumps(("call", pack(error)), PROTOCOL)
    try:
        return pickle.dumps(("value", value), PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickle raises anything, and so do values that are pickled
        return pickle.dumps(("send", pack(error)), PROTOCOL)


def _awaited(value: Awaitable[Any]) -> Any:
    import asyncio

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())
