"""The order workflow: nodes first, then the wiring.

``python -m examples.orders`` runs it, ``fastdag show examples.orders.flow:dag`` draws it.
"""
# pyright: reportUnusedExpression=false
# A statement "a >> b" is an expression whose value is not used: it wires.

from decimal import Decimal
from typing import Final

from fastdag_typed import DAG, ConditionalReturn, SelectReturn

from .model import Carrier, Form, Letter, Line, Load, Order, Payment, Shipment, Stocking
from .pricing import pricing
from .shop import ARTICLES, COUPONS, TAXES, Shop, is_card_number

LETTER_GRAMS: Final = 500
PARCEL_GRAMS: Final = 20_000

dag = DAG("orders", "Take an order from the customer's form to a shipment, or to a letter that says why not.")


@dag.node
def read_form(form: Form) -> Order:
    """Make an order of a form: names and codes as the shop writes them."""
    return Order(
        number=form["number"],
        customer=form["customer"].strip(),
        country=form["country"].upper(),
        card=form["card"].replace(" ", ""),
        lines=[Line(article, quantity) for article, quantity in sorted(form["items"].items())],
        coupon=form.get("coupon", "").upper() or None,
    )


@dag.node
def find_problems(order: Order) -> list[str]:
    """List everything that is wrong with an order."""
    unknown = [line.article for line in order.lines if line.article not in ARTICLES]
    checks = {
        "no article was chosen": not order.lines,
        f"we do not sell: {', '.join(unknown)}": bool(unknown),
        "every quantity must be at least 1": any(line.quantity < 1 for line in order.lines),
        f"we do not deliver to {order.country}": order.country not in TAXES,
        f"there is no coupon {order.coupon}": order.coupon is not None and order.coupon not in COUPONS,
        "the card number has a typing error": not is_card_number(order.card),
    }
    return [problem for problem, found in checks.items() if found]


@dag.condition
def is_valid(order: Order, problems: list[str]) -> ConditionalReturn[Order]:
    """Go on with an order without problems."""
    return ConditionalReturn(not problems, order)


@dag.node
def refuse(order: Order, problems: list[str]) -> Letter:
    """Say why an order cannot be taken."""
    return Letter("refused", f"Dear {order.customer}, {'; '.join(problems)}.")


@dag.node
def reserve(order: Order, shop: Shop) -> Stocking:
    """Set the goods aside if all of them are there, else nothing."""
    missing = [line.article for line in order.lines if shop.stock[line.article] < line.quantity]
    if missing:
        return Stocking(reserved=[], missing=missing)
    shop.take(order.lines)
    return Stocking(reserved=order.lines, missing=[])


@dag.condition
def is_in_stock(reserved: list[Line], missing: list[str]) -> ConditionalReturn[list[Line]]:
    """Go on with goods that are set aside."""
    return ConditionalReturn(not missing, reserved)


@dag.node
def promise(order: Order, missing: list[str]) -> Letter:
    """Tell that something is sold out."""
    titles = ", ".join(ARTICLES[article].title for article in missing)
    return Letter("sold out", f"Dear {order.customer}, we are waiting for more of: {titles}.")


@dag.node
async def charge(total: Decimal, card: str, shop: Shop) -> Payment:
    """Charge the card."""
    return await shop.charge(card, total)


@dag.condition(true_branch="weigh", false_branch="release")
def is_paid(payment: Payment) -> bool:
    """Ship what is paid, put back what is not."""
    return payment.approved


@dag.node
def release(reserved: list[Line], order: Order, payment: Payment, shop: Shop) -> Letter:
    """Put the goods back, since they are not paid."""
    shop.put_back(reserved)
    return Letter("not paid", f"Dear {order.customer}, {payment.reason}.")


@dag.node
def weigh(reserved: list[Line]) -> Load:
    """Weigh the goods."""
    return Load(reserved, sum(ARTICLES[line.article].grams * line.quantity for line in reserved))


@dag.select
def choose_carrier(load: Load) -> SelectReturn[Load]:
    """Choose the cheapest way that takes the load."""
    if load.grams <= LETTER_GRAMS:
        return SelectReturn(load, branch="letter")
    return SelectReturn(load, branch="parcel" if load.grams <= PARCEL_GRAMS else "freight")


@dag.node
def post(load: Load) -> Shipment:
    """Put a letter into the post, where nobody follows it."""
    return Shipment("letter", load.grams)


@dag.node
def send_parcel(load: Load, number: str) -> Shipment:
    """Send a parcel."""
    return Shipment("parcel", load.grams, f"P-{number}")


@dag.node
def load_truck(load: Load, number: str) -> Shipment:
    """Send a truck."""
    return Shipment("freight", load.grams, f"T-{number}")


@dag.any
def ship(letter: Shipment | None, parcel: Shipment | None, freight: Shipment | None) -> Shipment:
    """Take the one that was sent."""
    return next(filter(None, (letter, parcel, freight)))


@dag.node
def confirm(order: Order, total: Decimal, carrier: Carrier, tracking: str) -> Letter:
    """Tell that the goods are on their way."""
    follow = f", follow it as {tracking}" if tracking else ""
    return Letter("shipped", f"Dear {order.customer}, your order for {total} is on its way by {carrier}{follow}.")


@dag.any
def answer(
    refused: Letter | None, sold_out: Letter | None, not_paid: Letter | None, confirmed: Letter | None
) -> Letter:
    """Take the one letter that was written."""
    return next(filter(None, (refused, sold_out, not_paid, confirmed)))


price = dag.add_workflow("price", pricing)

# Is it an order that we can take?
read_form >> find_problems
[read_form, find_problems] >> is_valid
is_valid.on_true >> reserve
(is_valid.on_false, find_problems) >> refuse

# Are the goods there? A record such as Stocking feeds the inputs that bear the names of its fields.
dag.connect("reserve", "is_in_stock", output="reserved", input="reserved")
dag.connect("reserve", "is_in_stock", output="missing", input="missing")
(read_form, reserve) >> promise
promise.after(is_in_stock.on_false)

# Is it paid? What follows then, the condition names itself.
is_in_stock.on_true.connect_to(price, input_name="lines")
read_form.connect_to(price, output_name="country", input_name="country")
read_form.connect_to(price, output_name="coupon", input_name="coupon")
price.connect_to(charge, output_name="total", input_name="total")
read_form.connect_to(charge, input_name="card")
charge >> is_paid
[reserve, read_form] >> release

# Ship it.
reserve >> weigh >> choose_carrier
choose_carrier.on("letter") >> post
choose_carrier.on("parcel") >> send_parcel
choose_carrier.on("freight") >> load_truck
read_form >> (send_parcel, load_truck)
(post, send_parcel, load_truck) >> ship

# Tell the customer.
read_form >> confirm
price.connect_to(confirm, output_name="total", input_name="total")
ship.connect_to(confirm, output_name="carrier", input_name="carrier")
ship.connect_to(confirm, output_name="tracking", input_name="tracking")
[refuse, promise, release, confirm] >> answer
