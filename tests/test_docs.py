"""Every code block of the README and of the pages in docs/ is executed, in order, as a reader would."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.typesafety.checkers import CHECKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.typesafety.checkers import Checker

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCES: Final = [ROOT / name for name in ("fastdag_typed", "codegen", "mypy_plugin")]
BLOCK: Final = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"fastdag(?:-[a-z]+)?")
FINDING: Final = re.compile(r"(\S+\.py):\d+: (?:error|warning|note): ")
ROW: Final = re.compile(r"^\| \[(fastdag-\w+)\]\(#\1\) \| [^|]+ \| (yes|no) \| (yes|when it runs) \|$", re.MULTILINE)
LINK: Final = re.compile(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)")
LONGEST: Final = 125

PAGES: Final = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
TYPES, ERRORS, TABLE = "type-checking.md", "errors.md", "checkers.md"
PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "python": ast.parse,
    "toml": tomllib.loads,
    "ini": lambda text: configparser.ConfigParser().read_string(text),
    "json": json.loads,
    "yaml": yaml.safe_load,
}
RUN_ALL: Final = "import runpy, sys; [runpy.run_path(name, run_name='__main__') for name in sys.argv[1:]]"


# -- reading ---------------------------------------------------------------------------------------------------------


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str) -> list[tuple[str, str, str]]:
    return BLOCK.findall(read(document))


class Page:
    """A page, written out into a folder: programs that are wrong are named so, or come as the edit that mends them."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        self.programs: dict[str, str] = {}
        self.commands: list[tuple[str, list[str]]] = []
        self.excerpts: list[tuple[str, list[str]]] = []
        self.write("mypy.ini", next(text for _, title, text in blocks(f"docs/{TYPES}") if title == "mypy.ini"))
        last = ""
        for language, title, text in blocks(f"docs/{name}"):
            if language == "console":
                self.commands += commands(text)
                continue
            if language == "py":
                self.excerpts.append((title, text.splitlines()))
                continue
            if language == "mermaid":
                self.commands.append((f"fastdag show {title}", text.splitlines()))
                continue
            assert title, f"a {language} block without a file name:\n{text}"
            last = mended(last, text) if language == "diff" else text
            PARSERS["python" if language == "diff" else language](last)
            self.write(title, last)
            if title.endswith(".py"):
                assert title not in self.programs, f"two programs are named {title}"
                self.programs[title] = last

    @property
    def right(self) -> list[str]:
        return [name for name in self.programs if not name.startswith("wrong")]

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def findings(self) -> dict[str, list[str]]:
        """List what the page says that mypy prints, by program."""
        shown = {command.removeprefix("mypy "): lines for command, lines in self.commands}
        return {name: shown.get(name, []) for name in self.programs}


def commands(console: str) -> Iterator[tuple[str, list[str]]]:
    """Read commands and what they print; a line that is indented goes on with the one before."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, re.sub(r"\n {4}", " ", printed).splitlines()


def mended(wrong: str, edits: str) -> str:
    """Edit a program; each edit says what stands there and what is to."""
    for edit in re.split(r"^@@\n", edits, flags=re.MULTILINE):
        lines = edit.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
        assert wrong.count(old) == 1, old
        wrong = wrong.replace(old, new)
    return wrong


def by_program(output: str) -> dict[str, list[str]]:
    """Sort what was printed about lines of programs."""
    found: dict[str, list[str]] = {}
    for line in output.splitlines():
        match = FINDING.match(line)
        if match:
            found.setdefault(match[1], []).append(line)
    return found


def shell(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(place), "MYPY_CACHE_DIR": str(place.parent / "cache")}
    return subprocess.run(  # noqa: S602 - the pages' own commands
        command, shell=True, cwd=place, env=env, capture_output=True, text=True, check=False, timeout=120
    )


def run_command(command: str, expected: list[str], place: Path) -> None:
    if command.startswith("pip install"):
        return  # it is what the environment of this test was made with
    result = shell(command, place)
    output = result.stdout + result.stderr
    fails = any(" error: " in line for line in expected)
    assert (result.returncode != 0) == fails, f"$ {command}\n{output}"
    for line in expected:
        assert line in output.splitlines(), f"$ {command}\n{output}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for pages, which have one cache of mypy's beside them."""
    return tmp_path_factory.mktemp("reader")


def open_page(name: str, place: Path) -> Page:
    folder = place / Path(name).stem
    folder.mkdir(exist_ok=True)
    return Page(name, folder)


# -- README ----------------------------------------------------------------------------------------------------------


def test_every_block_of_the_readme_does_what_it_shows(place: Path) -> None:
    folder = place / "readme"
    folder.mkdir()
    found = blocks("README.md")
    assert len(found) > 5
    for language, title, body in found:
        if language == "console":
            for command, expected in commands(body):
                run_command(command, expected, folder)
            continue
        assert title, f"a {language} block without a file name:\n{body}"
        (folder / title).write_text(body, encoding="utf-8")
        if language == "python" and title != "wrong.py":
            result = shell(f"python {title}", folder)
            assert result.returncode == 0, f"{title}:\n{result.stderr}"


def test_the_first_example_fits_on_a_screen() -> None:
    first = blocks("README.md")[0][2]
    assert len(first.strip().splitlines()) <= 20


