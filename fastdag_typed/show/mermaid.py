"""Pictures as Mermaid flowcharts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .picture import visible

if TYPE_CHECKING:
    from .picture import Arrow, Box, Picture

_SHAPES: Final[dict[str, tuple[str, str]]] = {
    "standard": ('["', '"]'),
    "condition": ('{"', '"}'),
    "select": ('{{"', '"}}'),
    "any": ('[\\"', '"/]'),
    "all": ('[/"', '"\\]'),
    "fsm_state": ('("', '")'),
    "final": ('((("', '")))'),
    "workflow": ('[["', '"]]'),
    "start": ('(("', '"))'),
    "end": ('((("', '")))'),
}
_LINES: Final = {"data": "-->", "order": "-.->", "taken": "==>"}
_COLOURS: Final = {
    "done": "fill:#e6f4ea,stroke:#1e8e3e,color:#000",
    "failed": "fill:#fce8e6,stroke:#d93025,color:#000",
    "skipped": "fill:#f1f3f4,stroke:#9aa0a6,color:#5f6368,stroke-dasharray:4",
    "running": "fill:#e8f0fe,stroke:#1a73e8,color:#000",
    "pending": "fill:#fff,stroke:#9aa0a6,color:#5f6368",
}

# Letters and digits stay, and what joins them; the rest could mean something to Mermaid, to Markdown or to HTML.
_UNSAFE: Final = re.compile(r"(?<![^\W_])[._-]|[._-](?![^\W_])|[^\w ,'=\[\].-]|\N{LATIN SMALL LIGATURE FL}")
# Mermaid turns entities back into characters before it looks for formulas ($$), line ends (\n), icons (fa:fa-car) and
# its own signs for entities (the ligature, the pilcrow): these are taken apart by a space without width.
_APART: Final = re.compile(r"[\\$\N{LATIN SMALL LIGATURE FL}\N{PILCROW SIGN}]|:(?=fa-)")
_CALM: Final = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*")
_DIRECTION: Final = re.compile("d(?=irection)", re.IGNORECASE)
_NOTHING: Final = "\u200b"


def mermaid(picture: Picture) -> str:
    """Write a picture as a Mermaid flowchart; every name and result is text and nothing else."""
    lines = ["graph TD"]
    lines.extend([_box(box) for box in picture.boxes])
    lines.extend([_arrow(arrow) for arrow in picture.arrows])
    members: dict[str, list[str]] = {}
    for box in picture.boxes:
        if box.status is not None:
            members.setdefault(box.status, []).append(box.id)
    for status, ids in members.items():
        lines.append(f"    classDef {status} {_COLOURS[status]}")
        lines.append(f"    class {','.join(ids)} {status}")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Write text so that Mermaid shows it as it is, between double quotes."""
    text = visible(text)
    if not _CALM.fullmatch(text):
        text = _UNSAFE.sub(_entity, _APART.sub(lambda found: found[0] + _NOTHING, text))
    # Mermaid's lexer looks for a direction anywhere in a line, even in a quoted text.
    return _DIRECTION.sub(_entity, text)


def _entity(found: re.Match[str]) -> str:
    return f"#{ord(found[0])};"


def _box(box: Box) -> str:
    left, right = _SHAPES[box.shape]
    lines = box.lines
    if not lines:
        return f"    {box.id}{left} {right}"
    label = escape(lines[0])
    if len(lines) > 1:
        label += f"<br/>{escape(lines[1])}"
    return f"    {box.id}{left}{label}{right}"


def _arrow(arrow: Arrow) -> str:
    line = _LINES[arrow.line]
    label = arrow.label
    if not label:
        return f"    {arrow.source} {line} {arrow.target}"
    text = label if label in ("true", "false") else f'"{escape(label)}"'
    return f"    {arrow.source} {line}|{text}| {arrow.target}"
