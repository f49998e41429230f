"""Exceptions on their way from one process to another: with their causes, their groups and where they were raised."""

from __future__ import annotations

import pickle
from contextlib import suppress
from typing import Final, NamedTuple

from ..exceptions import RemoteError

_LONGEST: Final = 64  # exceptions that are told of one failure; a longer chain ends there


class Packed(NamedTuple):
    """An exception as bytes: ``blob`` is ``None`` if it does not pickle; ``kind`` and ``text`` say what it is.

    ``members`` are those of a group: pickle keeps them, but not what they were raised from.
    """

    blob: bytes | None
    kind: str
    text: str
    trace: str
    cause: Packed | None
    context: Packed | None
    suppressed: bool
    members: tuple[Packed, ...]


def pack(error: BaseException) -> Packed:
    """Make bytes of an exception and of all that it was raised from."""
    return _pack(error, set())


def _pack(error: BaseException, seen: set[int]) -> Packed:
    seen.add(id(error))

    def linked(other: BaseException | None) -> Packed | None:
        return None if other is None or id(other) in seen or len(seen) >= _LONGEST else _pack(other, seen)

    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return Packed(
        _blob(error),
        _name(type(error)),
        _text(error),
        _trace(error),
        linked(error.__cause__),
        linked(error.__context__),
        error.__suppress_context__,
        tuple(_pack(member, seen) for member in members),
    )


def _blob(error: BaseException) -> bytes | None:
    """Pickle, and see whether the exception can be made of that again, which many cannot."""
    with suppress(Exception):
        blob = pickle.dumps(error)
        if type(pickle.loads(blob)) is type(error):  # noqa: S301 - bytes from the line above
            return blob
    return None


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - its own fault must not hide it
        return f"<its text raises {type(fault).__name__}>"


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _trace(error: BaseException) -> str:
    """Show where it was raised, from the user's code on."""
    from traceback import extract_tb, format_list

    frames = extract_tb(error.__traceback__)
    ours = __file__.rpartition("failures")[0]
    while frames and frames[0].filename.startswith(ours):
        del frames[0]
    return "".join(format_list(frames))


def unpack(packed: Packed, place: str) -> BaseException:
    """Make the exception again; a note says where in the other ``place`` it was raised."""
    error = _made(packed)
    _dress(error, packed, place)
    return error


def _made(packed: Packed) -> BaseException:
    if packed.blob is not None:
        with suppress(Exception):  # what is imported there may not be found here
            error: BaseException = pickle.loads(packed.blob)  # noqa: S301 - bytes of our own process
            return error
    if packed.members:
        text = f"{packed.text} ({packed.kind}, which does not pickle)"
        return BaseExceptionGroup(text, [_made(member) for member in packed.members])
    text = f"{packed.kind}: {packed.text} (the exception itself does not pickle)"
    return RemoteError(text, type_name=packed.kind)


def _dress(error: BaseException, packed: Packed, place: str) -> None:
    """Put back what pickle leaves out."""
    if packed.trace:
        with suppress(Exception):  # it may have notes that are no list
            error.add_note(f"Raised in {place}:\n{packed.trace.rstrip()}")
    error.__context__ = None if packed.context is None else unpack(packed.context, place)
    error.__cause__ = None if packed.cause is None else unpack(packed.cause, place)
    error.__suppress_context__ = packed.suppressed
    if isinstance(error, BaseExceptionGroup):
        for member, more in zip(error.exceptions, packed.members, strict=True):
            _dress(member, more, place)
