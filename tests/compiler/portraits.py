"""Values as text, such that two are the same exactly if nothing that a program can see tells them apart."""

from __future__ import annotations

from types import CellType, FunctionType, ModuleType, TracebackType
from typing import Any, Final

_SAME: Final = (int, str, float, complex, bool, bytes, type(None), type(...), range)
_OURS: Final = "in node "


class Portrait:
    """Draws values, with numbers for the objects that are met again."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[object] = []

    def of(self, value: object) -> str:
        """Draw one value."""
        if isinstance(value, _SAME) and type(value).__module__ == "builtins":
            return f"{type(value).__name__} {value!r}"
        if isinstance(value, ModuleType | type):
            return f"{type(value).__name__} {value.__name__}"
        known = self._seen.get(id(value))
        if known is not None:
            return f"@{known}"
        number = self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        return f"{type(value).__name__}@{number}({', '.join(self._parts(value))})"

    def _parts(self, value: Any) -> list[str]:
        if isinstance(value, BaseException):
            return [self.error(value)]
        if isinstance(value, dict):
            return [f"{self.of(key)}: {self.of(item)}" for key, item in value.items()]
        if isinstance(value, set | frozenset):
            return sorted(Portrait().of(item) for item in value)
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if isinstance(value, FunctionType):
            cells = [self.cell(cell) for cell in value.__closure__ or ()]
            return [value.__module__, value.__qualname__, *cells, self.of(value.__defaults__)]
        if hasattr(value, "__dict__"):
            return [f"{name}={self.of(item)}" for name, item in vars(value).items()]
        return []

    def cell(self, cell: CellType) -> str:
        """Draw what a variable of a closure holds, if it has a value yet."""
        try:
            return self.of(cell.cell_contents)
        except ValueError:
            return "empty"

    def error(self, error: BaseException | None) -> str:
        """Draw an exception with those behind it."""
        if error is None:
            return "-"
        if id(error) in self._seen and error in self._kept[:-1]:
            return f"@{self._seen[id(error)]}"
        self._seen.setdefault(id(error), len(self._seen))
        self._kept.append(error)
        notes = [note for note in getattr(error, "__notes__", ()) if not note.startswith(_OURS)]
        facts = [type(error).__qualname__, str(error), *map(self.of, error.args), *notes]
        # `raise ... from error` where `error` is handled makes it the context, too, which nothing shows.
        context = None if error.__context__ is error.__cause__ else error.__context__
        behind = f"cause {self.error(error.__cause__)} context {self.error(context)}"
        return f"{facts} {behind} {error.__suppress_context__}"


def places(traceback: TracebackType | None, file: str) -> list[tuple[str, int]]:
    """List the functions of a file that an error passed through, with the line in each."""
    found: list[tuple[str, int]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if code.co_filename == file:
            found.append((code.co_name, traceback.tb_lineno))
        traceback = traceback.tb_next
    return found
