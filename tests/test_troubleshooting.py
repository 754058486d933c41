"""Each error that docs/troubleshooting.md explains is one that the code raises."""

from __future__ import annotations

import re
from functools import cache

import pytest

from snippets import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
ERRORS = [
    error
    for cell in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE)
    if "(from SES)" not in cell
    for error in re.findall(r"`([^`]+)`", cell)
]


@cache
def texts() -> str:
    """The texts of all modules, with strings that Python joins in one piece."""
    folders = [ROOT / "constructs_lib", ROOT / "lambda_src"]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    whole = "\n".join(path.read_text("utf-8") for path in files)
    return re.sub(r"[\"']\s*\n\s*f?[\"']", "", whole)


def test_the_page_explains_errors() -> None:
    """The next test would say nothing about none."""
    assert len(ERRORS) > 30


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_one_that_the_code_raises(error: str) -> None:
    """Apart from what differs each time."""
    for part in error.split("…"):
        assert part.strip() in texts()
