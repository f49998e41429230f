"""What the statements of one scope say about wiring: workflows, nodes and edges, in textual order. No types."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mypy.nodes import CallExpr, Decorator, Expression, FuncDef, FuncItem, NameExpr, Node, SymbolNode

from .cycles import closing

if TYPE_CHECKING:
    from collections.abc import Iterator


class Unread(Enum):
    """The type of ``UNREAD``."""

    UNREAD = "unread"


UNREAD: Final = Unread.UNREAD
"""Stands for a name that is not written in place, but computed."""

Name = str | None | Literal[Unread.UNREAD]
Names = tuple[str, ...] | None | Literal[Unread.UNREAD]
Kind = Literal["node", "any", "all", "condition", "select", "state", "workflow"]

Place = tuple[Node, str]
"""The variable that a workflow is reached from, and the path from there (``self``, ``"self.dag"``)."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of an edge, as written.

    ``key`` is what tells nodes apart: the symbol, or the call that makes the node; ``None`` where that is not known.
    ``name`` is the output or input that is named, ``named`` where. ``text`` is the node's own name, where it is given
    by that, and ``home`` the workflow it is looked up in. ``exact`` is false for what may be several nodes, so that
    its static type is a join of theirs.
    """

    expr: Expression
    key: Node | None
    name: Name = None
    named: Expression | None = None
    branch: Name | bool = None
    exact: bool = True
    symbol: SymbolNode | None = None
    text: str | None = None
    home: Expression | None = None

    @property
    def is_stale(self) -> bool:
        """Whether mypy has bound the name to something else since it was read (it does so in its daemon)."""
        return isinstance(self.expr, NameExpr) and self.expr.node is not self.symbol

    def named_by(self, expr: NameExpr, symbol: SymbolNode) -> End:
        """Give the same end as another name for it says it."""
        return End(expr, self.key, self.name, self.named, self.branch, self.exact, symbol, self.text, self.home)

    def whole(self) -> End:
        """Give the node that it is an end at, without an output, input or branch."""
        if self.name is None and self.branch is None:
            return self
        return replace(self, name=None, named=None, branch=None)


Ends = tuple[End, ...] | None
"""The nodes that an expression stands for, ``None`` if that is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """One connection; ``at`` counts what happens in the scope.

    ``certain`` edges are made exactly once when the scope runs; ``looped`` ones perhaps many times. One that only
    makes its target wait ``carries`` no value.
    """

    source: End
    target: End
    at: int
    certain: bool
    looped: bool
    carries: bool = True

    @property
    def branch(self) -> Name | bool:
        """The branch that the edge starts at."""
        return self.source.branch


@dataclass(frozen=True, slots=True)
class Definition:
    """The options a node is made with; ``inputs`` and ``outputs`` are ``None`` where the function decides.

    ``options`` are all of them, as written. A node that is not ``certain`` may be made not at all, or many times.
    """

    name: Name = UNREAD
    inputs: Names = None
    outputs: Names = None
    kind: Kind = "node"
    func: FuncDef | None = None
    certain: bool = True
    options: dict[str, Expression] = field(default_factory=dict[str, Expression])

    @property
    def is_state(self) -> bool:
        """Whether it is a state of a state machine, where ``>>`` is a transition."""
        return self.kind == "state"


class Member(NamedTuple):
    """A node that is added to a workflow at a moment; ``certain`` as for edges."""

    key: Node
    at: int
    certain: bool


class Moment(NamedTuple):
    """When an expression is evaluated, if it is; ``straight``: not more than once, and not at some later time."""

    at: int
    straight: bool


@dataclass(slots=True)
class Creation:
    """A workflow that the scope makes, and what is said about it there.

    ``vague`` is true where nodes may be added that are not seen; ``starts`` are those that ``set_entrypoint`` names.
    It is ``straight`` if it is made while the statements of the scope are carried out, not at some later time.
    """

    call: CallExpr
    place: Place
    title: Name
    is_machine: bool
    vague: bool = False
    straight: bool = True
    members: list[Member] = field(default_factory=list[Member])
    removed: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    composed: list[tuple[FuncDef, int]] = field(default_factory=list[tuple[FuncDef, int]])
    starts: list[Expression] = field(default_factory=list[Expression])


