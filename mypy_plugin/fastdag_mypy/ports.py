"""The ports of a node and what an edge between two nodes carries: pure functions on mypy's types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from mypy.erasetype import erase_typevars
from mypy.expandtype import expand_type_by_instance
from mypy.maptype import map_instance_to_supertype
from mypy.nodes import ARG_STAR, ARG_STAR2, ArgKind, Decorator, FakeInfo, FuncDef, TypeInfo, Var
from mypy.subtypes import is_same_type, is_subtype
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    Overloaded,
    Parameters,
    ProperType,
    TupleType,
    Type,
    TypedDictType,
    TypeOfAny,
    UnionType,
    UnpackType,
    get_proper_type,
    has_type_vars,
)

from .wiring import UNREAD, Names

if TYPE_CHECKING:
    from mypy.nodes import Node

NODE: Final = "fastdag_typed.node.Node"
CONDITIONS: Final = ("fastdag_typed.node.Condition", "fastdag_typed.node.Select")
STATE: Final = "fastdag_typed.node.State"
CONTEXT: Final = "fastdag_typed.context.Context"
STEERING: Final = tuple(f"fastdag_typed.returns.{name}" for name in ("ConditionalReturn", "SelectReturn", "FSMReturn"))
PARTIAL: Final = "functools.partial"
COROUTINE: Final = "typing.Coroutine"
MAPPING: Final = "typing.Mapping"
TEXT: Final = ("builtins.str", "builtins.object", "typing.Hashable")
"""What a key that is text can be."""

CONTAINERS: Final = (MAPPING, "builtins.tuple", "builtins.list")

ANY: Final = AnyType(TypeOfAny.special_form)
_NO_CLASS: Final = Instance(FakeInfo("a function that is not annotated"), [])
UNORDERED: Final = "fastdag-unordered"
"""Marks the type of a node whose inputs come in an order that is not known."""

PortKind = Literal["plain", "args", "kwargs"]
_SHAPES: Final[dict[ArgKind, PortKind]] = {ARG_STAR: "args", ARG_STAR2: "kwargs"}


@dataclass(frozen=True, slots=True)
class Port:
    """A named, typed input of a node; the order of those that are not ``ordered`` is not known.

    What is not ``named`` has the number of its place for a name: mypy does not keep that of a positional parameter.
    """

    name: str
    type: Type = ANY
    required: bool = True
    kind: PortKind = "plain"
    ordered: bool = True
    named: bool = True


class Feed(NamedTuple):
    """What an edge carries: the field that is read (``None``: the whole value), its type, and whether it fits."""

    field: str | None
    type: Type
    fits: bool


def seen_as(found: Type | None, name: str) -> Instance | None:
    """View a type as that of one of its base classes, ``None`` if that is none of them."""
    proper = get_proper_type(found)
    if not isinstance(proper, Instance):
        return None
    if proper.type.fullname == name:
        return proper
    base = next((info for info in proper.type.mro if info.fullname == name), None)
    return None if base is None else map_instance_to_supertype(proper, base)


def node_of(found: Type | None) -> Instance | None:
    """View a type as ``Node[P, R]``, ``None`` if it is not a node's."""
    return seen_as(found, NODE)


def has_base(found: Type | None, *names: str) -> bool:
    """Tell whether a type is of a class or a subclass of it."""
    proper = get_proper_type(found)
    return isinstance(proper, Instance) and any(proper.type.has_base(name) for name in names)


def _is_context(declared: Type) -> bool:
    proper = get_proper_type(declared)
    if isinstance(proper, Instance):
        return proper.type.module_name != "builtins" and proper.type.has_base(CONTEXT)
    return isinstance(proper, UnionType) and any(has_base(one, CONTEXT) for one in proper.items)


def signature_of(func: FuncDef) -> CallableType | None:
    """Give the type of a function as written, with ``Any`` where it says nothing; ``None`` if it is overloaded."""
    found = get_proper_type(func.type)
    if isinstance(found, CallableType):
        return found
    if found is not None:
        return None
    return CallableType([ANY] * len(func.arg_names), func.arg_kinds, func.arg_names, ANY, fallback=_NO_CLASS)


def node_from(info: TypeInfo, signature: CallableType) -> Instance:
    """Make the type of the node of a function."""
    parameters = Parameters(signature.arg_types, signature.arg_kinds, signature.arg_names)
    return Instance(info, [parameters, signature.ret_type])


