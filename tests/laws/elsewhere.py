"""Functions that can be called in other processes, where they are found by name, and workflows made of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from fastdag_typed import DAG, Condition, ConditionalReturn, Context, Node, Select, SelectReturn
from tests.laws.bench import Parts, make_error, number_of
from tests.laws.recipes import Split  # noqa: TC001 - the types of ports are read when the program runs

if TYPE_CHECKING:
    from random import Random

    from fastdag_typed.step import Policy


def none() -> int:
    return 1


def one(a: Any) -> int:
    return 3 * number_of(a) + 1


def two(a: Any, b: Any) -> int:
    return number_of(a) + 5 * number_of(b)


def three(a: Any, *more: Any, x: int = 7) -> int:
    return number_of(a) + sum(map(number_of, more)) + x


def split(a: Any) -> Split:
    return {"left": number_of(a), "right": number_of(a) // 2}


def parts(a: Any) -> Parts:
    return Parts(number_of(a), number_of(a) // 2)


def join(a: Any = None, b: Any = None) -> int:
    return number_of(a) + 7 * number_of(b)


def check(a: Any) -> ConditionalReturn[int]:
    return ConditionalReturn(number_of(a) % 2 == 0, number_of(a))


def holds(a: Any) -> bool:
    return number_of(a) % 2 == 1


def pick(a: Any) -> SelectReturn[int]:
    return SelectReturn(number_of(a), f"b{number_of(a) % 2}")


async def later(a: Any) -> int:
    await asyncio.sleep(0)
    return number_of(a) + 11


def looks(a: Any, context: Context) -> int:
    return number_of(a) + len(str(context.metadata))


def bad(a: Any) -> NoReturn:
    raise make_error(("value", "key", "stop", "stop async", "group", "cause")[number_of(a) % 6], "bad")


FUNCTIONS: list[Any] = [none, one, one, two, two, three, split, parts, later, looks]
DECIDING: list[Any] = [check, holds, pick]


class Part(NamedTuple):
    """A node to be made: its function, and where its arguments come from."""

    func: Any
    edges: tuple[int, ...]
    choice: int
    after: int
    policies: tuple[Policy, ...] = ()


def workflows(random: Random, policies: list[Policy]) -> list[Part]:
    """Make up a workflow."""
    made: list[Part] = [Part(none, (), 0, -1)]
    for number in range(1, random.randint(2, 9)):
        func = random.choice([*FUNCTIONS, *DECIDING, join, join, *([bad] if random.random() < 0.3 else [])])
        ports = {none: 0, two: 2, join: 2, three: 3}.get(func, 1)
        edges = tuple(random.randrange(number) for _ in range(ports))
        after = random.randrange(number) if random.random() < 0.2 else -1
        own = tuple(random.sample(policies, 1)) if policies and random.random() < 0.3 else ()
        made.append(Part(func, edges, random.randint(0, 2), after, own))
    return made


def build(made: list[Part]) -> DAG:
    """Make the workflow; a selection has both its branches."""
    dag = DAG("elsewhere", metadata={"m": 1})
    nodes: list[Any] = []
    for number, part in enumerate(made):
        name, func = f"n{number}", part.func
        options: Any = {"policies": part.policies}
        if func in (check, holds):
            node: Any = Condition(func, name, **options)
        elif func is pick:
            node = Select(func, name, **options)
        else:
            node = Node(func, name, node_type="any" if func is join else "standard", **options)
        dag.add_node(node)
        for place, source in enumerate(part.edges):
            port = "ab"[place] if func is not three else ("a", "*0", "*1")[place]
            _outlet(nodes[source], made[source], part.choice).connect_to(node, input_name=port)
        if part.after >= 0 and made[part.after].func not in DECIDING:
            node.after(nodes[part.after])
        nodes.append(node)
    for number, part in enumerate(made):
        if part.func is pick:
            for branch in ("b0", "b1"):
                nodes[number].on(branch) >> dag.add_node(Node(one, f"n{number} {branch}"))
    return dag


def _outlet(node: Any, part: Part, choice: int) -> Any:
    if part.func in (check, holds):
        return (node, node.on_true, node.on_false)[choice]
    if part.func is pick:
        return node.on(f"b{choice % 2}")
    return node.output(("left", "right")[choice - 1]) if part.func in (split, parts) and choice else node
