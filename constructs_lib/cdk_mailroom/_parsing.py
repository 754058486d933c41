"""Finds a handler's function in its folder by parsing; nothing is imported or run at synth."""

from __future__ import annotations

import ast
import difflib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from cdk_mailroom._problems import Problems

__all__ = ["blocks", "check_function", "find_function", "names_in", "parsed", "suggestion"]

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@cache
def parsed(content: bytes) -> ast.Module:
    """Return the syntax tree of *content*, which is parsed once however many functions use it."""
    return ast.parse(content)


def blocks(node: ast.AST) -> Iterator[list[ast.AST]]:
    """Yield each block of a module or statement; what is in its expressions is never a statement.

    Walking these takes a sixth of the time that walking the whole tree does.
    """
    for name in _BLOCKS:
        block = getattr(node, name, None)
        if block:
            yield block


def check_function(problems: Problems, *, folder: Path, spec: str) -> Path | None:
    """Find ``module:function`` of *spec* in *folder*, and return the module's file."""
    if not folder.is_dir():
        problems.add(
            "folder",
            str(folder),
            "no such folder: relative paths start where the app is run, so prefer "
            "Path(__file__).parent / '…'",
        )
        return None
    module_name, separator, function_name = spec.partition(":")
    if (
        not separator
        or not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", module_name)
        or not function_name.isidentifier()
    ):
        problems.add("handler", spec, "write 'module:function', such as 'app:on_mail'")
        return None
    path = _file_of(folder, module_name)
    if path is None:
        there = sorted(file.stem for file in folder.glob("*.py"))
        problems.add(
            "handler",
            spec,
            f"{folder} has no module {module_name!r}" + suggestion(module_name, there),
        )
        return None
    try:
        tree = parsed(path.read_bytes())
    except SyntaxError as error:
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        problems.add(
            "handler",
            spec,
            f"correct {path}:{error.lineno}, which is not valid Python {here}, on which the app "
            f"runs: {error.msg}",
        )
        return None
    found = names_in(tree)
    node = found.get(function_name)
    if function_name not in found:
        if "*" not in found:
            problems.add(
                "handler",
                spec,
                f"{path} has no function {function_name!r}"
                + suggestion(function_name, list(found)),
            )
    elif isinstance(node, ast.AsyncFunctionDef):
        problems.add(
            "handler", spec, "write 'def' instead of 'async def': Lambda calls plain functions"
        )
    elif isinstance(node, ast.FunctionDef) and not _takes_one_argument(node.args):
        problems.add("handler", spec, "let it take one argument, as in 'def on_mail(mail):'")
    return path


def find_function(folder: Path, spec: str) -> tuple[Path, ast.Module, ast.FunctionDef] | None:
    """Return the function of *spec* with its file, unless something else has that name."""
    module_name, _, function_name = spec.partition(":")
    path = _file_of(folder, module_name)
    if path is None:
        return None
    tree = parsed(path.read_bytes())
    node = names_in(tree).get(function_name)
    return (path, tree, node) if isinstance(node, ast.FunctionDef) else None


@cache
def names_in(tree: ast.Module) -> Mapping[str, ast.stmt]:
    """Return what is defined at a module's top level, under ``*`` what cannot be known."""
    found = dict(_defined(tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found.update((name, node) for name in node.names)
        elif isinstance(node, ast.Name) and node.id in ("globals", "exec", "vars"):
            found["*"] = tree.body[0]
    if "__getattr__" in found:
        found["*"] = found["__getattr__"]
    return found


def suggestion(wanted: str, there: Iterable[str]) -> str:
    """Return the end of a remedy: the name that was probably meant, or those that there are."""
    names = list(there)
    close = difflib.get_close_matches(wanted, names, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; it has {', '.join(names[:8])}" if names else ""


def _file_of(folder: Path, module_name: str) -> Path | None:
    base = folder.joinpath(*module_name.split("."))
    candidates = [base / "__init__.py", base.with_name(f"{base.name}.py")]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _defined(body: Iterable[ast.AST]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], node
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, node
        elif isinstance(node, ast.stmt):
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr | ast.withitem):
                    for name in ast.walk(child):
                        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                            yield name.id, node
                else:
                    yield from _defined([child])
        elif isinstance(node, ast.ExceptHandler | ast.match_case):
            yield from _defined(node.body)


def _takes_one_argument(arguments: ast.arguments) -> bool:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    most = len(positional) if arguments.vararg is None else max(1, len(positional))
    keyword_only = sum(default is None for default in arguments.kw_defaults)
    return required <= 1 <= most and not keyword_only
