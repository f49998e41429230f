"""The arguments of a call by the names of its parameters, however they were passed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..diagnostic import did_you_mean

if TYPE_CHECKING:
    from ..ports import Signature


class Arguments:
    """Reads calls of a function as the function itself sees them.

    Under the name of ``*args`` is a tuple, under that of ``**kwargs`` a dict, and the context is among the others.
    """

    def __init__(self, signature: Signature) -> None:
        kinds = [kind for _, kind in signature.layout]
        self.layout = signature.layout
        self._by_position = [name for name, kind in signature.layout if kind in ("positional", "standard")]
        self._star = next((name for name, kind in signature.layout if kind == "args"), None)
        self._rest = next((name for name, kind in signature.layout if kind == "kwargs"), None)
        self._own = signature.passed_by_name if "kwargs" in kinds else frozenset[str]()

    def named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Give the value of each parameter; one that was not passed is absent."""
        found = dict(zip(self._by_position, args, strict=False))
        if self._star is not None:
            found[self._star] = args[len(self._by_position) :]
        if self._rest is None:
            found.update(kwargs)
            return found
        rest: dict[str, Any] = {}
        for name, value in kwargs.items():
            (found if name in self._own else rest)[name] = value
        found[self._rest] = rest
        return found

    def placed(self, named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the call back: what to pass by position, and what by keyword.

        Raises:
            TypeError: there is no such parameter, or ``*args`` would move into the place of one that is absent.

        """
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        absent: str | None = None
        for name, kind in self.layout:
            if name not in named:
                absent = absent or (name if kind in ("positional", "standard") else None)
            elif kind == "args":
                if absent is not None and named[name]:
                    raise TypeError(f'"*{name}" cannot be passed without "{absent}" before it')
                args.extend(named[name])
            elif kind == "kwargs":
                kwargs.update(named[name])
            elif kind == "keyword" or absent is not None:
                kwargs[name] = named[name]
            else:
                args.append(named[name])
        known = [name for name, _ in self.layout]
        for name in named:
            if name not in known:
                raise TypeError(f'there is no input "{name}" ({did_you_mean(str(name), known, what="inputs")})')
        return tuple(args), kwargs
