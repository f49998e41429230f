"""Editors: a language server finds a wrong edge while it is typed, and shows the ports of nodes, without a plugin."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG
from tests.editor.language_server import LanguageServer

if TYPE_CHECKING:
    from collections.abc import Iterator

NODES = '''\
from __future__ import annotations

from fastdag_typed import DAG

dag = DAG("report")


@dag.node
def read(path: str) -> dict[str, int]:
    """Count by name."""
    return {path: 1}


@dag.node
def top(data: dict[str, int], limit: int = 3) -> list[int]:
    """Give the largest counts."""
    return sorted(data.values())[-limit:]


@dag.node
def show(values: list[int], title: str) -> str:
    """Render for people."""
    return f"{title}: {values}"
'''
COMPOSED = '''

@dag.compose
def report(path: str, title: str) -> str:
    """Read and show."""
    counts = read(path)
    best = top(counts, limit=5)
    return show(best, title)


largest: list[int] = dag[top]
'''
WIRED = """

@dag.node
def shout(text: str) -> str:
    return text.upper()


read >> top
top.connect_to(show, input_name="values")
last = dag.chain(show, shout)
found = dag[last]
"""
BROKEN = {
    "wrong type": ("top(counts, limit=5)", "top(counts, limit=path)", "str"),
    "misspelt port": ("top(counts, limit=5)", "top(counts, limt=5)", "limt"),
    "missing port": ("show(best, title)", "show(best)", "title"),
    "port given twice": ("top(counts, limit=5)", "top(counts, data=counts)", "data"),
    "result of another type": ("largest: list[int] = ", "largest: str = ", "str"),
}
"""What is right, what it is broken to, and what the diagnostic must name."""

SERVERS = {
    "basedpyright": (["basedpyright-langserver", "--stdio"], True),
    "basedpyright, publishing": (["basedpyright-langserver", "--stdio"], False),
    "ty": (["ty", "server"], True),
    "pyrefly": (["pyrefly", "lsp"], True),
}
"""How each is started, and whether the editor offers to ask for diagnostics."""

SETTINGS: dict[str, Any] = {
    "python": {"pythonPath": sys.executable, "pyrefly": {"typeCheckingMode": "strict"}},
    "ty": {"configuration": {"environment": {"python": sys.executable}}},
    "basedpyright": {
        "analysis": {
            "typeCheckingMode": "strict",
            "diagnosticSeverityOverrides": {"reportUnusedExpression": "none"},  # it means every `a >> b`
        }
    },
}
PORTS = re.compile(r"Node\[[(\[] ?data: dict\[str, int\], limit: int = 3 ?[)\]], list\[int\]\]")


@pytest.fixture(scope="module", params=["basedpyright", "ty", "pyrefly"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    (program, *options), asks = SERVERS[request.param]
    path = Path(sys.executable).with_name(program)
    if program in ("ty", "pyrefly") and not path.exists():
        pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("project")
    (folder / "nodes.py").write_text(NODES)
    with LanguageServer([str(path), *options], folder, SETTINGS, asks=asks) as started:
        yield started


@pytest.fixture
def editor(server: LanguageServer) -> Iterator[LanguageServer]:
    """Give the server, and close at the end what the test has opened."""
    yield server
    for name in list(server.documents):
        server.close(name)


def line_of(text: str, piece: str) -> int:
    assert text.count(piece) == 1, piece
    return text[: text.index(piece)].count("\n") + 1


@pytest.mark.parametrize("program", [NODES + COMPOSED, NODES + WIRED], ids=["composed", "wired"])
def test_a_right_workflow_has_no_problems_and_is_valid(editor: LanguageServer, program: str) -> None:
    editor.open("flow.py", program)
    assert editor.problems("flow.py") == []
    names: dict[str, Any] = {}
    exec(compile(program, "flow.py", "exec", dont_inherit=True), names)  # noqa: S102 - the text is ours
    assert isinstance(names["dag"], DAG)
    assert names["dag"].validate() == []


@pytest.mark.parametrize("server", SERVERS, indirect=True)
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_call_is_shown_at_its_line_until_it_is_mended(editor: LanguageServer, case: str) -> None:
    right, wrong, named = BROKEN[case]
    program = NODES + COMPOSED
    editor.open("flow.py", program)
    assert editor.problems("flow.py") == []

    broken = program.replace(right, wrong)
    editor.change("flow.py", broken)
    line = line_of(broken, wrong)
    found = editor.problems("flow.py")
    assert found[0].line == line  # strict pyright also says where an unknown type goes on to
    assert any(named in problem.message for problem in found if problem.line == line)

    editor.change("flow.py", program)
    assert editor.problems("flow.py") == []


def test_an_operator_with_a_value_that_fits_no_port_is_shown_until_it_is_mended(editor: LanguageServer) -> None:
    program = NODES + WIRED
    editor.open("flow.py", program)
    assert editor.problems("flow.py") == []

    broken = program.replace("read >> top", "show >> top")
    editor.change("flow.py", broken)
    assert {problem.line for problem in editor.problems("flow.py")} == {line_of(broken, "show >> top")}

    editor.change("flow.py", program)
    assert editor.problems("flow.py") == []


@pytest.mark.parametrize("server", ["basedpyright", "ty"], indirect=True)  # the others say it some time after a save
def test_an_edit_of_a_node_is_felt_where_another_open_file_calls_it(editor: LanguageServer) -> None:
    flow = "from nodes import dag, read, show, top\n" + COMPOSED
    editor.open("nodes.py", NODES)
    editor.open("flow.py", flow)
    assert editor.problems("flow.py") == []

    editor.change("nodes.py", NODES.replace("title: str", "title: list[str]"))
    assert editor.problems("nodes.py") == []
    assert [problem.line for problem in editor.problems("flow.py")] == [line_of(flow, "show(best, title)")]

    editor.change("nodes.py", NODES)
    assert editor.problems("flow.py") == []


@pytest.mark.parametrize("place", ["read >> t|op", "top|.connect_to", "def to|p("])
def test_hovering_a_node_shows_its_ports_its_result_and_its_docstring(editor: LanguageServer, place: str) -> None:
    editor.open("flow.py", NODES + WIRED)
    shown = " ".join(editor.hover("flow.py", place).split())
    assert "data: dict[str, int], limit: int = 3" in shown
    assert "list[int]" in shown
    assert "Give the largest counts." in shown
    assert place.startswith("def ") or PORTS.search(shown)


def test_hovering_a_called_node_shows_its_ports_its_result_and_its_docstring(editor: LanguageServer) -> None:
    editor.open("flow.py", NODES + COMPOSED)
    shown = " ".join(editor.hover("flow.py", "= to|p(counts").split())
    assert "data: dict[str, int], limit: int = 3" in shown
    assert "list[int]" in shown
    assert "Give the largest counts." in shown


@pytest.mark.parametrize(
    ("place", "kind"), [("count|s = ", "dict[str, int]"), ("resu|lt = ", "list[int]"), ("show(be|st", "list[int]")]
)
def test_hovering_a_result_shows_its_type(editor: LanguageServer, place: str, kind: str) -> None:
    editor.open("flow.py", NODES + COMPOSED + "result = dag[top]\n")
    assert kind in editor.hover("flow.py", place)


def test_typing_a_call_of_a_node_shows_its_ports(editor: LanguageServer) -> None:
    editor.open("flow.py", NODES + COMPOSED.replace("counts, limit=5", ""))
    signature = editor.signature("flow.py", "= top(|)")
    assert "data: dict[str, int], limit: int = 3) -> list[int]" in signature["label"]
    assert [port["label"] for port in signature["parameters"]] == ["data: dict[str, int]", "limit: int = 3"]
    assert {"data=", "limit="} <= set(editor.completions("flow.py", "= top(|)"))


@pytest.mark.parametrize("server", ["basedpyright", "pyrefly"], indirect=True)  # ty shows none for an object's call
def test_typing_a_call_of_a_node_shows_its_docstring(editor: LanguageServer) -> None:
    editor.open("flow.py", NODES + COMPOSED)
    shown = str(editor.signature("flow.py", "top(|counts, limit=5)"))
    assert "Give the largest counts." in shown
