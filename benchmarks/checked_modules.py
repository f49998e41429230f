"""Programs of many modules, right by every rule like those of one."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.checked import Program

_MEMBER: Final = Template('''
"""One of many."""

from __future__ import annotations

from dataclasses import dataclass

from fastdag_typed import DAG, Runner

$imports


@dataclass
class Order$n:
    """A record of this module's own."""

    number: int
    text: str


dag = DAG("orders_$n")


@dag.node
def number(seed: int) -> int:
    """Number."""
    return seed + 1


@dag.node
def text(number: int) -> str:
    """Write."""
    return str(number)


@dag.node
def order(number: int, text: str) -> Order$n:
    """Join."""
    return Order$n(number, text)


@dag.node
def words(text: str) -> list[str]:
    """Split."""
    return text.split()


@dag.node
def count(words: list[str], number: float) -> int:
    """Count."""
    return len(words) + int(number)


@dag.node
def last(order: Order$n, count: int) -> Order$n:
    """Count in."""
    return Order$n(order.number + count, order.text)


number >> text
number >> order
text >> order
text >> words >> count
number.connect_to(count, input_name="number")
order.connect_to(last, output_name="result", input_name="order")
dag.connect("count", "last")


class Pipe$n:
    """A workflow of a class."""

    flow = DAG("pipe_$n")

    @flow.node
    def start(base: int) -> int:
        """Begin."""
        return base * 2

    @flow.node
    def left(base: int) -> list[int]:
        """Go left."""
        return [base]

    @flow.node
    def right(base: int) -> tuple[int, ...]:
        """Go right."""
        return (base,)

    @flow.node
    def both(left: list[int], right: tuple[int, ...]) -> int:
        """Join."""
        return len(left) + len(right)

    @flow.node
    def finish(both: int) -> str:
        """Write."""
        return str(both)

    start >> (left, right)
    (left, right) >> both
    both >> finish


def build_$n(first: int) -> DAG:
    """Make a workflow of a function."""
    inner = DAG("inner_$n")

    @inner.node
    def a(x: int) -> int:
        return x

    @inner.node
    def b(x: int) -> str:
        return str(x + first)

    @inner.node
    def c(x: int, y: str) -> float:
        return x + float(y)

    @inner.node
    def d(y: str) -> list[str]:
        return [y]

    @inner.node
    def e(value: float, names: list[str]) -> str:
        return ",".join([str(value), *names])

    a >> b
    a >> c
    b.connect_to(c, input_name="y")
    b >> d
    c >> e
    d >> e
    return inner


def small_$n() -> str:
    """Make and run a small workflow."""
    small = DAG("small_$n")

    @small.node
    def one(path: str) -> str:
        return path

    @small.node
    def two(path: str) -> int:
        return len(path)

    @small.node
    def three(size: int) -> float:
        return size / 2

    @small.node
    def four(half: float) -> str:
        return str(half)

    one >> two >> three >> four
    small.run(inputs={"path": "p"})
    found: str = small["four"]
    return found


def use_$n() -> None:
    """Use the workflows of this module and of others."""
    Pipe$n.flow.run(inputs={"base": 2})
    finished: str = Pipe$n.flow["finish"]
    Runner(dag).run({"seed": 3})
    build_$n(1).run(inputs={"x": 1})
    print(finished, small_$n())
$uses
''')
"""A module with twenty nodes: six at its own level, five in a class and nine in functions."""


def project(modules: int) -> Program:
    """Make modules that import those before them, every tenth also the one after it."""
    program: Program = {}
    for n in range(modules):
        others = [other for other in (n - 1, n - 2, n // 2) if 0 <= other < n]
        others += [n + 1] if n % 10 == 0 and n + 1 < modules else []
        uses = [
            f"    step_{m}.dag.run(inputs={{'seed': 1}})\n"
            f'    count_{m}: int = step_{m}.dag["count"]\n'
            f'    order_{m}: step_{m}.Order{m} = step_{m}.dag["last"]\n'
            f"    print(count_{m}, order_{m})"
            for m in sorted(set(others))
        ]
        imports = [f"import step_{m}" for m in sorted(set(others))]
        program[f"step_{n}.py"] = _MEMBER.substitute(n=n, imports="\n".join(imports), uses="\n".join(uses))
    return {**program, **_main(program)}


_UNRELATED: Final = Template('''
class Stack$n:
    """Items, the last one first."""

    def __init__(self, items: list[int]) -> None:
        self.items = items

    def push(self, item: int) -> None:
        """Put an item on top."""
        self.items.append(item << 1)

    def top(self) -> int:
        """Look at the last one."""
        return self.items[-1] >> 1 if self.items else 0


def fill_$n(size: int, mask: int = 3) -> Stack$n:
    """Fill a stack."""
    stack = Stack$n([])
    for number in range(size):
        stack.push((number | mask) >> 2)
    return stack


def count_$n(words: list[str]) -> dict[str, int]:
    """Count words."""
    found: dict[str, int] = {}
    for word in words:
        key = word.strip().lower()
        found[key] = found.get(key, 0) + 1
    return {key: value for key, value in found.items() if value >> 1 or key.startswith("a")}


def join_$n(left: set[str], right: set[str]) -> str:
    """Join what is in either set."""
    return ", ".join(sorted(left | right))


def use_$n() -> None:
    """Use the functions."""
    stack = fill_$n(10)
    counts = count_$n(["a", "B ", "b"])
    print(stack.top(), join_$n(set(counts), {"c"}), sum(counts.values()) >> 1)
''')
"""Seven functions of ordinary code with methods and operators of the names that wire elsewhere."""


def unrelated(functions: int) -> Program:
    """Make modules of about a hundred functions that have nothing to do with the library."""
    blocks = range(functions // 7 + 1)
    files = {
        f"step_{first}.py": "\n".join(
            ["from __future__ import annotations", *(_UNRELATED.substitute(n=n) for n in blocks[first : first + 14])]
        )
        for first in blocks[::14]
    }
    return {**files, **_main(files)}


def _main(files: Iterable[str]) -> Program:
    stems = [name.removesuffix(".py") for name in files]
    calls = [f"import {stem}\n\n{stem}.use_{stem.removeprefix('step_')}()" for stem in stems]
    return {"main.py": "\n".join(calls) + "\n"}
