"""Wiring by calls: a function is run once on placeholders, and its calls of nodes become edges."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NoReturn

from .diagnostic import Diagnostic, Location, did_you_mean
from .edge import Edge, Given
from .exceptions import PlaceholderError, WiringError
from .functions import title_of
from .node import Node, tracer
from .ports import EMPTY
from .wiring import add_edge, caller, check_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .ports import Port
    from .workflow import Workflow


class Placeholder:
    """Stands for the result of a node, or for an input of the workflow, while the workflow is composed.

    Its fields (``value["name"]``, ``value.name``, unpacking of declared outputs) are placeholders too; any other use
    fails at that line.
    """

    __slots__ = ("_default", "_name", "_node", "_output")

    def __init__(self, node: Node[..., Any] | None, output: str | None, name: str, default: Any = EMPTY) -> None:
        self._node = node
        self._output = output
        self._name = name
        self._default = default

    def __repr__(self) -> str:
        """Render what it stands for."""
        return f"<placeholder for {describe(self)}>"

    def __getitem__(self, key: object) -> Placeholder:
        """Choose a field of a result that is a mapping."""
        if isinstance(key, str):
            return _field(self, key)
        return _misused(self, f"indexed with {key!r}", "only fields with a name can be wired; do this inside a node")

    def __getattr__(self, name: str) -> Placeholder:
        """Choose a field of a result that is a NamedTuple or dataclass."""
        if name.startswith("__"):
            raise AttributeError(name)
        return _field(self, name)

    def __iter__(self) -> Iterator[Placeholder]:
        """Unpack a result whose outputs are declared."""
        declared = self._node.declared if self._node is not None and self._output is None else ()
        if len(declared) > 1:
            return iter([_field(self, name) for name in declared])
        return _misused(
            self,
            "iterated over",
            'loop inside a node, or unpack a node that is declared with outputs=["a", "b"]',
        )

    def __bool__(self) -> bool:
        """Refuse: nothing is known yet."""
        return _misused(
            self,
            "tested for truth",
            "branch with a node made by @dag.condition and wire its on_true and on_false",
        )


def describe(value: Placeholder) -> str:
    """Say what a placeholder stands for."""
    node, output = value._node, value._output
    if node is None:
        return f'the workflow input "{value._name}"'
    return f'output "{output}" of "{node.name}"' if output else f'the result of "{node.name}"'


def origin(value: Placeholder) -> tuple[Node[..., Any] | None, str | None]:
    """Give the node (``None``: a workflow input) and output that a placeholder stands for."""
    return value._node, value._output


def _field(value: Placeholder, name: str) -> Placeholder:
    node, output = origin(value)
    if node is None or output is not None:
        return _misused(value, f'asked for its field "{name}"', "take it apart inside a node")
    check_output(node, name, caller())
    return Placeholder(node, name, name)


def _misused(value: Placeholder, what: str, hint: str) -> NoReturn:
    location = Location(*caller())
    message = f"{describe(value)} is {what} while the workflow is composed, when it has no value yet"
    raise PlaceholderError(f"{location}: {message}: {hint}")


def _refuse(operation: str) -> Callable[..., NoReturn]:
    def refuse(self: Placeholder, *_: Any) -> NoReturn:
        _misused(self, f"used in {operation}", "write a node that does it, and call that node here")

    return refuse


for _operation, _names in {
    "arithmetic": "add sub mul truediv floordiv mod divmod pow matmul neg pos abs invert radd rsub rmul rtruediv "
    "rfloordiv rmod rdivmod rpow rmatmul and or xor lshift rshift rand ror rxor rlshift rrshift round trunc floor ceil",
    "a comparison": "lt le gt ge eq ne contains hash",
    "a conversion": "int float complex index str bytes format len length_hint",
    "a with statement": "enter exit aenter aexit",
    "a call": "call",
    "an await": "await aiter",
    "an assignment": "setitem delitem",
    "a loop": "next reversed",
}.items():
    for _name in _names.split():
        setattr(Placeholder, f"__{_name}__", _refuse(_operation))


class Composition:
    """Records the calls of one composing function as nodes and edges of a workflow."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.called: set[int] = set()
        self.inputs: set[str] = set()
        self.used: set[str] = set()

    def run(self, flow: Callable[..., Any]) -> Any:
        """Run the function on placeholders for its parameters; give what it returns."""
        self._check(flow)
        arguments: dict[str, Any] = {}
        positional: list[Any] = []
        for parameter in inspect.signature(flow).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise _bad_flow(flow, f"takes *{parameter.name}", "name each input of the workflow")
            self.inputs.add(parameter.name)
            value = Placeholder(None, None, parameter.name, parameter.default)
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                arguments[parameter.name] = value
        token = tracer.set(self.call)
        try:
            return self._returned(flow(*positional, **arguments), flow)
        finally:
            tracer.reset(token)

    def _check(self, flow: Any) -> None:
        if self.workflow.kind == "FSM":
            raise _bad_flow(flow, "is to wire a state machine", "wire states with >>, on_true, on_false and on(...)")
        if getattr(flow, "__code__", None) is None:
            raise _bad_flow(flow, "is no plain function", "decorate a function made with def")
        if inspect.iscoroutinefunction(flow) or inspect.isasyncgenfunction(flow):
            raise _bad_flow(
                flow, "is async", "make it a plain def without await: nodes may be async, their wiring is not"
            )
        if inspect.isgeneratorfunction(flow):
            raise _bad_flow(flow, "yields", "return the results of nodes instead")

    def _returned(self, value: Any, flow: Callable[..., Any]) -> Any:
        values = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
        if value is not None and not all(isinstance(v, Placeholder) and origin(v)[0] is not None for v in values):
            what = "returns something else than results of nodes"
            raise _bad_flow(flow, what, "return the result of a node, or a tuple, list or dict of results")
        return value

    def call(self, node: Node[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Placeholder:
        """Record one call of a node."""
        where = caller()
        node = self._instance(node)
        for index, name, value in self._arguments(node, args, kwargs, where):
            if isinstance(value, Placeholder):
                source, output = origin(value)
                if source is None:
                    given = Given(value._default, value._name)
                    self.used.add(value._name)
                else:
                    add_edge(Edge(source, node, output, index, name, None, where))
                    continue
            else:
                _no_placeholder_inside(value, node, name)
                given = Given(value)
            node.bound = {**(node.bound or {}), name: given}
        return Placeholder(node, None, node.name)

    def _instance(self, node: Node[..., Any]) -> Node[..., Any]:
        """Use the workflow's own node for its first call, and a copy of it for each further one."""
        nodes = self.workflow.nodes
        own = nodes.get(node.name) is node
        if own and id(node) not in self.called and not node.incoming and not node.bound:
            self.called.add(id(node))
            return node
        name, count = node.name, 1
        while name in nodes:
            count += 1
            name = f"{node.name}_{count}"
        copy = node.copy(name)
        self.workflow.add_node(copy)
        return copy

    def _arguments(
        self, node: Node[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], where: tuple[str, int]
    ) -> Iterator[tuple[int, str, Any]]:
        ports = node.ports
        index_of = {port.name: index for index, port in enumerate(ports) if not port.variadic}
        by_position = [i for i, port in enumerate(ports) if port.kind in ("positional", "standard")]
        star = next((i for i, port in enumerate(ports) if port.kind == "args"), None)
        rest = next((i for i, port in enumerate(ports) if port.kind == "kwargs"), None)
        seen: set[str] = set()
        for position, value in enumerate(args):
            if position < len(by_position):
                index = by_position[position]
                seen.add(ports[index].name)
                yield index, ports[index].name, value
            elif star is not None:
                yield star, f"*{position - len(by_position)}", value
            else:
                raise _bad_call(node, f"takes {len(by_position)} inputs by position, not {len(args)}", where, "")
        for name, value in kwargs.items():
            if name in seen:
                raise _bad_call(node, f'is given "{name}" twice', where, "", "fastdag-taken", name)
            seen.add(name)
            if name in index_of:
                yield index_of[name], name, value
            elif rest is not None:
                yield rest, name, value
            else:
                hint = did_you_mean(name, index_of, what="inputs")
                raise _bad_call(node, f'has no input "{name}"', where, hint, "fastdag-name", name)
        yield from self._defaults(ports, seen)
        missing = [port.name for port in ports if port.required and port.name not in seen]
        if missing:
            names = ", ".join(f'"{name}"' for name in missing)
            hint = "every input of a node is given in its call"
            raise _bad_call(node, f"is called without {names}", where, hint, "fastdag-input", missing[0])

    def _defaults(self, ports: Sequence[Port], given: set[str]) -> Iterator[tuple[int, str, Any]]:
        """Keep a default whose name a workflow input has: left open, it would take what is meant for the other."""
        for index, port in enumerate(ports):
            if port.name in self.inputs and port.name not in given and port.default is not EMPTY:
                yield index, port.name, port.default


def _bad_flow(flow: Any, what: str, hint: str) -> WiringError:
    code = getattr(flow, "__code__", None)
    where = Location(code.co_filename, code.co_firstlineno) if code else Location(*caller())
    name = title_of(flow)
    return WiringError(Diagnostic("fastdag-wire", f'The composed function "{name}" {what}', where=where, hint=hint))


def _bad_call(
    node: Node[..., Any],
    what: str,
    where: tuple[str, int],
    hint: str,
    code: str = "fastdag-name",
    port: str | None = None,
) -> WiringError:
    return WiringError(
        Diagnostic(code, f'Node "{node.name}" {what}', "error", Location(*where), node.name, port, hint or None)
    )


def _no_placeholder_inside(value: Any, node: Node[..., Any], name: str) -> None:
    """Refuse a placeholder hidden in a container: it would reach the node as it is."""
    pending, seen = [value], set[int]()
    while pending:
        item = pending.pop()
        if isinstance(item, Placeholder):
            _misused(
                item,
                f'put into a container for input "{name}" of "{node.name}"',
                "give each value an input of its own; a node with *args takes any number",
            )
        if type(item) in (list, tuple, set, frozenset, dict) and id(item) not in seen:
            seen.add(id(item))
            pending.extend((*item, *item.values()) if isinstance(item, dict) else item)
