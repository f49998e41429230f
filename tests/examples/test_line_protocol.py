"""The parser gives the same messages however the stream is cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import fastdag_codegen
from examples.line_protocol.machine import START, feed, machine, parse
from examples.line_protocol.messages import (
    MAX_BODY,
    MAX_KEY,
    MAX_LINE,
    Delete,
    Get,
    Malformed,
    Message,
    Saved,
    Store,
)
from fastdag_typed import Runner

if TYPE_CHECKING:
    from examples.line_protocol.messages import StoreVerb

VERBS: tuple[StoreVerb, ...] = ("set", "add", "replace", "append", "prepend")
TOO_LONG = Malformed("line too long")
TOO_LARGE = Malformed("body too large")
TOO_MUCH = Malformed("body longer than announced")

keys = st.text("abcXYZ09_:-", min_size=1, max_size=MAX_KEY).map(str.encode)
numbers = st.integers(0, 2**32)
stores = st.builds(Store, st.sampled_from(VERBS), keys, numbers, numbers, st.binary(max_size=40))
gets = st.lists(st.text("ab\x7e", min_size=1).map(str.encode), min_size=1).map(lambda names: Get(tuple(names)))
messages = stores | gets.filter(lambda get: len(encode(get)) <= MAX_LINE) | st.builds(Delete, keys)
junk = st.sampled_from(
    [
        b"\r\n", b"hello\r\n", b"get\r\n", b"get \x01\r\n", b"delete a b\r\n", b"set a 0 0\r\n", b"set a 0 0 -1\r\n",
        b"a\rb\nc\r\n", b"\r\r\n", b"set a 0 0 2\r\nabc\r\n", b"set a 0 0 2\r\n\r\n\r\n", b"set a 0 0 0\r\n\r\r\n",
        b"x" * (MAX_LINE + 1) + b"\r\n", b"x" * MAX_LINE + b"\r\n", b"x" * MAX_LINE + b"\r\r\n",
        b"set a 0 0 %d\r\n" % (MAX_BODY + 1) + b"y" * MAX_BODY + b"\r\r\n",
        b"set a 0 0 %d\r\n" % (MAX_BODY + 1) + b"y" * MAX_BODY + b"\r\nz\r\n",
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Compile and import the machine."""
    module = tmp_path_factory.mktemp("compiled") / "flat.py"
    fastdag_codegen.write(fastdag_codegen.compile_target("examples.line_protocol.machine:machine"), module)
    return fastdag_codegen.load(module)


