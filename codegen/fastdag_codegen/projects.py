"""What a project compiles: the ``[tool.fastdag]`` table of its ``pyproject.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastdag_typed.exceptions import OptionError

from .options import Options, check_keys, key_of, read_options

if TYPE_CHECKING:
    from pathlib import Path

_FILE: Final = "pyproject.toml"
_OWN: Final = ("target", "output")
_KEYS: Final = (*_OWN, *(key_of(field.name) for field in fields(Options)))


class Module(NamedTuple):
    """A module that a project compiles; what is a path starts from the folder of the project."""

    target: str
    output: str
    options: Options


class Project(NamedTuple):
    """The modules that a project compiles, and the folder that its paths start from."""

    folder: Path
    modules: tuple[Module, ...]


def find_project(start: Path) -> Project | None:
    """Read what the project around a folder compiles; ``None`` if no ``pyproject.toml`` there has such a table.

    Raises:
        OptionError: a file cannot be read, a key is unknown, or a value makes no sense.
    """
    for folder in (start, *start.parents):
        file = folder / _FILE
        if not file.is_file():
            continue
        place = str(file.relative_to(start)) if folder == start else str(file)
        tool = _read(file, place).get("tool")
        if isinstance(tool, dict) and "fastdag" in tool:
            return Project(folder, _modules(tool["fastdag"], f"{place}: tool.fastdag"))
    return None


def _read(file: Path, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{place} cannot be read: {error.strerror}", key="") from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise OptionError(f"{place} cannot be read: {error}", key="") from None


def _modules(table: Any, place: str) -> tuple[Module, ...]:
    check_keys(table, ("compile",), place)
    rows: object = table.get("compile", [])
    if not isinstance(rows, list):
        raise OptionError(f"{place}.compile is a list of tables: write [[tool.fastdag.compile]]", key="compile")
    return tuple(_module(row, f"{place}.compile[{number}]") for number, row in enumerate(rows))


def _module(row: Any, place: str) -> Module:
    check_keys(row, _KEYS, place)
    for key in _OWN:
        value = row.get(key)
        if not isinstance(value, str) or not value:
            what = "is missing" if value is None else f"is text, not {value!r}"
            raise OptionError(f"{place}.{key} {what}", key=key)
    options = {key: value for key, value in row.items() if key not in _OWN}
    return Module(row["target"], row["output"], read_options(options, place))
