"""Which classes a document may name: those that are given, those of a workflow's ports, and what their fields hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NewType, TypeVar, get_args, get_origin

from ..context import NodeExecution
from ..dag import SubWorkflow
from ..diagnostic import Diagnostic, Location
from ..exceptions import SerializationError
from ..hints import class_hints, is_list, is_typed_dict, unalias
from ..returns import ConditionalReturn, FSMReturn, SelectReturn
from ..run.metrics import ExecutionMetrics
from ..validation import ValidationResult
from .codecs import is_record
from .values import NotStored, name_of_type

if TYPE_CHECKING:
    from ..workflow import Workflow

Types = Iterable[Any] | Mapping[str, Any]
_OURS: Final = (
    *(ConditionalReturn, Diagnostic, ExecutionMetrics, FSMReturn, Location, NodeExecution, NotStored, SelectReturn),
    ValidationResult,
)


def known_types(types: Types, workflow: Workflow | None) -> dict[str, Any]:
    """Collect dataclasses, named tuples and enums by the names that documents give them; nothing is imported.

    ``types`` are types, modules (for the classes that they define) or, by the name that a document gives them, classes.

    Raises:
        SerializationError: two classes have one name.
        TypeError: what has a name is no such class.

    """
    by_name: dict[str, Any] = dict(types) if isinstance(types, Mapping) else {}
    for name, cls in by_name.items():
        if not _is_made(cls):
            raise TypeError(f'types["{name}"] is {cls!r}, and no dataclass, named tuple or enum')
    given: list[Any] = [*_OURS, *(by_name.values() if by_name else types)]
    if workflow is not None:
        given.extend(_hints_of(workflow))
    found = dict(by_name)
    for cls in _classes(given):
        name = name_of_type(cls)
        if found.setdefault(name, cls) is not cls and name not in by_name:
            raise SerializationError(
                f'two classes are called "{name}": give types={{"{name}": ...}} with the one meant'
            )
    return found


def _hints_of(workflow: Workflow) -> Iterator[Any]:
    for node in workflow.nodes.values():
        yield from node.signature.hints.values()
        if isinstance(node.func, SubWorkflow):
            yield from _hints_of(node.func.workflow)


def _classes(hints: list[Any]) -> Iterator[Any]:
    """Go through all classes that are mentioned in types, each once."""
    seen: set[Any] = set()
    while hints:
        hint = hints.pop()
        if is_list(hint):  # the parameters of a Callable
            hints.extend(hint)
            continue
        try:
            if hint in seen:
                continue
            seen.add(hint)
        except TypeError:  # what annotates a type may be anything
            continue
        hints.extend(_mentioned(hint))
        if _is_made(hint):
            yield hint


def _is_made(hint: Any) -> bool:
    return isinstance(hint, type) and (is_record(hint) or issubclass(hint, Enum))


def _mentioned(hint: Any) -> Iterable[Any]:
    """List the types that one type mentions."""
    if isinstance(hint, ModuleType):
        return [one for one in vars(hint).values() if isinstance(one, type) and one.__module__ == hint.__name__]
    if isinstance(hint, Enum):  # of a Literal
        return [type(hint)]
    if isinstance(hint, TypeVar):
        return [hint.__bound__, *hint.__constraints__]
    if isinstance(hint, NewType):
        return [hint.__supertype__]
    if isinstance(hint, type) and not get_args(hint):
        return class_hints(hint).values() if is_record(hint) or is_typed_dict(hint) else []
    bare = unalias(hint)
    return [get_origin(hint), *get_args(hint), *([] if bare is hint else [bare])]
