"""Native code: a flat module built with mypyc into an extension beside it, which does the same.

The extension runs what holds exactly, and leaves the rest to the module: inputs that are not of the very classes that
they are declared to be of, and a text that was changed since (see ``fastdag_typed.run.native``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fastdag_typed.exceptions import CompileError

from ..files import read, target_of

_NEEDS: Final = "pip install 'fastdag-typed[native]'"
_NO_COMPILER: Final = (
    "To build native code, a C compiler must be installed: gcc or clang (apt install gcc, xcode-select --install), or "
    "the Visual C++ Build Tools"
)
_BUILD: Final = """
import os, sys
from mypy.errorcodes import error_codes
from mypyc.build import mypycify
from setuptools import setup

name, level = sys.argv[1:]
options = ["--config-file=", "--follow-imports=skip", "--ignore-missing-imports", "--no-site-packages"]
options += [f"--cache-dir={os.devnull}", "--no-color-output", "--no-error-summary"]
options += [f"--disable-error-code={code}" for code in error_codes if code != "syntax"]
made = mypycify([*options, f"{name}.py"], opt_level=level, debug_level="0")
for one in made:  # to be unequal to oneself, of which C compilers warn, is a test for nan
    one.extra_compile_args = [flag for flag in one.extra_compile_args if flag != "-Werror"]
setup(name=name, ext_modules=made, script_args=["--quiet", "build_ext", "--build-lib", "out", "--build-temp", "made"])
"""
"""No types are asked of what users wrote: what they know of values is found out here, and the rest is not believed."""


def build(path: str | os.PathLike[str], *, opt_level: int = 3) -> Path:
    """Build the extension of a compiled module, unless there is one that was built from the same text.

    Args:
        path: the module.
        opt_level: how much the C compiler does to make it quick, 0 to 3.

    Raises:
        CompileError: the file is not a compiled module, mypyc or a C compiler is missing, or one of them refuses it.
        OSError: the extension cannot be written.
    """
    from fastdag_typed.run.native import digest, extension

    from .text import Untranslatable, native_text

    place = Path(path)
    text = read(place)
    target_of(text, place)
    if not place.stem.isidentifier() or not place.stem.isascii() or place.stem in sys.stdlib_module_names:
        raise CompileError(
            f'"{place}" cannot be built: give it a name that can be imported and that no standard module has'
        )
    made = extension(place)
    try:
        by = f"mypy {version('mypy')}"
    except PackageNotFoundError:
        by = ""
    mark = f"fastdag-native {digest(text.encode())} -O{opt_level} {by}"
    if made.is_file() and mark.encode() in made.read_bytes():
        return made
    if not by or find_spec("mypyc") is None or find_spec("setuptools") is None:
        raise CompileError(f"To build native code, mypyc and setuptools must be installed: {_NEEDS}")
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC")  # there is none where it is Visual C++
    if compiler and shutil.which(compiler.split()[0]) is None:
        raise CompileError(_NO_COMPILER)
    try:
        native = native_text(text, place.name, f'NATIVE: Final = "{mark}"')
    except Untranslatable as error:
        where = f" (line {error.line})" if error.line else ""
        raise CompileError(f'"{place}" cannot be built: {error}{where}') from None
    with TemporaryDirectory(prefix="fastdag-native-") as folder:
        (Path(folder) / f"{place.stem}.py").write_text(native, encoding="utf-8", newline="\n")
        _run(place, folder, opt_level)
        beside = made.with_name(f".{made.name}.{os.getpid()}")
        try:
            shutil.copyfile(Path(folder) / "out" / made.name, beside)
            beside.replace(made)
        finally:
            beside.unlink(missing_ok=True)
    return made


def _run(place: Path, folder: str, opt_level: int) -> None:
    hidden = ("MYPYPATH", "MYPY_CONFIG_FILE_DIR", "PYTHONWARNINGS", "PYTHONSAFEPATH")
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-P", "-c", _BUILD, place.stem, str(opt_level)],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    said = f"{done.stdout}\n{done.stderr}"
    if "Microsoft Visual C++" in said:
        raise CompileError(_NO_COMPILER)
    if "Python.h" in said:
        raise CompileError("To build native code, the headers of Python must be installed (apt install python3-dev)")
    last = [line for line in said.splitlines() if "error" in line.lower()] or said.strip().splitlines() or ["nothing"]
    raise CompileError(f'"{place}" cannot be built, as mypyc or the C compiler says: {last[0].strip()}')
