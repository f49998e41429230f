"""The mypy plugin: proves the wiring of workflows where it is written.

``__init__`` routes mypy's hooks. ``reader`` (with ``calls`` and ``syntax``) reads the statements of a scope, without
types, into what ``wiring`` describes; ``ports`` knows types, without statements; ``rules`` is the runtime's rule for
free ports. ``edges`` judges each edge by these and reports it in the words of ``codes``.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from mypy.checker import TypeChecker
from mypy.nodes import CallExpr, OpExpr, TypeInfo
from mypy.plugin import MethodContext, MethodSigContext, Plugin, ReportConfigContext
from mypy.types import FunctionLike, Instance, ProperType, TupleType, Type, get_proper_type

from . import codes
from .edges import Judge, Scopes
from .ports import ANY, has_base, node_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.options import Options

SOURCE: Final = "fastdag_typed.node.Source"
NODE: Final = "fastdag_typed.node.Node"
FAN: Final = "fastdag_typed.node.Fan"
LIST: Final = "builtins.list"
WORKFLOW: Final = "fastdag_typed.workflow.Workflow"

OPERATORS: Final[dict[str, tuple[str, ...]]] = {
    "__rshift__": (SOURCE, FAN),
    "__or__": (SOURCE, FAN),
    "__rrshift__": (NODE,),
    "__ror__": (NODE,),
}
"""Operators that wire, and the classes that have them; mypy asks with the class of the receiver."""

METHODS: Final[dict[str, tuple[str, ...]]] = {
    "connect_to": (SOURCE,),
    "connect": (WORKFLOW,),
    "chain": (WORKFLOW,),
}
"""Methods that wire."""

C = TypeVar("C", MethodContext, MethodSigContext)
R = TypeVar("R", Type, FunctionLike)


class FastDagPlugin(Plugin):
    """Finds what is wrong with edges."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.scopes = Scopes()
        self.version = _digest()
        self.clean: tuple[OpExpr, list[ProperType | None]] | None = None

    def report_config_data(self, ctx: ReportConfigContext) -> str:
        """Make mypy forget what it cached with another version of the plugin, or without it."""
        del ctx
        return self.version

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        """Judge operators before mypy does; it would say the same less clearly, or not at all."""
        return guard(self.operator, accepting) if self.routes(fullname, OPERATORS) else None

    def get_method_hook(self, fullname: str) -> Callable[[MethodContext], Type] | None:
        """Judge methods after mypy."""
        return guard(self.method, lambda ctx: ctx.default_return_type) if self.routes(fullname, METHODS) else None

    def routes(self, fullname: str, table: dict[str, tuple[str, ...]]) -> bool:
        """Tell whether a method is one of those in a table, on one of its classes or a subclass."""
        owner, _, name = fullname.rpartition(".")
        if name not in table or owner.startswith("builtins."):
            return False
        symbol = self.lookup_fully_qualified(owner)
        info = symbol.node if symbol is not None else None
        return isinstance(info, TypeInfo) and any(info.has_base(base) for base in table[name])

    def operator(self, ctx: MethodSigContext) -> FunctionLike:
        """Judge ``a >> b`` or ``a | b``, and let mypy accept it."""
        expr = ctx.context
        if not isinstance(ctx.api, TypeChecker) or not isinstance(expr, OpExpr):
            return ctx.default_signature
        scope = self.scopes.around(ctx.api, expr)
        if expr not in scope.edges:
            return ctx.default_signature
        judge = Judge(ctx.api, scope)
        case = expr, judge.types_of(expr)
        if case != self.clean:  # mypy asks once for each overload
            self.clean = None if judge.judge(expr) else case
        return accepting(ctx, self.result(get_proper_type(ctx.api.lookup_type_or_none(expr.right))))

    def result(self, right: ProperType | None) -> Type:
        """Give the type of ``a >> right``: that of ``right``, so that a chain goes on with all that is known."""
        if right is not None and node_of(right) is not None:
            return right
        fan = self.lookup_fully_qualified(FAN) if isinstance(right, TupleType) or has_base(right, LIST) else None
        if fan is not None and isinstance(fan.node, TypeInfo):
            return Instance(fan.node, [ANY])
        return ANY

    def method(self, ctx: MethodContext) -> Type:
        """Judge ``a.connect_to(b)``, ``dag.connect("a", "b")`` or ``dag.chain(a, b)``."""
        self.clean = None
        if isinstance(ctx.api, TypeChecker) and isinstance(ctx.context, CallExpr):
            Judge(ctx.api, self.scopes.around(ctx.api, ctx.context)).judge(ctx.context)
        return ctx.default_return_type


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
