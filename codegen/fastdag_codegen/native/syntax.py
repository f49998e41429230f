"""What can be read off the syntax of a function: its variables, and how they are used."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Function = ast.FunctionDef | ast.AsyncFunctionDef


def own(function: Function) -> Iterator[ast.AST]:
    """List what is in the body of a function, each thing before what is in it."""
    pending: list[ast.AST] = list(reversed(function.body))
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(list(ast.iter_child_nodes(node))))


def parameters(function: Function) -> list[str]:
    """List the parameters of a function."""
    found = function.args
    return [one.arg for one in (*found.posonlyargs, *found.args, *found.kwonlyargs)]


def defaults(function: Function) -> Iterator[tuple[str, ast.expr]]:
    """List the defaults of a function with the parameters that have them."""
    found = function.args
    by_place = [one.arg for one in (*found.posonlyargs, *found.args)]
    yield from zip(reversed(by_place), reversed(found.defaults), strict=False)
    for one, default in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        if default is not None:
            yield one.arg, default


def stored(function: Function) -> list[str]:
    """List the variables that the body of a function binds, without those of comprehensions, in order."""
    found: dict[str, None] = {}
    within: set[int] = set()
    for node in own(function):
        if isinstance(node, ast.comprehension):
            within.update(id(one) for one in ast.walk(node.target))
        elif id(node) not in within:
            found.update(dict.fromkeys(bound(node)))
    return list(found)


def bound(node: ast.AST) -> list[str]:
    """List the variables that a statement, an expression or a pattern itself binds, without those of what is in it."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
            return [name]
        case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
            return [name]
        case ast.Import() | ast.ImportFrom():
            return imported(node)
        case _:
            return []


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """List the names that a statement imports."""
    return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]


def reads(node: ast.AST) -> list[str]:
    """List the variables that a statement or an expression itself reads, without those of what is in it."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()) | ast.AugAssign(target=ast.Name(id=name)):
            return [name]
        case _:
            return []


def targeted(target: ast.AST) -> Iterator[str]:
    """List the variables that are given something by a target."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def within_comprehensions(function: Function) -> Iterator[str]:
    """List the variables of comprehensions; where a function has one of the same name, they are told apart nowhere."""
    for one in own(function):
        if isinstance(one, ast.comprehension):
            yield from targeted(one.target)


def captured(function: Function) -> frozenset[str]:
    """List names in lambdas, and in comprehensions with lambdas: mypyc makes functions of these."""
    lambdas = {id(one) for one in own(function) if isinstance(one, ast.Lambda)}
    scopes = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    found = [one for one in own(function) if isinstance(one, scopes)] if lambdas else []
    inside = [list(ast.walk(one)) for one in found]
    return frozenset(
        one.id
        for whole in inside
        if any(id(one) in lambdas for one in whole)
        for one in whole
        if isinstance(one, ast.Name)
    )


def compared(function: Function) -> Iterator[str]:
    """List variables that are compared by identity with more than a constant: machine numbers have none."""
    for node in own(function):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            both = (node.left, *node.comparators)
            if not any(isinstance(one, ast.Constant) for one in both):
                yield from (one.id for one in both if isinstance(one, ast.Name))


def presets(function: Function) -> Iterator[int]:
    """List the lines where a variable is given ``None``, only so that it can be deleted in the end."""
    found: dict[str, list[int]] = {}
    read: set[str] = set()
    for node in own(function):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_none(node.value):
            found.setdefault(node.target.id, []).append(node.lineno)
    for statement, bound in _statements(function.body, frozenset()):
        read |= {name for one in _alone(statement) for name in reads(one)} - bound
    for name, lines in found.items():
        if name not in read:
            yield from lines


def _statements(body: Sequence[ast.stmt], bound: frozenset[str]) -> Iterator[tuple[ast.stmt, frozenset[str]]]:
    """List statements with the variables that are certainly given something before, other than a preset ``None``.

    They are if a statement that stands before in the same block gives it, or a loop around it.
    """
    for one in body:
        yield one, bound
        for field, value in ast.iter_fields(one):
            blocks = [value] if isinstance(value, list) else []
            if field in ("handlers", "cases"):
                blocks = [inner.body for inner in value]
            inside = bound | set(targeted(one.target)) if isinstance(one, ast.For) and field == "body" else bound
            for block in blocks:
                if block and isinstance(block[0], ast.stmt):
                    yield from _statements(block, inside)
        match one:
            case ast.Assign():
                bound |= {name for target in one.targets for name in targeted(target)}
            case ast.AnnAssign(value=ast.expr() as value) if not _is_none(value):
                bound |= set(targeted(one.target))
            case _:
                pass


def rebound(statement: ast.stmt) -> Iterator[str]:
    """List the variables that expressions of a statement itself give something."""
    for node in _alone(statement):
        if isinstance(node, ast.NamedExpr):
            yield node.target.id


def _alone(statement: ast.stmt) -> Iterator[ast.AST]:
    """List what a statement consists of, without the statements in it."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.stmt))


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def plain_call(node: ast.AST, *names: str) -> list[ast.expr] | None:
    """Give the arguments of a call of one of Python's functions, if it is that, and all are given by place."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names):
        return None
    by_place = not node.keywords and not any(isinstance(one, ast.Starred) for one in node.args)
    return node.args if by_place else None


def split(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]] | None:
    """Pair several targets with what each is given, if that can be told."""
    if not (isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)):
        return None
    whole = (*target.elts, *value.elts)
    if len(target.elts) != len(value.elts) or any(isinstance(one, ast.Starred) for one in whole):
        return None
    return list(zip(target.elts, value.elts, strict=True))


def is_builtin(name: str) -> bool:
    """Tell whether a name is one of Python's own."""
    return hasattr(builtins, name)


def supports(node: ast.ExceptHandler) -> bool:
    """Tell whether a handler is the compiler's, which only makes an error out of another."""
    first: Any = node.body[0]
    return isinstance(first, ast.ImportFrom) and first.module == "fastdag_typed.run.compiled"