@dataclass(slots=True)
class Scope:
    """Everything about wiring that one list of statements says.

    ``changed`` is when something last does. ``bindings`` are all that a name is bound to, ``None`` for what is not
    written; ``attributes`` those of something unknown that may change; ``functions`` those that are written here.
    ``hidden`` tells whether there are statements that mypy does not look at.
    """

    outer: Scope | None = None
    edges: dict[Expression, list[Edge]] = field(default_factory=dict[Expression, list[Edge]])
    chained: dict[Expression, Expression] = field(default_factory=dict[Expression, Expression])
    into: dict[Node, list[Edge]] = field(default_factory=dict[Node, list[Edge]])
    leaving: dict[Node, list[Edge]] = field(default_factory=dict[Node, list[Edge]])
    definitions: dict[Node, Definition] = field(default_factory=dict[Node, Definition])
    decorated: dict[FuncItem, Decorator] = field(default_factory=dict[FuncItem, Decorator])
    doubles: dict[Node, Node] = field(default_factory=dict[Node, Node])
    owners: dict[Node, set[Place]] = field(default_factory=dict[Node, set[Place]])
    named: dict[tuple[Place, str], Node | None] = field(default_factory=dict[tuple[Place, str], Node | None])
    escaped: dict[Node, int] = field(default_factory=dict[Node, int])
    loosened: dict[Node, int] = field(default_factory=dict[Node, int])
    creations: dict[CallExpr, Creation] = field(default_factory=dict[CallExpr, Creation])
    created: dict[Place, Creation] = field(default_factory=dict[Place, Creation])
    moments: dict[Node, Moment] = field(default_factory=dict[Node, Moment])
    bindings: dict[Node, list[Expression | None]] = field(default_factory=dict[Node, "list[Expression | None]"])
    attributes: set[str] = field(default_factory=set[str])
    functions: set[FuncItem] = field(default_factory=set[FuncItem])
    closing: dict[Edge, list[Edge]] = field(default_factory=dict[Edge, "list[Edge]"])
    refused: set[Edge] = field(default_factory=set[Edge])
    changed: int = 0
    sets_results: bool = False
    takes_away: bool = False
    hidden: bool = False

    # -- what a reader tells ------------------------------------------------------------------------------------------

    def add(self, expr: Expression, edge: Edge) -> None:
        """Record an edge that an expression makes."""
        self.changed = edge.at
        self.edges.setdefault(expr, []).append(edge)
        if edge.target.key is not None and edge.carries:
            self.into.setdefault(edge.target.key, []).append(edge)
        if edge.source.key is not None:
            self.leaving.setdefault(edge.source.key, []).append(edge)

    def create(self, creation: Creation) -> None:
        """Record a new workflow; a variable that stands for several says little about each."""
        earlier = self.created.get(creation.place)
        if earlier is not None:
            earlier.vague = creation.vague = True
        self.creations[creation.call] = self.created[creation.place] = creation

    def define(self, key: Node, definition: Definition) -> None:
        """Record a node."""
        self.definitions[key] = definition
        if isinstance(key, Decorator):
            self.decorated[key.func] = key

    def adopt(self, key: Node, place: Place, at: int, *, certain: bool) -> None:
        """Record that a workflow has a node."""
        self.changed = at
        self.owners.setdefault(key, set()).add(place)
        creation = self.created.get(place)
        if creation is not None:
            creation.members.append(Member(key, at, certain))
        definition = self.options(key)
        if definition is None or not isinstance(definition.name, str):
            return
        named = place, definition.name
        first = self.named.setdefault(named, key)
        if first is None or first is key:
            return
        known = self.options(first)
        if certain and known is not None and known.certain and not self.is_changed(place[0], at):
            self.doubles[key] = first
        else:
            self.named[named] = None

    def escape(self, key: Node, at: int) -> None:
        """Record that code that is not understood has got hold of a node or workflow."""
        self.changed = at
        self.escaped.setdefault(key, at)

    def loosen(self, key: Node, at: int) -> None:
        """Record that edges of a workflow are made or taken away, but not which."""
        self.changed = at
        self.loosened.setdefault(key, at)

    def remove(self, place: Place, name: str | None, at: int, *, certain: bool) -> None:
        """Record that nodes or edges are taken away from a workflow: the node of a name, or what is not known."""
        self.loosen(place[0], at)
        self.takes_away = True
        creation = self.created.get(place)
        if name is not None:
            self.named[place, name] = None
            if creation is not None and certain:
                creation.removed.append((name, at))

    def forget(self, variable: Node) -> None:
        """Record that a variable stands for another workflow from here on."""
        for named in self.named:
            if named[0][0] is variable:
                self.named[named] = None
        for place, creation in self.created.items():
            if place[0] is variable:
                creation.vague = True

    def settle(self) -> None:
        """Find the cycles, when everything is read."""
        self.closing = {} if self.takes_away else closing(self)

    # -- what a judge asks --------------------------------------------------------------------------------------------

    def around(self) -> Iterator[Scope]:
        """Go through this scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def options(self, key: Node | None) -> Definition | None:
        """Find the options of a node in this scope or the ones around it."""
        scope: Scope | None = self
        while scope is not None and key is not None:
            found = scope.definitions.get(key)
            if found is not None:
                return found
            scope = scope.outer
        return None

    def find(self, place: Place, name: str) -> Node | None:
        """Find a node by its name, ``None`` if there may be several."""
        return next((scope.named[place, name] for scope in self.around() if (place, name) in scope.named), None)

    def creation(self, place: Place) -> tuple[Scope, Creation] | None:
        """Find where a workflow is made."""
        return next(((scope, scope.created[place]) for scope in self.around() if place in scope.created), None)

    def home(self, call: CallExpr) -> Scope | None:
        """Find the scope that says most about the workflow that a call makes: around a class, that is around it too."""
        found: Scope | None = None
        for scope in self.around():
            creation = scope.creations.get(call)
            if creation is not None and (found is None or creation.straight):
                found = scope
        return found

    def places(self, key: Node) -> set[Place]:
        """List the workflows that a node is added to."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.owners.get(key)
            if found is not None:
                return found
            scope = scope.outer
        return set()

    def node_of(self, func: FuncItem) -> Node | None:
        """Find the node that is made of a function by decorating it."""
        return next((scope.decorated[func] for scope in self.around() if func in scope.decorated), None)

    def has_function(self, func: FuncItem) -> bool:
        """Tell whether a function is written around here: of one in another file, neither body nor names are known."""
        return any(func in scope.functions for scope in self.around())

    def bound(self, variable: Node) -> list[Expression | None] | None:
        """List what a name of this file is bound to, ``None`` if it is none."""
        return next((scope.bindings[variable] for scope in self.around() if variable in scope.bindings), None)

    def is_escaped(self, key: Node, at: int | None = None) -> bool:
        """Tell whether code that is not understood has got hold of a node or workflow, by a moment or ever."""
        moment = self.escaped.get(key)
        return moment is not None and (at is None or moment < at)

    def is_changed(self, key: Node, at: int | None = None) -> bool:
        """Tell whether edges may have been added or taken away that are not known."""
        moment = self.loosened.get(key)
        return self.is_escaped(key, at) or (moment is not None and (at is None or moment < at))

    def is_traced(self, key: Node | None, at: int | None) -> bool:
        """Whether everything that was connected to a node of this scope before a moment is known."""
        definition = None if key is None else self.definitions.get(key)
        if key is None or definition is None or not definition.certain:
            return False
        return not any(self.is_changed(one, at) for one in (key, *(p[0] for p in self.owners.get(key, ()))))

    def is_fresh(self, key: Node | None) -> bool:
        """Whether a key surely stands for a node that no other key stands for."""
        return isinstance(key, CallExpr) or self.options(key) is not None
