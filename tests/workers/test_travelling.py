"""Functions travel by name, other callables and values as pickles; what cannot travel is refused in words."""

from __future__ import annotations

import importlib.util
import math
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fastdag_typed import DAG, Node, Runner
from fastdag_typed.dag import SubWorkflow
from fastdag_typed.exceptions import PlacementError
from fastdag_typed.node import Node as NodeClass
from fastdag_typed.workers import Workers
from fastdag_typed.workers.parcel import Parcel
from tests.workers import functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(1) as one:
        yield one


@pytest.mark.parametrize(
    ("func", "result"),
    [
        (functions.double.func, 10),
        (functions.decorated, "noted 5"),
        (functions.Account(3).plus, 8),
        (functions.Account(3), 8),
        (functions.Account.twice, 10),
        (partial(functions.Account.plus, functions.Account(1)), 6),
        (partial(functions.double.func), 10),
        (math.sqrt, math.sqrt(5)),
        (str, "5"),
    ],
    ids=["node", "decorated", "method", "object", "static", "partial", "partial of a node", "builtin", "class"],
)
def test_a_callable_travels(workers: Workers, func: Callable[..., Any], result: object) -> None:
    assert workers.call(func, (5,), name="given") == result


def test_a_class_method_travels(workers: Workers) -> None:
    assert workers.call(functions.Account.empty, name="empty") == 0


def test_an_object_travels_as_it_is_at_the_time_of_the_call(workers: Workers) -> None:
    account = functions.Account(3)
    parcel = Parcel(account, "account")
    assert workers.call(parcel, (5,), name="account") == 8
    account.balance = 4
    assert workers.call(parcel, (5,), name="account") == 9


def test_a_workflow_travels_also_after_it_was_run(workers: Workers) -> None:
    inner = DAG("inner")
    first, last = (
        inner.add_node(Node(functions.double.func, "first")),
        inner.add_node(Node(functions.plus_one.func, "last")),
    )
    first >> last
    assert workers.call(SubWorkflow(inner), kwargs={"x": 5}, name="inner") == 11
    Runner(inner).run({"x": 1})
    assert workers.call(SubWorkflow(inner), kwargs={"x": 6}, name="inner") == 13


def make() -> tuple[Any, Any]:
    kept = 1

    def local(x: int) -> int:
        return x

    return local, lambda x: x + kept


@pytest.mark.parametrize(
    ("func", "why"),
    [
        (make()[0], r'it is made anew by each call of "make"'),
        (make()[1], "it is a lambda"),
        (partial(make()[1]), "it is a lambda"),
        (type("Local", (), {"__call__": lambda self: None, "__reduce__": None})(), "it does not pickle"),
    ],
    ids=["local", "lambda", "partial", "object"],
)
def test_a_function_that_cannot_be_found_again_is_refused_before_any_process_is_asked(func: Any, why: str) -> None:
    with Workers(1) as workers:
        with pytest.raises(
            PlacementError, match=f'Node "mine".*cannot be found again in a worker, because.*{why}'
        ) as e:
            workers.call(func, (1,), name="mine")
        assert workers.pids == []
    assert e.value.node_name == "mine"


def test_a_function_whose_name_belongs_to_another_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    func = functions.give
    monkeypatch.setattr(functions, "give", functions.later)
    with pytest.raises(PlacementError, match=r'because "tests\.workers\.functions:give" is another one'):
        Parcel(func, "give")


def test_a_value_that_does_not_pickle_is_named_by_its_port(workers: Workers) -> None:
    func = functions.is_given
    parcel = Parcel(func, "given", None, NodeClass(func).signature)
    value = functions.lambda_of(1)
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((1, value), {}), ((1,), {"value": value})]
    for args, kwargs in calls:
        with pytest.raises(
            PlacementError, match=r'the value of "value" \(function\) cannot be sent to a worker'
        ) as caught:
            workers.call(parcel, args, kwargs, name="given")
        assert (caught.value.node_name, caught.value.port) == ("given", "value")


def test_a_default_is_the_same_object_there(workers: Workers) -> None:
    func = functions.is_given
    parcel = Parcel(func, "given", None, NodeClass(func).signature)
    nothing = functions.NOTHING
    assert workers.call(parcel, (1, nothing, 2), name="given") == (1, False, 2)
    assert workers.call(parcel, (1, nothing), {"last": 3}, name="given") == (1, False, 3)
    assert workers.call(parcel, (), {"value": nothing}, name="given") == (0, False, 0)
    assert workers.call(parcel, (1, "given", 2), name="given") == (1, True, 2)


def test_a_module_that_was_loaded_from_a_file_is_loaded_from_it_again(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "somewhere.py"
    file.write_text("class Point:\n    x = 3\n\ndef shift(point, by):\n    point.x += by\n    return point\n")
    spec = importlib.util.spec_from_file_location("not_to_be_imported_by_name", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        assert workers.call(module.shift, (module.Point(), 4), name="shift").x == 7
    finally:
        del sys.modules[spec.name]


def test_a_module_that_cannot_be_imported_there_is_an_error_of_the_node(workers: Workers, tmp_path: Path) -> None:
    file = tmp_path / "only_once.py"
    file.write_text(
        f"import os\nif os.getpid() != {__import__('os').getpid()}: raise OSError('only here')\ndef f(): pass\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        module = importlib.import_module("only_once")
        with (
            Workers(1) as fresh,
            pytest.raises(PlacementError, match=r"cannot be loaded in worker.*OSError: only here"),
        ):
            fresh.call(module.f, name="f")
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules["only_once"]
