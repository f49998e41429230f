"""What the statements of one scope say about wiring: edges in textual order, nodes and their options. No types."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

from mypy.nodes import CallExpr, Expression, FuncDef, NameExpr, Node, SymbolNode


class Unread(Enum):
    """The type of ``UNREAD``."""

    UNREAD = "unread"


UNREAD: Final = Unread.UNREAD
"""Stands for a name that is not written in place, but computed."""

Name = str | None | Literal[Unread.UNREAD]
Names = tuple[str, ...] | None | Literal[Unread.UNREAD]


@dataclass(frozen=True, slots=True)
class End:
    """One end of an edge, as written.

    ``key`` is what tells nodes apart: the symbol, or the call that makes the node; ``None`` where that is not known.
    ``name`` is the output or input that is named, ``named`` where. ``text`` is the node's own name, where it is given
    by that. ``exact`` is false for what may be several nodes,
    so that its static type is a join of theirs.
    """

    expr: Expression
    key: Node | None
    name: Name = None
    named: Expression | None = None
    branch: Name | bool = None
    exact: bool = True
    symbol: SymbolNode | None = None
    text: str | None = None

    @property
    def is_stale(self) -> bool:
        """Whether mypy has bound the name to something else since it was read (it does so in its daemon)."""
        return isinstance(self.expr, NameExpr) and self.expr.node is not self.symbol


Ends = tuple[End, ...] | None
"""The nodes that an expression stands for, ``None`` if that is not known."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One connection; ``at`` counts what happens in the scope.

    ``certain`` edges are made exactly once when the scope runs; ``looped`` ones perhaps many times.
    """

    source: End
    target: End
    at: int
    certain: bool
    looped: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """The options a node is made with; ``inputs`` and ``outputs`` are ``None`` where the function decides."""

    name: Name = UNREAD
    inputs: Names = None
    outputs: Names = None
    is_state: bool = False
    func: FuncDef | None = None
    certain: bool = True


Workflow = tuple[Node, str]
"""The variable that a workflow is reached from, and the path from there (``self``, ``"self.dag"``)."""


@dataclass(slots=True)
class Scope:
    """Everything about wiring that one list of statements says."""

    outer: Scope | None = None
    edges: dict[Expression, list[Edge]] = field(default_factory=dict[Expression, list[Edge]])
    chained: dict[Expression, Expression] = field(default_factory=dict[Expression, Expression])
    into: dict[Node, list[Edge]] = field(default_factory=dict[Node, list[Edge]])
    definitions: dict[Node, Definition] = field(default_factory=dict[Node, Definition])
    owners: dict[Node, set[Node]] = field(default_factory=dict[Node, set[Node]])
    named: dict[tuple[Workflow, str], Node | None] = field(default_factory=dict[tuple[Workflow, str], Node | None])
    escaped: dict[Node, int] = field(default_factory=dict[Node, int])

    def add(self, expr: Expression, edge: Edge) -> None:
        """Record an edge that an expression makes."""
        self.edges.setdefault(expr, []).append(edge)
        if edge.target.key is not None:
            self.into.setdefault(edge.target.key, []).append(edge)

    def define(self, key: Node, definition: Definition, workflow: Workflow | None) -> None:
        """Record a node, and the workflow that it belongs to."""
        self.definitions[key] = definition
        if workflow is not None:
            self.adopt(key, workflow)

    def adopt(self, key: Node, workflow: Workflow) -> None:
        """Record that a workflow has a node."""
        self.owners.setdefault(key, set()).add(workflow[0])
        definition = self.options(key)
        if definition is not None and isinstance(definition.name, str):
            place = (workflow, definition.name)
            self.named[place] = key if self.named.get(place, key) is key else None

    def forget(self, variable: Node) -> None:
        """Record that a variable stands for another workflow from here on."""
        for place in self.named:
            if place[0][0] is variable:
                self.named[place] = None

    def options(self, key: Node | None) -> Definition | None:
        """Find the options of a node in this scope or the ones around it."""
        if key is None:
            return None
        found = self.definitions.get(key)
        return found if found is not None or self.outer is None else self.outer.options(key)

    def find(self, workflow: Workflow, name: str) -> Node | None:
        """Find a node by its name, ``None`` if there may be several."""
        if (workflow, name) in self.named or self.outer is None:
            return self.named.get((workflow, name))
        return self.outer.find(workflow, name)

    def is_traced(self, key: Node | None, at: int) -> bool:
        """Whether everything that was connected to a node of this scope before a moment is known."""
        definition = None if key is None else self.definitions.get(key)
        if key is None or definition is None or not definition.certain:
            return False
        return all(self.escaped.get(one, at) >= at for one in (key, *self.owners.get(key, ())))

    def is_fresh(self, key: Node | None) -> bool:
        """Whether a key surely stands for a node that no other key stands for."""
        return isinstance(key, CallExpr) or self.options(key) is not None
