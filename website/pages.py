"""The pages: docs/, the examples, the changelog, and links between them and to the reference."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from docstrings import plain_text
from pictures import FOLDER
from places import DOCS, ROOT

_FENCE = re.compile(r"^([ \t]*)(```+|~~~+).*?^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
_SUFFIXES = {".py": "python", ".txt": "text", ".html": "html", ".json": "json"}


class Pages:
    """Makes the pages that are not the reference's."""

    def __init__(self, reference_of: Callable[[str], str | None]) -> None:
        self._reference_of = reference_of
        self.problems: list[str] = []

    def all(self) -> Iterator[tuple[str, str]]:
        """Each page's path and text."""
        for path in sorted(DOCS.rglob("*.md")):
            page = path.relative_to(DOCS).as_posix()
            yield page, self._linked(path.read_text("utf-8"), path, page)
        changelog = ROOT / "CHANGELOG.md"
        yield "changelog.md", self._linked(changelog.read_text("utf-8"), changelog, "changelog.md")
        for folder in sorted(ROOT.glob("examples/*/app.py")):
            yield _example(folder.parent)

    def _linked(self, text: str, path: Path, page: str) -> str:
        """Return the text of a file with links that are right where its page is."""

        def link(match: re.Match[str]) -> str:
            target, _, anchor = match["target"].partition("#")
            if not target or re.match(r"[a-z]+:", target):
                return match[0]
            file = Path(os.path.normpath(path.parent / target))
            if not file.exists():
                self.problems.append(f"{path.relative_to(ROOT)}: no file {match['target']}")
                return match[0]
            place = self._place(file)
            if place is None:
                return match["text"]  # code that is on no page
            if file.parent == FOLDER and file.suffix == ".svg":
                return _both(match["text"], os.path.relpath(place, PurePosixPath(page).parent))
            relative = os.path.relpath(place, PurePosixPath(page).parent)
            suffix = f"#{anchor}" if anchor else ""
            return f"{match['image']}[{match['text']}]({relative}{suffix})"

        parts, end = [], 0
        for fence in _FENCE.finditer(text):
            parts += [_LINK.sub(link, text[end : fence.start()]), fence[0]]
            end = fence.end()
        return "".join([*parts, _LINK.sub(link, text[end:])])

    def _place(self, file: Path) -> str | None:
        """The page or file of the site that a file of the repository is on."""
        if file.is_relative_to(DOCS):
            return file.relative_to(DOCS).as_posix()
        if file == ROOT / "CHANGELOG.md":
            return "changelog.md"
        parts = file.relative_to(ROOT).parts
        if parts[0] == "examples" and file.suffix == ".svg":
            return "/".join(parts)
        if parts[0] == "examples" and len(parts) > 1 and (ROOT / "examples" / parts[1]).is_dir():
            return f"examples/{parts[1]}.md"
        if "mailroom_cli" in parts:
            return "reference/command.md"
        if parts[0] in ("constructs_lib", "lambda_src"):
            return self._reference_of(".".join(file.with_suffix("").relative_to(ROOT).parts[1:]))
        return None


def _both(text: str, picture: str) -> str:
    """A picture for light and one for dark, as the reader has chosen on the site."""
    name = picture.removesuffix(".svg")
    return "\n".join(f"![{text}]({name}-{mode}.svg#only-{mode})" for mode in ("light", "dark"))


def _example(folder: Path) -> tuple[str, str]:
    """A page with the files of an example."""
    files = [
        path
        for path in (folder / "app.py", *sorted(folder.rglob("*")))
        if path.suffix in _SUFFIXES and "tests" not in path.parts and "cdk.out" not in path.parts
    ]
    parts = [f"# `examples/{folder.name}`", _docstring(folder)]
    for path in dict.fromkeys(files):
        text = path.read_text("utf-8").rstrip()
        parts += [f"## {path.relative_to(folder)}", f"````{_SUFFIXES[path.suffix]}\n{text}\n````"]
    return f"examples/{folder.name}.md", "\n\n".join(parts) + "\n"


def _docstring(folder: Path) -> str:
    """What the module with the example's stack says about it."""
    (module,) = (path for path in folder.glob("*.py") if "(cdk.Stack)" in path.read_text("utf-8"))
    text = ast.get_docstring(ast.parse(module.read_bytes())) or ""
    return plain_text(re.sub(r"``([^`]+)``", r"`\1`", text))
