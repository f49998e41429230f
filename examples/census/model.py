"""What travels between the nodes of the census."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypedDict


class Source(NamedTuple):
    """The text of one file; ``path`` is relative to the tree, with forward slashes."""

    path: str
    text: str


class Module(NamedTuple):
    """One parsed file."""

    path: str
    tree: ast.Module


class Failure(NamedTuple):
    """A file that a stage could not handle, and why."""

    path: str
    reason: str


class Lines(NamedTuple):
    """Lines of one file by what is on them; a line with code and a comment counts as code."""

    path: str
    code: int
    comment: int
    blank: int
    tokens: int

    @property
    def total(self) -> int:
        """All lines."""
        return self.code + self.comment + self.blank


class Function(NamedTuple):
    """One function or method: where it begins, how many lines it has, and its cyclomatic complexity."""

    path: str
    name: str
    line: int
    length: int
    complexity: int


class Import(NamedTuple):
    """One imported name in full, from the top of the tree if it is ``relative``: ``from a import b`` has ``a.b``.

    ``eager`` imports stand outside of functions: they run when the module is imported.
    """

    path: str
    name: str
    relative: bool
    eager: bool


class Documented(NamedTuple):
    """How many public definitions of a file (the module itself included) there are, and how many have a docstring."""

    path: str
    public: int
    documented: int


class Row(NamedTuple):
    """One file that was read, tokenized and parsed."""

    path: str
    lines: int
    code: int
    functions: int
    hardest: int
    imports: int
    public: int
    documented: int


class Rank(NamedTuple):
    """A module and how many modules import it."""

    name: str
    importers: int


class Band(NamedTuple):
    """How many functions have a complexity of at most ``upto`` (``None``: any) and above the band before."""

    upto: int | None
    functions: int


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a source tree, sorted by path."""

    name: str
    root: Path
    paths: list[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read and what could not."""

    sources: list[Source]
    failures: list[Failure]


@dataclass(frozen=True, slots=True)
class Tokenizing:
    """What could be tokenized and what could not."""

    counts: list[Lines]
    failures: list[Failure]


@dataclass(frozen=True, slots=True)
class Parsing:
    """What could be parsed and what could not."""

    modules: list[Module]
    failures: list[Failure]


class Complexity(TypedDict):
    """How the complexity of all functions is spread, and the most complex ones, hardest first."""

    bands: list[Band]
    hardest: list[Function]


class ImportGraph(TypedDict):
    """Who imports whom: links inside the tree, its most imported modules, those of other trees, and import cycles."""

    links: int
    inside: list[Rank]
    outside: list[Rank]
    cycles: list[list[str]]


class Totals(TypedDict):
    """The numbers at the head of the report."""

    files: int
    broken: int
    lines: int
    code: int
    comment: int
    tokens: int
    functions: int
    imports: int
    public: int
    documented: int


class Written(NamedTuple):
    """Where the report is, and the three numbers that one looks at first."""

    report: Path
    files: int
    functions: int
    broken: int
