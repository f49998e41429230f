"""The table of rules in the documentation is made from the code; set FASTDAG_WRITE_GOLDEN=1 to write it anew."""

from __future__ import annotations

import os
from pathlib import Path

from fastdag_codegen.inline import RULES

PAGE = Path(__file__).parents[2] / "docs" / "compiling.md"
BEGIN, END = "<!-- rules -->\n", "<!-- end of rules -->"


def table() -> str:
    rows = [(rule.hazard.replace("``", "`"), rule.what.replace("``", "`")) for rule in RULES]
    return "| what could go wrong | what is done |\n|---|---|\n" + "".join(f"| {one} | {two} |\n" for one, two in rows)


def test_the_documentation_shows_the_rules_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("FASTDAG_WRITE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")
        shown = table()
    assert shown == table()
