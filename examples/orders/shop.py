"""The shop: articles, stock and a bank. An order changes them, so each order sees what the ones before it left."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

from .model import Line, Payment


class Article(NamedTuple):
    """Something to sell."""

    title: str
    price: Decimal
    grams: int


ARTICLES: Final = {
    "stamp": Article("Stamp album", Decimal("12.50"), 420),
    "lamp": Article("Desk lamp", Decimal("39.90"), 1_900),
    "desk": Article("Oak desk", Decimal("489.00"), 38_000),
    "pen": Article("Fountain pen", Decimal("24.00"), 60),
}
COUPONS: Final = {"WELCOME": Decimal("0.10"), "FRIEND": Decimal("0.20")}
"""What part of the price of the goods a coupon is worth."""
TAXES: Final = {"DE": Decimal("0.19"), "FR": Decimal("0.20"), "IE": Decimal("0.23")}
"""The tax of each country that the shop delivers to, as a part of the price before tax."""
HOME: Final = "IE"


@dataclass(slots=True)
class Shop:
    """Pieces in stock by article, and what is left on each card."""

    stock: dict[str, int] = field(default_factory=lambda: {"stamp": 12, "lamp": 2, "desk": 1, "pen": 40})
    accounts: dict[str, Decimal] = field(default_factory=dict[str, Decimal])

    def take(self, lines: list[Line]) -> None:
        """Set goods aside."""
        for article, quantity in lines:
            self.stock[article] -= quantity

    def put_back(self, lines: list[Line]) -> None:
        """Undo ``take``."""
        for article, quantity in lines:
            self.stock[article] += quantity

    async def charge(self, card: str, amount: Decimal) -> Payment:
        """Ask the bank for an amount; a real shop awaits its answer over the network."""
        balance = self.accounts.get(card)
        if balance is None:
            return Payment(approved=False, reason="the bank does not know this card")
        if balance < amount:
            return Payment(approved=False, reason=f"the card does not cover {amount}")
        self.accounts[card] = balance - amount
        return Payment(approved=True, reason="")


def is_card_number(number: str) -> bool:
    """Tell whether a card number has the right check digit (the Luhn formula, ISO/IEC 7812-1 annex B)."""
    if not number.isdecimal() or len(number) < 12:
        return False
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
