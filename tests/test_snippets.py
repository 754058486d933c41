"""Each Python snippet says what becomes of it, compiles, and imports only what there is."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import snippets
from mailroom.sending import NO_CONFIGURATION_SET, Sender
from snippets import MARKS, ROOT, Snippet

PROGRAMS = ("cdk_mailroom", "mailroom", "mailroom_cli", "mailroom_local")
# What literal blocks of docstrings may be besides Python.
_OTHER = re.compile(r"\s*(\$ |mailroom |CREATE )")
_LITERAL = re.compile(r"::\n\n((?:(?: {4,}.*)?\n)+)")


def in_docstrings() -> Iterator[Snippet]:
    """The literal blocks of docstrings, which are fragments all."""
    for program in PROGRAMS:
        for path in ROOT.glob(f"*/{program}/**/*.py"):
            text = path.read_text("utf-8")
            for node in ast.walk(ast.parse(text)) if "::\n\n" in text else ():
                if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    continue
                for block in _LITERAL.findall((ast.get_docstring(node) or "") + "\n"):
                    if not _OTHER.match(block):
                        line = getattr(node, "lineno", 1)
                        code = textwrap.dedent(block)
                        page = path.relative_to(ROOT).as_posix()
                        yield Snippet(page=page, line=line, mark="fragment", code=code)


ALL = [*snippets.snippets(), *in_docstrings()]


def test_the_pages_and_the_docstrings_have_snippets() -> None:
    """The tests below would say nothing about none."""
    assert len(snippets.snippets()) > 40
    assert len(ALL) > len(snippets.snippets()) + 8


@pytest.mark.parametrize("snippet", snippets.snippets(), ids=str)
def test_a_snippet_says_whether_it_runs(snippet: Snippet) -> None:
    """Those that a test takes by name have that test."""
    kind, _, name = (snippet.mark or "").partition(": ")
    if kind == "run":
        assert any(f'"{name}"' in text for text in _tests()), f"no test names {name!r}"
    elif kind == "page":
        assert Path(snippet.page).name in (ROOT / name).read_text("utf-8")
    else:
        assert kind in MARKS, f"{snippet}: put one of the marks of tests/snippets.py above it"


@pytest.mark.parametrize("snippet", ALL, ids=str)
def test_a_snippet_compiles_and_what_it_imports_exists(snippet: Snippet) -> None:
    """What belongs to this project by name, other modules by themselves."""
    code = snippet.code
    tree = compile(code, snippet.page, "exec", ast.PyCF_ONLY_AST)
    missing = [what for what in _imported(tree) if not _exists(*what)]
    assert not missing


@pytest.mark.parametrize("snippet", snippets.marked("test"), ids=str)
def test_a_snippet_runs_alone(snippet: Snippet) -> None:
    """What it asserts is true."""
    client: Any = SimpleNamespace(send_email=lambda **_: {"MessageId": "0102-1"})
    sender = Sender(configuration_set=NO_CONFIGURATION_SET, client=client)
    exec(compile(snippet.code, snippet.page, "exec"), {"sender": sender, "__name__": "snippet"})


@cache
def _tests() -> list[str]:
    return [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]


def _imported(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((str(node.module), alias.name) for alias in node.names)


def _exists(module: str, name: str | None) -> bool:
    top = module.partition(".")[0]
    if top in PROGRAMS:
        found = importlib.import_module(module)
        return name is None or hasattr(found, name) or _is_module(f"{module}.{name}")
    # Else it may be a module of the page itself.
    return top in _PAGES_OWN or _is_module(top)


def _is_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


_PAGES_OWN = {
    Path(name).stem
    for snippet in snippets.snippets()
    for name in re.findall(r"^# (\S+\.py)\b", snippet.code, re.MULTILINE)
} | {"gate", "policy"}
