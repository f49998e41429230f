"""A right program of every form that generics alone can check; it runs, and no type checker finds an error in it.

Not in it, because some checker without a plugin takes it for an error although it is right:

* ``>>`` to a node that needs a keyword-only input, or whose function is overloaded or (mypy, ty) generic:
  ``connect_to``
* ``>>`` to or from a tuple whose length is not known, or from nodes of different inputs in one list (mypy): a list of
  ``Node[..., Any]``
* ``>>`` between ordinary nodes as states of a machine that have no input: states
* functions of a class body without ``staticmethod`` (pyright and pyrefly ask for ``self``)
* a lambda with parameters (pyright and pyrefly: their types are unknown; mypy: with a declared type)
* a call, in a composed function, of a node that takes a context: give that parameter a default
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol, TypedDict

from fastdag_typed import (
    DAG,
    FSM,
    Condition,
    ConditionalReturn,
    Context,
    ExecutionMetrics,
    FSMContext,
    FSMReturn,
    Node,
    Runner,
    Select,
    SelectReturn,
    State,
)

# -- nodes


class Told(TypedDict):
    low: int
    names: list[str]


class Span(NamedTuple):
    low: int
    high: int


@dataclass
class Order:
    low: int
    price: float


class Sized(Protocol):
    def size(self) -> int: ...


class Box:
    def size(self) -> int:
        return 3


class Scale:
    def __init__(self, by: int) -> None:
        self.by = by

    def scale(self, x: int) -> int:
        return x * self.by

    async def scale_later(self, x: int) -> int:
        return x * self.by

    def __call__(self, x: int) -> str:
        return str(x * self.by)


dag = DAG("forms")


@dag.node
def number(text: str) -> int:
    """Count."""
    return len(text)


@dag.node()
def shown(x: int, y: int = 3) -> str:
    return f"{x} {y}"


@dag.node(name="half", description="Halves.")
async def later(x: int) -> float:
    await asyncio.sleep(0)
    return x / 2


@dag.node
def told(x: int) -> Told:
    return {"low": x, "names": []}


@dag.node
def span(x: int) -> Span:
    return Span(x, x + 1)


@dag.node
def order(x: int) -> Order:
    return Order(x, 1.5)


@dag.node
def one_of(x: int) -> Told | Order:
    return Order(x, 2.5)


@dag.node
def table(x: int) -> dict[str, Any]:
    return {"low": x}


@dag.node(outputs=["low", "rest"])
def divided(x: int) -> tuple[int, int]:
    return divmod(x, 3)


@dag.node
def of_all(told_low: int, span_low: int, order_low: int, one_low: int, table_low: int, low: int) -> int:
    return told_low + span_low + order_low + one_low + table_low + low


@dag.node
def boxed(x: int) -> Box:
    return Box()


@dag.node
def size(box: Sized) -> int:
    return box.size()


@dag.node
def many(*values: float) -> float:
    return sum(values)


@dag.node
def keyed(**values: object) -> str:
    return ", ".join(sorted(values))


@dag.node
def looked_up(x: int | None, context: Context) -> int:
    first: int | None = context.get_result(number)
    again: int = context.results[number]
    return (x or 0) + (first or 0) + again


@dag.node
def pair(a: int, b: str, context: Context) -> str:
    return f"{a} {b} {len(context.results)}"


@dag.node
def silent(text: str) -> None:
    return None


number >> shown >> silent
number | later
number >> [told, span, order]
number >> (one_of, table, divided)
told.output("low") >> of_all.input("told_low")
span.connect_to(of_all, output_name="low", input_name="span_low")
dag.connect(order, of_all, output="low", input="order_low")
dag.connect("one_of", "of_all", output="low", input="one_low")
table.connect_to(of_all, "low", "table_low")
divided >> of_all
number >> boxed >> size >> looked_up
number >> many
later >> many
[number, later] >> keyed
(number, shown) >> pair
looked_up.after(number, pair)

ran: Any = dag.run({"text": "four"}, mode="parallel")
assert dag.run(text="four", max_workers=2) == ran == {
    "silent": None, "of_all": 21, "looked_up": 11, "many": 6.0, "keyed": "half, number"
}  # fmt: skip
counted: int = dag[number]
maybe: float | None = dag.get_result(later)
line: str = dag.results[shown]
anything: Any = dag["pair"]
metrics: ExecutionMetrics = Runner(dag, max_workers=2).run({"text": "four"}, "sequential")
parts: Told = metrics.results[told]
assert (counted, maybe, line, parts["low"]) == (4, 2.0, "4 3", 4)
assert number("abc") == 3
assert shown(1, y=2) == "1 2"
assert asyncio.run(number.execute(Context({"number": 1}), text="ab")) == 2

# -- nodes of what is there already

ready = DAG("ready")


def three(a: int, b: int, c: str) -> str:
    return c * (a + b)


def start() -> int:
    return 2


scaled = ready.add_node(Node(Scale(2).scale, "scaled", description="Twice."))
scaled_later = ready.add_node(Node(Scale(3).scale_later, "scaled_later"))
called = ready.add_node(Node(Scale(1), "called"))
partly = ready.add_node(Node(partial(three, 1), "partly"))
fixed = ready.add_node(Node(lambda: 5, "fixed"))
made = ready.add_node(Node(Order, "made"))
begun = ready.add_node(Node(start))
begun >> scaled >> scaled_later >> made
fixed >> made
begun >> called
begun >> partly
called >> partly
length = ready.add_node(Node(len, "length"))
called >> length
assert ready.run() == {"partly": "222", "made": Order(12, 5), "length": 1}
built: Order = ready[made]

# -- branches

choices = DAG("choices")


@choices.condition
def positive(x: int) -> ConditionalReturn[int]:
    return ConditionalReturn(x > 0, x)


@choices.condition(true_branch="yes", false_branch="no")
async def even(x: int) -> bool:
    return x % 2 == 0


@choices.node
def yes(x: int) -> str:
    return f"yes {x}"


@choices.node
def no() -> str:
    return "no"


@choices.any
def either(a: str | None, b: str | None) -> str:
    return a or b or ""


@choices.all()
def both(a: str, b: str) -> str:
    return a + b


@choices.select
def sized_up(x: int) -> SelectReturn[int]:
    return SelectReturn(x, branch=large if x > 9 else "small")


@choices.node
def small(x: int) -> int:
    return x


@choices.node
def large(x: int) -> int:
    return x


@choices.any()
def whichever(a: int | None = None, b: int | None = None) -> int:
    return a or b or 0


def by_sign(x: int) -> SelectReturn[int]:
    return SelectReturn(x, "up")


positive.on_true >> even
positive.on_false >> [small, large]
even.on_true >> yes >> either
even.on_false >> no >> either
even >> sized_up
sized_up.on("small") >> small >> whichever
sized_up.on("large") >> large >> whichever
[yes, no] >> both
signed = choices.add_node(Select(by_sign, description="By sign."))
signed.on("up") >> choices.add_node(yes.copy("up"))
is_four = choices.add_node(Condition(lambda: True, "is_four", true_branch="four", false_branch=no))
four = choices.add_node(Node(lambda: 4, "four"))
result: str = str(choices.run(x=4))
chosen: int = choices[positive]

# -- calls

calls = DAG("calls")


@calls.compose
def flow(text: str, factor: int = 2) -> str:
    count = number(text)
    low, _ = divided(count)
    total = many(count, span(x=count).high, told(count)["low"])
    return keyed(a=total, b=shown(low, y=factor))


composed: str = flow("four")
assert composed == "a, b"
assert calls.run(text="four", factor=3) == "a, b"

outer = DAG("outer")
inner = outer.add_workflow("inner", calls)
begin = outer.add_node(shown.copy("begin"))
outer.connect(begin, inner, input="text")
inner >> outer.add_node(number.copy("measured"))
outer.chain(begin, outer.add_node(silent.copy("said")))
assert outer.run(x=1) == {"measured": 4, "said": None}

# -- machines

fsm = FSM("light", max_cycles=10, on_max_cycles="raise")


@fsm.state(is_initial=True)
def red(turns: int) -> FSMReturn[int]:
    return FSMReturn(next_state=green, value=turns + 1)


@fsm.state
def green(seen: int, context: FSMContext) -> ConditionalReturn[int]:
    before: int | None = context.get_result(red)
    return ConditionalReturn(seen < 3, seen + (before or 0))


@fsm.state
async def amber(seen: int) -> SelectReturn[int]:
    return SelectReturn(seen, "off" if seen > 4 else "on")


@fsm.state("dark", terminal=True)
def off() -> str:
    return "dark"


def blinking(seen: int) -> FSMReturn[int]:
    return FSMReturn(off, seen)


blink = fsm.add_node(State(blinking, "blink", description="Once."))
resting = fsm.add_node(State(start, "resting", is_final=True))
green.on_true >> amber
green.on_false >> blink
amber.on("off") >> off
amber.on("on") >> resting
blink >> off
assert fsm.run(turns=1) == 2
assert fsm.state_history == ["green", "amber", "resting", "END"]
turned: int = fsm[red]
summed: int = fsm[green]
dark: str | None = fsm.get_result(off)
assert (turned, summed, dark) == (2, 4, None)
assert Runner(fsm).run({"turns": 4}).results[off] == "dark"

# -- declared inputs, and scopes


class Inputs(TypedDict):
    text: str


typed = DAG[Any, Inputs]("typed", open=True)
copied = typed.add_node(number.copy("copied"))
assert typed.run({"text": "ab"}) == Runner(typed).run({"text": "ab"}).value == 2


class Pipe:
    dag = DAG("pipe")

    @dag.node
    @staticmethod
    def double(x: int) -> int:
        return 2 * x

    @dag.node
    @staticmethod
    def text(x: int) -> str:
        return str(x)

    double >> text


assert Pipe.dag.run(x=2) == "4"


class MyDag(DAG):
    pass


def fan_out(width: int) -> DAG:
    mine = MyDag("fan")
    source = mine.add_node(Node(start))
    for index in range(width):
        source >> mine.add_node(told.copy(f"told {index}"))
    return mine


async def main() -> None:
    assert len(await fan_out(3).run_async()) == 3
    assert (await Runner(typed).run_async({"text": "abc"})).value == 3


asyncio.run(main())
