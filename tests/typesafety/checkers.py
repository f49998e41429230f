"""Count what each type checker finds in the cases of this folder, and write the table of ``docs/checkers.md``.

``python -m tests.typesafety.checkers`` writes it, and ``test_checker_table.py`` says when it is out of date. Each
checker reads all cases at once, as modules of one folder. What the plugin missed or took for wrong is printed, and
that of every checker that is named: ``python -m tests.typesafety.checkers ty``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.typesafety.cases import HERE, Module, read_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PAGE: Final = HERE.parents[1] / "docs" / "checkers.md"
BEGIN: Final = "<!-- written by python -m tests.typesafety.checkers: begin -->"
END: Final = "<!-- written by python -m tests.typesafety.checkers: end -->"
PYTHON: Final = "3.11"
"""The version that is checked for, whichever one runs the checkers: what they find does not depend on it."""

Line = tuple[str, int]
"""A line of a file or module."""

Row = tuple[str, ...]


# -- checkers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checker:
    """A program that checks a folder; ``errors`` reads what it prints, ``title`` has the place of its version."""

    title: str
    program: str
    arguments: tuple[str, ...]
    config: tuple[str, str]
    errors: Callable[[str], Iterable[Line]]

    @property
    def version(self) -> str | None:
        """The version that is installed, if any is."""
        try:
            return version(self.program)
        except PackageNotFoundError:
            return None

    @property
    def head(self) -> str:
        """The head of its column."""
        return self.title.format(self.version or "-")

    def check(self, texts: dict[str, str]) -> set[Line]:
        """Find the lines of modules that have errors."""
        with tempfile.TemporaryDirectory(prefix="checkers-") as place:
            for name, text in [self.config, *((f"{name}.py", text) for name, text in texts.items())]:
                (Path(place) / name).write_text(text, encoding="utf-8")
            command = [str(Path(sys.executable).with_name(self.program)), *self.arguments]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{self.program} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return {(Path(file).stem, line) for file, line in self.errors(done.stdout)}


def _of_mypy(text: str) -> Iterator[Line]:
    for found in map(json.loads, text.splitlines()):
        if found["severity"] == "error":
            yield found["file"], found["line"]


def _of_pyright(text: str) -> Iterator[Line]:
    for found in json.loads(text)["generalDiagnostics"]:
        if found["severity"] == "error":
            yield found["file"], found["range"]["start"]["line"] + 1


def _of_ty(text: str) -> Iterator[Line]:
    for found in json.loads(text):
        if found["severity"] not in ("info", "minor"):
            yield found["location"]["path"], found["location"]["positions"]["begin"]["line"]


def _of_pyrefly(text: str) -> Iterator[Line]:
    for found in json.loads(text)["errors"]:
        if found["severity"] == "error":
            yield found["path"], found["line"]


_MYPY: Final = ("--python-version", PYTHON, "--output", "json", ".")
_STRICT: Final = (HERE / "mypy.ini").read_text(encoding="utf-8")
# Without the plugin, comments that ignore what it says are not needed.
_PLAIN: Final = f"{_STRICT.replace('plugins = fastdag_mypy', '')}warn_unused_ignores = false\n"

PLUGIN: Final = Checker("mypy {} with the plugin", "mypy", _MYPY, ("mypy.ini", _STRICT), _of_mypy)
CHECKERS: Final = (
    PLUGIN,
    Checker("mypy {}", "mypy", _MYPY, ("mypy.ini", _PLAIN), _of_mypy),
    Checker(
        "pyright (basedpyright {})",
        "basedpyright",
        ("--outputjson", "--pythonpath", sys.executable, "--pythonversion", PYTHON),
        ("pyrightconfig.json", '{"typeCheckingMode": "standard", "reportUnusedExpression": false}'),
        _of_pyright,
    ),
    Checker(
        "ty {}",
        "ty",
        ("check", "--output-format", "gitlab", "--python", sys.prefix, "--python-version", PYTHON),
        ("ty.toml", ""),
        _of_ty,
    ),
    Checker(
        "pyrefly {}",
        "pyrefly",
        ("check", "--output-format", "json", "--python-interpreter-path", sys.executable, "--python-version", PYTHON),
        ("pyrefly.toml", 'project-includes = ["*.py"]\n'),
        _of_pyrefly,
    ),
)
"""mypy in its strict mode, the others as they come; basedpyright brings pyright without fetching anything."""

# mypy 2.4.1 crashes on an inline option that names a code of a plugin that it does not have.
_CODES_OF_THE_PLUGIN: Final = re.compile(r"^# mypy: disable-error-code=.*$", re.MULTILINE)


# -- the table -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measurement:
    """The lines that every installed checker calls wrong, by the checker's title."""

    modules: dict[str, Module]
    errors: dict[str, set[Line]]

    def statements(self, checker: Checker) -> set[Line]:
        """Give the first lines of the statements that a checker calls wrong; what is in no statement does not count."""
        found = self.errors[checker.title]
        return {(name, self.modules[name].heads[line]) for name, line in found if line in self.modules[name].heads}

    def differences(self, checker: Checker) -> dict[str, list[str]]:
        """List the statements that a checker missed, and those that it calls wrong and are not."""
        found = self.statements(checker)
        wrong = {(name, line) for name, module in self.modules.items() for line in module.wrong}
        return {"missed": self._shown(wrong - found), "false": self._shown(found - wrong)}

    def _shown(self, lines: set[Line]) -> list[str]:
        return [f"{name}:{line}: {self.modules[name].text.splitlines()[line - 1]}" for name, line in sorted(lines)]

    def rows(self) -> list[Row]:
        """Make the table: its head, a row for each feature, and the sums."""
        head = "Feature", "right", "wrong", *(checker.head for checker in CHECKERS)
        features = sorted({module.feature for module in self.modules.values()})
        return [head, *(self._row(feature) for feature in features), self._row(None)]

    def _row(self, feature: str | None) -> Row:
        chosen = {name: module for name, module in self.modules.items() if feature in (None, module.feature)}
        right, wrong = (sum(len(part) for part in parts) for parts in _sides(chosen))
        return feature or "All", str(right), str(wrong), *(self._cell(checker, chosen) for checker in CHECKERS)

    def _cell(self, checker: Checker, chosen: dict[str, Module]) -> str:
        if checker.title not in self.errors:
            return "-"
        wrong = {(name, line) for name, module in chosen.items() for line in module.wrong}
        found = {(name, line) for name, line in self.statements(checker) if name in chosen}
        return f"{len(found & wrong)} of {len(wrong)}, {len(found - wrong)} false"


