"""What is right and wrong with one row of a source."""

import json
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from .model import Customer, Order, Raw, Reject

T = TypeVar("T")
COUNTRY_LETTERS: Final = 2


def read_json(where: str, line: str) -> Raw:
    """Read a line that is a JSON object."""
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        return Raw(where, {}, f"no JSON: {error.msg}")
    return Raw(where, fields) if isinstance(fields, dict) else Raw(where, {}, "no JSON object")


def clean(rows: Iterable[Raw], read: Callable[[dict[str, object]], tuple[str, T]]) -> tuple[list[T], list[Reject]]:
    """Part rows into those that can be read, each key once, and those that cannot, with the reason.

    ``read`` gives the key and the value of a row, or raises ``ValueError``.
    """
    kept: dict[str, T] = {}
    rejects: list[Reject] = []
    for row in rows:
        try:
            key, value = read(row.fields)
        except ValueError as error:
            rejects.append(Reject(row.where, row.error or str(error)))
            continue
        if key in kept:
            rejects.append(Reject(row.where, f"{key} was there before"))
        else:
            kept[key] = value
    return list(kept.values()), rejects


def read_customer(fields: dict[str, object]) -> tuple[str, Customer]:
    """Read a customer."""
    country = text(fields, "country").upper()
    if len(country) != COUNTRY_LETTERS:
        raise ValueError(f"{country} is no code of a country")
    customer = Customer(text(fields, "id"), text(fields, "name"), country)
    return customer.id, customer


def read_order(fields: dict[str, object]) -> tuple[str, Order]:
    """Read an order."""
    written = text(fields, "amount")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise ValueError(f"{written} is no amount") from None
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"an amount of {written}")
    day = date.fromisoformat(text(fields, "day"))
    order = Order(text(fields, "id"), text(fields, "customer"), day, amount, text(fields, "currency"))
    return order.id, order


def text(fields: dict[str, object], name: str) -> str:
    """Read a field that must not be empty."""
    value = str(fields.get(name) or "").strip()
    if not value:
        raise ValueError(f"{name} is missing")
    return value
