"""Which port a connection leads to, and why it is refused."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

from .diagnostic import Diagnostic, Location, did_you_mean
from .edge import Edge
from .exceptions import WiringError
from .functions import title_of
from .ports import EMPTY, read_output
from .returns import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .node import Node


def wire(
    source: Any,
    target: Any,
    *,
    output_name: str | None = None,
    input_name: str | None = None,
    where: tuple[str, int] | None = None,
) -> None:
    """Connect a source to a node: to the named input, else to the first free one, required ones first.

    Raises:
        WiringError: no such output or input, the input is taken, or none is free.

    """
    where = where or caller()
    if not hasattr(type(source), "outlet"):
        raise refuse("fastdag-wire", f"{_shown(source)} is not a node", where, "wire nodes, or lists of nodes")
    node, output, branch = source.outlet
    if not hasattr(type(target), "inlet"):
        raise refuse(
            "fastdag-wire",
            f'"{node.name}" is connected to {_shown(target)}, which is not a node',
            where,
            "make it a node with @dag.node or Node(...)",
        )
    target, chosen = target.inlet
    connect(node, output_name or output, branch, target, input_name or chosen, where)


def wire_all(sources: Iterable[Any], targets: Sequence[Any], where: tuple[str, int]) -> list[Node[..., Any]]:
    """Connect each source to each target; give the nodes connected to."""
    for source in sources:
        for target in targets:
            wire(source, target, where=where)
    return [target.inlet[0] for target in targets]


def listed(sources: Any, target: Node[..., Any]) -> Iterable[Any]:
    """Raise ``WiringError`` unless these are several sources."""
    if isinstance(sources, list | tuple):
        return sources
    raise refuse(
        "fastdag-wire",
        f'{_shown(sources)} is connected to "{target.name}" but is not a node',
        caller(),
        "make it a node with @dag.node or Node(...), or give the value as a run input",
    )


def connect(
    node: Node[..., Any],
    output: str | None,
    branch: bool | str | None,
    target: Node[..., Any],
    input_name: str | None,
    where: tuple[str, int],
) -> None:
    """Connect an output or branch of a node to an input of another one, by default to the first that is free."""
    if output is not None and output != "result":
        check_output(node, output, where)
    if target.node_type == "fsm_state":
        add_edge(Edge(node, target, output, None, None, branch, where))
        return
    if input_name is None:
        free = _free_port(node, output, branch, target, where)
        if free is not None:
            add_edge(Edge(node, target, output, *free, branch, where))
        return
    index = _port_index(target, input_name, where)
    taken = target.incoming.get(input_name) if target.incoming else None
    if taken is not None:
        if taken.source is node and taken.output == output and taken.branch == branch:
            return
        raise refuse(
            "fastdag-taken",
            f'Input "{input_name}" of "{target.name}" is already connected to "{taken.source.name}" ({taken.location})',
            where,
            "connect another input, or remove the other connection",
            target,
            input_name,
        )
    add_edge(Edge(node, target, output, index, input_name, branch, where))


def add_edge(edge: Edge) -> None:
    """Record an edge at both its ends; the plans made of their workflows are out of date."""
    source, target = edge.source, edge.target
    port = edge.port
    key: Any = edge.input
    if port is None:
        key = (source, edge.output, edge.branch, None)
    elif target.kind_of(port) == "args" and place_of(key) is None:
        key = (source, edge.output, edge.branch, port)
    incoming = target.incoming
    if incoming is None:
        target.incoming = {key: edge}
    elif key in incoming:
        return
    else:
        incoming[key] = edge
    outgoing = source.outgoing
    if outgoing is None:
        source.outgoing = [edge]
    else:
        outgoing.append(edge)
    owners = source.owners
    for owner in owners:
        owner.changed()
    if target.owners is not owners:
        for owner in target.owners:
            owner.changed()


def remove_edge(edge: Edge) -> None:
    """Forget an edge at both its ends."""
    target, source = edge.target, edge.source
    key = next((key for key, known in (target.incoming or {}).items() if known is edge), None)
    if target.incoming and key is not None:
        del target.incoming[key]
    if source.outgoing and edge in source.outgoing:
        source.outgoing.remove(edge)
    for owner in (*source.owners, *target.owners):
        owner.changed()


def _free_port(
    node: Node[..., Any],
    output: str | None,
    branch: bool | str | None,
    target: Node[..., Any],
    where: tuple[str, int],
) -> tuple[int | None, str | None] | None:
    """Find the port for a connection without an input name; ``None``: this connection exists."""
    parameters = target.signature.parameters
    if target.incoming is None and target.bound is None and len(parameters) == 1 and not target.declares_inputs:
        name, kind, _ = parameters[0]
        if kind != "kwargs":
            return 0, name
    incoming = target.incoming or {}
    bound = target.bound or {}
    required: list[int] = []
    others: list[int] = []
    for index, port in enumerate(target.ports):
        edge = incoming.get(port.name)
        if edge is not None and not port.variadic:
            if edge.source is node and edge.output == output and edge.branch == branch:
                return None
        elif port.name not in bound:
            (required if port.required else others).append(index)
    if required or others:
        return _port_name(node, output, branch, target, (required or others)[0], where)
    if branch is not None:  # a branch needs no data to decide what runs
        return None, None
    raise _no_free_port(node, target, where)


def _port_name(
    node: Node[..., Any],
    output: str | None,
    branch: bool | str | None,
    target: Node[..., Any],
    index: int,
    where: tuple[str, int],
) -> tuple[int, str] | None:
    port = target.ports[index]
    if port.kind != "kwargs":
        return index, port.name
    known = (target.incoming or {}).get(node.name)
    if known is None and node.name not in target.signature.passed_by_name:
        return index, node.name
    if known is not None and (known.source, known.output, known.branch) == (node, output, branch):
        return None
    raise refuse(
        "fastdag-taken",
        f'"{node.name}" is connected to "{target.name}", where the name "{node.name}" is taken',
        where,
        "connect it under a name of its own: connect_to(..., input_name=...)",
        target,
        node.name,
    )


def _no_free_port(node: Node[..., Any], target: Node[..., Any], where: tuple[str, int]) -> WiringError:
    ports, incoming = target.ports, target.incoming or {}
    if not ports:
        return refuse(
            "fastdag-taken",
            f'"{node.name}" is connected to "{target.name}", which has no input',
            where,
            f"{target.name}.after({node.name}) orders the two without passing a value",
            target,
        )
    by = ", ".join(f'"{p.name}" from "{incoming[p.name].source.name}"' for p in ports if p.name in incoming)
    return refuse(
        "fastdag-taken",
        f'"{node.name}" is connected to "{target.name}", which has no free input (connected: {by or "constants"})',
        where,
        "give the function another parameter, or connect an input by name",
        target,
    )


def _port_index(target: Node[..., Any], input_name: str, where: tuple[str, int]) -> int:
    names = target.inputs
    rest: int | None = None
    for index, port in enumerate(target.ports):
        if port.name == input_name and port.kind != "kwargs":
            return index
        if port.kind == "args" and place_of(input_name) is not None:
            return index
        if port.kind == "kwargs":
            rest = index
    if rest is not None:
        return rest
    raise refuse(
        "fastdag-name",
        f'Node "{target.name}" has no input "{input_name}"',
        where,
        did_you_mean(input_name, names, what="inputs"),
        target,
        input_name,
    )


def _shown(value: Any) -> str:
    """Name a function, and give the type of anything else, as the plugin does."""
    return f'"{title_of(value) if callable(value) else type(value).__name__}"'


def place_of(input_name: str) -> int | None:
    """Read the place among ``*args`` that an input like ``"*2"`` stands for."""
    return int(input_name[1:]) if input_name.startswith("*") and input_name[1:].isdecimal() else None


def check_output(node: Node[..., Any], name: str, where: tuple[str, int]) -> None:
    """Raise ``WiringError`` unless a node has an output of this name."""
    signature = node.signature
    try:
        read_output(signature.returns, signature.fields, node.declared, name)
    except KeyError:
        hint = did_you_mean(name, node.outputs, what="outputs")
        if not node.declared and signature.returns is EMPTY:
            hint = f'declare it with outputs=["{name}"], or annotate what the function returns'
        raise refuse("fastdag-name", f'Node "{node.name}" has no output "{name}"', where, hint, node, name) from None


def refuse(
    code: str,
    message: str,
    where: tuple[str, int],
    hint: str | None,
    node: str | Node[..., Any] | None = None,
    port: str | None = None,
) -> WiringError:
    """Make the error of a statement that cannot be carried out."""
    name = None if node is None else name_of(node)
    return WiringError(Diagnostic(code, message, "error", Location(*where), name, port, hint))


def check_arguments(func: Any, name: Any, **names: Sequence[str] | None) -> None:
    """Refuse what looks like the arguments of a node and is not."""
    if not callable(func):
        raise refuse("fastdag-wire", f"{func!r} is not a function", caller(), "a node is made of a callable")
    if name is not None and not isinstance(name, str):
        raise refuse("fastdag-name", f"{name!r} is no name of a node", caller(), "a name is a text")
    for what, given in names.items():
        if isinstance(given, str):
            raise refuse(
                "fastdag-name",
                f'{what}="{given}" is one text, not a list of names',
                caller(),
                f'write {what}=["{given}"]',
            )


def refuse_arguments(kind: type[Any], unknown: Iterable[str]) -> NoReturn:
    """Refuse arguments that a kind of node does not have."""
    from inspect import Parameter, signature

    setups = [vars(base)["__init__"] for base in kind.__mro__[:-1] if "__init__" in vars(base)]
    takes = [one for setup in setups for one in signature(setup).parameters.values()]
    known = {one.name for one in takes if one.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)} - {"self"}
    name = next(iter(unknown))
    raise TypeError(f'{kind.__name__}() has no argument "{name}" ({did_you_mean(name, known, what="arguments")})')


def caller() -> tuple[str, int]:
    """Find the user's line that is being carried out: the nearest one outside the library."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's line
    package: str | None = frame.f_globals.get("__package__")
    while package and (package == _PACKAGE or package.startswith(_INSIDE)) and frame.f_back is not None:
        frame = frame.f_back
        package = frame.f_globals.get("__package__")
    return frame.f_code.co_filename, frame.f_lineno


_PACKAGE: Final = __package__
_INSIDE: Final = f"{__package__}."
