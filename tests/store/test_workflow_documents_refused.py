from __future__ import annotations

import json
import subprocess
import sys
from os import system  # noqa: F401 - something that must not be reached through this module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdag_typed import DAG, FSM, Node, SerializationError, WorkflowSerializer

if TYPE_CHECKING:
    from pathlib import Path

serializer = WorkflowSerializer()


def double(x: int) -> int:
    return x * 2


def add(x: int, y: int) -> int:
    return x + y


class Tools:
    inner = json

    @staticmethod
    def triple(x: int) -> int:
        return x * 3


REGISTRY = {"double": double, "add": add}
HEAD = "name: d\ntype: DAG\nnodes:\n  - name: a\n    function: double\n  - name: b\n    function: add\n"


@pytest.mark.parametrize(
    ("text", "line", "path", "message"),
    [
        # what is not YAML, or more than plain data
        ("", None, "", "the document is empty"),
        ("name: [", 2, "", r"not YAML: .*\(column 1\)"),
        ("name: a\n\tb: c", 2, "", "not YAML: .*tab|not YAML: .*character"),
        ("a: \x00", None, "", "not YAML: .*special characters|not YAML: .*control characters"),
        ("a: \ud800", None, "", "not YAML: .*surrogates"),
        ("name: a\n--- \nname: b", 2, "", "more than one document"),
        ("a: &x [1]\nb: *x", 1, "", "the anchor &x is not allowed"),
        ("a: *x", 1, "", "the alias \\*x is not allowed"),
        ("name: d\ntype: !!python/name:os.system x", 2, "", "the tag .*os.system is not allowed"),
        ("name: !!str d", 1, "", "the tag tag:yaml.org,2002:str is not allowed"),
        ("name: ! d", 1, "", "the tag ! is not allowed"),
        ("name: d\nname: e", 2, "", 'the key "name" is given twice'),
        ("name: d\n? [a]\n: b", 2, "", "a key of a mapping is text"),
        ("1: b", 1, "", "a key of a mapping is text; put it in quotes"),
        (f"a: {'1' * 5000}", 1, "", "too many digits"),
        ("a: " + "[" * 5000, 1, "", "nested more than 100 deep"),
        ("a:\n" + "".join(" " * i + "b:\n" for i in range(1, 200)), None, "", "nested more than 100 deep"),
        # documents
        ("- a", None, "", "expected a mapping, not a list"),
        ("nope", None, "", "expected a mapping, not text"),
        ("type: DAG\nnodes: []", 1, "", 'the field "name" is missing'),
        ("name: d\nnodes: []", 1, "", 'the field "type" is missing'),
        ("name: d\ntype: DAG", 1, "", 'the field "nodes" is missing'),
        ("name: d\ntype: dag\nnodes: []", 2, "type", 'unknown type "dag"'),
        ("name: 5\ntype: DAG\nnodes: []", 1, "name", "expected text, not a whole number"),
        ("name: d\ntype: DAG\nnodes: {}", 3, "nodes", "expected a list, not a mapping"),
        ("name: d\ntype: DAG\nnode: []", 3, "node", r'unknown field "node" \(did you mean "nodes"\?\)'),
        ("format: 2\nname: d\ntype: DAG\nnodes: []", 1, "format", "unknown format 2; this version .* reads format 1"),
        ("name: d\ntype: DAG\nmax_cycles: 5\nnodes: []", 3, "max_cycles", "only a state machine"),
        ("name: d\ntype: FSM\nmax_cycles: 0\nnodes: []", 3, "max_cycles", "expected at least 1, not 0"),
        ("name: d\ntype: FSM\nmax_cycles: true\nnodes: []", 3, "max_cycles", "expected a whole number, not true"),
        ("name: d\ntype: FSM\non_max_cycles: rais\nnodes: []", 3, "on_max_cycles", 'did you mean "raise"'),
        (HEAD + "entrypoints: [c]", 8, "entrypoints", 'there is no node "c"'),
        (HEAD + "entrypoints: [a, 1]", 8, "entrypoints[1]", "expected text, not a whole number"),
        # nodes
        ("name: d\ntype: DAG\nnodes:\n  - a", None, "nodes[0]", "expected a mapping, not text"),
        ("name: d\ntype: DAG\nnodes:\n  - function: double", 4, "nodes[0]", 'the field "name" is missing'),
        ("name: d\ntype: DAG\nnodes:\n  - name: a", 4, "nodes[0]", 'the field "function" is missing'),
        (HEAD + "  - name: c\n    functoin: add", 9, "nodes[2].functoin", 'did you mean "function"'),
        (HEAD + "  - name: c\n    function: dbl", 9, "nodes[2].function", 'not in the registry .did you mean "double"'),
        (HEAD + "  - name: a\n    function: add", 8, "nodes[2].name", 'there is a node "a" already'),
        (HEAD + "  - name: ''\n    function: add", 8, "nodes[2].name", "a node needs a name"),
        (HEAD + "  - name: c\n    function: add\n    node_type: selct", 10, "nodes[2].node_type", '"select"'),
        (HEAD + "  - name: c\n    function: add\n    is_final: true", 10, "nodes[2].is_final", "node_type: fsm_state"),
        (HEAD + "  - name: c\n    function: add\n    true_branch: a", 10, "nodes[2].true_branch", "condition has this"),
        (HEAD + "  - name: c\n    function: add\n    inputs: x", 10, "nodes[2].inputs", "expected a list, not text"),
        (HEAD + "  - name: c\n    function: add\n    outputs: [1]", 10, "nodes[2].outputs[0]", "expected text"),
        (HEAD + "  - name: c\n    function: add\n    bound: {z: {value: 1}}", 10, "nodes[2].bound.z", "no such input"),
        (HEAD + "  - name: c\n    function: add\n    bound: {x: 1}", 10, "nodes[2].bound.x", "expected a mapping"),
        (HEAD + "  - name: c\n    function: add\n    bound: {x: {}}", 10, "nodes[2].bound.x", 'either "value"'),
        (
            HEAD + "  - name: c\n    function: add\n    bound: {x: {value: 1, input: y}}",
            10,
            "nodes[2].bound.x",
            'either "value"',
        ),
        (HEAD + "  - name: c\n    workflow: {}\n    function: add", 10, "nodes[2].function", "either a function or"),
        (HEAD + "  - name: c\n    workflow: {name: i, type: DAG}", 9, "nodes[2].workflow", '"nodes" is missing'),
        (
            HEAD + "  - name: c\n    workflow: {name: i, type: DAG, nodes: []}",
            9,
            "nodes[2].workflow",
            "has no nodes",
        ),
        # connections
        (HEAD + "connections:\n  - to: b", 9, "connections[0]", 'the field "from" is missing'),
        (HEAD + "connections:\n  - from: a\n    to: c", 10, "connections[0].to", 'there is no node "c" .nodes: a, b'),
        (HEAD + "connections:\n  - from: a\n    to: b\n    input: z", 9, "connections[0]", 'has no input "z"'),
        (HEAD + "connections:\n  - from: a\n    to: b\n    output: z", 9, "connections[0]", 'has no output "z"'),
        (HEAD + "connections:\n  - from: a\n    to: b\n    inptu: x", 11, "connections[0].inptu", '"input"'),
        (HEAD + "connections:\n  - from: a\n    to: b\n    branch: 1", 11, "connections[0].branch", "true, false or"),
        (
            HEAD + "connections:\n  - from: a\n    to: b\n    input: x\n    order: true",
            11,
            "connections[0].input",
            "only orders has no input",
        ),
        (
            HEAD + "connections:\n  - {from: a, to: b, input: x}\n  - {from: b, to: b, input: x}",
            10,
            "connections[1]",
            "already connected",
        ),
        (
            HEAD + "    bound: {x: {value: 1}}\nconnections:\n  - {from: a, to: b, input: x}",
            10,
            "connections[0].input",
            "bound already",
        ),
        # the final value
        (HEAD + "returns: {node: c}", 8, "returns.node", 'there is no node "c"'),
        (HEAD + "returns: {node: a, output: z}", 8, "returns.output", 'has no output "z"'),
        (HEAD + "returns: {tuple: [], list: []}", 8, "returns", 'expected "node"'),
        (HEAD + "returns: {dict: {a: {nod: a}}}", 8, "returns.dict.a.nod", 'did you mean "node"'),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(text: str, line: int | None, path: str, message: str) -> None:
    with pytest.raises(SerializationError, match=message) as caught:
        serializer.from_yaml(text, REGISTRY)

    assert caught.value.path == path
    if line is not None:
        assert caught.value.line == line
        assert str(caught.value).startswith(f"line {line}: ")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("{", 1, "not JSON"),
        ('{"name": "d",\n "name": "e"}', None, 'the key "name" is given twice'),
        ('{"a": NaN}', None, "NaN is no JSON number"),
        ('{"a": ' + "1" * 5000 + "}", None, "not JSON: .*digits"),
        ("[" * 100_000, None, "nested more than 100 deep|not JSON"),
        (
            '{"name": "d", "type": "DAG", "nodes": [], "metadata": ' + '{"a":' * 150 + "1" + "}" * 150 + "}",
            None,
            "100 deep",
        ),
        (b"\xff", None, "not JSON"),
        (None, None, "not JSON"),
    ],
)
def test_bad_json_is_refused(text: Any, line: int | None, message: str) -> None:
    with pytest.raises(SerializationError, match=message) as caught:
        serializer.from_json(text, REGISTRY)

    assert caught.value.line == line


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(SerializationError, match="YAML is text, not dict"):
        serializer.from_yaml({})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "module", "allow", "message"),
    [
        ("double", None, (), "not in the registry"),
        ("double", __name__, (), "importing from .* is not allowed: give function_registry.* or allow="),
        ("double", __name__, ("other", __name__ + "x", __name__ + ".*x"), "is not allowed"),
        ("os:system", None, (__name__,), 'importing from "os" is not allowed'),
        ("system", __name__, (__name__,), 'comes from module "(posix|nt)", which is not allowed'),
        ("json.loads", __name__, (__name__,), "which is not a class"),
        ("Tools.inner.loads", __name__, (__name__,), "which is not a class"),
        ("double.__globals__", __name__, (__name__,), "which is not a class"),
        ("Tools.__subclasses__", __name__, (__name__,), "which is not allowed"),
        ("Tools.__init__.__globals__", __name__, (__name__,), "which is not a class"),
        ("REGISTRY", __name__, (__name__,), "neither function, class nor node"),
        ("duble", __name__, (__name__,), 'has no "duble" .did you mean "double"'),
        ("f", "no_such_module_at_all", ("no_such_module_at_all",), "cannot be imported"),
    ],
)
def test_nothing_is_reached_that_is_not_allowed(
    function: str, module: str | None, allow: tuple[str, ...], message: str
) -> None:
    data = {"name": "d", "type": "DAG", "nodes": [{"name": "a", "function": function, "module": module}]}

    with pytest.raises(SerializationError, match=message) as caught:
        serializer.from_dict(data, allow=allow)

    assert caught.value.path == "nodes[0].function"


