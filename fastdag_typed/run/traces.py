"""Tracebacks of compiled code: for a body that was inlined they show the function that it was taken from."""

from __future__ import annotations

import ast
import sys
from bisect import bisect_right
from collections import deque
from contextlib import suppress
from inspect import CO_OPTIMIZED, currentframe
from operator import attrgetter, itemgetter
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ..diagnostic import Location
from .adoption import changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Inlined", "NodeNote", "attribute", "behind"]

Inlined = tuple[int, int, str, str, tuple[tuple[int, int], ...], tuple[tuple[str, str], ...]]
"""One inlined body: ``(first line, last line, node, "module:qualname", lines, names)``.

``lines`` are pairs of a line of the compiled module and the line of the source that it was made of; a line without one
does what the function did not do itself. ``names`` are pairs of a variable of the compiled module and the name of what
it holds in the function; of those for one name the last that is bound counts.
"""
_ITSELF: Final = "<frame>"
"""What a frame is asked for itself by; no variable is called so."""


class NodeNote(str):
    """A note on an error, that says no more than the error of the run: in which node it was raised."""

    __slots__ = ()
    says_where: Final = True
    """So that the error of the run leaves it out."""


def attribute(error: BaseException, inlined: Sequence[Inlined], file: str) -> None:
    """Have the traceback of an error show, for each inlined body, the function with its file, line and own names.

    Args:
        error: what was raised; its cause, its context and the members of a group are treated as it is.
        inlined: the bodies in a compiled module, by their first lines.
        file: ``co_filename`` of the functions of that module.

    A note names the node. What was done before is not done again. A body of which the source has changed since, or is
    not there, is only noted.

    Source: the idea of Jinja's ``jinja2.debug`` to run code that is made to look as if it stood in the template.
    """
    with suppress(Exception):  # a fault here must not hide the error
        bodies = _Reader(inlined, file).bodies(error)
        if bodies:
            _enter(error, bodies, {at: _frame(body) for at, body in bodies.items() if body.code is not None})
    del error  # the frames that are made know who called for them: without this they would keep each other alive


def behind(entry: TracebackType) -> TracebackType:
    """Give the entry of a traceback that another was put in the place of; any other as it is."""
    found: object = entry.tb_frame.f_trace
    return found if isinstance(found, TracebackType) else entry


class _Body(NamedTuple):
    """What an entry of compiled code stands for; without code it can only be noted."""

    entry: TracebackType
    note: NodeNote
    code: CodeType | None
    globals: dict[str, Any]
    locals: dict[str, Any]


class _Origin(NamedTuple):
    """A function as its module has it; ``first`` is its first line."""

    module: ModuleType
    file: str
    first: int | None


class _Reader:
    """Reads what frames of a compiled module stand for."""

    def __init__(self, inlined: Sequence[Inlined], file: str) -> None:
        self._inlined = inlined
        self._file = file
        self._origins: dict[str, _Origin | None] = {}

    def bodies(self, error: BaseException) -> dict[int, _Body]:
        """Read those in the tracebacks of an error and what led to it, by the ids of the entries."""
        found: dict[int, _Body] = {}
        for one, _ in related(error):
            for entry in _entries(one):
                at = bisect_right(self._inlined, entry.tb_lineno, key=itemgetter(0)) - 1
                if entry.tb_frame.f_code.co_filename == self._file and at >= 0:
                    row = self._inlined[at]
                    if entry.tb_lineno <= row[1]:
                        found[id(entry)] = self._body(entry, row)
        return found

    def _body(self, entry: TracebackType, row: Inlined) -> _Body:
        _, _, node, name, pairs, names = row
        frame, lines = entry.tb_frame, dict(pairs)
        if name not in self._origins:
            self._origins[name] = _origin(name, frame.f_globals.get("SOURCES", ()))
        origin, line = self._origins[name], lines.get(entry.tb_lineno)
        if origin is None or line is None:
            return _Body(entry, _note(node, self._file, entry.tb_lineno), None, {}, {})
        code, values, first = frame.f_code, _variables(frame), origin.first
        known = {name: values[variable] for variable, name in names if variable in values}
        # Of functions within functions there are only lambdas and comprehensions: all of their names are the body's.
        inside = [part for part in code.co_qualname.split(".<locals>.") if part.startswith("<")]
        if inside:
            first = lines.get(code.co_firstlineno)
            renamed = {variable for variable, _ in names}
            known |= {variable: value for variable, value in values.items() if variable not in renamed}
        qualname = ".<locals>.".join((name.partition(":")[2], *inside))
        code = _code(origin.file, qualname, line if first is None else min(first, line), line)
        return _Body(entry, _note(node, origin.file, line), code, vars(origin.module), known)


