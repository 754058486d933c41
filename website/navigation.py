"""Which page is where; ``*`` stands for the pages of docs/ that are named nowhere else."""

from __future__ import annotations

from typing import Any

from places import DOCS

NAVIGATION: dict[str, Any] = {
    "Start": ["index.md", "start.md", "installing*", "deploying.md"],
    "Guides": {
        "Receiving mail": ["receiving.md", "mail.md", "handing-on.md"],
        "Sending mail": ["sending.md", "events.md", "lake.md", "lake-queries.md"],
        "Testing": ["testing-handlers*", "local-aws.md", "page.md"],
        "More": ["*"],
    },
    "How to": ["how-to/index.md", "how-to/*"],
    "Examples": ["examples/*"],
    "Reference": {
        "Constructs": ["reference/cdk_mailroom*"],
        "Runtime": ["reference/mailroom.*"],
        "Local AWS": ["reference/mailroom_local*", "page-api.md"],
        "Command line": "reference/command.md",
    },
    "Help": ["troubleshooting.md", "comparison.md", "scaling.md", "*assumptions.md"],
    "Project": ["changelog.md", "public-api*", "structure.md"],
}


def resolved(pages: list[str], tree: Any = NAVIGATION) -> Any:
    """Return the navigation with each pattern replaced by the pages that it stands for.

    Args:
        pages: The path of every page.
        tree: The navigation, or a part of it.
    """
    named = {pattern for pattern in _leaves(NAVIGATION) if pattern != "*"}
    return _resolved(tree, pages, named)


def _resolved(tree: Any, pages: list[str], named: set[str]) -> Any:
    from fnmatch import fnmatchcase

    if isinstance(tree, dict):
        return [{title: _resolved(part, pages, named)} for title, part in tree.items()]
    if isinstance(tree, str):
        if tree not in pages:
            raise SystemExit(f"website/navigation.py: {DOCS.name}/{tree} does not exist: remove it")
        return tree
    found: list[str] = []
    for pattern in tree:
        if pattern == "*":
            found += [
                page
                for page in pages
                if "/" not in page and not any(fnmatchcase(page, one) for one in named)
            ]
        elif "*" in pattern:
            found += [page for page in pages if fnmatchcase(page, pattern) and page not in found]
        else:
            found.append(_resolved(pattern, pages, named))
    return found


def _leaves(tree: Any) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    parts = tree.values() if isinstance(tree, dict) else tree
    return [leaf for part in parts for leaf in _leaves(part)]
