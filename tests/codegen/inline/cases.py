"""Functions that are inlined, each with a hazard in it, and the arguments that show it."""

# fmt: off

import functools
import json
import math as maths
import os.path
import threading
from collections import OrderedDict, deque
from contextlib import contextmanager, suppress
from functools import reduce
from os.path import join as path_join

LOG: list = []
CASES: list = []
LIMIT = 3
STATE: dict = {"calls": 0}
LOCK = threading.Lock()
sum_of = sum


def case(*arguments: str):
    """Run a function with these arguments; the function itself is what is bound."""

    def keep(func):
        CASES.extend((func, text) for text in arguments)
        return func

    return keep


def note(value):
    LOG.append(repr(value))
    return value


class Thing:
    __match_args__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return f"Thing({self.value!r})"

    def __del__(self):
        LOG.append(f"gone {self.value!r}")

    def __enter__(self):
        LOG.append(f"enter {self.value!r}")
        return self

    def __exit__(self, kind, *_):
        LOG.append(f"exit {self.value!r} {kind and kind.__name__}")
        return self.value == "quiet"

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, *error):
        return self.__exit__(*error)


@contextmanager
def managed(value):
    LOG.append(f"begin {value!r}")
    try:
        yield value
    finally:
        LOG.append(f"end {value!r}")


# -- names -------------------------------------------------------------------------------------------------------------


@case("3, 4")
def names_of_builtins(len, str):
    sum = len + str
    return sum, [list for list in range(sum)], max(sum, 2)


@case("3")
def a_global_hides_a_builtin(x):
    return sum_of([x, LIMIT]), path_join("a", str(x))


@case("[3, 1, 2], 2")
def parameters_are_not_copied(xs, y):
    xs.append(y)
    xs[0] += 1
    return xs is xs, y


@case("[1], 2", "(1,), 2", "3, [4]")
def a_parameter_is_assigned(xs, y):
    kept = xs
    if y == 2:
        xs = [*xs, y]
    xs += xs
    return xs, kept


@case("[1]")
def in_place_changes_the_callers_list(xs):
    xs += [2]
    xs *= 2
    return len(xs)


@case("1, 2", "0, 2")
def a_parameter_is_deleted(x, y):
    if x:
        del y
        return x
    z = y
    del x
    return z


@case("[(1, [2, 3]), (4, [5])]")
def targets_of_every_kind(rows):
    out = {}
    for index, (key, [first, *rest]) in enumerate(rows):
        out[key] = first, rest, index
    (a, *b), c = [1, 2, 3], 4
    [d, e] = b
    f = g = c
    thing = Thing(1)
    thing.value, out["x"] = a, d
    h: int = 3
    i: "int" = 4
    j: int
    return out, a, b, c, d, e, f, g, thing.value, h, i


@case("[1, 2, 3], 2")
def scopes_of_comprehensions(x, y):
    a = [x for x in x if x > 1]
    b = {x: y for x, y in zip(x, x)}
    c = [[x * y for x in range(y)] for y in x]
    d = sum(x for x in x if x != y)
    e = {y for y in x for y in [y, y + 1]}
    return a, b, c, d, sorted(e), x, y


@case("[1, 2, 3], 10")
def a_walrus_in_a_comprehension(xs, total):
    found = None
    sums = [total := total + x for x in xs]
    if any((found := x) > 1 for x in xs) and (n := len(xs)) > 2:
        return sums, total, found, n
    return total


@case("3", "'a'", "[1, 2, 3]", "{'k': 1, 'z': 2}", "Thing(5)", "None", "(1, (2, 3))", "2.5")
def match_binds(v):
    match v:
        case int(x) | float(x):
            return "number", x
        case str() as s if (n := len(s)) > 0:
            return s, n
        case [a, [b, c]]:
            return a, b, c
        case [first, *rest]:
            return first, rest
        case {"k": k, **more}:
            return k, more
        case Thing(value=value) if value > LIMIT:
            return value
        case None:
            return "none"
    return "other"


@case("Thing(1)", "4")
def match_on_names(v):
    one = Thing(1)
    match v:
        case Thing(one.value):
            return "same"
        case 3 | 4 as number:
            got = number
        case other:
            got = other
    return got


@case("3")
def names_that_are_no_variables(x):
    value = Thing(x)
    x = dict(x=x, value=value.value)
    value.value = x["x"]
    return f"{x['x']} {value.value} x {{x}}", x


@case("'a'")
def imports(name):
    import json as j
    import string
    import os.path as p
    from os.path import basename, join as glue

    return glue(name, "b"), basename("x/y"), p.sep, string.digits, j.dumps(name)


@case("2")
def modules(x):
    STATE["calls"] += 1
    return maths.floor(2.5) + x, os.path.join("a", "b"), json.dumps([x]), __name__, __file__[-8:]


@case("5")
def recursive(n):
    return 1 if n < 2 else n * recursive(n - 1)


@case("1")
def debugging_and_asserts(x):
    """Say nothing."""
    if __debug__:
        note("debug")
    assert x, "message"; y = x; return y


