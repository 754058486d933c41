"""What is made of, and looked for in, the finished site."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from places import HTML

_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
_FOREIGN = re.compile(r"(?:https?:)?//")


def llms_txt(tree: Any, written: dict[str, str]) -> str:
    """Return the list of pages that programs which read for people look for."""
    lines = ["# cdk-mailroom", "", f"> {_summary(written['index.md'])}"]
    for section in tree:
        for title, part in section.items():
            lines += ["", f"## {title}", ""]
            lines += [
                f"- [{_title(written[page])}]({_address(page)}): {_summary(written[page])}"
                for page in _pages(part)
            ]
    return "\n".join(lines) + "\n"


def _pages(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    else:
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _pages(part)


def _address(page: str) -> str:
    # The source of a page of the reference says nothing without what builds it.
    return page.removesuffix(".md") + "/" if page.startswith("reference/") else page


def _title(text: str) -> str:
    found = _HEADING.search(text)
    return found[1].replace("`", "") if found else ""


def _summary(text: str) -> str:
    """The first sentence below the title."""
    body = _HEADING.split(text, maxsplit=1)[-1]
    paragraph = next(
        (
            one
            for one in body.split("\n\n")
            if one.strip() and not one.lstrip().startswith(("<", "!", ":", "|", "```"))
        ),
        "",
    )
    plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
    return re.split(r"(?<=[.]) ", plain)[0].rstrip(":")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif "src" in given or "srcset" in given:
            self.loaded += [given[one] for one in ("src", "srcset") if one in given]
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon", "preconnect", "preload"):
            self.loaded.append(given["href"])


def check(names: dict[str, str], written: dict[str, str]) -> int:
    """Look through the pages as a browser would get them; return 0 if all is well.

    Args:
        names: The public names; each must have its place.
        written: The source of each page, which is published beside it.
    """
    for page, text in written.items():
        if not page.startswith("reference/"):
            target = HTML / page
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    pages = {path: _parsed(path) for path in HTML.rglob("*.html")}
    problems = list(_problems(pages))
    anchors = {one for page in pages.values() for one in page.ids}
    problems += [f"{name} is not in the reference" for name in set(names.values()) - anchors]
    print(
        "\n".join(problems) or f"{len(pages)} pages, {len(set(names.values()))} names",
        file=sys.stderr,
    )
    return bool(problems)


def _parsed(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page


def _problems(pages: dict[Path, _Page]) -> Iterator[str]:
    for path, page in pages.items():
        where = path.relative_to(HTML)
        for loaded in page.loaded:
            if _FOREIGN.match(loaded):
                yield f"{where}: loads {loaded} from another server"
            elif not loaded.startswith("data:") and not _target(path, loaded).exists():
                yield f"{where}: loads {loaded}, which does not exist"
        if path.name == "404.html":
            continue
        for link in page.links:
            address, anchor = urldefrag(link)
            if re.match(r"[a-z]+:|//", address):
                continue
            target = _target(path, address) if address else path
            if not target.exists():
                yield f"{where}: the link {link} leads nowhere"
            elif anchor and target in pages and unquote(anchor) not in pages[target].ids:
                yield f"{where}: the anchor of {link} leads nowhere"


def _target(page: Path, address: str) -> Path:
    base = HTML if address.startswith("/") else page.parent
    target = (base / unquote(urldefrag(address)[0]).lstrip("/")).resolve()
    return target / "index.html" if target.is_dir() else target
