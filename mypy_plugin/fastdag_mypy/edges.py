"""Judges the edges that an expression makes, by the types of the nodes at their ends."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from mypy.messages import format_type_bare, format_type_distinctly
from mypy.nodes import Decorator, OpExpr
from mypy.types import FunctionLike, Instance, NoneType, Overloaded, ProperType, get_proper_type

from . import codes
from .lookups import Lookups
from .ports import CONDITIONS, STATE, Port, feed, has_base, has_output, node_of, outputs_of, value_of
from .wiring import UNREAD, Edge, End

if TYPE_CHECKING:
    from mypy.nodes import Expression, Node

    from .rules import Place

_OUTLET: Final = "fastdag_typed.node.Outlet"
_MAYBE_NODES: Final = ("builtins.object", "builtins.list", "builtins.tuple")


class Edges(Lookups):
    """Judges edges."""

    def judge(self, expr: Expression) -> bool:
        """Judge the edges that an expression makes; tell whether one is wrong."""
        wrong = [self.edge(edge, expr) for edge in self.scope.edges.get(expr, ())]
        outer = self.scope.chained.get(expr)
        if any(wrong) and outer is not None:
            self.judge(outer)  # mypy gives up on a chain whose beginning is wrong
        return any(wrong)

    def edge(self, edge: Edge, expr: Expression) -> bool:
        """Judge one edge of an expression; tell whether it is wrong."""
        if self.unknown(edge.source, expr) or self.unknown(edge.target, expr):
            return True
        wrong = edge.carries and self.passes_on(edge, expr)
        return self.cycle(edge) or self.outside(edge) or wrong

    def passes_on(self, edge: Edge, expr: Expression) -> bool:
        """Judge the value that an edge brings; tell whether it is wrong."""
        is_operator = isinstance(expr, OpExpr)
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

    # -- findings ----------------------------------------------------------------------------------------------------

    def unknown(self, end: End, expr: Expression) -> bool:
        """Report the name of a node that does not exist."""
        if end.text is None or end.key is not None:
            return False
        found = self.workflow(end.home)
        return found is not None and self.missing(found, end.expr, end.text, expr)

    def cycle(self, edge: Edge) -> bool:
        """Report an edge that closes a cycle of edges that are made."""
        while (way := self.scope.closing.get(edge)) is not None:
            refused = {one for one in way if self.is_refused(one)}
            if not refused:
                break
            self.scope.refused |= refused
            self.scope.settle()
        nodes = [] if way is None else [one.source for one in way]
        if nodes and all(node.key is not None and self.is_dag(node.key) for node in nodes):
            names = [self.name(node) for node in (*nodes, nodes[0])]
            return self.fail(codes.cycle(names), edge.target.expr, codes.CYCLE)
        return False

    def outside(self, edge: Edge) -> bool:
        """Report an edge between a node of a workflow and one that is not in it."""
        ends = edge.source, edge.target
        if edge.source.key is None or edge.target.key is None or not edge.certain:
            return False
        found = False
        for inner, outer in (ends[::-1], ends):
            if inner.key is None or outer.key is None:
                continue
            missing = self.scope.places(inner.key) - self.scope.places(outer.key)
            for place in missing if missing and self.is_settled(outer.key) else ():
                made = self.scope.creation(place)
                if made is None or made[1].vague or made[0].is_escaped(place[0]) or self.is_refused(edge):
                    continue
                names = self.name(edge.source), self.name(edge.target)
                title = made[1].title if isinstance(made[1].title, str) else place[1]
                text = codes.no_member(names, self.name(outer), self.name(inner), title)
                found = self.fail(text, edge.target.expr, codes.MEMBER)
        return found

    def is_settled(self, key: Node) -> bool:
        """Tell whether it is known which workflows a node of this scope is in."""
        definition = self.scope.definitions.get(key)
        return definition is not None and definition.certain and not self.scope.is_escaped(key)

    def is_refused(self, edge: Edge) -> bool:
        """Tell whether a statement makes no edge: it names what is not there, finds no free port or was said before."""
        target = self.type_of(edge.target)
        ports = self.ports(edge.target, target)
        if not edge.carries or ports is None:
            return False
        verdict = self.place(edge, ports).verdict
        full = verdict == "full" and edge.branch is None
        return full or verdict in ("said", "taken", "unknown") or not self.is_made(edge)

    def no_node(self, edge: Edge, source: ProperType | None, target: ProperType | None) -> bool:
        """Report an end that cannot be a node."""
        # Of what is decorated, another decorator may hide that it is a node.
        is_target, is_source = (isinstance(end.key, Decorator) for end in (edge.target, edge.source))
        if node_of(target) is None and not is_target and (_is_no_node(target) or has_base(target, _OUTLET)):
            text = codes.target_is_no_node(self.name(edge.source), self.shown(edge.target, target))
            return self.fail(text, edge.target.expr, codes.WIRE)
        if node_of(source) is None and not is_source and _is_no_node(source):
            text = codes.source_is_no_node(self.shown(edge.source, source), self.name(edge.target))
            return self.fail(text, edge.source.expr, codes.WIRE)
        return False

    def shown(self, end: End, found: ProperType | None) -> str:
        """Name a function, or give the type of something else."""
        if isinstance(found, FunctionLike) or found is None:
            return self.name(end)
        return format_type_bare(found, self.api.options)

    def place(self, edge: Edge, ports: tuple[Port, ...]) -> Place:
        """Find the input that an edge leads to."""
        key = edge.target.key
        into = self.scope.into.get(key, ()) if key is not None else ()
        before = [earlier for earlier in takewhile(lambda one: one is not edge, into) if self.is_made(earlier)]
        return self.inputs(ports).place(edge, before, traced=self.scope.is_traced(key, edge.at))

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
    return isinstance(found, FunctionLike | NoneType) and not isinstance(found, Overloaded)
