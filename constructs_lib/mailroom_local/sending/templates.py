"""Renders SES templates, a subset of Handlebars, and detects missing attributes.

It covers what SES documents: variables and paths, ``if``, ``unless``, ``each`` and ``with`` blocks,
``else``, comments, inline partials. Like SES, it escapes nothing.
https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# SES replaces these after rendering; in the template they are plain text.
RESERVED = frozenset({"amazonSESUnsubscribeUrl", "ses:openTracker"})

_TAG = re.compile(r"\{\{\{\s*(?P<raw>[^{}]+?)\s*\}\}\}|\{\{\s*(?P<tag>![^}]*|[^{}]+?)\s*\}\}")
_INLINE = re.compile(r"""#\*\s*inline\s+["']([^"']+)["']""")


class RenderingFailed(Exception):
    """The template does not fit the data; the text is what SES reports."""


@dataclass(slots=True)
class _Block:
    """A block and its content; the template itself is one without a helper."""

    helper: str = ""
    argument: str = ""
    body: list[Any] = field(default_factory=list)
    otherwise: list[Any] = field(default_factory=list)
    in_otherwise: bool = False

    def add(self, node: Any) -> None:
        """Append a node to the current branch."""
        (self.otherwise if self.in_otherwise else self.body).append(node)


@dataclass(frozen=True, slots=True)
class _Variable:
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class _Partial:
    name: str


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where paths are looked up: the current value, and the enclosing ones."""

    values: tuple[Any, ...]
    special: Mapping[str, Any] = field(default_factory=dict)

    def enter(self, value: Any, **special: Any) -> _Scope:
        """The scope inside a block for this value."""
        return _Scope((*self.values, value), special)


_ABSENT = object()


def render(parts: Mapping[str, str], data: str | Mapping[str, Any]) -> dict[str, str]:
    """Render each part of a template, or raise :class:`RenderingFailed`."""
    if isinstance(data, str):
        try:
            data = json.loads(data) if data.strip() else {}
        except ValueError as error:
            raise RenderingFailed("The rendering data are not valid JSON.") from error
    if not isinstance(data, Mapping):
        raise RenderingFailed("The rendering data are not a JSON object.")
    scope = _Scope((data,))
    # A partial that one part defines may be used by another.
    partials: dict[str, list[Any]] = {}
    trees = {name: _parse(text, partials) for name, text in parts.items()}
    try:
        return {name: "".join(_render(tree, scope, partials)) for name, tree in trees.items()}
    except RecursionError:
        raise RenderingFailed("A partial contains itself.") from None


def _parse(text: str, partials: dict[str, list[Any]]) -> list[Any]:
    stack = [_Block()]
    end = 0
    for match in _TAG.finditer(text):
        stack[-1].add(text[end : match.start()])
        end = match.end()
        _take((match["raw"] or match["tag"]).strip(), match[0], stack, partials)
    if len(stack) > 1:
        raise RenderingFailed(f"The block '{stack[-1].helper}' is not closed.")
    stack[0].add(text[end:])
    return stack[0].body


def _take(tag: str, text: str, stack: list[_Block], partials: dict[str, list[Any]]) -> None:
    if tag.startswith("!"):
        return
    if tag in RESERVED:
        stack[-1].add(text)
    elif inline := _INLINE.fullmatch(tag):
        stack.append(_Block("inline", inline[1]))
    elif tag.startswith("#"):
        helper, _, argument = tag[1:].strip().partition(" ")
        stack.append(_Block(helper, argument.strip()))
    elif tag.startswith("/"):
        block = stack.pop()
        if not stack or block.helper != tag[1:].strip():
            raise RenderingFailed(f"'{tag}' closes no block.")
        if block.helper == "inline":
            partials[block.argument] = block.body
        else:
            stack[-1].add(block)
    elif tag == "else":
        stack[-1].in_otherwise = True
    elif tag.startswith(">"):
        stack[-1].add(_Partial(tag[1:].strip()))
    else:
        stack[-1].add(_Variable(tag, text))


def _render(
    nodes: Sequence[Any], scope: _Scope, partials: Mapping[str, list[Any]]
) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, _Variable):
            value = _look_up(node.path, scope)
            # https://github.com/aws/aws-sdk-js/issues/2239
            if value is _ABSENT or value is None:
                raise RenderingFailed(
                    f"Attribute '{node.path}' is not present in the rendering data."
                )
            yield _shown(value)
        elif isinstance(node, _Partial):
            if node.name not in partials:
                raise RenderingFailed(f"The partial '{node.name}' is not defined.")
            yield from _render(partials[node.name], scope, partials)
        else:
            yield from _render_block(node, scope, partials)


def _render_block(block: _Block, scope: _Scope, partials: Mapping[str, list[Any]]) -> Iterator[str]:
    found = _look_up(block.argument, scope)
    value = None if found is _ABSENT else found
    if block.helper in ("if", "unless"):
        chosen = bool(value) is (block.helper == "if")
        yield from _render(block.body if chosen else block.otherwise, scope, partials)
    elif block.helper == "with" and value:
        yield from _render(block.body, scope.enter(value), partials)
    elif block.helper == "each" and value:
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        for index, (key, item) in enumerate(pairs):
            inner = scope.enter(
                item, index=index, key=key, first=index == 0, last=index == len(value) - 1
            )
            yield from _render(block.body, inner, partials)
    elif block.helper in ("each", "with"):
        yield from _render(block.otherwise, scope, partials)
    else:
        raise RenderingFailed(f"The helper '{block.helper}' is not known.")


def _look_up(path: str, scope: _Scope) -> Any:
    values = scope.values
    while path.startswith("../"):
        path, values = path.removeprefix("../"), values[:-1] or values
    if path.startswith("@root"):
        path, values = path.removeprefix("@root").lstrip("."), values[:1]
    elif path.startswith("@"):
        return scope.special.get(path[1:], _ABSENT)
    found = values[-1]
    for name in re.split(r"[./]", path):
        if name in ("", "this"):
            continue
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return _ABSENT
    return found


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
