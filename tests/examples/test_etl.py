"""Every row of the sources is loaded once, or left out with a reason."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdag_codegen
from examples.etl import flow
from examples.etl.flow import SOURCES, dag
from examples.etl.marts import make_marts, marts
from examples.etl.model import Customer, Order, Raw, Reject, Sale, Total
from fastdag_typed import ExecutionMetrics, InputError, Runner, WorkflowExecutionError

if TYPE_CHECKING:
    from fastdag_typed.workflow import Mode

ROOT = Path(flow.__file__).parents[2]
SINCE = date(2024, 1, 1)

values = st.sampled_from(
    ["C1", "C2", "C9", "EUR", "USD", "XYZ", "2024-02-01", "2023-02-01", "12.5", "-1", "NaN", "x", 7]
)
raw_orders = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["O1", "O2", "O3", ""]) | values,
        "customer": st.sampled_from(["C1", "C2", "C9"]) | values,
        "day": st.sampled_from(["2024-02-01", "2023-02-01", "2024-02-30"]) | values,
        "amount": st.sampled_from(["10", 0.125, "1e3", "Infinity", None, [1]]) | values,
        "currency": st.sampled_from(["EUR", "USD", "XYZ"]) | values,
    },
)


def job(folder: Path, mode: Mode = "sequential", **inputs: Any) -> ExecutionMetrics:
    """Run the job into a database beside the sources."""
    given = {"database": folder / "loaded.sqlite", "since": SINCE, **inputs}
    return Runner(dag).run({"folder": folder, **given}, mode)


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SOURCES, tmp_path / "data"))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of sources whose orders each example writes anew."""
    return Path(shutil.copytree(SOURCES, tmp_path_factory.mktemp("etl") / "data"))


def test_the_tables_hold_what_can_be_loaded_in_euros(folder: Path) -> None:
    metrics = job(folder)
    database = folder / "loaded.sqlite"
    assert metrics.results["load"] == {"sales": 5, "totals": 7, "rejects": 10}
    assert rows(database, "SELECT * FROM sales ORDER BY id") == [
        ("O1", "Abraham & Sons", "DE", "2024-01", 12000),
        ("O11", "Echo Yard", "PT", "2024-03", 6420),
        ("O2", "Blue Harbour", "IE", "2024-01", 8050),
        ("O3", "Cobalt Works", "FR", "2024-02", 11688),
        ("O7", "Blue Harbour", "IE", "2024-02", 18400),
    ]
    assert rows(database, "SELECT name, sales, cents FROM totals WHERE kind = 'month'") == [
        ("2024-01", 2, 20050),
        ("2024-02", 2, 30088),
        ("2024-03", 1, 6420),
    ]
    assert metrics.value.euros == {
        "DE": Decimal(120),
        "FR": Decimal("116.88"),
        "IE": Decimal("264.50"),
        "PT": Decimal("64.20"),
    }
    assert metrics.value.rejected == 10 / 15


def test_what_is_left_out_is_listed_with_the_reason(folder: Path) -> None:
    job(folder)
    assert dag["collect_rejects"] == [
        Reject("customers.csv:5", "name is missing"),
        Reject("customers.csv:6", "GERMANY is no code of a country"),
        Reject("customers.csv:7", "C2 was there before"),
        Reject("orders.jsonl:4", "day is out of range for month"),
        Reject("orders.jsonl:6", "an amount of -5"),
        Reject("orders.jsonl:8", "1,50 is no amount"),
        Reject("orders.jsonl:10", "O1 was there before"),
        Reject("orders.jsonl:11", "no JSON: Expecting ',' delimiter"),
        Reject("order O5", "there is no customer C9"),
        Reject("order O9", "no CHF"),
    ]
    assert rows(folder / "loaded.sqlite", "SELECT * FROM rejects") == dag["collect_rejects"]


def test_older_orders_are_no_sales_and_no_faults(folder: Path) -> None:
    assert job(folder, since=date(2023, 1, 1)).results["load"] == {"sales": 6, "totals": 8, "rejects": 10}
    assert job(folder, since=date(2024, 2, 1)).results["load"] == {"sales": 3, "totals": 5, "rejects": 10}


@given(st.lists(raw_orders, max_size=12))
def test_every_order_is_loaded_or_left_out_or_older(scratch: Path, orders: list[dict[str, object]]) -> None:
    (scratch / "orders.jsonl").write_text("".join(f"{json.dumps(order)}\n" for order in orders), encoding="utf-8")
    metrics = job(scratch)
    matched = dag[flow.match_orders][0]
    older = sum(order.day < SINCE for order in matched)
    customers_left_out = 3
    loaded = metrics.results["load"]
    assert loaded["sales"] + older + loaded["rejects"] - customers_left_out == len(orders)
    assert rows(scratch / "loaded.sqlite", "SELECT COUNT(*) FROM sales") == [(loaded["sales"],)]