def made_of(node: Instance, func: Type) -> Instance:
    """Give the node of a partial function its own ports; which those of an overloaded one are is not known."""
    proper = get_proper_type(func)
    if isinstance(proper, Overloaded) and len(proper.items) > 1:
        rest = Parameters([ANY, ANY], [ARG_STAR, ARG_STAR2], [None, None], is_ellipsis_args=True)
        return node.copy_modified(args=[rest, node.args[1]])
    extra = proper.extra_attrs if isinstance(proper, Instance) and proper.type.fullname == PARTIAL else None
    signature = get_proper_type(extra.attrs.get("__mypy_partial")) if extra is not None else None
    if not isinstance(signature, CallableType):
        return node
    left = node_from(node.type, signature)
    return left.copy_modified(args=[left.args[0], unwrapped(get_proper_type(signature.ret_type), steering=False)])


def solid_node(node: Instance, key: Node | None) -> Instance:
    """Take type variables out of the type of a node, so that it can be told to other modules."""
    parameters, value = get_proper_type(node.args[0]), value_of(node, key)
    if isinstance(parameters, Parameters):
        names = [name or "" for name in parameters.arg_names]
        types = [_solid(kind, name, key) for kind, name in zip(parameters.arg_types, names, strict=True)]
        parameters = parameters.copy_modified(arg_types=types, variables=[])
    return node.copy_modified(args=[parameters, value])


def ports_of(node: Instance, key: Node | None, func: FuncDef | None, inputs: Names) -> tuple[Port, ...] | None:
    """List the inputs of a node, ``None`` if they are not known.

    ``key`` is its symbol, ``func`` its function as written, ``inputs`` what was declared with ``inputs=[...]``.
    """
    parameters = get_proper_type(node.args[0])
    if not isinstance(parameters, Parameters) or parameters.is_ellipsis_args or inputs is UNREAD:
        return None
    arguments = [] if func is None else [argument.variable.name for argument in func.arguments]
    written = arguments if len(arguments) == len(parameters.arg_names) else None
    ports: list[Port] = []
    ordered = node.extra_attrs is None or UNORDERED not in node.extra_attrs.attrs
    rows = zip(parameters.arg_types, parameters.arg_kinds, parameters.arg_names, strict=True)
    for index, (declared, kind, given) in enumerate(rows):
        # A positional-only parameter has no name in the type.
        name = given or (written[index] if written else None) or str(index + 1)
        if not kind.is_star() and (name == "context" or _is_context(declared)):
            continue
        shape = _SHAPES.get(kind, "plain")
        named = bool(given or written or kind.is_star())
        ports.append(Port(name, _solid(declared, name, key), kind.is_required(), shape, ordered, named))
    if inputs is None:
        return tuple(ports)
    known = {port.name: port for port in ports}
    rest = next((port for port in ports if port.kind == "kwargs"), None)
    return tuple(known.get(name) or Port(name, rest.type if rest else ANY) for name in inputs)


def _solid(declared: Type, name: str, key: Node | None) -> Type:
    """Take type variables out of the type of a port: each stands for whatever it is given."""
    if isinstance(get_proper_type(declared), UnpackType):
        return ANY
    # A decorator may have bound the function's own variables to nonsense; the function knows better.
    func = key.func if isinstance(key, Decorator) else key
    signature = get_proper_type(func.type) if isinstance(func, FuncDef) else None
    if not has_type_vars(declared) and not (isinstance(signature, CallableType) and signature.variables):
        return declared
    if isinstance(signature, CallableType) and name in signature.arg_names:
        return erase_typevars(signature.arg_types[signature.arg_names.index(name)])
    return ANY


def value_of(node: Instance, key: Node | None) -> ProperType:
    """Give the type of the value that a node hands on; ``key`` is its symbol."""
    value = unwrapped(get_proper_type(erase_typevars(node.args[1])))
    # Inference takes the name off a TypedDict; messages need it.
    signature = get_proper_type(key.func.type) if isinstance(key, Decorator) else None
    if isinstance(value, TypedDictType) and isinstance(signature, CallableType):
        declared = unwrapped(get_proper_type(signature.ret_type))
        return declared if is_same_type(declared, value) else value
    return value


def unwrapped(found: ProperType, *, steering: bool = True) -> ProperType:
    """Take the awaitable off what is awaited, and what steers off the value that it passes on."""
    awaited = seen_as(found, COROUTINE)
    if awaited is not None:
        return unwrapped(get_proper_type(awaited.args[2]), steering=steering)
    if steering and isinstance(found, Instance) and found.type.fullname in STEERING:
        return get_proper_type(found.args[0]) if found.args else ANY
    return found


def same(one: Type, other: Type) -> bool:
    """Tell whether two types are the same."""
    return is_same_type(one, other)


def fits(value: Type, port: Port) -> bool:
    """Tell whether a value fits a port."""
    return is_subtype(value, port.type)


