"""Long workflows are compiled to several functions, and only what is kept is returned."""

from __future__ import annotations

import asyncio
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_codegen import compile_workflow, load, write
from fastdag_codegen.options import Options
from fastdag_typed import DAG, CompileError, Node, Runner, WorkflowExecutionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from fastdag_typed import Workflow


@pytest.fixture
def keeping(tmp_path: Path) -> Callable[[str, tuple[str, ...] | None], ModuleType]:
    """Compile a target so that only some results are kept, and load it."""

    def compiled(target: str, keep: tuple[str, ...] | None) -> ModuleType:
        path = tmp_path / "flat.py"
        write(compile_workflow(workflow_of(target).plan(), target=target, options=Options(keep=keep)), path)
        return load(path)

    return compiled


def workflow_of(target: str) -> Workflow:
    module, _, name = target.partition(":")
    found: Workflow = getattr(__import__(module), name)
    return found


@pytest.mark.parametrize("target", ["flat_long:long", "flat_long:long_async"])
@pytest.mark.parametrize("x", [1, 2, 7])
def test_a_workflow_in_parts_gives_the_same_results(keeping: Any, target: str, x: int) -> None:
    module, expected = keeping(target, None), Runner(workflow_of(target)).run({"x": x})
    metrics = Runner(module).run({"x": x})
    assert "def _part_4(" in Path(module.__file__ or "").read_text(encoding="utf-8")
    assert list(metrics.results.items()) == list(expected.results.items())
    assert metrics.value == expected.value
    assert metrics.statuses == expected.statuses
    assert module.run(x) == expected.results


@pytest.mark.parametrize("failing", [1, 2, 99, 100, 101, 200, 260, 300])
def test_a_failure_in_a_part_names_its_node_and_leaves_what_was_done_before(
    keeping: Any, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, flows = keeping("flat_long:long", None), __import__("flat_long")
    monkeypatch.setattr(flows, "fails_at", {failing})
    outcomes = []
    for runner in (Runner(flows.long), Runner(module)):
        monkeypatch.setattr(flows, "calls", [])
        with pytest.raises(WorkflowExecutionError) as caught:
            runner.run({"x": 1})
        metrics = runner.metrics
        outcomes.append((str(caught.value), caught.value.node_name, dict(metrics.results), metrics.statuses))
    assert outcomes[0] == outcomes[1]


def test_only_what_is_kept_is_returned(keeping: Any) -> None:
    module, expected = keeping("flat_etl:etl", ("count",)), Runner(workflow_of("flat_etl:etl")).run({})
    metrics = Runner(module).run({})
    assert set(metrics.results) == {"count", "report"}
    assert metrics.value == expected.value
    assert set(module.run()) == {"count", "report"}


def test_a_long_workflow_returns_only_what_is_kept(keeping: Any) -> None:
    module, expected = keeping("flat_long:long", ("n3",)), Runner(workflow_of("flat_long:long")).run({"x": 4})
    results = module.run(4)
    assert "n3" in results
    assert "n4" not in results
    assert all(expected.results[name] == value for name, value in results.items())
    assert Runner(module).run({"x": 4}).value == expected.value


def test_a_node_to_keep_must_exist(keeping: Any) -> None:
    with pytest.raises(CompileError, match=r'There is no node "cuont" to keep \(did you mean "count"'):
        keeping("flat_etl:etl", ("cuont",))
    with pytest.raises(CompileError, match="keeps the latest result of each state"):
        keeping("flat_machine:machine", ("begin",))


def grow(data: bytearray) -> bytearray:
    return bytearray(len(data))


def test_a_chain_of_large_values_holds_two_of_them_at_a_time(tmp_path: Path, made: Callable[[Workflow], str]) -> None:
    dag, size = DAG("chain"), 8_000_000
    chain = [dag.add_node(Node(grow, name=f"step{number}")) for number in range(30)]
    for first, second in pairwise(chain):
        first >> second
    options = Options(keep=("step29",))
    write(compile_workflow(dag.plan(), target=made(dag), options=options), tmp_path / "flat.py")
    module, data = load(tmp_path / "flat.py"), bytearray(size)
    tracemalloc.start()
    try:
        assert set(module.run(data)) == {"step29"}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * size


def numbered(x: int) -> int:
    return x + 1


def listed(x: int) -> list[int]:
    return [x]


def test_what_is_not_kept_is_deleted_unless_it_is_only_a_number(made: Callable[[Workflow], str]) -> None:
    dag = DAG("chain")
    steps = [dag.add_node(Node(func, name=name)) for name, func in (("a", numbered), ("b", listed), ("c", len))]
    steps[0] >> steps[1] >> steps[2]
    text = compile_workflow(dag.plan(), target=made(dag), options=Options(level=0, keep=("c",)))
    assert [line.strip() for line in text.splitlines() if line.strip().startswith("del ")] == ["del b"]


def test_async_parts_are_awaited(keeping: Any) -> None:
    module = keeping("flat_long:long_async", None)
    assert "async def _part_1(" in Path(module.__file__ or "").read_text(encoding="utf-8")
    assert asyncio.run(module.run_async(3)) == Runner(workflow_of("flat_long:long_async")).run({"x": 3}).results
