from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fastdag_typed.store.yamltext import dump_yaml, load_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
WORDS = st.sampled_from(
    [
        "yes",
        "no",
        "on",
        "Off",
        "y",
        "N",
        "null",
        "~",
        "",
        "true",
        "1",
        "1.5",
        "1e3",
        "0x1",
        "0o7",
        "1:30",
        ".inf",
        "-",
        "2026-01-01",
        "=",
        "<<",
        "a: b",
        "a #b",
        "# c",
        "- a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "@",
        "`",
        "%",
        "a:",
        ":a",
        "?",
    ]
)
PLAIN = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | WORDS, inner, max_size=4),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(TEXT | WORDS, PLAIN, max_size=5)


@given(MAPPINGS)
@example({"a": {}, "b": [], "c": [[], {}, [[1]], [{"x": [1, {"y": 2}]}]], "d": {"e": {"f": [[[]]]}}})
@example(
    {"x" * 2000: {"y" * 2000: [{"z" * 2000: 1, "w": 2}]}, "\x85\u2028\ufeff\uffff\x7f": "\x85\u2028\ufeff\uffff\x7f"}
)
@example({"big": 10**300, "small": 5e-324, "exponent": 1e16, "inf": math.inf, "minus": -math.inf, "zero": -0.0})
def test_what_is_written_is_read(data: dict[str, Any]) -> None:
    assert load_yaml(dump_yaml(data)).data == data


@given(MAPPINGS)
def test_another_yaml_library_reads_the_same(data: dict[str, Any]) -> None:
    assert yaml.safe_load(dump_yaml(data)) == data


@given(MAPPINGS)
def test_the_parser_in_python_reads_as_the_one_in_c(data: dict[str, Any]) -> None:
    text = dump_yaml(data)
    fast = load_yaml(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader", raising=False)
        slow = load_yaml(text)

    assert slow.data == fast.data
    assert sorted(slow.lines.values()) == sorted(fast.lines.values())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("off", "off"),
        ("Null", None),
        ("~", None),
        ("", None),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("+1", 1),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.INF", -math.inf),
        ("\n- ", [None]),
        ("+x", "+x"),
        ("'1'", "1"),
        ('"null"', "null"),
        ("|\n  1\n", "1\n"),
    ],
)
def test_words_mean_what_the_core_schema_of_yaml_1_2_says(text: str, value: Any) -> None:
    assert load_yaml(f"a: {text}").data == {"a": value}
    assert type(load_yaml(f"a: {text}").data["a"]) is type(value)


def test_not_a_number_is_read_as_such() -> None:
    assert math.isnan(load_yaml(dump_yaml({"a": math.nan})).data["a"])


def test_lines_are_known_for_keys_and_items() -> None:
    data, lines = load_yaml("a:\n  - b: 1\n\n    c: 2\nd: [x,\n  y]\n")

    assert lines[id(data), "d"] == 5
    assert lines[id(data["a"]), 0] == 2
    assert lines[id(data["a"][0]), "c"] == 4
    assert lines[id(data["d"]), 1] == 6


def test_bytes_are_read_as_utf_8() -> None:
    assert load_yaml("a: \xe9".encode()).data == {"a": "\xe9"}
