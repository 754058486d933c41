"""Docstrings as Markdown: what they name in backquotes becomes a link into the reference."""

from __future__ import annotations

import json
import re
from typing import Any

import griffe
from places import NAMES

_NAME = re.compile(r"(?<![`\\])`([A-Za-z_][\w.]*)`(?!`)(?!\])")
_LITERAL = re.compile(r"::(?=\n\n {4})")
_ARGUMENT = re.compile(r"(?<![*\w`])\*(\w+)\*(?![*\w`])")


class Links(griffe.Extension):
    """Rewrites each docstring that is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, str] = json.loads(NAMES.read_text("utf-8"))

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Link what the docstring names, and leave out how a constructor makes an attribute."""
        if isinstance(obj, griffe.Attribute) and "instance-attribute" in obj.labels:
            obj.value = None
        if obj.docstring is not None:
            obj.docstring.value = linked(obj.docstring.value, obj, self._names)


def linked(text: str, one: griffe.Object, names: dict[str, str]) -> str:
    """Return a docstring with links to what is in the reference."""

    def link(match: re.Match[str]) -> str:
        target = _resolve(match[1], one, names)
        return f"[`{match[1]}`][{target}]" if target else match[0]

    return plain_text(_NAME.sub(link, text))


def plain(docstring: griffe.Docstring | None) -> str:
    """Return the text before the first section, without links."""
    if docstring is None:
        return ""
    first = docstring.parsed[0] if docstring.parsed else None
    text = first.value if first is not None and first.kind.value == "text" else ""
    return plain_text(text)


def definition_list(text: str) -> str:
    """Return reStructuredText's definitions as paragraphs, and those inside them as a list."""
    lines = text.split("\n")
    made: list[str] = []
    inside = False
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        depth, is_term = _depth(line), bool(after.strip()) and _depth(after) > _depth(line)
        if not line.strip():
            made.append("")
        elif depth == 0:
            inside = False
            made += [f"**{line}**", ""] if is_term else [line]
        elif depth == 1 and is_term:
            inside = True
            made.append(f"- {line.strip()}: ")
        else:
            made.append(("  " if inside else "") + line.strip())
    return "\n".join(made)


def _depth(line: str) -> int:
    return (len(line) - len(line.lstrip())) // 4


def plain_text(text: str) -> str:
    """Return reStructuredText's few marks as those of Markdown."""
    return _ARGUMENT.sub(r"`\1`", _LITERAL.sub(":", text))


def _resolve(name: str, one: griffe.Object, names: dict[str, str]) -> str | None:
    scope: griffe.Object | griffe.Module | None = one
    while scope is not None:
        if target := names.get(f"{scope.path}.{name}"):
            return target
        scope = scope.parent
    if name in names:
        return names[name]
    if name[0].islower() and "." not in name:
        return None  # the name of an argument, or of something in another class
    found = {target for path, target in names.items() if path.endswith(f".{name}")}
    own = {target for target in found if target.split(".")[0] == one.path.split(".")[0]}
    return next(iter(own or found)) if len(own or found) == 1 else None
