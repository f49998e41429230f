"""How a module is compiled: chosen, remembered in the module, explained, compared; several modules at once."""

from __future__ import annotations

import json
import re
import sysconfig
from typing import TYPE_CHECKING

import pytest

from tests.c_compiler import needs_c_compiler

if TYPE_CHECKING:
    from .conftest import Project

FLOW = """
    from fastdag_typed import DAG

    dag = DAG("halves")

    @dag.node
    def half(x: int) -> float:
        return x / 2

    @dag.node
    def inverse(value: float) -> float:
        return 1 / value

    half >> inverse

    other = DAG("other")

    @other.node
    def twice(x: int) -> int:
        return 2 * x
"""


@pytest.fixture
def flows(project: Project) -> Project:
    project.write("flows.py", FLOW)
    return project


def header(project: Project, name: str) -> list[str]:
    lines = (project.folder / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("# fastdag-options: ")]


def options(project: Project, name: str) -> object:
    return [json.loads(line.removeprefix("# fastdag-options: ")) for line in header(project, name)]


# -- remembered ------------------------------------------------------------------------------------------------------


def test_options_are_kept_in_the_module_and_taken_again(flows: Project) -> None:
    chosen = ("-O0", "--mode", "sequential", "--keep", "half", "--keep", "inverse", "--late-globals")
    assert flows.fastdag("compile", "flows:dag", "-o", "flat.py", *chosen).code == 0
    assert options(flows, "flat.py") == [{"keep": ["half", "inverse"], "late-globals": True, "level": 0}]
    before = (flows.folder / "flat.py").read_bytes()
    for arguments in (("flat.py",), ("flat.py", "--check"), ("flows:dag", "-o", "flat.py", "--check")):
        found = flows.fastdag("compile", *arguments)
        assert (found.code, found.out) == (0, "flat.py is up to date\n")
    flows.write("flows.py", FLOW.replace("1 / value", "2 / value"))
    assert flows.fastdag("compile", "flat.py").out.startswith("flat.py: flows:dag, 2 nodes: ")
    assert (flows.folder / "flat.py").read_bytes() != before
    assert options(flows, "flat.py") == [{"keep": ["half", "inverse"], "late-globals": True, "level": 0}]
    assert flows.fastdag("compile", "flat.py", "-o", "copy.py").code == 0
    assert options(flows, "copy.py") == options(flows, "flat.py")


def test_what_is_said_changes_one_option_and_defaults_forget_all(flows: Project) -> None:
    assert flows.fastdag("compile", "flows:dag", "-o", "flat.py", "-O0", "--keep", "half").code == 0
    assert flows.fastdag("compile", "flat.py", "-O2").code == 0
    assert options(flows, "flat.py") == [{"keep": ["half"], "level": 2}]
    assert flows.fastdag("compile", "flat.py", "--defaults", "-O1").code == 0
    assert header(flows, "flat.py") == []


def test_a_module_of_another_workflow_gives_its_options_to_no_other(flows: Project) -> None:
    assert flows.fastdag("compile", "flows:dag", "-o", "flat.py", "-O0").code == 0
    stale = flows.fastdag("compile", "flows:other", "-o", "flat.py", "--check")
    assert (stale.code, stale.out) == (1, "flat.py is stale: it was compiled from flows:dag, not from flows:other\n")
    assert flows.fastdag("compile", "flows:other", "-o", "flat.py").code == 0
    assert header(flows, "flat.py") == []


