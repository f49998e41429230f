"""What the states of the agent hand on."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

ToolName = Literal["calculate", "look_up"]


class Call(NamedTuple):
    """Call a tool."""

    tool: ToolName
    argument: str


class Say(NamedTuple):
    """Answer."""

    text: str


class Note(NamedTuple):
    """What a tool gave; ``failed`` if that is the reason why it gave nothing."""

    call: Call
    result: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Talk:
    """The question, and what is known so far."""

    question: str
    notes: tuple[Note, ...] = ()


class Planned(NamedTuple):
    """The next call, and what it is called for."""

    talk: Talk
    call: Call


class Reply(NamedTuple):
    """The answer, and how many tools were called for it."""

    text: str
    calls: int


class Letter(NamedTuple):
    """Who asks what."""

    sender: str
    question: str
