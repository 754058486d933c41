"""The pictures of the guides are those that their program draws."""

import sys

import pytest

from snippets import ROOT

sys.path.append(str(ROOT / "website"))

import pictures

PICTURES = dict(pictures.draw())


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_drawn(name: str) -> None:
    """``python website/pictures.py`` draws it again."""
    assert (pictures.FOLDER / name).read_text("utf-8") == PICTURES[name]


def test_each_picture_shows_itself_in_light_and_dark() -> None:
    """Whatever the reader has chosen, on the site too; other programs' pictures as well."""
    found = {path.stem: path.read_text("utf-8") for path in pictures.FOLDER.glob("*.svg")}
    assert {name.removesuffix(".svg") for name in PICTURES} <= found.keys()
    assert all("prefers-color-scheme: dark" in text for text in found.values())
    on_site = dict(pictures.for_site())
    assert len(on_site) == 2 * len(found)
    assert not any("prefers-color-scheme" in text for text in on_site.values())
    assert all(on_site[f"{name}-light.svg"] != on_site[f"{name}-dark.svg"] for name in found)
