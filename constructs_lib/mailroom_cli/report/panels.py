"""The panels of the report: each draws the rows of one or more saved queries."""

from __future__ import annotations

import math
from datetime import date

from mailroom_cli.report.facts import Row, Rows
from mailroom_cli.report.svg import (
    AMBER,
    BLUE,
    GOOD,
    INK,
    LINE,
    MACHINE,
    RED,
    SOFT,
    Frame,
    Picture,
    key,
)

_NAME_LETTERS = 17
_DETAIL_LETTERS = 58
_REVIEWED = 5
"""The bounce rate in percent at which AWS reviews an account."""
_COMPLAINED = 0.1
_MOST_STEPS = 8


def by_day(picture: Picture, frame: Frame, rows: Rows, *, peak: str = "") -> None:
    """Draw the bounce rate of each day; *peak* explains the highest."""
    x, y, width, height = picture.card(
        *frame,
        "Bounces by day",
        "Permanent bounces, as a percentage of mail sent. At 5 %, AWS reviews the account.",
    )
    x, width, height = x + 30, width - 30, height - 22
    highest = max(_number(row, "bounce_rate") for row in rows)
    top = max(8.0, math.ceil(highest / 4) * 4)
    for tick in range(0, int(top) + 1, 4 * math.ceil(top / 20)):
        at = y + height * (1 - tick / top)
        picture.line([(x, at), (x + width, at)], LINE)
        picture.text(x - 8, at + 4, f"{tick} %", size=11, fill=SOFT, anchor="end")
    step = width / len(rows)
    labelled = False
    for position, row in enumerate(rows):
        rate = _number(row, "bounce_rate")
        tall = height * rate / top
        left = x + position * step + step * 0.15
        picture.box(left, y + height - tall, step * 0.7, tall, RED if rate >= _REVIEWED else BLUE)
        if position % max(5, len(rows) // 6) == 0 or position == len(rows) - 1:
            day = date.fromisoformat(row["day"])
            words = f"{day.day} {day:%b}"
            picture.text(
                left + step * 0.35, y + height + 18, words, size=11, fill=SOFT, anchor="middle"
            )
        if rate == highest > 0 and not labelled:
            labelled = True
            late = position > len(rows) / 2
            picture.text(
                left + (-step * 0.3 if late else step),
                y + height - tall + 12,
                f"{rate:.1f} %{peak and f': {peak}'}",
                size=12.5,
                fill=RED,
                anchor="end" if late else "start",
                bold=True,
            )
    at = y + height * (1 - _REVIEWED / top)
    picture.line([(x, at), (x + width, at)], RED, width=1.4, dash="2 5")


def by_domain(picture: Picture, frame: Frame, rows: Rows) -> None:
    """Draw the bounce rate and the complaint rate of each receiving domain."""
    x, y, width, height = picture.card(
        *frame,
        "Bounces and complaints by domain",
        "Bounces as a percentage of mail to the domain; complaints per thousand mails.",
    )
    left, right = x + 118, x + width - 168
    if not rows:
        picture.nothing(x, y)
        return
    top = max(_number(row, "bounce_rate") for row in rows) or 1
    step = height / len(rows)
    for position, row in enumerate(rows):
        at = y + (position + 0.5) * step
        picture.text(x, at + 4, _shortened(row["domain"], _NAME_LETTERS))
        rate, complained = _number(row, "bounce_rate"), _number(row, "complaint_rate")
        long = (right - left) * rate / top
        picture.box(left, at - 8, long, 16, RED if rate >= _REVIEWED else BLUE)
        picture.text(left + long + 8, at + 4, f"{rate:.1f} %", size=12, bold=True)
        picture.text(
            x + width,
            at + 4,
            f"{10 * complained:.1f} \u2030 complain",
            size=12,
            fill=RED if complained >= _COMPLAINED else SOFT,
            anchor="end",
        )


def latency(picture: Picture, frame: Frame, rows: Rows) -> None:
    """Draw how long delivery to each domain takes."""
    x, y, width, height = picture.card(
        *frame,
        "Delivery time by domain",
        "Median, 90th and 99th percentile; logarithmic scale.",
    )
    key(picture, x + width, y - 42, [("p50", GOOD), ("p90", AMBER), ("p99", RED)])
    if not rows:
        picture.nothing(x, y)
        return
    left, right = x + 118, x + width - 10
    height -= 22
    low, high = math.log10(0.3), math.log10(10_000)

    def across(seconds: float) -> float:
        share = (math.log10(min(max(seconds, 0.3), 10_000)) - low) / (high - low)
        return left + (right - left) * share

    for seconds, words in (
        (1, "1 s"),
        (10, "10 s"),
        (60, "1 min"),
        (600, "10 min"),
        (3_600, "1 h"),
    ):
        picture.line([(across(seconds), y), (across(seconds), y + height)], LINE)
        picture.text(across(seconds), y + height + 18, words, size=11, fill=SOFT, anchor="middle")
    step = height / len(rows)
    for position, row in enumerate(rows):
        at = y + (position + 0.5) * step
        picture.text(x, at + 4, _shortened(row["domain"], _NAME_LETTERS))
        picture.line(
            [(across(_number(row, "p50")), at), (across(_number(row, "p99")), at)], MACHINE, width=4
        )
        for name, fill in (("p99", RED), ("p90", AMBER), ("p50", GOOD)):
            picture.dot(across(_number(row, name)), at, 6, fill)


def engagement(picture: Picture, frame: Frame, rows: Rows, *, tag: str) -> None:
    """Draw opens and clicks by the values of *tag*."""
    x, y, width, height = picture.card(
        *frame,
        f"Opens and clicks by {_shortened(tag, _NAME_LETTERS)}",
        f"As a percentage of delivered mail, by the tag \u201c{_shortened(tag, 40)}\u201d.",
    )
    key(
        picture,
        x + width,
        y - 42,
        [("opened", BLUE), ("clicked", GOOD), ("opened automatically", MACHINE)],
    )
    if not rows:
        picture.nothing(x, y)
        return
    left, right = x + 132, x + width - 46
    step = height / len(rows)
    for position, row in enumerate(rows):
        at = y + position * step + step * 0.5
        picture.text(x, at - 2, _shortened(row["tag_value"], _NAME_LETTERS), bold=True)
        picture.text(x, at + 14, f"{row['delivered']:,} mails", size=11.5, fill=SOFT)
        delivered = row["delivered"] or 1
        for line, (name, fill) in enumerate(
            (("opened", BLUE), ("clicked", GOOD), ("opened_automated", MACHINE))
        ):
            share = min(row[name] / delivered, 1)
            top = at - 21 + line * 15
            picture.box(left, top, (right - left) * share, 12, fill)
            picture.text(
                left + (right - left) * share + 6,
                top + 10,
                f"{100 * share:.0f} %",
                size=11.5,
                fill=INK if line < 2 else SOFT,
            )


def story(picture: Picture, frame: Frame, rows: Rows) -> None:
    """Draw the history of one message."""
    x, y, _width, height = picture.card(
        *frame,
        "History of one message",
        f"To {_first(rows[0]['recipients'])}, on {rows[0]['event_time'][:10]}." if rows else "",
    )
    if not rows:
        picture.nothing(x, y)
        return
    rows = rows[:_MOST_STEPS]
    step = min(38.0, height / len(rows))
    picture.line([(x + 86, y + step / 2), (x + 86, y + step * (len(rows) - 0.5))], LINE, width=2)
    fills = {"bounce": RED, "complaint": RED, "delivery_delay": AMBER, "send": MACHINE}
    for position, row in enumerate(rows):
        at = y + (position + 0.5) * step
        kind = row["event_type"]
        picture.text(x + 70, at + 4, row["event_time"][11:19], size=12, fill=SOFT, anchor="end")
        machine = row["automated"]
        fill = MACHINE if machine else fills.get(kind, GOOD)
        picture.dot(x + 86, at, 6.5, fill)
        words = kind.replace("_", " ") + (" (automated)" if machine else "")
        picture.text(x + 104, at + 4, words, bold=True)
        detail = "" if kind in ("open", "send") else str(row["detail"] or "")
        if row["latency_ms"]:
            detail = f"after {_duration(row['latency_ms'] / 1000)}: {detail}"
        picture.text(x + 232, at + 4, _shortened(detail, _DETAIL_LETTERS), size=12, fill=SOFT)


def rest(
    picture: Picture, frame: Frame, *, templates: Rows, reasons: Rows, copies: int, at_least: bool
) -> None:
    """Draw failing templates, reasons for bounces, and the number of duplicates."""
    x, y, _width, _ = picture.card(
        *frame,
        "What to fix first",
        "Templates that fail to render, reasons for bounces, and duplicate events.",
    )
    for row in templates[:1]:
        picture.text(x, y + 30, f"{row['failed']:,}", size=30, fill=RED, bold=True)
        picture.text(
            x + 92,
            y + 14,
            f"failures of the template \u201c{_shortened(row['template_name'], 28)}\u201d",
            bold=True,
        )
        picture.text(
            x + 92, y + 32, _shortened(row["error_message"], _DETAIL_LETTERS), size=12, fill=SOFT
        )
    for position, row in enumerate(reasons[:3]):
        at = y + 74 + position * 38
        picture.text(
            x,
            at + 6,
            f"{row['bounced']:,}",
            size=18,
            bold=True,
            fill=RED if row["bounce_type"] == "Permanent" else AMBER,
        )
        picture.text(x + 92, at - 4, f"{row['bounce_type']}, {row['bounce_sub_type']}", bold=True)
        picture.text(
            x + 92, at + 12, _shortened(row["example"], _DETAIL_LETTERS), size=12, fill=SOFT
        )
    at = y + 74 + 3 * 38
    picture.text(x, at + 6, f"{copies:,}{'+' * at_least}", size=18, bold=True, fill=BLUE)
    picture.text(x + 92, at - 4, "events arrived twice", bold=True)
    picture.text(x + 92, at + 12, "and are counted once in this report", size=12, fill=SOFT)


def _number(row: Row, name: str) -> float:
    # A rate of nothing sent is NULL.
    return float(row[name] or 0)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def _shortened(value: object, letters: int) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= letters else f"{text[: letters - 1]}\u2026"


def _first(recipients: object) -> str:
    # Athena writes an array as text, [a, b].
    found = recipients if isinstance(recipients, list) else str(recipients).strip("[]").split(", ")
    return _shortened(found[0] if found else "", 48)
