"""Values of the standard library that one text or number can hold."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from .plain import a, kind_of, refuse

if TYPE_CHECKING:
    from collections.abc import Callable


class Form(NamedTuple):
    """How values of one class are written as one text or number."""

    name: str
    plain: type
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _moment(value: Any) -> str:
    """Write a date and time, or a time; a time zone that has a name is written in brackets (RFC 9557)."""
    zone = value.tzinfo
    if zone is None or type(zone) is timezone:
        return str(value.isoformat())
    if type(zone) is not ZoneInfo or not zone.key:
        refuse(f"its time zone is {a(kind_of(zone))}: give one of datetime.timezone, or a zoneinfo.ZoneInfo with a key")
    return f"{value.isoformat()}[{zone.key}]"


def _read_moment(kind: Any, text: str) -> Any:
    stamp, bracket, key = text.partition("[")
    found = kind.fromisoformat(stamp)
    if not bracket:
        return found
    local = found.replace(tzinfo=ZoneInfo(key.removesuffix("]")))
    return local if local.utcoffset() == found.utcoffset() else local.replace(fold=1)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


_bytes: Final = partial(b64decode, validate=True)
FORMS: Final[dict[Any, Form]] = {
    float: Form("float", str, repr, float),  # those that are not finite
    complex: Form("complex", str, repr, complex),
    Decimal: Form("Decimal", str, str, Decimal),
    bytes: Form("bytes", str, _base64, _bytes),
    bytearray: Form("bytearray", str, _base64, lambda text: bytearray(_bytes(text))),
    date: Form("date", str, date.isoformat, date.fromisoformat),
    datetime: Form("datetime", str, _moment, partial(_read_moment, datetime)),
    time: Form("time", str, _moment, partial(_read_moment, time)),
    timedelta: Form(
        "timedelta", int, lambda value: value // timedelta(microseconds=1), lambda n: timedelta(microseconds=n)
    ),
    UUID: Form("UUID", str, str, UUID),
    type(Path()): Form("Path", str, str, Path),
    PurePosixPath: Form("PurePosixPath", str, str, PurePosixPath),
    PureWindowsPath: Form("PureWindowsPath", str, str, PureWindowsPath),
}
NAMED: Final = {form.name: form for form in FORMS.values()}
