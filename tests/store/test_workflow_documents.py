from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from fastdag_typed import (
    DAG,
    FSM,
    ConditionalReturn,
    FSMReturn,
    Location,
    Node,
    SelectReturn,
    SerializationError,
    Workflow,
    WorkflowSerializer,
)
from fastdag_typed.step import Layer

if TYPE_CHECKING:
    from collections.abc import Callable


def double(x: int) -> int:
    """Double a number."""
    return x * 2


def add(x: int, y: int = 1) -> int:
    return x + y


def total(*parts: int) -> str:
    return ",".join(map(str, parts))


def named(**parts: int) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(parts.items()))


def split(x: int) -> dict[str, int]:
    return {"low": x - 1, "high": x + 1}


def pair(x: int) -> tuple[int, int]:
    return x, -x


class Parts(NamedTuple):
    left: int
    right: int


def parts(x: int) -> Parts:
    return Parts(x, x * 10)


def is_big(x: int) -> bool:
    return x > 10


def choose(x: int) -> SelectReturn[int]:
    return SelectReturn(x, "odd one" if x % 2 else "even")


def first(a: int | None, b: int | None) -> int | None:
    return a if b is None else b


async def later(x: int) -> int:
    return x + 100


def log() -> None: ...


class Tools:
    @staticmethod
    def triple(x: int) -> int:
        return x * 3

    @classmethod
    def negate(cls, x: int) -> int:
        return -x


def chain() -> Workflow:
    dag = DAG("chain", "Doubles and adds.", {"owner": "me", "limits": [1, 2.5, None, {"deep": True}]})
    (
        dag.add_node(Node(double))
        >> dag.add_node(Node(add))
        >> dag.add_node(Node(Tools.triple))
        >> dag.add_node(Node(Tools.negate))
    )
    return dag


def fan_in() -> Workflow:
    dag = DAG("fan_in")
    a, b, c = (dag.add_node(Node(double, name)) for name in "abc")
    join, words = dag.add_node(Node(total)), dag.add_node(Node(named))
    [c, a, b] >> join
    a >> words
    b.connect_to(words, input_name="other")
    dag.add_node(Node(log)).after(join, words)
    return dag


def fields() -> Workflow:
    dag = DAG("fields")
    both = dag.add_node(Node(split))
    two = dag.add_node(Node(pair, outputs=["plus", "minus"]))
    three = dag.add_node(Node(parts))
    targets = [dag.add_node(Node(add, f"t{i}", inputs=["x"])) for i in range(4)]
    both.output("high") >> targets[0]
    two.output("minus") >> targets[1]
    three.output("right") >> targets[2]
    three.output("left") >> targets[3]
    return dag


def branches() -> Workflow:
    dag = DAG("branches")
    check = dag.condition(name="check", true_branch="up")(is_big)
    pick = dag.select(choose)
    ups = dag.add_node(Node(double, "up")), dag.add_node(Node(double, "down"))
    either = dag.any(name="either")(first)
    both = dag.all(name="both")(first)
    check.on_false >> ups[1]
    check >> pick
    [ups[0], ups[1]] >> either
    odd, even = dag.add_node(Node(add, "odd")), dag.add_node(Node(add, "even"))
    pick.on("odd one") >> odd
    pick >> even
    [odd, even] >> both
    dag.add_node(Node(log, "seen"))
    check.on_true >> dag.nodes["seen"]
    return dag


def composed() -> Workflow:
    dag = DAG("composed")
    node_add, node_split = dag.add_node(Node(add)), dag.add_node(Node(split))

    @dag.compose
    def flow(start: int, other: int = 7) -> Any:
        one = node_add(start, 5)
        two = node_add(one, other)
        return {"two": two, "low": node_split(two)["low"]}

    return dag


def composed_tuple() -> Workflow:
    dag = DAG("composed_tuple")
    node_add = dag.add_node(Node(add))

    @dag.compose
    def flow(start: int) -> Any:
        one = node_add(start, 5)
        return one, node_add(one, 1)

    return dag


def composed_one() -> Workflow:
    dag = DAG("composed_one")
    node_add = dag.add_node(Node(add))

    @dag.compose
    def flow(start: int) -> Any:
        return node_add(start, 2)

    return dag


def nested() -> Workflow:
    innermost = DAG("innermost", "Deep down.")
    innermost.add_node(Node(double)) >> innermost.add_node(Node(add))
    inner = DAG("inner")
    inner.add_workflow("deep", innermost)
    outer = DAG("outer", metadata={"a": 1})
    outer.add_workflow("part", inner) >> outer.add_node(Node(double))
    return outer


