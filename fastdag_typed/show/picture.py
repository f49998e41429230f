"""What a picture of a workflow shows, before it is written in a language of pictures."""

from __future__ import annotations

import re
from collections import Counter
from itertools import count, pairwise
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from ..context import FSMContext
from ..node import Condition, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..context import Status
    from ..edge import Edge
    from ..node import Node
    from ..step import Kind
    from ..workflow import Workflow

Shape = Literal["standard", "condition", "select", "any", "all", "fsm_state", "workflow", "final", "start", "end"]
Line = Literal["data", "order", "taken"]

END: Final = "END"
"""What a state history ends with."""
LONGEST: Final = 80
"""Characters of a result that are shown."""

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED: Final = frozenset(
    # Mermaid's words and link targets, found by giving its parser each as a name; DOT's; and what JavaScript objects
    # have without being asked, on which Mermaid's layout fails.
    (
        *("end", "graph", "flowchart", "subgraph", "style", "linkstyle", "classdef", "class", "click", "call", "href"),
        *("interpolate", "default", "_self", "_blank", "_parent", "_top", "node", "edge", "digraph", "strict"),
        *("constructor", "hasownproperty", "isprototypeof", "propertyisenumerable", "tolocalestring", "tostring"),
        *("valueof", "__proto__", "__definegetter__", "__definesetter__", "__lookupgetter__", "__lookupsetter__"),
    )
)

_SHORT: Final = Repr()
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxtuple, _SHORT.maxdict, _SHORT.maxset = 4, 12, 12, 12, 12
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = LONGEST
_SIMPLE: Final = frozenset((type(None), bool, float))


class Box(NamedTuple):
    """A node: an identifier that every language of pictures takes, its lines of text, its shape and status."""

    id: str
    lines: tuple[str, ...]
    shape: Shape | Kind
    status: Status | None = None


class Arrow(NamedTuple):
    """A way from one box to another."""

    source: str
    target: str
    label: str = ""
    line: Line = "data"


class Picture(NamedTuple):
    """Boxes and the arrows between them."""

    boxes: list[Box]
    arrows: list[Arrow]


def picture_of(workflow: Workflow, *, include_results: bool) -> Picture:
    """Collect what is to be drawn; a workflow that is not valid can be drawn too."""
    nodes = dict.fromkeys(workflow.nodes.values())
    nodes.update(dict.fromkeys(edge.source for edge in workflow.edges))  # also those that were never added
    ids = dict(zip(nodes, _identifiers([node.name for node in nodes]), strict=True))
    results = workflow.results if include_results else {}
    runs = dict(workflow.context.execution_info) if include_results else {}
    boxes: list[Box] = []
    for node, box_id in ids.items():
        status = runs[node.name].status if node.name in runs else None
        boxes.append(Box(box_id, _lines(node, results, status), _shape(node), status))
    arrows = [Arrow(ids[e.source], ids[e.target], _label(e), _line(e)) for e in workflow.edges]
    arrows.extend(_named_branches(workflow, ids))
    picture = Picture(boxes, arrows)
    if workflow.kind == "FSM":
        names = {node.name: box_id for node, box_id in ids.items()}
        _add_start(picture, workflow, names)
        if include_results:
            _add_path(picture, workflow, names)
    return picture


def describe(value: Any) -> str:
    """Render a result in at most ``LONGEST`` characters, whatever its ``repr`` does."""
    if type(value) in _SIMPLE:
        return str(value)
    try:
        text = str.__str__(value[: LONGEST + 1]) if isinstance(value, str) else _SHORT.repr(value)
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    except Exception:  # noqa: BLE001 - a picture is drawn whatever a result's own code does
        return f"<{type(value).__name__}>"


def visible(text: str) -> str:
    """Write control characters, line ends and lone surrogates as escapes, so that text stays on its line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _identifiers(names: Iterable[str]) -> Iterator[str]:
    """Use a plain name as it is, and give any other one a free ``n1``, ``n2`` and so on."""
    names = list(names)
    taken = set(names)
    free = (name for number in count(1) if (name := f"n{number}") not in taken)
    seen: set[str] = set()
    for name in names:
        plain = _PLAIN.fullmatch(name) and name.lower() not in _RESERVED and name not in seen
        seen.add(name)
        yield name if plain else next(free)


def _lines(node: Node[..., Any], results: dict[str, Any], status: Status | None) -> tuple[str, ...]:
    if node.name in results:
        return node.name, f"[{describe(results[node.name])}]"
    return (node.name,) if status in (None, "done") else (node.name, status)


def _shape(node: Node[..., Any]) -> Shape | Kind:
    return "final" if isinstance(node, State) and node.is_final else node.node_type


def _label(edge: Edge) -> str:
    parts: list[str] = []
    if edge.branch is not None:
        parts.append(_branch(edge.branch))
    if edge.output is not None:
        parts.append(edge.output)
    elif edge.port is not None and (take := edge.resolve()[0]) is not None:
        parts.append(take.name)
    return ": ".join(parts)


def _branch(branch: bool | str) -> str:
    return branch if isinstance(branch, str) else "true" if branch else "false"


def _line(edge: Edge) -> Line:
    if edge.port is not None or edge.target.node_type == "fsm_state" or edge.branch is not None:
        return "data"
    return "order"


def _named_branches(workflow: Workflow, ids: dict[Node[..., Any], str]) -> Iterator[Arrow]:
    """Draw the branches that a condition names and nothing has connected yet."""
    for node in workflow.nodes.values():
        if not isinstance(node, Condition):
            continue
        for name, branch in ((node.true_branch, True), (node.false_branch, False)):
            target = workflow.nodes.get(name) if name is not None else None
            if target is not None and all(edge.target is not target for edge in node.edges_out):
                yield Arrow(ids[node], ids[target], _branch(branch))


def _add_start(picture: Picture, workflow: Workflow, names: dict[str, str]) -> None:
    starts = [names[name] for name in workflow.entrypoints if name in names]
    if starts:
        start = _free_id("start", names)
        picture.boxes.append(Box(start, (), "start"))
        picture.arrows.extend(Arrow(start, target) for target in starts)


def _add_path(picture: Picture, workflow: Workflow, names: dict[str, str]) -> None:
    """Draw the transitions that the last run took, those that were wired in place of their wires."""
    context = workflow.context
    if not isinstance(context, FSMContext):
        return
    cycles = {cycle: state for state, rows in context.cycle_results.items() for cycle, _ in rows}
    first = cycles.get(1)
    path = ([first] if first is not None else []) + context.state_history
    if END in path:
        end = _free_id("finish", names)
        names = {**names, END: end}
        picture.boxes.append(Box(end, (), "end"))
    taken = Counter(pair for pair in pairwise(path) if pair[0] in names and pair[1] in names)
    for (source, target), times in taken.items():
        ends = names[source], names[target]
        label = f"{times}x" if times > 1 else ""
        found = next((i for i, arrow in enumerate(picture.arrows) if arrow[:2] == ends), None)
        if found is None:
            picture.arrows.append(Arrow(*ends, label, "taken"))
        else:
            known = picture.arrows[found].label
            picture.arrows[found] = Arrow(*ends, f"{known} {label}".strip(), "taken")


def _free_id(wanted: str, names: dict[str, str]) -> str:
    taken = set(names.values())
    return next(name for number in count(1) if (name := wanted if number == 1 else f"{wanted}{number}") not in taken)
