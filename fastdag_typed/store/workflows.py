"""Workflows as documents in YAML, JSON or plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .functions import Finder, Names
from .plain import dump_json, load_json
from .reading import Reader
from .writing import Writer
from .yamltext import dump_yaml, load_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..node import Node
    from ..workflow import Workflow


class WorkflowSerializer:
    """Writes workflows as documents, and makes workflows of documents.

    A document holds nodes, their wiring with the exact ports and branches, constants, inner workflows and metadata, but
    no code: each function is named, by ``function`` and, if it can be imported, ``module``. When a document is read the
    functions come from ``function_registry`` (name to function or node), or are imported from the modules that
    ``allow`` lists (``"package.module"``, or ``"package.*"`` for a package and all that is in it); nothing else is ever
    imported or constructed. Policies are code, too: a node that has some is read only if its registered or imported
    counterpart is a node that has the same kinds of them.
    """

    @staticmethod
    def to_dict(
        workflow: Workflow, function_registry: Mapping[str, Callable[..., Any] | Node[..., Any]] | None = None
    ) -> dict[str, Any]:
        """Write a workflow as plain data; functions of the registry are named by their keys there.

        Raises:
            SerializationError: a constant or the metadata is not plain data, or two functions cannot be told apart.

        """
        return Writer(Names(function_registry or {})).workflow(workflow)

    @staticmethod
    def to_yaml(
        workflow: Workflow, function_registry: Mapping[str, Callable[..., Any] | Node[..., Any]] | None = None
    ) -> str:
        """Write a workflow as YAML; otherwise as ``to_dict``."""
        return dump_yaml(WorkflowSerializer.to_dict(workflow, function_registry))

    @staticmethod
    def to_json(
        workflow: Workflow,
        function_registry: Mapping[str, Callable[..., Any] | Node[..., Any]] | None = None,
        *,
        indent: int | None = None,
    ) -> str:
        """Write a workflow as JSON; otherwise as ``to_dict``."""
        return dump_json(WorkflowSerializer.to_dict(workflow, function_registry), indent)

    @staticmethod
    def from_dict(
        data: Mapping[str, Any],
        function_registry: Mapping[str, Callable[..., Any] | Node[..., Any]] | None = None,
        *,
        allow: Iterable[str] = (),
    ) -> Workflow:
        """Make a workflow of plain data.

        Raises:
            SerializationError: the data is not a workflow, or a function cannot be found or may not be imported.

        """
        return Reader(Finder(function_registry, allow), {}).workflow(data)

    @staticmethod
    def from_yaml(
        text: str | bytes,
        function_registry: Mapping[str, Callable[..., Any] | Node[..., Any]] | None = None,
        *,
        allow: Iterable[str] = (),
    ) -> Workflow:
        """Make a workflow of YAML; otherwise as ``from_dict``. Errors, also later ones, name the line in the text."""
        document = load_yaml(text)
        return Reader(Finder(function_registry, allow), document.lines).workflow(document.data)

    @staticmethod
    def from_json(
        text: str | bytes,
        function_registry: Mapping[str, Callable[..., Any] | Node[..., Any]] | None = None,
        *,
        allow: Iterable[str] = (),
    ) -> Workflow:
        """Make a workflow of JSON; otherwise as ``from_dict``."""
        return Reader(Finder(function_registry, allow), {}).workflow(load_json(text))
