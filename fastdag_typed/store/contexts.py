"""Contexts that can be stored and read again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, Literal

from ..context import FSMContext
from ..exceptions import SerializationError
from ..policies.isolate import IsolatedContext
from ..run.config import check_choice
from .known import known_types
from .plain import RefusedError, a, dump_json, kind_of, load_json
from .records import from_dict, to_dict
from .values import ValueReader, ValueWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Self

    from ..workflow import Workflow
    from .known import Types

FORMAT: Final = 1
"""The version of the form of documents."""
LARGEST: Final = 64 * 2**20
Unstorable = Literal["error", "repr"]
_FIELDS: Final = tuple(field.name for field in fields(FSMContext))


class SerializableContext(IsolatedContext):
    """An isolated context that can be stored; each value comes back equal and of its own type.

    Beside plain data these are dataclasses, named tuples, TypedDicts, enums, tuples, sets, dicts with keys of any kind,
    bytes, dates and times, ``Decimal``, ``UUID``, paths, complex and not finite numbers, nested as they like.
    """

    def to_dict(self, *, unstorable: Unstorable = "error") -> dict[str, Any]:
        """Write as plain data, of which each value says what type it had.

        With ``unstorable="repr"`` a ``NotStored`` stands where a value was that cannot be stored.

        Raises:
            SerializationError: a value cannot be stored; ``path`` says which.

        """
        check_choice("unstorable", unstorable, Unstorable)
        with _as_errors():
            return {"format": FORMAT, **to_dict(_changed(self, ValueWriter(stand_in=unstorable == "repr").write))}

    def from_dict(
        self,
        data: Mapping[str, Any],
        *,
        types: Types = (),
        workflow: Workflow | None = None,
    ) -> Self:
        """Take over what ``to_dict`` wrote, in the place of all that is here; give the context itself.

        Only classes that are known are made again: those in the types of the workflow's ports; those that ``types``
        lists, or that modules in it define; the classes in the types of their fields. Nothing is imported.

        Args:
            data: what was written.
            types: types and modules, or classes by the names that the document gives them.
            workflow: the workflow whose results these are.

        Raises:
            SerializationError: the data is not a context, or has a type that is not known; ``path`` says where.

        """
        if not isinstance(data, Mapping):
            raise SerializationError(f"expected the mapping that to_dict gives, not {a(kind_of(data))}")
        if data.get("format", FORMAT) != FORMAT:
            raise SerializationError(f"expected {FORMAT}, the one that this version reads", path="format")
        plain = from_dict(FSMContext, {name: value for name, value in data.items() if name != "format"})
        with _as_errors():
            read = _changed(plain, ValueReader(known_types(types, workflow)).read)
        return self._take({name: getattr(read, name) for name in _FIELDS})

    def to_json(self, *, unstorable: Unstorable = "error", indent: int | None = None) -> str:
        """Write as JSON; otherwise as ``to_dict``."""
        with _as_errors():
            return dump_json(self.to_dict(unstorable=unstorable), indent)

    def from_json(
        self,
        text: str | bytes,
        *,
        types: Types = (),
        workflow: Workflow | None = None,
        limit: int = LARGEST,
    ) -> Self:
        """Read JSON of at most ``limit`` characters or bytes; otherwise as ``from_dict``."""
        if len(text) > limit:
            raise SerializationError(f"the text is longer than {limit}: give limit={len(text)} if it is to be trusted")
        return self.from_dict(load_json(text), types=types, workflow=workflow)

    def to_pickle(self) -> bytes:
        """Pickle; whatever can be pickled comes back, but only ``from_pickle`` of a trusted program may read it.

        Raises:
            SerializationError: a value cannot be pickled; ``path`` says which.

        """
        import pickle

        state = {name: getattr(self, name) for name in _FIELDS}
        try:
            return pickle.dumps({"format": FORMAT, **state})
        except Exception as error:
            path = next(_unpicklable(state), "")
            raise SerializationError(f"cannot be pickled: {type(error).__name__}: {error}", path=path) from error

    def from_pickle(self, data: bytes, *, trusted: bool = False) -> Self:
        """Take over what ``to_pickle`` wrote, in the place of all that is here; give the context itself.

        Whoever wrote a pickle decides what code runs when it is read: ``trusted=True`` says that nobody else can have.

        Raises:
            SerializationError: it is not said to be trusted, or is not a pickled context.

        """
        if trusted is not True:
            raise SerializationError(
                "reading a pickle runs whatever code its writer put there: say trusted=True if this program wrote it "
                "and nobody else could change it; to_json and from_json need no trust"
            )
        import pickle

        try:
            state = pickle.loads(data)  # noqa: S301 - the caller has said that he trusts it
        except Exception as error:
            raise SerializationError(f"not a pickled context: {type(error).__name__}: {error}") from error
        if not isinstance(state, dict) or state.pop("format", None) != FORMAT or state.keys() != set(_FIELDS):
            raise SerializationError(f"not a pickled context of format {FORMAT}")
        return self._take(state)

    def _take(self, state: dict[str, Any]) -> Self:
        for name, value in state.items():
            setattr(self, name, value)
        return self


def _changed(context: FSMContext, convert: Callable[[Any], Any]) -> FSMContext:
    """Convert every value in a context, and leave the rest."""
    return FSMContext(
        _each(context.results, convert, "results"),
        _each(context.metadata, convert, "metadata"),
        context.execution_info,
        context.current_state,
        context.state_history,
        context.cycle_count,
        {
            state: [(cycle, _at(f"cycle_results.{state}[{place}]", convert, value)) for place, (cycle, value) in rows]
            for state, rows in ((state, enumerate(rows)) for state, rows in context.cycle_results.items())
        },
    )


def _each(values: Mapping[str, Any], convert: Callable[[Any], Any], path: str) -> dict[str, Any]:
    return {name: _at(f"{path}.{name}", convert, value) for name, value in values.items()}


def _at(path: str, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except RefusedError as refused:
        raise refused.at(path) from None


@contextmanager
def _as_errors() -> Generator[None]:
    try:
        yield
    except RecursionError:
        raise SerializationError("values are nested too deep for what is left of Python's stack") from None


def _unpicklable(state: dict[str, Any]) -> Generator[str]:
    import pickle

    for section, values in state.items():
        for name, value in values.items() if isinstance(values, dict) else ():
            try:
                pickle.dumps(value)
            except Exception:  # noqa: BLE001 - it is the one
                yield f"{section}.{name}"
