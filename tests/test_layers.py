"""Imports point down only: the order of the rooms, from bottom to top, is the architecture."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = [
    {"diagnostic", "hints", "functions"},
    {"exceptions", "returns"},
    {"context", "events"},
    {"compat"},
    {"ports"},
    {"step"},
    {"edge"},
    {"wiring"},
    {"unit"},
    {"node", "signatures"},
    {"compose"},
    {"workflow"},
    {"dag", "fsm"},
    {"checks"},
    {"analysis", "validation", "plan", "lowering"},
    {"security"},
    {"workers"},
    {"policies"},
    {"run"},
    {"observe", "store", "show"},
    {"presets", "tuning", "cli"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


def modules(package: Path) -> list[Path]:
    return sorted(path for path in package.rglob("*.py") if path != package / "__init__.py")


def imports(path: Path, package: Path) -> list[tuple[str, int]]:
    """Names, absolute, that a module imports when it is itself imported."""
    found: list[tuple[str, int]] = []
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    inside = (package.name, *path.relative_to(package).with_suffix("").parts)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue  # imported when first needed
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue  # never imported
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level] if node.level else ()
            found.extend((".".join([*base, *filter(None, [node.module])]), node.lineno) for _ in (0,))
        pending.extend(ast.iter_child_nodes(node))
    return found


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "fastdag_typed" and len(parts) > 1 else None


@pytest.mark.parametrize("path", modules(ROOT / "fastdag_typed"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_its_own_room_or_below(path: Path) -> None:
    own = path.relative_to(ROOT / "fastdag_typed").parts[0].removesuffix(".py")
    if own == "__main__":
        own = "cli"
    assert own in LEVEL, f"{own} has no place in the order of the rooms"
    for name, line in imports(path, ROOT / "fastdag_typed"):
        other = room(name)
        assert other is None or other == own or LEVEL[other] <= LEVEL[own], f"{path}:{line} imports {name}"
        assert not name.startswith(("fastdag_codegen", "fastdag_mypy")), f"{path}:{line} imports {name}"


@pytest.mark.parametrize("path", modules(ROOT / "codegen/fastdag_codegen"), ids=lambda p: p.name)
def test_the_compiler_reads_plans_and_not_runs(path: Path) -> None:
    for name, line in imports(path, ROOT / "codegen/fastdag_codegen"):
        other = room(name)
        assert other is None or LEVEL[other] <= LEVEL["plan"], f"{path}:{line} imports {name}"


@pytest.mark.parametrize(
    "path",
    [*modules(ROOT / "mypy_plugin/fastdag_mypy"), ROOT / "mypy_plugin/fastdag_mypy/__init__.py"],
    ids=lambda p: p.name,
)
def test_the_plugin_never_imports_the_runtime(path: Path) -> None:
    for name, line in imports(path, ROOT / "mypy_plugin/fastdag_mypy"):
        assert not name.startswith(("fastdag_typed", "fastdag_codegen")), f"{path}:{line} imports {name}"


@pytest.mark.parametrize(
    "heavy", ["beartype", "click", "jinja2", "libcst", "msgspec", "mypy", "yaml", "asyncio", "logging", "json"]
)
def test_importing_the_library_brings_nothing_heavy(heavy: str) -> None:
    code = f"import fastdag_typed, sys; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_can_be_imported() -> None:
    import fastdag_typed

    for name in fastdag_typed.__all__:
        assert getattr(fastdag_typed, name) is not None
    assert set(dir(fastdag_typed)) == set(fastdag_typed.__all__)
