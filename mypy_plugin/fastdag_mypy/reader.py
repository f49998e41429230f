"""Reads one list of statements, once and in textual order, into a ``Scope``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mypy.nodes import (
    AssignmentExpr,
    AssignmentStmt,
    Block,
    CallExpr,
    ClassDef,
    ComparisonExpr,
    Decorator,
    DelStmt,
    DictionaryComprehension,
    Expression,
    ExpressionStmt,
    ForStmt,
    FuncDef,
    FuncItem,
    GeneratorExpr,
    IndexExpr,
    LambdaExpr,
    ListExpr,
    MemberExpr,
    NameExpr,
    Node,
    OperatorAssignmentStmt,
    OpExpr,
    OverloadedFuncDef,
    RevealExpr,
    StarExpr,
    Statement,
    StrExpr,
    TryStmt,
    TupleExpr,
    Var,
    WhileStmt,
    WithStmt,
)
from mypy.patterns import Pattern

from .calls import KINDS, MAKERS, METHODS, UNWIRED, creation, definition, made
from .notes import EXACT, Notes
from .syntax import children, is_harmless, is_readable, parts, workflow
from .wiring import End, Ends, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

WIRES: Final = (">>", "|")
CHANGING: Final = ("nodes", "entrypoints", "true_branch", "false_branch", "name", "is_initial", "is_final", "returns")
"""Attributes of nodes and workflows that change what is known of them, when they are set."""


def read(statements: Sequence[Statement], parameters: Sequence[Var], outer: Scope | None) -> Scope:
    """Read the statements of a module, class or function."""
    reader = Reader(Scope(outer))
    for parameter in parameters:
        reader.bound.add(parameter)
        reader.scope.bindings[parameter] = [None]
    for statement in statements:
        reader.statement(statement)
    reader.scope.settle()
    return reader.scope


class Reader(Notes):
    """Reads statements and expressions."""

    # -- statements --------------------------------------------------------------------------------------------------

    def statement(self, node: Node) -> None:  # noqa: C901, PLR0912 - one case each
        """Read a statement."""
        match node:
            case ExpressionStmt():
                self.value(node.expr)
            case AssignmentStmt():
                self.assign(node)
            case OperatorAssignmentStmt():
                self.visit(node.rvalue)
                self.bind(node.lvalue, None)
            case Decorator():
                self.decorated(node)
            case FuncDef():
                self.function(node)
            case OverloadedFuncDef():
                for item in node.items:
                    self.statement(item)
                # What is defined again, and no overload, mypy does not look at.
                self.scope.hidden = self.scope.hidden or len(node.items) != len(node.unanalyzed_items)
            case ClassDef():
                self.parts(*node.base_type_exprs, *node.decorators, *node.keywords.values(), node.defs)
            case Block():
                self.scope.hidden = self.scope.hidden or (node.is_unreachable and _wires(node))
                self.parts(*node.body)
            case ForStmt():
                self.visit(node.expr)
                with self.perhaps(looped=True):
                    self.bind(node.index, None)
                    self.parts(node.body, node.else_body)
            case WhileStmt():
                with self.perhaps(looped=True):
                    self.parts(node.expr, node.body, node.else_body)
            case WithStmt():
                for context, target in zip(node.expr, node.target, strict=True):
                    self.visit(context)
                    if target is not None:
                        self.bind(target, None)
                with self.perhaps():  # what is entered may swallow an error
                    self.statement(node.body)
            case DelStmt():
                self.take_away(node.expr)
            case TryStmt():
                with self.perhaps():
                    for name in node.vars:
                        if name is not None:
                            self.bind(name, None)
                    self.parts(node.body, *node.handlers, node.else_body, node.finally_body)
            case _:  # what is left has parts that may not happen (if, match) or none
                with self.perhaps():
                    self.parts(*children(node))

    def parts(self, *nodes: Node | None) -> None:
        """Read parts of any kind."""
        for node in nodes:
            if isinstance(node, Expression):
                self.visit(node)
            elif isinstance(node, Pattern):
                self.pattern(node)
            elif node is not None:
                self.statement(node)

    def pattern(self, node: Node) -> None:
        """Read what a pattern binds."""
        for part in children(node):
            if isinstance(part, NameExpr):
                self.bind(part, None)
            elif isinstance(part, Pattern):
                self.pattern(part)

    def take_away(self, node: Expression) -> None:
        """Read what is deleted."""
        for part in node.items if isinstance(node, TupleExpr) else [node]:
            if isinstance(part, IndexExpr | MemberExpr):
                self.expose(part.base if isinstance(part, IndexExpr) else part.expr)

    def function(self, node: FuncItem, *, composing: bool = False) -> None:
        """Read the body of a function, which runs at some later time, if at all."""
        self.scope.functions.add(node)
        for argument in node.arguments:
            if argument.initializer is not None:
                self.visit(argument.initializer)
        with self.perhaps(looped=True, composing=composing):
            self.statement(node.body)

    def decorated(self, node: Decorator) -> None:
        """Read a decorated function: perhaps a node."""
        composing = False
        for decorator in node.original_decorators:
            called = decorator.callee if isinstance(decorator, CallExpr) else decorator
            if isinstance(called, MemberExpr) and called.name in MAKERS:
                options = decorator if isinstance(decorator, CallExpr) else None
                kind = KINDS.get(called.name, "node")
                found = definition(MAKERS[called.name], options, node.func, kind, certain=self.certain)
                self.scope.define(node, found)
                if len(node.original_decorators) == 1 or decorator is node.original_decorators[0]:
                    self.join(node, workflow(called.expr))
                else:  # what is decorated further may stand for something else
                    self.visit(called.expr)
            elif isinstance(called, MemberExpr) and called.name == "compose":
                composing = True
                self.compose(workflow(called.expr), node.func)
            else:
                self.visit(decorator)
        earlier = self.functions.setdefault(node.name, node)
        if earlier is not node:
            self.values[earlier] = self.values[node] = None
        self.function(node.func, composing=composing)

    def assign(self, node: AssignmentStmt) -> None:
        """Read an assignment: another name for nodes, or a name for something new."""
        right, declared = node.rvalue, node.unanalyzed_type is not None
        unpacked = _unpacked(node.lvalues, right)
        for left, item in [(node.lvalues[0], right)] if unpacked is None and len(node.lvalues) == 1 else unpacked or ():
            self.create(left, item)
        if unpacked is None:
            ends = self.value(right)
            for left in node.lvalues:
                self.name_anew(left, right, ends, declared=declared)
            return
        found = [(left, item, self.value(item)) for left, item in unpacked]
        for left, item, ends in found:
            self.name_anew(left, item, ends, declared=declared)

    def create(self, left: Expression, right: Expression) -> None:
        """Read the making of a workflow."""
        place = workflow(left)
        found = creation(right, place) if isinstance(right, CallExpr) and place else None
        if found is not None:
            found.vague, found.straight = found.vague or not self.certain, not self.looped
            self.scope.create(found)

    def name_anew(self, left: Expression, right: Expression, ends: Ends, *, declared: bool) -> None:
        """Bind a name to what an expression stands for, or to something new that has only this name."""
        if isinstance(right, ListExpr):  # it may grow
            self.escape(ends)
            ends = None
        for end in ends or ():  # nodes are followed through their names, workflows are not
            if any(place[0] is end.key for place in self.scope.created) and not isinstance(right, CallExpr):
                self.escape((end,))
        if ends is None and isinstance(left, NameExpr) and left.node and (declared or isinstance(right, EXACT)):
            ends = (End(left, left.node, symbol=left.node),)
        self.bind(left, ends, right)

    def bind(self, left: Expression, ends: Ends, right: Expression | None = None) -> None:
        """Let a name stand for nodes; a name that is bound again stands for nothing known."""
        if isinstance(left, NameExpr):
            key = left.node
            if key is None:
                return
            self.scope.bindings.setdefault(key, []).append(right)
            again = key in self.bound or not self.certain
            if key in self.bound:
                self.scope.forget(key)
            self.bound.add(key)
            self.values[key] = None if again else ends
        elif isinstance(left, TupleExpr | ListExpr):
            for item in left.items:
                self.bind(item, None)
        elif isinstance(left, StarExpr):
            self.bind(left.expr, None)
        else:
            for part in children(left):
                if isinstance(part, Expression):
                    self.value(part)
            self.escape(ends)
            self.rebind(left)

    def rebind(self, left: Expression) -> None:
        """Read an assignment to an attribute or item: that of a node or workflow, or a variable of another module."""
        if isinstance(left, IndexExpr) and isinstance(left.base, MemberExpr):
            self.scope.sets_results = self.scope.sets_results or left.base.name == "results"
            if left.base.name == "nodes":
                self.expose(left.base.expr)
        elif isinstance(left, MemberExpr):
            place = workflow(left)
            if place is not None and isinstance(place[0], Var) and place[1] == place[0].name:
                self.scope.escape(place[0], self.clock)
            if left.name in CHANGING:
                self.expose(left.expr)

    # -- expressions -------------------------------------------------------------------------------------------------

    def visit(self, node: Expression) -> None:
        """Read an expression that is given to code that is not understood."""
        if isinstance(node, MemberExpr):
            self.look(node)
        self.escape(self.value(node))

    def value(self, node: Expression) -> Ends:  # noqa: C901, PLR0912 - one case each
        """Read an expression, and give the nodes that it stands for."""
        match node:
            case NameExpr():
                return self.name(node)
            case MemberExpr():
                return self.member(node)
            case OpExpr() if node.op in WIRES:
                sources = self.value(node.left)
                targets = self.value(node.right)
                self.scope.chained[node.left] = node
                return self.wire(node, sources or self.unknown(node.left), targets or self.unknown(node.right))
            case CallExpr():
                return self.call(node)
            case ListExpr() | TupleExpr():
                found = [(item, self.value(item)) for item in node.items]
                if any(isinstance(item, StarExpr) for item in node.items):
                    for _, ends in found:
                        self.escape(ends)
                    return None
                return tuple(end for item, ends in found for end in (ends or self.unknown(item)))
            case IndexExpr():
                return self.index(node)
            case AssignmentExpr():
                ends = self.value(node.value)
                self.bind(node.target, ends)
                return ends
            case ComparisonExpr():
                for operand in node.operands:
                    self.value(operand)
            case RevealExpr():
                return None if node.expr is None else self.value(node.expr)
            case LambdaExpr():
                self.function(node)
            case GeneratorExpr() | DictionaryComprehension():
                with self.perhaps(looped=True):
                    for index in node.indices:
                        self.bind(index, None)
                    self.parts(*children(node))
            case _:
                with self.perhaps():
                    self.parts(*children(node))
        return None

    def name(self, node: NameExpr) -> Ends:
        """Look up what a name stands for."""
        key = node.node
        if key is None or not isinstance(key, Var | Decorator | FuncDef):
            return None
        if key not in self.values:
            return (End(node, key, symbol=key),)
        ends = self.values[key]
        if ends is None:
            return (End(node, None, exact=False, symbol=key),)
        return tuple(end.named_by(node, key) for end in ends)

    def member(self, node: MemberExpr) -> Ends:
        """Look up a branch of a condition, or an attribute."""
        if node.name == "nodes":  # who has the nodes has the workflow
            return self.value(node.expr)
        if node.name == "compose" or node.name in METHODS:  # a method may be called later
            self.expose(node.expr)
            return None
        base = self.value(node.expr)
        if node.name in ("on_true", "on_false") and base:
            return tuple(replace(end, branch=node.name == "on_true") for end in base)
        key = node.node
        return None if not isinstance(key, Var | Decorator) else (End(node, key, symbol=key),)

    def expose(self, node: Expression) -> None:
        """Record that code that is not understood gets hold of whatever an attribute is looked up on."""
        while isinstance(node, MemberExpr):
            self.look(node)
            node = node.expr
        self.visit(node)

    def index(self, node: IndexExpr) -> Ends:
        """Look up ``dag.nodes["a"]``."""
        base = node.base
        self.note(node)
        if isinstance(base, MemberExpr) and base.name == "nodes" and isinstance(node.index, StrExpr):
            place = workflow(base.expr)
            key = self.scope.find(place, node.index.value) if place is not None else None
            return None if key is None else (End(node, key),)
        if isinstance(base, MemberExpr) and base.name == "nodes":
            self.expose(base.expr)
        self.value(base)
        self.value(node.index)
        return None

    def call(self, node: CallExpr) -> Ends:
        """Read a call: a wiring statement, a new node, or something that is not understood."""
        callee = node.callee
        self.note(node)
        if isinstance(callee, MemberExpr):
            method = METHODS.get(callee.name)
            if isinstance(callee.expr, MemberExpr) and callee.name not in UNWIRED:
                self.look(callee.expr)
            if method is not None and (is_readable(node) or callee.name in UNWIRED):
                return method(self, node, callee)
            if not isinstance(callee.expr, StrExpr):
                self.expose(callee.expr)
        elif isinstance(callee, CallExpr) and isinstance(callee.callee, MemberExpr) and callee.callee.name in MAKERS:
            self.parts(*callee.args)
        elif self.composing or not isinstance(callee, NameExpr):
            self.visit(callee)
        for argument in node.args:
            if not is_harmless(callee):
                self.visit(argument)
            else:
                self.value(argument)
        return made(self, node)


def _wires(block: Block) -> bool:
    """Tell whether statements may be about workflows."""
    called = (part.callee if isinstance(part, CallExpr) else part for part in parts(block))
    return any(isinstance(one, MemberExpr) and one.name in METHODS for one in called)


def _unpacked(lefts: Sequence[Expression], right: Expression) -> list[tuple[Expression, Expression]] | None:
    """Match names and items of ``a, b = x, y``."""
    left = lefts[0]
    if len(lefts) > 1 or not (isinstance(left, TupleExpr) and isinstance(right, TupleExpr)):
        return None
    if len(left.items) != len(right.items) or any(isinstance(item, StarExpr) for item in (*left.items, *right.items)):
        return None
    return list(zip(left.items, right.items, strict=True))
