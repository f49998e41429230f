from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from fastdag_typed import DAG, Context, FastDagError, Node, NodeExecution, Visualizer
from fastdag_typed.show.picture import visible

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    '"];x',
    "<script>alert(1)</script>",
    "<b>bold</b>",
    "end",
    "node",
    "strict",
    "a b",
    "\\N",
    "a\\",
    'a"b',
    "a\\nb",
    "two\nlines",
    "&lt;",
    "&#60;",
    "a:b",
    "{x|y}",
    "nul\0",
    "\ud800",
    "\U0001f600",
    "\u202eevil",
    "-->",
    "//",
    "# c",
    "]];",
]


def same(x: int = 0) -> int:
    return x


def chain(names: list[str]) -> DAG:
    dag = DAG("d")
    dag.chain(*[dag.add_node(Node(same, name)) for name in names])
    return dag


def texts(svg: str) -> list[str]:
    found = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()).replace("\xa0", " ") for text in found]


def test_graphviz_shows_hostile_names_and_results_as_text() -> None:
    dag = chain(HOSTILE)
    dag.context = Context({name: name for name in HOSTILE})

    svg = Visualizer(dag).to_svg(include_results=True)

    expected = [line for name in HOSTILE for line in (visible(name), f"[{visible(name)}]")]
    assert sorted(texts(svg)) == sorted(expected)
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "title", "polygon", "path", "text"}


def test_the_graph_has_every_node_and_connection_once() -> None:
    svg = ET.fromstring(Visualizer(chain(HOSTILE)).to_svg())

    groups = [group.get("class") for group in svg.iter("{http://www.w3.org/2000/svg}g")]
    assert groups.count("node") == len(HOSTILE)
    assert groups.count("edge") == len(HOSTILE) - 1


def test_dot_is_plain_where_names_are_plain() -> None:
    dot = Visualizer(chain(["a", "b"])).to_graphviz()

    assert dot.startswith("digraph workflow {\n")
    assert '    a [label="a", shape=box];\n' in dot
    assert "    a -> b;\n" in dot
    assert dot.endswith("}\n")


def test_shapes_labels_and_lines_tell_kinds_branches_and_order() -> None:
    dag = DAG("d")

    @dag.condition
    def check(x: int) -> bool:
        return x > 0

    @dag.node
    def yes(x: int) -> int:
        return x

    @dag.node
    def log() -> None: ...

    check.on_true >> yes
    log.after(yes)
    dag.context = Context({"yes": 1}, {}, {"yes": NodeExecution(0, "done"), "log": NodeExecution(1, "pending")})

    dot = Visualizer(dag).to_graphviz(include_results=True)

    assert '    check [label="check", shape=diamond];\n' in dot
    assert '    check -> yes [label="true"];\n' in dot
    assert "    yes -> log [style=dashed];\n" in dot
    assert '    yes [label="yes\\n[1]", shape=box, style=filled, fillcolor="#e6f4ea", color="#1e8e3e"];\n' in dot
    assert 'log [label="log\\npending", shape=box, ' in dot


def test_images_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    viz = Visualizer(chain(["a", "b"]))

    svg = viz.to_svg(tmp_path / "d.svg")
    png = viz.to_png(str(tmp_path / "d.png"))

    assert (tmp_path / "d.svg").read_text(encoding="utf-8") == svg
    assert (tmp_path / "d.png").read_bytes() == png
    assert png.startswith(b"\x89PNG")


def test_without_graphviz_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(FastDagError, match=r"Graphviz is not installed.*apt-get install graphviz.*to_mermaid"):
        Visualizer(chain(["a"])).to_svg()


def test_what_graphviz_refuses_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho 'no memory' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    with pytest.raises(FastDagError, match="could not draw the workflow: no memory"):
        Visualizer(chain(["a"])).to_png()
