"""``fastdag show``: a workflow as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from ..show.visualizer import Visualizer
from .target import find

if TYPE_CHECKING:
    from collections.abc import Sequence

Form = Literal["mermaid", "dot", "svg", "png"]
_FORMS: Final[dict[str, Form]] = {".dot": "dot", ".gv": "dot", ".svg": "svg", ".png": "png"}


def show(target: str, allow: Sequence[str], form: Form | None, output: str | None) -> None:
    """Draw a workflow into a file or to the standard output; without a format, that of the file's name.

    Raises:
        FastDagError: SVG or PNG is asked for and Graphviz is not installed.
        click.UsageError: a PNG image would go to a terminal, or the file cannot be written.

    """
    visualizer = Visualizer(find(target, allow))
    form = form or _FORMS.get(Path(output or "").suffix.lower(), "mermaid")
    if form == "png":
        if output is None and sys.stdout.isatty():
            raise click.UsageError("a PNG image is no text for a terminal: say where it goes with -o FILE")
        put(visualizer.to_png(), output)
    elif form == "svg":
        put(visualizer.to_svg(), output)
    else:
        put(visualizer.to_mermaid() if form == "mermaid" else visualizer.to_graphviz(), output)


def put(content: str | bytes, output: str | None) -> None:
    """Write into a file, or to the standard output.

    Raises:
        click.UsageError: the file cannot be written.

    """
    if output is None:
        click.echo(content, nl=isinstance(content, str) and not content.endswith("\n"))
        return
    try:
        Path(output).write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise click.UsageError(f'"{output}" cannot be written: {error.strerror}') from None
