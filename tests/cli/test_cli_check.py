"""``fastdag check``: each mistake in a wiring is said where it was made."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Project

HEAD = """\
from fastdag_typed import DAG

dag = DAG("demo")

@dag.node
def start(x: int) -> int:
    return x

@dag.node
def shout(text: str) -> str:
    return text
"""
"""Eleven lines; what follows begins in line 12."""


def test_a_valid_workflow_is_summed_up_with_its_open_inputs(project: Project) -> None:
    project.write("flow.py", f"{HEAD}\n@dag.node\ndef sized(flag: bool, size: float = 1.5) -> int: return 1\n")
    found = project.fastdag("check", "flow")
    assert (found.code, found.err) == (0, "")
    assert found.out == (
        "demo: 0 errors, 0 warnings; 3 nodes, 0 edges; open inputs: x: int, text: str, flag: bool, "
        "size: float (optional)\n"
    )


def test_what_a_run_can_check_only_in_part_is_noted(project: Project) -> None:
    project.write(
        "flow.py",
        "from collections.abc import Callable\n"
        f"{HEAD}\n@dag.node\ndef use(way: Callable[[int], str]) -> str: return way(1)\n",
    )
    found = project.fastdag("check", "flow")
    assert found.code == 0
    assert found.out.startswith(
        'note: a run checks input port "way" of "use" in part: "Callable[[int], str]" only as callable: what it takes '
        "and gives is seen when it is called\ndemo: 0 errors, 0 warnings; "
    )
    assert project.fastdag("check", "--strict", "flow").code == 0


@pytest.mark.parametrize(
    ("statement", "line", "message", "code"),
    [
        (
            "start >> shout",
            12,
            'Node "start" returns "int", but input port "text" of "shout" expects "str"',
            "fastdag-port",
        ),
        ('dag.connect("strat", "shout")', 12, 'has no node "strat" (did you mean "start"?)', "fastdag-name"),
        (
            'dag.connect("start", "shout", input="txt")',
            12,
            'Node "shout" has no input "txt" (did you mean "text"?)',
            "fastdag-name",
        ),
        (
            "@dag.node\ndef start(y: int) -> int:\n    return y\n",
            12,
            'Node "start" already exists (the first one is defined at flow.py:5; give one of them another name)',
            "fastdag-name",
        ),
        ("start >> start", 12, "This connection closes a cycle: start -> start", "fastdag-cycle"),
        ("dag.set_entrypoint('shot')", 12, 'Entrypoint "shot" is not a node', "fastdag-entrypoint"),
        ("start >> 5", 12, '"start" is connected to "int", which is not a node', "fastdag-wire"),
    ],
)
def test_a_mistake_is_said_at_the_line_where_it_was_made(
    project: Project, statement: str, line: int, message: str, code: str
) -> None:
    project.write("flow.py", f"{HEAD}{statement}\n")
    found = project.fastdag("check", "flow")
    assert (found.code, found.err) == (1, "")
    assert any(
        row.startswith(f"flow.py:{line}: error: ") and message in row and row.endswith(f"[{code}]")
        for row in found.out.splitlines()
    ), found.out
    assert " 0 warnings" in found.out.splitlines()[-1]


def test_the_texts_are_those_of_validate(project: Project) -> None:
    file = project.write("flow.py", f"{HEAD}start >> shout\n")
    (text,) = runpy.run_path(str(file))["dag"].validate()
    finding = project.fastdag("check", "flow").out.splitlines()[0]
    assert finding.partition("error: ")[2].rpartition("  [")[0] == text.rpartition(" [")[0]


def test_an_empty_workflow_is_an_error(project: Project) -> None:
    project.write("flow.py", "from fastdag_typed import DAG\ndag = DAG('bare')\n")
    found = project.fastdag("check", "flow")
    assert found.code == 1
    assert 'flow.py:2: error: Workflow "bare" has no nodes (add functions with @dag.node)  [fastdag-empty]' in found.out


UNTYPED = """
    from fastdag_typed import DAG

    dag = DAG("loose")

    @dag.node
    def start(x):
        return x
