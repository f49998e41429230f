"""Pictures as Graphviz DOT, and as SVG or PNG where Graphviz is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from ..exceptions import FastDagError
from .picture import visible

if TYPE_CHECKING:
    from .picture import Arrow, Box, Picture

_SHAPES: Final = {
    "standard": "shape=box",
    "condition": "shape=diamond",
    "select": "shape=hexagon",
    "any": "shape=invtrapezium",
    "all": "shape=trapezium",
    "fsm_state": "shape=ellipse",
    "final": "shape=ellipse, peripheries=2",
    "workflow": "shape=component",
    "start": "shape=point, width=0.15",
    "end": "shape=doublecircle, width=0.1",
}
_LINES: Final = {"data": "", "order": "style=dashed", "taken": "penwidth=2"}
_COLOURS: Final = {
    "done": 'style=filled, fillcolor="#e6f4ea", color="#1e8e3e"',
    "failed": 'style=filled, fillcolor="#fce8e6", color="#d93025"',
    "skipped": 'style="filled,dashed", fillcolor="#f1f3f4", color="#9aa0a6", fontcolor="#5f6368"',
    "running": 'style=filled, fillcolor="#e8f0fe", color="#1a73e8"',
    "pending": 'color="#9aa0a6", fontcolor="#5f6368"',
}


def graphviz(picture: Picture) -> str:
    """Write a picture as a DOT graph; every name and result is text and nothing else."""
    lines = ["digraph workflow {"]
    lines.extend([_box(box) for box in picture.boxes])
    lines.extend([_arrow(arrow) for arrow in picture.arrows])
    lines.append("}")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Write text so that Graphviz shows it as it is, between double quotes."""
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def render(dot: str, form: Literal["svg", "png"]) -> bytes:
    """Have Graphviz draw a DOT graph.

    Raises:
        FastDagError: Graphviz is not installed, or cannot draw the graph.

    """
    import subprocess
    from shutil import which

    program = which("dot")
    if program is None:
        raise FastDagError(
            'Graphviz is not installed: its program "dot" is not on the PATH. Install it with "apt-get install '
            'graphviz", "brew install graphviz" or "winget install Graphviz.Graphviz", or take the text of '
            "to_graphviz() or to_mermaid(), which need no program"
        )
    command = [program, f"-T{form}"]
    done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False)  # noqa: S603 - no shell
    if done.returncode != 0:
        raise FastDagError(f"Graphviz could not draw the workflow: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _box(box: Box) -> str:
    label = "\\n".join(map(escape, box.lines))
    style = f", {_COLOURS[box.status]}" if box.status is not None else ""
    return f'    {box.id} [label="{label}", {_SHAPES[box.shape]}{style}];'


def _arrow(arrow: Arrow) -> str:
    label = f'label="{escape(arrow.label)}"' if arrow.label else ""
    style = ", ".join(filter(None, (label, _LINES[arrow.line])))
    return f"    {arrow.source} -> {arrow.target} [{style}];" if style else f"    {arrow.source} -> {arrow.target};"
