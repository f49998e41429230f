"""Compiled modules in use: called, run in the place of their workflow, compared, found out of date, refused."""

from __future__ import annotations

import asyncio
import inspect
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest

from fastdag_codegen import Options, compile_target, compile_workflow
from fastdag_typed import (
    DAG,
    CompileError,
    Condition,
    ConditionalReturn,
    ExecutionConfig,
    InputError,
    Layer,
    Node,
    Runner,
    Select,
    SelectReturn,
    StaleModuleWarning,
    TargetError,
    WorkflowExecutionError,
)
from fastdag_typed.step import SKIPPED

if TYPE_CHECKING:
    from fastdag_typed import Workflow

RUNS: list[tuple[str, dict[str, Any]]] = [
    ("flat_etl:etl", {}),
    ("flat_etl:etl", {"limit": 5, "path": Path("x"), "note": "!"}),
    ("flat_composed:sums", {"x": 1.0}),
    ("flat_composed:sums", {"x": 1, "y": 2}),
    ("flat_routes:routes", {"x": 13}),
    ("flat_routes:routes", {"x": 4}),
    ("flat_routes:routes", {"x": 12}),
    ("flat_routes:routes", {"x": 0}),
    ("flat_machine:machine", {"number": 6}),
    ("flat_machine:machine", {"number": 27}),
    ("flat_machine:machine", {"number": 6, "value": 1}),
    ("flat_nested:outer", {"number": 60, "value": 4}),
    ("flat_nested:outer", {"number": 7, "value": 3}),
    ("flat_nested:outer", {"number": 7}),
    ("flat_async:site", {"url": "here"}),
    ("flat_async:site", {"url": "a b c d"}),
    ("flat_names:odd", {"x": 1, **{f"odd {number}": number for number in range(34)}}),
]


def workflow_of(target: str) -> Workflow:
    module, _, attribute = target.partition(":")
    __import__(module)
    found: Workflow = getattr(sys.modules[module], attribute)
    return found


def outcome(runner: Runner, inputs: dict[str, Any]) -> list[Any]:
    error: list[Any] = []
    try:
        runner.run(inputs)
    except WorkflowExecutionError as raised:
        error = [type(raised), str(raised), raised.node_name, raised.where, repr(raised.__cause__)]
    found = runner.metrics
    return [
        *(error, found.results, found.value, found.statuses, found.execution_order, found.nodes_executed),
        *(found.errors, found.stop_reason),
    ]


@pytest.mark.parametrize(("target", "inputs"), RUNS)
def test_a_compiled_module_runs_as_its_workflow_does(flat: Any, target: str, inputs: dict[str, Any]) -> None:
    module, workflow = flat(target), workflow_of(target)
    expected = outcome(Runner(workflow), inputs)
    assert outcome(Runner(module), inputs) == expected
    if expected[-1] != "failed":
        results = module.run(**{module.INPUTS[name]: value for name, value in inputs.items()})
        assert results == expected[1]


@pytest.mark.parametrize(
    "inputs",
    [{}, {"y": 1}, {"x": "one"}, {"x": 1, "xx": 2}, {"x": 1, "add.a": "no"}, {"x": 1.0, "y": None}],
)
def test_inputs_are_refused_in_the_same_words(flat: Any, inputs: dict[str, Any]) -> None:
    with pytest.raises(InputError) as expected:
        Runner(workflow_of("flat_composed:sums")).run(inputs)
    with pytest.raises(InputError) as found:
        Runner(flat("flat_composed:sums")).run(inputs)
    assert str(found.value) == str(expected.value)
    assert found.value.diagnostics == expected.value.diagnostics


def test_a_nested_workflow_refuses_a_value_of_the_wrong_type_in_the_same_words(flat: Any) -> None:
    def wrong(_: object) -> object:
        return "no number"

    node = workflow_of("flat_nested:outer").nodes["begin"]
    kept = node.func
    node.func = wrong
    try:
        workflow_of("flat_nested:outer").changed()
        text = outcome(Runner(workflow_of("flat_nested:outer")), {"number": 1, "value": 1})
        module = flat("flat_nested:outer")
        assert outcome(Runner(module), {"number": 1, "value": 1}) == text
        assert "InputError" in text[0][1]
    finally:
        node.func = kept
        workflow_of("flat_nested:outer").changed()


