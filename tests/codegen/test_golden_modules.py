"""The text of compiled modules, kept beside the tests; set FASTDAG_WRITE_GOLDEN=1 to write it anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastdag_codegen import Options, compile_target, write

HERE = Path(__file__).parent
GOLDEN: dict[str, tuple[str, Options]] = {
    "around": ("flat_around:outer", Options()),
    "async": ("flat_async:site", Options()),
    "calls": ("flat_etl:etl", Options(level=0)),
    "composed": ("flat_composed:sums", Options()),
    "etl": ("flat_etl:etl", Options()),
    "instrumented": ("flat_routes:routes", Options(instrument=True)),
    "instrumented_machine": ("flat_machine:machine", Options(instrument=True)),
    "late": ("flat_etl:etl", Options(late_globals=True, keep=("report",))),
    "machine": ("flat_machine:machine", Options()),
    "names": ("flat_names:odd", Options()),
    "nested": ("flat_nested:outer", Options()),
    "pure": ("flat_pure:pure", Options(level=2, keep=("told",))),
    "routes": ("flat_routes:routes", Options()),
    "typed": ("flat_typed:typed", Options()),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_text_is_the_same_for_every_python_and_machine(name: str) -> None:
    kept = HERE / "golden" / f"{name}.py"
    text = compile_target(*GOLDEN[name])
    if os.environ.get("FASTDAG_WRITE_GOLDEN"):
        write(text, kept)
    assert text == kept.read_text(encoding="utf-8")


def test_every_kept_module_is_tested() -> None:
    assert {path.stem for path in (HERE / "golden").glob("*.py")} == set(GOLDEN)


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_text_does_not_depend_on_the_order_of_sets(seed: str) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(HERE / 'flows')!r})\n"
        "from fastdag_codegen import Options, compile_target\n"
        f"for one in {[*GOLDEN.values()]!r}: sys.stdout.write(compile_target(*one))\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == "".join((HERE / "golden" / f"{name}.py").read_text(encoding="utf-8") for name in GOLDEN)


def test_mypy_accepts_the_modules_strictly(pytestconfig: pytest.Config) -> None:
    cache = pytestconfig.cache.mkdir("mypy_of_golden_modules") if pytestconfig.cache else os.devnull
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}"),
            *sorted(map(str, (HERE / "golden").glob("*.py"))),
        ],
        env={**os.environ, "MYPYPATH": str(HERE / "flows")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_text_of_the_user_becomes_a_line_of_the_module() -> None:
    text = (HERE / "golden/names.py").read_text(encoding="utf-8")
    assert "\nline" not in text
    assert "\nraise SystemExit" not in text
    assert "\u202e" not in text
    assert text.count("{{ 7 * 7 }}") == text.count("{% raw %}") == 6


def test_a_module_says_nothing_of_this_machine() -> None:
    for path in (HERE / "golden").glob("*.py"):
        assert str(HERE) not in path.read_text(encoding="utf-8")
