"""Reads one list of statements, once and in textual order, into a ``Scope``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mypy.nodes import (
    AssignmentExpr,
    AssignmentStmt,
    AwaitExpr,
    Block,
    CallExpr,
    CastExpr,
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
    TempNode,
    TryStmt,
    TupleExpr,
    Var,
    WhileStmt,
    WithStmt,
)
from mypy.patterns import Pattern

from .calls import KINDS, MAKERS, METHODS, UNWIRED, creation, definition, made
from .syntax import attribute, children, is_harmless, is_readable, parts, workflow
from .wiring import Edge, End, Ends, Moment, Place, Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

WIRES: Final = (">>", "|")
CHANGING: Final = ("nodes", "entrypoints", "true_branch", "false_branch", "name", "is_initial", "is_final", "returns")
"""Attributes of nodes and workflows that change what is known of them, when they are set."""

EXACT: Final = (CallExpr, MemberExpr, AwaitExpr, CastExpr, TempNode)
"""Expressions whose static type is declared, and not a join of several."""


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


class Reader:
    """Reads statements; ``values`` are the nodes that names stand for at the moment."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.bound: set[Node] = set()
        self.values: dict[Node, Ends] = {}
        self.functions: dict[str, Node] = {}
        self.clock = 0
        self.certain: bool = True
        self.looped: bool = False
        self.composing: bool = False

    def tick(self) -> int:
        """Count what happens."""
        self.clock += 1
        return self.clock

    def note(self, node: Node) -> None:
        """Record when something is evaluated."""
        self.scope.moments[node] = Moment(self.tick(), not self.looped)

    def perhaps(self, *, looped: bool = False, composing: bool = False) -> _Perhaps:
        """Read what may not happen, or more than once."""
        return _Perhaps(self, looped=looped, composing=composing)

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
                self.scope.made_by[decorator if options else node] = node
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

    def join(self, key: Node, place: Place | None) -> None:
        """Record that a node is added to a workflow."""
        if place is not None and "." in place[1]:  # it may be what a class has
            self.scope.attributes.add(place[1].rpartition(".")[2])
        if place is not None:
            self.scope.adopt(key, place, self.tick(), certain=self.certain)

    def compose(self, place: Place | None, func: FuncDef) -> None:
        """Record that a function wires a workflow."""
        found = None if place is None else self.scope.created.get(place)
        if found is not None:
            self.scope.changed = self.tick()
            found.composed.append((func, self.clock))

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
        found = creation(right, place, self.tick()) if isinstance(right, CallExpr) and place else None
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

    def escape(self, ends: Ends) -> None:
        """Record that from here on anything may have been connected to these."""
        for end in ends or ():
            if end.key is not None:
                self.scope.escape(end.key, self.clock)

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

    def unknown(self, node: Expression) -> tuple[End, ...]:
        """Make the end of an edge at something that is not known."""
        return (
            End(node, None, exact=isinstance(node, EXACT), symbol=node.node if isinstance(node, NameExpr) else None),
        )

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

    def look(self, node: MemberExpr) -> None:
        """Record that what an attribute of something unknown holds may change."""
        if attribute(node) is None:
            self.scope.attributes.add(node.name)

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

    def wire(
        self, node: Expression, sources: tuple[End, ...], targets: tuple[End, ...], *, carries: bool = True
    ) -> tuple[End, ...]:
        """Record edges from each source to each target; give the targets, to wire from."""
        for source in sources:
            for target in targets:
                self.scope.add(node, Edge(source, target, self.tick(), self.certain, self.looped, carries))
        return tuple(end.whole() for end in targets)

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

    def is_workflow(self, node: Expression) -> bool:
        """Tell whether an expression is surely a workflow, or a name that would be its variable."""
        place = workflow(node)
        return isinstance(node, NameExpr) or (place is not None and place in self.scope.created)


class _Perhaps:
    """While it is entered, what is read may not happen; faster than a generator, for there is one for each function."""

    __slots__ = ("before", "composing", "looped", "reader")

    def __init__(self, reader: Reader, *, looped: bool, composing: bool) -> None:
        self.reader = reader
        self.looped = looped
        self.composing = composing

    def __enter__(self) -> None:
        reader = self.reader
        self.before = reader.certain, reader.looped, reader.composing
        reader.certain = False
        reader.looped = reader.looped or self.looped
        reader.composing = reader.composing or self.composing

    def __exit__(self, *_: object) -> None:
        self.reader.certain, self.reader.looped, self.reader.composing = self.before


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
