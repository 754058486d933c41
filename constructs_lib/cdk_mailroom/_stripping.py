"""Takes the docstrings out of the runtime's modules, which are up to a third of a zip.

Nobody reads them in Lambda. Every line keeps its number, so that tracebacks fit the source.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from cdk_mailroom._parsing import blocks, parsed

__all__ = ["stripped"]


@cache
def stripped(content: bytes) -> bytes:
    """Return *content* with blank lines instead of docstrings, those of attributes too.

    Args:
        content: The source of a module, in UTF-8. One that uses ``__doc__`` is left as it is.
    """
    if b"__doc__" in content:
        return content
    lines = content.splitlines(keepends=True)
    for text, needed in _texts(parsed(content)):
        assert text.end_lineno is not None
        first, last = text.lineno - 1, text.end_lineno - 1
        before, after = lines[first][: text.col_offset], lines[last][text.end_col_offset :]
        if before.strip() or after.strip():
            continue  # not alone on its lines
        for number in range(first, last + 1):
            lines[number] = b"\n" if lines[number].endswith(b"\n") else b""
        if needed:
            lines[first] = before + b"..." + lines[first]
    return b"".join(lines)


def _texts(tree: ast.Module) -> Iterator[tuple[ast.expr, bool]]:
    """Yield each statement that is only a text, and whether its block would be empty without."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        for block in blocks(node):
            found = [
                one.value
                for one in block
                if isinstance(one, ast.Expr)
                and isinstance(one.value, ast.Constant)
                and isinstance(one.value.value, str)
            ]
            alone = len(found) == len(block) and not isinstance(node, ast.Module)
            for position, text in enumerate(found):
                yield text, alone and position == 0
            waiting += block
