"""What native code of a compiled module calls now and then: where it is not to run, and where a node failed."""

from __future__ import annotations

import sysconfig
import warnings
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from inspect import currentframe
from pathlib import Path
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from ..exceptions import StaleModuleWarning

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

_PYTHON: Final = "__fastdag_python__"
"""Where an extension keeps its Python form, once that is loaded."""
_ITSELF: Final = "<frame>"
"""What a frame is asked for itself by; no variable is called so."""


def extension(path: str | os.PathLike[str]) -> Path:
    """Give the file of the extension that a module has beside it, for the Python that runs now."""
    place = Path(path)
    return place.with_name(place.stem + sysconfig.get_config_var("EXT_SUFFIX"))


def source(built: str) -> Path:
    """Give the file that an extension was built from: beside it, with the same name."""
    path = Path(built)
    suffix = max((one for one in EXTENSION_SUFFIXES if path.name.endswith(one)), key=len, default="")
    return path.with_name(f"{path.name.removesuffix(suffix)}.py")


def digest(text: bytes) -> str:
    """Write in short what stands in a module, whatever ends its lines."""
    return "sha256:" + sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def text_of(module: ModuleType) -> str:
    """Give the file with the text of a compiled module, which an extension has beside it."""
    file = module.__file__ or f"{module.__name__}.py"
    return str(source(file)) if hasattr(module, "NATIVE") else file


def frame_of(module: ModuleType) -> tuple[str, str]:
    """Give the file and the name by which tracebacks show the outermost function of a compiled module."""
    if hasattr(module, "NATIVE"):
        return text_of(module), "walk"
    code: CodeType = module.walk.__code__
    return code.co_filename, code.co_name


def load_extension(path: str | os.PathLike[str], name: str) -> ModuleType | None:
    """Load the extension of a module, if it has one; with a ``StaleModuleWarning`` if that cannot run here.

    Args:
        path: the module.
        name: what the module is called.

    """
    place = Path(path).resolve()
    made = extension(place)
    if not made.is_file():
        others = sorted(one.name for kind in ("so", "pyd") for one in place.parent.glob(f"{place.stem}.*{kind}"))
        if others:
            _warn(place, f'"{others[0]}" was built for another Python or another system')
        return None
    known = digest(place.read_bytes())
    if known.encode() not in made.read_bytes():
        _warn(place, f'"{made.name}" was built from another text of {place.name}')
        return None
    own = f"{known.replace(':', '_')}.{place.stem}"  # an extension is loaded once by each name
    try:
        module = _executed(ExtensionFileLoader(own, str(made)), own)
    except ImportError as error:
        if error.path == str(made):
            _warn(place, f'"{made.name}" cannot be loaded ({error})')
        return None
    except (AttributeError, KeyError):  # the module itself says better what it does not find
        return None
    module.__name__ = name
    return module


def _executed(loader: ExtensionFileLoader | SourceFileLoader, name: str) -> ModuleType:
    spec = spec_from_loader(name, loader)
    assert spec is not None  # noqa: S101 - there is a loader
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def _warn(place: Path, what: str, *, stacklevel: int = 4) -> None:
    message = f"{what}, so {place.name} runs as Python instead. Build it again: fastdag compile --native {place.name}"
    warnings.warn(message, StaleModuleWarning, stacklevel=stacklevel)


def current(module: ModuleType) -> ModuleType:
    """Give the Python form of an extension that was not built from the text beside it; else what is given."""
    names = vars(module)
    return (instead(names, [], exact=True) if "NATIVE" in names else None) or module


def instead(module: dict[str, Any], fresh: list[Any], exact: bool) -> ModuleType | None:
    """Give what is to run in the place of native code, if anything.

    Args:
        module: the names in the extension.
        fresh: filled when it is known that the extension was built from the text beside it.
        exact: whether inputs are of the very classes that they are declared to be of, so that machine types hold them.

    """
    if fresh and exact:
        return None
    known: ModuleType | None = module.get(_PYTHON)
    place = source(module["__file__"])
    if not fresh and known is None:
        try:
            same = digest(place.read_bytes()) in module["NATIVE"].split()
        except OSError:  # without the text there is nothing to contradict
            same = True
        if same:
            fresh.append(True)
            return None if exact else instead(module, fresh, exact)
        _warn(place, f'"{Path(module["__file__"]).name}" was built from another text of {place.name}', stacklevel=3)
    if known is None:
        known = module[_PYTHON] = _executed(SourceFileLoader(module["__name__"], str(place)), module["__name__"])
    return known


def failed(
    module: dict[str, Any],
    values: Mapping[str, Any] | None,
    failure: Callable[..., BaseException],
    error: BaseException,
    rest: tuple[Any, ...],
) -> BaseException:
    """Make the error of a node that failed, once its traceback shows native code as if it were Python.

    Args:
        module: the names in the extension.
        values: the variables of the outermost function that had a value by then.
        failure: what makes the error out of what was raised and the ``rest``.
        error: what was raised; it is given back if it is no ``Exception``.
        rest: see ``failure``.

    """
    from .traces import related

    kept = dict(values or {})
    for one, _ in related(error):
        _mend(one, module, kept)
    if not isinstance(error, Exception):
        return error
    found = failure(error, *rest)
    found.__cause__ = error  # mypyc leaves out what follows ``from``
    return found


def caused(error: Any, cause: Any) -> BaseException:
    """Give what ``raise error from cause`` raises."""
    try:
        raise error from cause  # noqa: TRY301 - so that Python itself does what it does then
    except BaseException as made:  # noqa: BLE001 - whatever it is
        below = made.__traceback__
        return made.with_traceback(below.tb_next if below is not None else None)


def _mend(error: BaseException, module: dict[str, Any], values: dict[str, Any]) -> None:
    """Put frames of the text into the places of those of native code; the first has the values of variables."""
    file = str(source(module["__file__"]))
    entries: list[TracebackType] = []
    entry = error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    first = next((one for one in entries if _is_native(one, module, file)), None)
    if first is None:
        return
    made: TracebackType | None = None
    for one in reversed(entries):
        frame, place = one.tb_frame, one.tb_lasti
        if _is_native(one, module, file):
            frame, place = _frame(file, frame.f_code.co_name, module, values if one is first else {}), -1
        made = TracebackType(made, frame, place, one.tb_lineno)
    BaseException.with_traceback(error, made)


def _is_native(entry: TracebackType, module: dict[str, Any], file: str) -> bool:
    return entry.tb_frame.f_globals is module and entry.tb_frame.f_code.co_filename != file


def _frame(file: str, name: str, module: dict[str, Any], values: dict[str, Any]) -> FrameType:
    """Make a frame as a function of the module's text would have.

    Source: the idea of Jinja's ``jinja2.debug``, to run code that is made to look as if it stood somewhere else.
    """
    code = compile("itself()", file, "eval", dont_inherit=True)
    held = {**values, _ITSELF: currentframe}
    try:
        found: FrameType = eval(  # noqa: S307 - our own
            code.replace(co_name=name, co_qualname=name, co_names=(_ITSELF,)), module, held
        )
    finally:
        del held[_ITSELF]
    return found
