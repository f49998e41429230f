"""A plan keeps data apart from waiting, knows last uses and groups, and hashes the wiring."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fastdag_typed import DAG, FSM, Node
from fastdag_typed.ports import Take


def one(x: int) -> int:
    return x


def two(x: int, y: int) -> int:
    return x + y


def build(names: str, edges: list[str], **options: Any) -> DAG:
    dag = DAG("d", **options)
    for name in names:
        dag.add_node(Node(two if sum(e[1] == name for e in edges) > 1 else one, name))
    for a, b in edges:
        dag.connect(a, b)
    return dag


def test_removing_a_wait_never_removes_data() -> None:
    plan = build("abc", ["ab", "ac", "bc"]).plan()
    a, b, c = plan.steps
    assert set(c.args) == {a.out, b.out}
    assert c.waits == (b.index,)


def test_insertion_breaks_ties() -> None:
    plan = build("dcba", ["da", "ca"]).plan()
    assert plan.names == ("d", "c", "b", "a")


def test_open_inputs_are_addressed_by_port_or_by_node_and_port() -> None:
    plan = build("ab", []).plan()
    assert set(plan.inputs_by_name) == {"x", "a.x", "b.x"}
    assert len(plan.inputs_by_name["x"]) == 2


def test_last_uses_leave_out_what_is_returned() -> None:
    plan = build("abc", ["ab", "ac", "bc"]).plan()
    a, b, c = plan.steps
    assert plan.last_uses[a.out] == c.index
    assert plan.last_uses[b.out] == c.index
    assert c.out not in plan.last_uses


def test_chains_of_bare_calls_are_one_group() -> None:
    plan = build("abcde", ["ab", "bc", "ac", "cd", "ce"]).plan()
    assert plan.fusion_groups == ((0, 1, 2),)


def test_async_and_guarded_steps_are_not_joined_with_others() -> None:
    dag = build("ab", ["ab"])

    async def later(x: int) -> int:
        return x

    node = dag.add_node(Node(later))
    dag.nodes["b"] >> node
    assert dag.plan().fusion_groups == ((0, 1),)


def test_a_field_is_read_from_the_slot_of_its_source() -> None:
    dag = DAG("d")
    source = dag.add_node(Node(one, "a", outputs=["p", "q"]))
    target = dag.add_node(Node(one, "b"))
    source.output("q") >> target
    a, b = dag.plan().steps
    assert b.args == (Take(a.out, "named", "q", 1),)


def test_a_plan_is_made_again_after_a_change_only() -> None:
    dag = build("ab", ["ab"])
    plan = dag.plan()
    assert dag.plan() is plan
    dag.add_node(Node(one, "c"))
    assert dag.plan() is not plan
    other = dag.plan()
    dag.nodes["b"] >> dag.nodes["c"]
    assert dag.plan() is not other
    assert len(plan.steps) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.add_node(Node(one, "z")),
        lambda d: d.nodes["c"].after(d.nodes["a"]),
        lambda d: d.disconnect("a", "b"),
        lambda d: setattr(d, "name", "other"),
    ],
)
def test_the_hash_follows_the_wiring(change: Any) -> None:
    dag, same = build("abc", ["ab"]), build("abc", ["ab"])
    assert dag.plan().hash == same.plan().hash
    change(same)
    same.changed()
    assert dag.plan().hash != same.plan().hash


def test_the_hash_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = (
        "from fastdag_typed import DAG, Node\n"
        "import json\n"
        "d = DAG('d')\n"
        "for n in 'abc': d.add_node(Node(json.dumps, n, inputs=['obj']))\n"
        "d.nodes['a'] >> [d.nodes['b'], d.nodes['c']]\n"
        "print(d.plan().hash)\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_a_machine_knows_its_ways() -> None:
    fsm = FSM("f")
    a = fsm.state(name="a", is_initial=True)(lambda: 1)
    b = fsm.state(name="b", is_final=True)(lambda x: x)
    a >> b
    machine = fsm.plan().machine
    assert machine is not None
    assert machine.initial == 0
    assert machine.final == {1}
    assert machine.transitions == (((None, 1),), ())
