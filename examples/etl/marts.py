"""The nested workflow that joins and aggregates, wired by plain calls: any type checker checks them."""

from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from fastdag_typed import DAG

from .model import Customer, Marts, Order, Sale, Total

marts = DAG("marts", "Join orders with customers, and add them up.")


@marts.node
def choose_orders(orders: list[Order], since: date) -> list[Order]:
    """Leave out what was before the time in question."""
    return [order for order in orders if order.day >= since]


@marts.node
def join_sales(orders: list[Order], customers: list[Customer], rates: dict[str, Decimal]) -> list[Sale]:
    """Join each order with its customer, and convert it."""
    known = {customer.id: customer for customer in customers}
    return [
        Sale(
            order.id,
            known[order.customer].name,
            known[order.customer].country,
            f"{order.day:%Y-%m}",
            int((order.amount * rates[order.currency] * 100).quantize(Decimal(1), ROUND_HALF_UP)),
        )
        for order in orders
    ]


@marts.node
def total_countries(sales: list[Sale]) -> list[Total]:
    """Add up the sales of each country."""
    return totals((sale.country, sale.cents) for sale in sales)


@marts.node
def total_months(sales: list[Sale]) -> list[Total]:
    """Add up the sales of each month."""
    return totals((sale.month, sale.cents) for sale in sales)


@marts.compose
def make_marts(orders: list[Order], customers: list[Customer], rates: dict[str, Decimal], since: date) -> Marts:
    """Join and aggregate."""
    sales = join_sales(choose_orders(orders, since), customers, rates)
    return Marts(sales=sales, countries=total_countries(sales), months=total_months(sales))


def totals(amounts: Iterable[tuple[str, int]]) -> list[Total]:
    """Count and add up amounts by group, in the order of the groups."""
    groups: dict[str, list[int]] = {}
    for group, cents in amounts:
        groups.setdefault(group, []).append(cents)
    return [Total(group, len(groups[group]), sum(groups[group])) for group in sorted(groups)]