"""


def test_an_unannotated_function_is_a_warning_that_counts_only_when_strict(project: Project) -> None:
    project.write("flow.py", UNTYPED)
    found = project.fastdag("check", "flow")
    assert found.code == 0
    assert 'flow.py:6: warning: Node "start" has no type for "x"' in found.out
    assert found.out.endswith("loose: 0 errors, 1 warning; 1 node, 0 edges; open inputs: x\n")
    assert project.fastdag("check", "flow", "--strict").code == 1


def test_several_targets_are_checked_together(project: Project) -> None:
    project.write("good.py", HEAD)
    project.write("bad.py", f"{HEAD}start >> shout\n")
    found = project.fastdag("check", "good", "bad.py:dag", "good")
    assert found.code == 1
    assert found.out.count("demo: 0 errors") == 2
    assert found.out.count("demo: 1 error,") == 1


def test_json_lists_every_finding_with_its_data(project: Project) -> None:
    file = project.write("flow.py", f"{HEAD}start >> shout\n")
    project.write("loose.py", UNTYPED)
    found = project.fastdag("check", "flow", "loose", "--json")
    assert found.code == 1
    wrong, loose = json.loads(found.out)
    assert wrong == {
        "target": "flow",
        "code": "fastdag-port",
        "severity": "error",
        "message": 'Node "start" returns "int", but input port "text" of "shout" expects "str"',
        "hint": None,
        "file": str(file),
        "line": 12,
        "node": "shout",
        "port": "text",
    }
    assert (loose["target"], loose["severity"], loose["code"]) == ("loose", "warning", "fastdag-untyped")
    assert json.loads(project.fastdag("check", "flow:dag", "--json").out)[0]["target"] == "flow:dag"


def test_json_of_a_module_that_cannot_be_imported_is_a_list_too(project: Project) -> None:
    project.write("flow.py", "x = 1\nraise OSError('no licence')\n")
    found = project.fastdag("check", "flow", "--json")
    assert found.code == 1
    assert [(row["code"], row["line"]) for row in json.loads(found.out)] == [("fastdag-import", 2)]


# -- documents -------------------------------------------------------------------------------------------------------

DOCUMENT = """
    from fastdag_typed import DAG, WorkflowSerializer
    from functions import double, text

    dag = DAG("written")
    dag.add_node(double)
    dag.add_node(text)
    double >> text
    print(WorkflowSerializer.to_{form}(dag), end="")
"""
FUNCTIONS = """
    from fastdag_typed import Node

    def double(x: int) -> int:
        return 2 * x

    def text(x: int) -> str:
        return f"it is {x}"

    double, text = Node(double), Node(text)
"""


def document(project: Project, form: str) -> str:
    """Write a workflow as a document; give its name."""
    project.write("functions.py", FUNCTIONS)
    done = subprocess.run(
        [sys.executable, "-c", dedent(DOCUMENT.format(form=form))],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    (project.folder / f"plan.{form}").write_text(done.stdout, encoding="utf-8")
    return f"plan.{form}"


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_document_runs_with_the_modules_that_are_allowed(project: Project, form: str) -> None:
    name = document(project, form)
    found = project.fastdag("run", name, "--allow", "functions", "--input", "x=4")
    assert (found.code, found.out) == (0, "it is 8\n"), found.err


def test_a_document_whose_modules_are_not_allowed_is_refused_with_the_option_to_use(project: Project) -> None:
    found = project.fastdag("run", document(project, "yaml"), "--input", "x=4")
    assert found.code == 1
    assert "plan.yaml: line " in found.err
    assert 'importing from "functions" is not allowed' in found.err
    assert "A document takes functions only from modules that are named with --allow." in found.err


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("plan.yaml", "nodes: [a\n", "plan.yaml: line "),
        ("plan.yaml", "- 1\n", "plan.yaml: "),
        ("plan.json", "{", "plan.json: line 1: not JSON"),
        ("plan.json", "5", "plan.json: "),
    ],
)
def test_a_malformed_document_is_refused_with_its_line(project: Project, name: str, text: str, message: str) -> None:
    project.write(name, text)
    found = project.fastdag("check", name)
    assert (found.code, found.out) == (1, "")
    assert found.err.startswith(f"Error: {message}")


def test_a_document_that_cannot_be_read_is_refused(project: Project) -> None:
    (project.folder / "plan.yaml").mkdir()
    (project.folder / "latin.yaml").write_bytes(b"name: \xe9\n")
    folder, latin = project.fastdag("run", "plan.yaml"), project.fastdag("run", "latin.yaml")
    assert (folder.code, latin.code) == (2, 1)
    assert '"plan.yaml" cannot be read: Is a directory' in folder.err
    assert latin.err.startswith("Error: latin.yaml: ")
    assert "utf-8" in latin.err.lower()
