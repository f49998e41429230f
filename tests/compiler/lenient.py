"""The inliner with some of its rules switched off: each place that refuses a function asks whether it is to go on."""

from __future__ import annotations

import ast
import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fastdag_codegen import inline
from fastdag_codegen.inline import rules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

PACKAGE: Final = "fastdag_codegen.inline_lenient"
_HOME: Final = Path(inline.__file__).parent


def lenient(*off: str) -> ModuleType:
    """Load the inliner once more, such that it refuses nothing for the rules with these codes."""

    def refuse(error: rules.RefusedError) -> None:
        if error.refusal.rule not in off:
            raise error

    finder = _Finder(refuse)
    sys.meta_path.insert(0, finder)
    # What is refused is the same for both.
    sys.modules[f"{PACKAGE}.rules"] = rules
    try:
        return importlib.import_module(PACKAGE)
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{PACKAGE}.")]:
            del sys.modules[name]


class _Finder(MetaPathFinder):
    """Finds the modules of the inliner under another name."""

    def __init__(self, refuse: Any) -> None:
        self.refuse = refuse

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not f"{fullname}.".startswith(f"{PACKAGE}."):
            return None
        stem = fullname.removeprefix(PACKAGE).lstrip(".")
        file = str(_HOME / f"{stem or '__init__'}.py")
        loader = _Loader(fullname, file, self.refuse)
        return spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=None if stem else [])


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, refuse: Any) -> None:
        super().__init__(fullname, path)
        self.refuse = refuse

    def get_code(self, fullname: str) -> CodeType:
        tree = _Asking().visit(ast.parse(Path(self.path).read_text(encoding="utf-8")))
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["_refuse"] = self.refuse
        super().exec_module(module)


class _Asking(ast.NodeTransformer):
    """Turns ``raise RefusedError(...)`` into a call that may return."""

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        error = node.exc
        if not (isinstance(error, ast.Call) and ast.unparse(error.func) == "RefusedError"):
            return node
        return ast.copy_location(ast.Expr(ast.Call(ast.Name("_refuse", ast.Load()), [error], [])), node)
