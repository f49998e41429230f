"""A function with typed ports: what a node is before it is wired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .functions import title_of
from .ports import EMPTY, Port, Signature, signature_of
from .wiring import check_arguments, refuse_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .diagnostic import Location
    from .edge import Edge, Given
    from .functions import PortKind
    from .node import Node
    from .step import Kind, Policy
    from .workflow import Workflow


class Unit:
    """A function, its ports, its policies and the edges at both its ends."""

    __slots__ = (
        "__weakref__",
        "_inputs",
        "bound",
        "declared",
        "description",
        "func",
        "incoming",
        "name",
        "node_type",
        "outgoing",
        "owners",
        "policies",
        "pure",
        "signature",
    )

    def _setup(
        self,
        func: Callable[..., Any],
        name: str | None = None,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        description: str | None = None,
        node_type: Kind = "standard",
        *,
        policies: Iterable[Policy] = (),
        pure: bool = False,
        **unknown: object,
    ) -> None:
        if unknown:
            refuse_arguments(type(self), unknown)
        if isinstance(func, Unit):  # a node in two workflows: the function is shared, the wiring is not
            func = func.func
        if not (type(name) is str and inputs is None and outputs is None and callable(func)):
            check_arguments(func, name, inputs=inputs, outputs=outputs)
        self.func = func
        self.name: str = name or title_of(func)
        self.node_type: Kind = node_type
        self.description = getattr(func, "__doc__", None) if description is None else description
        self.signature: Signature = signature_of(func)
        self.declared: tuple[str, ...] = tuple(outputs) if outputs else ()
        self._inputs = None if inputs is None else tuple(inputs)
        self.policies: tuple[Policy, ...] = tuple(policies) if policies else ()
        self.pure = pure
        self.incoming: dict[Any, Edge] | None = None
        self.outgoing: list[Edge] | None = None
        self.bound: dict[str, Given] | None = None
        self.owners: tuple[Workflow, ...] = ()

    @property
    def ports(self) -> tuple[Port, ...]:
        """Input ports in order."""
        ports = self.signature.inputs
        if self._inputs is None:
            return ports
        known = {port.name: port for port in ports}
        rest = next((port for port in ports if port.kind == "kwargs"), None)
        return tuple(
            known.get(name)
            or Port(name, rest.type if rest else EMPTY, EMPTY, "input", "keyword" if rest else "standard")
            for name in self._inputs
        )

    def kind_of(self, port: int) -> PortKind:
        """Give the kind of an input port by its place."""
        return self.signature.parameters[port][1] if self._inputs is None else self.ports[port].kind

    @property
    def declares_inputs(self) -> bool:
        """Whether the inputs were named, and may differ from the parameters of the function."""
        return self._inputs is not None

    @property
    def inputs(self) -> list[str]:
        """Names of the input ports."""
        return list(self.signature.names if self._inputs is None else self._inputs)

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs: those declared, else ``result`` and the fields of the result."""
        return list(self.declared) if self.declared else ["result", *self.signature.fields]

    @property
    def where(self) -> Location | None:
        """Where the function is defined."""
        return self.signature.where

    @property
    def input_connections(self) -> dict[str, Node[..., Any]]:
        """The source node of each connected input."""
        return {e.input: e.source for e in self.edges_in if e.input is not None}

    @property
    def output_connections(self) -> dict[str, list[Node[..., Any]]]:
        """The target nodes of each connected output."""
        found: dict[str, list[Node[..., Any]]] = {}
        for edge in self.edges_out:
            found.setdefault(edge.output_name, []).append(edge.target)
        return found

    @property
    def edges_in(self) -> Iterable[Edge]:
        """Edges that lead here, in the order in which they were said."""
        return self.incoming.values() if self.incoming else ()

    @property
    def edges_out(self) -> Iterable[Edge]:
        """Edges that start here, in the order in which they were said."""
        return self.outgoing or ()

    def passes(self) -> Any:
        """Type of the value that goes on: for a condition or selection without a value, that of its first input."""
        returns = self.signature.returns
        if self.node_type in ("condition", "select") and (returns is EMPTY or returns is bool):
            ports = self.ports
            return ports[0].type if ports and returns is bool else EMPTY
        return returns
