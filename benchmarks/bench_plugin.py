"""What the plugin adds to a cold mypy run, against mypy without it on the same program, in pairs.

Every run is a new process without a cache, and what counts is the processor time that it spends in its own code. Shown
are the median of the ratios, the lowest and the highest, that of the two fastest runs (what else the machine does only
ever adds), and the same of the program alone: less what mypy takes for typeshed and the library.

``FASTDAG_BENCH_ROUNDS`` sets how many pairs there are. With ``FASTDAG_BENCH_EXACT=1`` it is Valgrind that counts
instructions, once for each: it takes ten minutes and tells a thousandth from nothing, also on a machine that is busy.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from benchmarks import checked, checked_modules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.checked import Program

EXACT: Final = os.environ.get("FASTDAG_BENCH_EXACT", "") not in ("", "0")
ROUNDS: Final = 1 if EXACT else int(os.environ.get("FASTDAG_BENCH_ROUNDS", "5"))
COUNTING: Final = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
UNIT: Final = "G instructions" if EXACT else "s"
TITLES: Final = (
    "mypy, cold, with the plugin",
    "x control",
    "from",
    "to",
    "fastest",
    "alone",
    "control: mypy without it",
)
BASES: Final = {"library": checked.LIBRARY, "typeshed": checked.NOTHING}
CASES: Final[dict[str, tuple[str, Callable[[], Program]]]] = {
    "2,000 nodes in one module": ("library", lambda: checked.module(2000)),
    "100 modules of 20 nodes": ("library", lambda: checked_modules.project(100)),
    "4,000 functions without the library": ("typeshed", lambda: checked_modules.unrelated(4000)),
    "2,000 open inputs": ("library", lambda: checked.inputs(2000)),
    "1,000 nodes with 4,900 edges": ("library", lambda: checked.dense(1000)),
}
UNSHARED: Final = ("PYTHONDONTWRITEBYTECODE", "MYPYPATH", "MYPY_NUM_WORKERS", "MYPY_CACHE_DIR")
"""What would make it another measurement: both run as installed packages do, in one process."""

Checker = Literal["plain", "plugin"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a configuration for each of both, and see to it that all bytecode is written."""
    made = tmp_path_factory.mktemp("checked")
    (made / "plain.ini").write_text("[mypy]\nstrict = true\n")
    (made / "plugin.ini").write_text("[mypy]\nstrict = true\nplugins = fastdag_mypy\n")
    for name, program in BASES.items():
        write(made / name, program)
    cost(made / "library", "plugin", exact=False)
    return made


def write(place: Path, program: Program) -> None:
    """Write a program to a folder of its own."""
    place.mkdir()
    for name, text in program.items():
        (place / name).write_text(text)


def cost(place: Path, checker: Checker, *, exact: bool = EXACT) -> float:
    """Give what a run over a folder costs, in the unit of the measurement; it finds no error."""
    env = {name: value for name, value in os.environ.items() if name not in UNSHARED}
    env |= {"PYTHONHASHSEED": "0", "FASTDAG_MYPY_DEBUG": "1"}
    config = f"--config-file={place.parent / f'{checker}.ini'}"
    command = [*(COUNTING if exact else ()), sys.executable, "-m", "mypy", config, "--cache-dir=/dev/null", "."]
    with subprocess.Popen(
        command, cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = process.stdout.read() if process.stdout is not None else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    assert ": note:" not in said, said
    counted = re.search(r"I +refs: +([\d,]+)", said)
    return int(counted[1].replace(",", "")) / 1e9 if counted else usage.ru_utime


@cache
def base(place: Path) -> float:
    """Give what mypy costs for all that comes before a program."""
    return min(cost(place, "plain") for _ in range(1 if EXACT else 3))


@pytest.mark.benchmark(group="mypy without the plugin")
@pytest.mark.parametrize("what", CASES)
def bench_plugin(benchmark: Any, folder: Path, what: str) -> None:
    """Measure mypy with and without the plugin in turn, now the one first and now the other."""
    below, make = CASES[what]
    place = folder / what.replace(",", "").replace(" ", "-")
    write(place, make())
    subprocess.run([sys.executable, "main.py"], cwd=place, stdout=subprocess.DEVNULL, check=True)
    pairs: list[tuple[float, float]] = []

    def work() -> None:
        order: tuple[Checker, ...] = ("plain", "plugin") if len(pairs) % 2 else ("plugin", "plain")
        spent = {checker: cost(place, checker) for checker in order}
        pairs.append((spent["plain"], spent["plugin"]))

    benchmark.extra_info.update(what=what, nodes=1, control=False)
    benchmark.pedantic(work, rounds=ROUNDS)
    ratios = [ours / plain for plain, ours in pairs]
    before = base(folder / below)
    plain, ours = (min(column) for column in zip(*pairs, strict=True))
    figures = (median(ratios), min(ratios), max(ratios), ours / plain, (ours - before) / (plain - before))
    control = f"{plain:.2f} {UNIT}, of which {below} {before:.2f}"
    lines = [_row(what, *(f"{figure:.3f}" for figure in figures), control)]
    benchmark.extra_info["lines"] = [_row(*TITLES), *lines] if what == next(iter(CASES)) else lines


def _row(*cells: str) -> str:
    what, ratio, low, high, fastest, alone, control = cells
    return f"{what:<36} {ratio:>9} {low:>7} {high:>7} {fastest:>7} {alone:>7}   {control}"