def test_a_package_may_be_allowed_as_a_whole() -> None:
    data = {"name": "d", "type": "DAG", "nodes": [{"name": "a", "function": "double", "module": __name__}]}
    package, _, _ = __name__.rpartition(".")

    assert serializer.from_dict(data, allow=[f"{__name__}.*"]).run(x=1) == 2
    assert not package or serializer.from_dict(data, allow=[f"{package}.*"]).run(x=1) == 2


def test_a_module_that_is_not_allowed_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_with_effects.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    text = "{name: d, type: DAG, nodes: [{name: a, function: f, module: module_with_effects}]}"

    with pytest.raises(SerializationError, match="not allowed"):
        serializer.from_yaml(text, allow=["json"])

    assert "module_with_effects" not in sys.modules


def test_a_registry_that_holds_something_else_is_refused() -> None:
    registry: Any = {"double": 5}
    with pytest.raises(SerializationError, match="the registry has 5"):
        serializer.from_yaml(HEAD, {**REGISTRY, **registry})


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefghij", "bcdefghijk", strict=True)
    )

    with pytest.raises(SerializationError, match="the anchor &a is not allowed") as caught:
        serializer.from_yaml(bomb)

    assert caught.value.line == 1


@given(st.text(max_size=200) | st.text(alphabet="{}[]:,-&*!?|>'\"% \nab1#", max_size=60))
def test_no_text_leads_to_anything_but_a_serialization_error(text: str) -> None:
    for read in (serializer.from_yaml, serializer.from_json):
        with pytest.raises(SerializationError):
            read(text, REGISTRY)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = [
    "name",
    "type",
    "nodes",
    "connections",
    "metadata",
    "entrypoints",
    "returns",
    "format",
    "description",
    "max_cycles",
]
_NODE_FIELDS = ["name", "function", "inputs", "outputs", "bound", "node_type", "workflow", "policies", "is_final"]


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(_FIELDS, _JSON)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(_NODE_FIELDS, _JSON)),
)
def test_no_data_leads_to_anything_but_a_serialization_error(data: dict[str, Any], node: dict[str, Any]) -> None:
    for document in (
        data,
        {"name": "d", "type": "DAG", "nodes": [{"name": "a", "function": "double", **node}]},
        {"name": "d", "type": "FSM", "nodes": [{"name": "a", "function": "double"}], **data},
    ):
        try:
            serializer.from_dict(document, REGISTRY)
        except SerializationError:
            continue


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ((1, 2), "metadata.a", "a tuple is not plain data: it would come back as a list, so give a list"),
        ([1, {"b": {3}}], "metadata.a[1].b", "a set is not plain data"),
        (b"x", "metadata.a", "a bytes is not plain data"),
        (object(), "metadata.a", "an object is not plain data"),
        ({1: 2}, "metadata.a", "the key 1 is not text"),
        (["\ud800"], "metadata.a[0]", "half a surrogate pair"),
        ([10**5000], "metadata.a[0]", "more than 4,200 digits"),
    ],
)
def test_metadata_that_would_not_come_back_is_refused(value: object, path: str, message: str) -> None:
    dag = DAG("d", metadata={"a": value})
    dag.add_node(Node(double))

    with pytest.raises(SerializationError, match=message) as caught:
        serializer.to_yaml(dag)

    assert caught.value.path == path