# -- arguments ---------------------------------------------------------------------------------------------------------


@case("1", "1, 5", "1, 5, c=7", "1, c=Thing(2)")
def defaults(a, b=2, *, c=LIMIT, d=float("inf"), e=(1, ("x", None)), f=b"\0"):
    return a, b, c, d, e, f


@case("1", "2, [5]")
def a_mutable_default(a, seen=[]):
    seen.append(a)
    return list(seen)


@case("1", "1, 2")
def a_default_is_assigned(a, b=3, /):
    b += a
    return b


# -- returns -----------------------------------------------------------------------------------------------------------


@case("")
def only_a_docstring():
    """Say what it does."""


@case("1")
def only_pass(x):
    pass


@case("1")
def only_dots(x): ...


@case("1")
def nothing_is_returned(x):
    note(x)


@case("0", "1", "2", "3", "None")
def guards(x):
    if x is None:
        return
    if x == 0:
        return "zero"
    y = x * 2
    if y == 2: return "one"
    elif y == 4:
        z = y
    else:
        return y, "many"
    note(z)


@case("0", "1", "2")
def branches_that_both_go_on(x):
    if x:
        if x > 1:
            return "big"
        note("one")
    else:
        note("zero")
    return x


@case("[1, 2, 3], 2", "[1, 2, 3], 5", "[], 5")
def a_loop_returns(xs, x):
    for i, y in enumerate(xs):
        if x == y:
            return i
        note(y)
    else:
        note("else")
    x += 1
    return -x


@case("[[1, 2], [3]], 3", "[[1, 2], [3]], 2", "[[1]], 9", "[[], []], 1", "[[0, 1]], 1")
def loops_return(rows, x):
    for row in rows:
        note(row)
        for y in row:
            if not y:
                continue
            if x == y:
                return row
        else:
            note("done")
        if len(row) > 5:
            return "long"
        x += 0
    return None


@case("3", "0")
def an_endless_loop(x):
    while True:
        x += 1
        try:
            if x > 5:
                return x
        finally:
            note(x)


@case("[1, 0, 2]", "[]")
def a_loop_with_break_and_else(xs):
    for x in xs:
        if not x:
            break
    else:
        return "none"
    return "found"


@case("'1'", "'x'", "None")
def a_try_returns(x):
    try:
        return int(x)
    except ValueError as error:
        note(str(error))
    finally:
        note("finally")
    return "after"


@case("'1'", "'x'", "None")
def a_try_with_else(x):
    try:
        n = int(x)
    except ValueError as error:
        return str(error)
    except TypeError:
        raise KeyError(x) from None
    n += 1
    return n


@case("'1'", "'x'")
def what_follows_is_not_handled(x):
    try:
        y = int(x)
    except ValueError:
        return "bad"
    return [y][y]


@case("'x'", "'1'")
def what_follows_has_no_context(x):
    try:
        return int(x)
    except ValueError:
        pass
    raise KeyError(x)


@case("{'a': 1}", "{}")
def a_manager_swallows(d):
    with suppress(KeyError):
        return d["a"]
    return "swallowed"


@case("'quiet'", "'loud'", "1")
def a_manager_may_swallow(x):
    with Thing(x) as thing, managed(2):
        if x != 1:
            raise KeyError(thing.value)
        return thing.value


@case("1")
def a_file_is_closed(x):
    with open(os.devnull) as file:
        text = file.read()
        return text, x


@case("3", "0")
def a_lock(x):
    with LOCK:
        y = x
    return 1 // y


@case("0", "1", "2")
def a_group_is_handled(x):
    out = []
    try:
        if x:
            raise ExceptionGroup("g", [ValueError(x), KeyError(x)][:x])
    except* ValueError as group:
        out.append(len(group.exceptions))
    except* KeyError:
        out.append("key")
    else:
        out.append("none")
    return out


# -- failures ----------------------------------------------------------------------------------------------------------


@case("0", "1")
def it_fails(x):
    try:
        y = 1 // x
    except ZeroDivisionError as error:
        raise ValueError("zero") from error
    raise KeyError(y)


