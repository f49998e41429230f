"""A node's call as bytes: what goes to a worker, and what comes back."""

from __future__ import annotations

import io
import pickle
from itertools import takewhile
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from ..context import Context
from ..exceptions import PlacementError
from ..ports import EMPTY
from ..workflow import Workflow
from .failures import unpack
from .homes import HomelessError, find, home_of, is_importing_script
from .inside import PROTOCOL

_SAME: Final = (int, str, float, complex, bool, bytes, type(None), type)
"""Types whose values are the same everywhere; ``type`` is that of ``EMPTY``, which says that there is no default."""

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..diagnostic import Location
    from ..ports import Signature


class Parcel:
    """A node's function, ready to be called elsewhere; ``signature`` names its arguments and knows their defaults.

    Raises:
        PlacementError: it cannot be found again elsewhere, and does not pickle either.

    """

    __slots__ = ("_defaults", "_func", "_head", "_positional", "name", "where")

    def __init__(
        self, func: Callable[..., Any], name: str, where: Location | None = None, signature: Signature | None = None
    ) -> None:
        self._func = func
        self.name = name
        self.where = where
        layout = () if signature is None else signature.layout
        self._positional = tuple(takewhile(lambda port: port[1] in ("positional", "standard"), layout))
        parameters = () if signature is None else signature.parameters
        self._defaults = {name: default for name, _, default in parameters if type(default) not in _SAME}
        if is_importing_script():
            raise self._error(
                "the run begins while a worker imports the script that the program was started with: put what runs "
                'into `if __name__ == "__main__":`'
            )
        try:
            home = home_of(func)
        except HomelessError as error:
            raise self._homeless(str(error)) from error
        self._head: bytes | None = None if home is None else pickle.dumps(home, PROTOCOL)
        if home is None:
            self._pickled()

    def request(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bytes:
        """Make the request to call it.

        Raises:
            PlacementError: an argument does not pickle.

        """
        if self._defaults:
            args, kwargs = self._said(args, kwargs)
        head = self._head or self._pickled()
        try:
            return head + pickle.dumps((args, kwargs), PROTOCOL)
        except Exception as error:
            for place, value in enumerate(args):
                self.check(place, value)
            for port, value in kwargs.items():
                self.check(port, value)
            raise self._error(f"its arguments cannot be sent to a worker: {_shown(error)}") from error

    def _said(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Leave out the function's own defaults: it has them there, too, while a copy would not be the same object."""
        defaults, said = self._defaults, list[Any]()
        named = {port: value for port, value in kwargs.items() if value is not defaults.get(port, EMPTY)}
        gap = False
        if len(args) > len(self._positional):
            return args, named
        for (port, kind), value in zip(self._positional, args, strict=False):
            if kind == "standard" and value is defaults.get(port, EMPTY):
                gap = True
            elif gap and kind == "standard":
                named[port] = value
            else:
                said.append(value)
        return tuple(said), named

    def check(self, port: int | str, value: Any) -> None:
        """Refuse the value of a port, by place or name, if it does not pickle.

        Raises:
            PlacementError: it names the port.

        """
        if isinstance(port, int):
            known = self._positional
            port = known[port][0] if port < len(known) else f"*{port - len(known)}"
        if value is self._defaults.get(port, EMPTY):
            return
        try:
            pickle.Pickler(_Nowhere(), PROTOCOL).dump(value)
        except Exception as error:
            raise self._error(
                f'the value of "{port}" ({type(value).__name__}) cannot be sent to a worker: {_shown(error)}', port
            ) from error

    def value(self, reply: bytes, place: str) -> Any:
        """Give what the call gave, or raise what it raised.

        Raises:
            PlacementError: the function or an argument could not be read there, or the result cannot come back.

        """
        try:
            what, content = pickle.loads(reply)  # noqa: S301 - bytes of our own process
        except Exception as error:
            raise self._error(f"what it returned cannot be read here: {_shown(error)}") from error
        if what == "value":
            return content
        if what == "call":
            raise unpack(content, place)
        cause = unpack(content, place)
        problem = (
            f"its function or its arguments cannot be loaded in {place}"
            if what == "load"
            else f"what it returned cannot be sent back from {place}"
        )
        raise self._error(f"{problem}: {_shown(cause)}") from cause

    def _homeless(self, why: str) -> PlacementError:
        return self._error(
            f"its function cannot be found again in a worker, because {why} (define it with `def` at the top of a "
            "module)"
        )

    def _pickled(self) -> bytes:
        stream = io.BytesIO()
        try:
            _Pickler(stream, PROTOCOL).dump(self._func)
        except HomelessError as error:
            raise self._homeless(str(error)) from error
        except Exception as error:
            raise self._homeless(f"it does not pickle ({_shown(error)})") from error
        return stream.getvalue()

    def _error(self, message: str, port: str | None = None) -> PlacementError:
        place = f" ({self.where})" if self.where else ""
        return PlacementError(f'Node "{self.name}"{place}: {message}', node_name=self.name, port=port, where=self.where)


class _Pickler(pickle.Pickler):
    """Writes functions by where they are found, also those behind a node; leaves out what a workflow keeps of runs."""

    def reducer_override(self, obj: Any, /) -> Any:
        if isinstance(obj, FunctionType):
            return find, (home_of(obj),)
        if isinstance(obj, Workflow):
            how: Any = obj.__reduce_ex__(PROTOCOL)
            make, args, (own, slots), *_ = how
            return make, args, ({**own, "_plan": None}, {**slots, "context": Context()})
        return NotImplemented


class _Nowhere:
    """A file that forgets what is written."""

    def write(self, _: object, /) -> None:
        pass


def _shown(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}{f': {text}' if text else ''}"
