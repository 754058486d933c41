"""Print the notes of the current version, which are its section of the changelog.

``make notes`` writes them into a file; with the tag of a release as argument, it must be the
version's.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(changelog: str, version: str) -> str:
    """Return the section of a version.

    Raises:
        ValueError: The version has no section with a date.
    """
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"CHANGELOG.md has no section '## {version} (YYYY-MM-DD)': add it")
    return found[1].strip() + "\n"


def main() -> int:
    """Print the notes; return 1 if there are none, or the tag is another version's."""
    source = (ROOT / "lambda_src/mailroom/__init__.py").read_text("utf-8")
    [version] = re.findall(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    if sys.argv[1:] not in ([], [f"v{version}"]):
        given = sys.argv[1]
        print(f"the tag is {given}, the version is {version}: tag v{version}", file=sys.stderr)
        return 1
    try:
        print(notes((ROOT / "CHANGELOG.md").read_text("utf-8"), version), end="")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