def test_a_module_compiled_otherwise_is_stale(flows: Project) -> None:
    assert flows.fastdag("compile", "flows:dag", "-o", "flat.py", "-O0").code == 0
    found = flows.fastdag("compile", "flat.py", "--check", "-O2")
    assert found.code == 1
    assert found.out == 'flat.py is stale: it was compiled with options {"level": 0}, not {"level": 2}\n'


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('{"levle": 0}', 'flat.py: fastdag-options.levle is unknown (did you mean "level"?)'),
        ('{"level": "0"}', "flat.py: fastdag-options.level is 0, 1 or 2, not '0'"),
        ('{"level": 0', "flat.py: fastdag-options cannot be read, so the file was edited: "),
        ("[]", "flat.py: fastdag-options is a table of keys and values, not []"),
    ],
)
def test_options_that_this_version_does_not_know_are_refused(flows: Project, written: str, message: str) -> None:
    assert flows.fastdag("compile", "flows:dag", "-o", "flat.py", "-O0").code == 0
    file = flows.folder / "flat.py"
    file.write_text(file.read_text(encoding="utf-8").replace('{"level": 0}', written), encoding="utf-8")
    found = flows.fastdag("compile", "flat.py", "--check")
    assert (found.code, found.out) == (2, "")
    assert message in found.err
    assert flows.fastdag("compile", "flat.py", "--defaults").code == 0


def test_a_node_to_keep_that_does_not_exist_is_refused(flows: Project) -> None:
    found = flows.fastdag("compile", "flows:dag", "-o", "flat.py", "--keep", "hafl")
    assert (found.code, found.out) == (1, "")
    assert 'There is no node "hafl" to keep (did you mean "half"?)' in found.err
    assert not (flows.folder / "flat.py").exists()


@needs_c_compiler
def test_an_extension_is_built_beside_the_module_and_the_module_says_so(flows: Project) -> None:
    assert flows.fastdag("compile", "flows:dag", "-o", "flat.py", "--native").code == 0
    extension = flows.folder / f"flat{sysconfig.get_config_var('EXT_SUFFIX')}"
    assert extension.is_file()
    assert options(flows, "flat.py") == [{"native": True}]
    ran = flows.fastdag("run", "flat.py", "--input", "x=4")
    assert (ran.out, ran.err) == ("0.5\n", "")
    extension.unlink()
    assert flows.fastdag("compile", "flat.py", "--check").code == 0
    assert not extension.exists()
    assert flows.fastdag("compile", "flat.py").out == "flat.py is up to date\n"
    assert extension.is_file()


# -- looked at -------------------------------------------------------------------------------------------------------


def test_explaining_says_of_each_node_what_became_of_it_and_why_and_writes_nothing(flows: Project) -> None:
    found = flows.fastdag("compile", "flows:dag", "-o", "flat.py", "--explain", "-O0")
    assert (found.code, found.err) == (0, "")
    summary, head, *rows = found.out.splitlines()
    assert summary == "2 nodes: 2 called"
    assert head.split() == ["node", "where", "how", "reason"]
    assert [row.split()[:3] for row in rows] == [["half", "flows.py:6", "called"], ["inverse", "flows.py:10", "called"]]
    assert len({row.index("called") for row in (*rows, head.replace("how", "called"))}) == 1
    assert not (flows.folder / "flat.py").exists()


def test_several_targets_are_explained_one_after_the_other(flows: Project) -> None:
    found = flows.fastdag("compile", "flows:dag", "flows:other", "--explain", "-O0")
    assert re.findall(r"^flows:.*$", found.out, re.MULTILINE) == [
        "flows:dag: 2 nodes: 2 called",
        "flows:other: 1 node: 1 called",
    ]


def test_a_difference_is_shown_as_a_patch_that_makes_the_file_up_to_date(flows: Project) -> None:
    assert flows.fastdag("compile", "flows:dag", "-o", "flat.py").code == 0
    assert flows.fastdag("compile", "flat.py", "--diff").out == ""
    before = (flows.folder / "flat.py").read_text(encoding="utf-8")
    flows.write("flows.py", FLOW.replace("1 / value", "2 / value"))
    found = flows.fastdag("compile", "flat.py", "--diff", "--check")
    told, first, second, *lines = found.out.splitlines()
    assert (found.code, told) == (1, 'flat.py is stale: node "inverse" has changed')
    assert (first, second) == ("--- flat.py", "+++ flat.py")
    assert (flows.folder / "flat.py").read_text(encoding="utf-8") == before
    assert flows.fastdag("compile", "flat.py").code == 0
    after = (flows.folder / "flat.py").read_text(encoding="utf-8").splitlines()
    removed = [line[1:] for line in lines if line.startswith("-")]
    added = [line[1:] for line in lines if line.startswith("+")]
    assert removed
    assert set(removed) <= set(before.splitlines())
    assert set(added) <= set(after)


