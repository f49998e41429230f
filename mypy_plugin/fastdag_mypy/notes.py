"""What a reader notes of the statements that it has read so far."""

from __future__ import annotations

from typing import Final

from mypy.nodes import AwaitExpr, CallExpr, CastExpr, Expression, FuncDef, MemberExpr, NameExpr, Node, TempNode

from .syntax import attribute, workflow
from .wiring import Edge, End, Ends, Moment, Place, Scope

EXACT: Final = (CallExpr, MemberExpr, AwaitExpr, CastExpr, TempNode)
"""Expressions whose static type is declared, and not a join of several."""


class Notes:
    """A scope that is being read; ``values`` are the nodes that names stand for at the moment."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.bound: set[Node] = set()
        self.values: dict[Node, Ends] = {}
        self.functions: dict[str, Node] = {}
        self.clock = 0
        self.certain: bool = True
        self.looped: bool = False
        self.composing: bool = False

    def tick(self) -> int:
        """Count what happens."""
        self.clock += 1
        return self.clock

    def note(self, node: Node) -> None:
        """Record when something is evaluated."""
        self.scope.moments[node] = Moment(self.tick(), not self.looped)

    def perhaps(self, *, looped: bool = False, composing: bool = False) -> _Perhaps:
        """Read what may not happen, or more than once."""
        return _Perhaps(self, looped=looped, composing=composing)

    def join(self, key: Node, place: Place | None) -> None:
        """Record that a node is added to a workflow."""
        if place is not None and "." in place[1]:  # it may be what a class has
            self.scope.attributes.add(place[1].rpartition(".")[2])
        if place is not None:
            self.scope.adopt(key, place, self.tick(), certain=self.certain)

    def compose(self, place: Place | None, func: FuncDef) -> None:
        """Record that a function wires a workflow."""
        found = None if place is None else self.scope.created.get(place)
        if found is not None:
            self.scope.changed = self.tick()
            found.composed.append((func, self.clock))

    def escape(self, ends: Ends) -> None:
        """Record that from here on anything may have been connected to these."""
        for end in ends or ():
            if end.key is not None:
                self.scope.escape(end.key, self.clock)

    def look(self, node: MemberExpr) -> None:
        """Record that what an attribute of something unknown holds may change."""
        if attribute(node) is None:
            self.scope.attributes.add(node.name)

    def unknown(self, node: Expression) -> tuple[End, ...]:
        """Make the end of an edge at something that is not known."""
        return (
            End(node, None, exact=isinstance(node, EXACT), symbol=node.node if isinstance(node, NameExpr) else None),
        )

    def wire(
        self, node: Expression, sources: tuple[End, ...], targets: tuple[End, ...], *, carries: bool = True
    ) -> tuple[End, ...]:
        """Record edges from each source to each target; give the targets, to wire from."""
        for source in sources:
            for target in targets:
                self.scope.add(node, Edge(source, target, self.tick(), self.certain, self.looped, carries))
        return tuple(end.whole() for end in targets)

    def is_workflow(self, node: Expression) -> bool:
        """Tell whether an expression is surely a workflow, or a name that would be its variable."""
        place = workflow(node)
        return isinstance(node, NameExpr) or (place is not None and place in self.scope.created)


class _Perhaps:
    """While it is entered, what is read may not happen; faster than a generator, for there is one for each function."""

    __slots__ = ("before", "composing", "looped", "reader")

    def __init__(self, reader: Notes, *, looped: bool, composing: bool) -> None:
        self.reader = reader
        self.looped = looped
        self.composing = composing

    def __enter__(self) -> None:
        reader = self.reader
        self.before = reader.certain, reader.looped, reader.composing
        reader.certain = False
        reader.looped = reader.looped or self.looped
        reader.composing = reader.composing or self.composing

    def __exit__(self, *_: object) -> None:
        self.reader.certain, self.reader.looped, self.reader.composing = self.before
