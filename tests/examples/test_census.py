"""The census counts what is there, and a broken file breaks nothing."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdag_codegen
from examples.census import flow, imports
from examples.census.flow import dag
from examples.census.measure import count_lines, documented_of, failure_of, functions_of, imports_of, parse_source
from examples.census.model import Documented, Import, ImportGraph, Rank, Source
from fastdag_typed import ExecutionMetrics, Runner, WorkflowExecutionError

if TYPE_CHECKING:
    from fastdag_typed.workflow import Mode

# Every function ends in its complexity.
COMPLEXITIES = '''
def choice_3():
    "One comprehension, one choice."
    return [x for x in ()][0] if y else None


def branches_6(a, b):
    if a and b or a:
        return 1
    elif b:
        return 2
    while a:
        pass
    else:
        return 3


async def loops_6(things):
    async for one in things:
        try:
            pass
        except ValueError:
            pass
        except (KeyError, TypeError):
            pass
        finally:
            pass
    with open("x") as file, file:
        return {y for x in things for y in x}


def matches_4(value):
    match value:
        case 1 | 2:
            return 1
        case [x] if x:
            return 2
        case {"a": y} as z:
            return z, y
        case other:
            return other


class Outer:
    def method_2(self):
        def inner_3(a):
            return a or 1 or 2
        return lambda: inner_3 if self else None

    class Inner:
        def deep_1(self):
            """Text."""
'''


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(
        tmp_path / "shop",
        {
            "__init__.py": '"""A shop."""\n',
            "cart.py": '''\
                """Carts."""
                import json, os.path

                from . import stock
                from .money.coins import Coin  # a coin

                # Two lines
                # of comment.
                class Cart:
                    """A cart."""

                    def add(self, thing):
                        if thing and thing.price:
                            self.things.append(thing)

                    def _hidden(self): ...

                    def total(self):
                        """Add up."""
                        return """
                        many
                        """
                ''',
            "stock.py": "from .cart import Cart\nimport json\n\ndef count(): return 1\n",
            "money/__init__.py": "",
            "money/coins.py": "from ..stock import count\ndef Coin():\n    from ..cart import Cart\n    return Cart\n",
            "notes.txt": "no Python",
            "test/ignored.py": "def ignored(): ...\n",
            "__pycache__/ignored.py": "def ignored(): ...\n",
        },
    )


def census(root: Path, mode: Mode = "sequential", **inputs: object) -> tuple[ExecutionMetrics, str]:
    report = root.parent / "out" / "report.md"
    metrics = Runner(dag).run({"root": root, "report": report, **inputs}, mode)
    assert metrics.value.report == report
    return metrics, report.read_text(encoding="utf-8")


def cells(report: str, first: str) -> list[str]:
    """Find the one row of the report that begins with this cell."""
    [row] = [line for line in report.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_function_has_the_complexity_that_its_name_says() -> None:
    functions = functions_of(parse_source(Source("a.py", COMPLEXITIES)))
    assert [(one.name, one.complexity) for one in functions] == [
        (one.name, int(one.name.rpartition("_")[2])) for one in functions
    ]
    assert [one.name for one in functions] == [
        "choice_3",
        "branches_6",
        "loops_6",
        "matches_4",
        "Outer.method_2",
        "Outer.method_2.inner_3",
        "Outer.Inner.deep_1",
    ]


def test_a_function_is_as_long_as_its_lines() -> None:
    [first, *_] = functions_of(parse_source(Source("a.py", "\n@cache\ndef f():\n    x = 1\n\n    return x\n\n")))
    assert (first.line, first.length) == (3, 4)


@pytest.mark.parametrize(
    ("text", "code", "comment", "blank"),
    [
        ("", 0, 0, 0),
        ("\n\n", 0, 0, 2),
        ("x = 1", 1, 0, 0),
        ("x = 1  # why\n# more\n\n", 1, 1, 1),
        ('"""One\n\n# not a comment\n"""\n', 4, 0, 0),
        ("f(\n    # inside\n\n    1,\n)\n", 3, 1, 1),
        ("x = 1 + \\\n    2\n", 2, 0, 0),
        ("if x:\n\ty\n    # odd\n", 2, 1, 0),
    ],
)
def test_lines_are_counted_by_what_is_on_them(text: str, code: int, comment: int, blank: int) -> None:
    lines = count_lines(Source("a.py", text))
    assert (lines.code, lines.comment, lines.blank) == (code, comment, blank)


