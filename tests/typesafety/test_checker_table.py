"""The table of what each checker finds is what the checkers find."""

from __future__ import annotations

from tests.typesafety.cases import read_modules
from tests.typesafety.checkers import CHECKERS, PLUGIN, measure, read_page


def test_the_plugin_finds_all_that_is_wrong_and_the_page_says_what_the_others_find() -> None:
    measured = measure()
    assert measured.differences(PLUGIN) == {"missed": [], "false": []}
    page, now = read_page(), measured.rows()
    own = len(now[0]) - len(CHECKERS) + 1  # feature, numbers of statements, and the plugin
    # Another version of a checker than the page names may find something else.
    columns = [n for n, (known, head) in enumerate(zip(page[0], now[0], strict=True)) if n < own or known == head]
    hint = "write the table anew: python -m tests.typesafety.checkers"
    assert [[row[n] for n in columns] for row in page[1:]] == [[row[n] for n in columns] for row in now[1:]], hint


def test_every_feature_has_right_and_wrong_wirings() -> None:
    modules = read_modules().values()
    for feature in {module.feature for module in modules}:
        right = sum(len(module.right) for module in modules if module.feature == feature)
        wrong = sum(len(module.wrong) for module in modules if module.feature == feature)
        assert wrong > 1, feature
        assert right > wrong / 2, feature