def feed(value: ProperType, declared: Names, output: str | None, port: Port) -> Feed:
    """Decide what an edge carries, as the runtime does.

    The value is the named output, else the whole if it fits, else the field that bears the port's name. ``declared``
    are the names given with ``outputs=[...]``, ``UNREAD`` if there may be some.

    Raises:
        KeyError: there is no such output.

    """
    if output is not None:
        read, kind = read_output(value, declared, output)
        return Feed(read, kind, fits(kind, port))
    if fits(value, port) or (declared is UNREAD and has_base(_plain(value), *CONTAINERS)):
        return Feed(None, value, fits=True)
    names = declared if isinstance(declared, tuple) else ()
    if port.name in names or port.name in fields_of(value) or (_open_mapping(value) and not _takes_mapping(port)):
        read, kind = read_output(value, declared, port.name)
        return Feed(read, kind, fits(kind, port))
    return Feed(None, value, fits=False)


def read_output(  # noqa: C901 - the runtime's rules, one by one
    value: ProperType, declared: Names, output: str
) -> tuple[str | None, Type]:
    """Find an output: the field that is read (``None``: the whole value), and its type.

    Raises:
        KeyError: there is no such output.

    """
    if isinstance(value, AnyType):
        return output, ANY
    fields = fields_of(value)
    items = _open_mapping(value)
    if isinstance(declared, tuple) and output in declared:
        if declared == ("result",):
            return None, value
        if output in fields:
            return output, fields[output]
        index = declared.index(output)
        if isinstance(value, TupleType) and index < len(value.items):
            return output, value.items[index]
        if items is not None:
            return output, items
        return (None, value) if len(declared) == 1 else (output, ANY)
    if output == "result":
        return None, value
    if output in fields:
        return output, fields[output]
    if items is not None:
        return output, items
    if declared is UNREAD:
        return output, ANY
    raise KeyError(output)


def has_output(value: ProperType, declared: Names, output: str) -> bool:
    """Tell whether there is an output of this name."""
    try:
        read_output(value, declared, output)
    except KeyError:
        return False
    return True


def outputs_of(value: ProperType, declared: Names) -> list[str]:
    """List the outputs of a node by name."""
    return list(declared) if isinstance(declared, tuple) and declared else ["result", *fields_of(value)]


def fields_of(value: ProperType) -> dict[str, Type]:
    """List the fields of a TypedDict, NamedTuple or dataclass with their types; of a union, those of all members."""
    if isinstance(value, UnionType):
        members = [fields_of(one) for one in _members(value)]
        shared = (name for name in members[0] if all(name in fields for fields in members))
        return {name: _union([fields[name] for fields in members]) for name in shared}
    if isinstance(value, TypedDictType):
        return dict(value.items)
    if isinstance(value, TupleType):
        named = next((info for info in value.partial_fallback.type.mro if info.is_named_tuple), None)
        names: list[str] = named.metadata["namedtuple"]["fields"] if named else []
        return dict(zip(names, value.items, strict=False))
    if isinstance(value, Instance):
        names = [data["name"] for info in value.type.mro for data in _attributes(info)]
        return {name: found for name in dict.fromkeys(names) if (found := _attribute(value, name)) is not None}
    return {}


def _union(kinds: list[Type]) -> Type:
    distinct = [kind for index, kind in enumerate(kinds) if not any(same(kind, one) for one in kinds[:index])]
    return UnionType.make_union(distinct)


def _only_looks_like_one(info: TypeInfo) -> bool:
    """Tell whether another library makes a class look like a dataclass."""
    bases = [*info.mro, *([info.metaclass_type.type] if info.metaclass_type else [])]
    return any(base.dataclass_transform_spec is not None for base in bases)


def _attributes(info: TypeInfo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = info.metadata.get("dataclass", {}).get("attributes", [])
    return [] if found and _only_looks_like_one(info) else [data for data in found if not data.get("is_init_var")]


def _attribute(value: Instance, name: str) -> Type | None:
    for info in value.type.mro:
        symbol = info.names.get(name)
        if symbol is not None and isinstance(symbol.node, Var) and symbol.node.type is not None:
            return expand_type_by_instance(symbol.node.type, map_instance_to_supertype(value, info))
    return None


def _open_mapping(value: ProperType) -> Type | None:
    """Give the type of what a mapping that is no record holds under keys that are text; ``None`` if it is none."""
    mapping = seen_as(value, MAPPING)
    if mapping is None:
        return None
    keys = [kind for kind in _members(mapping.args[0]) if isinstance(kind, Instance)]
    return mapping.args[1] if not keys or any(kind.type.fullname in TEXT for kind in keys) else None


def _takes_mapping(port: Port) -> bool:
    return any(isinstance(one, TypedDictType) or has_base(one, MAPPING) for one in _members(port.type))


def _members(found: Type) -> list[ProperType]:
    proper = get_proper_type(found)
    return [get_proper_type(item) for item in proper.items] if isinstance(proper, UnionType) else [proper]


def _plain(value: ProperType) -> ProperType:
    return value.partial_fallback if isinstance(value, TupleType) else value
