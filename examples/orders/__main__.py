"""Carry out the orders of a file (by default ``sample.json``): ``python -m examples.orders [file]``."""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastdag_typed import Runner

from .flow import dag
from .shop import Shop

if TYPE_CHECKING:
    from .model import Form


def main(file: Path) -> None:
    """Carry out one order after the other, and tell what became of each."""
    content = json.loads(file.read_text(encoding="utf-8"))
    shop = Shop(accounts={card: Decimal(balance) for card, balance in content["accounts"].items()})
    runner = Runner(dag)
    for form in cast("list[Form]", content["orders"]):
        metrics = runner.run({"form": form, "shop": shop})
        outcome, text = metrics.results["answer"]
        print(f"{form['number']}  {outcome:<9} {text}")
        if quote := dag.get_result("price"):
            print(f"      {', '.join(f'{name} {amount}' for name, amount in quote.items())}")
        print(f"      {' > '.join(metrics.execution_order)}")
    print(f"left in stock: {', '.join(f'{pieces} {article}' for article, pieces in shop.stock.items())}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sample.json"))
