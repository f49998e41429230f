"""Calls in a composing function become edges; a value that does not exist yet cannot be used."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

import pytest

from fastdag_typed import DAG, InputError, Node, PlaceholderError, WiringError, WorkflowSerializer
from fastdag_typed.cli.inputs import gather


class Parts(TypedDict):
    head: int
    tail: list[int]


class Span(NamedTuple):
    low: int
    high: int


def flow_dag() -> tuple[DAG, Any, Any, Any]:
    dag = DAG("flow")

    @dag.node
    def load(path: str, limit: int = 3) -> list[int]:
        return [len(path)] * limit

    @dag.node
    def clean(values: list[int]) -> list[int]:
        return [v for v in values if v > 0]

    @dag.node
    def report(total: int, values: list[int]) -> str:
        return f"{total} of {values}"

    return dag, load, clean, report


def test_calls_become_edges_and_parameters_become_inputs() -> None:
    dag, load, clean, report = flow_dag()
    total = dag.add_node(Node(sum, "total"))

    @dag.compose
    def flow(file: str, count: int = 2) -> str:
        xs = clean(load(file, limit=count))
        return report(total(xs), xs)

    assert dag.run(file="abc") == "6 of [3, 3]"
    assert dag.run(file="abc", count=1) == "3 of [3]"
    assert clean.input_connections == {"values": load}
    assert report.input_connections == {"total": total, "values": clean}
    assert dag.validate() == []


def test_outside_composition_the_same_function_just_runs() -> None:
    dag, load, clean, report = flow_dag()

    @dag.compose
    def flow(path: str) -> str:
        xs = clean(load(path))
        return report(len(xs) if isinstance(xs, list) else 0, xs)

    assert flow("ab") == "3 of [2, 2, 2]"
    assert clean([0, 1]) == [1]


def test_a_node_called_twice_is_copied_under_another_name() -> None:
    dag, load, clean, _ = flow_dag()
    dag.remove_node("report")
    join = dag.add_node(Node(lambda a, b: a + b, "join"))

    @dag.compose
    def flow(one: str, two: str) -> list[int]:
        return join(clean(load(one, 1)), clean(load(two, 1)))

    assert dag.run(one="a", two="bb") == [1, 2]
    assert {"load", "load_2", "clean", "clean_2"} <= set(dag.nodes)


def test_a_constant_is_bound_and_a_node_of_elsewhere_is_copied_in() -> None:
    dag = DAG("d")
    foreign = Node(lambda x, y: (x, y), "foreign")

    @dag.compose
    def flow(x: int) -> object:
        return foreign(x, [1, 2])

    assert dag.run(x=5) == (5, [1, 2])
    assert dag.nodes["foreign"] is not foreign


def test_fields_can_be_taken_by_key_by_name_and_by_unpacking() -> None:
    dag = DAG("d")

    @dag.node
    def split(values: list[int]) -> Parts:
        return {"head": values[0], "tail": values[1:]}

    @dag.node
    def span(values: list[int]) -> Span:
        return Span(min(values), max(values))

    @dag.node(outputs=["a", "b"])
    def both(values: list[int]) -> tuple[int, int]:
        return values[0], values[-1]

    @dag.node
    def show(*parts: int) -> str:
        return " ".join(map(str, parts))

    @dag.compose
    def flow(values: list[int]) -> str:
        parts = split(values)
        edges = span(parts["tail"])
        a, b = both(values)
        return show(parts["head"], edges.low, edges.high, a, b)

    assert dag.run(values=[5, 7, 6]) == "5 6 7 5 6"


def test_variadic_inputs_take_results_constants_and_inputs_in_their_order() -> None:
    dag = DAG("d")

    @dag.node
    def one() -> int:
        return 1

    @dag.node
    def show(first: object, *parts: object, **named: object) -> str:
        return f"{first} {parts} {named}"

    @dag.compose
    def flow(x: int, y: int = 9) -> str:
        a = one()
        return show("sum", a, 5, x, a, y, last=x, other="o")

    assert dag.run(x=7) == "sum (1, 5, 7, 1, 9) {'last': 7, 'other': 'o'}" == flow(7)
    assert show.input_connections == {"*0": one, "*3": one}


def test_tuples_and_dicts_of_results_can_be_returned() -> None:
    dag, load, clean, _ = flow_dag()
    dag.remove_node("report")

    @dag.compose
    def flow(path: str) -> tuple[list[int], list[int]]:
        raw = load(path)
        return raw, clean(raw)

    assert dag.run(path="") == ([0, 0, 0], [])

    other, load, clean, _ = flow_dag()
    other.remove_node("report")

    @other.compose
    def flow2(path: str) -> dict[str, list[int]]:
        raw = load(path)
        return {"raw": raw, "clean": clean(raw)}

    assert other.run(path="") == {"raw": [0, 0, 0], "clean": []}


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (lambda v: 1 if v else 0, r"tested for truth .*on_true and on_false"),
        (lambda v: v + 1, "used in arithmetic .*write a node"),
        (lambda v: 1 - v, "used in arithmetic"),
        (list, "iterated over .*loop inside a node"),
        (lambda v: v == 1, "used in a comparison"),
        (lambda v: v < 1, "used in a comparison"),
        (lambda v: 1 in v, "used in a comparison"),
        (len, "used in a conversion"),
        (str, "used in a conversion"),
        (lambda v: f"{v}", "used in a conversion"),
        (int, "used in a conversion"),
        (lambda v: v[0], "indexed with 0"),
        (lambda v: v(), "used in a call"),
        (lambda v: {v: 1}, "used in a comparison"),
    ],
)
def test_a_placeholder_used_as_a_value_fails_at_that_line(use: Any, says: str) -> None:
    dag, load, _, _ = flow_dag()

    def flow(path: str) -> Any:
        return use(load(path))

    with pytest.raises(PlaceholderError, match=says) as caught:
        dag.compose(flow)
    assert f"{__file__.rsplit('/', 1)[-1]}:" in str(caught.value)
    assert 'the result of "load"' in str(caught.value)


def test_a_placeholder_in_a_container_is_refused() -> None:
    dag, load, clean, _ = flow_dag()

    def flow(path: str) -> Any:
        return clean([load(path)])

    with pytest.raises(PlaceholderError, match=r'put into a container for input "values" of "clean".*\*args'):
        dag.compose(flow)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda load, path: load(), r'Node "load" is called without "path"'),
        (lambda load, path: load(path, 1, 2), "takes 2 inputs by position, not 3"),
        (lambda load, path: load(pth=path), r'has no input "pth" \(did you mean "path"\?\)'),
        (lambda load, path: load(path, path=path), r'is given "path" twice'),
        (lambda load, path: 5, "returns something else than results of nodes"),
        (lambda load, path: path, "returns something else than results of nodes"),
        (lambda load, path: load(path)["nope"], r'Node "load" has no output "nope"'),
    ],
)
def test_a_wrong_call_is_refused(call: Any, says: str) -> None:
    dag, load, _, _ = flow_dag()

    def flow(path: str) -> Any:
        return call(load, path)

    with pytest.raises(WiringError, match=says):
        dag.compose(flow)


def test_a_variadic_composing_function_is_refused() -> None:
    def flow(*paths: str) -> None: ...

    with pytest.raises(WiringError, match=r"takes \*paths"):
        DAG("d").compose(flow)


def test_a_parameter_that_is_not_used_may_be_given_and_need_not_be() -> None:
    dag = DAG("flow")
    load = Node(flow_dag()[1].func)

    @dag.compose
    def flow(path: str, limit: int, debug: bool = False) -> list[int]:
        return load(path)

    assert dag.run(path="abc") == [3, 3, 3]
    assert dag.run(path="abc", debug=True, limit=9) == flow("abc", 9) == [3, 3, 3]
    with pytest.raises(InputError, match=r'Unknown input "debag" \(did you mean "debug"\?\)'):
        dag.run(path="abc", debag=True)
    assert gather(dag.plan(), None, ["path=abc", "debug=1"]) == {"path": "abc", "debug": "1"}
    serializer = WorkflowSerializer()
    again = serializer.from_yaml(serializer.to_yaml(dag), {"load": load})
    assert again.run(path="abc", limit=9) == [3, 3, 3]


def test_an_unused_result_is_a_warning() -> None:
    from fastdag_typed import validate_workflow

    dag, load, clean, _ = flow_dag()
    dag.remove_node("report")

    @dag.compose
    def flow(path: str) -> list[int]:
        raw = load(path)
        clean(raw)
        return raw

    result = validate_workflow(dag)
    assert any('The result of "clean" is neither used nor returned' in w for w in result.warnings)


def test_a_workflow_input_does_not_reach_a_default_of_the_same_name() -> None:
    dag = DAG("d")

    @dag.node
    def first(y: int) -> int:
        return y

    @dag.node
    def second(x: int, y: int = 3) -> tuple[int, int]:
        return x, y

    @dag.compose
    def flow(y: int) -> tuple[int, int]:
        return second(first(y))

    assert dag.run(y=9) == flow(9) == (9, 3)
