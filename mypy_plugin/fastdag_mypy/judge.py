"""What a judge knows of nodes and workflows: what was read of the statements, and mypy's types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from mypy.nodes import CallExpr, Decorator, Expression, FuncDef, FuncItem, MemberExpr, NameExpr, TypeInfo, Var
from mypy.types import AnyType, ProperType, get_proper_type

from .graph import Graph, Known, is_bare
from .ports import NODE, has_base, has_output, node_from, node_of, ports_of, signature_of, value_of
from .rules import Inputs
from .syntax import workflow
from .tables import Tables, handle_of, is_extended
from .wiring import UNREAD, Creation, Definition, Edge, End, Names, Scope

if TYPE_CHECKING:
    from mypy.checker import TypeChecker
    from mypy.errorcodes import ErrorCode
    from mypy.nodes import Context, Node
    from mypy.types import Type

    from .ports import Port

_UNKNOWN: Final = Definition(inputs=UNREAD, outputs=UNREAD)
_PLAIN: Final = Definition()
_DAG: Final = "fastdag_typed.dag.DAG"


class Found(NamedTuple):
    """A workflow: its table, and where it is made if that is around here."""

    known: Known
    handle: str
    scope: Scope | None
    creation: Creation | None


class Judge:
    """Reports what is wrong, in every case, with what an expression says."""

    def __init__(self, api: TypeChecker, scope: Scope, tables: Tables) -> None:
        self.api = api
        self.scope = scope
        self.tables = tables

    def fail(self, text: str, at: Context, code: ErrorCode) -> bool:
        """Report an error."""
        self.api.fail(text, at, code=code)
        return True

    # -- what is known of a workflow ---------------------------------------------------------------------------------

    def workflow(self, expr: Expression | None, found: Type | None = None) -> Found | None:
        """Find the workflow that an expression stands for, or that its type tells of."""
        return self.found(self.handle(expr, found))

    def found(self, handle: str | None) -> Found | None:
        """Find the workflow that a handle leads to."""
        known = self.tables.find(self.api, handle)
        if handle is None or known is None:
            return None
        call = self.tables.calls.get(handle)
        home = None if call is None else self.scope.home(call)
        return Found(known, handle, home, home.creations[call] if home is not None and call is not None else None)

    def handle(self, expr: Expression | None, found: Type | None = None) -> str | None:
        """Find the handle of a workflow, by its variable or its type."""
        place = None if expr is None else workflow(expr)
        made = None if place is None else self.scope.creation(place)
        if made is not None:
            return self.tables.handles.get(made[1].call)
        if found is None and expr is not None:
            found = self.api.lookup_type_or_none(expr)
        if found is None and place is not None and isinstance(place[0], Var) and place[1] == place[0].name:
            found = place[0].type
        return handle_of(found)

    def now(self, found: Found, at: Context) -> Known:
        """Tell what is known of a workflow when an expression is evaluated."""
        home, creation = found.scope, found.creation
        if home is None or creation is None:
            if not found.known.vague and is_extended(self.api, found.handle):
                return replace(found.known, vague=True, open_ended=True)
            return found.known
        moment = home.moments.get(at) if isinstance(at, Expression) else None
        if moment is None or not moment.straight or (moment.at > home.changed and not found.known.open_ended):
            return found.known
        return self.graph(home, creation, moment.at).known()

    def graph(self, scope: Scope, creation: Creation, until: int | None, *, inferred: bool = True) -> Graph:
        """Read a workflow of this file; types that are ``inferred`` are known only after its statements."""
        typed = self.inferred if inferred else self.told
        return Graph(scope, creation, until, self.node_class(), typed, self.inputs, self.is_made, self.nested)

    def node_class(self) -> TypeInfo:
        """Find the class of nodes."""
        module, _, name = NODE.rpartition(".")
        info = self.api.modules[module].names[name].node
        assert isinstance(info, TypeInfo)  # noqa: S101 - it is a class of ours
        return info

    def inputs(self, ports: tuple[Port, ...]) -> Inputs:
        """Make the inputs of a node, with nothing connected to them."""
        return Inputs(ports, self.name, self.is_fresh)

    def inferred(self, key: Node) -> Type | None:
        """Give the type of a node, as far as mypy has come; where its ports were lost, as the function is written.

        That happens where ``Any`` makes several overloads fit.
        """
        symbol = key.var if isinstance(key, Decorator) else key
        declared = symbol.type if isinstance(symbol, Var) else None
        found = self.api.lookup_type_or_none(key) if isinstance(key, CallExpr) else declared
        node, func = node_of(found), (self.scope.options(key) or _PLAIN).func
        if node is None or func is None or not isinstance(get_proper_type(node.args[0]), AnyType) or not is_bare(key):
            return found
        signature = signature_of(func)
        return found if signature is None else node_from(node.type, signature)

    def told(self, key: Node) -> Type | None:
        """Give the type of a node of another module."""
        module = self.api.tree.fullname
        is_other = isinstance(key, Var) and not key.fullname.startswith(f"{module}.")
        return key.type if isinstance(key, Var) and is_other else None

    def nested(self, expr: Expression) -> Known | None:
        """Tell what is known of a workflow that becomes a node."""
        place = workflow(expr)
        made = None if place is None else self.scope.creation(place)
        if made is not None:
            return self.graph(*made, None, inferred=False).known()
        return self.tables.find(self.api, self.handle(expr))

    def is_dag(self, key: Node) -> bool:
        """Tell whether a node is surely in a workflow, and only in those where nothing may run twice."""
        places = self.scope.places(key)
        return bool(places) and all(self._is_dag(place) for place in places)

    def _is_dag(self, place: tuple[Node, str]) -> bool:
        made = self.scope.creation(place)
        if made is not None:
            return not made[1].is_machine
        variable = place[0]
        return isinstance(variable, Var) and place[1] == variable.name and has_base(variable.type, _DAG)

    def function(self) -> FuncItem | None:
        """Give the function that is being checked."""
        holder = self.api.scope.stack[-1]
        return holder if isinstance(holder, FuncItem) else None

    # -- what is known of a node -------------------------------------------------------------------------------------

    def type_of(self, end: End) -> ProperType | None:
        """Find the type of a node: of the expression if that is one, else of what the expression stands for."""
        found = get_proper_type(None if end.text is not None else self.api.lookup_type_or_none(end.expr))
        key = end.key
        if key is None and end.text is not None:
            known = self.workflow(end.home)
            return None if known is None else get_proper_type(known.known.nodes.get(end.text))
        node = node_of(found)
        if key is None or (node is not None and not isinstance(get_proper_type(node.args[0]), AnyType)):
            return found
        return get_proper_type(self.inferred(key)) or found

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

    def is_made(self, edge: Edge) -> bool:
        """Tell whether the nodes and the output that an edge names exist; if not, the edge is never made."""
        for end in edge.source, edge.target:
            found = self.workflow(end.home) if end.text is not None and end.key is None else None
            if end.text is not None and end.key is None and (found is None or end.text not in found.known.nodes):
                return False
        output = edge.source.name
        node = node_of(self.type_of(edge.source)) if isinstance(output, str) else None
        if node is None or not isinstance(output, str):
            return True
        return has_output(value_of(node, edge.source.key), self.outputs(edge.source), output)

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
