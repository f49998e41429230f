"""What may be chosen about a compiled module, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from fastdag_typed.diagnostic import did_you_mean
from fastdag_typed.exceptions import OptionError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Level = Literal[0, 1, 2]
Mode = Literal["sequential", "threads", "asyncio"]
How = Literal["inlined", "called", "folded", "shared", "dropped"]


@dataclass(frozen=True)
class Options:
    """How a workflow is compiled.

    Args:
        level: 0 calls every node, 1 inlines the functions for which every rule holds, 2 also folds, shares and drops
            nodes that are declared ``pure=True``.
        mode: whether nodes run one after the other, in threads, or as tasks of an event loop.
        instrument: whether the module takes the time of each node, and tells observers about it.
        late_globals: whether names that a module imports are looked up there each time, so that they can be patched.
        keep: nodes whose results the module returns; ``None`` for all. Others are deleted after their last use.
        native: whether an extension is built beside the module.

    Raises:
        OptionError: one of them makes no sense.
    """

    level: Level = 1
    mode: Mode = "sequential"
    instrument: bool = False
    late_globals: bool = False
    keep: tuple[str, ...] | None = None
    native: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense; the order of the nodes to keep does not matter."""
        _check_choice("level", self.level, Level)
        _check_choice("mode", self.mode, Mode)
        for name in ("instrument", "late_globals", "native"):
            _check_choice(key_of(name), getattr(self, name), Literal[False, True])
        if self.keep is not None:
            names: Any = self.keep
            if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
                raise OptionError(f"keep is a list of names of nodes, not {names!r}", key="keep")
            object.__setattr__(self, "keep", tuple(sorted(set(self.keep))))

    def text(self) -> str:
        """Write what is not as by default, in one line of JSON; nothing if all is."""
        chosen = {key_of(one.name): value for one in fields(self) if (value := getattr(self, one.name)) != one.default}
        return json.dumps(chosen, sort_keys=True) if chosen else ""


def read_options(data: Mapping[str, Any], place: str) -> Options:
    """Read options as ``Options.text`` and tables in ``pyproject.toml`` have them; ``place`` says where they stand.

    Raises:
        OptionError: one of them is unknown, or makes no sense.
    """
    names = {key_of(field.name): field.name for field in fields(Options)}
    check_keys(data, names, place)
    try:
        return Options(**{names[key]: value for key, value in data.items()})
    except OptionError as error:
        raise OptionError(f"{place}.{error}", key=error.key) from None


def check_keys(data: Any, known: Collection[str], place: str) -> None:
    """Refuse a key that is not known.

    Raises:
        OptionError: there is one, or no table of keys at all.
    """
    if not isinstance(data, dict):
        raise OptionError(f"{place} is a table of keys and values, not {data!r}", key="")
    for key in data:
        if key not in known:
            raise OptionError(f"{place}.{key} is unknown ({did_you_mean(key, known, what='keys')})", key=key)


def key_of(name: str) -> str:
    """Write the name of an option as files have it."""
    return name.replace("_", "-")


def _check_choice(key: str, value: object, choices: object) -> None:
    known = get_args(choices)
    if any(type(value) is type(one) and value == one for one in known):
        return
    *most, last = (json.dumps(one) for one in known)
    hint = f" ({did_you_mean(value, known)})" if isinstance(value, str) and isinstance(known[0], str) else ""
    raise OptionError(f"{key} is {', '.join(most)} or {last}, not {value!r}{hint}", key=key)


class Choice(NamedTuple):
    """What became of a node, and why; ``node`` is its dotted path, ``place`` its file and line."""

    node: str
    place: str
    how: How
    reason: str


class Compilation(NamedTuple):
    """The text of a compiled module, and what became of each node in it."""

    text: str
    choices: tuple[Choice, ...]