@given(st.lists(st.sampled_from(["x = 1", "# c", "", "y = '''", "'''", "f(", ")", "    z", "if q:"])))
def test_the_kinds_of_lines_add_up_to_all_lines(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    try:
        ast.parse(text)
    except SyntaxError:
        return
    assert count_lines(Source("a.py", text)).total == len(lines)


def test_public_definitions_are_counted_with_their_docstrings() -> None:
    found = documented_of(parse_source(Source("a.py", COMPLEXITIES)))
    # The module, four functions, Outer, method_2, Inner and deep_1; choice_3 and deep_1 have a text.
    assert (found.public, found.documented) == (9, 2)


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.py", "import x.y as z, w", {("x.y", False, True), ("w", False, True)}),
        ("p/a.py", "from x import y", {("x.y", False, True)}),
        ("p/a.py", "from . import y", {("p.y", True, True)}),
        ("p/__init__.py", "from .q import y", {("p.q.y", True, True)}),
        ("p/q/a.py", "from ..r import *", {("p.r.*", True, True)}),
        ("a.py", "from ... import y", {("y", True, True)}),
        ("p/q/r.py", "from .... import y", {("y", True, True)}),
        ("a.py", "def f():\n    import x", {("x", False, False)}),
        ("a.py", "try:\n    import x\nexcept E:\n    import y", {("x", False, True), ("y", False, True)}),
        ("a.py", "class C:\n    import x", {("x", False, True)}),
    ],
)
def test_imports_are_named_from_the_top_of_the_tree(path: str, text: str, found: set[tuple[str, bool, bool]]) -> None:
    listed = imports_of(parse_source(Source(path, text)))
    assert {(one.name, one.relative, one.eager) for one in listed} == found


def test_the_nested_workflow_runs_by_itself() -> None:
    found: ImportGraph = imports.graph.run(
        paths=["a.py", "b.py", "c/__init__.py", "c/d.py"],
        imports=[
            Import("a.py", "b.thing", relative=False, eager=True),
            Import("b.py", "a", relative=False, eager=False),
            Import("b.py", "c.d.thing", relative=False, eager=True),
            Import("c/d.py", "b", relative=False, eager=True),
            Import("c/d.py", "c.CONSTANT", relative=True, eager=True),
            Import("c/d.py", "json.decoder", relative=False, eager=True),
            Import("c/d.py", "MISSING", relative=True, eager=True),
            Import("c/__init__.py", "c.CONSTANT", relative=True, eager=True),
        ],
    )
    assert found == ImportGraph(
        links=5,
        inside=[Rank("b", 2), Rank("a", 1), Rank("c", 1), Rank("c.d", 1)],
        outside=[Rank("json", 1)],
        cycles=[["b", "c.d"]],
    )


@given(st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=4)))
def test_modules_are_in_one_group_if_they_reach_each_other(numbers: dict[int, list[int]]) -> None:
    targets = {str(start): [str(end) for end in ends] for start, ends in numbers.items()}
    reach = {name: {name} for name in [*targets, *(end for ends in targets.values() for end in ends)]}
    for _ in reach:
        for start, ends in targets.items():
            reach[start].update(*(reach[end] for end in ends))
    expected = {frozenset(other for other in reach[name] if name in reach[other]) for name in reach}
    groups = imports.strongly_connected(targets)
    assert {frozenset(group) for group in groups} == expected
    assert sum(map(len, groups)) == len(reach)