def test_ports_of_one_name_can_be_addressed_one_by_one(flat: Any) -> None:
    inputs = {"load.limit": 2, "price.limit": 0.5}
    expected = outcome(Runner(workflow_of("flat_etl:etl")), inputs)
    assert outcome(Runner(flat("flat_etl:etl")), inputs) == expected
    assert expected[1]["report"] == "in.txt-0: 1.0 EUR"


def test_the_signature_and_the_results_have_the_types_of_the_functions(flat: Any) -> None:
    module = flat("flat_composed:sums")
    assert str(inspect.signature(module.run)) == "(x: 'float', y: 'float' = 2.5) -> 'Results'"
    assert get_type_hints(module.Results) == {"add": float, "add_2": float, "half": float, "named": str}


def test_the_module_calls_the_very_functions_of_the_workflow(flat: Any) -> None:
    workflow = workflow_of("flat_etl:etl")
    functions = {name: function for _, name, _, function in flat("flat_etl:etl", Options(level=0)).LINES}
    assert all(functions[name] is node.func for name, node in workflow.nodes.items())
    assert flat("flat_etl:etl")._first is workflow.nodes["first"].func


def test_a_function_of_which_the_source_was_read_is_named_in_the_table(flat: Any) -> None:
    functions = {name: function for _, name, _, function in flat("flat_etl:etl").LINES}
    assert functions["load"] == "flat_etl:load"


def test_a_failure_called_directly_is_the_runner_s(flat: Any) -> None:
    with pytest.raises(WorkflowExecutionError) as expected:
        Runner(workflow_of("flat_etl:etl")).run({"limit": 0})
    with pytest.raises(WorkflowExecutionError) as found:
        flat("flat_etl:etl").run(limit=0)
    assert str(found.value) == str(expected.value)
    assert (found.value.node_name, found.value.where) == ("split", expected.value.where)
    assert isinstance(found.value.__cause__, IndexError)


def test_async_code_runs_on_the_loop_that_is_there(flat: Any) -> None:
    module = flat("flat_async:site")

    async def both() -> tuple[Any, Any]:
        return await module.run_async("here"), Runner(module).run({"url": "here"}).results

    first, second = asyncio.run(both())
    assert first == second == {"fetch": "page at here", "is_long": "page at here"}


def test_a_machine_can_go_on_with_the_context_of_an_earlier_run(flat: Any) -> None:
    from fastdag_typed import FSMContext

    contexts = [FSMContext(), FSMContext()]
    for number in (6, 3):
        for context, what in zip(
            contexts, (workflow_of("flat_machine:machine"), flat("flat_machine:machine")), strict=True
        ):
            Runner(what).run({"number": number}, context=context)
    assert contexts[0].state_history == contexts[1].state_history
    assert contexts[0].cycle_results == contexts[1].cycle_results


