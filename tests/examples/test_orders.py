"""An order is shipped, or the customer is told why not, and nothing is lost on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdag_codegen
from examples.orders import flow
from examples.orders.flow import dag
from examples.orders.model import Line, Quote
from examples.orders.pricing import pricing, quote
from examples.orders.shop import ARTICLES, Shop, is_card_number
from fastdag_typed import ExecutionMetrics, InputError, Runner

if TYPE_CHECKING:
    from examples.orders.model import Form

ROOT = Path(flow.__file__).parents[2]
SAMPLE = json.loads(Path(flow.__file__).with_name("sample.json").read_text(encoding="utf-8"))
CARD = "4539578763621486"
POOR = "6011000990139424"
ORDER: Form = {"number": "7", "customer": " Ada ", "country": "ie", "card": "4539 5787 6362 1486", "items": {"pen": 1}}

forms = st.fixed_dictionaries(
    {
        "number": st.just("7"),
        "customer": st.just("Ada"),
        "country": st.sampled_from(["IE", "de", "FR", "US"]),
        "card": st.sampled_from([CARD, POOR, "1"]),
        "items": st.dictionaries(st.sampled_from([*ARTICLES, "sofa"]), st.integers(0, 9), max_size=3),
    },
    optional={"coupon": st.sampled_from(["welcome", "FRIEND", "old", ""])},
)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Compile and import the workflow."""
    module = tmp_path_factory.mktemp("compiled") / "flat.py"
    fastdag_codegen.write(fastdag_codegen.compile_target("examples.orders.flow:dag"), module)
    return fastdag_codegen.load(module)


def a_shop(balance: str = "600") -> Shop:
    return Shop(accounts={CARD: Decimal(balance), POOR: Decimal(5)})


def order(shop: Shop | None = None, **changes: Any) -> ExecutionMetrics:
    return Runner(dag).run({"form": {**ORDER, **changes}, "shop": shop or a_shop()})


def skipped(metrics: ExecutionMetrics) -> set[str]:
    return {name for name, status in metrics.statuses.items() if status == "skipped"}


def test_an_order_is_priced_charged_and_shipped() -> None:
    shop = a_shop()
    metrics = order(shop, items={"lamp": 2, "stamp": 1})
    assert metrics.value == ("shipped", "Dear Ada, your order for 97.20 is on its way by parcel, follow it as P-7.")
    assert metrics.results["price"]["total"] == Decimal("97.20")
    assert shop.stock == {"stamp": 11, "lamp": 0, "desk": 1, "pen": 40}
    assert shop.accounts[CARD] == Decimal("502.80")


@pytest.mark.parametrize(
    ("items", "node", "carrier", "tracking"),
    [
        ({"pen": 8}, "post", "letter", ""),
        ({"pen": 9}, "send_parcel", "parcel", "P-7"),
        ({"desk": 1}, "load_truck", "freight", "T-7"),
    ],
)
def test_the_carrier_is_chosen_by_weight(items: dict[str, int], node: str, carrier: str, tracking: str) -> None:
    metrics = order(items=items)
    assert metrics.results["ship"][::2] == (carrier, tracking)
    assert metrics.executions["choose_carrier"].branch == carrier
    assert {"post", "send_parcel", "load_truck"} - skipped(metrics) == {node}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"items": {}}, "no article was chosen"),
        ({"items": {"sofa": 1, "bed": 1}}, "we do not sell: bed, sofa"),
        ({"items": {"pen": 0}}, "every quantity must be at least 1"),
        ({"country": "us"}, "we do not deliver to US"),
        ({"coupon": "old"}, "there is no coupon OLD"),
        ({"card": "4539 5787 6362 1487"}, "the card number has a typing error"),
        ({"card": "1", "items": {}}, "no article was chosen; the card number has a typing error"),
    ],
)
def test_an_order_with_a_problem_is_refused_and_changes_nothing(changes: dict[str, Any], problem: str) -> None:
    shop = a_shop()
    metrics = order(shop, **changes)
    assert metrics.value == ("refused", f"Dear Ada, {problem}.")
    assert metrics.execution_order == ["read_form", "find_problems", "is_valid", "refuse", "answer"]
    assert shop == a_shop()


def test_what_is_sold_out_is_neither_reserved_nor_charged() -> None:
    shop = a_shop()
    assert order(shop, items={"pen": 1, "desk": 2}).value == (
        "sold out",
        "Dear Ada, we are waiting for more of: Oak desk.",
    )
    assert dag["price"] is None
    assert dag.get_result("charge") is None
    assert dag.get_result(flow.reserve) == {"reserved": [], "missing": ["desk"]}
    assert shop == a_shop()


