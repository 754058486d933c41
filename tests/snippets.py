"""The Python snippets of the README and the docs, and what each one's mark says about it.

A mark is a comment above the block:

``<!-- test -->``
    It runs alone. The name ``sender`` is a sender that reaches no AWS.
``<!-- send -->``
    It runs alone and makes two calls to SES, which a stub answers.
``<!-- stack -->``
    It runs in a stack, with the names that users have by then, and is synthesized.
``<!-- run: NAME -->``
    A test of its own takes it by this name.
``<!-- fragment -->``
    It does not run.

A page whose blocks all belong to one test says ``<!-- snippets: PATH OF THE TEST -->`` instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
MARKS = ("test", "send", "stack", "fragment")
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[\w: .-]+) -->\s*^)?(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_PAGE_MARK = re.compile(r"^<!-- snippets: (\S+) -->$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """One fenced block."""

    page: str
    line: int
    mark: str | None
    code: str
    """Preceded by as many lines as on the page, so that a traceback shows the right one."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def snippets() -> tuple[Snippet, ...]:
    """Every block of every page."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(snippet for page in pages for snippet in of_page(page))


def of_page(path: Path) -> list[Snippet]:
    """The blocks of one page."""
    text = path.read_text("utf-8")
    whole = _PAGE_MARK.search(text)
    found = []
    for block in _BLOCK.finditer(text):
        before = text[: block.start("code")].count("\n")
        code = "".join(
            line.removeprefix(block["indent"]) for line in block["code"].splitlines(keepends=True)
        )
        found.append(
            Snippet(
                page=path.relative_to(ROOT).as_posix(),
                line=before + 1,
                mark=f"page: {whole[1]}" if whole and not block["mark"] else block["mark"],
                code="\n" * before + code,
            )
        )
    return found


def marked(mark: str) -> list[Snippet]:
    """The blocks with a mark."""
    return [snippet for snippet in snippets() if snippet.mark == mark]


def named(name: str) -> Snippet:
    """The block that a test takes by its name."""
    (found,) = marked(f"run: {name}")
    return found
