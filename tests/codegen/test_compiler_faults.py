"""A fault of the compiler itself, put there on purpose, never becomes a wrong module."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import Options, compilation, compile_workflow, load, write
from fastdag_codegen import flows as compiler
from fastdag_typed import CompileError, Runner

if TYPE_CHECKING:
    from pathlib import Path

TARGET = "flat_composed:sums"


@pytest.fixture
def sums() -> Any:
    return import_module("flat_composed").sums


def failing(*_: object) -> Any:
    raise IndexError("list index out of range")


def writing_no_python(*args: Any) -> Any:
    found = inlined(*args)
    return found if isinstance(found, str) else (["this is no Python", *found[0]], found[1])


inlined = compiler.inlined


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (failing, "the bodies cannot be put together (IndexError: list index out of range)"),
        (writing_no_python, "the bodies cannot be put together (SyntaxError: "),
    ],
)
def test_a_fault_among_bodies_means_calls(
    sums: Any, fault: Any, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = sums.plan()
    calls = compile_workflow(plan, target=TARGET, options=Options(level=0))
    monkeypatch.setattr(compiler, "inlined", fault)
    text, choices = compilation(plan, target=TARGET)
    assert {choice.how for choice in choices} == {"called"}
    assert all(choice.reason.startswith(reason) for choice in choices)
    assert reason not in text
    assert text == calls
    write(text, tmp_path / "made.py")
    assert load(tmp_path / "made.py").run(1) == Runner(sums).run({"x": 1}).results


def test_a_fault_among_calls_is_told_with_the_workflow(sums: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler.Flow, "call", failing)
    with pytest.raises(CompileError, match='Workflow "sums" cannot be compiled to one module: IndexError: ') as found:
        compilation(sums.plan(), target=TARGET)
    assert isinstance(found.value.__cause__, IndexError)
