"""Which page is where; ``*`` alone stands for the pages of docs/ that are named nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

# A list has patterns, which may match nothing; what is empty is left out.
NAVIGATION: dict[str, Any] = {
    "Start": ["index.md", "start.md", "installing*", "deploying*"],
    "Guides": {
        "Receiving mail": ["receiving.md", "mail.md", "handing-on.md"],
        "Mail gateway": ["gateway*"],
        "Sending mail": ["sending.md", "events.md", "lake.md", "lake-queries.md"],
        "Testing": ["testing-handlers*", "local-aws.md", "page.md"],
        "WorkMail": ["leaving-workmail*"],
        "More": ["*"],
    },
    "How to": ["how-to/index.md", "how-to/*"],
    "Examples": ["examples/*"],
    "Reference": {
        "Constructs": ["reference/cdk_mailroom*"],
        "Runtime": ["reference/mailroom.*"],
        "Local AWS": ["reference/mailroom_local*", "page-api.md"],
        "Command line": ["reference/command.md"],
    },
    "Help": [
        *("doctor.md", "troubleshooting.md", "comparison.md", "scaling.md", "proof.md"),
        "*assumptions.md",
    ],
    "Project": ["changelog.md", "public-api*", "structure.md"],
}


def resolved(pages: Sequence[str], tree: Any = NAVIGATION) -> list[Any]:
    """Return the navigation with each pattern replaced by the pages that it stands for.

    Args:
        pages: The path of every page.
        tree: The navigation, or a part of it.
    """
    if isinstance(tree, dict):
        parts = {title: resolved(pages, part) for title, part in tree.items()}
        return [{title: part} for title, part in parts.items() if part]
    found: dict[str, None] = {}
    for pattern in tree:
        for page in pages:
            if _matches(page, pattern):
                found.setdefault(page)
    return list(found)


def _matches(page: str, pattern: str) -> bool:
    if pattern != "*":
        return fnmatchcase(page, pattern)
    return "/" not in page and not any(fnmatchcase(page, one) for one in _patterns(NAVIGATION))


def _patterns(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for part in tree.values():
            yield from _patterns(part)
    else:
        yield from (pattern for pattern in tree if pattern != "*")
