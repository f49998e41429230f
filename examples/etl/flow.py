"""The ETL job: nodes first, then the wiring, which is said with names and without operators.

``python -m examples.etl`` runs it on the sources in ``data``.
"""

import csv
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final

from fastdag_typed import DAG

from .cleaning import clean, read_customer, read_json, read_order
from .marts import marts
from .model import Customer, Loaded, Order, Raw, Reject, Sale, Summary, Total

SOURCES: Final = Path(__file__).with_name("data")
TABLES: Final = """
DROP TABLE IF EXISTS sales;
DROP TABLE IF EXISTS totals;
DROP TABLE IF EXISTS rejects;
CREATE TABLE sales (id TEXT PRIMARY KEY, customer TEXT NOT NULL, country TEXT NOT NULL, month TEXT NOT NULL,
                    cents INTEGER NOT NULL);
CREATE TABLE totals (kind TEXT NOT NULL, name TEXT NOT NULL, sales INTEGER NOT NULL, cents INTEGER NOT NULL,
                     PRIMARY KEY (kind, name));
CREATE TABLE rejects (source TEXT NOT NULL, reason TEXT NOT NULL);
"""

dag = DAG("etl", "Load orders and customers into a database, with what could not be loaded and why.")


@dag.node
def extract_customers(folder: Path = SOURCES) -> list[Raw]:
    """Read the customers, a CSV file."""
    with (folder / "customers.csv").open(encoding="utf-8", newline="") as file:
        return [Raw(f"customers.csv:{line}", dict(row)) for line, row in enumerate(csv.DictReader(file), 2)]


@dag.node
def extract_orders(folder: Path = SOURCES) -> list[Raw]:
    """Read the orders, a file with one JSON object on each line."""
    lines = (folder / "orders.jsonl").read_text(encoding="utf-8").splitlines()
    return [read_json(f"orders.jsonl:{number}", line) for number, line in enumerate(lines, 1)]


@dag.node
def extract_rates(folder: Path = SOURCES) -> dict[str, Decimal]:
    """Read what one unit of each currency is worth in euros."""
    rates = json.loads((folder / "rates.json").read_text(encoding="utf-8"))
    return {currency: Decimal(rate) for currency, rate in rates.items()}


@dag.node(outputs=["customers", "rejects"])
def clean_customers(rows: list[Raw]) -> tuple[list[Customer], list[Reject]]:
    """Keep the customers that can be read."""
    return clean(rows, read_customer)


@dag.node(outputs=["orders", "rejects"])
def clean_orders(rows: list[Raw]) -> tuple[list[Order], list[Reject]]:
    """Keep the orders that can be read."""
    return clean(rows, read_order)


@dag.node(outputs=["matched", "rejects"])
def match_orders(
    orders: list[Order], customers: list[Customer], rates: dict[str, Decimal]
) -> tuple[list[Order], list[Reject]]:
    """Keep the orders whose customer and currency are known."""
    known = {customer.id for customer in customers}
    reasons = {
        order.id: f"there is no customer {order.customer}" if order.customer not in known else f"no {order.currency}"
        for order in orders
        if order.customer not in known or order.currency not in rates
    }
    matched = [order for order in orders if order.id not in reasons]
    return matched, [Reject(f"order {name}", reason) for name, reason in reasons.items()]


@dag.node
def collect_rejects(*rejects: list[Reject]) -> list[Reject]:
    """Put what was left out on the way into one list."""
    return [reject for stage in rejects for reject in stage]


@dag.node
def create_tables(database: Path) -> None:
    """Make empty tables in place of those of the run before."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(TABLES)


@dag.node
def load(
    database: Path, sales: list[Sale], countries: list[Total], months: list[Total], rejects: list[Reject]
) -> Loaded:
    """Write everything in one transaction."""
    totals = [("country", *total) for total in countries] + [("month", *total) for total in months]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?)", sales)
        connection.executemany("INSERT INTO totals VALUES (?, ?, ?, ?)", totals)
        connection.executemany("INSERT INTO rejects VALUES (?, ?)", rejects)
    return Loaded(sales=len(sales), totals=len(totals), rejects=len(rejects))


@dag.node
def check(database: Path, sales: int, rejects: int) -> Summary:
    """Read back what was loaded, and hold the totals against the sales."""
    with closing(sqlite3.connect(database)) as connection:
        by_country = connection.execute("SELECT name, cents FROM totals WHERE kind = 'country' ORDER BY name")
        euros = {name: Decimal(cents) / 100 for name, cents in by_country}
        [count, cents] = connection.execute("SELECT COUNT(*), TOTAL(cents) FROM sales").fetchone()
    if (count, cents) != (sales, sum(euros.values()) * 100):
        raise ValueError(f"{count} sales of {cents} cents were loaded, which is not what was totalled")
    return Summary(euros, rejects / (sales + rejects) if sales + rejects else 0.0)


transform = dag.add_workflow("transform", marts)

# Extract and clean.
dag.chain(extract_customers, clean_customers)
dag.chain(extract_orders, clean_orders)

# Match and transform: a connection goes to the next free input, or to the one that is named.
clean_orders.connect_to(match_orders, output_name="orders")
clean_customers.connect_to(match_orders, output_name="customers")
extract_rates.connect_to(match_orders)
dag.connect("match_orders", "transform", output="matched", input="orders")
dag.connect("clean_customers", "transform", output="customers", input="customers")
dag.connect("extract_rates", "transform", input="rates")

# Load.
clean_customers.connect_to(collect_rejects, output_name="rejects")
clean_orders.connect_to(collect_rejects, output_name="rejects")
match_orders.connect_to(collect_rejects, output_name="rejects")
dag.connect("transform", "load", output="sales", input="sales")
dag.connect("transform", "load", output="countries", input="countries")
dag.connect("transform", "load", output="months", input="months")
collect_rejects.connect_to(load, input_name="rejects")
load.after(create_tables)

# Read back.
load.connect_to(check, output_name="sales", input_name="sales")
load.connect_to(check, output_name="rejects", input_name="rejects")
