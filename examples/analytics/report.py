"""Run the saved queries and draw the results: ``python examples/analytics/report.py``.

The SQL is exactly what Athena has as saved queries. Here DuckDB runs it, on the rows that
``generate.py`` wrote. Writes ``report.svg`` next to this file, always the same for the same rows.
Needs DuckDB: ``pip install duckdb``.
"""

import argparse
import math
import sys
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import duckdb
from generate import LAKE, UNTIL

from cdk_mailroom.lake import named_queries
from mailroom.lake import SCHEMA

HERE = Path(__file__).parent
Rows = list[dict[str, Any]]

_TYPES = {"string": "VARCHAR", "bigint": "BIGINT", "boolean": "BOOLEAN"}
_TYPES |= {"array<string>": "VARCHAR[]", "map<string,string>": "MAP(VARCHAR, VARCHAR)"}


class Lake:
    """The rows below a folder, as the table that the saved queries read."""

    def __init__(self, folder: Path, today: date) -> None:
        # With several threads, approximate results differ from run to run.
        self._connection = duckdb.connect(config={"threads": 1})
        self._today = today
        names = {column.name: _TYPES[column.type] for column in SCHEMA}
        names |= {"event_type": "VARCHAR", "day": "VARCHAR"}
        self._connection.execute(
            "CREATE MACRO approx_percentile(value, part) AS approx_quantile(value, part)"
        )
        files = str(folder / "events" / "*" / "*" / "*.json").replace("'", "''")
        # In memory, because otherwise each query would read all the files again.
        self._connection.execute(
            f"CREATE TABLE events AS SELECT * FROM read_json('{files}', columns = {names!r}, "  # noqa: S608
            "format = 'newline_delimited', hive_partitioning = true, hive_types_autocast = false)"
        )

    def ask(self, query: str, *values: str) -> Rows:
        """Return the result of the saved *query*, as if today were the lake's last day."""
        sql = named_queries()[query].replace("current_date", f"DATE '{self._today}'")
        cursor = self._connection.execute(sql, list(values))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, found, strict=True)) for found in cursor.fetchall()]

    def number(self, sql: str) -> int:
        """Return the single number that *sql* selects."""
        [(found,)] = self._connection.execute(sql).fetchall()
        return int(found)

    def eventful_message(self) -> str:
        """Return the id of the message with the most types of events."""
        [(found,)] = self._connection.execute(
            "SELECT message_id FROM events GROUP BY message_id ORDER BY count(DISTINCT event_type) "
            "DESC, bool_or(event_type = 'delivery_delay') DESC, message_id LIMIT 1"
        ).fetchall()
        return str(found)


# Safe for colour-blind readers (Okabe and Ito). Blue and green mean that all is well.
INK, SOFT, LINE, PAPER, CARD = "#1d2733", "#66727f", "#dde3e9", "#f4f6f8", "#ffffff"
GOOD, BLUE, AMBER, RED, MACHINE = "#009e73", "#0072b2", "#e69f00", "#d55e00", "#c3ccd5"
FONT = "Helvetica Neue, Helvetica, Arial, DejaVu Sans, sans-serif"
WIDTH, HEIGHT, GAP = 1280, 1194, 24


