"""The cases of this folder as modules, with the statements that are right and those that are wrong.

One file of cases is one feature, named in its first line. What counts is the statement, whatever is said about it: one
is wrong if the case expects an error anywhere in it, and right if it wires and the case expects none.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pytest_mypy_plugins.utils import (
    extract_output_matchers_from_comments,
    extract_output_matchers_from_out,
    render_template,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
_FEATURE: Final = "# feature: "
_EXPECTED: Final = re.compile(r" # [EN]: .*$", re.MULTILINE)


@dataclass
class Module:
    """One module of a case; its statements are known by their first lines."""

    feature: str
    text: str
    right: set[int] = field(default_factory=set[int])
    wrong: set[int] = field(default_factory=set[int])

    def __post_init__(self) -> None:
        self.heads: dict[int, int] = {}
        for node in ast.walk(ast.parse(self.text)):
            if isinstance(node, ast.stmt):
                first, last = _lines(node)
                for line in range(first, last + 1):
                    self.heads.setdefault(line, first)
                if _wires(node):
                    self.right.add(first)

    def expect(self, line: int) -> None:
        """Note that the statement at a line is wrong."""
        self.wrong.add(self.heads[line])
        self.right.discard(self.heads[line])


def read_modules() -> dict[str, Module]:
    """Read every case of this folder, as modules by name.

    Raises:
        ValueError: a file names no feature, or two cases have different modules of one name.

    """
    found: dict[str, Module] = {}
    for path in sorted(HERE.glob("test_*.yml")):
        text = path.read_text(encoding="utf-8")
        title = text.partition("\n")[0]
        if not title.startswith(_FEATURE):
            raise ValueError(f"{path.name}: the first line is to be {_FEATURE}...")
        for case in yaml.safe_load(text):
            for number, values in enumerate(case.get("parametrized") or [{}]):
                name = f"{path.stem.removeprefix('test_')}_{case['case']}_{number}"
                for module, read in _modules(title.removeprefix(_FEATURE), name, case, values).items():
                    if found.setdefault(module, read).text != read.text:
                        raise ValueError(
                            f"{path.name}: another case has a module {module!r}; give this one its own name"
                        )
    return found


def _modules(feature: str, name: str, case: dict[str, Any], values: dict[str, Any]) -> dict[str, Module]:
    texts = {"main": render_template(case["main"], values)}
    texts.update((file["path"].removesuffix(".py"), file["content"]) for file in case.get("files", ()))
    modules = {module: Module(feature, _EXPECTED.sub("", text)) for module, text in texts.items()}
    expected = extract_output_matchers_from_out(case.get("out", ""), values, regex=False)
    for module, text in texts.items():
        expected += extract_output_matchers_from_comments(module, text.split("\n"), regex=False)
    for one in expected:
        if one.severity == "error":
            modules[one.fname].expect(one.lnum)
    modules[name] = modules.pop("main")
    return modules


def _lines(node: ast.stmt) -> tuple[int, int]:
    """Find the first and last line of a statement; of a compound one, of what stands before its body."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
    body: list[ast.stmt] = getattr(node, "body", [])
    if body:
        return first, max(node.lineno, _lines(body[0])[0] - 1)
    return first, (node.subject.end_lineno if isinstance(node, ast.Match) else node.end_lineno) or first


_OPTIONS: Final = {"inputs", "outputs", "true_branch", "false_branch"}
_STEERING: Final = {"ConditionalReturn", "FSMReturn", "SelectReturn"}
_METHODS: Final = {
    *("add_workflow", "after", "chain", "connect", "connect_to", "disconnect"),
    *("get_dependencies", "get_downstream", "get_result", "remove_node", "run", "run_async", "set_entrypoint"),
}


def _wires(node: ast.stmt) -> bool:
    """Tell whether a statement connects, steers, runs, or asks for something by name."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return any(map(_decorates, node.decorator_list))
        case ast.Assign(value=value) | ast.AnnAssign(value=value) | ast.Expr(value=value) | ast.Return(value=value):
            return value is not None and any(map(_acts, ast.walk(value)))
        case ast.Assert(test=test):
            return any(map(_acts, ast.walk(test)))
    return False


def _decorates(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    if isinstance(called, ast.Attribute) and called.attr in ("compose", "state"):
        return True
    return isinstance(node, ast.Call) and any(keyword.arg in _OPTIONS for keyword in node.keywords)


def _acts(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(op=ast.RShift() | ast.BitOr()) | ast.Subscript(slice=ast.Constant(value=str())):
            return True
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _METHODS
        case ast.Call(func=ast.Name(id=name)) if name in _STEERING:
            return any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in _values(node))
    return False


def _values(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords)
