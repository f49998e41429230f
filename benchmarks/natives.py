"""Workflows to build native code of, and the same by hand: bodies in one function with types, as mypyc likes them."""

from __future__ import annotations

from typing import Final

from benchmarks.peers.ours import wired
from benchmarks.works import BODIES, INPUT, chain, layered
from fastdag_typed import DAG

CHAIN: Final = chain(1000)
LAYERS: Final = layered(100, 10)
chained: Final = wired(CHAIN)
layers: Final = wired(LAYERS)
statistics: Final = DAG("statistics")
text: Final = DAG("text")


@statistics.node
def positive(values: list[float]) -> list[float]:
    """Take what is more than nothing, doubled."""
    return [value * 2.0 for value in values if value > 0.0]


@statistics.node
def mean(values: list[float]) -> float:
    """Find the mean."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@statistics.node
def spread(values: list[float], middle: float) -> float:
    """Add up the squares of the distances from the middle."""
    total = 0.0
    for value in values:
        total += (value - middle) * (value - middle)
    return total


@text.node
def words(line: str) -> list[str]:
    """Take a line apart."""
    return line.lower().split()


@text.node
def longest(found: list[str]) -> str:
    """Find the longest word."""
    best = ""
    for word in found:
        if len(word) > len(best):
            best = word
    return best


@text.node
def checksum(found: list[str]) -> int:
    """Add up the letters, by their places."""
    total = 0
    for place, word in enumerate(found):
        for letter in word:
            total = (total * 31 + ord(letter) * (place + 1)) & 65535
    return total


positive >> mean
statistics.connect("positive", "spread", input="values")
statistics.connect("mean", "spread", input="middle")
words >> longest
words >> checksum

_STATISTICS: Final = """
def statistics(values: list[float]) -> dict[str, object]:
    positive = [value * 2.0 for value in values if value > 0.0]
    total = 0.0
    for value in positive:
        total += value
    mean = total / len(positive)
    spread = 0.0
    for value in positive:
        spread += (value - mean) * (value - mean)
    return {"positive": positive, "mean": mean, "spread": spread}
"""
_TEXT: Final = """
def text(line: str) -> dict[str, object]:
    words = line.lower().split()
    longest = ""
    for word in words:
        if len(word) > len(longest):
            longest = word
    checksum = 0
    for place, word in enumerate(words):
        for letter in word:
            checksum = (checksum * 31 + ord(letter) * (place + 1)) & 65535
    return {"words": words, "longest": longest, "checksum": checksum}
"""


def by_hand() -> str:
    """Write the module that has all of them as someone would who inlines them by hand."""
    parts = ["from __future__ import annotations", _STATISTICS, _TEXT]
    for function, graph in (("chained", CHAIN), ("layers", LAYERS)):
        lines = [f"def {function}({INPUT}: int) -> dict[str, int]:"]
        lines += [f"    {name} = {BODIES[job.func].format(**job.reads)}" for name, job in graph.items()]
        kept = ", ".join(f'"{name}": {name}' for name in graph)
        parts.append("\n".join([*lines, f"    return {{{kept}}}"]))
    return "\n\n".join(parts)
