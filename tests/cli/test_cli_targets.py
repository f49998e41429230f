"""From what stands on the command line to a workflow."""

from __future__ import annotations

from textwrap import dedent

import pytest

from .conftest import Project

FLOW = """
    from fastdag_typed import DAG

    dag = DAG("first")

    @dag.node
    def start(x: int = 1) -> int:
        return x
"""


@pytest.mark.parametrize(
    "target",
    ["flows.one:dag", "flows.one", "flows/one.py:dag", "flows/one.py", "./flows/one.py", "flows.one:holder.inside"],
)
def test_a_workflow_is_found_by_module_and_by_file_with_and_without_its_name(project: Project, target: str) -> None:
    project.write("flows/__init__.py", "")
    project.write("flows/one.py", FLOW + "\n    class holder:\n        inside = dag\n")
    found = project.fastdag("run", target, "--input", "x=7")
    assert (found.code, found.out, found.err) == (0, "7\n", "")


def test_a_file_in_a_package_is_imported_in_its_package_also_from_another_folder(project: Project) -> None:
    project.write("lib/flows/__init__.py", "")
    project.write("lib/flows/parts.py", "FACTOR: int = 3\n")
    project.write(
        "lib/flows/two.py",
        """
        from fastdag_typed import DAG
        from .parts import FACTOR

        dag = DAG("second")

        @dag.node
        def start() -> int:
            return FACTOR
        """,
    )
    project.write("elsewhere/empty.txt", "")
    found = Project(project.folder / "elsewhere").fastdag("run", "../lib/flows/two.py")
    assert (found.code, found.out) == (0, "3\n")


def test_folders_of_the_user_called_like_parts_of_this_project_are_no_obstacle(project: Project) -> None:
    for folder in ("codegen", "mypy_plugin", "tests", "examples"):
        project.write(f"{folder}/__init__.py", "raise RuntimeError('imported by mistake')\n")
    project.write("flow.py", FLOW)
    found = project.fastdag("run", "flow:dag")
    assert (found.code, found.out) == (0, "1\n")
    assert project.fastdag("show", "flow:dag").code == 0


def test_a_module_with_two_workflows_asks_which_one_is_meant(project: Project) -> None:
    project.write("flow.py", FLOW + "\n    other = DAG('other')\n    again = other\n")
    found = project.fastdag("run", "flow")
    assert found.code == 2
    assert '"flow" has 2 workflows, so say which: "flow:dag", "flow:other"' in found.err


def test_a_workflow_imported_from_elsewhere_is_not_meant_where_the_module_makes_one(project: Project) -> None:
    project.write("parts.py", FLOW)
    project.write("flow.py", f"from parts import dag as inner\n{dedent(FLOW)}")
    assert project.fastdag("run", "flow", "--input", "x=5").out == "5\n"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("flow:dga", '"flow" has no "dga" (did you mean "dag"?)'),
        ("flow:start", '"flow:start" is a Node, not a workflow (workflows there: dag)'),
        ("flwo:dag", 'There is no module "flwo" (did you mean "flow"?)'),
        ("package.flwo", 'There is no module "package.flwo" (did you mean "package.flow"?)'),
        ("pakage.flow", 'There is no module "pakage" (did you mean "package"?)'),
        ("flow.dag", 'There is no module "flow.dag" (did you mean "flow:dag"?)'),
        ("flwo.py", 'There is no file "flwo.py" (did you mean "flow.py"?)'),
        ("plain.py", '"plain.py" has no workflow: make one with DAG(...) or FSM(...), or name where it is'),
        ("my.flow.py", '"my.flow.py" cannot be imported: a module\'s name has no dot, so rename the file'),
        ("lib/dataclasses.py", '"dataclasses.py" cannot be imported: module "dataclasses" is'),
        ("plan.yml", 'There is no file "plan.yml" (did you mean "plan.yaml"?)'),
        ("package/flow", 'There is no file "package/flow" (did you mean "package/flow.py"?)'),
        ("package/", '"package" is a folder: name a file in it'),
        ("./notes.txt", '"notes.txt" is neither a Python file nor a document in YAML or JSON'),
        (":dag", '":dag" names no module'),
        ("", '"" names no module'),
    ],
)
def test_a_target_that_leads_nowhere_is_refused_with_a_suggestion(project: Project, target: str, message: str) -> None:
    project.write("flow.py", FLOW)
    project.write("my.flow.py", FLOW)
    project.write("lib/dataclasses.py", FLOW)
    project.write("package/__init__.py", "")
    project.write("package/flow.py", FLOW)
    project.write("plain.py", "x = 1\n")
    project.write("plan.yaml", "")
    project.write("notes.txt", "")
    found = project.fastdag("check", target)
    assert found.code == 2
    assert message in found.err


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("import no_such_package\n", "ModuleNotFoundError: No module named 'no_such_package'", 1),
        ("x = 1\nraise OSError('no licence')\n", "OSError: no licence", 2),
        ("x = (\n", "SyntaxError: '(' was never closed", 1),
        ("import sys\nsys.exit('not today')\n", "SystemExit: not today", 2),
        ("import json\nx = 1\njson.loads('[')\n", "JSONDecodeError", 3),
    ],
)
def test_a_module_that_raises_when_imported_is_a_finding_at_the_users_line(
    project: Project, text: str, message: str, line: int
) -> None:
    project.write("flow.py", text)
    ran = project.fastdag("run", "flow:dag")
    assert ran.code == 1
    assert f'flow.py:{line}: error: Module "flow" cannot be imported: {message}' in ran.err
    assert f'flow.py", line {line}' in ran.err  # the user's own traceback
    assert "importlib" not in ran.err
    checked = project.fastdag("check", "flow:dag")
    assert checked.code == 1
    assert f'flow.py:{line}: error: Module "flow" cannot be imported: {message}' in checked.out