def test_a_file_that_does_not_exist_yet_differs_in_every_line(flows: Project) -> None:
    found = flows.fastdag("compile", "flows:dag", "-o", "flat.py", "--diff")
    first, second, _, *lines = found.out.splitlines()
    assert (found.code, first, second) == (1, "--- /dev/null", "+++ flat.py")
    assert all(line.startswith("+") for line in lines)
    assert not (flows.folder / "flat.py").exists()


# -- several ---------------------------------------------------------------------------------------------------------


def test_several_targets_go_to_a_file_each(flows: Project) -> None:
    found = flows.fastdag("compile", "flows:dag", "flows:other", "-o", "one.py", "-o", "two.py")
    assert (found.code, found.out, found.err) == (0, "", "")
    assert flows.fastdag("compile", "--check", "one.py", "two.py").out == (
        "one.py is up to date\ntwo.py is up to date\n"
    )
    flows.write("flows.py", FLOW.replace("2 * x", "3 * x"))
    found = flows.fastdag("compile", "--check", "one.py", "two.py")
    assert (found.code, found.out) == (
        1,
        'one.py is stale: flows.py has changed, but none of the nodes\ntwo.py is stale: node "twice" has changed\n',
    )


def test_nothing_is_written_if_one_of_several_targets_fails_and_each_failure_names_its_target(flows: Project) -> None:
    flows.write("bare.py", "from fastdag_typed import DAG\ndag = DAG('bare')\n")
    flows.write("raises.py", "1 / 0\n")
    targets = ("flows:dag", "bare", "flows:odd", "raises")
    found = flows.fastdag("compile", *targets, "-o", "a.py", "-o", "b.py", "-o", "c.py", "-o", "d.py")
    assert (found.code, found.out) == (2, "")
    told = [line for line in found.err.splitlines() if line.startswith("Target")]
    assert told == [f'Target "{target}" cannot be compiled:' for target in targets[1:]]
    assert 'Workflow "bare" has no nodes' in found.err
    assert '"flows" has no "odd"' in found.err
    assert "raises.py:1: error: " in found.err
    assert not [name for name in ("a.py", "b.py", "c.py", "d.py") if (flows.folder / name).exists()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flows:dag", "flows:other"), "several targets go to a file each"),
        (("flows:dag", "flows:other", "-o", "a.py"), "there are 2, and -o is given 1 times"),
        (("flows:dag", "flows:other", "-o", "a.py", "-o", "./a.py"), 'Both "flows:dag" and "flows:other" are to be'),
        (("flows:dag", "-o", "flows.py"), '"flows.py" is not a compiled module'),
        (("flows:dag", "-o", "."), '"." is not a file'),
        (("flows:dag", "--diff"), "--diff compares with a compiled module: name it with -o FILE"),
        (("flows:dag", "--native"), "--native builds an extension beside the module: name that with -o FILE"),
        (("flows:dag", "--mode", "thread"), "'thread' is not one of 'sequential', 'threads', 'asyncio'"),
    ],
)
def test_what_would_be_lost_or_is_unclear_is_refused(flows: Project, arguments: tuple[str, ...], message: str) -> None:
    found = flows.fastdag("compile", *arguments)
    assert (found.code, found.out) == (2, "")
    assert message in found.err
    assert (flows.folder / "flows.py").read_text(encoding="utf-8").startswith("\nfrom fastdag_typed import DAG")
    assert [file.name for file in flows.folder.glob("*.py")] == ["flows.py"]
