"""A run that is started in another run sees that one's context, with the results so far, as its parent."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import pickle
import sys
import threading
import weakref
from typing import Any

import pytest

from fastdag_typed import DAG, FSM, Context, FSMContext, FSMReturn, Node, Runner, Workflow

MODES: Any = pytest.mark.parametrize("mode", ["sequential", "parallel"])


def seen(context: Context) -> dict[str, Any]:
    """What a node sees of the runs around its own."""
    above = context.parent
    return {} if above is None else {**above.results, "above": seen(above)}


def looking(*, is_async: bool = False) -> DAG:
    """A workflow that gives what is around it."""

    async def look_later(context: Context) -> dict[str, Any]:
        await asyncio.sleep(0)
        return seen(context)

    dag = DAG("looking")
    dag.add_node(Node(look_later if is_async else seen, "look", inputs=[]))
    return dag


def around(inner: Workflow, *, context: bool = False) -> DAG:
    """A workflow with a node before, and one after, a node that is a workflow."""
    outer = DAG("outer")
    first = outer.add_node(Node((lambda x, context: x) if context else (lambda x: x), "first"))
    nested = outer.add_workflow("nested", inner)
    last = outer.add_node(Node(lambda found: found, "last"))
    nested.after(first)
    nested >> last
    return outer


@MODES
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("context", [False, True])
def test_a_workflow_that_is_a_node_sees_the_results_before_it(mode: Any, is_async: bool, context: bool) -> None:
    outer = around(looking(is_async=is_async), context=context)
    assert outer.run(x=1, mode=mode) == {"first": 1, "above": {}}
    assert outer.context.parent is None


@MODES
@pytest.mark.parametrize("is_async", [False, True])
def test_every_run_sees_all_runs_around_it(mode: Any, is_async: bool) -> None:
    outer = around(around(looking(is_async=is_async)))
    assert outer.run(x=1, mode=mode) == {"first": 1, "above": {"first": 1, "above": {}}}


@MODES
def test_a_run_started_by_the_code_of_a_node_sees_that_nodes_run(mode: Any) -> None:
    inner, outer = looking(), DAG("outer")

    @outer.node
    def first(x: int) -> int:
        return x

    @outer.node
    def start(x: int) -> Any:
        return Runner(inner).run(mode=mode).value

    first >> start
    assert outer.run(x=1, mode=mode) == {"first": 1, "above": {}}


@MODES
def test_a_run_on_the_loop_of_an_async_node_sees_its_run(mode: Any) -> None:
    inner, outer = looking(is_async=True), DAG("outer")

    @outer.node
    async def start(x: int) -> list[Any]:
        await asyncio.sleep(0)
        return await asyncio.gather(inner.run_async(mode=mode), looking().run_async(mode=mode))

    outer.add_node(Node(lambda x: x, "first")) >> start
    assert outer.run(x=1, mode=mode) == [{"first": 1, "above": {}}] * 2


def test_a_run_with_a_loop_in_a_helper_thread_sees_its_parent() -> None:
    inner, outer = looking(is_async=True), DAG("outer")

    @outer.node
    async def start(x: int) -> Any:
        return inner.run()  # a loop is running here, so this run has one in another thread

    outer.add_node(Node(lambda x: x, "first")) >> start

    async def main() -> Any:
        return outer.run(x=1)  # and so has this one

    assert asyncio.run(main()) == {"first": 1, "above": {}}


def test_runs_at_once_each_see_their_own_parent() -> None:
    together = threading.Barrier(2)
    inner, outer = looking(), DAG("outer")

    @outer.node
    def first(x: int) -> int:
        together.wait()
        return x

    nested = outer.add_workflow("nested", inner)
    nested.after(first)
    found: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda x=x: found.update({x: Runner(outer).run({"x": x}).value})) for x in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {x: {"first": x, "above": {}} for x in (1, 2)}


@MODES
def test_a_state_machine_is_a_parent_and_has_one(mode: Any) -> None:
    inner = DAG("inner")

    @inner.node
    def look(context: Context) -> Any:
        above = context.parent
        assert isinstance(above, FSMContext)
        return above.current_state, above.cycle_count, dict(above.results), seen(above)

    machine = FSM("machine")

    @machine.state(initial=True)
    def first(x: int) -> FSMReturn[int]:
        return FSMReturn(second, x)

    @machine.state
    def second(before: int) -> FSMReturn[Any]:
        return FSMReturn(stop=True, value=inner.run(mode=mode))

    outer = DAG("outer")
    start = outer.add_node(Node(lambda y: y, "start"))
    nested = outer.add_workflow("nested", machine)
    nested.after(start)
    expected = ("second", 2, {"first": 1}, {"start": 0, "above": {}})
    assert outer.run(x=1, y=0, mode=mode) == expected


def test_results_are_those_of_now() -> None:
    inner, outer, asked = DAG("inner"), DAG("outer"), list[list[str]]()
    inner.add_node(Node(lambda context: context, "give"))

    def ask(context: Any) -> Any:
        asked.append(list(context.parent.results))
        return context

    outer.add_node(Node(lambda: ask(inner.run()), "start")) >> outer.add_node(Node(lambda found: [ask(found)], "later"))
    outer.run()
    assert asked == [[], ["start"]]
    assert inner.context.parent is outer.context
    assert list(outer.results) == ["start", "later"]


def test_a_thread_of_the_users_own_takes_its_run_along_with_its_context_variables() -> None:
    inner, outer = looking(), DAG("outer")

    @outer.node
    def start(x: int) -> list[Any]:
        found: list[Any] = []
        carried = contextvars.copy_context()
        for call in (lambda: found.append(inner.run()), lambda: carried.run(lambda: found.append(inner.run()))):
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
        return found

    outer.add_node(Node(lambda x: x, "first")) >> start
    known = {"first": 1, "above": {}}
    inherits = getattr(sys.flags, "thread_inherit_context", False)  # from Python 3.14 on
    assert outer.run(x=1) == [known if inherits else {}, known]


def test_a_context_used_again_forgets_where_it_was() -> None:
    inner, outer, context = looking(), DAG("outer"), Context()
    outer.add_node(Node(lambda: inner.run(context=context), "start"))
    outer.run()
    assert context.parent is outer.context
    assert inner.run(context=context) == {}
    assert context.parent is None


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301 - our own
def test_a_copy_stands_alone(again: Any) -> None:
    inner, outer = looking(), DAG("outer")
    outer.add_node(Node(lambda: inner.run(mode="sequential"), "start"))
    outer.run()
    twin = again(inner.context)
    assert inner.context.parent is outer.context
    assert twin.parent is None
    assert twin == inner.context


def test_a_node_that_hands_its_own_context_on_is_not_its_own_parent() -> None:
    inner, middle = looking(), DAG("middle")
    middle.add_node(Node(lambda context: inner.run(context=context), "start"))
    outer = around(middle)
    assert outer.run(x=1) == {"first": 1, "above": {}}
    assert inner.context is middle.context


def test_a_context_keeps_that_of_its_parent_alive_and_not_its_run() -> None:
    outer = around(looking())
    nested: Any = outer.nodes["nested"].func

    def observe(event: object) -> None:
        pass

    alive = weakref.ref(observe)
    Runner(outer, observers=[observe]).run({"x": 1})
    del observe
    gc.collect()
    assert alive() is None
    assert nested.workflow.context.parent is outer.context
