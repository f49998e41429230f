"""``fastdag run``: inputs, values, failures, times."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import COMMAND, Project

ADDITION = """
    from fastdag_typed import DAG

    dag = DAG("addition")

    @dag.node
    def half(x: int) -> float:
        return x / 2

    @dag.node
    def inverse(value: float, scale: float = 1.0) -> float:
        return scale / value

    half >> inverse
"""


def test_a_missing_input_says_how_it_is_given_here(project: Project) -> None:
    project.write("flow.py", ADDITION)
    found = project.fastdag("run", "flow")
    assert found.code == 2
    assert 'Input "x" is missing: node "half" requires it' in found.err
    assert "(give it as --input x=VALUE, a value of type int) [flow.py:6]" in found.err


def test_an_input_given_twice_is_refused(project: Project) -> None:
    project.write("flow.py", ADDITION)
    found = project.fastdag("run", "flow", "--input", "x=1", "--input", "x=2")
    assert found.code == 2
    assert 'Input "x" is given twice' in found.err


@pytest.mark.parametrize(("name", "text"), [("in.json", '{"x": 4, "scale": 8}'), ("in.yaml", "x: 4\nscale: 8\n")])
def test_inputs_come_from_a_document_and_the_command_line_goes_before_it(
    project: Project, name: str, text: str
) -> None:
    project.write("flow.py", ADDITION)
    project.write(name, text)
    assert project.fastdag("run", "flow", "--inputs", name).out == "4.0\n"
    assert project.fastdag("run", "flow", "--inputs", name, "--input", "scale=1").out == "0.5\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("in.json", '{"x": ', "in.json: line 1: not JSON"),
        ("in.json", '{"x": "4"}', "expects \"int\", but is given '4': Expected `int`, got `str`"),
        ("in.json", "[1]", "in.json: the inputs are a mapping from names to values, not a list"),
        ("in.json", '{"y": 4}', 'Unknown input "y"'),
        ("in.yaml", "x: [1\n", "in.yaml: line"),
        ("other.yaml", "", '"in.yaml" cannot be read: No such file or directory'),
    ],
)
def test_a_document_of_inputs_that_does_not_fit_is_refused(
    project: Project, name: str, text: str, message: str
) -> None:
    project.write("flow.py", ADDITION)
    project.write(name, text)
    found = project.fastdag("run", "flow", "--inputs", "in.yaml" if name == "other.yaml" else name)
    assert found.code == 2
    assert message in found.err


def test_one_name_for_ports_of_two_types_gives_each_its_own_value(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from fastdag_typed import DAG

        dag = DAG("two")

        @dag.node
        def words(key: str) -> str:
            return repr(key)

        @dag.node
        def number(key: int) -> str:
            return repr(key)
        """,
    )
    assert project.fastdag("run", "flow", "--input", "key=5").out == "{'words': \"'5'\", 'number': '5'}\n"


def test_a_node_that_raises_shows_the_users_frames_the_node_and_the_line(project: Project) -> None:
    project.write("flow.py", ADDITION)
    found = project.fastdag("run", "flow", "--input", "x=0", "--timings")
    assert (found.code, found.out) == (1, "")
    lines = found.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('flow.py", line 12, in inverse')
    assert "ZeroDivisionError: float division by zero" in lines
    assert 'flow.py:10: error: Node "inverse" failed: ZeroDivisionError: float division by zero  [fastdag-run]' in lines
    assert [line.split()[:3] for line in lines[-3:]] == [
        ["half", "0", "done"],
        ["inverse", "1", "failed"],
        ["total", "failed", lines[-1].split()[2]],
    ]


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_the_traceback_of_a_node_has_only_the_users_frames_in_every_mode(
    project: Project, mode: str, kind: str
) -> None:
    project.write(
        "flow.py",
        f"""
        from fastdag_typed import DAG

        dag = DAG("failing")

        def fail() -> int:
            try:
                return {{}}["key"]
            except KeyError as error:
                raise ValueError("no key") from error

        @dag.node
        {kind} start() -> int:
            return fail()
        """,
    )
    found = project.fastdag("run", "flow", "--mode", mode)
    assert found.code == 1
    frames = [line.strip() for line in found.err.splitlines() if line.strip().startswith("File ")]
    assert [frame.rpartition("in ")[2] for frame in frames] == ["fail", "start", "fail"]
    assert 'Node "start" failed: ValueError: no key' in found.err


