"""Checks at synth that a function's annotation fits what it will be called with."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from cdk_mailroom._checks import Problems
from cdk_mailroom._parsing import find_function, names_in

__all__ = ["check_annotation"]


def check_annotation(
    problems: Problems,
    *,
    folder: Path | None,
    spec: str,
    given: str,
    classes: Sequence[str],
    base: str | None = None,
) -> None:
    """Note an annotation of the argument that does not admit every one of *classes*.

    Only classes of ``mailroom``, of ``email`` and Python's own are known for certain not to fit;
    other names may be anything, such as a protocol.

    Args:
        problems: Takes what is found.
        folder: The folder of the function; nothing is checked without one.
        spec: ``module:function``.
        given: What calls the function with them, for the error.
        classes: The classes of ``mailroom`` whose objects it is called with.
        base: What all of them are as well.
    """
    found = None if folder is None else find_function(folder, spec)
    if found is None:
        return
    path, tree, function = found
    arguments = function.args
    first = next(iter([*arguments.posonlyargs, *arguments.args]), arguments.vararg)
    if first is None or first.annotation is None:
        return
    members = list(_members(first.annotation))
    named = {_qualified(member, _imported(tree), names_in(tree)) for member in members}
    if None in named:
        return
    admitted = {name.rpartition(".")[2] for name in named if name is not None}
    if not all(admitted & {name, base} for name in classes):
        wanted = " | ".join(classes) if base is None or len(classes) < _SEVERAL else base
        written = ast.unparse(first.annotation)
        problems.add(
            "handler",
            spec,
            f"annotate {first.arg!r} with {wanted} instead of {written} in "
            f"{path}:{first.lineno}: that is what {given} passes",
        )


_SEVERAL = 4


def _members(annotation: ast.expr) -> Iterator[ast.expr]:
    """Yield the members of a union, without ``None``."""
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _members(left)
            yield from _members(right)
        case ast.Subscript(value=value, slice=inner) if _last(value) in ("Optional", "Annotated"):
            yield from _members(inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
        case ast.Subscript(value=value, slice=inner) if _last(value) == "Union":
            for member in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from _members(member)
        case ast.Subscript(value=value):
            yield from _members(value)
        case ast.Constant(value=str(text)):
            try:
                yield from _members(ast.parse(text, mode="eval").body)
            except SyntaxError:
                yield annotation
        case ast.Constant(value=None):
            pass
        case _:
            yield annotation


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


@cache
def _imported(tree: ast.Module) -> Mapping[str, str]:
    """Return the full name of what each imported name stands for."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _qualified(
    node: ast.expr, imported: Mapping[str, str], defined: Mapping[str, object]
) -> str | None:
    """Return the full name of a class that is known, or ``None``."""
    first, dot, rest = ast.unparse(node).partition(".")
    name = f"{imported.get(first, first)}{dot}{rest}"
    if first in imported:
        return name if name.partition(".")[0] in ("mailroom", "email") else None
    own = first in defined or dot or first == "object"
    return None if own or not isinstance(getattr(builtins, first, None), type) else name
