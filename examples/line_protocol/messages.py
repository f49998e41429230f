"""The messages of the protocol, a part of memcached's: lines of words, some followed by a body of a stated size."""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, cast

MAX_LINE: Final = 512
"""The longest line, in bytes without its end."""
MAX_BODY: Final = 4096
"""The largest body, in bytes."""
MAX_KEY: Final = 250
"""The longest key, in bytes."""

MAX_DIGITS: Final = 10
"""The most digits of a number."""

CONTROL: Final = frozenset((*range(33), 127))
"""Bytes that no key holds: control characters and the space."""
StoreVerb = Literal["set", "add", "replace", "append", "prepend"]
STORE_VERBS: Final = (b"set", b"add", b"replace", b"append", b"prepend")


class Store(NamedTuple):
    """Keep ``data`` under ``key`` for ``exptime`` seconds (0: for ever); ``flags`` are the client's own."""

    verb: StoreVerb
    key: bytes
    flags: int
    exptime: int
    data: bytes


class Get(NamedTuple):
    """Give what is kept under each of the keys."""

    keys: tuple[bytes, ...]


class Delete(NamedTuple):
    """Forget what is kept under a key."""

    key: bytes


class Malformed(NamedTuple):
    """Something else was sent; reading goes on after it."""

    reason: str


Message = Store | Get | Delete | Malformed
State = Literal["command", "body", "skip_line", "skip_body"]


class Header(NamedTuple):
    """The line that announces a body of ``size`` bytes."""

    verb: StoreVerb
    key: bytes
    flags: int
    exptime: int
    size: int


@dataclass(frozen=True, slots=True)
class Saved:
    """All that must be kept from one chunk to the next: the state, the bytes not used yet, and what they belong to."""

    state: State = "command"
    rest: bytes = b""
    header: Header | None = None
    skip: int = 0


@dataclass(slots=True)
class Work:
    """The bytes at hand, how far they are used, and the messages found in them."""

    data: bytes
    at: int
    state: State
    header: Header | None
    skip: int
    messages: list[Message] = field(default_factory=list[Message])

    def stopped_in(self, state: State) -> "Work":
        """Note the state to resume in, because the bytes at hand do not suffice for it."""
        self.state = state
        return self


class Fed(NamedTuple):
    """The messages that a chunk completed, and what to resume from with the next one."""

    messages: list[Message]
    saved: Saved


def read_line(line: bytes) -> Header | Message:
    """Read one line: a whole message, or the header of one."""
    verb, *words = line.split(b" ")
    keys = [word for word in words if word]
    if verb in STORE_VERBS:
        return read_header(verb, keys)
    if verb == b"get":
        return Get(tuple(keys)) if keys and all(map(is_key, keys)) else Malformed("get takes one or more keys")
    if verb == b"delete":
        return Delete(keys[0]) if len(keys) == 1 and is_key(keys[0]) else Malformed("delete takes one key")
    return Malformed("unknown command")


def read_header(verb: bytes, words: list[bytes]) -> Header | Malformed:
    """Read the words of a line that announces a body."""
    match words:
        case [key, flags, exptime, size] if is_key(key) and all(map(is_number, words[1:])):
            return Header(cast("StoreVerb", verb.decode()), key, int(flags), int(exptime), int(size))
        case _:
            return Malformed(f"{verb.decode()} takes a key, flags, a time and a size")


def is_number(word: bytes) -> bool:
    """Tell whether a word is a number, of a length that someone can mean."""
    return word.isdigit() and len(word) <= MAX_DIGITS


def is_key(word: bytes) -> bool:
    """Tell whether a word can be a key: short, and without control characters."""
    return len(word) <= MAX_KEY and all(byte not in CONTROL for byte in word)