def test_several_inputs_left_to_the_state_before_are_refused(flat: Any, tmp_path: Path, monkeypatch: Any) -> None:
    source = """
        from fastdag_typed import FSM

        fsm = FSM("two")

        @fsm.state(is_initial=True)
        def first() -> int:
            return 1

        @fsm.state()
        def second(a: int, b: int) -> int:
            return a - b

        first >> second
    """
    (tmp_path / "flat_two.py").write_text(dedent(source), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = flat("flat_two:fsm")
    assert module.run(b=3) == {"first": 1, "second": -2}
    with pytest.raises(TypeError, match='state "second" takes one input from the state before it'):
        module.run()


class Loud:
    """A policy that writes down the calls it sees; ``wraps`` counts how often it was put around a call."""

    layer = Layer.RETRY

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.wraps = 0

    def wrap(self, step: Any, call: Any, emit: Any) -> Any:
        self.wraps += 1

        def loud(*args: Any, **kwargs: Any) -> Any:
            self.seen.append(f"{step.name}{args}{kwargs}")
            return call(*args, **kwargs)

        return loud


def test_the_policies_of_a_node_are_put_around_its_call_once_for_many_runs(flat: Any, made: Any) -> None:
    dag, loud = DAG("careful"), Loud()

    @dag.node(policies=[loud])
    def double(x: int) -> int:
        return 2 * x

    module = flat(made(dag))
    assert [module.run(2), module.run(3)] == [{"double": 4}, {"double": 6}]
    assert Runner(module).run({"x": 4}).value == 8
    assert (loud.seen, loud.wraps) == (["double(2,){}", "double(3,){}", "double(4,){}"], 1)


def test_arguments_by_keyword_keep_their_order(flat: Any, made: Any) -> None:
    dag = DAG("order")

    @dag.node
    def names(**values: int) -> list[str]:
        return list(values)

    @dag.compose
    def flow(x: int) -> list[str]:
        return names(b=x, **{"not a name": 1}, a=2, __c=3)

    assert flat(made(dag)).run(1) == {"names": ["b", "not a name", "a", "__c"]} == {"names": dag.run(x=1)}


@pytest.mark.parametrize("default", [None, "some text", 1.5, ("a", 2.5), b"\0" * 999, {"no": "literal"}])
def test_a_default_that_is_not_of_the_type_of_its_port_is_taken(flat: Any, made: Any, default: Any) -> None:
    inner, dag = DAG("inner"), DAG("random")

    @inner.node
    def one(x: int = default) -> Any:
        return x

    @inner.node
    def two(x: int = default) -> Any:
        return x

    dag.add_workflow("again", inner)
    module = flat(made(dag))
    for inputs in ({}, {"x": default}, {"x": 3}):
        assert outcome(Runner(module), inputs) == outcome(Runner(dag), inputs)
    assert module.run() == {"again": {"one": default, "two": default}}
    with pytest.raises(InputError, match='expects "int"'):
        Runner(module).run({"x": "another text"})
    with pytest.raises(WorkflowExecutionError, match='expects "int"'):
        module.run("another text")


@pytest.mark.parametrize("is_async", [False, True])
def test_the_branches_taken_are_known_after_the_run(flat: Any, made: Any, is_async: bool) -> None:
    def deciding(name: str) -> DAG:
        dag = DAG(name)

        def check(x: int) -> ConditionalReturn[int]:
            return ConditionalReturn(x > 0, -x)

        async def check_later(x: int) -> ConditionalReturn[int]:
            return check(x)

        @dag.node
        def good(x: int) -> int:
            return 1 // (x + 1)

        node = dag.add_node(Condition(check_later if is_async else check, "check"))
        node.on_true >> good
        way = dag.add_node(Select(lambda x: SelectReturn(x, "far"), "way"))
        way.on("far") >> dag.add_node(Node(lambda x: x, "far"))
        return dag

    outer = deciding("random")
    outer.add_workflow("inside", deciding("inner"))
    outer.connect("good", "inside", input="x")
    module = flat(made(outer))
    for x in (-1, 0, 1, 5):
        found, expected = Runner(module), Runner(outer)
        assert outcome(found, {"x": x}) == outcome(expected, {"x": x})
        branches = {name: execution.branch for name, execution in found.metrics.executions.items()}
        assert branches == {name: execution.branch for name, execution in expected.metrics.executions.items()}
        assert branches["check"] is (x > 0)
    assert module.run(5) == found.metrics.results


@pytest.mark.parametrize("fails", [False, True])
def test_the_marker_of_what_was_skipped_is_a_value_like_any_other_in_compiled_code(
    flat: Any, made: Any, fails: bool
) -> None:
    dag = DAG("random")

    @dag.node
    def odd(x: int) -> Any:
        return SKIPPED

    @dag.condition
    def check(x: Any) -> bool:
        return x is SKIPPED

    @dag.node
    def end(x: Any) -> bool:
        if fails:
            raise ValueError(x)
        return True

    odd >> check
    check.on_true >> end
    found = Runner(flat(made(dag)))
    assert outcome(found, {"x": 1}) == outcome(Runner(dag), {"x": 1})
    assert found.metrics.statuses == {"odd": "done", "check": "done", "end": "failed" if fails else "done"}


def test_many_states_are_found_by_halves(flat: Any, made: Any) -> None:
    from fastdag_typed import FSM, FSMReturn

    fsm = FSM("many")
    for number in range(40):
        fsm.state(name=f"s{number}", initial=number == 0)(
            lambda n=number: FSMReturn(f"s{(n * 7 + 3) % 40}" if n != 39 else None, n)
        )
    module = flat(made(fsm))
    assert outcome(Runner(module), {}) == outcome(Runner(fsm), {})
    assert "if state < 20:" in Path(module.__file__).read_text(encoding="utf-8")


def test_two_nodes_with_one_workflow_share_a_function(flat: Any) -> None:
    text = Path(flat("flat_nested:outer").__file__).read_text(encoding="utf-8")
    assert text.count("def _near(") == 1
    assert "def _far(" not in text


# -- what a compiled module is not for ---------------------------------------------------------------------------------


def test_a_runner_of_a_compiled_module_refuses_what_that_has_no_place_for(flat: Any) -> None:
    module = flat("flat_composed:sums")
    with pytest.raises(ValueError, match="compiled code tells observers nothing: compile it with --instrument"):
        Runner(module, observers=[print])
    with pytest.raises(ValueError, match="compiled code runs one node after the other: run the workflow itself"):
        Runner(module).run({"x": 1}, "parallel")
    with pytest.raises(ValueError, match="compiled code stops at the first failure"):
        Runner(module, error_strategy="skip").run({"x": 1})
    with pytest.raises(ValueError, match="compiled code obeys retry policies: run the workflow itself"):
        Runner(module, ExecutionConfig(retry_on_failure=False)).run({"x": 1})
    with pytest.raises(ValueError, match="compiled code has no limits of time and memory"):
        Runner(module, ExecutionConfig(timeout_seconds=1)).run({"x": 1})
    with pytest.raises(TypeError, match='module "asyncio" is not compiled from a workflow'):
        Runner(asyncio)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("flat_etl", "write package.module:workflow"),
        ("flat_etll:etl", 'There is no module "flat_etll"'),
        ("flat_etl:elt", 'has no workflow "elt" (did you mean "etl"?)'),
        ("flat_etl:load", 'has no workflow "load"'),
    ],
)
def test_a_target_that_leads_nowhere_is_refused(target: str, message: str) -> None:
    with pytest.raises(TargetError) as found:
        compile_target(target)
    assert message in str(found.value)


