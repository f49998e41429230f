"""The text of compiled modules, kept beside the tests; set FASTDAG_WRITE_GOLDEN=1 to write it anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastdag_codegen import compile_target, write

HERE = Path(__file__).parent
TARGETS = {
    "async": "flat_async:site",
    "composed": "flat_composed:sums",
    "etl": "flat_etl:etl",
    "machine": "flat_machine:machine",
    "names": "flat_names:odd",
    "nested": "flat_nested:outer",
    "routes": "flat_routes:routes",
    "typed": "flat_typed:typed",
}


@pytest.mark.parametrize("name", TARGETS)
def test_the_text_is_the_same_for_every_python_and_machine(name: str) -> None:
    kept = HERE / "golden" / f"{name}.py"
    text = compile_target(TARGETS[name])
    if os.environ.get("FASTDAG_WRITE_GOLDEN"):
        write(text, kept)
    assert text == kept.read_text(encoding="utf-8")


def test_every_kept_module_is_tested() -> None:
    assert {path.stem for path in (HERE / "golden").glob("*.py")} == set(TARGETS)


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_text_does_not_depend_on_the_order_of_sets(seed: str) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(HERE / 'flows')!r})\n"
        "from fastdag_codegen import compile_target\n"
        f"for target in {sorted(TARGETS.values())!r}: sys.stdout.write(compile_target(target))\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    kept = {target: (HERE / "golden" / f"{name}.py").read_text(encoding="utf-8") for name, target in TARGETS.items()}
    assert done.stdout == "".join(kept[target] for target in sorted(kept))


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