def with_async() -> Workflow:
    dag = DAG("with_async")
    dag.add_node(Node(later)) >> dag.add_node(Node(double))
    dag.set_entrypoint("later")
    return dag


def described() -> Workflow:
    dag = DAG("described")
    dag.add_node(Node(double, "own", description="My own words: yes."))
    dag.add_node(Node(double, "none")).description = None
    return dag


def begin(x: int) -> ConditionalReturn[int]:
    return ConditionalReturn(x > 3, x)


def work(x: int) -> FSMReturn[int]:
    return FSMReturn("begin", x + 1)


def rest(x: int) -> int:
    return x


def machine() -> Workflow:
    fsm = FSM("machine", max_cycles=50, on_max_cycles="raise")
    start = fsm.state(name="begin", is_initial=True)(begin)
    other = fsm.state(work)
    end = fsm.state(name="rest", is_final=True)(rest)
    start.on_false >> other
    start.on_true >> end
    return fsm


def machine_without_initial_state() -> Workflow:
    fsm = FSM("plain")
    start, end = fsm.state(rest), fsm.state(name="end")(double)
    start >> end
    fsm.set_entrypoint("rest")
    return fsm


ALL: list[tuple[Callable[[], Workflow], dict[str, Any]]] = [
    (chain, {"x": 3}),
    (fan_in, {"a.x": 1, "b.x": 2, "c.x": 3}),
    (fields, {"x": 5}),
    (branches, {"x": 11}),
    (branches, {"x": 2}),
    (composed, {"start": 1}),
    (composed_tuple, {"start": 1}),
    (composed_one, {"start": 1}),
    (nested, {"x": 2}),
    (with_async, {"x": 2}),
    (described, {"x": 2}),
    (machine, {"x": 5}),
    (machine_without_initial_state, {"x": 4}),
]
serializer = WorkflowSerializer()


@pytest.mark.parametrize(("make", "inputs"), ALL)
@pytest.mark.parametrize("form", ["yaml", "json", "dict"])
def test_a_workflow_comes_back_with_an_equal_plan(
    make: Callable[[], Workflow], inputs: dict[str, Any], form: str
) -> None:
    workflow = make()

    document = getattr(serializer, f"to_{form}")(workflow)
    again = getattr(serializer, f"from_{form}")(document, allow=[__name__])

    assert serializer.to_dict(again) == serializer.to_dict(workflow)
    assert again.plan().hash == workflow.plan().hash
    assert [step.node.description for step in again.plan().steps] == [
        step.node.description for step in workflow.plan().steps
    ]
    assert again.run(inputs) == workflow.run(inputs)


@pytest.mark.parametrize("make", [make for make, _ in ALL])
def test_any_yaml_or_json_reader_reads_the_same(make: Callable[[], Workflow]) -> None:
    workflow = make()
    data = serializer.to_dict(workflow)

    assert yaml.safe_load(serializer.to_yaml(workflow)) == data
    assert json.loads(serializer.to_json(workflow, indent=2)) == data


def test_a_document_is_short_and_readable() -> None:
    dag = DAG("serialization_test")
    dag.add_node(Node(double, "first")) >> dag.add_node(Node(add))

    assert serializer.to_yaml(dag) == (
        "format: 1\n"
        "name: serialization_test\n"
        "type: DAG\n"
        "nodes:\n"
        "  - name: first\n"
        "    function: double\n"
        f"    module: {__name__}\n"
        "  - name: add\n"
        "    function: add\n"
        f"    module: {__name__}\n"
        "connections:\n"
        "  - from: first\n"
        "    to: add\n"
        "    input: x\n"
    )


def test_functions_come_from_the_registry_by_name() -> None:
    dag = DAG("d")

    @dag.node
    def local(x: int) -> int:
        return x + 5

    again = serializer.from_yaml(serializer.to_yaml(dag), {"local": local.func})

    assert again.run(x=1) == 6


def test_a_registry_may_hold_nodes() -> None:
    dag = DAG("d")

    @dag.node
    def local(x: int) -> int:
        return x + 5

    again = serializer.from_json(serializer.to_json(dag), {"local": local})

    assert again.nodes["local"].func is local.func
    assert again.nodes["local"] is not local


