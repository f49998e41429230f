"""Judges the edges that an expression makes, by the types of the nodes at their ends."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from mypy.messages import format_type_bare, format_type_distinctly
from mypy.nodes import CallExpr, Decorator, FuncDef, FuncItem, MemberExpr, MypyFile, NameExpr, OpExpr, TypeInfo, Var
from mypy.types import FunctionLike, Instance, NoneType, ProperType, get_proper_type

from . import codes
from .ports import (
    CONDITIONS,
    STATE,
    Port,
    feed,
    has_base,
    has_output,
    node_of,
    outputs_of,
    ports_of,
    value_of,
)
from .reader import read
from .rules import Inputs, Place
from .wiring import UNREAD, Definition, Edge, End, Names, Scope

if TYPE_CHECKING:
    from mypy.checker import TypeChecker
    from mypy.errorcodes import ErrorCode
    from mypy.nodes import Expression, Node, Statement

_OUTLET: Final = "fastdag_typed.node.Outlet"
_MAYBE_NODES: Final = ("builtins.object", "builtins.list", "builtins.tuple")
_UNKNOWN: Final = Definition(inputs=UNREAD, outputs=UNREAD)
_PLAIN: Final = Definition()


class Scopes:
    """What has been read of the file that is being checked: structure only, types are looked up each time."""

    def __init__(self) -> None:
        self._nothing = Scope()
        self._tree: MypyFile | None = None
        self._read: dict[Node, tuple[list[Statement], Scope]] = {}

    def around(self, api: TypeChecker, expr: Expression) -> Scope:
        """Read the scope that is being checked, and those around it."""
        if api.tree is not self._tree:
            self._tree, self._read = api.tree, {}
        scope = self._innermost(api)
        if any(end.is_stale for edge in scope.edges.get(expr, ()) for end in (edge.source, edge.target)):
            self._read = {}
            scope = self._innermost(api)
        return scope

    def _innermost(self, api: TypeChecker) -> Scope:
        scope = self._nothing
        for holder in api.scope.stack:
            statements, found = self._read.get(holder, (None, scope))
            current = _statements(holder)
            if statements is not current or found.outer is not scope:
                # mypy's daemon puts new statements into the module or function that it has.
                parameters = [a.variable for a in holder.arguments] if isinstance(holder, FuncItem) else []
                found = read(current, parameters, scope)
                self._read[holder] = current, found
            scope = found
        return scope


def _statements(holder: MypyFile | TypeInfo | FuncItem) -> list[Statement]:
    if isinstance(holder, MypyFile):
        return holder.defs
    return holder.defn.defs.body if isinstance(holder, TypeInfo) else holder.body.body


class Judge:
    """Reports what is wrong, in every case, with the edges of one scope."""

    def __init__(self, api: TypeChecker, scope: Scope) -> None:
        self.api = api
        self.scope = scope

    def judge(self, expr: Expression) -> bool:
        """Judge the edges that an expression makes; tell whether one is wrong."""
        wrong = [self.edge(edge, is_operator=isinstance(expr, OpExpr)) for edge in self.scope.edges.get(expr, ())]
        outer = self.scope.chained.get(expr)
        if any(wrong) and outer is not None:
            self.judge(outer)  # mypy gives up on a chain whose beginning is wrong
        return any(wrong)

    def types_of(self, expr: Expression) -> list[ProperType | None]:
        """List the types at the ends of the edges that an expression makes."""
        return [self.type_of(end) for edge in self.scope.edges.get(expr, ()) for end in (edge.source, edge.target)]

    def edge(self, edge: Edge, *, is_operator: bool) -> bool:
        """Judge one edge; tell whether it is wrong."""
        source, target = self.type_of(edge.source), self.type_of(edge.target)
        if node_of(source) is None or node_of(target) is None:
            return is_operator and self.no_node(edge, source, target)
        if not (edge.source.exact and edge.target.exact) or UNREAD in (edge.source.name, edge.target.name):
            return False
        if isinstance(edge.source.name, str) and not self.has_output(edge.source, source, edge.source.name):
            return True
        if has_base(target, STATE) or self.options(edge.target).is_state:
            return False  # a transition between states carries no data
        ports = self.ports(edge.target, target)
        if ports is None:
            return False
        found = self.place(edge, ports)
        if found.verdict in ("port", "any"):
            return self.misfits(edge, source, found.ports)
        return self.misplaced(edge, found, ports)

    # -- what is known of a node -------------------------------------------------------------------------------------

    def type_of(self, end: End) -> ProperType | None:
        """Find the type of a node: of the expression if that is one, else of what the expression stands for."""
        found = get_proper_type(None if end.text is not None else self.api.lookup_type_or_none(end.expr))
        key = end.key
        if key is None or node_of(found) is not None:
            return found
        if isinstance(key, CallExpr):
            return get_proper_type(self.api.lookup_type_or_none(key)) or found
        symbol = key.var if isinstance(key, Decorator) else key
        return (get_proper_type(symbol.type) if isinstance(symbol, Var) else None) or found

    def options(self, end: End) -> Definition:
        """Find the options that a node is made with."""
        return self.scope.options(end.key) or _PLAIN

    def outputs(self, end: End) -> Names:
        """Find the declared outputs of a node, ``UNREAD`` if there may be some."""
        return (self.scope.options(end.key) or _UNKNOWN).outputs

    def ports(self, end: End, found: ProperType | None) -> tuple[Port, ...] | None:
        """List the inputs of a node, ``None`` if they are not known."""
        node, options = node_of(found), self.options(end)
        return None if node is None else ports_of(node, end.key, options.func, options.inputs)

    def place(self, edge: Edge, ports: tuple[Port, ...]) -> Place:
        """Find the input that an edge leads to."""
        key = edge.target.key
        into = self.scope.into.get(key, ()) if key is not None else ()
        before = [earlier for earlier in takewhile(lambda one: one is not edge, into) if self.is_made(earlier)]
        return Inputs(ports, self.name, self.is_fresh).place(edge, before, traced=self.scope.is_traced(key, edge.at))

    def is_fresh(self, end: End) -> bool:
        """Tell whether no other symbol stands for a node."""
        return isinstance(end.key, Decorator) or self.scope.is_fresh(end.key)

    def name(self, end: End) -> str:
        """Find the name of a node, or what comes closest to it."""
        options = self.options(end)
        if isinstance(options.name, str):
            return options.name
        if end.text is not None:
            return end.text
        if isinstance(end.key, Decorator | FuncDef | Var):
            return end.key.name
        expr = end.expr.callee if isinstance(end.expr, CallExpr) else end.expr
        return expr.name if isinstance(expr, NameExpr | MemberExpr) else "?"

    # -- findings ----------------------------------------------------------------------------------------------------

    def fail(self, text: str, at: Expression, code: ErrorCode) -> bool:
        """Report an error."""
        self.api.fail(text, at, code=code)
        return True

    def no_node(self, edge: Edge, source: ProperType | None, target: ProperType | None) -> bool:
        """Report an end that cannot be a node."""
        if node_of(target) is None and (_is_no_node(target) or has_base(target, _OUTLET)):
            text = codes.target_is_no_node(self.name(edge.source), self.shown(edge.target, target))
            return self.fail(text, edge.target.expr, codes.WIRE)
        if node_of(source) is None and _is_no_node(source):
            text = codes.source_is_no_node(self.shown(edge.source, source), self.name(edge.target))
            return self.fail(text, edge.source.expr, codes.WIRE)
        return False

    def shown(self, end: End, found: ProperType | None) -> str:
        """Name a function, or give the type of something else."""
        if isinstance(found, FunctionLike) or found is None:
            return self.name(end)
        return format_type_bare(found, self.api.options)

    def is_made(self, edge: Edge) -> bool:
        """Tell whether the output that an edge names exists; if not, the edge is never made."""
        output = edge.source.name
        node = node_of(self.type_of(edge.source)) if isinstance(output, str) else None
        if node is None or not isinstance(output, str):
            return True
        return has_output(value_of(node, edge.source.key), self.outputs(edge.source), output)

    def has_output(self, end: End, found: ProperType | None, output: str) -> bool:
        """Report an output that does not exist."""
        node = node_of(found)
        if node is None:
            return True
        value, declared = value_of(node, end.key), self.outputs(end)
        if has_output(value, declared, output):
            return True
        known = outputs_of(value, declared)
        self.fail(codes.no_output(self.name(end), output, known), end.named or end.expr, codes.NAME)
        return False

    def misfits(self, edge: Edge, found: ProperType | None, ports: tuple[Port, ...]) -> bool:
        """Report a value that fits none of the ports it may be for."""
        node = node_of(found)
        if node is None:
            return False
        output = edge.source.name if isinstance(edge.source.name, str) else None
        declared = self.outputs(edge.source)
        value = value_of(node, edge.source.key)
        if any(feed(value, declared, output, port).fits for port in ports):
            return False
        if has_base(found, *CONDITIONS) and output is None and self.passes(edge.source, found, ports):
            return False
        source, target = self.name(edge.source), self.name(edge.target)
        port, *others = ports
        if others:
            shown = [(one.name, format_type_bare(one.type, self.api.options)) for one in ports]
            text = codes.fits_none(source, format_type_bare(value, self.api.options), target, shown)
        else:
            read, kind, _ = feed(value, declared, output, port)
            given, expected = (format_type_bare(one, self.api.options) for one in (kind, port.type))
            if given == expected:
                given, expected = format_type_distinctly(kind, port.type, options=self.api.options, bare=True)
            name = (edge.target.name or source) if port.kind == "kwargs" else port.name
            text = codes.misfit(source, read, given, target, str(name), expected)
        return self.fail(text, edge.target.expr, codes.PORT)

    def passes(self, end: End, found: ProperType | None, ports: tuple[Port, ...]) -> bool:
        """Tell whether what a condition was given may fit: it hands that on if it has no value of its own."""
        own = self.ports(end, found)
        return not own or any(feed(get_proper_type(own[0].type), None, None, port).fits for port in ports)

    def misplaced(self, edge: Edge, found: Place, ports: tuple[Port, ...]) -> bool:
        """Report an edge that leads to no free port."""
        source, target = self.name(edge.source), self.name(edge.target)
        at = edge.target.named or edge.target.expr
        if found.verdict == "unknown":
            known = [port.name for port in ports]
            return self.fail(codes.no_input(target, str(edge.target.name), known), at, codes.NAME)
        if found.verdict == "taken" and found.by is not None:
            by, line = self.name(found.by.source), found.by.target.expr.line
            text = codes.taken(str(edge.target.name), target, by, self.api.path, line)
            return self.fail(text, at, codes.TAKEN)
        if found.verdict != "full" or edge.source.branch is not None:
            return False  # a branch needs no data to decide what runs
        if not ports:
            return self.fail(codes.none_at_all(source, target), at, codes.TAKEN)
        connected = found.connected
        names = [(port.name, self.name(connected[port.name].source)) for port in ports if port.name in connected]
        return self.fail(codes.none_free(source, target, names), at, codes.TAKEN)


def _is_no_node(found: ProperType | None) -> bool:
    if isinstance(found, Instance):
        name = found.type.fullname
        return name.startswith("builtins.") and name not in _MAYBE_NODES
    return isinstance(found, FunctionLike | NoneType)
