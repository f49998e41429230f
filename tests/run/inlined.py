"""Flat modules with inlined bodies, as the compiler would write them; and what is to be read of errors in them."""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

SOURCE = '''\
"""Functions of a user."""

FACTOR = 3


def ratio(lines, total):
    # A comment, which flat code has not.
    share = total / len(lines)
    return share * FACTOR


def check(value):
    try:
        return {}[value]
    except KeyError as lost:
        raise ValueError(f"no {value}") from lost


def first(items):
    return next(iter(items))


def total(rows):
    scale = 2
    return sum(scale * row["x"] for row in rows)


def listed(rows):
    weight = 2
    return [weight // row for row in rows]


def deep(data):
    return down(data, 3)


def down(data, levels):
    return down(data, levels - 1) if levels else data["missing"]


def again(error):
    raise error


async def later(data):
    await pause()
    return data["missing"]


async def pause():
    return None


def loose(flag):
    if flag:
        found = 1
    return found
'''
RATIO = """
    def walk(rows, amount):
        try:
            # node: ratio
            ratio_share = amount / len(rows)    #= share = total / len(lines)
            ratio = ratio_share * users.FACTOR  #= return share * FACTOR
            del ratio_share
    END
        return ratio
"""
RATIO_ROW = ("part.ratio", "ratio", {"rows": "lines", "amount": "total", "ratio_share": "share"})
AGAIN = """
    def walk(given):
        try:
            # node: again
            raise given  #= raise error
    END
"""
AGAIN_ROW = ("again", "again", {"given": "error"})
_END = """
    except BaseException as error:
        __import__("fastdag_typed.run.traces").run.traces.attribute(
            error, INLINED, error.__traceback__.tb_frame.f_code.co_filename
        )
        raise FailedError from error
"""


class FailedError(Exception):
    """What compiled code raises of the error of a node."""


class Flat:
    """A module of a user and a flat one; ``#=`` and the text of a line of the one ends what the other made of it."""

    def __init__(self, folder: Path) -> None:
        self.name = f"users_{folder.name}"
        self.source = folder / f"{self.name}.py"
        self.source.write_text(SOURCE, encoding="utf-8")
        self.path = folder / f"flat_{folder.name}.py"

    def load(self, body: str, *rows: tuple[str, str, dict[str, str]], **more: object) -> ModuleType:
        """Write the flat module, with a row of ``(node, function, names)`` for each ``# node: ...``, and import it."""
        text = dedent(body).replace("END\n", _END.lstrip("\n")).lstrip("\n")
        lines = text.splitlines()
        begins = [number for number, line in enumerate(lines, 1) if "# node:" in line]
        inlined: list[Any] = []
        for (node, function, names), begin, end in zip(rows, begins, [*begins[1:], len(lines) + 1], strict=True):
            origin = function if ":" in function else f"{self.name}:{function}"
            pairs = [
                (number, line_of(marked[1]))
                for number, line in enumerate(lines[begin : end - 1], begin + 1)
                if (marked := re.search(r"  #= (.*)$", line))
            ]
            last = pairs[-1][0] + 1  # a body ends with the deletion of its variables
            inlined.append((begin + 1, last, node, origin, tuple(pairs), tuple(names.items())))
        self.path.write_text(text, encoding="utf-8")
        module = ModuleType("flat")
        vars(module).update(users=self.users(), INLINED=tuple(inlined), FailedError=FailedError, **more)
        exec(compile(text, str(self.path), "exec", dont_inherit=True), vars(module))  # noqa: S102 - what is tried
        return module

    def users(self) -> ModuleType:
        """Import the module of the user."""
        return importlib.import_module(self.name)

    def forget(self) -> None:
        """Have the module of the user as if it had not been imported."""
        sys.modules.pop(self.name, None)


def line_of(text: str) -> int:
    """Find a line of the source."""
    (found,) = (number for number, line in enumerate(SOURCE.splitlines(), 1) if line.strip() == text)
    return found


def cause(call: Callable[..., Any], *args: Any) -> BaseException:
    """Give the error of the node that failed."""
    with pytest.raises(FailedError) as caught:
        call(*args)
    assert caught.value.__cause__ is not None
    return caught.value.__cause__


def entries(error: BaseException) -> list[TracebackType]:
    """List the entries of a traceback."""
    found: list[TracebackType] = []
    at = error.__traceback__
    while at is not None:
        found.append(at)
        at = at.tb_next
    return found


def held(error: BaseException) -> list[dict[str, Any]]:
    """Read the names of each frame, but those of the interpreter's own."""
    return [{k: v for k, v in one.tb_frame.f_locals.items() if k != ".0"} for one in entries(error)]


def shown(error: BaseException) -> list[tuple[str, str]]:
    """Read what each entry shows: the function, and the text of the line."""
    return [(one.name, re.sub(r" *#= .*", "", one.line or "")) for one in traceback.extract_tb(error.__traceback__)]
