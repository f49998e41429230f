"""The parser: one run of the machine for each chunk, resumed in the state that the run before it ended in."""

import sys
from collections.abc import Iterable, Iterator
from typing import Final, cast

from fastdag_typed import FSM, FSMReturn

from .messages import MAX_BODY, MAX_LINE, Fed, Header, Malformed, Message, Saved, Store, Work, read_line

END: Final = b"\r\n"
"""What ends a line and follows a body."""
START: Final = Saved()

machine = FSM("line_protocol", "Parse a line protocol chunk by chunk.", max_cycles=sys.maxsize)


@machine.state(is_initial=True)
def resume(chunk: bytes, saved: Saved = START) -> FSMReturn[Work]:
    """Go on where the chunk before this one ended."""
    return FSMReturn(saved.state, Work(saved.rest + chunk, 0, saved.state, saved.header, saved.skip))


@machine.state()
def command(work: Work) -> FSMReturn[Work]:
    """Read one line."""
    end = work.data.find(END, work.at)
    if end < 0:
        # The last byte may be the first half of the line's end.
        if len(work.data) - work.at - work.data.endswith(b"\r", work.at) <= MAX_LINE:
            return FSMReturn("pause", work.stopped_in("command"))
        work.messages.append(Malformed("line too long"))
        return FSMReturn("skip_line", work)
    line = work.data[work.at : end]
    work.at = end + len(END)
    if len(line) > MAX_LINE:
        work.messages.append(Malformed("line too long"))
        return FSMReturn("command", work)
    found = read_line(line)
    if not isinstance(found, Header):
        work.messages.append(found)
        return FSMReturn("command", work)
    if found.size > MAX_BODY:
        work.messages.append(Malformed("body too large"))
        work.skip = found.size
        return FSMReturn("skip_body", work)
    work.header = found
    return FSMReturn("body", work)


@machine.state()
def body(work: Work) -> FSMReturn[Work]:
    """Take the body that the header announced, and the end after it."""
    header = cast("Header", work.header)
    end = work.at + header.size
    if len(work.data) < end + len(END):
        return FSMReturn("pause", work.stopped_in("body"))
    data = work.data[work.at : end]
    work.header = None
    if work.data[end : end + len(END)] != END:
        work.messages.append(Malformed("body longer than announced"))
        work.at = end
        return FSMReturn("skip_line", work)
    work.at = end + len(END)
    work.messages.append(Store(header.verb, header.key, header.flags, header.exptime, data))
    return FSMReturn("command", work)


@machine.state()
def skip_line(work: Work) -> FSMReturn[Work]:
    """Drop what is left of a line."""
    end = work.data.find(END, work.at)
    if end < 0:
        work.at = len(work.data) - work.data.endswith(b"\r", work.at)
        return FSMReturn("pause", work.stopped_in("skip_line"))
    work.at = end + len(END)
    return FSMReturn("command", work)


@machine.state()
def skip_body(work: Work) -> FSMReturn[Work]:
    """Drop a body that is too large, and what is left of its line."""
    dropped = min(work.skip, len(work.data) - work.at)
    work.at += dropped
    work.skip -= dropped
    return FSMReturn("pause", work.stopped_in("skip_body")) if work.skip else FSMReturn("skip_line", work)


@machine.state(is_final=True)
def pause(work: Work) -> FSMReturn[Fed]:
    """Wait for the next chunk."""
    return FSMReturn(value=Fed(work.messages, Saved(work.state, work.data[work.at :], work.header, work.skip)))


def feed(chunk: bytes, saved: Saved = START) -> Fed:
    """Parse one chunk; give the messages that it completes and what to feed the next one with."""
    return cast("Fed", machine.run(chunk=chunk, saved=saved))


def parse(chunks: Iterable[bytes]) -> Iterator[Message]:
    """Parse a stream, in whatever chunks it comes."""
    saved = START
    for chunk in chunks:
        messages, saved = feed(chunk, saved)
        yield from messages