def test_the_numbers_of_the_report_are_those_of_the_tree(tree: Path) -> None:
    metrics, report = census(tree)
    assert metrics.value[1:] == (5, 5, 0)
    assert report.startswith("# Census of shop\n")
    assert cells(report, "files")[1] == "5"
    assert cells(report, "lines")[1] == str(1 + 22 + 4 + 0 + 4)
    assert cells(report, "lines of comment")[1:] == ["2", "6.5 %"]
    assert cells(report, "functions")[1] == "5"
    assert cells(report, "imported names")[1] == "8"
    # Five modules, Cart with add and total, count, Coin; two modules, Cart and total have a docstring.
    assert cells(report, "public definitions")[1] == "10"
    assert cells(report, "with a docstring")[1:] == ["4", "40.0 %"]
    assert cells(report, "1 to 5")[1:] == ["5", "100.0 %"]
    assert cells(report, "`Cart.add`")[1:] == ["`cart.py`", "12", "3", "3"]
    assert cells(report, "`cart`")[1] == "2"
    assert cells(report, "`json`")[1] == "2"
    assert "- `cart`, `money.coins`, `stock`" in report
    assert "Every file was measured in full." in report


def test_a_small_tree_gets_a_line_for_each_file(tree: Path) -> None:
    metrics, report = census(tree)
    assert metrics.executions["is_small"].branch is True
    assert metrics.executions["show_largest_files"].status == "skipped"
    assert cells(report, "`cart.py`")[1:] == ["22", "15", "3", "3", "4", "4", "3"]
    assert cells(report, "`money/__init__.py`")[1:] == ["0", "0", "0", "0", "0", "1", "0"]


def test_a_large_tree_gets_only_its_largest_files(tree: Path) -> None:
    metrics, report = census(tree, limit=4, top=2)
    assert metrics.executions["is_small"].branch is False
    assert metrics.executions["show_every_file"].status == "skipped"
    assert "The largest 2 of 5 files." in report
    assert report.index("`cart.py` | 22") < report.index("`money/coins.py` | 4")
    assert "`stock.py` |" not in report[report.index("## Files") :]


def test_a_tree_of_exactly_the_limit_is_small(tree: Path) -> None:
    assert census(tree, limit=5)[0].executions["is_small"].branch is True


def test_files_that_cannot_be_handled_are_counted_and_listed_with_the_reason(tree: Path) -> None:
    write(
        tree,
        {
            "bad/bytes.py": b"x = 1\ny = 2\nz = '\xff'\n",
            "bad/encoding.py": b"# coding: no-such-encoding\n",
            "bad/first.py": b"'\xff'\n",
            "bad/grammar.py": "print 'hello'\ndef lost(): ...\n",
            "bad/indent.py": "if x:\n        y\n    z\n",
            "bad/nested.py": "x = " + "(" * 300 + ")" * 300,
            "bad/long.py": "x = " + "+".join(["a"] * 20_000),
            "bad/open.py": "x = (1,\n",
        },
    )
    (tree / "bad" / "gone.py").symlink_to("nowhere.py")
    metrics, report = census(tree)
    listed = report[report.index("## Files not measured in full") :]
    assert metrics.value[1:] == (14, 5, 9)
    assert cells(report, "files not measured in full")[1:] == ["9", "64.3 %"]
    reasons = {
        "bytes": "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
        "encoding": "SyntaxError: unknown encoding: no-such-encoding",
        "first": "SyntaxError: invalid or missing encoding declaration |",
        "gone": "FileNotFoundError: No such file or directory |",
        "grammar": "SyntaxError: Missing parentheses in call to 'print'.",
        "indent": "IndentationError: unindent does not match any outer indentation level (line 3) |",
        "nested": "Error: too many nested parentheses (line 1) |",
        "long": "RecursionError: maximum recursion depth exceeded",
        "open": "TokenError: ",  # the parser says SyntaxError; the first stage that fails gives the reason
    }
    assert listed.count("\n| `bad/") == len(reasons)
    for name, reason in reasons.items():
        assert reason in cells(listed, f"`bad/{name}.py`")[1] + " |", name
    assert "lost" not in report
    assert str(tree) not in report