def test_a_node_of_an_inner_workflow_that_raises_is_named_with_the_node_around_it(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from fastdag_typed import DAG

        inner = DAG("inner")
        dag = DAG("outer")

        @inner.node
        def deep() -> int:
            raise ValueError("too deep")

        dag.add_workflow("around", inner)
        """,
    )
    found = project.fastdag("run", "flow:dag")
    assert found.code == 1
    assert 'flow.py:7: error: Node "deep" in "around" failed: ValueError: too deep' in found.err


def test_an_invalid_workflow_is_not_run_and_every_error_is_said(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from fastdag_typed import DAG

        dag = DAG("wrong")

        @dag.node
        def number() -> int:
            return 1

        @dag.node
        def shout(text: str) -> str:
            return text

        @dag.node
        def sing(song: str) -> str:
            return song

        number >> [shout, sing]
        """,
    )
    found = project.fastdag("run", "flow")
    assert (found.code, found.out) == (1, "")
    errors = found.err.splitlines()
    assert 'flow.py:18: error: Node "number" returns "int", but input port "text" of "shout" expects "str"' in errors[0]
    assert 'input port "song" of "sing" expects "str"' in errors[1]


def test_json_holds_the_value_and_how_every_node_ran(project: Project) -> None:
    project.write("flow.py", ADDITION)
    found = project.fastdag("run", "flow", "--input", "x=4", "--json", "--results", "--timings")
    assert (found.code, found.err) == (0, "")
    document: dict[str, Any] = json.loads(found.out)
    assert document["workflow"] == "addition"
    assert document["value"] == 0.5
    assert document["results"] == {"half": 2.0, "inverse": 0.5}
    assert document["stop_reason"] == "completed"
    assert document["errors"] == []
    assert document["total_time"] > 0
    assert {name: (node["status"], node["order"], node["attempts"]) for name, node in document["nodes"].items()} == {
        "half": ("done", 0, 1),
        "inverse": ("done", 1, 1),
    }
    assert all(0 <= node["share"] <= 1 for node in document["nodes"].values())


def test_json_of_a_failed_run_says_what_failed(project: Project) -> None:
    project.write("flow.py", ADDITION)
    found = project.fastdag("run", "flow", "--input", "x=0", "--json")
    assert found.code == 1
    document = json.loads(found.out)
    assert (document["value"], document["stop_reason"]) == (None, "failed")
    assert 'Error in node "inverse"' in document["errors"][0]
    assert document["nodes"]["inverse"]["status"] == "failed"


def test_json_writes_what_it_can_hold_and_describes_the_rest(project: Project) -> None:
    project.write(
        "flow.py",
        """
        import datetime, enum
        from dataclasses import dataclass
        from pathlib import Path
        from typing import NamedTuple
        from fastdag_typed import DAG

        class Colour(enum.Enum):
            RED = 1

        class Pair(NamedTuple):
            left: int
            right: float

        @dataclass
        class Record:
            path: Path
            pair: Pair

        class Odd:
            def __repr__(self) -> str:
                raise RuntimeError

        dag = DAG("values")

        @dag.node
        def start():
            loop = []
            loop.append(loop)
            return [
                Record(Path("a"), Pair(1, float("nan"))), Colour.RED, {1, 1}, {(1, 2): "tuple", 3: None}, b"hi",
                datetime.date(2024, 1, 2), 10**30, 3j, Odd(), loop, "é", 10**5000,
            ]
        """,
    )
    found = project.fastdag("run", "flow", "--json")
    assert found.code == 0, found.err
    *plain, number, odd, loop, text, long = json.loads(found.out)["value"]
    assert plain == [
        {"path": "a", "pair": {"left": 1, "right": None}},
        1,
        [1],
        {"[1, 2]": "tuple", "3": None},
        "aGk=",
        "2024-01-02",
        10**30,
    ]
    assert number == {"type": "builtins.complex", "repr": "3j"}
    assert odd == {"type": "flow.Odd", "repr": "<Odd, whose repr raises RuntimeError>"}
    assert loop[0]["type"] == "builtins.list"
    assert text == "é"
    assert long["type"] == "builtins.int"


def test_quiet_prints_nothing_and_results_prints_every_node(project: Project) -> None:
    project.write("flow.py", ADDITION)
    assert project.fastdag("run", "flow", "--input", "x=4", "--quiet").out == ""
    assert project.fastdag("run", "flow", "--input", "x=4", "--results").out == "half: 2.0\ninverse: 0.5\n"