def test_every_way_of_running_loads_the_same(folder: Path, tmp_path: Path) -> None:
    fastdag_codegen.write(fastdag_codegen.compile_target("examples.etl.flow:dag"), tmp_path / "flat.py")
    compiled = fastdag_codegen.load(tmp_path / "flat.py")
    sequential = job(folder)
    parallel = job(folder, "parallel", database=tmp_path / "parallel.sqlite")
    flat = compiled.run(database=tmp_path / "flat.sqlite", since=SINCE, folder=folder)
    assert sequential.results == parallel.results == flat
    assert dump(folder / "loaded.sqlite") == dump(tmp_path / "parallel.sqlite") == dump(tmp_path / "flat.sqlite")


def test_a_second_run_replaces_what_the_first_one_loaded(folder: Path) -> None:
    job(folder)
    (folder / "orders.jsonl").write_text("", encoding="utf-8")
    metrics = job(folder)
    assert metrics.results["load"] == {"sales": 0, "totals": 0, "rejects": 3}
    assert metrics.value == ({}, 1.0)
    assert rows(folder / "loaded.sqlite", "SELECT * FROM sales UNION ALL SELECT *, 0 FROM totals") == []


def test_sources_without_rows_load_nothing_and_leave_nothing_out(folder: Path) -> None:
    (folder / "orders.jsonl").write_text("", encoding="utf-8")
    (folder / "customers.csv").write_text("id,name,country\n", encoding="utf-8")
    assert job(folder).value == ({}, 0.0)


def test_a_source_that_is_missing_is_named_and_nothing_is_loaded(folder: Path) -> None:
    (folder / "rates.json").unlink()
    with pytest.raises(WorkflowExecutionError, match=r'Error in node "extract_rates".*rates\.json') as raised:
        job(folder)
    assert isinstance(raised.value.__cause__, FileNotFoundError)
    assert dag.get_result("load") is None


def test_totals_that_are_not_those_of_the_sales_are_an_error(folder: Path) -> None:
    job(folder)
    with closing(sqlite3.connect(folder / "loaded.sqlite")) as connection, connection:
        connection.execute("UPDATE totals SET cents = cents + 1 WHERE name = 'DE'")
    with pytest.raises(ValueError, match=r"5 sales of 56558\.0 cents were loaded, which is not what was totalled"):
        flow.check(folder / "loaded.sqlite", sales=5, rejects=10)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"since": SINCE}, 'Input "database" is missing'),
        ({"database": Path("x"), "since": "2024"}, 'Input "since" of node "transform" expects "date"'),
        ({"database": Path("x"), "since": SINCE, "foldr": SOURCES}, r'"foldr" \(did you mean "folder"\?\)'),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_read(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dag.run(inputs)


def test_a_line_that_is_no_object_is_left_out(folder: Path) -> None:
    (folder / "orders.jsonl").write_text("[1]\n", encoding="utf-8")
    assert flow.extract_orders(folder) == [Raw("orders.jsonl:1", {}, "no JSON object")]
    assert flow.clean_orders(flow.extract_orders(folder)) == ([], [Reject("orders.jsonl:1", "no JSON object")])


def test_the_nested_workflow_runs_by_itself_and_as_a_plain_call() -> None:
    orders = [
        Order("O1", "C1", date(2024, 5, 1), Decimal("10.005"), "EUR"),
        Order("O2", "C1", date(2024, 4, 30), Decimal(1), "EUR"),
        Order("O3", "C1", date(2024, 6, 1), Decimal(2), "USD"),
    ]
    customers, rates = [Customer("C1", "Ada", "IE")], {"EUR": Decimal(1), "USD": Decimal("0.5")}
    expected = {
        "sales": [Sale("O1", "Ada", "IE", "2024-05", 1001), Sale("O3", "Ada", "IE", "2024-06", 100)],
        "countries": [Total("IE", 2, 1101)],
        "months": [Total("2024-05", 1, 1001), Total("2024-06", 1, 100)],
    }
    since = date(2024, 5, 1)
    assert marts.run(orders=orders, customers=customers, rates=rates, since=since) == expected
    assert make_marts(orders, customers, rates, since) == expected


@pytest.mark.parametrize(
    ("arguments", "database"),
    [([], Path("out/etl.sqlite")), ([str(SOURCES), "mine/etl.sqlite"], Path("mine/etl.sqlite"))],
)
def test_the_program_tells_what_was_loaded_and_what_not(tmp_path: Path, arguments: list[str], database: Path) -> None:
    command = [sys.executable, "-m", "examples.etl", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[:2] == [f"{database}: 5 sales, 7 totals, 10 rejects", "  DE           120.00 euros"]
    assert done.stdout.count("  left out: ") == 10
    assert rows(tmp_path / database, "SELECT SUM(cents) FROM sales") == [(56558,)]
