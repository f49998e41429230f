"""The mypy plugin: proves the wiring of workflows where it is written.

``__init__`` routes mypy's hooks. ``reader`` (with ``calls`` and ``syntax``) reads the statements of a scope, without
types, into what ``wiring`` describes; ``ports`` knows types, without statements. ``checks`` judges a workflow as a
whole where it is made, ``edges`` each edge, ``lookups`` names of nodes, ``runs`` what a run is given: in the words of
``codes``.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from mypy.checker import TypeChecker
from mypy.nodes import CallExpr, FuncItem, IndexExpr, MemberExpr, OpExpr, StrExpr, TypeInfo
from mypy.plugin import FunctionContext, MethodContext, MethodSigContext, Plugin, ReportConfigContext
from mypy.types import (
    CallableType,
    FunctionLike,
    Instance,
    NoneType,
    ProperType,
    TupleType,
    Type,
    UnionType,
    get_proper_type,
)

from . import codes
from .calls import MAKERS, WORKFLOW
from .checks import CHECKS
from .edges import Edges
from .graph import nested_node
from .judge import RUNNER, Judge
from .lookups import Lookups
from .ports import ANY, CONTEXT, NODE, has_base, made_of, node_of
from .runs import Runs
from .scopes import Scopes
from .tables import Tables, carrying

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.nodes import Context, Expression, MypyFile
    from mypy.options import Options

    from .wiring import Scope

SOURCE: Final = "fastdag_typed.node.Source"
FAN: Final = "fastdag_typed.node.Fan"
LIST: Final = "builtins.list"
RESULTS: Final = "fastdag_typed.context.Results"

Route = tuple[tuple[str, ...], str]
"""The classes that have a method, and what judges it; mypy asks with the class of the receiver."""

OPERATORS: Final[dict[str, Route]] = {
    "__rshift__": ((SOURCE, FAN), "operator"),
    "__or__": ((SOURCE, FAN), "operator"),
    "__rrshift__": ((NODE,), "operator"),
    "__ror__": ((NODE,), "operator"),
    "__getitem__": ((WORKFLOW, RESULTS), "lookup"),
    "get_result": ((WORKFLOW, CONTEXT), "lookup"),
}
"""What mypy has several signatures for; operators wire, the others look up the result of a node by name."""

METHODS: Final[dict[str, Route]] = {
    "connect_to": ((SOURCE,), "wiring"),
    "after": ((NODE,), "wiring"),
    **dict.fromkeys(("connect", "chain"), ((WORKFLOW,), "wiring")),
    **dict.fromkeys(("run", "run_async"), ((WORKFLOW, RUNNER), "run")),
    **dict.fromkeys(("remove_node", "disconnect", "get_dependencies", "get_downstream"), ((WORKFLOW,), "naming")),
    **dict.fromkeys(MAKERS, ((WORKFLOW,), "node")),
    "add_workflow": ((WORKFLOW,), "nesting"),
}

C = TypeVar("C", MethodContext, MethodSigContext, FunctionContext)
R = TypeVar("R", Type, FunctionLike)


class FastDagPlugin(Plugin):
    """Finds what is wrong with edges."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.scopes = Scopes()
        self.tables = Tables()
        self.version = _digest()
        self.routes: dict[str, str | None] = {}
        self.operators: dict[str, str | None] = {}
        self.classes: dict[str, str | None] = {}

    def report_config_data(self, ctx: ReportConfigContext) -> str:
        """Make mypy forget what it cached with another version of the plugin, or without it."""
        del ctx
        return self.version

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        """Forget which classes have which methods, whenever a file is read."""
        del file
        self.routes.clear()
        self.operators.clear()
        self.classes.clear()
        return []

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        """Judge what mypy has several signatures for before it tries them: what is said while it does is lost.

        Operators are judged so, too; mypy would say the same less clearly, or not at all.
        """
        if fullname not in self.operators:
            self.operators[fullname] = self.route(fullname, OPERATORS)
        judge = self.operators[fullname]
        if judge is None:
            return None
        return guard(self.operator(), accepting) if judge == "operator" else guard(self.lookup, _unchanged)

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """Judge methods after mypy."""
        if fullname not in self.routes:
            self.routes[fullname] = self.route(fullname, METHODS)
        judge = self.routes[fullname]
        return None if judge is None else guard(getattr(self, judge), _as_mypy)

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Read a workflow where it is made, and give nodes their ports."""
        if fullname not in self.classes:
            self.classes[fullname] = self.made_by(fullname)
        judge = self.classes[fullname]
        return None if judge is None else guard(getattr(self, judge), _as_mypy)

    def made_by(self, fullname: str) -> str | None:
        """Find what judges the making of an object."""
        symbol = self.lookup_fully_qualified(fullname)
        info = symbol.node if symbol is not None else None
        if not isinstance(info, TypeInfo):
            return None
        makers = (WORKFLOW, "creation"), (RUNNER, "runner"), (NODE, "node")
        return next((judge for base, judge in makers if info.has_base(base)), None)

    def route(self, fullname: str, table: dict[str, Route]) -> str | None:
        """Find what judges a method, if it is one of those in a table, on one of its classes or a subclass."""
        owner, _, name = fullname.rpartition(".")
        bases, judge = table.get(name, ((), ""))
        symbol = self.lookup_fully_qualified(owner) if bases and not owner.startswith("builtins.") else None
        info = symbol.node if symbol is not None else None
        if not isinstance(info, TypeInfo) or not any(info.has_base(base) for base in bases):
            return None
        return judge if _is_library(info, name) else None

    def operator(self) -> Callable[[MethodSigContext], FunctionLike]:
        """Make what judges one ``a >> b`` or ``a | b``, when mypy first asks, and lets it accept every overload."""
        results: list[Type] = []

        def hook(ctx: MethodSigContext) -> FunctionLike:
            expr = ctx.context
            if not isinstance(ctx.api, TypeChecker) or not isinstance(expr, OpExpr):
                return ctx.default_signature
            if not results:
                api, scope, tables = self.around(ctx.api, expr)
                if expr not in scope.edges:
                    return ctx.default_signature
                Edges(api, scope, tables).judge(expr)
                results.append(self.result(get_proper_type(api.lookup_type_or_none(expr.right))))
            return accepting(ctx, results[0])

        return hook

    def result(self, right: ProperType | None) -> Type:
        """Give the type of ``a >> right``: that of ``right``, so that a chain goes on with all that is known."""
        if right is not None and node_of(right) is not None:
            return right
        fan = self.lookup_fully_qualified(FAN) if isinstance(right, TupleType) or has_base(right, LIST) else None
        if fan is not None and isinstance(fan.node, TypeInfo):
            return Instance(fan.node, [ANY])
        return ANY

    def wiring(self, ctx: MethodContext) -> Type:
        """Judge ``a.connect_to(b)``, ``dag.connect("a", "b")``, ``dag.chain(a, b)`` or ``b.after(a)``."""
        if isinstance(ctx.api, TypeChecker) and isinstance(ctx.context, CallExpr):
            Edges(*self.around(ctx.api, ctx.context)).judge(ctx.context)
        return ctx.default_return_type

    def naming(self, ctx: MethodContext) -> Type:
        """Judge ``dag.remove_node("a")`` and other methods that are given names."""
        if isinstance(ctx.api, TypeChecker) and isinstance(ctx.context, CallExpr):
            judge = Lookups(*self.around(ctx.api, ctx.context))
            found = judge.workflow(_receiver(ctx.context))
            if found is not None:
                for name in ctx.context.args:
                    judge.named(found, name, ctx.context)
        return ctx.default_return_type

    def lookup(self, ctx: MethodSigContext) -> FunctionLike:
        """Judge ``dag["a"]``, ``dag.get_result("a")`` and the like, and give the result its type."""
        signature = ctx.default_signature
        name = ctx.args[0][0] if ctx.args and ctx.args[0] else None
        if not isinstance(ctx.api, TypeChecker) or not isinstance(name, StrExpr) or not _takes_text(signature):
            return signature
        judge = Lookups(*self.around(ctx.api, ctx.context))
        receiver = _receiver(ctx.context)
        in_context, of_run = has_base(ctx.type, CONTEXT), has_base(ctx.type, RESULTS)
        found = judge.of_context(receiver) if in_context and receiver else judge.workflow(receiver)
        value = None if found is None else judge.result(found, name, ctx.context, of_run=of_run)
        if found is None or value is None:
            return signature
        if isinstance(ctx.context, CallExpr):
            value = UnionType.make_union([value, NoneType()])
        elif found.known.guarded and not of_run:  # what was left out is None, and may be asked for that
            value = UnionType.make_union([value, ANY])
        return signature.copy_modified(ret_type=value)

    def run(self, ctx: MethodContext) -> Type:
        """Judge ``dag.run(...)``; whoever uses the metrics is checked again when the workflow changes."""
        call = ctx.context
        if not isinstance(ctx.api, TypeChecker) or not isinstance(call, CallExpr):
            return ctx.default_return_type
        judge = Runs(*self.around(ctx.api, call))
        found = judge.workflow(_receiver(call))
        by_keyword = has_base(ctx.type, WORKFLOW)
        if found is None:
            return ctx.default_return_type
        judge.run(found, call, by_keyword=by_keyword)
        return ctx.default_return_type if by_keyword else carrying(ctx.default_return_type, found.handle)

    def node(self, ctx: FunctionContext | MethodContext) -> Type:
        """Give the node of a partial or overloaded function its ports."""
        node = get_proper_type(ctx.default_return_type)
        given = ctx.arg_types[0] if ctx.arg_types else []
        return made_of(node, given[0]) if given and node_of(node) and isinstance(node, Instance) else node

    def nesting(self, ctx: MethodContext) -> Type:
        """Give a workflow that becomes a node its ports."""
        call = ctx.context
        if not isinstance(ctx.api, TypeChecker) or not isinstance(call, CallExpr) or len(call.args) < 2:
            return ctx.default_return_type
        judge = Judge(*self.around(ctx.api, call))
        known = judge.nested(call.args[1])
        return (nested_node(judge.node_class(), known) if known else None) or ctx.default_return_type

    def runner(self, ctx: FunctionContext) -> Type:
        """Let whoever uses a runner be checked again when its workflow changes."""
        if not isinstance(ctx.api, TypeChecker) or not isinstance(ctx.context, CallExpr) or not ctx.context.args:
            return ctx.default_return_type
        found = Judge(*self.around(ctx.api, ctx.context)).workflow(ctx.context.args[0])
        return carrying(ctx.default_return_type, found.handle if found is not None else None)

    def creation(self, ctx: FunctionContext) -> Type:
        """Read a workflow, check it as a whole, and let its type tell of it."""
        call = ctx.context
        if not isinstance(ctx.api, TypeChecker) or not isinstance(call, CallExpr):
            return ctx.default_return_type
        api, scope, tables = self.around(ctx.api, call)
        home = scope.home(call)
        if home is None:
            return ctx.default_return_type
        creation, judge = home.creations[call], Judge(api, home, tables)
        graph = judge.graph(home, creation, None, inferred=False)
        for check in CHECKS:
            for finding in check(graph, api.path):
                judge.fail(*finding)
        names = [holder.name for holder in api.scope.stack if isinstance(holder, TypeInfo)]
        is_global = not any(isinstance(holder, FuncItem) for holder in api.scope.stack)
        name = ".".join((*names, creation.place[1])) if is_global else f"{creation.place[1]}@{call.line}.{call.column}"
        handle = tables.tell(api, name, call, graph.known(), is_global=is_global)
        return carrying(ctx.default_return_type, handle)

    def around(self, api: TypeChecker, expr: Context) -> tuple[TypeChecker, Scope, Tables]:
        """Find what a judge needs."""
        return api, self.scopes.around(api, expr), self.tables


def _is_library(info: TypeInfo, method: str) -> bool:
    """Tell whether a class has a method of this library, and not one of its own."""
    owner = info.get_containing_type_info(method)
    return owner is not None and owner.fullname.startswith("fastdag_typed.")


def _as_mypy(ctx: MethodContext | FunctionContext) -> Type:
    return ctx.default_return_type


def _unchanged(ctx: MethodSigContext) -> FunctionLike:
    return ctx.default_signature


def _receiver(node: Context) -> Expression | None:
    if isinstance(node, IndexExpr):
        return node.base
    return node.callee.expr if isinstance(node, CallExpr) and isinstance(node.callee, MemberExpr) else None


def _takes_text(signature: CallableType) -> bool:
    found = get_proper_type(signature.arg_types[0]) if signature.arg_types else None
    return isinstance(found, Instance) and found.type.fullname == "builtins.str"


def accepting(ctx: MethodSigContext, result: Type = ANY) -> FunctionLike:
    """Make a signature that accepts anything: mypy is to say nothing of its own about an operator.

    This holds even where the plugin has failed: mypy tries two methods for an operator and takes the note of that for
    an error of the first, so its own verdict would be wrong.
    """
    signature = ctx.default_signature
    return signature.copy_modified(  # pyright: ignore[reportUnknownMemberType] - mypy leaves its types out
        arg_types=[ctx.api.named_generic_type("builtins.object", [])] * len(signature.arg_types),
        ret_type=result,
        variables=[],
    )


def guard(hook: Callable[[C], R], fallback: Callable[[C], R]) -> Callable[[C], R]:
    """Make a note of a bug in a hook, and go on as if the plugin had nothing to say."""

    def guarded(ctx: C) -> R:
        try:
            return hook(ctx)
        except Exception as error:
            if os.environ.get("FASTDAG_MYPY_DEBUG"):
                raise
            ctx.api.msg.note(codes.skipped(error), ctx.context)
            return fallback(ctx)

    return guarded


def __getattr__(name: str) -> str:
    """Give ``__version__``, by which mypy sees that what it has holds in its daemon is out of date."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _digest()


def _digest() -> str:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def plugin(version: str) -> type[Plugin]:
    """Give mypy the plugin; it works with every version from 1.19."""
    del version
    return FastDagPlugin
