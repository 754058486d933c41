"""Makes the description that the package index shows out of README.md.

On the index, a link to a file of the repository leads nowhere. The release says where the
repository is, in ``PROJECT_ADDRESS`` (``https://github.com/OWNER/NAME``): links and images then
lead to the files of this version, and the project's URLs are filled in. Without it, links become
plain text and images are left out. ``PROJECT_EMAIL`` is where the developers can be reached.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_AUTHOR = "The cdk-mailroom developers"
_IMAGE = re.compile(r"!\[(?P<text>[^\]]*)\]\((?P<to>[^)]+)\)\n*")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<to>[^)]+)\)")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_ELSEWHERE = re.compile(r"[a-z]+:|#")


def description(readme: str, *, address: str, version: str) -> str:
    """Return *readme* without anything relative.

    Args:
        readme: Markdown, with links and images in Markdown too.
        address: Where the repository is; empty if that is not known.
        version: The version whose files are linked.
    """

    def image(found: re.Match[str]) -> str:
        if _ELSEWHERE.match(found["to"]):
            return found[0]
        if not address:
            return ""
        return found[0].replace(f"({found['to']})", f"({address}/raw/v{version}/{found['to']})")

    def link(found: re.Match[str]) -> str:
        if _ELSEWHERE.match(found["to"]):
            return found[0]
        if not address:
            return found["text"]
        return f"[{found['text']}]({address}/blob/v{version}/{found['to']})"

    return _LINK.sub(link, _IMAGE.sub(image, _COMMENT.sub("", readme)))


def urls(address: str, version: str) -> dict[str, str]:
    """Return the project's URLs; none if the address is not known."""
    if not address:
        return {}
    files = f"{address}/blob/v{version}"
    return {
        "Source": address,
        "Documentation": f"{files}/README.md#where-to-go",
        "Changelog": f"{files}/CHANGELOG.md",
        "Issues": f"{address}/issues",
    }


class Hook(MetadataHookInterface):
    """Fills in the fields that pyproject.toml declares as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description, the authors and the URLs."""
        address = os.environ.get("PROJECT_ADDRESS", "").rstrip("/")
        source = (Path(self.root) / "lambda_src/mailroom/__init__.py").read_text("utf-8")
        found = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
        if found is None:
            raise ValueError("lambda_src/mailroom/__init__.py has no __version__")
        readme = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": description(readme, address=address, version=found[1]),
        }
        email = os.environ.get("PROJECT_EMAIL")
        metadata["authors"] = [{"name": _AUTHOR, "email": email} if email else {"name": _AUTHOR}]
        metadata["urls"] = urls(address, found[1])