def test_metadata_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    dag = DAG("d", metadata={"a": loop})

    with pytest.raises(SerializationError, match="nested more than 100 deep"):
        serializer.to_dict(dag)


def test_a_constant_that_would_not_come_back_is_refused() -> None:
    dag = DAG("d")
    node = dag.add_node(Node(double))
    dag.compose(lambda: node((1, 2)))  # type: ignore[arg-type]

    with pytest.raises(SerializationError, match="a tuple is not plain data") as caught:
        serializer.to_dict(dag)

    assert caught.value.path == "nodes[0].bound.x.value"


def test_numbers_that_json_does_not_have_are_refused_there_and_kept_in_yaml() -> None:
    machine = FSM("m", metadata={"limit": float("inf")})
    machine.state(is_initial=True)(double)

    with pytest.raises(SerializationError, match="JSON has no word for nan and inf"):
        serializer.to_json(machine)
    assert serializer.from_yaml(serializer.to_yaml(machine), REGISTRY).metadata == {"limit": float("inf")}


def test_a_workflow_inside_itself_is_refused() -> None:
    dag = DAG("d")
    dag.add_node(Node(double))
    dag.add_node(DAG("around").add_workflow("itself", dag))

    with pytest.raises(SerializationError, match="nested too deep, or inside themselves"):
        serializer.to_dict(dag)


def test_a_script_loads_its_own_functions() -> None:
    script = (
        "from fastdag_typed import DAG, WorkflowSerializer\n"
        "dag = DAG('d')\n"
        "@dag.node\n"
        "def f(x: int) -> int:\n"
        "    return x + 1\n"
        "text = WorkflowSerializer.to_yaml(dag)\n"
        "print(WorkflowSerializer.from_yaml(text, allow=['__main__']).run(x=1))\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "2\n"
