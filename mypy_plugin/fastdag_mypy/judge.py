"""What a judge knows of nodes and workflows: what was read of the statements, and mypy's types."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from mypy.nodes import (
    AwaitExpr,
    CallExpr,
    Decorator,
    Expression,
    FuncDef,
    FuncItem,
    MemberExpr,
    NameExpr,
    RefExpr,
    TypeInfo,
    Var,
)
from mypy.types import AnyType, ProperType, get_proper_type

from .graph import Graph, Known, is_bare
from .ports import NODE, has_base, has_output, node_from, node_of, ports_of, signature_of, value_of
from .rules import Inputs
from .syntax import workflow
from .wiring import UNREAD, Creation, Definition, Edge, End, Names, Place, Scope

if TYPE_CHECKING:
    from mypy.checker import TypeChecker
    from mypy.errorcodes import ErrorCode
    from mypy.nodes import Context, Node
    from mypy.types import Type

    from .ports import Port
    from .tables import Reach, Tables

_UNKNOWN: Final = Definition(inputs=UNREAD, outputs=UNREAD)
_PLAIN: Final = Definition()
RUNNER: Final = "fastdag_typed.run.runner.Runner"
_DAG: Final = "fastdag_typed.dag.DAG"


class Found(NamedTuple):
    """A workflow: its table, and where it is made if that is around here."""

    place: Place
    known: Known
    handle: str | None
    scope: Scope | None
    creation: Creation | None


class Judge:
    """Reports what is wrong, in every case, with what an expression says."""

    def __init__(self, api: TypeChecker, scope: Scope, tables: Tables) -> None:
        self.api = api
        self.scope = scope
        self.tables = tables
        self.reached: dict[Var, Reach] = {}

    def fail(self, text: str, at: Context, code: ErrorCode) -> bool:
        """Report an error."""
        self.api.fail(text, at, code=code)
        return True

    # -- what is known of a workflow ---------------------------------------------------------------------------------

    def workflow(self, expr: Expression | None) -> Found | None:
        """Find the workflow that an expression stands for, or that its runner, metrics or results are of.

        Types do not tell: that of a variable is the type of what it is bound to first.
        """
        place = None if expr is None else self.origin(expr)
        return None if place is None else self.at(place)

    def at(self, place: Place) -> Found | None:
        """Find what is known of the workflow at a place."""
        made = self.scope.creation(place)
        if made is not None:
            call = made[1].call
            home, table = self.scope.home(call), self.tables.made_by(self.api, call)
            if home is None or table is None:
                return None
            return Found(place, *table, home, home.creations[call])
        variable = place[0]
        is_variable = isinstance(variable, Var) and place[1].rpartition(".")[2] == variable.name
        table_of = self.tables.of(self.api, variable) if isinstance(variable, Var) and is_variable else None
        return None if table_of is None else Found(place, *table_of, None, None)

    def origin(self, node: Expression) -> Place | None:
        """Find the place of the workflow that an expression has to do with; names are followed that are bound once."""
        place = workflow(node)
        if place is not None and self.scope.creation(place) is not None:
            return place
        match node:
            case AwaitExpr():
                return self.origin(node.expr)
            case MemberExpr(name="results"):
                return self.origin(node.expr)
            case CallExpr(callee=MemberExpr(name="run" | "run_async") as callee):
                return self.origin(callee.expr)
            case CallExpr(callee=RefExpr(node=TypeInfo() as info)) if info.has_base(RUNNER) and node.args:
                return self.origin(node.args[0])
            case NameExpr() if node.node is not None:
                bound = self.scope.bound(node.node)
                if bound is not None:
                    return self.origin(bound[0]) if len(bound) == 1 and bound[0] is not None else None
            case _:
                pass
        return place

    def now(self, found: Found, at: Context) -> Known:
        """Tell what is known of a workflow when an expression is evaluated."""
        home, creation, variable = found.scope, found.creation, found.place[0]
        if home is None or creation is None:
            if not isinstance(variable, Var) or self.reach(variable).adds or self.is_handed_on(found.place):
                return replace(found.known, vague=True, open_ended=True)
            return found.known
        moment = home.moments.get(at) if isinstance(at, Expression) else None
        if moment is None or not moment.straight or (moment.at > home.changed and not found.known.open_ended):
            return found.known
        return self.graph(home, creation, moment.at).known()

    def before(self, found: Found, at: Expression) -> Known | None:
        """Tell what is known where a function is made that may run before the workflow is finished.

        ``None``: nothing else than when it is.
        """
        home, creation = found.scope, found.creation
        moment = home.moments.get(at) if home is not None else None
        if home is None or creation is None or moment is None or moment.straight or moment.at > home.changed:
            return None
        return self.graph(home, creation, moment.at).known()

    def reach(self, variable: Var) -> Reach:
        """Tell what modules that can be seen from here may do to a workflow of another one."""
        if variable not in self.reached:
            self.reached[variable] = self.tables.reach(self.api, variable)
        return self.reached[variable]

    def is_handed_on(self, place: Place) -> bool:
        """Tell whether this file may add nodes to a workflow of another one that cannot be seen."""
        scopes = list(self.scope.around())
        if any(scope.is_escaped(place[0]) or scope.hidden for scope in scopes):
            return True
        keys = (key for scope in scopes for key, places in scope.owners.items() if place in places)
        return any(not isinstance((self.scope.options(key) or _PLAIN).name, str) for key in keys)

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
        found = self.workflow(expr)
        return None if found is None else found.known

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
        func = options.func if options.func is not None and self.scope.has_function(options.func) else None
        return None if node is None else ports_of(node, end.key, func, options.inputs)

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
