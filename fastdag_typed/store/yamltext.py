"""Plain data as YAML: a small writer, and a reader on the parser's events that builds nothing but plain data.

PyYAML's own loading and dumping take several hundred microseconds for a node of a workflow; this takes about thirty.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from ..exceptions import SerializationError
from .plain import DEPTH, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

# -- writing ---------------------------------------------------------------------------------------------------------

# Text that YAML 1.1 and 1.2 both read as text without quotes.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.]*)?")
_WORDS: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
# What json.dumps leaves as it is, and YAML does not allow, or takes for the end of a line.
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_LONGEST_KEY: Final = 1000
"""YAML looks for the colon behind a key in at most 1,024 characters."""


def dump_yaml(data: dict[str, Any]) -> str:
    """Write a mapping of plain data as a YAML document in block style."""
    lines: list[str] = []
    _mapping(data, "", "", lines)
    return "\n".join(lines or ["{}"]) + "\n"


def _mapping(data: dict[str, Any], indent: str, lead: str, lines: list[str]) -> None:
    """Write entries; ``lead`` stands before the first one (``- `` in a list), ``indent`` before the others."""
    for key, value in data.items():
        name = _key(key)
        head = f"{lead}{name}:" if len(name) <= _LONGEST_KEY else f"{lead}? {name}\n{indent}:"
        lead = indent
        form = _form(value)
        if form is None:
            lines.append(f"{head} {_inline(value)}")
        else:
            lines.append(head)
            inner = indent + "  "
            _mapping(value, inner, inner, lines) if form is dict else _sequence(value, inner, lines)


def _sequence(items: list[Any], indent: str, lines: list[str]) -> None:
    for item in items:
        form = _form(item)
        if form is None:
            lines.append(f"{indent}- {_inline(item)}")
        elif form is dict:
            _mapping(item, indent + "  ", indent + "- ", lines)
        else:
            lines.append(f"{indent}-")
            _sequence(item, indent + "  ", lines)


def _form(value: Any) -> Any:
    """Tell whether a value takes lines of its own, as dict or as list, or stands in a line (``None``)."""
    kind = kind_of(value)
    if kind is dict:
        return dict if value else None
    if kind is list:
        return list if any(type(item) in (list, dict) for item in value) else None
    return None


def _inline(value: Any) -> str:
    kind = kind_of(value)
    if kind is list:
        return f"[{', '.join(map(_scalar, value))}]"
    return "{}" if kind is dict else _scalar(value)


@lru_cache(maxsize=256)
def _key(key: str) -> str:
    return _scalar(key)


def _scalar(value: Any) -> str:
    kind = kind_of(value)
    if kind is str:
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return str(value)
        quoted = json.dumps(value, ensure_ascii=False)
        return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
    if kind is float:
        return _float(value)
    return str(value) if kind is int else json.dumps(value)


def _float(value: float) -> str:
    text = repr(value)
    if text[-1] in "fn":  # inf, nan
        return text.replace("inf", ".inf").replace("nan", ".nan")
    return text if "." in text else text.replace("e", ".0e")  # YAML 1.1 wants the point


# -- reading ---------------------------------------------------------------------------------------------------------

_VALUES: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMERIC: Final = frozenset("+-.0123456789")


class Document(NamedTuple):
    """Plain data, and the line (from 1) of each key and list item, by ``id`` of its container and key or index."""

    data: Any
    lines: dict[tuple[int, str | int], int]


def load_yaml(text: str | bytes) -> Document:
    """Read one YAML document as plain data; unquoted words mean what YAML 1.2's core schema says.

    Anchors, aliases and tags are refused, so a small document cannot become large, and nothing is ever constructed.

    Raises:
        SerializationError: it is not YAML, or more than plain data; ``line`` says where.

    """
    import yaml

    given: Any = text
    if not isinstance(given, str | bytes):
        _refuse(f"YAML is text, not {type(text).__name__}")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is there in PyYAML's own wheels
    try:
        return _Reader(loader(text).get_event).document()
    except yaml.MarkedYAMLError as error:
        what = ", ".join(filter(None, (error.context, error.problem)))
        mark = error.problem_mark
        column, line = (f" (column {mark.column + 1})", mark.line + 1) if mark is not None else ("", None)
        raise SerializationError(f"not YAML: {what}{column}", line=line) from None
    except (yaml.YAMLError, UnicodeError) as error:  # forbidden characters
        raise SerializationError(f"not YAML: {' '.join(str(error).split())}") from None


class _Reader:
    """Builds plain data from events."""

    def __init__(self, get_event: Callable[[], Any]) -> None:
        import yaml

        self.next = get_event
        self.lines: dict[tuple[int, str | int], int] = {}
        self.scalar_event = yaml.ScalarEvent
        self.mapping_start, self.mapping_end = yaml.MappingStartEvent, yaml.MappingEndEvent
        self.sequence_start, self.sequence_end = yaml.SequenceStartEvent, yaml.SequenceEndEvent
        self.stream_end = yaml.StreamEndEvent

    def document(self) -> Document:
        self.next()  # the stream
        if type(self.next()) is self.stream_end:
            _refuse("the document is empty")
        data = self.value(self.next(), DEPTH)
        self.next()  # the end of the document
        after = self.next()
        if type(after) is not self.stream_end:
            _refuse("there is more than one document in the text", after)
        return Document(data, self.lines)

    def value(self, event: Any, depth: int) -> Any:
        kind = kind_of(event)
        if kind is self.scalar_event:
            return self.scalar(event)
        if kind is not self.mapping_start and kind is not self.sequence_start:
            _refuse(f"the alias *{event.anchor} is not allowed: write the value again", event)
        if event.anchor is not None or event.tag is not None:
            _refuse_marks(event)
        if depth == 0:
            _refuse(f"lists and mappings are nested more than {DEPTH} deep", event)
        return self.mapping(depth) if kind is self.mapping_start else self.sequence(depth)

    def mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        place, lines = id(found), self.lines
        following: Callable[[], Any] = self.next
        scalar_event = self.scalar_event
        while type(event := following()) is not self.mapping_end:
            key = self.scalar(event) if type(event) is scalar_event else None
            if type(key) is not str:
                _refuse("a key of a mapping is text; put it in quotes", event)
            if key in found:
                _refuse(f'the key "{key}" is given twice in one mapping', event)
            mark: Any = event.start_mark
            lines[place, key] = mark.line + 1
            event = following()
            found[key] = self.scalar(event) if type(event) is scalar_event else self.value(event, depth - 1)
        return found

    def sequence(self, depth: int) -> list[Any]:
        found: list[Any] = []
        place = id(found)
        while type(event := self.next()) is not self.sequence_end:
            self.lines[place, len(found)] = event.start_mark.line + 1
            found.append(self.value(event, depth - 1))
        return found

    def scalar(self, event: Any) -> Any:
        if event.anchor is not None or event.tag is not None:
            _refuse_marks(event)
        text = event.value
        if not event.implicit[0]:  # in quotes
            return text
        if text in _VALUES:
            return _VALUES[text]
        if text[0] not in _NUMERIC:
            return text
        try:
            if _INT.fullmatch(text):
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            return float(text) if _FLOAT.fullmatch(text) else text
        except ValueError:
            _refuse("the number has too many digits", event)


def _refuse_marks(event: Any) -> NoReturn:
    if event.anchor is not None:
        _refuse(f"the anchor &{event.anchor} is not allowed: write the value again where it is needed", event)
    _refuse(f"the tag {event.tag} is not allowed: a document holds plain data only", event)


def _refuse(message: str, event: Any = None) -> NoReturn:
    raise SerializationError(message, line=None if event is None else event.start_mark.line + 1)
