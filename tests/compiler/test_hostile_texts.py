"""What users write in names, docstrings and strings never becomes code: it is spelled otherwise, and nothing else."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from fastdag_codegen.options import Options
from fastdag_typed import WiringError
from tests.compiler.trials import LEVELS, Trial, Way

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PAYLOADS = [
    *[
        "'''",
        '"""',
        '"',
        "'",
        "\\",
        "\\'",
        "#",
        "#@ 1",
        "#@ line 1",
        "#@ end",
        "\n#@ end\n",
        "\n\nraise SystemExit",
        "{x}",
    ],
    *["{{ 7 * 7 }}", "{% raw %}", "{# x #}", '"); raise SystemExit #', "\r\nraise SystemExit", "\x0craise SystemExit"],
    *["\u2028raise SystemExit", "\x85raise SystemExit", "\x00", "\ufeff", "\u202e", "\x1b[2J", "# type: ignore"],
    *[
        "# fastdag-node: x 0000000000000000",
        "-" * 64,
        "import os",
        "walk",
        "Results",
        "lambda: 0",
        "class",
        "\\N{DASH}",
    ],
]
SHORT = st.text(max_size=50)  # what is very long is no literal but read from the workflow
TEXTS = st.one_of(st.sampled_from(PAYLOADS), SHORT, st.tuples(SHORT, st.sampled_from(PAYLOADS)).map("".join))
NAMES = st.lists(TEXTS.filter(bool), min_size=3, max_size=3, unique=True)

MODULE = """\
from fastdag_typed import DAG, Node
from tests.compiler.stage import Oops

dag = DAG({title}, metadata={{{title}: {default}}})


def fetch(value, other={default}):
    {summary}
    return (value, other, {default}, f"{{value}}" {default})


def check(found):
    {summary}
    if found == {default}:
        raise Oops({default})
    return found[0]


def called(found, *more):
    {summary}
    return {{{default}: found}}


first = dag.add_node(Node(fetch, {names[0]}, description={summary}))
second = dag.add_node(Node(check, {names[1]}))
third = dag.add_node(Node(called, {names[2]}))
plain = dag.add_node(Node(check, "not a name"))
first >> second >> third
first >> plain
"""


def module(title: str, names: Sequence[str], summary: str, default: str) -> str:
    """Write a module; the texts in it are written as Python writes them."""
    texts = {"title": title, "summary": summary, "default": default}
    return MODULE.format(names=[ascii(name) for name in names], **{name: ascii(text) for name, text in texts.items()})


def compiled(text: str, folder: Path) -> list[str]:
    """Compile a module at every level."""
    trial = Trial(text, {}, folder)
    try:
        return [
            text.replace(trial.name, "made_up") for text in trial.compiled(*(Way(Options(level)) for level in LEVELS))
        ]
    finally:
        trial.end()


class _Blank(ast.NodeTransformer):
    """Takes all names, texts and numbers (of lines, which depend on how long names are) out of a tree."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field, value in ast.iter_fields(node):
            if isinstance(value, str | int):
                setattr(node, field, type(value)())
        return node


def shape(text: str) -> str:
    """Tell what a text says, whatever its names and strings are."""
    return ast.dump(_Blank().visit(ast.parse(text)))


@pytest.fixture(scope="module")
def harmless(folder: Path) -> list[str]:
    texts = compiled(module("title", ["one", "two", "three"], "summary", "default"), folder)
    return [shape(text) for text in texts]


@settings(max_examples=60, derandomize=True, database=None, phases=[Phase.generate])
@given(TEXTS, NAMES, TEXTS, TEXTS.filter(bool))
def test_no_text_changes_what_a_compiled_module_says(
    folder: Path, harmless: list[str], title: str, names: list[str], summary: str, default: str
) -> None:
    assume("not a name" not in names)
    try:
        texts = compiled(module(title, names, summary, default), folder)
    except WiringError:
        assume(False)
    for text, expected in zip(texts, harmless, strict=True):
        assert shape(text) == expected, text
        assert text.isascii() or all(char.isprintable() for char in text if not char.isascii())


@settings(max_examples=20, derandomize=True, database=None, phases=[Phase.generate])
@given(TEXTS, NAMES, TEXTS, TEXTS.filter(bool))
def test_with_any_texts_the_results_are_the_same(
    folder: Path, title: str, names: list[str], summary: str, default: str
) -> None:
    assume("not a name" not in names)
    trial = Trial(module(title, names, summary, default), {"value": "[1]"}, folder)
    try:
        assert trial.difference([Way(Options(level)) for level in LEVELS]) == ""
    except WiringError:
        assume(False)
    finally:
        trial.end()
