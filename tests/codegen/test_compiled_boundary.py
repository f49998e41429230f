"""Compiled modules check what comes from outside, and what no type proved, as the runner does."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, TypedDict

import pytest

from fastdag_codegen import compile_target
from fastdag_typed import (
    DAG,
    FSM,
    ConditionalReturn,
    ExecutionConfig,
    FSMReturn,
    InputError,
    Node,
    Runner,
    WorkflowExecutionError,
)
from fastdag_typed.exceptions import PortTypeError
from fastdag_typed.policies.retry import RetryStrategy

OFF = ExecutionConfig(validate="off")


class Movie(TypedDict):
    title: str
    years: list[int]


@dataclass
class Record:
    size: int


class Counted(Sequence[int]):
    """Counts how often it is looked at."""

    looks = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        if index == 0:
            self.looks += 1
        return [1, 2, 3][index]


def failure(run: Any) -> tuple[Any, ...]:
    """Tell everything about the error that a run ends with."""
    with pytest.raises(WorkflowExecutionError) as caught:
        run()
    cause = caught.value.__cause__
    return type(caught.value), str(caught.value), caught.value.node_name, type(cause), str(cause), vars(cause or object)


def agrees(flat: Any, made: Any, workflow: Any, inputs: dict[str, Any]) -> str:
    """Hold the error of the workflow against those of its compiled module, run directly and by a runner."""
    module = flat(made(workflow))
    expected = failure(lambda: Runner(workflow).run(inputs))
    assert failure(lambda: Runner(module).run(inputs)) == expected
    assert failure(lambda: module.run(**{module.INPUTS[name]: value for name, value in inputs.items()})) == expected
    return str(expected[1])


def inputs_of_every_kind() -> DAG:
    dag = DAG("inputs")

    @dag.node
    def take(
        number: int,
        name: str | None,
        path: Path,
        values: Sequence[int] = (),
        movie: Movie | None = None,
        record: Record | None = None,
        anything: Any = None,
        odd: int = "no number",
    ) -> tuple[Any, ...]:
        return number, name, path, movie, record, anything, odd

    return dag


RIGHT: dict[str, Any] = {"number": 1, "name": None, "path": Path("a")}


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "a"},
        {"number": 1.0},
        {"name": 3, "number": None},
        {"path": "a"},
        {"values": [1, "a"]},
        {"movie": {"title": "a", "years": ["b"]}},
        {"record": Record("a")},
        {"odd": "a number"},
        {"number": "a", "name": 3, "path": "a", "values": "ab", "movie": {}, "record": {}, "odd": None},
    ],
)
def test_inputs_are_refused_in_the_same_words(flat: Any, made: Any, wrong: dict[str, Any]) -> None:
    module, workflow = flat(made(inputs_of_every_kind())), inputs_of_every_kind()
    with pytest.raises(InputError) as expected:
        Runner(workflow).run({**RIGHT, **wrong})
    for run in (lambda: module.run(**{**RIGHT, **wrong}), lambda: Runner(module).run({**RIGHT, **wrong})):
        with pytest.raises(InputError) as found:
            run()
        assert str(found.value) == str(expected.value)
        assert found.value.diagnostics == expected.value.diagnostics
        assert [vars(one) for one in found.value.violations] == [vars(one) for one in expected.value.violations]


@pytest.mark.parametrize(
    "right",
    [
        {},
        {"number": True, "name": "a", "values": [1, 2], "movie": {"title": "a", "years": []}, "record": Record(1)},
        {"values": range(3), "anything": object(), "odd": 3},
        {"odd": "no number"},
    ],
)
def test_inputs_that_are_right_are_taken(flat: Any, made: Any, right: dict[str, Any]) -> None:
    module = flat(made(inputs_of_every_kind()))
    values = {**dict.fromkeys(["movie", "record", "anything"]), "odd": "no number", **RIGHT, **right}
    names = ("number", "name", "path", "movie", "record", "anything", "odd")
    assert module.run(**{**RIGHT, **right}) == {"take": tuple(values[name] for name in names)}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_value_that_no_type_proved_is_refused_in_the_same_words(flat: Any, made: Any, is_async: bool) -> None:
    dag, called = DAG("edges"), list[Any]()

    def take(movie: Movie, *rest: int, key: str) -> str:
        called.append(movie)
        return movie["title"]

    async def take_later(movie: Movie, *rest: int, key: str) -> str:
        await asyncio.sleep(0)
        return take(movie, *rest, key=key)

    node = dag.add_node(Node(take_later if is_async else take, "take"))
    for port, place in (("movie", 0), ("*0", 1), ("key", 2)):
        dag.connect(dag.add_node(Node(lambda x, n=place: x[n], f"give{place}")), node, input=port)
    assert 'node "give0"' in agrees(flat, made, dag, {"x": [{"title": "a", "years": [None]}, 1, "k"]})
    assert 'node "give1"' in agrees(flat, made, dag, {"x": [{"title": "a", "years": []}, "1", "k"]})
    assert 'node "give2"' in agrees(flat, made, dag, {"x": [{"title": "a", "years": []}, 1, 2]})
    assert called == []
    module = flat(made(dag))
    assert module.run([{"title": "a", "years": [1]}, 1, "k"])["take"] == "a"
    assert Runner(module).run({"x": [{"title": "a", "years": [1]}, 1, "k"]}).value == "a"


def test_branches_and_joins_are_the_same(flat: Any, made: Any) -> None:
    dag = DAG("branches")

    @dag.condition
    def check(value) -> ConditionalReturn:
        return ConditionalReturn(isinstance(value, int), value)

    @dag.any
    def join(yes: int, no: str) -> Any:
        return yes, no

    check.on_true >> join
    check.on_false >> join
    module = flat(made(dag))
    assert [module.run(value)["join"] for value in (1, "a")] == [(1, None), (None, "a")]
    assert 'Input port "no" of "join" expects "str"' in agrees(flat, made, dag, {"value": 1.5})


def test_a_state_machine_is_the_same(flat: Any, made: Any) -> None:
    fsm = FSM("machine")

    @fsm.state(is_initial=True)
    def begin(number):
        return FSMReturn("last", number)

    @fsm.state(is_final=True)
    def last(seen: int) -> int:
        return seen

    module = flat(made(fsm))
    assert module.run(3) == {"begin": 3, "last": 3}
    with pytest.raises(WorkflowExecutionError, match="but the state before gave \"str\": 'a'"):
        module.run("a")  # without a run there is nobody to ask which one that was
    expected = failure(lambda: Runner(fsm).run({"number": "a"}))
    assert failure(lambda: Runner(module).run({"number": "a"})) == expected
    assert expected[2:4] == ("last", PortTypeError)


def test_a_nested_workflow_is_the_same(flat: Any, made: Any) -> None:
    inner, dag = DAG("inner"), DAG("outer")

    @inner.node
    def double(x: int) -> int:
        return 2 * x

    @dag.node
    def know(value: int) -> int:
        return value

    dag.add_node(Node(lambda other: other, "loose")) >> dag.add_workflow("doubted", inner)
    know >> dag.add_workflow("proved", inner)
    module = flat(made(dag))
    assert module.run(value=2, other=3) == {"loose": 3, "doubted": 6, "know": 2, "proved": 4}
    assert 'Input port "x" of "doubted" expects "int"' in agrees(flat, made, dag, {"value": 2, "other": "3"})


def test_the_inputs_are_looked_at_once(flat: Any, made: Any) -> None:
    dag = DAG("once")

    @dag.node
    def take(values: Sequence[int]) -> int:
        return len(values)

    module = flat(made(dag))
    directly, by_runner = Counted(), Counted()
    module.run(directly)
    Runner(module).run({"values": by_runner})
    assert (directly.looks, by_runner.looks) == (1, 1)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_runner_may_leave_the_checks_of_values_out_also_of_nested_workflows(
    flat: Any, made: Any, is_async: bool
) -> None:
    inner, dag, attempts = DAG("inner"), DAG("outer"), list[Any]()

    def take(value: int) -> Any:
        attempts.append(value)
        if len(attempts) == 1:
            raise KeyError(value)
        return value

    async def take_later(value: int) -> Any:
        return take(value)

    inner.add_node(Node(lambda text: text, "loose")) >> inner.add_node(
        Node(take_later if is_async else take, "take", policies=[RetryStrategy(1, delay=0)])
    )
    (
        dag.add_workflow("inside", inner)
        >> dag.add_node(Node(lambda more: more, "again"))
        >> dag.add_workflow("last", inner)
    )
    module = flat(made(dag))
    assert Runner(module, OFF).run({"text": "a"}).value == "a"
    assert attempts == ["a", "a", "a"]  # the other policies are there
    assert 'Input port "value" of "take" expects "int"' in failure(lambda: Runner(module).run({"text": "a"}))[4]
    assert Runner(module, OFF).run({"text": "a"}).value == "a"


def test_a_runner_may_leave_the_checks_of_a_state_machine_out(flat: Any, made: Any) -> None:
    fsm = FSM("machine")

    @fsm.state(is_initial=True)
    def begin(number):
        return FSMReturn("last", number)

    @fsm.state(is_final=True)
    def last(seen: int) -> Any:
        return seen

    assert Runner(flat(made(fsm)), OFF).run({"number": "a"}).value == "a"


def test_compiled_code_within_a_node_checks_what_the_run_around_checks(flat: Any, made: Any) -> None:
    dag, outer = DAG("compiled"), DAG("outer")
    dag.add_node(Node(lambda value: value, "loose")) >> dag.add_node(Node(Record, "take"))

    @dag.node
    def whole(other: int) -> Any:
        return other

    module = flat(made(dag))

    @outer.node
    def directly(values: dict[str, Any]) -> Any:
        return module.run(**values)

    @outer.node
    def by_a_runner(values: dict[str, Any]) -> Any:
        return Runner(module).run(values).results

    given = {"loose": "a", "take": Record("a"), "whole": "b"}  # type: ignore[arg-type]
    wrong = {"value": "a", "other": "b"}
    assert Runner(outer, OFF).run({"values": wrong}).value == {"directly": given, "by_a_runner": given}
    with pytest.raises(WorkflowExecutionError, match="InputError"):
        outer.run(values=wrong)
    with pytest.raises(WorkflowExecutionError, match="compiled code does not check again what was proved"):
        Runner(outer, ExecutionConfig(validate="all")).run({"values": {"value": 1, "other": 2}})


@pytest.mark.parametrize("validate", ["boundary", "off"])
def test_inputs_of_one_name_with_values_of_their_own_change_no_check(flat: Any, made: Any, validate: Any) -> None:
    dag, config = DAG("apart"), ExecutionConfig(validate=validate)
    dag.add_node(Node(lambda value: value, "loose")) >> dag.add_node(Node(Record, "take"))
    dag.add_node(Node(lambda value: value, "other"))
    inputs = {"loose.value": "a", "other.value": 2}
    module = flat(made(dag))
    if validate == "off":
        assert Runner(module, config).run(inputs).results == Runner(dag, config).run(inputs).results
        assert Runner(module, config).run(inputs).results["take"] == Record("a")
    else:
        expected = failure(lambda: Runner(dag, config).run(inputs))
        assert failure(lambda: Runner(module, config).run(inputs)) == expected
        assert expected[2:4] == ("take", PortTypeError)


def test_a_runner_may_leave_the_checks_of_inputs_out(flat: Any, made: Any) -> None:
    dag = DAG("off")

    @dag.node
    def take(value: int) -> int:
        return value

    module = flat(made(dag))
    assert Runner(module, OFF).run({"value": "a"}).value == "a"
    with pytest.raises(ValueError, match="compiled code does not check again what was proved"):
        Runner(module, ExecutionConfig(validate="all")).run({"value": 1})


def test_a_workflow_of_untyped_inputs_has_no_check(made: Any) -> None:
    dag = DAG("untyped")
    dag.add_node(Node(lambda value, other: value, "take"))
    text = compile_target(made(dag))
    assert "isinstance" not in text
    assert "check_inputs" not in text


def test_what_isinstance_decides_loads_nothing(tmp_path: Path) -> None:
    source = """
        from fastdag_typed import DAG

        class Own: ...

        dag = DAG("light")

        @dag.node
        def first(number: int, share: float, text: str | None, own: Own, more: Own | None = None) -> int:
            return number

        @dag.node
        def second(number: int) -> int:
            return number + 1

        first >> second
    """
    (tmp_path / "light.py").write_text(dedent(source), encoding="utf-8")
    script = """
        import sys
        from pathlib import Path
        from fastdag_codegen import compile_target
        Path("light_flat.py").write_text(compile_target("light:dag"))
    """
    check = """
        import sys
        import light_flat
        own = light_flat._light.Own()
        assert light_flat.run(1, 2, None, own) == {"first": 1, "second": 2}
        assert light_flat.run(True, 0.5, "a", own) == {"first": True, "second": 2}
        heavy = {"beartype", "fastdag_typed.run", "fastdag_typed.checks", "fastdag_typed.plan"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    for code in (script, check):
        subprocess.run(
            [sys.executable, "-c", dedent(code)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])},
            check=True,
        )
