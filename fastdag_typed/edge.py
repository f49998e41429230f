"""Connections between nodes, and what their ports take otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .compat import fits
from .diagnostic import Location
from .ports import EMPTY, Port, feed

if TYPE_CHECKING:
    from .node import Node
    from .ports import Take


class Edge:
    """A connection between two nodes: data from an output to an input, or order only (``input`` is ``None``).

    ``output`` is the name that the user gave; ``None`` leaves the choice to the types. ``branch`` is set on an edge
    out of a condition or selection.
    """

    __slots__ = ("branch", "input", "output", "port", "source", "target", "where")

    def __init__(
        self,
        source: Node[..., Any],
        target: Node[..., Any],
        output: str | None,
        port: int | None,
        input_name: str | None,
        branch: bool | str | None,
        where: tuple[str, int],
    ) -> None:
        self.source = source
        self.target = target
        self.output = output
        self.port = port
        self.input = input_name
        self.branch = branch
        self.where = where

    def __repr__(self) -> str:
        """Render as ``a.output -> b.input``."""
        output = f".{self.output}" if self.output else ""
        return f"<Edge {self.source.name}{output} -> {self.target.name}.{self.input or '(order)'}>"

    @property
    def input_port(self) -> Port | None:
        """The port it leads to, ``None`` for order only."""
        if self.port is None:
            return None
        target = self.target
        return (target.ports if target.declares_inputs else target.signature.inputs)[self.port]

    @property
    def output_name(self) -> str:
        """The output it starts at, also where the types chose it."""
        take = None if self.output else self.resolve()[0]
        return self.output or (take.name if take else self.source.outputs[0])

    @property
    def location(self) -> Location:
        """Where the wiring statement is."""
        return Location(*self.where)

    def resolve(self) -> tuple[Take | None, Any, bool]:
        """Decide how the value is read (``None``: whole), its type, and whether it fits the port."""
        port = self.input_port
        if port is None:
            return None, EMPTY, True
        source = self.source
        signature = source.signature
        returns = signature.returns
        if self.output is None:
            if source.node_type in ("condition", "select"):
                # Whether it gives a value of its own or passes on its first input, only its calls can tell.
                returns = source.passes()
                given = source.ports[0].type if source.ports else EMPTY
                return None, returns, any(fits(kind, port.type) is not False for kind in (returns, given))
            if returns is port.type:
                return None, returns, True
        return feed(signature.returns, signature.fields, source.declared, self.output, port)


class Given:
    """What a port takes that no edge brings: a constant, or a workflow input of another name."""

    __slots__ = ("input", "value")

    def __init__(self, value: Any = None, input_name: str | None = None) -> None:
        self.value = value
        self.input = input_name
