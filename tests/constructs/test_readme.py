"""What the repository and the package index show of the README leads somewhere."""

import re
from importlib.util import find_spec
from runpy import run_path
from typing import Any

import pytest

from assemblies import ROOT

README = (ROOT / "README.md").read_text("utf-8")
ADDRESS = "https://github.com/OWNER/cdk-mailroom"
# Of links and images, in Markdown and in HTML.
_TARGET = re.compile(r"\]\(([^)\s]+)|(?:src|srcset|href)=\"([^\"]+)")


def targets(text: str) -> list[str]:
    return [one or other for one, other in _TARGET.findall(text)]


def test_what_the_readme_links_to_exists() -> None:
    relative = [target for target in targets(README) if ":" not in target]
    if not find_spec("cdk_mailroom.workmail"):
        relative = [target for target in relative if "workmail" not in target]
    assert len(relative) > 10
    assert [target for target in relative if not (ROOT / target.partition("#")[0]).exists()] == []


@pytest.fixture(scope="module")
def build() -> dict[str, Any]:
    return run_path(str(ROOT / "hatch_build.py"))


@pytest.mark.parametrize("address", ["", ADDRESS])
def test_the_description_has_no_relative_link_or_image(build: dict[str, Any], address: str) -> None:
    text = build["description"](README, address=address, version="1.2.3")
    assert [target for target in targets(text) if not target.startswith("https://")] == []
    assert "<!--" not in text


def test_the_description_links_to_the_files_of_its_version(build: dict[str, Any]) -> None:
    text = build["description"](README, address=ADDRESS, version="1.2.3")
    assert f"[Sending mail]({ADDRESS}/blob/v1.2.3/docs/sending.md)" in text
    assert f"({ADDRESS}/raw/v1.2.3/docs/receiving.svg)" in text


def test_without_an_address_the_description_keeps_the_words(build: dict[str, Any]) -> None:
    text = build["description"](README, address="", version="1.2.3")
    assert "| Sending mail |" in text
    assert "](docs" not in text
    assert build["urls"]("", "1.2.3") == {}
