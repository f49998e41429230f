"""The rows of the ETL job, from raw to loaded."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypedDict


class Raw(NamedTuple):
    """One row of a source, not checked yet; ``error`` says why it could not be read at all."""

    where: str
    fields: dict[str, object]
    error: str = ""


class Reject(NamedTuple):
    """A row that was left out."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys."""

    id: str
    name: str
    country: str


class Order(NamedTuple):
    """What was bought, in the currency in which it was paid."""

    id: str
    customer: str
    day: date
    amount: Decimal
    currency: str


class Sale(NamedTuple):
    """An order in cents of a euro, with what is known of its customer."""

    order: str
    customer: str
    country: str
    month: str
    cents: int


class Total(NamedTuple):
    """How many sales a group has, and what they add up to."""

    group: str
    sales: int
    cents: int


class Marts(TypedDict):
    """What is worth loading."""

    sales: list[Sale]
    countries: list[Total]
    months: list[Total]


class Loaded(TypedDict):
    """How many rows each table has."""

    sales: int
    totals: int
    rejects: int


class Summary(NamedTuple):
    """What the loaded database says: euros by country, and the share of rows that were left out."""

    euros: dict[str, Decimal]
    rejected: float
