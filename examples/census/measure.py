"""What is measured in one file: lines, functions, imports, docstrings."""

import ast
import os
import re
import tokenize
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Final

from .model import Documented, Failure, Function, Import, Lines, Module, Source

LAYOUT: Final = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}
)
"""Tokens that put nothing on a line."""
BRANCHES: Final = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler)
"""Parts of a syntax tree that take one decision each."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef | Definition


def list_python_files(root: Path, skip: frozenset[str]) -> list[str]:
    """List the Python files below a folder by relative path, without the folders named in ``skip``, sorted.

    Raises:
        NotADirectoryError: ``root`` is no folder.

    """
    if not root.is_dir():
        raise NotADirectoryError(f'"{root}" is not a folder; give one that holds Python files as the input "root"')
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in skip]
        here = Path(folder).relative_to(root)
        found.extend((here / name).as_posix() for name in files if name.endswith(".py"))
    return sorted(found)


def read_source(root: Path, path: str) -> Source:
    """Read one file in the encoding that it declares.

    Raises:
        OSError: it cannot be read.
        SyntaxError: it declares an encoding that does not exist.
        UnicodeDecodeError: it is not in the encoding that it declares.

    """
    with tokenize.open(root / path) as file:
        return Source(path, file.read())


def count_lines(source: Source) -> Lines:
    """Count the lines of one file by what its tokens put on them.

    Raises:
        SyntaxError: its indentation is inconsistent, or a token is malformed.
        tokenize.TokenError: a string or bracket is not closed.

    """
    code: set[int] = set()
    comment: set[int] = set()
    tokens = 0
    for token in tokenize.generate_tokens(StringIO(source.text).readline):
        kind = token.type
        if kind in LAYOUT:
            continue
        tokens += 1
        first, last = token.start[0], token.end[0]
        if kind == tokenize.COMMENT:
            comment.add(first)
        elif first == last:
            code.add(first)
        else:
            code.update(range(first, last + 1))
    comment -= code
    text = source.text
    total = text.count("\n") + (not text.endswith("\n") and text != "")
    return Lines(source.path, len(code), len(comment), total - len(code) - len(comment), tokens)


def parse_source(source: Source) -> Module:
    """Parse one file; what the compiler merely warns of is no matter here.

    Raises:
        SyntaxError: it is not valid Python.
        ValueError: it holds null bytes.
        RecursionError: it is nested too deeply (or ``MemoryError``).

    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Module(source.path, ast.parse(source.text))


def failure_of(path: str, error: Exception) -> Failure:
    """Say in one line why a file could not be handled, without the place where the tree lies."""
    match error:
        case OSError():
            text = error.strerror or ""
        case tokenize.TokenError(args=(str(text), (int(line), int()))):
            text = f"{text} (line {line})"
        case SyntaxError(msg=text, lineno=int(line)):
            text = f"{text} (line {line})"
        case SyntaxError(msg=text):  # of the declared encoding, with the whole path
            text = re.sub(r""" for (['"]).*\1""", "", text)
        case _:
            text = str(error)
    return Failure(path, ": ".join([type(error).__name__, *([text] if text else [])]))


def decisions(node: ast.AST) -> int:
    """Count the decisions that one node of a syntax tree takes by itself."""
    if isinstance(node, BRANCHES):
        return 1
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    if isinstance(node, ast.match_case):  # "case _" and "case name" decide nothing
        return 0 if isinstance(node.pattern, ast.MatchAs) and node.pattern.pattern is None else 1
    return 0


def functions_of(module: Module) -> list[Function]:
    """Measure every function of a module, in the order of their lines.

    The complexity is McCabe's (A Complexity Measure, 1976): one more than the number of decisions; an ``and`` or ``or``
    counts as one, as does the loop and each ``if`` of a comprehension. A nested function counts for itself only.
    """
    nodes: list[tuple[Definition, str]] = []
    counts: list[int] = []
    pending: list[tuple[ast.AST, str, int]] = [(module.tree, "", -1)]
    while pending:
        node, prefix, owner = pending.pop()
        if isinstance(node, Definition):
            name = prefix + node.name
            nodes.append((node, name))
            counts.append(1)
            prefix, owner = f"{name}.", len(counts) - 1
        elif isinstance(node, ast.ClassDef):
            prefix = f"{prefix}{node.name}."
        elif owner >= 0:
            counts[owner] += decisions(node)
        pending.extend((child, prefix, owner) for child in ast.iter_child_nodes(node))
    found = [
        Function(module.path, name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1, count)
        for (node, name), count in zip(nodes, counts, strict=True)
    ]
    return sorted(found, key=lambda function: (function.line, function.name))


def module_name(path: str) -> str:
    """Give the dotted name under which a file of the tree is imported; the package at the root has none."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(module: Module) -> list[Import]:
    """List what a module imports."""
    package = module.path.split("/")[:-1]
    found: list[Import] = []
    pending: list[tuple[ast.AST, bool]] = [(module.tree, True)]
    while pending:
        node, eager = pending.pop()
        if isinstance(node, ast.Import):
            found.extend(Import(module.path, alias.name, relative=False, eager=eager) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: max(0, len(package) - node.level + 1)] if node.level else []
            parts = [*above, node.module] if node.module else above
            found.extend(
                Import(module.path, ".".join([*parts, alias.name]), relative=node.level > 0, eager=eager)
                for alias in node.names
            )
        elif not isinstance(node, ast.expr):
            inside = eager and not isinstance(node, Definition)
            pending.extend((child, inside) for child in ast.iter_child_nodes(node))
    return found


def documented_of(module: Module) -> Documented:
    """Count the public definitions of a module, itself included, and those with a docstring."""
    public = list(public_definitions(module.tree))
    with_text = sum(1 for node in public if ast.get_docstring(node, clean=False))
    return Documented(module.path, len(public), with_text)


def public_definitions(scope: Scope) -> Iterator[Scope]:
    """Walk a module or class and the public classes, functions and methods right in it."""
    yield scope
    for node in scope.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_definitions(node)