def encode(message: Message) -> bytes:
    match message:
        case Store(verb, key, flags, exptime, data):
            return b"%s %s %d %d %d\r\n%s\r\n" % (verb.encode(), key, flags, exptime, len(data), data)
        case Get(names):
            return b"get " + b" ".join(names) + b"\r\n"
        case Delete(key):
            return b"delete " + key + b"\r\n"
        case Malformed():
            return b"?\r\n"


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Cut a stream at places taken modulo its length; two equal places give an empty chunk."""
    bounds = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(bounds)]


@given(st.lists(messages, max_size=8), st.lists(st.integers(0, 10_000), max_size=30))
def test_what_was_sent_is_what_is_read_however_it_is_cut(sent: list[Message], places: list[int]) -> None:
    stream = b"".join(map(encode, sent))
    assert list(parse(cut(stream, places))) == sent


@given(st.lists(messages.map(encode) | junk, max_size=6).map(b"".join), st.lists(st.integers(0, 20_000), max_size=30))
@example(b"set a 0 0 %d\r\n" % (MAX_BODY + 1) + b"y" * MAX_BODY + b"\r\nz\r\nget a\r\n", [MAX_BODY + 17])
@example(b"x" * MAX_LINE + b"\r\n", [MAX_LINE + 1])
def test_a_stream_with_errors_is_read_the_same_however_it_is_cut(stream: bytes, places: list[int]) -> None:
    assert list(parse(cut(stream, places))) == list(parse([stream]))


@given(st.binary(max_size=200) | st.text("set a0 1\r\n").map(str.encode))
def test_any_bytes_are_read_the_same_whole_and_one_by_one(stream: bytes) -> None:
    assert list(parse(cut(stream, list(range(len(stream)))))) == list(parse([stream]))


@given(st.lists(messages.map(encode) | junk, max_size=4).map(b"".join), st.lists(st.integers(0, 20_000), max_size=10))
def test_no_more_is_kept_between_chunks_than_one_line_or_one_body(stream: bytes, places: list[int]) -> None:
    saved = START
    for chunk in cut(stream, places):
        saved = feed(chunk, saved).saved
        limit = {"command": MAX_LINE + 1, "body": MAX_BODY + 1, "skip_line": 1, "skip_body": 0}[saved.state]
        assert len(saved.rest) <= limit


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"set a 1 2 3\r\nabc\r\n", [Store("set", b"a", 1, 2, b"abc")]),
        (b"set a 0 0 4\r\n\r\n\r\n\r\n", [Store("set", b"a", 0, 0, b"\r\n\r\n")]),
        (b"set a 0 0 0\r\n\r\n", [Store("set", b"a", 0, 0, b"")]),
        (b"get a  b\r\n", [Get((b"a", b"b"))]),
        (b"delete a\r\nget b\r\n", [Delete(b"a"), Get((b"b",))]),
        (b"GET a\r\n", [Malformed("unknown command")]),
        (b"get " + b"k" * (MAX_KEY + 1) + b"\r\n", [Malformed("get takes one or more keys")]),
        (b"set a 0 0\r\nget b\r\n", [Malformed("set takes a key, flags, a time and a size"), Get((b"b",))]),
        (b"set a 0 0 2\r\nabc\r\nget b\r\n", [TOO_MUCH, Get((b"b",))]),
        (b"x" * (MAX_LINE + 1) + b"\r\nget b\r\n", [TOO_LONG, Get((b"b",))]),
        (b"x" * MAX_LINE + b"\r\n", [Malformed("unknown command")]),
        (b"set a 0 0 9998\r\n" + b"\r\n" * 5000 + b"get b\r\n", [TOO_LARGE, Get((b"b",))]),
        (b"get a", []),
        (b"set a 0 0 3\r\nabc\r", []),
        (b"", []),
    ],
)
def test_a_stream_gives_these_messages(stream: bytes, expected: list[Message]) -> None:
    assert list(parse([stream])) == expected


def test_the_body_limit_is_the_size_that_is_still_taken() -> None:
    header = b"set a 0 0 %d\r\n"
    [kept] = parse([header % MAX_BODY + b"y" * MAX_BODY + b"\r\n"])
    assert isinstance(kept, Store)
    assert len(kept.data) == MAX_BODY
    assert list(parse([header % (MAX_BODY + 1)])) == [TOO_LARGE]


@given(st.lists(messages.map(encode) | junk, max_size=4).map(b"".join), st.lists(st.integers(0, 9_000), max_size=9))
def test_the_compiled_machine_gives_the_same_for_every_chunk(compiled: Any, stream: bytes, places: list[int]) -> None:
    saved = START
    for chunk in cut(stream, places):
        fed = feed(chunk, saved)
        assert compiled.run(chunk=chunk, saved=saved)["pause"] == fed
        saved = fed.saved


def test_the_state_between_two_chunks_says_what_is_awaited() -> None:
    first = feed(b"set a 0 0 3\r\nab")
    assert first.messages == []
    assert first.saved.state == "body"
    assert first.saved.rest == b"ab"
    second = feed(b"c\r\nget", first.saved)
    assert second.messages == [Store("set", b"a", 0, 0, b"abc")]
    assert second.saved == Saved("command", b"get")


def test_one_saved_state_can_be_resumed_from_twice() -> None:
    saved = feed(b"get a").saved
    assert feed(b"b\r\n", saved).messages == [Get((b"ab",))]
    assert feed(b"c\r\n", saved).messages == [Get((b"ac",))]


def test_the_run_shows_which_states_a_chunk_went_through() -> None:
    metrics = Runner(machine).run({"chunk": b"set a 0 0 1\r\nx\r\nget"})
    assert metrics.execution_order == ["resume", "command", "body", "command", "pause"]
    assert metrics.stop_reason == "final"
    assert machine.state_history == ["command", "body", "command", "pause", "END"]


def test_a_chunk_of_many_thousand_messages_is_read_in_one_run() -> None:
    assert len(feed(b"get a\r\n" * 5000).messages) == 5000
