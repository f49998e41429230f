"""What travels between the nodes of the order workflow."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, NotRequired, TypedDict

Carrier = Literal["letter", "parcel", "freight"]
Outcome = Literal["shipped", "refused", "sold out", "not paid"]


class Form(TypedDict):
    """An order as the customer sent it; ``items`` are quantities by article."""

    number: str
    customer: str
    country: str
    card: str
    items: dict[str, int]
    coupon: NotRequired[str]


class Line(NamedTuple):
    """So many pieces of one article."""

    article: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the shop works with it."""

    number: str
    customer: str
    country: str
    card: str
    lines: list[Line]
    coupon: str | None


class Stocking(TypedDict):
    """What the warehouse could set aside, and the articles of which it has too few."""

    reserved: list[Line]
    missing: list[str]


class Quote(TypedDict):
    """What an order costs: ``total`` is the goods, less the discount, and the postage; ``tax`` is a part of it."""

    goods: Decimal
    discount: Decimal
    postage: Decimal
    tax: Decimal
    total: Decimal


class Payment(NamedTuple):
    """What the bank answered."""

    approved: bool
    reason: str


class Load(NamedTuple):
    """The goods of an order, weighed."""

    lines: list[Line]
    grams: int


class Shipment(NamedTuple):
    """Goods on their way; ``tracking`` is empty where nobody follows them."""

    carrier: Carrier
    grams: int
    tracking: str = ""


class Letter(NamedTuple):
    """What the customer is told."""

    outcome: Outcome
    text: str
