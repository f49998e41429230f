"""From plain data to workflow; whatever does not fit is refused with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..compose import Placeholder
from ..dag import DAG, AsyncSubWorkflow, SubWorkflow
from ..diagnostic import did_you_mean
from ..edge import Edge, Given
from ..exceptions import SerializationError, WiringError, WorkflowValidationError
from ..fsm import FSM
from ..node import Condition, Node, Outlet, Select, State
from ..ports import EMPTY
from ..wiring import add_edge, caller, check_output, place_of, wire
from .functions import Finder, NotFoundError
from .plain import DEPTH, kind_of, plain
from .writing import FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..workflow import Workflow

_WORKFLOW: Final = frozenset(
    (
        *("format", "name", "type", "description", "metadata", "max_cycles", "on_max_cycles", "entrypoints", "nodes"),
        *("connections", "returns", "unused"),
    )
)
_NODE: Final = frozenset(
    (
        *("name", "function", "module", "workflow", "node_type", "inputs", "outputs", "description", "true_branch"),
        *("false_branch", "is_initial", "is_final", "pure", "policies", "bound"),
    )
)
_CONNECTION: Final = frozenset(("from", "to", "output", "input", "order", "branch"))
_GIVEN: Final = frozenset(("value", "input", "default"))
_RETURNS: Final = frozenset(("node", "output", "dict", "tuple", "list"))
_TYPES: Final = ("DAG", "FSM")
_NODE_TYPES: Final = ("standard", "condition", "select", "any", "all", "fsm_state", "workflow")
_ONLY_FOR: Final = (("condition", ("true_branch", "false_branch")), ("fsm_state", ("is_initial", "is_final")))
_WORDS: Final[dict[Any, str]] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a mapping",
}


class Reader:
    """Makes a workflow, and those inside it, of one document; ``lines`` are those of a YAML text, else empty."""

    def __init__(self, finder: Finder, lines: Mapping[tuple[int, str | int], int]) -> None:
        self._finder = finder
        self._lines = lines
        self._where = caller()

    def workflow(self, data: Any, path: str = "", depth: int = 0) -> Workflow:
        """Make a workflow.

        Raises:
            SerializationError: the data is not a workflow; ``path`` and ``line`` say where.

        """
        if depth > DEPTH // 4:
            raise SerializationError("workflows are nested too deep", path=path)
        self._check(data, path, _WORKFLOW)
        prefix = f"{path}." if path else ""
        if data.get("format", FORMAT) != FORMAT:
            known = f"this version of the library reads format {FORMAT}"
            self._refuse(f"unknown format {data['format']!r}; {known}", data, "format", prefix)
        workflow = self._empty(data, prefix)
        for index, item in enumerate(self._need(data, "nodes", list, prefix)):
            self._add_node(workflow, item, f"{prefix}nodes[{index}]", depth)
        for index, item in enumerate(self._get(data, "connections", list, prefix) or ()):
            self._connect(workflow, item, f"{prefix}connections[{index}]")
        entrypoints = self._names(data, "entrypoints", prefix)
        if entrypoints is not None:
            for name in entrypoints:
                self._node(workflow, name, data, "entrypoints", prefix)
            workflow.set_entrypoint(*entrypoints)
        if data.get("returns") is not None:
            workflow.returns = self._returned(workflow, data["returns"], f"{prefix}returns", depth=0)
        workflow.unused = frozenset(self._names(data, "unused", prefix) or ())
        workflow.changed()
        return workflow

    def _empty(self, data: dict[str, Any], prefix: str) -> Workflow:
        kind = self._choice(data, "type", _TYPES, prefix) or self._need(data, "type", str, prefix)
        name = self._need(data, "name", str, prefix)
        description = self._get(data, "description", str, prefix)
        metadata = plain(self._get(data, "metadata", dict, prefix) or {}, f"{prefix}metadata")
        if kind == "DAG":
            for key in ("max_cycles", "on_max_cycles"):
                if data.get(key) is not None:
                    self._refuse("only a state machine (type: FSM) has this", data, key, prefix)
            return DAG(name, description, metadata)
        machine = FSM(name, description, metadata)
        cycles = self._get(data, "max_cycles", int, prefix)
        if cycles is not None:
            if cycles < 1:
                self._refuse(f"expected at least 1, not {cycles}", data, "max_cycles", prefix)
            machine.max_cycles = cycles
        machine.on_max_cycles = self._choice(data, "on_max_cycles", ("stop", "raise"), prefix) or machine.on_max_cycles
        return machine

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _add_node(self, workflow: Workflow, data: Any, path: str, depth: int) -> None:
        self._check(data, path, _NODE)
        prefix = f"{path}."
        name = self._need(data, "name", str, prefix)
        if not name:
            self._refuse("a node needs a name", data, "name", prefix)
        found: Any
        if "workflow" in data:
            found = self._inner(data, prefix, depth)
            usual = "workflow"
        else:
            found = self._function(data, prefix)
            usual = "fsm_state" if workflow.kind == "FSM" else "standard"
        kind = self._choice(data, "node_type", _NODE_TYPES, prefix) or usual
        for owner, keys in _ONLY_FOR:
            for key in keys:
                if kind != owner and data.get(key) is not None:
                    self._refuse(f"only a node with node_type: {owner} has this", data, key, prefix)
        options: dict[str, Any] = {
            "inputs": self._names(data, "inputs", prefix),
            "outputs": self._names(data, "outputs", prefix),
            "policies": self._policies(found, data, prefix),
            "pure": self._get(data, "pure", bool, prefix) or False,
        }
        func = found.func if isinstance(found, Node) else found
        node = self._make(kind, func, name, data, prefix, options)
        if "description" in data:
            node.description = self._get(data, "description", str, prefix)
        try:
            workflow.add_node(node)
        except WiringError:
            self._refuse(f'there is a node "{name}" already', data, "name", prefix)
        bound = self._get(data, "bound", dict, prefix)
        if bound:
            node.bound = {port: self._given(node, port, bound, f"{prefix}bound.") for port in bound}

    def _make(
        self, kind: Any, func: Any, name: str, data: dict[str, Any], prefix: str, options: dict[str, Any]
    ) -> Node[..., Any]:
        if kind == "condition":
            true_branch = self._get(data, "true_branch", str, prefix)
            false_branch = self._get(data, "false_branch", str, prefix)
            return Condition(func, name, true_branch, false_branch, **options)
        if kind == "fsm_state":
            for key in ("is_initial", "is_final"):
                options[key] = self._get(data, key, bool, prefix) or False
            return State(func, name, **options)
        return Select(func, name, **options) if kind == "select" else Node(func, name, node_type=kind, **options)

    def _inner(self, data: dict[str, Any], prefix: str, depth: int) -> SubWorkflow:
        for key in ("function", "module"):
            if data.get(key) is not None:
                self._refuse("a node has either a function or a workflow", data, key, prefix)
        inner = self.workflow(data["workflow"], f"{prefix}workflow", depth + 1)
        try:
            make = AsyncSubWorkflow if inner.plan().is_async else SubWorkflow
        except WorkflowValidationError as error:
            self._refuse(str(error), data, "workflow", prefix)
        return make(inner)

    def _function(self, data: dict[str, Any], prefix: str) -> Any:
        function = self._need(data, "function", str, prefix)
        module = self._get(data, "module", str, prefix)
        try:
            return self._finder.find(function, module)
        except NotFoundError as error:
            place = self._place(data, "function")
            raise SerializationError(str(error), path=f"{prefix}function", line=place) from error.__cause__

    def _policies(self, found: Any, data: dict[str, Any], prefix: str) -> tuple[Any, ...]:
        """Take the policies of a node that was found, which must be those that the document names."""
        policies = found.policies if isinstance(found, Node) else ()
        wanted = self._names(data, "policies", prefix)
        if wanted is not None and wanted != [type(policy).__name__ for policy in policies]:
            if not wanted:
                return ()
            kinds = ", ".join(type(policy).__name__ for policy in policies) or "none"
            message = f"the node had {', '.join(wanted)}, its function has {kinds}: register a node that has the same"
            self._refuse(message, data, "policies", prefix)
        return policies

    def _given(self, node: Node[..., Any], port: str, bound: dict[str, Any], prefix: str) -> Given:
        rest = "args" if place_of(port) is not None else "kwargs"
        if port not in node.inputs and all(p.kind != rest for p in node.ports):
            hint = did_you_mean(port, node.inputs, what="inputs")
            self._refuse(f'node "{node.name}" has no such input ({hint})', bound, port, prefix)
        data = bound[port]
        path = f"{prefix}{port}"
        self._check(data, path, _GIVEN, (bound, port))
        name = self._get(data, "input", str, f"{path}.")
        if (name is None) != ("value" in data) or (name is None and "default" in data):
            self._refuse('expected either "value", or "input" with or without "default"', bound, port, prefix)
        if name is None:
            return Given(plain(data["value"], f"{path}.value"))
        return Given(plain(data["default"], f"{path}.default") if "default" in data else EMPTY, name)

    # -- wiring ------------------------------------------------------------------------------------------------------

    def _connect(self, workflow: Workflow, data: Any, path: str) -> None:
        self._check(data, path, _CONNECTION)
        prefix = f"{path}."
        source = self._node(workflow, self._need(data, "from", str, prefix), data, "from", prefix)
        target = self._node(workflow, self._need(data, "to", str, prefix), data, "to", prefix)
        output = self._get(data, "output", str, prefix)
        name = self._get(data, "input", str, prefix)
        branch = data.get("branch")
        if branch is not None and type(branch) is not bool and type(branch) is not str:
            self._refuse(f"expected true, false or the name of a branch, not {branch!r}", data, "branch", prefix)
        line = self._lines.get((id(data), "from"))
        where = self._where if line is None else ("<yaml>", line)
        try:
            if self._get(data, "order", bool, prefix):
                if name is not None:
                    self._refuse("a connection that only orders has no input", data, "input", prefix)
                add_edge(Edge(source, target, output, None, None, branch, where))
                return
            if name is not None and target.bound and name in target.bound:
                self._refuse(f'input "{name}" of "{target.name}" is bound already', data, "input", prefix)
            wire(Outlet(source, output, branch), target, input_name=name, where=where)
        except WiringError as error:
            found = error.diagnostic
            hint = f" ({found.hint})" if found.hint else ""
            raise SerializationError(f"{found.message}{hint}", path=path, line=self._place(data, "from")) from None

    def _returned(self, workflow: Workflow, data: Any, path: str, depth: int) -> Any:
        if depth > DEPTH:
            raise SerializationError("returned values are nested too deep", path=path)
        self._check(data, path, _RETURNS)
        forms = [key for key in ("node", "dict", "tuple", "list") if key in data]
        if len(forms) != 1 or ("output" in data and forms != ["node"]):
            hint = 'expected "node" with or without "output", or one of "dict", "tuple" and "list"'
            raise SerializationError(hint, path=path, line=self._place(data, next(iter(data), "")))
        prefix = f"{path}."
        form = forms[0]
        if form == "node":
            node = self._node(workflow, self._need(data, "node", str, prefix), data, "node", prefix)
            output = self._get(data, "output", str, prefix)
            if output is not None:
                try:
                    check_output(node, output, self._where)
                except WiringError as error:
                    self._refuse(error.diagnostic.message, data, "output", prefix)
            return Placeholder(node, output, output or node.name)
        if form == "dict":
            entries = self._need(data, "dict", dict, prefix)
            return {
                name: self._returned(workflow, value, f"{prefix}dict.{name}", depth + 1)
                for name, value in entries.items()
            }
        items = self._need(data, form, list, prefix)
        found = [self._returned(workflow, v, f"{prefix}{form}[{i}]", depth + 1) for i, v in enumerate(items)]
        return tuple(found) if form == "tuple" else found

    # -- fields ------------------------------------------------------------------------------------------------------

    def _node(self, workflow: Workflow, name: str, data: dict[str, Any], key: str, prefix: str) -> Node[..., Any]:
        found = workflow.nodes.get(name)
        if found is None:
            hint = did_you_mean(name, workflow.nodes, what="nodes")
            self._refuse(f'there is no node "{name}" ({hint})', data, key, prefix)
        return found

    def _check(
        self, data: Any, path: str, known: frozenset[str], place: tuple[dict[str, Any], str] | None = None
    ) -> None:
        if kind_of(data) is not dict:
            line = None if place is None else self._place(*place)
            raise SerializationError(f"expected a mapping, not {_kind(data)}", path=path, line=line)
        if not data.keys() <= known:
            key = next(key for key in data if key not in known)
            hint = did_you_mean(str(key), known, what="fields")
            self._refuse(f'unknown field "{key}" ({hint})', data, key, f"{path}." if path else "")

    def _get(self, data: dict[str, Any], key: str, kind: type, prefix: str) -> Any:
        value = data.get(key)
        if value is not None and type(value) is not kind:
            self._refuse(f"expected {_WORDS[kind]}, not {_kind(value)}", data, key, prefix)
        return value

    def _need(self, data: dict[str, Any], key: str, kind: type, prefix: str) -> Any:
        value = data.get(key)
        if type(value) is kind:
            return value
        if value is None:
            line = self._place(data, next(iter(data), ""))
            raise SerializationError(f'the field "{key}" is missing', path=prefix.removesuffix("."), line=line)
        return self._get(data, key, kind, prefix)

    def _choice(self, data: dict[str, Any], key: str, known: tuple[str, ...], prefix: str) -> Any:
        value = self._get(data, key, str, prefix)
        if value is not None and value not in known:
            self._refuse(f'unknown {key} "{value}" ({did_you_mean(value, known)})', data, key, prefix)
        return value

    def _names(self, data: dict[str, Any], key: str, prefix: str) -> list[str] | None:
        items: list[Any] | None = self._get(data, key, list, prefix)
        for index, item in enumerate(items or ()):
            if type(item) is not str:
                self._refuse(f"expected text, not {_kind(item)}", data, key, prefix, f"[{index}]")
        return items

    def _place(self, data: Any, key: str) -> int | None:
        return self._lines.get((id(data), key))

    def _refuse(self, message: str, data: dict[str, Any], key: str, prefix: str, suffix: str = "") -> NoReturn:
        raise SerializationError(message, path=f"{prefix}{key}{suffix}", line=self._place(data, key))


def _kind(value: Any) -> str:
    return "nothing" if value is None else _WORDS.get(kind_of(value), type(value).__name__)