def test_a_registry_name_wins_over_the_module() -> None:
    dag = DAG("d")
    dag.add_node(Node(double))
    text = serializer.to_yaml(dag)

    assert serializer.from_yaml(text, {"double": lambda x: -x}).run(x=1) == -1
    assert serializer.from_yaml(text, {f"{__name__}:double": lambda x: -x}).run(x=1) == -1


def test_a_registry_given_for_writing_names_lambdas() -> None:
    registry = {"half": lambda x: x / 2, "twice": lambda x: x * 2}
    dag = DAG("d")
    dag.add_node(Node(registry["half"], "a")) >> dag.add_node(Node(registry["twice"], "b"))

    text = serializer.to_yaml(dag, registry)

    assert "function: half" in text
    assert serializer.from_yaml(text, registry).run({"a.x": 3}) == 3


def test_functions_of_one_name_are_told_apart() -> None:
    def adder(n: int) -> Callable[[int], int]:
        def inner(x: int) -> int:
            return x + n

        return inner

    dag = DAG("d")
    one, two = adder(1), adder(10)
    dag.add_node(Node(one, "a")) >> dag.add_node(Node(two, "b")) >> dag.add_node(Node(one, "c"))

    names = [node["function"] for node in serializer.to_dict(dag)["nodes"]]

    assert names == ["inner", "b", "inner"]
    assert serializer.from_yaml(serializer.to_yaml(dag), {"inner": one, "b": two}).run(x=0) == 12


def test_functions_that_cannot_be_told_apart_are_refused() -> None:
    dag = DAG("d")
    dag.add_node(Node(lambda x: x, "a")) >> dag.add_node(Node(lambda x: -x, "b"))
    dag.nodes["b"].name = "a"

    with pytest.raises(SerializationError, match=r"nodes\[1\].function: another function.*called \"a\" too.*registry"):
        serializer.to_dict(dag)


def test_a_hand_written_function_may_name_its_module() -> None:
    text = f"{{name: d, type: DAG, nodes: [{{name: a, function: '{__name__}:Tools.triple'}}]}}"

    assert serializer.from_yaml(text, allow=__name__).run(x=2) == 6


def test_a_connection_without_ports_takes_the_next_free_input() -> None:
    text = """
name: by_hand
type: DAG
nodes:
  - {name: a, function: double, inputs: [x], outputs: [result], description: null}
  - {name: b, function: double}
  - {name: c, function: add}
connections:
  - {from: a, to: c}
  - {from: b, to: c}
"""
    workflow = serializer.from_yaml(text, {"double": double, "add": add})

    assert list(workflow.nodes["c"].input_connections) == ["x", "y"]
    assert workflow.run({"a.x": 1, "b.x": 2}) == 6


def test_errors_found_later_name_the_line_of_the_document() -> None:
    nodes = "nodes:\n- {name: a, function: log}\n- {name: b, function: add}\n"
    text = f"name: d\ntype: DAG\n{nodes}connections:\n- from: a\n  to: b\n"

    workflow = serializer.from_yaml(text, {"log": log, "add": add})

    assert next(iter(workflow.edges)).location == Location("<yaml>", 7)
    assert "<yaml>:7" in workflow.validate()[0]


class Twice:
    layer = Layer.HOOK

    def wrap(self, step: Any, call: Any, emit: Any) -> Any:
        return lambda x: call(call(x))


def test_policies_come_with_the_registered_node() -> None:
    dag = DAG("d")
    node = dag.add_node(Node(double, policies=[Twice()]))
    text = serializer.to_yaml(dag)

    again = serializer.from_yaml(text, {"double": node})

    assert "policies: [Twice]" in text
    assert again.nodes["double"].policies == node.policies
    assert again.run(x=1) == 4


def test_a_node_that_had_policies_is_not_read_without_them() -> None:
    dag = DAG("d")
    dag.add_node(Node(double, policies=[Twice()]))

    with pytest.raises(SerializationError, match=r"nodes\[0\].policies: the node had Twice, its function has none"):
        serializer.from_yaml(serializer.to_yaml(dag), {"double": double})


def test_policies_can_be_left_out_on_purpose() -> None:
    text = "{name: d, type: DAG, nodes: [{name: a, function: double, policies: []}]}"

    again = serializer.from_yaml(text, {"double": Node(double, policies=[Twice()])})

    assert again.run(x=1) == 2


def test_what_is_read_shares_nothing_with_the_data() -> None:
    data = serializer.to_dict(chain())
    again = serializer.from_dict(data, allow=[__name__])
    data["metadata"]["limits"].append("later")

    assert again.metadata["limits"] == [1, 2.5, None, {"deep": True}]
