"""The tools: arithmetic, and a table of facts."""

import ast
from collections.abc import Awaitable, Callable
from typing import Final

from .talk import ToolName

FACTS: Final = {
    "height of Everest": "8849",
    "height of K2": "8611",
    "height of Teide": "3715",
    "area of Malta": "316",
    "population of Malta": "519562",
}
"""Heights in metres, areas in square kilometres; the population is that of the census of 2021."""
OPERATORS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
}
LONGEST: Final = 200


class ToolError(Exception):
    """A tool cannot do what it is asked."""


async def calculate(expression: str) -> str:
    """Work out an expression of numbers, ``+ - * /`` and parentheses; round to three digits."""
    if len(expression) > LONGEST:
        raise ToolError(f"an expression has at most {LONGEST} characters")
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError):
        raise ToolError(f"{expression} is no expression") from None
    try:
        return f"{round(value_of(tree.body), 3):,}"
    except ZeroDivisionError:
        raise ToolError(f"{expression} divides by zero") from None


def value_of(node: ast.expr) -> float:
    """Work out a part of an expression."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -value_of(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](value_of(left), value_of(right))
        case _:
            raise ToolError(f"{ast.unparse(node)} is not arithmetic")


async def look_up(name: str) -> str:
    """Look up a fact; a tool that asks a service awaits it."""
    if name not in FACTS:
        raise ToolError(f"the {name} is in no table")
    return FACTS[name]


TOOLS: Final[dict[ToolName, Callable[[str], Awaitable[str]]]] = {"calculate": calculate, "look_up": look_up}