def _sides(modules: dict[str, Module]) -> tuple[list[set[int]], list[set[int]]]:
    return [module.right for module in modules.values()], [module.wrong for module in modules.values()]


def measure() -> Measurement:
    """Run every checker that is installed."""
    modules = read_modules()
    texts = {name: module.text for name, module in modules.items()}
    plain = {name: _CODES_OF_THE_PLUGIN.sub("#", text) for name, text in texts.items()}
    with ThreadPoolExecutor(2) as pool:
        jobs = {
            checker.title: pool.submit(checker.check, texts if checker is PLUGIN else plain)
            for checker in CHECKERS
            if checker.version is not None
        }
        return Measurement(modules, {title: job.result() for title, job in jobs.items()})


def read_page() -> list[Row]:
    """Read the table of the page."""
    block = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip("|").split("|") for line in block.splitlines() if line.startswith("| ")]
    return [tuple(cell.strip() for cell in row) for row in rows]


def write_page(rows: list[Row]) -> None:
    """Put a table into its place in the page.

    Raises:
        ValueError: the page has no place for it.

    """
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} has no place for the table, between {BEGIN} and {END}")
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    table = "\n".join([head, f"|---|--:|--:|{'---|' * len(CHECKERS)}", *body])
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Write the table, and print what the plugin and the checkers that are named got wrong."""
    missing = [checker.program for checker in CHECKERS if checker.version is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    measured = measure()
    write_page(measured.rows())
    for checker in CHECKERS:
        if checker is PLUGIN or checker.program in sys.argv[1:]:
            for what, places in measured.differences(checker).items():
                sys.stdout.writelines(f"{checker.head}: {what}: {place}\n" for place in places)


if __name__ == "__main__":
    main()
