"""Values on their way to a node: too large, of a wrong type, with text that is cut or cleaned, or code."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import pytest

from fastdag_typed import DAG, Node, Runner, WorkflowExecutionError
from fastdag_typed.exceptions import FastDagError, PortTypeError, SecurityError
from fastdag_typed.security.policy import Code, SecurityPolicy
from fastdag_typed.security.validator import InputValidator, size_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Pair(NamedTuple):
    left: str
    right: list[str]


@dataclass(frozen=True)
class Note:
    text: str
    size: int = 0


class Array:
    """Shows more bytes than it counts as its own, as an array does that is a part of another."""

    nbytes = 5_000_000


def node_of(hint: Any) -> Node[..., Any]:
    def take(value): ...

    take.__annotations__["value"] = hint
    return Node(take)


def validated(value: Any, hint: Any = Any, **policy: Any) -> Any:
    return InputValidator(SecurityPolicy(**policy)).validate_node_input(node_of(hint), {"value": value})["value"]


# -- size --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: "x" * 100_000,
        lambda: b"x" * 100_000,
        lambda: list(range(1000, 6000)),
        lambda: {str(n): n for n in range(5000)},
        lambda: {n: {m: str(m) * 10 for m in range(n, n + 10)} for n in range(200)},
        lambda: [[["x" * 100_000]]],
        lambda: ({"a": deque(["x" * 100_000])},),
        lambda: {frozenset({"x" * 100_000})},
        lambda: Note("x" * 100_000),
        lambda: SimpleNamespace(inside=SimpleNamespace(inside="x" * 100_000)),
        Array,
        lambda: [Array()],
    ],
)
def test_a_value_that_is_too_large_with_all_that_it_contains_is_refused(make: Callable[[], Any]) -> None:
    value = make()
    assert size_of(value) > 90_000
    with pytest.raises(SecurityError) as caught:
        validated(value, max_input_size_bytes=90_000)
    assert isinstance(caught.value, FastDagError)
    assert (caught.value.node_name, caught.value.port) == ("take", "value")
    assert 'Input "value" of node "take" is larger than the 90000 bytes that the policy allows: ' in str(caught.value)
    assert validated(value) is value


def test_a_value_is_measured_once_however_often_it_is_contained() -> None:
    big = "x" * 100_000
    around: list[Any] = [big] * 100
    around.append(around)
    assert 100_000 < size_of(around) < 110_000
    assert validated(around, max_input_size_bytes=110_000) is around


def test_a_value_may_be_as_deep_as_it_likes() -> None:
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(SecurityError):
        validated(deep, max_input_size_bytes=1_000_000)
    while deep:
        deep = deep.pop()


def test_classes_functions_and_modules_are_not_looked_into() -> None:
    assert size_of([logging, InputValidator, size_of, print]) < 10_000


# -- types -------------------------------------------------------------------------------------------------------------


def test_a_value_of_a_wrong_type_is_refused() -> None:
    with pytest.raises(PortTypeError) as caught:
        validated({"a": [1, "b"]}, dict[str, list[int]])
    assert (caught.value.node_name, caught.value.port, caught.value.path) == ("take", "value", "['a'][1]")
    assert isinstance(caught.value, TypeError)
    assert validated({"a": [1]}, dict[str, list[int]]) == {"a": [1]}


def test_inputs_of_every_kind_of_port_are_checked_and_others_only_cleaned() -> None:
    def take(first: int, *rest: str, key: int = 0, **more: float) -> None: ...

    validator, node = InputValidator(), Node(take)
    good = {"first": 1, "*0": "a\0", "key": 2, "other": 1.5}
    assert validator.validate_node_input(node, good) == {**good, "*0": "a"}
    for name in good:
        with pytest.raises(PortTypeError):
            validator.validate_node_input(node, {**good, name: object()})
    assert validator.validate_node_input(Node(lambda x: x), {"y": "a\0b"}) == {"y": "ab"}


# -- text --------------------------------------------------------------------------------------------------------------


def test_null_bytes_are_taken_out_and_long_text_is_cut_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert validated("a\0b") == "ab"
    assert caplog.text == ""
    assert validated("abcdef", max_string_length=4) == "abcd"
    assert "Text of 6 characters is cut to 4" in caplog.text


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        (["a\0", 1, None], ["a", 1, None]),
        (("a\0", ("b\0",)), ("a", ("b",))),
        ({"a\0": {"b": "c\0"}}, {"a": {"b": "c"}}),
        ({"a\0"}, {"a"}),
        (frozenset({"a\0"}), frozenset({"a"})),
        (Pair("a\0", ["b\0"]), Pair("a", ["b"])),
        ([Note("a\0", 3)], [Note("a", 3)]),
    ],
)
def test_text_inside_is_cleaned_in_a_copy(value: Any, clean: Any) -> None:
    before = repr(value)
    found = validated(value)
    assert found == clean
    assert type(found) is type(clean)
    assert repr(value) == before


def test_a_value_that_contains_itself_is_cleaned_as_it_is() -> None:
    around: Any = ["a\0"]
    around += [around, {"back": around}]
    found = validated(around)
    assert found[0] == "a"
    assert found[1] is found
    assert found[2]["back"] is found


@pytest.mark.parametrize("value", [["a", {"b": ("c",)}], "text", 3, None, Note("a"), {"eval(": "__import__('os')"}])
def test_what_is_clean_stays_the_very_same(value: Any) -> None:
    assert validated(value) is value


@pytest.mark.parametrize(
    "text",
    ["import duties rose", "the eval() of it", "__init__ me", "DROP TABLE users; --", "<script>exec(1)</script>"],
)
def test_text_is_not_refused_for_what_it_looks_like(text: str) -> None:
    assert validated(text, str) == text
    assert validated([text], list[str]) == [text]


@pytest.mark.parametrize(
    "hint", [Annotated[str, Code], Annotated[str, Code()], Annotated[str | None, Code], list[Annotated[str, Code]]]
)
def test_text_that_a_node_evaluates_is_held_against_the_policy(hint: Any) -> None:
    def given(text: str) -> Any:
        return [text] if hint == list[Annotated[str, Code]] else text

    assert validated(given("a + 1"), hint) == given("a + 1")
    with pytest.raises(SecurityError) as caught:
        validated(given("__import__('os')"), hint)
    assert str(caught.value) == (
        'Input "value" of node "take" uses "__import__", which the policy forbids: "__import__(\'os\')"'
    )
    with pytest.raises(SecurityError, match='uses "eval"'):
        validated(given("eval(a)"), hint)
    assert validated(given("eval(a)"), hint, allow_eval=True) == given("eval(a)")


def test_code_is_read_as_the_node_will_get_it() -> None:
    with pytest.raises(SecurityError, match='uses "eval"'):
        validated("ev\0al(a)", Annotated[str, Code])


# -- paths -------------------------------------------------------------------------------------------------------------


def test_paths_lead_only_where_the_policy_allows(tmp_path: Path) -> None:
    value = {"inside": [tmp_path / "a"]}
    assert validated(value, allowed_file_paths=[str(tmp_path)]) is value
    with pytest.raises(SecurityError, match="leads outside of what the policy allows"):
        validated({"inside": [tmp_path / ".." / "a"]}, allowed_file_paths=[str(tmp_path)])
    with pytest.raises(SecurityError, match="does not allow access to files"):
        validated(tmp_path, allow_file_access=False)


# -- as a policy -------------------------------------------------------------------------------------------------------


def workflow(*, is_async: bool = False, **options: Any) -> DAG:
    dag = DAG("validated")

    @dag.node
    def read(text: str, limit: int = "none") -> dict:
        return {"text": text}

    def show(context: Any, found: dict[str, str], *rest: str, end: str) -> str:
        return found["text"] + "".join(rest) + end

    async def show_later(context: Any, found: dict[str, str], *rest: str, end: str) -> str:
        await asyncio.sleep(0)
        return show(context, found, *rest, end=end)

    node = dag.add_node(Node(show_later if is_async else show, "show", **options))
    read >> node
    dag.connect("read", "show", output="text", input="*0")
    return dag


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("mode", ["sequential", "parallel"])
def test_on_a_runner_it_cleans_what_comes_to_every_node(is_async: bool, mode: Any) -> None:
    dag = workflow(is_async=is_async)
    assert Runner(dag).run({"text": "a\0", "end": "b\0"}, mode).value == "a\0a\0b\0"
    runner = Runner(dag, policies=[InputValidator(SecurityPolicy(max_input_size_bytes=10_000))])
    assert runner.run({"text": "a\0", "end": "b\0"}, mode).value == "aab"
    with pytest.raises(WorkflowExecutionError) as caught:
        runner.run({"text": "a" * 10_000, "end": ""}, mode)
    assert isinstance(caught.value.__cause__, SecurityError)
    assert caught.value.node_name == "read"
    assert caught.value.__cause__.where is not None


def test_on_a_node_it_cleans_what_comes_to_this_one() -> None:
    dag = workflow(policies=[InputValidator()])
    assert Runner(dag).run({"text": "a\0", "end": "b\0"}).value == "aab"
    assert dag["read"] == {"text": "a\0"}


def test_a_violation_on_an_edge_names_its_source() -> None:
    dag = DAG("edges")
    dag.add_node(Node(lambda value: value, "give")) >> dag.add_node(Node(node_of(list[int]).func, "take"))
    with pytest.raises(WorkflowExecutionError) as caught:
        Runner(dag, policies=[InputValidator()]).run({"value": ["a"]})
    found = caught.value.__cause__
    assert isinstance(found, PortTypeError)
    assert (found.source, found.path) == ("give", "[0]")


def test_what_did_not_arrive_and_what_is_a_default_is_no_violation() -> None:
    dag = DAG("joins")

    @dag.condition
    def check(value: int, limit: int = "none") -> bool:
        return value > 0

    @dag.any
    def join(yes: int, no: int) -> Any:
        return yes, no

    check.on_true >> join
    check.on_false >> join
    assert Runner(dag, policies=[InputValidator()]).run({"value": 1}).value == (1, None)


def test_a_node_without_inputs_is_called_as_it_is() -> None:
    dag = DAG("d")

    @dag.node
    def alone(context: Any) -> int:
        return 1

    (step,) = dag.plan().steps
    assert InputValidator().wrap(step, step.func, print) is step.func
    assert alone.name == step.name
