"""What a body must not contain: constructs and calls that know where they stand."""

from __future__ import annotations

import ast
import logging
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from .reading import MISSING
from .rules import RefusedError
from .trees import Comprehension

if TYPE_CHECKING:
    from .reading import Subject
    from .trees import Scoping

LONGEST: Final = 200
"""Statements of a function that is inlined, at most."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STATEMENTS: Final = _words(
    "Expr Assign AugAssign AnnAssign If For AsyncFor While Try TryStar With AsyncWith Match Raise Assert Pass "
    "Break Continue Return Delete Import ImportFrom"
)
_PARTS: Final = _words(
    "ExceptHandler arguments arg keyword alias withitem match_case comprehension MatchValue MatchSingleton "
    "MatchSequence MatchMapping MatchClass MatchStar MatchAs MatchOr Load Store Del"
)
_EXPRESSIONS: Final = _words(
    "BoolOp NamedExpr BinOp UnaryOp Lambda IfExp Dict Set ListComp SetComp DictComp GeneratorExp Await "
    "Compare Call FormattedValue JoinedStr Constant Attribute Subscript Starred Name List Tuple Slice"
)
_OWN_RULES: Final = {
    **dict.fromkeys(("FunctionDef", "AsyncFunctionDef"), ("definition", "it defines a function")),
    "ClassDef": ("definition", "it defines a class"),
    "TypeAlias": ("definition", "it defines a type alias"),
    "Global": ("scope", "it writes a global variable"),
    "Nonlocal": ("scope", "it writes a variable of another function"),
    **dict.fromkeys(("Yield", "YieldFrom"), ("generator", "it is a generator")),
}

_BUILTINS: Final = "locals globals eval exec compile super breakpoint __import__ __build_class__"
"""Builtins that look at the frame, the module or the flags of the code that calls them."""
_ONE_ARGUMENT: Final = frozenset(("vars", "dir", "type"))
"""Builtins that do so unless they are called with one argument."""
_LOOKING: Final = frozenset(("inspect", "traceback", "pdb", "bdb", "dis", "tracemalloc", "faulthandler", "code"))
_LOGGING: Final = frozenset(("logging", "warnings", "_warnings"))
_TYPING: Final = "NewType NamedTuple TypedDict TypeVar ParamSpec TypeVarTuple TypeAliasType"
_FUNCTIONS: Final = {
    "sys": "_getframe _getframemodulename _current_frames _current_exceptions exc_info getrefcount settrace setprofile "
    "call_tracing setrecursionlimit gettrace getprofile last_traceback",
    "collections": "namedtuple",
    "typing": _TYPING,
    "typing_extensions": _TYPING,
    "gc": "get_referrers get_objects",
    "enum": "Enum IntEnum StrEnum Flag IntFlag EnumMeta EnumType",
    "dataclasses": "make_dataclass",
    "types": "new_class",
    "threading": "settrace setprofile",
    "builtins": _BUILTINS,
}
_FORBIDDEN: Final = frozenset((module, name) for module, names in _FUNCTIONS.items() for name in names.split())
"""Functions and classes that look at the frame that calls them, or take its module for their own."""
_ATTRIBUTES: Final = _words(
    "__traceback__ with_traceback tb_frame tb_lineno tb_next f_back f_globals f_locals f_lineno f_code "
    "gi_frame cr_frame ag_frame currentframe _getframe __globals__ __code__ __closure__ __build_class__"
)
"""Attributes that lead to frames, wherever they are read."""
_METHODS: Final = _words("debug info warning warn error exception critical fatal trace success log")
"""Methods of what may be a logger."""
_ASKING: Final = _words("eval query set_trace make_class")
"""Methods that may look for variables in the frame that calls them, as those of pandas do."""


def check_syntax(subject: Subject) -> None:
    """Refuse a function with constructs that are not known, or that only work where they are.

    Raises:
        RefusedError: it has one.
    """
    tree = subject.tree
    if getattr(tree, "type_params", None):
        raise RefusedError("signature", "it has type parameters", _line(tree))
    statements = 0
    for node in subject.nodes:
        name = type(node).__name__
        if name in _OWN_RULES:
            raise RefusedError(*_OWN_RULES[name], _line(node))
        if isinstance(node, ast.stmt):
            statements += 1
            if statements > LONGEST:
                raise RefusedError("long", f"it has more than {LONGEST} statements", _line(tree))
            if name not in _STATEMENTS:
                raise RefusedError("syntax", f"{name} is not known to the compiler", _line(node))
            _statement(node)
        elif name not in _EXPRESSIONS and name not in _PARTS and not isinstance(node, _OPERATORS):
            raise RefusedError("syntax", f"{name} is not known to the compiler", _line(node) or _line(tree))


_OPERATORS: Final = (ast.boolop, ast.operator, ast.unaryop, ast.cmpop)


def _statement(node: ast.stmt) -> None:
    line = _line(node)
    if isinstance(node, ast.ImportFrom):
        if node.level or any(one.name == "*" for one in node.names):
            raise RefusedError("import", "it has a relative import", line)
        if node.module == "__future__":
            raise RefusedError("syntax", "it imports from __future__", line)
        for one in node.names:
            _import(node.module or "", one.name, line)
    elif isinstance(node, ast.Import):
        for one in node.names:
            if "." in one.name and one.asname is None:
                raise RefusedError("import", f"it imports {one.name}, which binds another name", line)
            _import(one.name, "", line)
    elif isinstance(node, ast.AnnAssign) and not (isinstance(node.target, ast.Name) and node.simple):
        raise RefusedError("annotation", "it annotates what is no plain variable", line)


def _import(module: str, name: str, line: int) -> None:
    if module in _LOGGING or name in _LOGGING:
        raise RefusedError("logging", f"it imports {name or module}, which notes the caller", line)
    if module in _LOOKING or name in _LOOKING or (module, name) in _FORBIDDEN:
        raise RefusedError("frame", f"it imports {name or module}, which looks at frames", line)


def check_names(subject: Subject, scoping: Scoping) -> None:
    """Refuse a function that reads unknown names, or uses what looks at its frame.

    Raises:
        RefusedError: it does.
    """
    for name, meaning in scoping.meanings.items():
        if meaning == "global":
            _global(subject, scoping, name)
    for node in subject.nodes:
        if isinstance(node, ast.Attribute) and node.attr in _ATTRIBUTES:
            raise RefusedError("frame", f"it reads {node.attr}", _line(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            found = known(subject, scoping, node.func.value)
            if not isinstance(found, ModuleType):
                raise RefusedError("logging", f".{node.func.attr}() may be a logger's", _line(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ASKING:
            raise RefusedError("frame", f".{node.func.attr}() may look at the frame that calls it", _line(node))
        if isinstance(node, Comprehension):
            _inner(node)
    if isinstance(subject.tree, ast.AsyncFunctionDef):
        _coroutine(scoping)


def known(subject: Subject, scoping: Scoping, node: ast.expr) -> Any:
    """Find what an expression means now, if it is a global name, or an attribute of a module; ``None`` otherwise."""
    if isinstance(node, ast.Name) and scoping.means(node) == "global":
        return subject.value(node.id)
    if isinstance(node, ast.Attribute):
        found = known(subject, scoping, node.value)
        return vars(found).get(node.attr) if isinstance(found, ModuleType) else None
    return None


def _global(subject: Subject, scoping: Scoping, name: ast.Name) -> None:
    value = subject.value(name.id)
    line = _line(name)
    if value is MISSING:
        raise RefusedError("global", f"{name.id} is not known", line)
    if not subject.is_builtin(name.id) and getattr(sys.modules[subject.module], name.id, MISSING) is not value:
        raise RefusedError("global", f"{name.id} is hidden by an attribute of its module", line)
    if subject.is_builtin(name.id) and name.id in _ONE_ARGUMENT:
        if not _has_one_argument(scoping, name):
            raise RefusedError("frame", f"it may use {name.id} on its own frame or module", line)
        return
    node: ast.expr = name
    text = name.id
    while True:
        _object(value, text, line)
        parent = scoping.parents.get(node)
        if not (isinstance(value, ModuleType) and isinstance(parent, ast.Attribute)):
            break
        value, node, text = vars(value).get(parent.attr), parent, f"{text}.{parent.attr}"


def _object(value: Any, text: str, line: int) -> None:
    """Refuse an object that is known to look at its caller; of a module nothing is known but what is used of it."""
    if isinstance(value, ModuleType):
        module, name = value.__name__, ""
    else:
        module, name = str(getattr(value, "__module__", "")), getattr(value, "__name__", "")
    if module in _LOGGING or isinstance(value, logging.Logger | logging.LoggerAdapter):
        raise RefusedError("logging", f"{text} notes the caller", line)
    if module in _LOOKING or (module, name) in _FORBIDDEN:
        raise RefusedError("frame", f"{text} looks at the frame that calls it, or at its module", line)


def _has_one_argument(scoping: Scoping, name: ast.Name) -> bool:
    """Tell whether ``type`` and the like are called with one argument, or only compared or asked about."""
    parent = scoping.parents.get(name)
    if isinstance(parent, ast.Compare):
        return True
    if not isinstance(parent, ast.Call):
        return False
    if parent.func is name:
        return len(parent.args) == 1 and not parent.keywords and not isinstance(parent.args[0], ast.Starred)
    return isinstance(parent.func, ast.Name) and parent.func.id in ("isinstance", "issubclass")


def _coroutine(scoping: Scoping) -> None:
    for name, meaning in scoping.meanings.items():
        if meaning == "global" and name.id in ("next", "StopIteration"):
            raise RefusedError("coroutine", f"{name.id} may end it in a way of its own", _line(name))


def _inner(comprehension: Comprehension) -> None:
    """Refuse a variable of a comprehension that an earlier part of it reads; the first iterable is outside."""
    bound, early = set[str](), set[str]()
    for number, one in enumerate(comprehension.generators):
        early |= _read([one.iter] if number else []) - bound
        for target in ast.walk(one.target):
            if isinstance(target, ast.Name) and target.id in early:
                raise RefusedError("unbound", f"{target.id} may have no value when it is read", _line(target))
        bound |= _read([one.target])
        early |= _read(one.ifs) - bound


def _read(nodes: list[ast.expr]) -> set[str]:
    return {name.id for node in nodes for name in ast.walk(node) if isinstance(name, ast.Name)}


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0)
