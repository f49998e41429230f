"""A body that can be written many times: its text is made once, and each time only the names are filled in."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import libcst as cst

from ..names import literal
from .returns import Exit, Row
from .scopes import Use

if TYPE_CHECKING:
    from .reading import Subject
    from .returns import Item

_STEP: Final = "    "
_LONG: Final = 90


class Names(Protocol):
    """What gives the names of a compiled module."""

    @property
    def late_globals(self) -> bool:
        """Whether what a module imports is looked up in that module each time."""
        ...

    def local(self, wish: str, /) -> str:
        """Give a fresh variable."""
        ...

    def module(self, name: str, /) -> str:
        """Give the alias of an imported module."""
        ...

    def home(self, module: str, name: str, /) -> str:
        """Import a name from a module; give what it is called here."""
        ...

    def bound(self, wish: str, expression: str, value: Any, /) -> str:
        """Bind an object at the top of the module; ``expression`` reaches it."""
        ...


class Line(NamedTuple):
    """A line of the written body, and the line of the source file that it is of."""

    text: str
    line: int


class Inlined(NamedTuple):
    """A written body; ``names`` are its variables with those of the function, as far as they are the function's."""

    lines: list[Line]
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Returned:
    """What a body returns: its text, which is one expression, and what the global names in it mean now, as written."""

    text: str
    globals: Mapping[str, Any]

    @cached_property
    def node(self) -> cst.BaseExpression:
        """The expression, as libcst reads it."""
        return cst.parse_expression(self.text)


Sink = Callable[[Returned], list[str]]
"""Writes what is done with a value that a body returns; it may be called for several places of it."""


class Piece(NamedTuple):
    """Some lines, cut at the names in them: each of ``uses`` stands between two of ``texts``."""

    texts: list[str]
    uses: list[int]
    lines: list[int]

    def filled(self, names: Sequence[str]) -> str:
        """Write the lines with these names."""
        parts = [""] * (len(self.texts) + len(self.uses))
        parts[::2] = self.texts
        parts[1::2] = [names[use] for use in self.uses]
        return "".join(parts)


Ends = tuple[tuple[str, bool], ...]


class End(NamedTuple):
    """A place where the body returns: the value, what it is indented by, the globals in it, the line, the number."""

    space: str
    value: Piece
    globals: tuple[Use, ...]
    line: int
    number: int


