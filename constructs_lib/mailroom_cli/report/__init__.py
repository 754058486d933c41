"""The report of an event lake: the answers of its saved queries in one picture."""

from __future__ import annotations

from mailroom_cli.report import panels
from mailroom_cli.report.facts import DUPLICATES_LIMIT, Facts, Rows, Source, collect
from mailroom_cli.report.svg import GAP, GOOD, HEIGHT, INK, RED, SOFT, WIDTH, Picture

__all__ = ["Facts", "Rows", "Source", "collect", "draw"]


def draw(facts: Facts, *, note: str, peak: str = "") -> str:
    """Return the report as an SVG, always the same for the same facts.

    Args:
        facts: What it shows; there is at least one day.
        note: The line at its foot.
        peak: An explanation of the day with the highest bounce rate. Default: none.
    """
    picture = Picture()
    _heading(picture, facts)
    wide = (WIDTH - 80 - GAP) / 2
    left, right = 40.0, 40.0 + wide + GAP
    top, middle, bottom = 120.0, 470.0, 850.0
    panels.by_day(picture, (left, top, wide, 326), facts.days, peak=peak)
    panels.by_domain(picture, (right, top, wide, 326), facts.domains)
    panels.latency(picture, (left, middle, wide, 356), facts.latency)
    panels.engagement(picture, (right, middle, wide, 356), facts.engagement, tag=facts.tag)
    panels.story(picture, (left, bottom, wide, 304), facts.story)
    panels.rest(
        picture,
        (right, bottom, wide, 304),
        templates=facts.templates,
        reasons=facts.reasons,
        copies=facts.duplicates,
        at_least=facts.duplicates >= DUPLICATES_LIMIT,
    )
    picture.text(40, HEIGHT - 14, note, size=11.5, fill=SOFT)
    return picture.svg()


def _heading(picture: Picture, facts: Facts) -> None:
    days = facts.days
    sent = sum(row["sent"] for row in days)
    delivered = sum(row["delivered"] for row in days)
    bounced = sum(row["bounced"] for row in days)
    picture.text(40, 62, "What happened to our mail", size=30, bold=True)
    period = f"{days[0]['day']} to {days[-1]['day']}, from the event lake\u2019s saved queries"
    picture.text(40, 90, period, size=14.5, fill=SOFT)
    x = WIDTH - 40.0
    for number, words, fill in (
        (_share(bounced, sent), "hard bounces", RED),
        (_share(delivered, sent), "delivered", GOOD),
        (f"{sent:,}", "mails sent", INK),
        (f"{facts.events:,}", "events", INK),
    ):
        picture.text(x, 66, number, size=27, fill=fill, anchor="end", bold=True)
        picture.text(x, 90, words, size=13, fill=SOFT, anchor="end")
        x -= 158


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "\u2013"
