"""Names that are no identifiers, or are Python's, or the module's own, or try to become code."""

# pyright: reportUnusedExpression=false
from __future__ import annotations

from itertools import pairwise
from typing import Any

from fastdag_typed import DAG, Node

odd = DAG("odd\nraise SystemExit")
NAMES = [
    *("class", "sum", "run", "Results", "LINES", "error", "results", "context_", "_flat_names", "__debug__", "x", "X"),
    *('quote"s', "back\\slash", "new\nline", "# node: a", "größe", "ﬁle", "名前", "1st", "", "a b", "a_b", "None"),
    "\u202e",
    *("list", "Any", "__mangled", "SKIPPED", "odd", "{{ 7 * 7 }}", "{% raw %}", '"""', "'''"),
]


def _made(number: int) -> Any:
    def body(x: int, **values: int) -> int:
        """Say "hello\\n" # and '''more''' {{ braces }}."""
        return x + sum(values.values()) + number

    return body


made = [odd.add_node(Node(_made(number), name or "empty", ["x", f"odd {number}"])) for number, name in enumerate(NAMES)]
for source, target in pairwise(made):
    source.connect_to(target, input_name="x")
