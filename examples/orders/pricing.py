"""The nested workflow that prices an order, wired by plain calls: any type checker checks them."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from fastdag_typed import DAG

from .model import Line, Quote
from .shop import ARTICLES, COUPONS, HOME, TAXES

CENT: Final = Decimal("0.01")
FREE_POSTAGE_FROM: Final = Decimal(100)
POSTAGE: Final = Decimal("4.90")
POSTAGE_ABROAD: Final = Decimal("14.90")

pricing = DAG("pricing", "Goods, discount, postage and tax of an order.")


@pricing.node
def price_goods(lines: list[Line]) -> Decimal:
    """Add up the goods."""
    return sum((ARTICLES[line.article].price * line.quantity for line in lines), Decimal(0))


@pricing.node
def price_coupon(goods: Decimal, coupon: str | None) -> Decimal:
    """Find out what a coupon takes off."""
    return Decimal(0) if coupon is None else (goods * COUPONS[coupon]).quantize(CENT, ROUND_HALF_UP)


@pricing.node
def price_postage(goods: Decimal, discount: Decimal, country: str) -> Decimal:
    """Price the way to the customer: nothing for a large order."""
    if goods - discount >= FREE_POSTAGE_FROM:
        return Decimal(0)
    return POSTAGE if country == HOME else POSTAGE_ABROAD


@pricing.node
def add_up(goods: Decimal, discount: Decimal, postage: Decimal, country: str) -> Quote:
    """Add up; the prices have the tax in them."""
    total = goods - discount + postage
    tax = (total - total / (1 + TAXES[country])).quantize(CENT, ROUND_HALF_UP)
    return Quote(goods=goods, discount=discount, postage=postage, tax=tax, total=total)


@pricing.compose
def quote(lines: list[Line], country: str, coupon: str | None) -> Quote:
    """Price an order."""
    goods = price_goods(lines)
    discount = price_coupon(goods, coupon)
    postage = price_postage(goods, discount, country)
    return add_up(goods, discount, postage, country)
