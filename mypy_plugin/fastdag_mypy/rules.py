"""Which input an edge leads to: the runtime's rule, over what the statements before it have connected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from .wiring import UNREAD, Edge, End

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .ports import Port

Verdict = Literal["port", "any", "said", "maybe", "taken", "full", "unknown"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an edge leads.

    ``port``: to the one of ``ports``. ``any``: to one of them, it is not known which. ``said``: nowhere, since
    it exists; ``maybe``: perhaps so. ``taken``: to a port that ``by`` leads to already. ``full``: no port is free.
    ``unknown``: there is no such input.
    """

    verdict: Verdict
    ports: tuple[Port, ...] = ()
    by: Edge | None = None
    connected: dict[str, Edge] = field(default_factory=dict[str, Edge])


@dataclass(slots=True)
class Inputs:
    """The inputs of a node, and what is connected to them.

    Args:
        ports: the inputs.
        name: gives the name of the node at an end.
        fresh: tells whether the node at an end is surely not that of another key.

    ``refused`` tells whether an edge led nowhere, so that what was meant is not known.

    """

    ports: Sequence[Port]
    name: Callable[[End], str]
    fresh: Callable[[End], bool]
    connected: dict[str, Edge] = field(default_factory=dict[str, Edge])
    starred: set[object] = field(default_factory=set[object])
    refused: bool = False

    def place(self, edge: Edge, before: Sequence[Edge], *, traced: bool) -> Place:
        """Find the input of an edge.

        Args:
            edge: the edge.
            before: the edges into this node that come before it, in textual order.
            traced: whether these are all that can have been connected.

        """
        sure = self.follow(before, traced=traced and not edge.looped)
        found = self.next(edge)
        if sure or found.verdict == "unknown" or (not self.ports and found.verdict == "full"):
            return found
        if any(self.may_be_same(edge, earlier) for earlier in before):
            return Place("maybe")
        if edge.target.name is not None:
            return found
        left = tuple(port for port in self.ports if port.kind != "plain" or port.name not in self.connected)
        return Place("any", left) if left else Place("maybe")

    def follow(self, edges: Iterable[Edge], *, traced: bool) -> bool:
        """Make edges; tell whether it is known what they did, all of them."""
        sure = traced
        for edge in edges:
            readable = edge.target.name is not UNREAD and edge.source.name is not UNREAD
            sure = sure and edge.certain and readable and self.connect(edge)
            if not sure:
                break
        return sure

    def connect(self, edge: Edge) -> bool:
        """Make an edge; tell whether it is known what that did."""
        found = self.next(edge)
        if found.verdict != "port":
            self.refused = self.refused or found.verdict not in ("said", "any")
            return found.verdict not in ("maybe", "any")
        port = found.ports[0]
        if port.kind == "args":
            self.starred.add(_identity(edge))
        elif isinstance(edge.target.name, str):
            self.connected[edge.target.name] = edge
        else:
            self.connected[self.name(edge.source) if port.kind == "kwargs" else port.name] = edge
        return True

    def next(self, edge: Edge) -> Place:
        """Find the input that an edge leads to now."""
        if isinstance(edge.target.name, str):
            return self.named(edge, edge.target.name)
        required: Port | None = None
        optional: Port | None = None
        for port in self.ports:
            earlier = self.connected.get(port.name)
            if port.kind != "plain":
                optional = optional or port
            elif earlier is not None:
                if self.may_be_same(edge, earlier):
                    return _again(edge, earlier)
            elif port.required:
                required = required or port
            else:
                optional = optional or port
        free = required or optional
        if free is not None and not free.ordered:
            return self.unordered(free)
        if free is None:
            return Place("full", connected=self.connected)
        if free.kind == "kwargs" and self.name(edge.source) in self.connected:
            return Place("said")  # the keyword is the source's name
        return self.starring(edge, free) if free.kind == "args" else Place("port", (free,))

    def unordered(self, free: Port) -> Place:
        """Find the inputs that an edge may lead to, where it is not known which is the first."""
        left = [port for port in self.ports if port.required == free.required and port.name not in self.connected]
        return Place("any" if len(left) > 1 else "port", tuple(left))

    def named(self, edge: Edge, wanted: str) -> Place:
        """Find the input of a name."""
        port = next((p for p in self.ports if p.name == wanted and p.kind != "kwargs"), None)
        port = port or next((p for p in self.ports if p.kind == "kwargs"), None)
        if port is None:
            return Place("unknown" if all(p.named for p in self.ports) else "maybe")
        if port.kind == "args":
            return self.starring(edge, port)
        earlier = self.connected.get(wanted)
        if earlier is None:
            return Place("port", (port,))
        return _again(edge, earlier) if self.may_be_same(edge, earlier) else Place("taken", (port,), by=earlier)

    def starring(self, edge: Edge, port: Port) -> Place:
        """Find out whether ``*args`` has a connection already; it takes any number of different ones."""
        return Place("said") if _identity(edge) in self.starred else Place("port", (port,))

    def may_be_same(self, edge: Edge, earlier: Edge) -> bool:
        """Tell whether two edges into the node may be the same connection."""
        one, other = edge.source, earlier.source
        names = one.name, one.branch, other.name, other.branch
        if names[:2] != names[2:] and UNREAD not in names:
            return False
        return one.key is None or one.key is other.key or not (self.fresh(one) and self.fresh(other))


def _again(edge: Edge, earlier: Edge) -> Place:
    """Say that an edge exists, surely or perhaps."""
    same = edge.source.key is not None and _identity(edge) == _identity(earlier)
    return Place("said" if same else "maybe")


def _identity(edge: Edge) -> object:
    return edge.source.key or edge, edge.source.name, edge.source.branch
