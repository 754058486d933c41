"""Finds a handler's function in its folder by parsing; nothing is imported or run at synth."""

from __future__ import annotations

import ast
import difflib
import re
import sys
from pathlib import Path

from cdk_mailroom._checks import Problems

__all__ = ["check_function"]


def check_function(problems: Problems, *, folder: Path, spec: str) -> None:
    """Find ``module:function`` of *spec* in *folder* by parsing; nothing is imported or run."""
    if not folder.is_dir():
        problems.add(
            "folder",
            str(folder),
            "no such folder: relative paths start where the app is run, so prefer "
            "Path(__file__).parent / '…'",
        )
        return
    module_name, separator, function_name = spec.partition(":")
    if (
        not separator
        or not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", module_name)
        or not function_name.isidentifier()
    ):
        problems.add("handler", spec, "write 'module:function', such as 'app:on_mail'")
        return
    base = folder.joinpath(*module_name.split("."))
    candidates = [base.with_name(f"{base.name}.py"), base / "__init__.py"]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        there = sorted(file.stem for file in folder.glob("*.py"))
        problems.add(
            "handler",
            spec,
            f"{folder} has no module {module_name!r}" + _suggestion(module_name, there),
        )
        return
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        problems.add(
            "handler",
            spec,
            f"correct {path}:{error.lineno}, which is not valid Python {here}, on which the app "
            f"runs: {error.msg}",
        )
        return
    found = _top_level(tree.body)
    node = found.get(function_name)
    if function_name not in found:
        if "*" in found:
            return
        problems.add(
            "handler",
            spec,
            f"{path} has no function {function_name!r}" + _suggestion(function_name, list(found)),
        )
    elif isinstance(node, ast.AsyncFunctionDef):
        problems.add(
            "handler", spec, "write 'def' instead of 'async def': Lambda calls plain functions"
        )
    elif isinstance(node, ast.FunctionDef) and not _takes_one_argument(node.args):
        problems.add("handler", spec, "let it take one argument, as in 'def on_mail(mail):'")


def _top_level(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update((alias.asname or alias.name, node) for alias in node.names)
        elif isinstance(node, ast.Assign):
            names = (target.id for target in node.targets if isinstance(target, ast.Name))
            found.update((name, node) for name in names)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for block in ("body", "handlers", "orelse", "finalbody"):
                for inner in getattr(node, block, ()):
                    nested = inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                    found.update(_top_level(nested))
    return found


def _takes_one_argument(arguments: ast.arguments) -> bool:
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    most = len(positional) if arguments.vararg is None else max(1, len(positional))
    keyword_only = sum(default is None for default in arguments.kw_defaults)
    return required <= 1 <= most and not keyword_only


def _suggestion(wanted: str, there: list[str]) -> str:
    close = difflib.get_close_matches(wanted, there, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; it has {', '.join(there[:8])}" if there else ""
