"""Where a function is found again in another process: by the name of its module and its own name there."""

from __future__ import annotations

import pickle
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..unit import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

_SCRIPT: Final = ("__main__", "__mp_main__")  # the second is its name in a worker


class Home(NamedTuple):
    """A module, a name in it, and the file that the module is loaded from where it cannot be imported."""

    module: str
    name: str
    file: str | None


class HomelessError(pickle.PicklingError):
    """A function is found nowhere; the text says why."""


def home_of(func: Any) -> Home | None:
    """Give where a function is found again, also if a decorator put a node in its place; ``None``: it has no name.

    Raises:
        HomelessError: it has one, but is not found by it.

    """
    place, name = getattr(func, "__module__", None), getattr(func, "__qualname__", None)
    module = sys.modules.get(place) if isinstance(place, str) else None
    if module is None or not isinstance(name, str) or _inside(module, name) is not func:
        if isinstance(func, FunctionType):
            raise HomelessError(_why(func))
        return None
    if module.__name__ in _SCRIPT and not script_again():
        raise HomelessError("what is typed into a session is in no file")
    return Home(module.__name__, name, getattr(module, "__file__", None))


def _why(func: FunctionType) -> str:
    outer, _, last = func.__qualname__.rpartition(".<locals>.")
    if last == "<lambda>":
        return "it is a lambda"
    if outer:
        return f'it is made anew by each call of "{outer}"'
    return f'"{func.__module__}:{func.__qualname__}" is another one'


def _inside(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found.func if isinstance(found, Unit) else found


@cache
def find(home: Home) -> Any:
    """Find a function again.

    Raises:
        ImportError: there is no such module, or it has no such name.

    """
    found = _inside(_module(home), home.name)
    if found is None:
        raise ImportError(f'module "{home.module}" has no "{home.name}" when it is imported again')
    return found


def _module(home: Home) -> ModuleType:
    if home.module in _SCRIPT:
        import_script()
    found = sys.modules.get(home.module)
    if found is not None:
        return found
    try:
        spec = find_spec(home.module)
    except ImportError:
        spec = None
    if home.file is None or (
        spec is not None and spec.origin and Path(spec.origin).resolve() == Path(home.file).resolve()
    ):
        return import_module(home.module)
    spec = spec_from_file_location(home.module, home.file)
    if spec is None or spec.loader is None:
        raise ImportError(f'module "{home.module}" cannot be imported, and "{home.file}" is no Python file')
    module = sys.modules[home.module] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[home.module]  # as an import does, for the next one to begin anew
        raise
    return module


# -- the script that the program was started with --------------------------------------------------------------------

_again: dict[str, str] = {}
"""In a worker: how the script is imported, until it is."""


def script_again() -> dict[str, str]:
    """Say how a worker imports the script, in the words of ``multiprocessing.spawn.prepare``; empty: it cannot."""
    script = sys.modules["__main__"]
    name = getattr(getattr(script, "__spec__", None), "name", None)
    if name is not None:
        return {} if name.rpartition(".")[2] == "__main__" else {"init_main_from_name": name}
    file = getattr(script, "__file__", None)
    return {"init_main_from_path": str(Path(file).absolute())} if file else {}


def remember_script(words: Mapping[str, str]) -> None:
    """Note, in a worker, how the script is imported as soon as something of it is asked for."""
    _again.clear()
    _again.update(words)


def is_importing_script() -> bool:
    """Tell whether this is a worker that is just importing the script."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and getattr(process.current_process(), "_inheriting", False)


def import_script() -> None:
    """Import the script in a worker, once, under the name that ``if __name__ == "__main__":`` leaves out."""
    if not _again:
        return
    from multiprocessing import process, spawn

    words = dict(_again)
    _again.clear()
    here: Any = process.current_process()
    here._inheriting = True  # noqa: SLF001 - so ``multiprocessing`` says it: what now starts a process lacks that line
    try:
        spawn.prepare(words)
    except BaseException:
        _again.update(words)
        raise
    finally:
        del here._inheriting  # noqa: SLF001
