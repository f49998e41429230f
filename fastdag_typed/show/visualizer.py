"""A workflow as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .graphviz import graphviz, render
from .mermaid import mermaid
from .picture import picture_of

if TYPE_CHECKING:
    from os import PathLike

    from ..workflow import Workflow


class Visualizer:
    """Draws a workflow, as it is wired and on request as its last finished run went.

    Conditions are rhombs, selections hexagons, joins trapeziums, inner workflows framed twice; edges are labelled with
    their branch and the field they take, and dashed where they only order. With results, each node shows its own in at
    most 80 characters and the colour of its status, and a state machine the transitions that were taken. Names and
    results are escaped: whatever they hold is shown as text.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow

    def to_mermaid(self, include_results: bool = False) -> str:
        """Write a Mermaid flowchart."""
        return mermaid(picture_of(self.workflow, include_results=include_results))

    def to_graphviz(self, include_results: bool = False) -> str:
        """Write a graph in Graphviz's language DOT."""
        return graphviz(picture_of(self.workflow, include_results=include_results))

    def to_svg(self, path: str | PathLike[str] | None = None, *, include_results: bool = False) -> str:
        """Draw an SVG image with Graphviz; also write it to ``path`` if given.

        Raises:
            FastDagError: Graphviz is not installed, or cannot draw the graph.

        """
        image = render(self.to_graphviz(include_results), "svg")
        if path is not None:
            Path(path).write_bytes(image)
        return image.decode()

    def to_png(self, path: str | PathLike[str] | None = None, *, include_results: bool = False) -> bytes:
        """Draw a PNG image with Graphviz; also write it to ``path`` if given.

        Raises:
            FastDagError: Graphviz is not installed, or cannot draw the graph.

        """
        image = render(self.to_graphviz(include_results), "png")
        if path is not None:
            Path(path).write_bytes(image)
        return image
