"""The options of a compiled module: checked, written into it in one line, read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_codegen import Options, check, compile_target, differences, load, write
from fastdag_codegen.files import options_of, target_of
from fastdag_codegen.options import read_options
from fastdag_codegen.projects import find_project
from fastdag_typed import FastDagError, OptionError

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN = st.builds(
    Options,
    level=st.sampled_from([0, 1, 2]),
    mode=st.sampled_from(["sequential", "threads", "asyncio"]),
    instrument=st.booleans(),
    late_globals=st.booleans(),
    keep=st.none() | st.lists(st.text()).map(tuple),
    native=st.booleans(),
)


@given(CHOSEN)
def test_what_is_written_is_read_again_and_is_one_plain_line(chosen: Options) -> None:
    text = chosen.text()
    assert text.isascii()
    assert text.isprintable()
    assert read_options(json.loads(text or "{}"), "here") == chosen
    assert (text == "") == (chosen == Options())


def test_the_order_of_the_nodes_to_keep_does_not_matter() -> None:
    assert Options(keep=("b", "a", "b")) == Options(keep=("a", "b"))
    assert Options(keep=("b", "a"), mode="threads").text() == '{"keep": ["a", "b"], "mode": "threads"}'


@pytest.mark.parametrize(
    ("chosen", "key", "message"),
    [
        ({"level": 3}, "level", "level is 0, 1 or 2, not 3"),
        ({"level": True}, "level", "level is 0, 1 or 2, not True"),
        ({"mode": "async"}, "mode", "not 'async' (did you mean \"asyncio\"?)"),
        ({"mode": None}, "mode", 'mode is "sequential", "threads" or "asyncio", not None'),
        ({"late_globals": 1}, "late-globals", "late-globals is false or true, not 1"),
        ({"keep": "node"}, "keep", "keep is a list of names of nodes, not 'node'"),
        ({"keep": [1]}, "keep", "keep is a list of names of nodes, not [1]"),
    ],
)
def test_options_that_make_no_sense_are_refused(chosen: dict[str, Any], key: str, message: str) -> None:
    with pytest.raises(OptionError) as found:
        Options(**chosen)
    assert message in str(found.value)
    assert found.value.key == key
    assert isinstance(found.value, FastDagError)
    assert isinstance(found.value, ValueError)


def test_a_module_is_checked_with_the_options_that_it_was_compiled_with(tmp_path: Path) -> None:
    path = tmp_path / "flat.py"
    write(compile_target("flat_composed:sums"), path)
    chosen = Options(level=0, keep=tuple(load(path).run(1, 2))[:1], late_globals=True)
    text = compile_target("flat_composed:sums", chosen)
    write(text, path)
    assert check(path) == []
    assert (target_of(text, path), options_of(text, path)) == ("flat_composed:sums", chosen)
    other = compile_target("flat_composed:sums")
    assert differences(text, other) == [f"it was compiled with options {chosen.text()}, not {{}}"]
    assert differences(other, text) == [f"it was compiled with options {{}}, not {chosen.text()}"]
    assert options_of(other, path) == Options()
    elsewhere = compile_target("flat_etl:etl")
    assert differences(elsewhere, other) == ["it was compiled from flat_etl:etl, not from flat_composed:sums"]


def test_a_file_that_says_the_same_is_left_alone_and_a_link_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "flat.py", tmp_path / "link.py"
    write("old\n", path)
    link.symlink_to(path)
    before = path.stat()
    write("old\n", link)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write("new\n", link)
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["flat.py", "link.py"]


def test_the_nearest_project_with_a_table_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    table = '[[tool.fastdag.compile]]\ntarget = "{}:dag"\noutput = "flat.py"\nlevel = 2\n'
    (tmp_path / "pyproject.toml").write_text(table.format("outer"), encoding="utf-8")
    (inner / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    found = find_project(inner)
    assert found is not None
    assert (found.folder, found.modules[0][:2]) == (tmp_path, ("outer:dag", "flat.py"))
    assert found.modules[0].options == Options(level=2)
    (inner.parent / "pyproject.toml").write_text(table.format("middle"), encoding="utf-8")
    found = find_project(inner)
    assert found is not None
    assert found.modules[0].target == "middle:dag"