class Picture:
    """An SVG, built element by element."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 13,
        fill: str = INK,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
            f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, radius: float = 2
    ) -> None:
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
            f'height="{max(height, 0):.1f}" rx="{radius}" fill="{fill}"/>'
        )

    def line(
        self,
        points: list[tuple[float, float]],
        stroke: str,
        *,
        width: float = 1,
        dash: str = "",
    ) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width}"'
            f' stroke-linecap="round" stroke-linejoin="round"{dashes}/>'
        )

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{CARD}" '
            'stroke-width="1.5"/>'
        )

    def card(
        self, x: float, y: float, width: float, height: float, title: str, note: str
    ) -> tuple[float, float, float, float]:
        """Draw a frame and return the area inside: x, y, width and height."""
        self.box(x, y, width, height, LINE, 10)
        self.box(x + 1, y + 1, width - 2, height - 2, CARD, 9)
        self.text(x + 22, y + 34, title, size=17, bold=True)
        self.text(x + 22, y + 54, note, size=12.5, fill=SOFT)
        return x + 22, y + 76, width - 44, height - 96

    def svg(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="{FONT}">\n<rect width="100%" height="100%" fill="{PAPER}"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def key(picture: Picture, x: float, y: float, entries: list[tuple[str, str]]) -> None:
    """Draw the legend, aligned to the right."""
    for words, fill in reversed(entries):
        picture.text(x, y, words, size=12, fill=SOFT, anchor="end")
        x -= 6.9 * len(words) + 20
        picture.box(x, y - 9, 10, 10, fill)
        x -= 18


def by_day(picture: Picture, frame: tuple[float, float, float, float], rows: Rows) -> None:
    x, y, width, height = picture.card(
        *frame,
        "Bounces by day",
        "Permanent bounces, as a percentage of mail sent. At 5 %, AWS reviews the account.",
    )
    x, width, height = x + 30, width - 30, height - 22
    top = max(8.0, math.ceil(max(row["bounce_rate"] for row in rows) / 4) * 4)
    for tick in range(0, int(top) + 1, 4):
        at = y + height * (1 - tick / top)
        picture.line([(x, at), (x + width, at)], LINE)
        picture.text(x - 8, at + 4, f"{tick} %", size=11, fill=SOFT, anchor="end")
    step = width / len(rows)
    for position, row in enumerate(rows):
        rate = row["bounce_rate"]
        tall = height * rate / top
        left = x + position * step + step * 0.15
        picture.box(left, y + height - tall, step * 0.7, tall, RED if rate >= 5 else BLUE)
        if position % 5 == 0 or position == len(rows) - 1:
            day = date.fromisoformat(row["day"])
            words = f"{day.day} {day:%b}"
            picture.text(
                left + step * 0.35, y + height + 18, words, size=11, fill=SOFT, anchor="middle"
            )
        if rate == max(one["bounce_rate"] for one in rows):
            late = position > len(rows) / 2
            picture.text(
                left + (-step * 0.3 if late else step),
                y + height - tall + 12,
                f"{rate:.1f} %: the imported list",
                size=12.5,
                fill=RED,
                anchor="end" if late else "start",
                bold=True,
            )
    at = y + height * (1 - 5 / top)
    picture.line([(x, at), (x + width, at)], RED, width=1.4, dash="2 5")


def by_domain(picture: Picture, frame: tuple[float, float, float, float], rows: Rows) -> None:
    x, y, width, height = picture.card(
        *frame,
        "Bounces and complaints by domain",
        "Bounces as a percentage of mail to the domain; complaints per thousand mails.",
    )
    left, right = x + 118, x + width - 168
    top = max(row["bounce_rate"] for row in rows)
    step = height / len(rows)
    for position, row in enumerate(rows):
        at = y + (position + 0.5) * step
        picture.text(x, at + 4, row["domain"])
        long = (right - left) * row["bounce_rate"] / top
        picture.box(left, at - 8, long, 16, RED if row["bounce_rate"] >= 5 else BLUE)
        picture.text(left + long + 8, at + 4, f"{row['bounce_rate']:.1f} %", size=12, bold=True)
        picture.text(
            x + width,
            at + 4,
            f"{10 * row['complaint_rate']:.1f} \u2030 complain",
            size=12,
            fill=RED if row["complaint_rate"] >= 0.1 else SOFT,
            anchor="end",
        )


def latency(picture: Picture, frame: tuple[float, float, float, float], rows: Rows) -> None:
    x, y, width, height = picture.card(
        *frame,
        "Delivery time by domain",
        "Median, 90th and 99th percentile; logarithmic scale.",
    )
    key(picture, x + width, y - 42, [("p50", GOOD), ("p90", AMBER), ("p99", RED)])
    left, right = x + 118, x + width - 10
    height -= 22
    low, high = math.log10(0.3), math.log10(10_000)

    def across(seconds: float) -> float:
        share = (math.log10(max(seconds, 0.3)) - low) / (high - low)
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
        picture.text(x, at + 4, row["domain"])
        picture.line([(across(row["p50"]), at), (across(row["p99"]), at)], MACHINE, width=4)
        for name, fill in (("p99", RED), ("p90", AMBER), ("p50", GOOD)):
            picture.dot(across(row[name]), at, 6, fill)


def engagement(picture: Picture, frame: tuple[float, float, float, float], rows: Rows) -> None:
    x, y, width, height = picture.card(
        *frame,
        "Opens and clicks by campaign",
        "As a percentage of delivered mail, by the tag \u201ccampaign\u201d.",
    )
    key(
        picture,
        x + width,
        y - 42,
        [("opened", BLUE), ("clicked", GOOD), ("opened automatically", MACHINE)],
    )
    left, right = x + 132, x + width - 46
    step = height / len(rows)
    for position, row in enumerate(rows):
        at = y + position * step + step * 0.5
        picture.text(x, at - 2, row["tag_value"], bold=True)
        picture.text(x, at + 14, f"{row['delivered']:,} mails", size=11.5, fill=SOFT)
        delivered = row["delivered"] or 1
        for line, (name, fill) in enumerate(
            (("opened", BLUE), ("clicked", GOOD), ("opened_automated", MACHINE))
        ):
            share = row[name] / delivered
            top = at - 21 + line * 15
            picture.box(left, top, (right - left) * share, 12, fill)
            picture.text(
                left + (right - left) * share + 6,
                top + 10,
                f"{100 * share:.0f} %",
                size=11.5,
                fill=INK if line < 2 else SOFT,
            )


def story(picture: Picture, frame: tuple[float, float, float, float], rows: Rows) -> None:
    x, y, _width, height = picture.card(
        *frame,
        "History of one message",
        f"To {rows[0]['recipients'][0]}, on {rows[0]['event_time'][:10]}.",
    )
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
            detail = f"after {row['latency_ms'] / 60_000:.0f} min: {detail}"
        picture.text(x + 232, at + 4, detail[:58], size=12, fill=SOFT)


def rest(
    picture: Picture,
    frame: tuple[float, float, float, float],
    templates: Rows,
    reasons: Rows,
    copies: int,
) -> None:
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
            f"failures of the template \u201c{row['template_name']}\u201d",
            bold=True,
        )
        picture.text(x + 92, y + 32, row["error_message"][:58], size=12, fill=SOFT)
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
        picture.text(x + 92, at + 12, str(row["example"])[:58], size=12, fill=SOFT)
    at = y + 74 + 3 * 38
    picture.text(x, at + 6, f"{copies:,}", size=18, bold=True, fill=BLUE)
    picture.text(x + 92, at - 4, "events arrived twice", bold=True)
    picture.text(x + 92, at + 12, "and are counted once in this report", size=12, fill=SOFT)


def draw(lake: Lake) -> str:
    """Return the results of the saved queries as an SVG."""
    picture = Picture()
    days = lake.ask("rates_by_day")
    total = lake.number("SELECT count(*) FROM events")
    sent = sum(row["sent"] for row in days)
    delivered = sum(row["delivered"] for row in days)
    bounced = sum(row["bounced"] for row in days)
    picture.text(40, 62, "What happened to our mail", size=30, bold=True)
    picture.text(
        40,
        90,
        f"{days[0]['day']} to {days[-1]['day']}, from the event lake\u2019s saved queries",
        size=14.5,
        fill=SOFT,
    )
    x = WIDTH - 40.0
    for number, words, fill in (
        (f"{100 * bounced / sent:.1f} %", "hard bounces", RED),
        (f"{100 * delivered / sent:.1f} %", "delivered", GOOD),
        (f"{sent:,}", "mails sent", INK),
        (f"{total:,}", "events", INK),
    ):
        picture.text(x, 66, number, size=27, fill=fill, anchor="end", bold=True)
        picture.text(x, 90, words, size=13, fill=SOFT, anchor="end")
        x -= 158
    wide = (WIDTH - 80 - GAP) / 2
    left, right = 40.0, 40.0 + wide + GAP
    rows = [120.0, 470.0, 850.0]
    domains = lake.ask("rates_by_domain")
    by_day(picture, (left, rows[0], wide, 326), days)
    by_domain(picture, (right, rows[0], wide, 326), domains)
    latency(picture, (left, rows[1], wide, 356), lake.ask("latency_percentiles"))
    tags = [row for row in lake.ask("engagement_by_tag") if row["tag"] == "campaign"]
    engagement(picture, (right, rows[1], wide, 356), tags)
    history = lake.ask("message_story", lake.eventful_message())
    story(picture, (left, rows[2], wide, 304), history)
    rest(
        picture,
        (right, rows[2], wide, 304),
        lake.ask("failing_templates"),
        lake.ask("bounce_reasons"),
        len(lake.ask("duplicates")),
    )
    picture.text(
        40,
        HEIGHT - 14,
        "Made by examples/analytics/report.py from generated events; none of this mail was sent.",
        size=11.5,
        fill=SOFT,
    )
    return picture.svg()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lake", type=Path, default=LAKE, metavar="FOLDER")
    parser.add_argument("--today", type=date.fromisoformat, default=UNTIL, metavar="YYYY-MM-DD")
    parser.add_argument("--to", type=Path, default=HERE / "report.svg", metavar="FILE")
    given = parser.parse_args(arguments)
    if not (given.lake / "events").is_dir():
        print(f"no events below {given.lake}; run generate.py first", file=sys.stderr)
        return 1
    given.to.write_text(draw(Lake(given.lake, given.today)), encoding="utf-8")
    print(f"wrote {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