@pytest.mark.parametrize(
    ("card", "reason"),
    [(POOR, "the card does not cover 28.90"), ("4111111111111111", "the bank does not know this card")],
)
def test_what_is_not_paid_is_put_back(card: str, reason: str) -> None:
    shop = a_shop()
    metrics = order(shop, card=card)
    assert metrics.value == ("not paid", f"Dear Ada, {reason}.")
    assert metrics.results["reserve"]["reserved"] == [Line("pen", 1)]
    assert {"weigh", "ship", "confirm"} < skipped(metrics)
    assert shop == a_shop()


@given(st.lists(forms, max_size=6))
def test_no_goods_and_no_money_are_lost_whatever_is_ordered(ordered: list[Form]) -> None:
    shop, paid, sent = a_shop(), Decimal(0), dict.fromkeys(ARTICLES, 0)
    for form in ordered:
        metrics = Runner(dag).run({"form": form, "shop": shop})
        if metrics.value.outcome == "shipped":
            paid += metrics.results["price"]["total"]
            for article, quantity in form["items"].items():
                sent[article] += quantity
    before = a_shop()
    assert sum(before.accounts.values()) - sum(shop.accounts.values()) == paid
    assert {article: before.stock[article] - pieces for article, pieces in shop.stock.items()} == sent
    assert min(shop.stock.values()) >= 0
    assert min(shop.accounts.values()) >= 0


@given(forms)
def test_every_way_of_running_gives_the_same(compiled: Any, form: Form) -> None:
    shops = [a_shop() for _ in range(4)]
    interpreted = Runner(dag).run({"form": form, "shop": shops[0]})
    parallel = Runner(dag).run({"form": form, "shop": shops[1]}, "parallel")
    flat = Runner(compiled).run({"form": form, "shop": shops[2]})
    assert interpreted.results == parallel.results == flat.results == compiled.run(form=form, shop=shops[3])
    assert interpreted.value == flat.value
    assert interpreted.statuses == flat.statuses
    assert shops == shops[:1] * 4


@pytest.mark.parametrize(
    ("coupon", "country", "priced"),
    [
        (None, "IE", Quote(goods=Decimal(48), discount=Decimal(0), postage=Decimal("4.90"),
                           tax=Decimal("9.89"), total=Decimal("52.90"))),
        ("FRIEND", "FR", Quote(goods=Decimal(48), discount=Decimal("9.60"), postage=Decimal("14.90"),
                               tax=Decimal("8.88"), total=Decimal("53.30"))),
    ],
)  # fmt: skip
def test_the_nested_workflow_prices_by_itself_and_as_a_plain_call(
    coupon: str | None, country: str, priced: Quote
) -> None:
    lines = [Line("pen", 2)]
    assert pricing.run(lines=lines, country=country, coupon=coupon) == priced
    assert quote(lines, country, coupon) == priced


@pytest.mark.parametrize(("pens", "postage"), [(4, Decimal("4.90")), (5, Decimal(0))])
def test_a_large_order_has_no_postage(pens: int, postage: Decimal) -> None:
    assert order(items={"pen": pens}).results["price"]["postage"] == postage


@given(st.text("0123456789", min_size=12, max_size=18), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_makes_a_card_number_invalid(number: str, place: int, more: int) -> None:
    valid = next(f"{number}{digit}" for digit in range(10) if is_card_number(f"{number}{digit}"))
    at = place % len(number)
    assert not is_card_number(f"{valid[:at]}{(int(valid[at]) + more) % 10}{valid[at + 1 :]}")


def test_an_input_of_another_name_is_refused_before_anything_is_done() -> None:
    shop = a_shop()
    with pytest.raises(InputError, match=r'Unknown input "from" \(did you mean "form"\?\)'):
        dag.run({"from": ORDER}, shop=shop)
    assert shop == a_shop()


def test_the_program_tells_what_became_of_each_order(tmp_path: Path) -> None:
    done = run_program()
    shop = Shop(accounts={card: Decimal(balance) for card, balance in SAMPLE["accounts"].items()})
    outcomes = [order(shop, **form) for form in SAMPLE["orders"]]
    assert done.stderr == ""
    told = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("10")]
    assert told == ["1001", "1002", "1003", "1004", "1005", "1006"]
    assert [metrics.value.text in done.stdout for metrics in outcomes] == [True] * 6
    assert "left in stock: 9 stamp, 1 lamp, 0 desk, 38 pen" in done.stdout

    (tmp_path / "mine.json").write_text(json.dumps({"accounts": {CARD: "100"}, "orders": [ORDER]}), encoding="utf-8")
    assert run_program(str(tmp_path / "mine.json")).stdout.startswith("7  shipped   Dear Ada, your order for 28.90")


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.orders", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
