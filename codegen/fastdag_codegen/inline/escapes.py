"""Whether lambdas and generators are used up on the spot, or may outlive the variables that they read."""

from __future__ import annotations

import ast
import functools
import heapq
import math
import re
from typing import TYPE_CHECKING, Any, Final

from .hazards import known
from .rules import RefusedError

if TYPE_CHECKING:
    from .reading import Subject
    from .trees import Scoping

_EAGER: Final[tuple[Any, ...]] = (
    *(sum, sorted, any, all, min, max, list, tuple, set, frozenset, dict, bytes, bytearray, next),
    *(math.fsum, math.prod),
)
"""Functions that go through their first argument before they return, and keep nothing of it."""
_LAZY: Final[tuple[Any, ...]] = (map, filter, zip, enumerate)
"""Iterators that keep their arguments as long as they live."""
_ORDERS: Final[tuple[Any, ...]] = (sorted, min, max, heapq.nlargest, heapq.nsmallest)
"""Functions that call their ``key`` before they return."""
_CALLS: Final[tuple[tuple[Any, int], ...]] = (
    *((functools.reduce, 0), (functools.reduce, 1), (heapq.nlargest, 1), (heapq.nsmallest, 1)),
    *((re.sub, 1), (re.subn, 1)),
)
"""Functions, and which of their arguments they are done with before they return."""


def check_escapes(subject: Subject, scoping: Scoping) -> None:
    """Refuse a function of which a lambda or generator may outlive the call.

    Raises:
        RefusedError: one may.
    """
    for node in subject.nodes:
        if not isinstance(node, ast.Lambda | ast.GeneratorExp):
            continue
        is_spent = _is_spent(subject, scoping, node)
        if is_spent and isinstance(node, ast.Lambda) and not _accepts(node, _given(subject, scoping, node)):
            raise RefusedError("definition", "a lambda takes other arguments than it is given", node.lineno)
        if not is_spent:
            what = "a lambda" if isinstance(node, ast.Lambda) else "a generator"
            raise RefusedError("escape", f"{what} may outlive the call", node.lineno)


def _given(subject: Subject, scoping: Scoping, node: ast.Lambda) -> int:
    """Tell with how many arguments a lambda is called by what it is given to."""
    call = scoping.parents[node]
    function = known(subject, scoping, call.func) if isinstance(call, ast.Call) else None
    if isinstance(call, ast.Call) and function is map:
        return len(call.args) - 1
    return 2 if function is functools.reduce else 1


def _accepts(node: ast.Lambda, count: int) -> bool:
    takes = node.args
    most = len(takes.posonlyargs) + len(takes.args)
    needs_more = any(default is None for default in takes.kw_defaults)
    return not needs_more and most - len(takes.defaults) <= count and (takes.vararg is not None or count <= most)


def _is_spent(subject: Subject, scoping: Scoping, node: ast.expr) -> bool:
    """Tell whether what an expression gives is gone when the expression or statement around it is done."""
    parent = scoping.parents.get(node)
    lazy = not isinstance(node, ast.Lambda)
    if isinstance(parent, ast.keyword):
        call = scoping.parents[parent]
        return parent.arg == "key" and isinstance(call, ast.Call) and _orders(subject, scoping, call, node)
    if isinstance(parent, ast.Call):
        return parent.func is not node and _takes(subject, scoping, parent, node, lazy=lazy)
    if not lazy:
        return False
    if isinstance(parent, ast.For):
        return parent.iter is node
    if isinstance(parent, ast.comprehension):
        around = scoping.parents[parent]
        return not isinstance(around, ast.GeneratorExp) or _is_spent(subject, scoping, around)
    if isinstance(parent, ast.Starred):
        return isinstance(scoping.parents.get(parent), ast.Call | ast.List | ast.Tuple | ast.Set)
    if isinstance(parent, ast.Compare):
        return len(parent.ops) == 1 and isinstance(parent.ops[0], ast.In | ast.NotIn) and parent.left is not node
    if isinstance(parent, ast.Assign):
        return all(isinstance(target, ast.Tuple | ast.List) for target in parent.targets)
    return False


def _orders(subject: Subject, scoping: Scoping, call: ast.Call, key: ast.expr) -> bool:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "sort":
        # The list is not known to be one, so the function must be one that is whole without this one's variables.
        return isinstance(key, ast.Lambda) and not _reads_locals(scoping, key)
    return _is_one_of(known(subject, scoping, call.func), _ORDERS)


def _takes(subject: Subject, scoping: Scoping, call: ast.Call, node: ast.expr, *, lazy: bool) -> bool:
    """Tell whether a call is done with one of its positional arguments when it returns."""
    if any(isinstance(one, ast.Starred) for one in call.args):
        return False
    position = call.args.index(node)
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant):
        return lazy and call.func.attr == "join" and isinstance(call.func.value.value, str | bytes)
    function = known(subject, scoping, call.func)
    if _is_one_of(function, _LAZY):
        return (lazy or (function in (map, filter) and position == 0)) and _is_spent(subject, scoping, call)
    if any(function is one and place == position for one, place in _CALLS):
        return lazy or position == (1 if function in (re.sub, re.subn) else 0)
    return (
        lazy and position == 0 and _is_one_of(function, _EAGER) and not (function in (min, max) and len(call.args) > 1)
    )


def _reads_locals(scoping: Scoping, node: ast.Lambda) -> bool:
    return any(isinstance(one, ast.Name) and scoping.means(one) == "local" for one in ast.walk(node.body))


def _is_one_of(value: Any, known_ones: tuple[Any, ...]) -> bool:
    return any(value is one for one in known_ones)
