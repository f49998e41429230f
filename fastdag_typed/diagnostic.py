"""What is wrong, where, and what to do: the one form of every finding."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Severity = Literal["error", "warning"]


class Location(NamedTuple):
    """A line of the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        """Render as ``file:line``, relative to the working directory where that is shorter."""
        file = self.file
        try:
            near = os.path.relpath(file)
        except ValueError:  # another drive on Windows
            near = file
        return f"{near if not near.startswith('..') else file}:{self.line}"


@dataclass(frozen=True)
class Diagnostic:
    """One finding about a workflow; the plugin, ``validate()`` and ``fastdag check`` print the same one."""

    code: str
    message: str
    severity: Severity = "error"
    where: Location | None = None
    node: str | None = None
    port: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        """Render as ``file:line: severity: message (hint)  [code]``."""
        place = f"{self.where}: " if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.severity}: {self.message}{hint}  [{self.code}]"

    @property
    def text(self) -> str:
        """Message with hint and place, without severity and code."""
        hint = f" ({self.hint})" if self.hint else ""
        place = f" [{self.where}]" if self.where else ""
        return f"{self.message}{hint}{place}"


def did_you_mean(name: str, known: Iterable[str], *, what: str = "known") -> str:
    """Name the closest of the known names, or list them (at most ten).

    Source: ``difflib.get_close_matches`` (Ratcliff and Obershelp's gestalt pattern matching).
    """
    from difflib import get_close_matches

    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    if not names:
        return f"{what}: none"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{what}: {', '.join(names[:10])}{more}"
