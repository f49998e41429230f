"""In an isolated context nobody changes what another one has: not nodes, not children, not who reads results."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import pickle
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import (
    DAG,
    FSM,
    ConditionalReturn,
    Context,
    FSMReturn,
    Layer,
    Node,
    Results,
    Runner,
    WorkflowExecutionError,
)
from fastdag_typed.exceptions import IsolationError
from fastdag_typed.policies.isolate import ISOLATION, IsolatedContext

if TYPE_CHECKING:
    from collections.abc import Callable

MODES: Any = pytest.mark.parametrize("mode", ["sequential", "parallel"])


def spoiling(*, is_async: bool = False) -> DAG:
    """Two nodes change what both of them get."""
    dag = DAG("spoiling")

    @dag.node
    def load(given: list[int]) -> list[int]:
        given.append(1)
        return given

    def spoil(items: list[int], context: Context) -> list[int]:
        items.append(len(items))
        context.results["load"].append("spoiled")
        context.metadata["seen"].append("spoiled")
        return items

    async def spoil_later(items: list[int], context: Context) -> list[int]:
        await asyncio.sleep(0)
        return spoil(items, context)

    for name in ("left", "right"):
        load >> dag.add_node(Node(spoil_later if is_async else spoil, name))
    return dag


@MODES
@pytest.mark.parametrize("is_async", [False, True])
def test_nodes_that_change_their_inputs_do_not_disturb_each_other(mode: Any, is_async: bool) -> None:
    dag, given = spoiling(is_async=is_async), [0]
    dag.metadata["seen"] = []
    context = IsolatedContext()

    metrics = Runner(dag).run({"given": given}, mode, context=context)

    assert metrics.value == {"left": [0, 1, 2], "right": [0, 1, 2]}
    assert context.results == {"load": [0, 1], "left": [0, 1, 2], "right": [0, 1, 2]}
    assert given == [0]
    assert context.metadata == {"seen": []}
    assert dag.metadata == {"seen": []}


def test_without_isolation_they_would() -> None:
    dag, context = spoiling(), Context(metadata={"seen": []})

    assert dag.run(given=[0], context=context)["right"] == [0, 1, 2, "spoiled", 4, "spoiled"]


def test_a_state_machine_runs_isolated_too() -> None:
    fsm = FSM("grow")

    @fsm.state(initial=True)
    def first(items: list[int]) -> FSMReturn[list[int]]:
        items.append(1)
        return FSMReturn(second, items)

    @fsm.state
    def second(before: list[int], context: Context) -> FSMReturn[list[int]]:
        before.append(2)
        context.results[first].append(3)
        return FSMReturn(stop=True, value=before)

    given, context = [0], IsolatedContext()
    fsm.run(items=given, context=context)
    context.get_result("first.2").append("spoiled")

    assert given == [0]
    assert (fsm["first.2"], fsm["second"]) == ([0, 1], [0, 1, 2])
    assert (fsm.state_history, fsm.cycle_count) == (["second", "END"], 2)


def test_an_attempt_after_another_one_gets_the_inputs_unchanged() -> None:
    class Twice:
        layer = Layer.RETRY

        def wrap(self, step: Any, call: Any, emit: Any) -> Any:
            def again(*args: Any) -> Any:
                try:
                    return call(*args)
                except ValueError:
                    return call(*args)

            return again

    dag, seen = DAG("d"), list[list[int]]()

    @dag.node(policies=[Twice()])
    def fail_once(items: list[int]) -> int:
        seen.append(list(items))
        items.clear()
        if len(seen) == 1:
            raise ValueError
        return len(seen)

    assert dag.run(items=[1, 2], context=IsolatedContext()) == 2
    assert seen == [[1, 2], [1, 2]]


def test_what_a_node_keeps_of_its_result_is_its_own() -> None:
    dag, kept = DAG("d"), [1]

    @dag.node
    def give() -> list[int]:
        return kept

    @dag.node
    def spoil_global(items: list[int]) -> list[int]:
        kept.append(2)
        return items

    give >> spoil_global
    assert dag.run(context=IsolatedContext()) == [1]
    assert dag["give"] == [1]


def test_two_inputs_that_are_one_object_are_one_in_the_copy() -> None:
    dag = DAG("d")

    @dag.node
    def load() -> list[int]:
        return []

    @dag.node
    def both(a: list[int], b: list[int]) -> bool:
        return a is b

    load >> both.input("a")
    load >> both.input("b")
    assert dag.run(context=IsolatedContext()) is True


def test_a_default_stays_what_it_is() -> None:
    missing: Any = object()
    dag = DAG("d")

    @dag.node
    def given(x: int, y: Any = missing) -> bool:
        return y is not missing

    inner = DAG("inner")
    inner.add_node(given.copy("inside"))
    dag.add_workflow("nested", inner)
    assert dag.run(x=1, context=IsolatedContext()) == {"given": False, "nested": False}


def test_nodes_that_a_return_value_names_are_not_copied() -> None:
    dag = DAG("d")

    @dag.condition
    def big(value: list[int]) -> ConditionalReturn[list[int]]:
        return ConditionalReturn(len(value) > 1, value, true_branch=more)

    @dag.node
    def more(value: list[int]) -> str:
        return f"more than {value[0]}"

    big.on_true >> more
    assert dag.run(value=[1, 2], context=IsolatedContext()) == "more than 1"


# -- what cannot be copied --------------------------------------------------------------------------------------------


@MODES
def test_an_input_that_cannot_be_copied_is_named_with_its_port(mode: Any) -> None:
    dag = DAG("d")

    @dag.node
    def hold(number: int, lock: Any) -> int:
        return number

    with pytest.raises(WorkflowExecutionError, match="hold") as caught:
        dag.run(number=1, lock=threading.Lock(), mode=mode, context=IsolatedContext())
    error = caught.value.__cause__
    assert isinstance(error, IsolationError)
    assert isinstance(error.__cause__, TypeError)
    assert (error.node_name, error.port) == ("hold", "lock")
    assert 'The value for input port "lock" of node "hold" cannot be copied' in str(error)


@pytest.mark.parametrize(
    ("call", "port"),
    [
        (lambda *many: many, "*1"),
        (lambda one, /, *many: one, "*0"),
        (lambda one, two=None: one, "two"),
    ],
)
def test_the_port_of_any_kind_of_parameter_is_named(call: Callable[..., Any], port: str) -> None:
    dag, lock = DAG("d"), threading.Lock()
    give, target = dag.add_node(Node(lambda: 1, "give")), dag.add_node(Node(call, "target"))
    dag.compose(lambda: target(give(), lock))

    with pytest.raises(WorkflowExecutionError) as caught:
        dag.run(context=IsolatedContext())
    assert getattr(caught.value.__cause__, "port", None) == port


def test_a_result_that_cannot_be_copied_is_named_with_its_node() -> None:
    dag = DAG("d")

    @dag.node
    def lock() -> Any:
        return threading.Lock()

    with pytest.raises(WorkflowExecutionError) as caught:
        dag.run(context=IsolatedContext())
    error = caught.value.__cause__
    assert isinstance(error, IsolationError)
    assert (error.node_name, error.port) == ("lock", None)
    assert 'What node "lock" returned cannot be copied' in str(error)


def test_a_value_that_is_nested_too_deep_to_be_copied_says_so() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    context = IsolatedContext()
    with pytest.raises(IsolationError, match=r'value of "deep" in a context cannot be copied.*RecursionError'):
        context.set_result("deep", deep)
    assert context.results == {}
    while deep:  # taken apart here, for to free it takes Python's own stack
        deep = deep.pop()


def test_what_a_policy_gives_in_the_place_of_a_result_is_copied_too() -> None:
    default = [0]

    class Instead:
        layer = Layer.FALLBACK

        def wrap(self, step: Any, call: Any, emit: Any) -> Any:
            return lambda: default

    dag = DAG("d")
    dag.add_node(Node(lambda: [1], "fail", policies=[Instead()]))
    value = dag.run(context=IsolatedContext())
    value.append(1)
    assert (value, default) == ([0, 1], [0])


def test_a_class_can_say_that_its_objects_are_shared() -> None:
    class Shared:
        def __deepcopy__(self, memo: Any) -> Shared:
            return self

    dag, shared = DAG("d"), Shared()
    dag.add_node(Node(lambda x: x, "pass_on"))
    assert dag.run(x=shared, context=IsolatedContext()) is shared


# -- reading and writing ----------------------------------------------------------------------------------------------

READS: list[Callable[[Any], Any]] = [
    lambda kept: kept["a"],
    lambda kept: kept.get("a"),
    lambda kept: kept.setdefault("a", 0),
    lambda kept: kept.copy()["a"],
    lambda kept: dict(kept)["a"],
    lambda kept: {**kept}["a"],
    lambda kept: (kept | {})["a"],
    lambda kept: ({} | kept)["a"],
    lambda kept: next(iter(kept.values())),
    lambda kept: dict(kept.items())["a"],
    lambda kept: copy.copy(kept)["a"],
    lambda kept: copy.deepcopy(kept)["a"],
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("field", ["results", "metadata"])
def test_who_reads_gets_a_copy(read: Callable[[Any], Any], field: str) -> None:
    kept = getattr(IsolatedContext({"a": [1]}, {"a": [1]}), field)
    read(kept).append(2)
    assert kept["a"] == [1]


@pytest.mark.parametrize("take", [lambda kept: kept.pop("a"), lambda kept: kept.popitem()[1]])
def test_what_is_taken_away_may_be_kept_by_a_child(take: Callable[[Any], Any]) -> None:
    context = IsolatedContext({"a": [1]})
    child = context.create_child_context()
    take(context.results).append(2)
    assert context.results == {}
    assert child.results == {"a": [1]}


WRITES: list[Callable[[Any, Any], Any]] = [
    lambda kept, value: kept.__setitem__("a", value),
    lambda kept, value: kept.update({"a": value}),
    lambda kept, value: kept.update([("a", value)]),
    lambda kept, value: kept.update(a=value),
    lambda kept, value: kept.setdefault("a", value),
    lambda kept, value: kept.__ior__({"a": value}),
]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("field", ["results", "metadata"])
def test_what_is_entered_is_copied(write: Callable[[Any, Any], Any], field: str) -> None:
    context, value = IsolatedContext(), [1]
    write(getattr(context, field), value)
    value.append(2)
    assert getattr(context, field) == {"a": [1]}


def test_what_a_context_is_made_of_is_copied() -> None:
    results, metadata = {"a": [1]}, {"m": [1]}
    context = IsolatedContext(results, metadata)
    results["a"].append(2)
    metadata["m"].append(2)
    assert (context.get_result("a"), context.metadata["m"]) == ([1], [1])


def test_results_are_read_by_node_and_missing_ones_say_what_was_meant() -> None:
    context = IsolatedContext({"load": [1]}, {"user": "me"})
    node = Node(lambda: [1], "load")
    assert context.results[node] == context.get_result(node) == [1]
    assert isinstance(context.results, Results)
    assert context.results.pop("laod", None) is context.get_result("laod") is None
    with pytest.raises(KeyError, match='did you mean "load"'):
        context.results["laod"]
    with pytest.raises(KeyError, match=r"^'usr'$"):
        context.metadata["usr"]


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, dataclasses.replace, lambda one: pickle.loads(pickle.dumps(one))],  # noqa: S301 - our own
)
def test_a_copy_of_an_isolated_context_is_equal_and_isolated(again: Callable[[Any], Any]) -> None:
    context = IsolatedContext({"a": [1]}, {"m": [1]}, current_state="a")
    twin = again(context)
    assert twin == context
    twin.set_result("b", 1)
    twin.results["a"].append(2)
    twin.metadata["m"].append(2)
    assert (twin.results, twin.metadata) == ({"a": [1], "b": 1}, {"m": [1]})
    assert context.results == {"a": [1]}


def test_threads_write_and_read_one_context() -> None:
    context, together, faults = IsolatedContext(), threading.Barrier(4), list[object]()

    def work(number: int) -> None:
        together.wait()
        for at in range(60):
            context.set_result(f"{number}.{at}", [number, at])
            context.results[f"{number}.{at}"].append("spoiled")
            wrong = [value for value in context.results.values() if len(value) != 2]
            wrong += [name for name in context.results if context.get_result(name) is None]
            faults.extend(wrong)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert context.results == {f"{number}.{at}": [number, at] for number in range(4) for at in range(60)}


# -- children ---------------------------------------------------------------------------------------------------------


def test_a_child_begins_with_what_its_parent_has_and_goes_its_own_way() -> None:
    parent = IsolatedContext({"a": [1]}, {"m": [1]})
    child = parent.create_child_context()
    assert (child.results, child.metadata, child.execution_info) == ({"a": [1]}, {"m": [1]}, {})

    child.set_result("b", 2)
    child.metadata["m"] = 2
    parent.set_result("a", 3)
    assert (child.results, child.metadata) == ({"a": [1], "b": 2}, {"m": 2})
    assert (parent.results, parent.metadata) == ({"a": 3}, {"m": [1]})


def test_a_child_is_of_the_kind_of_its_parent() -> None:
    class Mine(IsolatedContext):
        pass

    assert type(Mine().create_child_context()) is Mine


def test_merging_takes_what_was_entered_in_the_child() -> None:
    parent = IsolatedContext({"a": [1], "b": 1})
    child = parent.create_child_context()
    child.set_result("b", 1)  # as it was, but computed here
    child.set_result("c", [3])
    parent.set_result("a", "newer")

    parent.merge_child_context(child)
    assert parent.results == {"a": "newer", "b": 1, "c": [3]}

    parent.merge_child_context(child, prefix="item_0")
    assert parent.results == {"a": "newer", "b": 1, "c": [3], "item_0.b": 1, "item_0.c": [3]}

    child.results["c"].append(4)
    child.set_result("c", "later")
    assert parent.get_result("c") == parent.get_result("item_0.c") == [3]


def test_what_was_merged_goes_on_to_the_grandparent() -> None:
    top = IsolatedContext()
    middle = top.create_child_context()
    leaf = middle.create_child_context()
    leaf.set_result("x", 1)
    middle.merge_child_context(leaf, "leaf")
    top.merge_child_context(middle, "middle")
    assert top.results == {"middle.leaf.x": 1}


@MODES
def test_each_item_has_a_child_of_its_own_and_their_results_are_merged(mode: Any) -> None:
    part = DAG("part")

    @part.node
    def double(item: int) -> int:
        return item * 2

    dag = DAG("whole")

    @dag.node
    async def each(data: list[int]) -> dict[str, int]:
        context = IsolatedContext({"size": len(data)})
        children = [context.create_child_context() for _ in data]
        runs = [
            Runner(part).run_async({"item": item}, mode, context=child)
            for item, child in zip(data, children, strict=True)
        ]
        await asyncio.gather(*runs)
        for i, child in enumerate(children):
            context.merge_child_context(child, prefix=f"item_{i}")
        return dict(context.results)

    assert dag.run(data=[1, 2, 3], mode=mode) == {"size": 3, "item_0.double": 2, "item_1.double": 4, "item_2.double": 6}


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_one_node_can_be_isolated_by_itself() -> None:
    dag = DAG("d")

    @dag.node(policies=ISOLATION)
    def append(items: list[int]) -> list[int]:
        items.append(1)
        return items

    given = [0]
    assert dag.run(items=given) == [0, 1]
    assert given == [0]


def test_who_does_not_ask_for_it_does_not_load_it() -> None:
    code = """
import sys
from fastdag_typed import DAG
dag = DAG("d")
dag.node(lambda x: x)
dag.run(x=1)
sys.exit("fastdag_typed.policies.isolate" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