@dataclass(frozen=True)
class Body:
    """The body of a function, ready to be written.

    Attributes:
        is_async: it may only be written into an async function.
        goes_on: something of the body, such as a ``finally``, may run after it has returned.
        checked: type checkers look at it where it is: it has annotations, and no comments for them.
        parameters: the names of the parameters.
        line: the line of the source file where the function is defined.
    """

    func: Any  # a FunctionType, which type checkers take for a method here
    module: str
    path: str | None
    is_async: bool
    goes_on: bool
    checked: bool
    parameters: tuple[str, ...]
    line: int
    rebound: frozenset[str]
    uses: tuple[Use, ...]
    homes: Mapping[str, tuple[str, str | None]]
    pieces: tuple[Piece | End, ...]
    preset: tuple[str, ...]
    ends: Ends
    each: tuple[Ends, ...]
    """What ends with the body, or else at each return: variables in order, and whether they are certainly bound."""

    def write(self, names: Names, given: Mapping[str, str], sink: Sink) -> Inlined:
        """Write the body once.

        Args:
            names: gives the names of the module that it is written into.
            given: the argument of each parameter, in the order of their evaluation; others have their default.
            sink: writes what is done with what the body returns. It must not do what can fail before it evaluates the
                value, and must not assign to a variable of ``given`` if the body ``goes_on``.

        Raises:
            ValueError: a parameter has neither an argument nor a default, or there is no such parameter.
        """
        variables, copies, mortal = self._parameters(names, given)
        variables.update((name, names.local(name)) for name in self._own)
        inner = {name: names.local(name) for name in self._inner}
        filled = [self._text(names, use, variables, inner) for use in self.uses]
        lines = [Line(f"{variables[name]}: Any = {value}", self.line) for name, value in copies.items()]
        lines += [Line(f"{variables[name]}: Any = None", self.line) for name in self.preset]
        for piece in self.pieces:
            if isinstance(piece, End):
                lines += self._end(piece, filled, sink)
                ends = self._deletions(self.each[piece.number], variables, mortal) if self.each else []
                lines += [Line(f"{piece.space}{text}", piece.line) for text in ends]
            else:
                lines += map(Line, piece.filled(filled).split("\n"), piece.lines)
        last = lines[-1].line if lines else self.line
        lines += [Line(text, last) for text in self._deletions(self.ends, variables, mortal)]
        found = (*inner.items(), *variables.items())
        return Inlined(lines, tuple((text, name) for name, text in found))

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset(use.name for use in self.uses if use.meaning == "local")

    @cached_property
    def _own(self) -> tuple[str, ...]:
        """The variables that are no parameters, first those that end with the body."""
        ending = (name for ends in (self.ends, *self.each) for name, _ in ends)
        found = (*ending, *(use.name for use in self.uses if use.meaning == "local"))
        return tuple(dict.fromkeys(name for name in found if name not in self.parameters))

    @cached_property
    def _inner(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(use.name for use in self.uses if use.meaning == "inner"))

    def _parameters(self, names: Names, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str], set[str]]:
        """Choose which parameters are the caller's variables, which are copied, and which end with the body."""
        unknown = given.keys() - {*self.parameters}
        if unknown:
            raise ValueError(f"{self.func.__name__} has no parameter {', '.join(sorted(unknown))}")
        variables: dict[str, str] = {}
        copies: dict[str, str] = {}
        mortal: set[str] = set()
        for name in (*given, *(one for one in self.parameters if one not in given)):
            value, constant = (given[name], False) if name in given else self._default(names, name)
            if value.isidentifier() and not keyword.iskeyword(value) and name not in self.rebound:
                variables[name] = value
            elif name in self._used or not constant:
                variables[name] = names.local(name)
                copies[name] = value
                if name in self.rebound or not constant:
                    mortal.add(name)
        return variables, copies, mortal

    def _default(self, names: Names, name: str) -> tuple[str, bool]:
        """Write the default of a parameter; say whether it is a constant."""
        named = (self.func.__kwdefaults__ or {}) if name in self.parameters[self.func.__code__.co_argcount :] else {}
        defaults = self.func.__defaults__ or ()
        position = self.parameters.index(name) - (self.func.__code__.co_argcount - len(defaults))
        if name in named:
            value, where = named[name], f"__kwdefaults__[{name!r}]"
        elif not named and 0 <= position < len(defaults):
            value, where = defaults[position], f"__defaults__[{position}]"
        else:
            raise ValueError(f"{self.func.__name__} has no default for its parameter {name}")
        text = literal(value)
        if text is not None:
            return text, True
        if self.path is None:
            raise ValueError(f"the default of parameter {name} of {self.func.__name__} cannot be reached")
        return names.bound(name, f"{names.module(self.module)}.{self.path}.{where}", value), True

    def _text(self, names: Names, use: Use, variables: Mapping[str, str], inner: Mapping[str, str]) -> str:
        if use.meaning != "global":
            return inner[use.name] if use.meaning == "inner" else variables[use.name]
        where = None if names.late_globals else self.homes.get(use.name)
        if where is not None:
            module = sys.modules.get(where[0])
            value = module if where[1] is None else getattr(module, "__dict__", {}).get(where[1])
            if value is self.func.__globals__[use.name]:
                return names.module(where[0]) if where[1] is None else names.home(where[0], where[1])
        return f"{names.module(self.module)}.{use.name}"

    def _end(self, end: End, filled: Sequence[str], sink: Sink) -> list[Line]:
        text = end.value.filled(filled)
        known = {filled[self.uses.index(use)]: self.func.__globals__[use.name] for use in end.globals}
        whole = "\n".join(sink(Returned(text, known)))
        first = whole[: max(whole.find(text), 0)].count("\n")
        lines = [end.line] * first + (end.value.lines if text in whole else [])
        return [
            Line(f"{end.space}{one}", lines[index] if index < len(lines) else end.line)
            for index, one in enumerate(whole.split("\n"))
        ]

    def _deletions(self, ends: Ends, variables: Mapping[str, str], mortal: set[str]) -> list[str]:
        """Write the end of the variables, in the order in which CPython ends them."""
        found: list[str] = []
        for name, certain in ends:
            if name in self.parameters and name not in mortal:
                continue
            text = variables[name]
            if not certain:
                found.append(f"{text} = None")
            elif found and found[-1].startswith("del ") and len(found[-1]) < _LONG:
                found[-1] += f", {text}"
            else:
                found.append(f"del {text}")
        return found


def template(subject: Subject, items: Sequence[Item], **facts: Any) -> Body:
    """Make a body of its rows."""
    uses: dict[Use, int] = {}
    pieces: list[Piece | End] = []
    rows: list[Row] = []
    for item in items:
        if isinstance(item, Exit):
            pieces += [_piece(rows, uses)] if rows else []
            rows = []
            value = _piece(item.rows or (Row(0, ("None",), item.line),), uses)
            known = tuple(use for row in item.rows for use in row.parts if isinstance(use, Use))
            pieces.append(End(_STEP * item.depth, value, _globals(known), item.line, item.number))
        else:
            rows.append(item)
    pieces += [_piece(rows, uses)] if rows else []
    return Body(subject.func, subject.module, uses=tuple(uses), pieces=tuple(pieces), **facts)


def _globals(uses: Iterable[Use]) -> tuple[Use, ...]:
    return tuple(dict.fromkeys(use for use in uses if use.meaning == "global"))


def _piece(rows: Sequence[Row], uses: dict[Use, int]) -> Piece:
    texts = [""]
    found: list[int] = []
    for index, row in enumerate(rows):
        texts[-1] += ("\n" if index else "") + _STEP * row.depth
        for part in row.parts:
            if isinstance(part, str):
                texts[-1] += part
            else:
                found.append(uses.setdefault(part, len(uses)))
                texts.append("")
    return Piece(texts, found, [row.line for row in rows])