def test_a_result_is_printed_whatever_characters_it_has(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from fastdag_typed import DAG

        dag = DAG("characters")

        @dag.node
        def start() -> str:
            return "caf\u00e9 " + chr(0xDC80)
        """,
    )
    assert project.fastdag("run", "flow").out == "caf\u00e9 \\udc80\n"
    assert json.loads(project.fastdag("run", "flow", "--json").out)["value"] == "caf\u00e9 \\udc80"


def test_timings_lay_out_every_node_in_the_order_of_their_beginning(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from fastdag_typed import DAG

        dag = DAG("branches")

        @dag.condition
        def check(x: int) -> bool:
            return x > 0

        @dag.node
        def positive(x: int) -> str:
            return "positive"

        @dag.node
        def negative(x: int) -> str:
            return "negative"

        check.on_true >> positive
        check.on_false >> negative
        """,
    )
    found = project.fastdag("run", "flow", "--input", "x=-1", "--timings")
    assert found.out == "{'negative': 'negative'}\n"
    head, *rows = found.err.splitlines()
    assert head.split() == ["node", "order", "status", "start", "ms", "duration", "ms", "attempts", "share"]
    assert [row.split()[:3] for row in rows[:2]] == [["check", "0", "done"], ["negative", "1", "done"]]
    assert rows[2].split() == ["positive", "skipped"]
    assert rows[0].rstrip().endswith("%")
    assert len({len(row) for row in rows[:2]}) == 1


def test_a_state_machine_runs_and_a_limit_of_cycles_that_raises_is_an_error(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from fastdag_typed import FSM, FSMReturn

        def machine(**options) -> FSM:
            fsm = FSM("counter", **options)

            @fsm.state(is_initial=True)
            def count(context) -> FSMReturn[int]:
                return FSMReturn("count", context.cycle_count)

            return fsm

        stops = machine(max_cycles=3)
        raises = machine(max_cycles=3, on_max_cycles="raise")
        """,
    )
    assert json.loads(project.fastdag("run", "flow:stops", "--json").out)["stop_reason"] == "max_cycles"
    found = project.fastdag("run", "flow:raises")
    assert found.code == 1
    assert 'State machine "counter" stopped in state "count" after max_cycles=3 cycles' in found.err


BLOCKING = """
    import signal, threading
    from pathlib import Path
    from fastdag_typed import DAG

    class Thread(threading.Thread):
        def join(self, timeout=None) -> None:
            print("nothing more begins, and what runs is waited for", flush=True)
            super().join(timeout)

    threading.Thread = Thread
    signal.signal(signal.SIGINT, signal.default_int_handler)
    dag = DAG("blocking")

    @dag.node
    def before() -> int:
        return 1

    @dag.node
    def inside(x: int) -> int:
        print("inside", flush=True)
        Path("pipe").read_text()  # waits for somebody who writes
        return x

    @dag.node
    def after(x: int) -> int:
        return x

    before >> inside >> after
"""


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("sequential", 'Interrupted in "inside"; 1 of 3 nodes were done: before\n'),
        # A thread cannot be interrupted: what runs comes to its end, and nothing more begins.
        ("parallel", "Interrupted; 2 of 3 nodes were done: before, inside\n"),
    ],
)
def test_ctrl_c_ends_the_run_and_says_how_far_it_came(project: Project, mode: str, message: str) -> None:
    project.write("flow.py", BLOCKING)
    os.mkfifo(project.folder / "pipe")
    with subprocess.Popen(
        [*COMMAND, "run", "flow", "--mode", mode],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        process.send_signal(signal.SIGINT)
        if mode == "parallel":
            assert process.stdout.readline() == "nothing more begins, and what runs is waited for\n"
            (project.folder / "pipe").write_text("go on", encoding="utf-8")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", message)


def test_a_node_that_ends_the_program_sets_the_exit_code(project: Project) -> None:
    project.write(
        "flow.py",
        """
        import sys
        from fastdag_typed import DAG

        dag = DAG("ending")

        @dag.node
        def start() -> None:
            sys.exit(7)
        """,
    )
    assert project.fastdag("run", "flow").code == 7


def test_the_installed_program_runs_a_workflow_of_the_working_directory(project: Project) -> None:
    program = Path(sys.executable).with_name("fastdag")
    project.write("flow.py", ADDITION)
    done = subprocess.run(
        [program, "run", "flow", "--input", "x=4"], cwd=project.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0.5\n", "")