@case("0", "'a'", "[]")
def it_fails_while_handling(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        note("zero")
        raise
    except TypeError:
        return [][0]


@case("")
def it_always_fails():
    raise KeyError(Thing("raised").value)


@case("1")
def an_error_is_kept(x):
    kept = None
    try:
        raise KeyError(x)
    except KeyError as error:
        kept = error.args
    return kept


# -- lifetimes ---------------------------------------------------------------------------------------------------------


@case("1")
def variables_end_in_order(x):
    c = Thing("c")
    a = Thing("a")
    b = Thing(["b", a])
    del c
    c = Thing("c again")
    return x


@case("True", "False")
def variables_end_though_they_may_be_missing(x):
    z = Thing("z")
    if x:
        y = Thing("y")
        del z
    for item in [Thing(1), Thing(2)] if x else []:
        pass
    a = Thing("a")
    return None


@case("Thing(1)")
def a_copied_parameter_ends_first(x):
    y = Thing("y")
    x = Thing("x")
    return 1


@case("True", "False")
def an_error_name_ends(x):
    first = Thing("first")
    try:
        if x:
            raise KeyError(Thing("inside"))
    except KeyError as error:
        note("caught")
    last = Thing("last")
    return x


@case("3")
def captured_variables_end_last(x):
    z = Thing("z")
    b = Thing("b")
    a = Thing("a")
    return sum(i + len(b.value) + len(a.value) for i in range(x))


@case("1")
def the_result_outlives_the_variables(x):
    a = Thing("a")
    result = Thing("result")
    return result


@case("1")
def a_managed_thing_ends(x):
    with Thing("m") as m:
        n = Thing("n")
        return note(m.value)


# -- on the spot -------------------------------------------------------------------------------------------------------


@case("[3, 1, 2], 2")
def used_up_on_the_spot(xs, k):
    xs.sort(key=lambda x: -x)
    a = sorted(xs, key=lambda x: x % k)
    b = max(xs, key=lambda x, k=k: (x * k) % 5)
    c = ",".join(str(x) for x in xs)
    d = list(map(lambda x: x + k, xs))
    e = reduce(lambda one, two: one * two + k, xs)
    f = next((x for x in xs if x == k), None)
    g = dict((x, k) for x in xs)
    h = [*(x + k for x in xs)]
    i, j, l = (x - k for x in xs)
    m = k in (x for x in xs)
    n = tuple(zip((x for x in xs), filter(lambda x: x > 1, xs)))
    o = functools.reduce(lambda a, b: a + b, (x * k for x in xs))
    o += sum(map(lambda a, b, c=k: a * b + c, xs, xs))
    total = 0
    for x in (y * k for y in xs):
        total += x
    return a, b, c, d, e, f, g, h, i, j, l, m, n, o, total


# -- text --------------------------------------------------------------------------------------------------------------


@case("1, 2")
def strings_of_several_lines(x, y):
    text = """one
        two
    # no comment
#@ 3
    """ + f"""{x}
  and {y!r:>{x + 5}} {'"'} {{}}
""" + r"""raw
\n""" + 'a\
b' + "\N{EM DASH}" if x else """x
y"""
    data = b"""x
\xff"""
    return text, data, (
        x
        # a comment
        + y  # another
    ), [
        1,

        2,
    ], x \
        + y


@case("1")
def strings_with_odd_escapes(x):
    return '\'"\t\\', f"\t{x}\\", "ä€", rb"\n", u"u", '''it's "x"''', "\u2028\x85"


@case("0", "1", "2", "3", "4")
def headers_of_several_lines(x):
    y = None
    # first
    if (
        x == 0  # zero
        or x is None
    ):
        return "zero"

        # nothing

    # one
    elif x == 1 and \
            x:
        return [
            x,

            # two
            2,
        ], x
    # otherwise
    else:
        for y in range(  # some
            x,
        ):
            if y == 2:

                return {  # found
                    "y": y,
                }
        with managed(
            x
        ) as z, managed(2):
            try:
                return z // (
                    x - 2
                )
            except (
                ZeroDivisionError,
                ValueError,
            ) as error:
                return str(error), x, \
                    y


@case("2")
def indented_in_odd_ways(x):
  if x > 3: return [
x,
      "a"]
  for y in (1,
  2):
        x += y; y += 1
  return x


if LIMIT:

    @case("1")
    def defined_in_a_block(x):
        if x:
            y = x
            return y + 1
        return 0


@case("1")
def a_docstring_on_a_line(x):
    """Say something."""; x += 1; "and more"
    return x


@case("1")
def statements_on_a_line(x): y = x; z = y + 1; return z


@case("2")
def long_lines(x):
    return x + 1111111111111111111111111 + 2222222222222222222222222222 + 33333333333333333333333333 + 44444444444444444444444 + x


@case("3")
def type_comments(x):
    y = []  # type: list[int]
    for z in range(x):  # type: int
        y.append(z)
    return y


@case("[1, 2]")
def unusual_expressions(xs):
    a, *b = *xs, 3
    c = xs[0]if xs else None
    d = not xs or(xs and 1)
    e = deque(xs, maxlen=1)
    f = 1 if xs else 2 if a else 3
    g = OrderedDict([(1, 2)], x=3, **{"y": 4})
    h = xs[::2], xs[0:1], -(1**2), 1 < 2 < 3 != 4
    i = (yes := 5) + yes
    return (*b, c), d, e, f, g, h, i, ..., print(*(), sep="", end="")


# -- async -------------------------------------------------------------------------------------------------------------


async def later(value):
    return value


async def ticks(count):
    for number in range(count):
        yield number


@case("3", "0")
async def awaiting(x):
    y = await later(x)
    z = None
    async with Thing(y) as thing:
        z = [await later(t) async for t in ticks(2)]
        if not y:
            return thing.value
    async for tick in ticks(y):
        if tick > 1:
            return tick, z
    return y