def _enter(error: BaseException, bodies: dict[int, _Body], frames: dict[int, FrameType]) -> None:
    """Put frames into the places of entries in tracebacks; add notes, but none to what only led to the error."""
    for one, is_own in related(error):
        entries = list(_entries(one))
        if any(id(entry) in frames for entry in entries):
            made: TracebackType | None = None
            for entry in reversed(entries):
                frame = frames.get(id(entry))
                if frame is None:
                    made = TracebackType(made, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
                else:
                    made = TracebackType(made, frame, frame.f_lasti, frame.f_lineno)
            BaseException.with_traceback(one, made)  # assigning is not possible to an error that is a frozen dataclass
        for note in [bodies[id(entry)].note for entry in entries if id(entry) in bodies] if is_own else ():
            with suppress(Exception):
                if note not in getattr(one, "__notes__", ()):
                    one.add_note(note)


def related(error: BaseException) -> Iterator[tuple[BaseException, bool]]:
    """List an error with the members of its group, then what led to these; each with whether it is one of the first."""
    pending, seen = deque([(error, True)]), set[int]()
    while pending:
        one, is_own = pending.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one, is_own
            pending.extendleft((other, False) for other in (one.__cause__, one.__context__) if other is not None)
            if isinstance(one, BaseExceptionGroup):
                pending.extend((member, is_own) for member in one.exceptions)


def _entries(error: BaseException) -> Iterator[TracebackType]:
    entry = error.__traceback__
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _origin(name: str, sources: Sequence[tuple[str, str, str]]) -> _Origin | None:
    """Find a function by ``module:qualname``; nothing if its module is not there, or its file is not as it was."""
    place, _, qualname = name.partition(":")
    module = sys.modules.get(place)
    if module is None or any(changed(*source) for source in sources if source[0] == place):
        return None
    found: Any = None
    with suppress(AttributeError):
        found = attrgetter(qualname)(module)
    code = getattr(getattr(found, "func", found), "__code__", None)  # a node may have taken the name of its function
    if isinstance(code, CodeType) and code.co_qualname == qualname:
        return _Origin(module, code.co_filename, code.co_firstlineno)
    file = getattr(module, "__file__", None)
    return None if file is None else _Origin(module, file, None)


def _note(node: str, file: str, line: int) -> NodeNote:
    return NodeNote(f"in node {node!r} ({Location(file, line)})")


def _variables(frame: FrameType) -> dict[str, Any]:
    """Read the variables of a function that was called; native code has none to read."""
    if not frame.f_code.co_flags & CO_OPTIMIZED:
        return {}
    values = frame.f_locals
    found = dict(values)
    if sys.version_info < (3, 13):
        values.clear()  # a copy, which the frame would keep, and with it the error that is being handled
    return found


def _code(file: str, qualname: str, first: int, line: int) -> CodeType:
    """Compile an expression that gives its own frame, as if it were in a function; it has no columns to point at."""
    at: dict[str, int] = {"lineno": line - first + 1, "col_offset": -1}
    at |= {"end_lineno": at["lineno"], "end_col_offset": -1}
    call = ast.Call(ast.Name(_ITSELF, ast.Load(), **at), [], [], **at)
    code = compile(ast.Expression(call), file, "eval", dont_inherit=True)
    name = qualname.rpartition(".")[2]
    return code.replace(co_name=name, co_qualname=qualname, co_firstlineno=first)


def _frame(body: _Body) -> FrameType:
    """Run the code of a body; its frame is not kept here, or it would lead back to itself."""
    body.locals[_ITSELF] = currentframe
    try:
        return _standing(body.entry, eval(cast("CodeType", body.code), body.globals, body.locals))  # noqa: S307 - our own
    finally:
        del body.locals[_ITSELF]


def _standing(entry: TracebackType, frame: FrameType) -> FrameType:
    """Have a frame that is done know what it stands for, in the one place that a frame has for anything."""
    frame.f_trace = cast("Any", entry)
    return frame