# -- docs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in PAGES if name != TABLE])
def test_every_program_of_a_page_is_judged_as_it_shows_and_runs_if_it_is_right(name: str, place: Path) -> None:
    page = open_page(name, place)
    for command, _ in page.commands:
        if command.startswith("fastdag compile ") and " -o " in command:
            shell(command, page.folder)  # for the programs that import what it writes
    result = shell(f"mypy {' '.join(page.programs)}", page.folder)
    found = by_program(result.stdout)
    assert {program: found.get(program, []) for program in page.programs} == page.findings(), result.stderr
    result = shell(f'python -c "{RUN_ALL}" {" ".join(page.right)}', page.folder)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_a_page_prints_what_it_shows(name: str, place: Path) -> None:
    page = open_page(name, place)
    for command, expected in page.commands:
        if command.removeprefix("mypy ") not in page.programs:  # those are checked together
            run_command(command, expected, page.folder)


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_shows_of_a_compiled_module_stands_there(name: str, place: Path) -> None:
    page = open_page(name, place)
    for file, shown in page.excerpts:
        command = next(command for command, _ in page.commands if command.endswith(f" -o {file}"))
        assert shell(command, page.folder).returncode == 0
        lines = iter((page.folder / file).read_text(encoding="utf-8").splitlines())
        missing = [line for line in shown if line.strip() != "..." and line not in lines]
        assert missing == []


def test_hooks_and_jobs_find_nothing_in_a_right_program(place: Path) -> None:
    page = open_page(TYPES, place)
    hooks = yaml.safe_load((page.folder / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    job = yaml.safe_load((page.folder / ".github/workflows/types.yml").read_text(encoding="utf-8"))
    lines = [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]
    lines += [step["run"] for step in job["jobs"]["types"]["steps"] if "run" in step]
    assert len(lines) == 4
    for line in lines:
        run_command(line, [], page.folder)


def test_the_settings_for_pyright_leave_nothing_to_warn_of(place: Path) -> None:
    page = open_page(TYPES, place)
    result = shell(f"basedpyright --pythonpath {sys.executable} flow.py", page.folder)
    assert (result.stdout, result.returncode) == ("0 errors, 0 warnings, 0 notes\n", 0)


@pytest.mark.parametrize("checker", [one for one in CHECKERS if one.program != "mypy"], ids=lambda one: one.program)
def test_every_checker_finds_what_is_wrong_in_calls(checker: Checker, place: Path) -> None:
    if checker.version is None:
        pytest.skip(f"{checker.program} is not installed")
    page = open_page(TYPES, place)
    if checker.program == "pyright":
        checker = replace(checker, config=("pyproject.toml", (page.folder / "pyproject.toml").read_text()))
    chosen = [*page.right, "wrong_calls.py"]
    errors = [line.split(":") for line in page.findings()["wrong_calls.py"] if " error: " in line]
    expected = {(name.removesuffix(".py"), int(line)) for name, line, *_ in errors}
    assert checker.check({name.removesuffix(".py"): page.programs[name] for name in chosen}) == expected


# -- error codes -----------------------------------------------------------------------------------------------------


def codes_in_sources() -> set[str]:
    """Collect what is given as a code: texts that are arguments or defaults."""
    files = (path.read_text(encoding="utf-8") for folder in SOURCES for path in folder.rglob("*.py"))
    nodes = (node for text in files if CODE.search(text) for node in ast.walk(ast.parse(text)))
    return {text for node in nodes for text in _texts(node) if CODE.fullmatch(text)}


def _texts(node: ast.AST) -> Iterable[str]:
    given: list[Any] = []
    if isinstance(node, ast.Call):
        given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
    elif isinstance(node, ast.arguments):
        given = [*node.defaults, *node.kw_defaults]
    return [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def test_every_error_code_is_explained_and_no_other() -> None:
    text = read(f"docs/{ERRORS}")
    rows = [code for code, *_ in ROW.findall(text)]
    assert rows == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert {*rows, "fastdag"} == codes_in_sources()


def test_every_error_code_has_an_example_that_is_wrong_and_one_that_is_right() -> None:
    for section in re.split(r"^## ", read(f"docs/{ERRORS}"), flags=re.MULTILINE)[1:]:
        code = section.partition("\n")[0]
        found = BLOCK.findall(section)
        languages = [language for language, *_ in found]
        assert languages == ["python", "console", "diff"] * (len(found) // 3), code
        assert f"  [{code}]" in found[1][2], code


def test_each_error_code_is_found_by_whom_the_table_says(place: Path) -> None:
    page = open_page(ERRORS, place)
    wrong = [name for name in page.programs if name not in page.right]
    result = shell(f"fastdag check {' '.join(wrong)}", page.folder)
    printed = result.stdout.replace(": warning: ", ": error: ").splitlines()
    proved = {line for lines in page.findings().values() for line in lines}
    for code, plugin, check in ROW.findall(read(f"docs/{ERRORS}")):
        by_plugin, by_check = ({line for line in found if line.endswith(f"  [{code}]")} for found in (proved, printed))
        assert (bool(by_plugin), bool(by_check)) == (plugin == "yes", check == "yes"), code
        if by_plugin and by_check:
            assert by_plugin & by_check, code


# -- pages as texts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", *(f"docs/{name}" for name in PAGES)])
def test_links_lead_somewhere(document: str) -> None:
    for path, anchor in LINK.findall(BLOCK.sub("", read(document))):
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), path
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in headings}


@pytest.mark.parametrize("name", PAGES)
def test_lines_of_pages_are_not_too_long(name: str) -> None:
    lines = read(f"docs/{name}").splitlines()
    assert [line for line in lines if len(line) > LONGEST and not line.startswith("|")] == []
