"""Whatever generated code calls its own things, users may call theirs the same."""

from __future__ import annotations

import ast
import keyword
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from fastdag_codegen import compile_workflow, load, write
from fastdag_codegen.options import Level, Mode, Options
from fastdag_typed import DAG, Condition, ConditionalReturn, InputError, Node, Runner, WorkflowExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastdag_typed import Workflow

GOLDEN = Path(__file__).parent / "golden"


def own_names(tree: ast.AST) -> Iterator[str]:
    """List what a generated module imports, defines, and gives values to, but for what it has from users."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("flat_"):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.asname or one.name for one in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


NAMES = sorted(
    {
        name
        for path in GOLDEN.rglob("*.py")
        for name in own_names(ast.parse(path.read_text(encoding="utf-8")))
        if not keyword.iskeyword(name)
    }
    | {"_", "choose", "raised"}
)


def decided(v: int) -> ConditionalReturn[int]:
    return ConditionalReturn(v > 2, v)


def simple(v: int) -> bool:
    return v > 2


def fails(v: int) -> float:
    return 1 / (v - 7)


def named(name: str) -> Callable[..., int]:
    """Make a function whose parameter is called so; where that cannot be, a function of another one."""
    parameter = "v" if name in ("context", "int") else name
    space: dict[str, Any] = {"__name__": "flat_random"}
    exec(f"def {parameter}_more({parameter}: int) -> int:\n    return {parameter} + 1\n", space)  # noqa: S102 - ours
    found: Callable[..., int] = space[f"{parameter}_more"]
    return found


def workflow(name: str) -> DAG:
    dag, inner = DAG("outer"), DAG("inner")
    for one in (dag, inner):
        first = one.add_node(Node(named(name), name))
        first.connect_to(one.add_node(Condition(decided, name=f"{name}_decided")))
        first.connect_to(one.add_node(Condition(simple, name=f"{name}_simple")))
        one.add_node(Condition(decided, name=f"{name}_unused"))
    dag.nodes[name].connect_to(dag.add_node(Node(fails, f"{name}_fails")))
    dag.add_workflow("within", inner)
    return dag


@pytest.mark.parametrize("part", range(4))
def test_users_may_have_the_names_that_generated_code_has(
    part: int, tmp_path: Path, made: Callable[[Workflow], str]
) -> None:
    for number, name in enumerate(NAMES[part::4]):
        dag = workflow(name)
        plan = dag.plan()
        mode = get_args(Mode)[number % 3]
        write(compile_workflow(plan, target=made(dag), options=Options(mode=mode)), tmp_path / "flat.py")
        module = load(tmp_path / "flat.py")
        names = list(module.INPUTS)
        for values in ([1, 2], [4, 4], [6, 1], [1, 6], ["no", 1], [1, "no"]):
            given = dict(zip(names, values, strict=False))  # "v" is one input
            run = lambda: module.run(**{module.INPUTS[name]: value for name, value in given.items()})  # noqa: B023, E731
            assert outcome(run) == outcome(lambda: Runner(dag).run(given).results), (name, mode, given)  # noqa: B023


def outcome(run: Callable[[], Any]) -> Any:
    try:
        return dict(run())
    except InputError as error:
        return str(error)
    except WorkflowExecutionError as error:
        return error.node_name, str(error)


@pytest.mark.parametrize("level", get_args(Level))
def test_a_function_may_be_called_like_its_module_in_the_package(
    level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hiding").mkdir()
    (tmp_path / "hiding/__init__.py").write_text("from .load import load\n", encoding="utf-8")
    (tmp_path / "hiding/load.py").write_text("LIMIT = 3\n\ndef load(a):\n    return a + LIMIT\n", encoding="utf-8")
    flow = "from fastdag_typed import DAG, Node\nfrom hiding import load\ndag = DAG()\ndag.add_node(Node(load))\n"
    (tmp_path / "hiding_flow.py").write_text(flow, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    dag = import_module("hiding_flow").dag
    options = Options(level)
    write(compile_workflow(dag.plan(), target="hiding_flow:dag", options=options), tmp_path / "flat.py")
    assert load(tmp_path / "flat.py").run(1) == dag.compile(level=level)(a=1) == {"load": 4}
