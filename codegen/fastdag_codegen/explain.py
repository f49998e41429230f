"""What became of each node, as a table for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .names import comment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .options import Choice


def explain(choices: Sequence[Choice]) -> str:
    """Lay out what became of each node, and why."""
    rows = [("node", "where", "how", "reason"), *(tuple(map(comment, choice)) for choice in choices)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def summarize(choices: Sequence[Choice]) -> str:
    """Say how many nodes there are, and what became of how many."""
    counts = Counter(choice.how for choice in choices)
    nodes = "1 node" if len(choices) == 1 else f"{len(choices)} nodes"
    return f"{nodes}: {', '.join(f'{count} {how}' for how, count in counts.most_common())}"
