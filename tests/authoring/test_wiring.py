"""Every form of wiring connects what it says, and what cannot be connected is refused at its line."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import pytest

from fastdag_typed import DAG, Context, Node, WiringError


class Halves(TypedDict):
    lower: list[int]
    upper: list[int]


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Box:
    content: int


def here() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def number() -> int:
    return 3


def double(x: int) -> int:
    return 2 * x


def add(x: int, y: int = 100) -> int:
    return x + y


def test_a_decorator_works_bare_called_and_with_a_name() -> None:
    dag = DAG("d")

    @dag.node
    def one() -> int:
        return 1

    @dag.node()
    def two() -> int:
        return 2

    @dag.node(name="drei")
    def three() -> int:
        return 3

    @dag.node("vier")
    def four() -> int:
        return 4

    assert list(dag.nodes) == ["one", "two", "drei", "vier"]
    assert (one(), two(), three(), four()) == (1, 2, 3, 4)


def test_inputs_are_the_parameters_without_the_context() -> None:
    def by_name(a: int, context: Context, b: int) -> int:
        return a + b

    def by_type(a: int, info: Context) -> int:
        return a

    def by_text(a: int, info: "Context") -> int:  # noqa: UP037 - text is what is tested
        return a

    assert Node(by_name).inputs == ["a", "b"]
    assert Node(by_type).inputs == ["a"]
    assert Node(by_text).inputs == ["a"]


def test_fields_of_the_result_are_outputs_beside_the_whole() -> None:
    def typed_dict() -> Halves:
        return {"lower": [], "upper": []}

    def named_tuple() -> Pair:
        return Pair(1, "")

    def data_class() -> Box:
        return Box(1)

    assert Node(typed_dict).outputs == ["result", "lower", "upper"]
    assert Node(named_tuple).outputs == ["result", "left", "right"]
    assert Node(data_class).outputs == ["result", "content"]
    assert Node(named_tuple, outputs=["a", "b"]).outputs == ["a", "b"]


def test_a_connection_takes_the_first_free_port_required_ones_first() -> None:
    def target(a: int, b: int = 0, *, c: int) -> int:
        return a + b + c

    sources = [Node(number, f"n{i}") for i in range(3)]
    node = Node(target)
    for source in sources:
        source >> node
    assert node.input_connections == {"a": sources[0], "c": sources[1], "b": sources[2]}


def test_saying_a_connection_again_changes_nothing() -> None:
    a, b = Node(number), Node(add)
    a >> b
    a >> b
    a.connect_to(b)
    assert b.input_connections == {"x": a}


def test_a_connection_into_a_node_without_a_free_port_is_refused_at_its_line() -> None:
    a, other, b = Node(number, "a"), Node(number, "other"), Node(double)
    a >> b
    line = here() + 2
    with pytest.raises(WiringError, match='"other" is connected to "double", which has no free input') as caught:
        other >> b
    assert caught.value.diagnostic.code == "fastdag-taken"
    assert caught.value.diagnostic.where == (__file__, line)
    assert '"x" from "a"' in str(caught.value)


def test_a_node_without_inputs_can_only_be_ordered() -> None:
    a, b = Node(double), Node(number)
    with pytest.raises(WiringError, match=r"number\.after\(double\) orders the two"):
        a >> b
    b.after(a)
    assert b.input_connections == {}
    assert a.edges_out[0].target is b  # type: ignore[index]


def test_lists_fan_out_and_in() -> None:
    a, b, c, d = Node(number, "a"), Node(double, "b"), Node(double, "c"), Node(add, "d")
    a >> [b, c] >> d
    assert b.input_connections == {"x": a}
    assert c.input_connections == {"x": a}
    assert d.input_connections == {"x": b, "y": c}


def test_a_list_on_the_left_connects_in_order() -> None:
    a, b, d = Node(number, "a"), Node(number, "b"), Node(add, "d")
    result = [a, b] >> d
    assert result is d
    assert d.input_connections == {"x": a, "y": b}
    (a, b) >> (other := Node(add, "other"))
    assert other.input_connections == {"x": a, "y": b}


def test_connect_by_name_with_ports() -> None:
    dag = DAG("d")
    dag.add_node(Node(number, "a"))
    dag.add_node(Node(add, "b"))
    dag.connect("a", "b", input="y")
    assert dag.nodes["b"].input_connections == {"y": dag.nodes["a"]}


def test_an_output_and_an_input_can_be_chosen() -> None:
    def split(data: list[int]) -> Halves:
        return {"lower": data[:1], "upper": data[1:]}

    def first(values: list[int]) -> int:
        return values[0]

    dag = DAG("d")
    source, target = dag.add_node(Node(split)), dag.add_node(Node(first))
    source.output("upper") >> target.input("values")
    assert dag.run(data=[1, 2]) == 2
    assert source.output_connections == {"upper": [target]}


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (lambda a, b: a.connect_to(b, input_name="z"), r'Node "add" has no input "z" \(inputs: x, y\)'),
        (lambda a, b: a.connect_to(b, input_name="yy"), r'did you mean "y"\?'),
        (
            lambda a, b: a.connect_to(b, output_name="rseult"),
            r'Node "number" has no output "rseult".*did you mean "result"',
        ),
        (lambda a, b: a.output("nope"), r'Node "number" has no output "nope"'),
        (lambda a, b: a >> 3, r'"number" is connected to "int", which is not a node'),
        (lambda a, b: a >> "add", r'"number" is connected to "str", which is not a node'),
        (lambda a, b: 3 >> b, r'"int" is connected to "add" but is not a node'),
        (lambda a, b: [a, 3] >> b, r'"int" is not a node'),
    ],
)
def test_wrong_wiring_says_what_is_wrong(wire: Any, message: str) -> None:
    with pytest.raises(WiringError, match=message):
        wire(Node(number), Node(add))


def test_a_port_connected_twice_by_name_is_refused() -> None:
    a, other, b = Node(number, "a"), Node(number, "other"), Node(add)
    a.connect_to(b, input_name="y")
    with pytest.raises(WiringError, match='Input "y" of "add" is already connected to "a"'):
        other.connect_to(b, input_name="y")


def test_unknown_and_double_node_names_are_refused_with_a_suggestion() -> None:
    dag = DAG("d")
    dag.add_node(Node(number, "load"))
    dag.add_node(Node(double, "save"))
    with pytest.raises(WiringError, match=r'Workflow "d" has no node "svae" \(did you mean "save"\?\)'):
        dag.connect("load", "svae")
    with pytest.raises(ValueError, match='Node "load" already exists'):
        dag.add_node(Node(number, "load"))


def test_variadic_ports_take_any_number_of_edges() -> None:
    def collect(*values: int, **named: int) -> tuple[tuple[int, ...], dict[str, int]]:
        return values, named

    dag = DAG("d")
    nodes = [dag.add_node(Node(number, f"n{i}")) for i in range(4)]
    target = dag.add_node(Node(collect))
    nodes[0] >> target
    nodes[1] >> target
    nodes[2].connect_to(target, input_name="named")
    nodes[3].connect_to(target, input_name="other")
    assert dag.run() == ((3, 3), {"named": 3, "other": 3})


def test_keywords_of_a_variadic_port_are_the_source_names() -> None:
    def collect(**named: int) -> dict[str, int]:
        return named

    dag = DAG("d")
    for name in ("one", "two"):
        dag.add_node(Node(number, name))
    target = dag.add_node(Node(collect))
    dag.nodes["one"] >> target
    dag.nodes["two"] >> target
    dag.nodes["two"] >> target
    assert dag.run() == {"one": 3, "two": 3}


def test_a_bare_dict_is_taken_apart_only_where_the_port_cannot_be_a_dict() -> None:
    def fetch() -> dict:  # type: ignore[type-arg]
        return {"data": 1, "upper": [2]}

    def whole(data: dict) -> object:  # type: ignore[type-arg]
        return data

    def part(upper: list) -> object:  # type: ignore[type-arg]
        return upper

    dag = DAG("d")
    source = dag.add_node(Node(fetch))
    source >> [dag.add_node(Node(whole)), dag.add_node(Node(part))]
    assert dag.run() == {"whole": {"data": 1, "upper": [2]}, "part": [2]}


@pytest.mark.parametrize(
    "made",
    [lambda: (1, "a"), lambda: {"n": 1, "s": "a"}, lambda: [1, "a"]],
)
def test_declared_outputs_name_items_or_keys(made: Any) -> None:
    dag = DAG("d")
    source = dag.add_node(Node(made, "made", outputs=["n", "s"]))
    target = dag.add_node(Node(lambda count, text: (count, text), "target"))
    source.output("n") >> target
    source.output("s") >> target
    assert dag.run() == (1, "a")


def test_dependencies_and_downstream_go_all_the_way_without_recursion() -> None:
    dag = DAG("d")
    previous = dag.add_node(Node(double, "n0"))
    for i in range(1, 100_000):
        node = dag.add_node(Node(double, f"n{i}"))
        previous >> node
        previous = node
    assert len(dag.get_dependencies("n99999")) == 99_999
    assert len(dag.get_downstream("n0")) == 99_999
    assert dag.run(x=0) == 0
    with pytest.raises(WiringError, match="did you mean"):
        dag.get_dependencies("n99998x")


def test_disconnecting_frees_the_port_and_the_plan_follows() -> None:
    dag = DAG("d")
    a, b = dag.add_node(Node(number)), dag.add_node(Node(double))
    a >> b
    assert dag.run() == 6
    dag.disconnect("number", "double")
    assert dag.run(x=5) == {"number": 3, "double": 10}


def test_a_removed_node_leaves_no_connection_behind() -> None:
    dag = DAG("d")
    a, b, c = (dag.add_node(Node(double, name)) for name in "abc")
    a >> b >> c
    dag.remove_node("b")
    assert list(dag.edges) == []
    assert dag.run({"a.x": 1, "c.x": 2}) == {"a": 2, "c": 4}
    a >> c
    assert dag.run(x=1) == 4


def test_a_chain_connects_one_after_the_other() -> None:
    dag = DAG("d")
    nodes = [dag.add_node(Node(double, f"n{i}")) for i in range(3)]
    assert dag.chain(*nodes) is nodes[-1]
    assert dag.run(x=1) == 8


def test_a_keyword_that_is_taken_is_refused_instead_of_dropped() -> None:
    dag = DAG("d")

    @dag.node
    def other() -> int:
        return 1

    @dag.node
    def x() -> int:
        return 2

    @dag.node(outputs=["left", "right"])
    def source() -> tuple[int, int]:
        return 3, 4

    @dag.node
    def target(x: int, **rest: int) -> dict[str, int]:
        return {"x": x, **rest}

    other >> target
    with pytest.raises(WiringError, match='the name "x" is taken'):
        x >> target
    source.output("left") >> target
    source.output("left") >> target
    with pytest.raises(WiringError, match='the name "source" is taken'):
        source.output("right") >> target
    source.connect_to(target, "right", "more")
    assert dag.run()["target"] == {"x": 1, "source": 3, "more": 4}


def test_a_list_connects_to_an_input_by_name() -> None:
    dag = DAG("d")
    first, second = dag.add_node(Node(number, "first")), dag.add_node(Node(number, "second"))

    @dag.node
    def total(*values: int) -> int:
        return sum(values)

    assert [first, second] >> total.input("values") is total
    assert dag.run() == 6


def test_a_node_of_one_workflow_makes_a_node_of_another() -> None:
    one, other = DAG("one"), DAG("other")
    node = other.node(one.node(double))
    assert node.inputs == ["x"]
    assert node.func is double
    assert other.run(x=4) == one.run(x=4)


def test_what_is_no_node_no_function_or_no_name_is_refused() -> None:
    dag = DAG("d")
    wrong: Any = number
    with pytest.raises(WiringError, match='is added to workflow "d" but is not a node'):
        dag.add_node(wrong)
    wrong = "number"
    with pytest.raises(WiringError, match="'number' is not a function"):
        Node(wrong)
    wrong = 5
    with pytest.raises(WiringError, match="5 is no name of a node"):
        Node(number, wrong)
    for name in (5, ["number"]):
        wrong = name
        with pytest.raises(WiringError, match='Workflow "d" has no node'):
            dag.connect(wrong, "number")


def test_one_text_is_no_list_of_outputs() -> None:
    with pytest.raises(WiringError, match='outputs="total" is one text, not a list of names'):
        Node(number, outputs="total")
    with pytest.raises(WiringError, match='inputs="x" is one text, not a list of names'):
        Node(double, inputs="x")


def test_a_place_that_only_looks_like_a_number_is_no_input() -> None:
    def total(*values: int) -> int:
        return sum(values)

    place: Any = "*²"
    with pytest.raises(WiringError, match=r'has no input "\*²"'):
        Node(number).connect_to(Node(total), input_name=place)


def test_only_a_node_of_the_workflow_can_be_removed_from_it() -> None:
    dag, other = DAG("d"), DAG("other")
    kept, stranger = dag.add_node(Node(number, "a")), other.add_node(Node(number, "a"))
    with pytest.raises(WiringError, match='Node "a" of workflow "d" is another one than the node to remove'):
        dag.remove_node(stranger)
    assert dag.nodes == {"a": kept}
    dag.remove_node(kept)
    assert dag.nodes == {}
