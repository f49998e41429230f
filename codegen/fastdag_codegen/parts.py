"""Long functions cut into parts: functions of some hundred steps each, which hand on what later ones need.

The compiler of Python 3.11 takes a time that is quadratic in the variables of a function, and native code is quicker
for short ones.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

LONG: Final = 200
"""So many steps are left in one function."""
_SIZE: Final = 100
_WIDTH: Final = 108
_GAP: Final = "\0"


@dataclass
class Block:
    """The lines of some steps, from which the variables are read that they take and give."""

    lines: list[str]
    is_async: bool = False
    gives: set[str] = field(default_factory=set[str])
    takes: set[str] = field(default_factory=set[str])
    drops: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        for node in ast.walk(ast.parse("\n".join(_unguarded(self.lines)))):
            if isinstance(node, ast.Name):
                kinds: dict[type[ast.expr_context], set[str]]
                kinds = {ast.Load: self.takes, ast.Store: self.gives, ast.Del: self.drops}
                kinds[type(node.ctx)].add(node.id)


@dataclass
class Part:
    """A function of some steps."""

    name: str
    block: Block
    takes: list[str]
    gives: list[str]

    @property
    def word(self) -> str:
        """The word that begins its definition."""
        return "async def" if self.block.is_async else "def"

    @property
    def head(self) -> list[str]:
        """The lines that begin its definition."""
        word = "async def" if self.block.is_async else "def"
        return _filled(f"{word} {self.name}(", [f"{name}: Any" for name in self.takes], ") -> Any:")

    @property
    def call(self) -> list[str]:
        """The statements that call it, and drop what was only needed there."""
        call = _filled(f"{'await ' if self.block.is_async else ''}{self.name}(", self.takes, ")")
        if self.gives:
            given = _filled("", self._given, "", brackets=("(", ")"))
            call = [*given[:-1], f"{given[-1]} = {call[0]}", *call[1:]]
        dropped = [name for name in self.takes if name in self.block.drops]
        return [*call, *([f"del {', '.join(dropped)}"] if dropped else [])]

    @property
    def end(self) -> list[str]:
        """The statement that hands on what later parts need."""
        if not self.gives:
            return ["return None"]
        return _filled("return ", self._given, "", brackets=("(", ")"))

    @property
    def _given(self) -> list[str]:
        return self.gives if len(self.gives) > 1 else [f"{name}," for name in self.gives]


def _filled(begin: str, parts: Sequence[str], end: str, brackets: tuple[str, str] = ("", "")) -> list[str]:
    """Write parts, over several full lines if they are long; only those get the brackets."""
    text = ", ".join(parts)
    if len(begin) + len(text) + len(end) <= _WIDTH:
        return [f"{begin}{text}{end}"]
    opening, closing = brackets
    whole = ", ".join(part.replace(" ", _GAP) for part in parts)
    lines = wrap(whole, _WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [begin + opening, *(f"    {line}".replace(_GAP, " ") for line in lines), closing + end]


def cut(blocks: Sequence[Block], shared: Collection[str], needed: Collection[str], names: Sequence[str]) -> list[Part]:
    """Make a part of each block.

    Args:
        blocks: what is done, in order.
        shared: variables of the function that are there before the first block.
        needed: variables that are read after the last block.
        names: how the parts are called.

    """
    order = {
        name: place for place, name in enumerate([*shared, *(name for one in blocks for name in sorted(one.gives))])
    }
    found: list[Part] = []
    before, after = set(shared), set(needed)
    wanted: list[set[str]] = []
    for block in reversed(blocks):
        wanted.append(set(after))
        after |= block.takes
    for block, name, later in zip(blocks, names, reversed(wanted), strict=True):
        takes = sorted(block.takes & before, key=order.__getitem__)
        gives = sorted(block.gives & later, key=order.__getitem__)
        found.append(Part(name, block, takes, gives))
        before |= block.gives
    return found


def sizes(steps: int) -> list[range]:
    """Say which steps are a block each."""
    return [range(start, min(start + _SIZE, steps)) for start in range(0, steps, _SIZE)]


def _unguarded(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if not line.lstrip().startswith("#")]
