"""How one module tells another what it knows of a workflow.

The type of a workflow carries a handle: the name of an attribute that no program has. So it is part of the type for
mypy's cache and its daemon, and messages do not show it. It leads to a hidden variable of the module whose type is the
table; a digest in the handle changes with the table, so that whoever uses the workflow is checked again. (With the
table in the type itself, mypy would copy and compare it at every use.)
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from mypy.nodes import (
    GDEF,
    CallExpr,
    Decorator,
    Import,
    ImportAll,
    ImportFrom,
    MemberExpr,
    MypyFile,
    SymbolTableNode,
    Var,
)
from mypy.server.trigger import make_wildcard_trigger
from mypy.types import AnyType, Instance, LiteralType, Type, TypedDictType, TypeOfAny, get_proper_type
from mypy.util import correct_relative_import

from .calls import MAKERS
from .graph import Entry, Known
from .ports import COROUTINE, node_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy.checker import TypeChecker
    from mypy.nodes import SymbolNode

_MARK: Final = "fastdag:"
_HIDDEN: Final = "@fastdag:"
_ABOUT: Final = ("title", "is_machine", "vague", "open_ended", "guarded", "initial", "ordered")


def handle_of(found: Type | None) -> str | None:
    """Find the handle that a type carries."""
    proper = get_proper_type(found)
    extra = proper.extra_attrs if isinstance(proper, Instance) else None
    return None if extra is None else next((name for name in extra.attrs if name.startswith(_MARK)), None)


def carrying(found: Type, handle: str | None) -> Type:
    """Let a type, or what is awaited, carry a handle."""
    proper = get_proper_type(found)
    if handle is None or not isinstance(proper, Instance):
        return found
    if proper.type.fullname == COROUTINE:
        return proper.copy_modified(args=[*proper.args[:2], carrying(proper.args[2], handle)])
    return proper.copy_with_extra_attr(handle, AnyType(TypeOfAny.special_form))


class Tables:
    """The tables of workflows: of functions only for as long as mypy is in them, of modules in the module."""

    def __init__(self) -> None:
        self._told: dict[CallExpr, tuple[str, str, Known | None]] = {}
        self._unpacked: dict[str, tuple[TypedDictType, Known]] = {}

    def tell(self, api: TypeChecker, name: str, call: CallExpr, known: Known, *, is_global: bool) -> str:
        """Record the table of the workflow that a call makes; give its handle."""
        table = _pack(api, known)
        digest = hashlib.sha256(str(table).encode()).hexdigest()[:16]
        handle = f"{_MARK}{api.tree.fullname}:{name}:{digest}"
        self._told[call] = name, handle, None if is_global else known
        if is_global:
            var = Var(f"{_HIDDEN}{name}", table)
            var._fullname = f"{api.tree.fullname}.{var.name}"  # noqa: SLF001 - mypy's own way to make a variable
            var.is_ready = True
            api.tree.names[var.name] = SymbolTableNode(GDEF, var, module_public=False, module_hidden=True)
        return handle

    def made_by(self, api: TypeChecker, call: CallExpr) -> tuple[Known, str] | None:
        """Find the table of the workflow that a call of this file makes, and its handle."""
        name, handle, known = self._told.get(call, ("", "", None))
        known = known or self._read(api.tree, name)
        return None if known is None else (known, handle)

    def of(self, api: TypeChecker, variable: Var) -> tuple[Known, str | None] | None:
        """Find the table of the workflow that is a variable of a module or class, and its handle."""
        module, _, name = variable.fullname.rpartition(".")
        while module and module not in api.modules:
            module, _, owner = module.rpartition(".")
            name = f"{owner}.{name}"
        known = self._read(api.modules[module], name) if module else None
        return None if known is None else (known, handle_of(variable.type))

    def _read(self, tree: MypyFile, name: str) -> Known | None:
        symbol = tree.names.get(f"{_HIDDEN}{name}")
        table = get_proper_type(symbol.node.type) if symbol is not None and isinstance(symbol.node, Var) else None
        if not isinstance(table, TypedDictType):
            return None
        key = f"{tree.fullname}:{name}"
        seen = self._unpacked.get(key)
        if seen is None or seen[0] is not table:
            seen = self._unpacked[key] = table, _unpack(table)
        return seen[1]

    def reach(self, api: TypeChecker, variable: Var) -> Reach:
        """Tell what modules that can be seen from here may do to a workflow of another one.

        What is checked here has to be checked again when one of the modules changes that were looked at.
        """
        found = _reach(api, variable.fullname)
        for module in found.modules:
            api.module_refs.add(module)
            api.tree.plugin_deps.setdefault(make_wildcard_trigger(module), set()).add(api.tscope.current_target())
        return found


class Reach(NamedTuple):
    """The modules that were looked at; whether one may add nodes to a workflow, and whether one may wire them."""

    modules: set[str]
    adds: bool
    wires: bool


def _reach(api: TypeChecker, workflow: str) -> Reach:
    home = workflow.rpartition(".")[0]
    while home and home not in api.modules:
        home = home.rpartition(".")[0]
    pending, seen, adds, wires = [api.tree], {api.tree.fullname, home}, False, False
    while pending:
        tree = pending.pop()
        nodes = [symbol.node for symbol in tree.names.values() if symbol.node is not None]
        names = {node.fullname for node in nodes}
        if tree is not api.tree:
            adds = adds or (bool(names & {home, workflow}) and any(_is_added(node, tree) for node in nodes))
            wires = wires or any(name == home or name.startswith(f"{home}.") for name in names)
        modules = [node.fullname if isinstance(node, MypyFile) else node.fullname.rpartition(".")[0] for node in nodes]
        for module in (*modules, *(_imported(api) if tree is api.tree else ())):
            other = api.modules.get(module)
            if other is not None and module not in seen and not other.is_stub:
                seen.add(module)
                pending.append(other)
    return Reach(seen - {api.tree.fullname}, adds, wires)


def _imported(api: TypeChecker) -> Iterator[str]:
    """List what a file imports, also in its functions."""
    tree = api.tree
    for one in tree.imports:
        if isinstance(one, Import):
            yield from (name for name, _ in one.ids)
        elif isinstance(one, ImportFrom | ImportAll):
            base = correct_relative_import(tree.fullname, one.relative, one.id, tree.is_package_init_file())[0]
            yield base
            yield from (f"{base}.{name}" for name, _ in (one.names if isinstance(one, ImportFrom) else ()))


def _is_added(node: SymbolNode, tree: MypyFile) -> bool:
    """Tell whether a module makes a node; in a cycle of imports its type may not be known yet.

    A module that comes from mypy's cache has types, but no decorators.
    """
    if isinstance(node, Decorator) and node.var.type is None:
        makers = [one.callee if isinstance(one, CallExpr) else one for one in node.original_decorators]
        return any(isinstance(maker, MemberExpr) and maker.name in MAKERS for maker in makers)
    variable = node.var if isinstance(node, Decorator) else node
    if not isinstance(variable, Var) or node.fullname != f"{tree.fullname}.{node.name}":
        return False
    return variable.type is None or node_of(variable.type) is not None


def _pack(api: TypeChecker, known: Known) -> TypedDictType:
    inputs = {json.dumps([index, e.node, e.port, e.name, e.sure]): e for index, e in enumerate(known.inputs)}
    about = json.dumps([getattr(known, name) for name in _ABOUT])
    text = api.named_generic_type("builtins.str", [])
    return _table(
        api,
        {
            "about": LiteralType(about, text),
            "nodes": _table(api, known.nodes),
            "inputs": _table(
                api, {key: e.type for key, e in inputs.items()}, {k for k, e in inputs.items() if e.required}
            ),
            "value": known.value,
        },
    )


def _table(api: TypeChecker, rows: dict[str, Type], required: set[str] | None = None) -> TypedDictType:
    fallback = api.named_generic_type("typing._TypedDict", [])
    return TypedDictType(dict(rows), set(rows) if required is None else required, set(), fallback)


def _unpack(table: TypedDictType) -> Known:
    about = cast("LiteralType", table.items["about"]).value
    nodes, inputs = (cast("TypedDictType", table.items[name]) for name in ("nodes", "inputs"))
    found = Known(*json.loads(str(about)))
    found.nodes = dict(nodes.items)
    rows = [(json.loads(key), kind, key in inputs.required_keys) for key, kind in inputs.items.items()]
    found.inputs = [
        Entry(node, port, name, kind, need, sure)
        for (_, node, port, name, sure), kind, need in sorted(rows, key=_index)
    ]
    found.value = table.items["value"]
    return found


def _index(row: tuple[list[str | int], Type, bool]) -> str | int:
    return row[0][0]  # mypy's cache gives the items in another order
