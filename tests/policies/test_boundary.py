"""Values that no type proved are checked where they arrive: once, before the node is called, saying all about it."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass
from typing import Any, TypedDict

import pytest

from fastdag_typed import (
    DAG,
    FSM,
    ConditionalReturn,
    Context,
    EnhancedNode,
    ExecutionConfig,
    FSMReturn,
    InputError,
    Node,
    Runner,
    SelectReturn,
    State,
    WorkflowExecutionError,
)
from fastdag_typed.checks import doubts
from fastdag_typed.exceptions import FastDagError, PortTypeError
from fastdag_typed.policies.place import Place
from fastdag_typed.policies.retry import RetryStrategy
from fastdag_typed.policies.timeout import Timeout
from fastdag_typed.policies.validate import Validate, needed

ALL, OFF = ExecutionConfig(validate="all"), ExecutionConfig(validate="off")


class Movie(TypedDict):
    title: str
    years: list[int]


@dataclass
class Record:
    name: str
    size: int


def failing(workflow: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> PortTypeError:
    """Run what a type violation ends; give the violation."""
    with pytest.raises(WorkflowExecutionError) as caught:
        Runner(workflow, *args, **options).run(inputs)
    found = caught.value.__cause__
    assert isinstance(found, PortTypeError)
    assert caught.value.node_name == found.node_name
    return found


def loose(called: list[Any]) -> DAG:
    """A node that proves nothing, one that proves all, one that takes from both."""
    dag = DAG("loose")

    @dag.node
    def give(value: Any) -> Any:
        return value

    @dag.node
    def known(value: Any) -> int:
        return 7

    @dag.node
    def take(movie: Movie, number: int) -> str:
        called.append(movie)
        return movie["title"] * number

    give >> take
    known >> take
    return dag


def test_a_value_that_no_type_proved_is_checked_before_the_node_is_called() -> None:
    called: list[Any] = []
    found = failing(loose(called), {"value": {"title": "a", "years": [1927, "1928"]}})
    assert called == []
    assert isinstance(found, FastDagError)
    assert isinstance(found, TypeError)
    assert (found.node_name, found.port, found.path) == ("take", "movie", "['years'][1]")
    assert (found.expected, found.actual, found.source) == ("int", "str", "give")
    assert found.where is not None
    assert found.source_where is not None
    assert found.where.file == found.source_where.file == __file__
    assert str(found) == (
        f'Input port "movie" of "take" expects "Movie", but node "give" ({found.source_where}) gave "dict" in which '
        "['years'][1] is \"str\" instead of \"int\": '1928'"
    )


def test_a_value_that_is_right_arrives() -> None:
    called: list[Any] = []
    movie = {"title": "a", "years": [1927]}
    assert Runner(loose(called)).run({"value": movie}).value == "a" * 7
    assert called[0] is movie


def test_a_violation_crosses_between_processes_whole() -> None:
    found = failing(loose([]), {"value": {}})
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own
    assert (str(again), vars(again)) == (str(found), vars(found))
    assert found.path == "['title']"
    assert str(found).endswith("['title'] is missing, of type \"str\"")


def test_only_the_step_with_a_doubtful_edge_is_wrapped() -> None:
    plan = loose([]).plan()
    policy = Validate("boundary", plan)
    wrapped = [step.name for step in plan.steps if policy.wrap(step, step.func, print) is not step.func]
    assert wrapped == ["take"]
    assert [plan.names[index] for index in doubts(plan)] == ["take"]
    assert needed(plan)


def test_a_proved_workflow_needs_no_policy() -> None:
    dag = DAG("proved")

    @dag.node
    def first(x: int) -> list[int]:
        return [x]

    @dag.node
    def second(values: list[int]) -> int:
        return sum(values)

    first >> second
    assert not needed(dag.plan())


def test_what_the_build_proved_is_not_checked_again() -> None:
    dag = DAG("lies")

    @dag.node
    def lie() -> int:
        return "no number"

    @dag.node
    def take(number: int) -> Any:
        return number

    lie >> take
    assert dag.run() == "no number"
    found = failing(dag, {}, ALL)
    assert (found.node_name, found.port, found.source) == ("lie", "result", "lie")
    assert str(found) == 'Node "lie" declares to return "int", but returned "str": \'no number\''


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("validate", ["boundary", "all"])
def test_it_is_the_same_in_every_mode(mode: Any, is_async: bool, validate: Any) -> None:
    dag, called = DAG("modes"), list[Any]()

    def plain(number: int) -> int:
        called.append(number)
        return number

    async def later(number: int) -> int:
        await asyncio.sleep(0)
        return plain(number)

    dag.add_node(Node(lambda value: value, "give")) >> dag.add_node(Node(later if is_async else plain, "take"))
    config = ExecutionConfig(validate=validate, mode=mode)
    assert failing(dag, {"value": "x"}, config).source == "give"
    assert called == []
    assert Runner(dag, config).run({"value": 3}).value == 3
    assert called == [3]


def give_anything(value):
    return value


def take_number(number: int) -> int:
    return number


def test_a_value_from_another_process_is_checked_before_it_goes_to_the_next() -> None:
    dag = DAG("processes")
    dag.add_node(Node(give_anything)) >> dag.add_node(Node(take_number))
    with Runner(dag, ExecutionConfig(mode="processes", max_workers=1)) as runner:
        with pytest.raises(WorkflowExecutionError) as caught:
            runner.run({"value": "x"})
        assert isinstance(caught.value.__cause__, PortTypeError)
        assert runner.run({"value": 3}).value == 3


def test_what_did_not_arrive_at_a_join_is_no_violation() -> None:
    dag = DAG("joins")

    @dag.condition
    def check(value) -> ConditionalReturn:
        return ConditionalReturn(value > 0, value)

    @dag.any
    def join(yes: int, no: str) -> Any:
        return yes if no is None else no

    check.on_true >> join
    check.on_false >> join
    assert Runner(dag).run({"value": 1}).value == 1
    assert failing(dag, {"value": -1}).port == "no"
    assert failing(dag, {"value": 1.5}, ALL).port == "yes"


def test_a_node_on_a_branch_that_is_not_taken_is_not_checked() -> None:
    dag = DAG("branches")

    @dag.select
    def choose(value) -> SelectReturn:
        return SelectReturn(value, "text" if isinstance(value, str) else "number")

    @dag.node
    def text(value: str) -> str:
        return value

    @dag.node
    def number(value: int) -> int:
        return value

    choose.on("text") >> text
    choose.on("number") >> number
    assert Runner(dag).run({"value": "a"}).value == {"text": "a"}
    assert failing(dag, {"value": 1.5}).node_name == "number"


def test_each_of_a_variadic_port_is_checked_and_named_by_its_source() -> None:
    dag = DAG("variadic")

    @dag.node
    def add(*values: int, **named: float) -> float:
        return sum(values) + sum(named.values())

    sources = [dag.add_node(Node(lambda x, n=n: x[n], f"source{n}")) for n in range(4)]
    sources[0] >> add
    sources[1] >> add
    sources[2].connect_to(add, input_name="two")
    sources[3].connect_to(add, input_name="three")
    assert Runner(dag).run({"x": [1, 2, 3.5, 4]}).value == 10.5
    for place, port in enumerate(["values", "values", "named", "named"]):
        values: list[Any] = [1, 2, 3.5, 4]
        values[place] = "a"
        found = failing(dag, {"x": values})
        assert (found.port, found.source) == (port, f"source{place}")


def test_a_nested_workflow_is_a_node_like_any_other() -> None:
    inner, outer = DAG("inner"), DAG("outer")

    @inner.node
    def double(x: int) -> int:
        return 2 * x

    give = outer.add_node(Node(lambda value: value, "give"))
    give >> outer.add_workflow("inside", inner)
    assert Runner(outer).run({"value": 2}).value == 4
    found = failing(outer, {"value": "2"})
    assert (found.node_name, found.port, found.source) == ("inside", "x", "give")


AROUND: dict[str, list[Any]] = {"": [], "time-out": [Timeout(1000)], "thread": [Place("thread")]}


@pytest.mark.parametrize("mode", ["sequential", "parallel", "processes"])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("around", AROUND)
def test_what_the_run_around_checks_is_checked_in_nested_workflows_however_deep(
    mode: Any, is_async: bool, around: str
) -> None:
    inner, middle, outer = DAG("inner"), DAG("middle"), DAG("outer")

    def lie(value: Any) -> int:
        return value

    async def lie_later(value: Any) -> int:
        return value

    inner.add_node(Node(lie_later if is_async else lie, "lie")) >> inner.add_node(Node(lambda x: x, "loose"))
    inner.nodes["loose"] >> inner.add_node(Node(take_number))
    middle.add_workflow("inside", inner)
    outer.add_workflow("between", middle).policies = tuple(AROUND[around])
    found = {
        validate: cause_of(Runner(outer, ExecutionConfig(validate=validate, mode=mode)), {"value": "a"})
        for validate in ("boundary", "all", "off", "boundary")
    }
    assert found["off"] is None
    assert (found["boundary"].node_name, found["boundary"].port) == ("take_number", "number")
    assert (found["all"].node_name, found["all"].port) == ("lie", "result")


def cause_of(runner: Any, inputs: dict[str, Any]) -> Any:
    """Run; give the exception that was first, if there is one."""
    try:
        runner.run(inputs)
    except WorkflowExecutionError as error:
        found: BaseException = error
        while found.__cause__ is not None:
            found = found.__cause__
        return found
    return None


def test_what_the_run_around_checks_is_checked_in_a_nested_machine() -> None:
    fsm, outer = FSM("machine"), DAG("outer")

    @fsm.state(is_initial=True)
    def begin(number: Any) -> FSMReturn[int]:
        return FSMReturn("last", number)

    fsm.add_node(State(lambda value: value, "last", is_final=True))
    outer.add_workflow("nested", fsm)
    assert Runner(outer).run({"number": "a"}).value == "a"
    assert cause_of(Runner(outer, ALL), {"number": "a"}).node_name == "begin"


def test_what_a_machine_checks_is_checked_in_the_runs_of_its_states() -> None:
    inner, fsm = DAG("inner"), FSM("machine")
    inner.add_node(Node(take_number))

    @fsm.state(is_initial=True)
    def begin(number: Any) -> Any:
        return inner.run(number=number)

    assert isinstance(cause_of(Runner(fsm), {"number": "a"}), InputError)
    assert Runner(fsm, OFF).run({"number": "a"}).value == "a"


@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_a_run_started_by_a_node_checks_what_it_is_told_or_else_what_the_run_around_does(mode: Any) -> None:
    inner, outer = DAG("inner"), DAG("outer")
    inner.add_node(Node(take_number))
    told, follows = Runner(inner, ExecutionConfig()), Runner(inner)

    @outer.node
    def start(given: bool) -> Any:
        return (told if given else follows).run({"number": "a"}, mode).value

    runner = Runner(outer, OFF)
    assert runner.run({"given": False}, mode).value == "a"
    assert isinstance(cause_of(runner, {"given": True}), InputError)
    with pytest.raises(InputError):
        follows.run({"number": "a"}, mode)  # outside of a run it is as it was


def test_a_node_executed_by_itself_is_no_run_whose_checks_there_are_to_follow() -> None:
    inner = DAG("inner")
    inner.add_node(Node(take_number))
    node = EnhancedNode(lambda number: inner.run(number=number), "alone")
    assert asyncio.run(node.execute(Context(), number=3)) == 3
    with pytest.raises(InputError):
        asyncio.run(node.execute(Context(), number="a"))


def machine() -> FSM:
    fsm = FSM("machine")

    @fsm.state(is_initial=True)
    def begin(number):
        return FSMReturn("count", number)

    @fsm.state
    def count(seen: int) -> FSMReturn[int | str]:
        return FSMReturn("count" if seen < 3 else "last", seen + 1 if seen != 2 else "two")

    @fsm.state(is_final=True)
    def last(seen: int) -> int:
        return seen

    return fsm


def test_a_state_checks_what_it_takes_from_the_state_before() -> None:
    fsm = machine()
    found = failing(fsm, {"number": "a"})
    assert (found.node_name, found.port, found.source, found.actual) == ("count", "seen", "begin", "str")
    found = failing(fsm, {"number": 1})
    assert (found.node_name, found.source, found.actual) == ("count", "count", "str")
    assert Runner(fsm).run({"number": 3}).value == 4


def test_a_machine_that_goes_on_in_its_context_tells_the_state_before() -> None:
    fsm = machine()
    context = Runner(fsm).run({"number": 3}).workflow.context
    with pytest.raises(WorkflowExecutionError) as caught:
        Runner(fsm).run({"number": "a"}, context=context)
    assert isinstance(caught.value.__cause__, PortTypeError)
    assert caught.value.__cause__.source == "begin"


def test_without_a_run_the_state_before_has_no_name() -> None:
    plan = machine().plan()
    call = Validate("boundary", plan).wrap(plan.steps[1], plan.steps[1].func, print)
    with pytest.raises(PortTypeError, match="but the state before gave") as caught:
        call("a")
    assert (caught.value.source, caught.value.source_where) == (None, None)


def test_a_retry_does_not_repeat_a_violation() -> None:
    dag, called = DAG("retried"), list[Any]()

    def take(number: int) -> int:
        called.append(number)
        raise ValueError(number)

    retry = RetryStrategy(max_retries=2, delay=0)
    dag.add_node(Node(lambda value: value, "give")) >> dag.add_node(Node(take, policies=[retry]))
    runner = Runner(dag)
    with pytest.raises(WorkflowExecutionError) as caught:
        runner.run({"value": "a"})
    assert isinstance(caught.value.__cause__, PortTypeError)
    assert called == []
    with pytest.raises(WorkflowExecutionError):
        runner.run({"value": 1})
    assert called == [1, 1, 1]


# -- everything, and nothing ------------------------------------------------------------------------------------------


def test_all_checks_proved_edges_too() -> None:
    dag = DAG("lies")

    @dag.node
    def record(name: str) -> Record:
        return Record(name, "many")

    @dag.node
    def take(size: int) -> int:
        return size

    record >> take
    assert dag.run(name="a") == "many"
    found = failing(dag, {"name": "a"}, ALL)
    assert (found.node_name, found.port, found.path) == ("record", "result", ".size")


@pytest.mark.parametrize(
    ("returned", "wrong"),
    [
        (ConditionalReturn(True, 1), False),
        (ConditionalReturn(True), False),
        (ConditionalReturn(True, "a"), True),
        (ConditionalReturn(True, None), False),
    ],
)
def test_all_checks_what_a_steering_return_carries(returned: Any, wrong: bool) -> None:
    dag = DAG("steers")

    @dag.condition
    async def check(value: int) -> ConditionalReturn[int]:
        return returned

    assert check.name in dag.nodes
    if wrong:
        assert failing(dag, {"value": 1}, ALL).port == "result"
    else:
        Runner(dag, ALL).run({"value": 1})


def test_all_checks_results_without_types_not_at_all() -> None:
    dag = DAG("d")
    dag.add_node(Node(lambda value: value, "give")) >> dag.add_node(Node(lambda value: value, "take"))
    assert Runner(dag, ALL).run({"value": object}).value is object


@pytest.mark.parametrize("number", [1, 3])
def test_all_checks_a_machine_too(number: int) -> None:
    fsm = machine()
    if number == 3:
        assert Runner(fsm, ALL).run({"number": number}).value == 4
    else:
        assert failing(fsm, {"number": number}, ALL).node_name == "count"


def test_off_checks_nothing_but_the_names_of_inputs() -> None:
    dag = loose([])

    @dag.node
    def lonely(x: int) -> int:
        return x

    runner = Runner(dag, OFF)
    metrics = runner.run({"value": {"title": "a"}, "x": "no number"})
    assert metrics.results["take"] == "a" * 7
    assert metrics.results["lonely"] == "no number"
    with pytest.raises(InputError, match='Unknown input "y"'):
        runner.run({"value": {}, "y": 1})
    with pytest.raises(InputError, match='Input "x" is missing'):
        runner.run({"value": {}})


# -- inputs of a run ---------------------------------------------------------------------------------------------------


def test_an_input_of_the_wrong_type_stops_the_run_and_says_all() -> None:
    dag, called = DAG("inputs"), list[Any]()

    @dag.node
    def take(movie: Movie, record: Record, limit: int = "none") -> None:
        called.append(movie)

    with pytest.raises(InputError) as caught:
        Runner(dag).run({"movie": {"title": "a", "years": (1,)}, "record": Record("a", "b"), "limit": "c"})
    assert called == []
    found = {one.port: (one.node_name, one.path, one.expected, one.actual) for one in caught.value.violations}
    assert found == {
        "movie": ("take", "['years']", "list[int]", "tuple"),
        "record": ("take", ".size", "int", "str"),
        "limit": ("take", "", "int", "str"),
    }
    assert all(one.source is None and one.where == take.where for one in caught.value.violations)
    assert [one.message for one in caught.value.diagnostics] == [str(one) for one in caught.value.violations]
    assert str(caught.value.violations[0]) == (
        'Input "movie" of node "take" expects "Movie", but is given "dict" in which [\'years\'] is "tuple" instead of '
        '"list[int]": (1,)'
    )
    Runner(dag).run({"movie": {"title": "a", "years": []}, "record": Record("a", 1), "limit": "none"})
    assert len(called) == 1


def test_the_same_input_is_always_refused() -> None:
    dag = DAG("inputs")

    @dag.node
    def take(values: list[int], table: dict[str, int]) -> int:
        return len(values)

    runner = Runner(dag)
    right: dict[str, Any] = {"values": list(range(500)), "table": {str(n): n for n in range(500)}}
    for wrong in ({**right, "values": [*range(499), "a"]}, {**right, "table": {**right["table"], "499": "a"}}):
        for _ in range(20):
            with pytest.raises(InputError):
                runner.run(wrong)
    assert runner.run(right).value == 500
