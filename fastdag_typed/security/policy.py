"""What is allowed of values that come from outside, and of text that a node evaluates."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    import ast


@final
class Code:
    """Marks the type of text that a node evaluates as Python: ``Annotated[str, Code]``.

    Only such text is searched for what a policy forbids: other text may say anything.
    """


@dataclass
class SecurityPolicy:
    """What is allowed.

    Args:
        allow_eval: ``Code`` may call ``eval``.
        allow_exec: ``Code`` may call ``exec`` and ``compile``.
        allow_file_access: paths may be given.
        allowed_file_paths: directories or files that paths have to lead to, wherever symbolic links go; none: any.
        max_input_size_bytes: how large a value may be together with all that it contains.
        max_string_length: to how many characters text is cut.
        allowed_modules: what ``Code`` may import, with the modules inside of it.
        forbidden_attributes: names and attributes that ``Code`` may not use.

    Raises:
        ValueError: a limit is negative.

    """

    allow_eval: bool = False
    allow_exec: bool = False
    allow_file_access: bool = True
    allowed_file_paths: list[str] = field(default_factory=list[str])
    max_input_size_bytes: int = 10 * 1024 * 1024
    max_string_length: int = 1_000_000
    allowed_modules: set[str] = field(
        default_factory=lambda: {"math", "datetime", "json", "collections", "itertools", "functools"}
    )
    forbidden_attributes: set[str] = field(
        default_factory=lambda: {
            *("__import__", "__builtins__", "__loader__", "__spec__"),
            *("eval", "exec", "compile", "open", "input"),
        }
    )

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for name in ("max_input_size_bytes", "max_string_length"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is not less than 0, but was given {getattr(self, name)!r}")

    def refuses_path(self, path: str | os.PathLike[str]) -> str | None:
        """Say why a path may not be given; ``None`` if it may."""
        if not self.allow_file_access:
            return "is a path, and the policy does not allow access to files"
        place = Path(os.path.realpath(path))
        allowed = map(os.path.realpath, self.allowed_file_paths)
        if not self.allowed_file_paths or any(map(place.is_relative_to, allowed)):
            return None
        return "is a path that leads outside of what the policy allows"

    def refuses_code(self, text: str) -> str | None:
        """Say why text may not be evaluated; ``None`` if nothing speaks against it.

        This finds what is written, not all that could be meant: code that nobody has to trust runs in a process of its
        own.
        """
        import ast

        try:
            tree = ast.parse(text.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return f"cannot be read as Python ({type(error).__name__}), so that nobody knows what it does"
        allowed = {"eval"} if self.allow_eval else set[str]()
        allowed |= {"exec", "compile"} if self.allow_exec else set[str]()
        forbidden = (self.forbidden_attributes | _REACHING) - allowed
        return next((why for node in ast.walk(tree) if (why := self._refuses(node, forbidden))), None)

    def _refuses(self, node: ast.AST, forbidden: set[str]) -> str | None:
        import ast

        match node:
            case ast.Import(names=names):
                modules = [one.name for one in names]
            case ast.ImportFrom(module=module, level=level):
                modules = ["." * level + (module or "")]
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return f'uses "{name}", which the policy forbids' if name in forbidden or _is_dunder(name) else None
            case ast.Constant(value=str(value)) if "__" in value:
                return 'holds text with "__", by which anything could be reached'
            case _:
                return None
        refused = [module for module in modules if not self._may_import(module)]
        return f'imports "{refused[0]}", which the policy does not allow' if refused else None

    def _may_import(self, module: str) -> bool:
        return any(module == allowed or module.startswith(f"{allowed}.") for allowed in self.allowed_modules)


_REACHING: Final = {"globals", "locals", "vars", "getattr", "setattr", "delattr", "breakpoint"}
"""Functions by which a name that is forbidden could be reached all the same."""


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