def test_a_plan_is_compiled_only_for_its_own_workflow() -> None:
    plan = workflow_of("flat_etl:etl").plan()
    with pytest.raises(CompileError, match='is not the workflow "etl"'):
        compile_workflow(plan, target="flat_composed:sums")
    with pytest.raises(CompileError, match=r"write package\.module:workflow"):
        compile_workflow(plan, target="flat etl:import os")
    with pytest.raises(CompileError, match="cannot be imported by that name"):
        compile_workflow(plan, target="__main__:etl")


def test_functions_of_a_script_are_refused(made: Any) -> None:
    dag = DAG("script")

    def work() -> int:
        return 1

    work.__module__ = "__main__"
    dag.node(work)
    with pytest.raises(CompileError, match='Node "work" is a function of the script that runs now'):
        compile_target(made(dag))


def test_a_workflow_that_contains_itself_is_refused(made: Any) -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def one() -> int:
        return 1

    @outer.node
    def two() -> int:
        return 2

    outer.add_workflow("down", inner)
    inner.add_node(DAG("around").add_workflow("up", outer))
    with pytest.raises(CompileError, match='Workflow "inner" contains itself'):
        compile_target(made(outer))


def test_functions_without_source_are_called_all_the_same(flat: Any, made: Any) -> None:
    from fastdag_typed import Node

    dag = DAG("plain")
    space: dict[str, Any] = {}
    exec("def twice(x): return 2 * x", space)  # noqa: S102 - a function without source
    dag.add_node(Node(space["twice"])) >> dag.add_node(Node(lambda value: value + 1, "more"))
    assert flat(made(dag)).run(4) == {"twice": 8, "more": 9}


def test_wiring_that_changes_without_its_file_is_noticed(flat: Any, made: Any) -> None:
    dag = DAG("changing")

    @dag.node
    def one(x: int) -> int:
        return x

    module = flat(made(dag))
    dag.add_node(one.copy("two"))
    with pytest.warns(StaleModuleWarning, match="the wiring of flat_random:dag has changed"):
        assert Runner(module).run({"x": 1}).results == {"one": 1, "two": 1}


def test_the_environment_can_ask_for_the_interpreter(flat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTDAG_INTERPRET", "1")
    metrics = Runner(flat("flat_composed:sums")).run({"x": 1})
    assert set(metrics.node_times) == set(metrics.results)


def test_compiled_code_reads_no_clock(flat: Any) -> None:
    assert Runner(flat("flat_composed:sums")).run({"x": 1}).node_times == {}


def test_a_module_without_branches_or_context_imports_only_the_users_modules(flat: Any) -> None:
    text = Path(flat("flat_names:odd").__file__).read_text(encoding="utf-8")
    head = text.partition("if TYPE_CHECKING")[0]
    assert [line for line in head.splitlines() if line.startswith(("import", "from"))] == [
        "from __future__ import annotations",
        "from typing import Any, Final, TYPE_CHECKING, TypedDict, cast",
        "import flat_names as _flat_names",
        "import os as _os",
    ]
