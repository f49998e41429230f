"""What is known of a workflow at a moment: its nodes by name, and the inputs that a run must or may be given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from mypy.nodes import (
    ARG_NAMED,
    ARG_NAMED_OPT,
    AssignmentStmt,
    CallExpr,
    Decorator,
    NameExpr,
    RefExpr,
    StrExpr,
    Var,
)
from mypy.types import Instance, Parameters, Type

from .ports import ANY, UNORDERED, node_from, node_of, ports_of, same, signature_of, solid_node, value_of
from .syntax import parts, workflow
from .wiring import UNREAD, Creation, Definition, Edge, End, Member, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy.nodes import Expression, FuncDef, Node, TypeInfo

    from .ports import Port
    from .rules import Inputs


class Entry(NamedTuple):
    """An open input: ``port`` of ``node``, which a run gives as ``name`` or as ``"node.port"``.

    It is ``sure`` if nothing can be connected to it.
    """

    node: str
    port: str
    name: str
    type: Type
    required: bool
    sure: bool


@dataclass(slots=True)
class Known:
    """What is known of a workflow.

    ``title`` is its name; ``nodes`` are the types of its nodes, ``Any`` where that is not known. There may be further
    nodes if it is ``vague``, further inputs if ``open_ended``; nodes may be left out if it is ``guarded``. ``initial``
    is the state that a machine begins with; the ``inputs`` are ``ordered`` if they come as in a run; ``value`` is what
    that gives.
    """

    title: str
    is_machine: bool
    vague: bool
    open_ended: bool
    guarded: bool = False
    initial: str = ""
    ordered: bool = True
    nodes: dict[str, Type] = field(default_factory=dict[str, Type])
    inputs: list[Entry] = field(default_factory=list[Entry])
    value: Type = ANY

    def addressed(self) -> dict[str, list[Entry]]:
        """List the inputs by each name that a run gives them under."""
        found: dict[str, list[Entry]] = {}
        for entry in self.inputs:
            found.setdefault(entry.name, []).append(entry)
        for entry in self.inputs:
            found.setdefault(f"{entry.node}.{entry.port}", [entry])
        return found


class Graph:
    """Reads what a scope says of one workflow.

    Args:
        scope: the scope that makes the workflow.
        creation: where.
        until: the moment up to which it is read, ``None``: to the end.
        info: the class of nodes.
        typed: gives the type of a node.
        wired: gives the inputs of the node at an end and what is connected to them.
        made: tells whether what an edge names exists.
        nested: gives what is known of the workflow that an expression stands for.

    """

    def __init__(
        self,
        scope: Scope,
        creation: Creation,
        until: int | None,
        info: TypeInfo,
        typed: Callable[[Node], Type | None],
        wired: Callable[[tuple[Port, ...]], Inputs],
        made: Callable[[Edge], bool],
        nested: Callable[[Expression], Known | None],
    ) -> None:
        self.scope = scope
        self.creation = creation
        self.until = until
        self.info = info
        self.typed = typed
        self.wired = wired
        self.made = made
        self.nested = nested
        self.lost = self._has_lost_edges()
        gone = {(name, at) for name, at in creation.removed if self.is_past(at)}
        self.members = [
            member
            for member in creation.members
            if self.is_past(member.at) and not any(self.name(member.key) == n and member.at <= at for n, at in gone)
        ]
        self.settled = dict(self._settled())

    def _has_lost_edges(self) -> bool:
        """Tell whether it is not known which node was meant: it does not exist, or a condition may name others."""
        ends = (e.target for edges in self.scope.edges.values() for e in edges if e.target.text and not e.target.key)
        if any(end.home is not None and workflow(end.home) == self.creation.place for end in ends):
            return True
        keys = [member.key for member in self.creation.members if self.options(member.key).kind == "condition"]
        return any(self.scope.is_escaped(key) for key in keys)

    def is_past(self, at: int) -> bool:
        """Tell whether something has happened by then."""
        return self.until is None or at <= self.until

    def known(self) -> Known:
        """Collect what is known."""
        creation, scope = self.creation, self.scope
        vague = self.is_escaped(self.until)
        found = Known(self.title, creation.is_machine, vague, open_ended=vague)
        composed = [func for func, at in creation.composed if self.is_past(at)]
        starts = self.initial()
        found.guarded = creation.is_machine
        for member in self.members:
            definition = scope.options(member.key) or Definition()
            found.guarded = found.guarded or definition.kind in ("condition", "select")
            name = definition.name
            if not isinstance(name, str):
                found.vague = found.open_ended = True
                continue
            if starts == [member.key]:
                found.initial = name
            node = self.type_of(member.key, definition)
            if node is None:
                found.nodes[name] = ANY
                found.open_ended = True
                continue
            found.nodes[name] = solid_node(node, member.key)
            ports = ports_of(node, member.key, self.own(definition.func), definition.inputs)
            if ports is None:
                found.open_ended = True
                continue
            if any(not port.named for port in ports) or not (
                is_bare(member.key) or any(p.kind == "plain" for p in ports)
            ):
                found.open_ended = True
            found.inputs.extend(self.entries(member, name, ports, composed=bool(composed), vague=vague))
        for func in composed:
            found.inputs.extend(self.parameters(func))
            found.vague = True  # a node that is called again is another one, with a number
        found.value = self.value(composed)
        found.ordered = not composed and self.is_in_order()
        return found

    def entries(
        self, member: Member, name: str, ports: tuple[Port, ...], *, composed: bool, vague: bool
    ) -> Iterator[Entry]:
        """List the inputs of a node that nothing is connected to, or perhaps nothing."""
        connected: set[str] = set()
        sure, clear = member.certain and not (composed or vague), True
        if not self.creation.is_machine:
            edges = [edge for edge in self.scope.into.get(member.key, ()) if self.is_past(edge.at)]
            edges += self.settled.get(member.key, [])
            inputs = self.wired(ports)
            traced = inputs.follow(edges, traced=self.scope.is_traced(member.key, self.until))
            clear = all(self.made(edge) for edge in edges) and not (inputs.refused or self.lost)
            connected, sure = set(inputs.connected), sure and traced
        for port in ports:
            if port.kind == "plain" and port.named and port.name not in connected and not (composed and port.required):
                yield Entry(name, port.name, port.name, port.type, port.required and sure and clear, sure)

    def parameters(self, func: FuncDef) -> Iterator[Entry]:
        """List the inputs that the parameters of a composed function are: each where a node is called with it."""
        signature = signature_of(func)
        if signature is None:
            return
        for argument, kind, declared in zip(func.arguments, func.arg_kinds, signature.arg_types, strict=True):
            name, required, used = argument.variable.name, kind.is_required(), False
            if argument.variable in self.rebound(func):
                yield Entry(func.name, name, name, declared, required=False, sure=False)
                continue
            for call in parts(func.body):
                for place, arg in enumerate(call.args if isinstance(call, CallExpr) else ()):
                    if isinstance(call, CallExpr) and isinstance(arg, NameExpr) and arg.node is argument.variable:
                        used = True
                        node, port = self._called(call, place)
                        kind_of = port.type if port else declared
                        yield Entry(node, port.name if port else name, name, kind_of, required, sure=port is not None)
            if not used:
                yield Entry(func.name, name, name, declared, required=False, sure=False)

    def rebound(self, func: FuncDef) -> set[Node]:
        """List the variables that a function assigns to."""
        found = (left for part in parts(func.body) if isinstance(part, AssignmentStmt) for left in part.lvalues)
        return {left.node for left in found if isinstance(left, NameExpr) and left.node is not None}

    def _called(self, call: CallExpr, place: int) -> tuple[str, Port | None]:
        """Find the node that a call calls, and the port of an argument."""
        key = call.callee.node if isinstance(call.callee, RefExpr) else None
        ports = self.own_ports(key) if key is not None else None
        keyword = call.arg_names[place]
        plain = [port for port in ports or () if port.kind == "plain"]
        named = [port for port in plain if port.name == keyword] if keyword else plain[place : place + 1]
        return self.name(key) or "?", named[0] if named else None

    def type_of(self, key: Node, definition: Definition) -> Instance | None:
        """Find the type of a node: as inferred, else as its function is written."""
        found = node_of(self.typed(key))
        if found is not None:
            return found
        inner = definition.options.get("workflow") if definition.kind == "workflow" else None
        if inner is not None:
            known = self.nested(inner)
            return None if known is None else nested_node(self.info, known)
        if definition.func is None or not is_bare(key):
            return None
        signature = signature_of(definition.func)
        return None if signature is None else node_from(self.info, signature)

    # -- what the checks ask -----------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The name of the workflow, or what comes closest to it."""
        title = self.creation.title
        return title if isinstance(title, str) else self.creation.place[1].rpartition(".")[2]

    def is_escaped(self, at: int | None) -> bool:
        """Tell whether code that is not understood has got hold of the workflow by then."""
        variable, path = self.creation.place
        if self.creation.vague or self.scope.hidden or self.scope.is_escaped(variable, at):
            return True
        # What a class has is reached by ways that are not known: ``cls.dag``, ``self.dag``.
        return isinstance(variable, Var) and bool(variable.info) and path in self.scope.attributes

    def options(self, key: Node) -> Definition:
        """Find the options of a node."""
        return self.scope.options(key) or Definition()

    def name(self, key: Node | None) -> str | None:
        """Find the name of a node, ``None`` if it is computed."""
        definition = self.scope.options(key)
        return definition.name if definition is not None and isinstance(definition.name, str) else None

    def names(self) -> list[str] | None:
        """List the names of all nodes, ``None`` if there may be others."""
        found = [self.name(member.key) for member in self.members]
        known = [name for name in found if name is not None]
        return None if len(known) < len(found) or self.is_escaped(self.until) or self.creation.composed else known

    def own(self, func: FuncDef | None) -> FuncDef | None:
        """Give a function if it is written in this file; of others, the names and bodies may be known or not."""
        return func if func is not None and self.scope.has_function(func) else None

    def own_ports(self, key: Node) -> tuple[Port, ...] | None:
        """List the inputs of a node's function."""
        func = self.own(self.options(key).func)
        signature = signature_of(func) if func is not None and is_bare(key) else None
        return None if signature is None else ports_of(node_from(self.info, signature), key, func, None)

    def targets(self, key: Node) -> set[Node] | None:
        """List the nodes that edges lead to from a node, ``None`` if there may be others."""
        edges = self.scope.leaving.get(key, ())
        found = {edge.target.key for edge in edges}
        if self.scope.is_escaped(key) or any(target is None or self.name(target) is None for target in found):
            return None
        return {target for target in found if target is not None}

    def branches(self, key: Node) -> set[str] | None:
        """List what a condition or selection can choose, ``None`` if there may be more."""
        if self.targets(key) is None:
            return None
        found = {e.branch if isinstance(e.branch, str) else self.name(e.target.key) for e in self.edges_from(key)}
        return None if any(e.branch is UNREAD for e in self.edges_from(key)) else {one for one in found if one}

    def edges_from(self, key: Node) -> list[Edge]:
        """List the edges that start at a node."""
        settled = (edge for edges in self.settled.values() for edge in edges if edge.source.key is key)
        return [*self.scope.leaving.get(key, ()), *settled]

    def name_of(self, given: Expression) -> str | None:
        """Find the name of the node that is given as itself."""
        return self.name(given.node) if isinstance(given, RefExpr) else None

    def initial(self) -> list[Node]:
        """List the states that a machine may begin with."""
        if not self.creation.starts:
            return [m.key for m in self.members if is_marked(self.options(m.key), "is_initial", "initial")]
        starts = {self.named(start) for start in self.creation.starts}
        return [member.key for member in self.members if member.key in starts]

    # -- what is connected, and what a run gives ---------------------------------------------------------------------

    def _settled(self) -> Iterator[tuple[Node, list[Edge]]]:
        """Connect the branches that conditions name and nothing connects, as validation does."""
        found: dict[Node, list[Edge]] = {}
        for member in self.members:
            definition = self.scope.options(member.key)
            if definition is None or definition.kind != "condition":
                continue
            for option, branch in (("true_branch", True), ("false_branch", False)):
                given = definition.options.get(option)
                target = None if given is None else self.named(given)
                if given is None or target is None:
                    continue
                edges = self.scope.leaving.get(member.key, ())
                if all(edge.target.key is not target for edge in edges):
                    ends = End(given, member.key, branch=branch), End(given, target)
                    found.setdefault(target, []).append(Edge(*ends, member.at, member.certain, looped=False))
        yield from found.items()

    def named(self, given: Expression) -> Node | None:
        """Find the node that is given by name or as itself."""
        if isinstance(given, StrExpr):
            return self.scope.find(self.creation.place, given.value)
        return given.node if isinstance(given, RefExpr) else None

    def value(self, composed: list[FuncDef]) -> Type:
        """Give the type of what a run gives, ``Any`` if that is not known."""
        if composed:
            signature = signature_of(composed[-1])
            return ANY if signature is None else signature.ret_type
        sinks = [m for m in self.members if not any(self.is_past(e.at) for e in self.scope.leaving.get(m.key, ()))]
        sinks = [m for m in sinks if not self._leads_on(m)]
        if len(sinks) != 1 or self.creation.is_machine or not sinks[0].certain:
            return ANY
        node = self.type_of(sinks[0].key, self.scope.options(sinks[0].key) or Definition())
        return ANY if node is None else value_of(node, sinks[0].key)

    def _leads_on(self, member: Member) -> bool:
        return any(edge.source.key is member.key for edges in self.settled.values() for edge in edges)

    def is_in_order(self) -> bool:
        """Tell whether every edge leads from a node to one that was added later, so that this is the order of a run."""
        place = {member.key: index for index, member in enumerate(self.members)}
        edges = (edge for key in place for edge in self.scope.into.get(key, ()))
        return all(
            edge.source.key in place and edge.target.key in place and place[edge.source.key] < place[edge.target.key]
            for edge in edges
            if edge.source.key is not None and edge.target.key is not None
        )


def is_bare(key: Node) -> bool:
    """Tell whether a node is made of a function as it is written, and not of what another decorator makes of it."""
    return isinstance(key, CallExpr) or (isinstance(key, Decorator) and len(key.original_decorators) == 1)


def is_marked(definition: Definition | None, *options: str) -> bool:
    """Tell whether an option is given and not false."""
    given = [definition.options[option] for option in options if option in definition.options] if definition else []
    return any(not (isinstance(one, RefExpr) and one.fullname == "builtins.False") for one in given)


def nested_node(info: TypeInfo, known: Known) -> Instance | None:
    """Make the type of a workflow that is a node: its open inputs are the ports, by name."""
    if known.open_ended:
        return None
    rows: dict[str, list[Entry]] = {}
    for entry in known.inputs:
        rows.setdefault(entry.name, []).append(entry)
    types = [one[0].type if all(same(e.type, one[0].type) for e in one) else ANY for one in rows.values()]
    kinds = [ARG_NAMED if any(e.required for e in one) else ARG_NAMED_OPT for one in rows.values()]
    node = Instance(info, [Parameters(types, kinds, list(rows)), known.value])
    return node if known.ordered else node.copy_with_extra_attr(UNORDERED, ANY)
