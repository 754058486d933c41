"""How the page looks: contrast, both colour schemes, every width, and names for everything."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

import mailroom_local
from local.page.browser.conftest import Mail, Site

COLOURS = Path(mailroom_local.__file__).parent / "page/static/style/colours.css"
TEXTS = ("ink", "ink-soft", "ink-faint", "accent", "good", "bad", "warn")
GROUNDS = ("ground", "paper", "sunk", "accent-soft")
PAIRS = [
    *product(TEXTS, GROUNDS),
    *((name, f"{name}-soft") for name in ("accent", "good", "bad", "warn")),
    ("accent-ink", "accent"),
    ("paper", "bad"),
    ("ink", "bad-soft"),
]
TEXT_CONTRAST, EDGE_CONTRAST = 4.5, 3.0
# What is there once a view is complete.
WHOLE = {
    "inbox": ".message-row",
    "message": ".story .console",
    "stack": ".node",
    "compose": ".compose-form",
    "dead-letters": ".letter",
}
WIDTHS = (375, 760, 1001, 1280, 2000)
# Elements that a person uses and that have no name for a screen reader.
NAMELESS = """() => [...document.querySelectorAll(
  "button, a[href], input:not([type=hidden]), select, textarea, img, iframe, [role=tab]"
)].filter((one) => one.checkVisibility() && !(
  one.textContent.trim() || one.getAttribute("aria-label") || one.title || one.alt ||
  one.getAttribute("alt") === "" || one.labels?.length
)).map((one) => one.outerHTML)"""
# By how much something is wider than the part of the window that holds it.
OVERFLOW = """() => [document.documentElement, ...document.querySelectorAll("main, .reader, .page")]
  .filter((one) => one.checkVisibility())
  .map((one) => one.scrollWidth - one.clientWidth)"""


def schemes() -> dict[str, dict[str, str]]:
    light, dark = COLOURS.read_text().split("@media")
    read = {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part))
        for name, part in (("light", light), ("dark", dark))
    }
    return {"light": read["light"], "dark": {**read["light"], **read["dark"]}}


def contrast(one: str, other: str) -> float:
    """As WCAG defines it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_level_aa(scheme: str) -> None:
    colours = schemes()[scheme]
    found = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in PAIRS}
    assert {pair: ratio for pair, ratio in found.items() if ratio < TEXT_CONTRAST} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_edges_of_fields_can_be_seen(scheme: str) -> None:
    colours = schemes()[scheme]
    for ground in ("ground", "paper", "sunk"):
        assert contrast(colours["line-strong"], colours[ground]) >= EDGE_CONTRAST


def test_the_colours_follow_the_system(site: Site) -> None:
    page = site.open("/deployments")
    ask = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ask)
    page.emulate_media(color_scheme="dark")
    assert light == "rgb(245, 246, 248)"
    assert page.evaluate(ask) == "rgb(16, 19, 26)"


@pytest.mark.parametrize("view", WHOLE)
def test_no_view_is_wider_than_the_window_and_everything_has_a_name(
    site: Site, mail: Mail, view: str
) -> None:
    paths = {"inbox": "/", "message": f"/messages/{mail.broken}"}
    page = site.open(paths.get(view, f"/{view}"))
    page.locator(WHOLE[view]).first.wait_for()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert max(page.evaluate(OVERFLOW)) == 0, f"{view} at {width} px"
    assert page.evaluate(NAMELESS) == []


def test_a_narrow_window_shows_the_list_or_the_message(site: Site, mail: Mail) -> None:
    page = site.open("/", width=375)
    site.row("The printer smökes").filter(has_text="Jane Doe").click()
    page.get_by_role("listbox").wait_for(state="hidden")
    page.get_by_role("button", name="Back").click()
    page.get_by_role("listbox").wait_for()


def test_the_focus_can_be_seen(site: Site) -> None:
    page = site.open("/deployments")
    page.get_by_role("link", name="Compose").focus()
    page.keyboard.press("Tab")
    style = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def test_nothing_turns_for_those_who_asked_for_less_motion(site: Site) -> None:
    page = site.open("/deployments")
    animation = page.evaluate(
        """() => {
          const spinner = document.createElement("span");
          spinner.className = "spinner";
          document.body.append(spinner);
          return getComputedStyle(spinner).animationName;
        }"""
    )
    assert animation == "none"