def test_a_file_with_null_bytes_is_refused_by_some_stage(tree: Path) -> None:
    write(tree, {"null.py": b"x = '\0'\n"})
    metrics, report = census(tree)
    assert metrics.value.broken == 1
    assert cells(report[report.index("## Files not") :], "`null.py`")


def test_an_error_without_a_text_is_told_by_its_name() -> None:
    assert failure_of("a.py", MemoryError()).reason == "MemoryError"


def test_a_file_name_cannot_break_the_tables_of_the_report(tree: Path) -> None:
    write(tree, {"a|b `c`\n.py": "def f(): ...\n", "d_e_.py": "print 1\n"})
    _, report = census(tree)
    assert r"| `a\|b 'c' .py` | 1 | 1 | 1 |" in report
    assert report.count("`d_e_.py`") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_a_file_name_that_is_no_text_is_written_as_escapes(tree: Path) -> None:
    (tree / os.fsdecode(b"\xff.py")).write_text("x = 1\n")
    _, report = census(tree)
    assert r"| `\udcff.py` | 1 |" in report


def test_an_empty_tree_gives_an_empty_report(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    metrics, report = census(tmp_path / "empty")
    assert metrics.value[1:] == (0, 0, 0)
    assert cells(report, "lines of code")[1:] == ["0", "-"]


def test_a_root_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkflowExecutionError, match=r'find_files.*nowhere" is not a folder') as raised:
        census(tmp_path / "nowhere")
    assert isinstance(raised.value.__cause__, NotADirectoryError)


def test_folders_to_skip_can_be_chosen(tree: Path) -> None:
    metrics, _ = census(tree, skip=("money", "__pycache__"))
    assert metrics.value[1:] == (4, 5, 0)


def test_every_mode_writes_the_same_bytes(tree: Path) -> None:
    assert census(tree)[1] == census(tree, "parallel")[1]


@pytest.mark.parametrize("limit", [4, 5])
def test_the_compiled_census_writes_the_same_bytes_on_both_branches(tree: Path, tmp_path: Path, limit: int) -> None:
    fastdag_codegen.write(fastdag_codegen.compile_target("examples.census.flow:dag"), tmp_path / "flat.py")
    compiled = fastdag_codegen.load(tmp_path / "flat.py").run(root=tree, limit=limit, report=tmp_path / "flat.md")
    assert compiled["save_report"].files == 5
    assert (tmp_path / "flat.md").read_text(encoding="utf-8") == census(tree, limit=limit)[1]


def test_what_the_compiler_merely_warns_of_is_no_failure(tree: Path) -> None:
    write(tree, {"warned.py": r"x = '\d'" + "\n"})
    assert census(tree)[0].value.broken == 0


def test_a_file_that_was_parsed_but_not_tokenized_gets_no_line() -> None:
    assert flow.join_files([], [], [], [Documented("a.py", 1, 0)]) == []


def test_files_are_listed_in_the_order_of_their_paths(tree: Path) -> None:
    assert flow.find_files(tree).paths == ["__init__.py", "cart.py", "money/__init__.py", "money/coins.py", "stock.py"]


def test_by_default_the_standard_library_is_measured() -> None:
    tree = flow.find_files()
    assert "json/decoder.py" in tree.paths
    assert not [path for path in tree.paths if path.startswith(("test/", "site-packages/"))]


def test_the_folder_works_wherever_it_is_copied(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(Path(flow.__file__).parent, tmp_path / "census", ignore=shutil.ignore_patterns("__pycache__"))
    program = f"from census.flow import dag, Path; print(dag.run(root=Path({str(tree)!r})).files)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("5\n", "")
    assert (tmp_path / "census.md").read_text(encoding="utf-8").startswith("# Census of shop\n")
