"""The pictures of the guides: boxes on a grid, arrows between them, and the chart of `chart`.

``python website/pictures.py`` writes them into docs/images. Each is light or dark as the reader's
system is; the site, where a reader may choose, has one file for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import chart
from places import DOCS

FOLDER = DOCS / "images"
_WIDTH, _HEIGHT, _GAP, _ROW, _EDGE = 150, 52, 36, 92, 8
_LIGHT = {
    "ground": "#ffffff",
    "ink": "#1c242c",
    "faint": "#52606d",
    "box": "#f4f6f8",
    "line": "#5b6875",
    "mine": "#e3f4e9",
    "mine-line": "#2f7d4f",
    "bad": "#fdeeec",
    "bad-line": "#b4483a",
}
_DARK = {
    "ground": "#14181d",
    "ink": "#e8edf2",
    "faint": "#a5b2bf",
    "box": "#1f262d",
    "line": "#8d9baa",
    "mine": "#173524",
    "mine-line": "#58b980",
    "bad": "#3b1d1a",
    "bad-line": "#e5877a",
}
_RULES = """
    rect.ground { fill: var(--ground) }
    rect.box { fill: var(--box); stroke: var(--line) }
    rect.mine { fill: var(--mine); stroke: var(--mine-line) }
    rect.bad { fill: var(--bad); stroke: var(--bad-line) }
    path { fill: none; stroke: var(--line); stroke-width: 1.5 }
    path.bad { stroke: var(--bad-line); stroke-dasharray: 5 4 }
    marker path { fill: var(--line); stroke: none }
    marker path.bad { fill: var(--bad-line) }
    text { font: 14px system-ui, sans-serif; fill: var(--ink); text-anchor: middle }
    text.title { font-weight: 600 }
    text.note { font-size: 12px; fill: var(--faint) }
    text.right { text-anchor: start }"""


@dataclass(frozen=True)
class Box:
    """Something at a place of the grid; ``mine`` is the user's own, ``bad`` for what failed."""

    column: float
    row: float
    title: str
    note: str = ""
    kind: str = "box"

    @property
    def x(self) -> float:
        """Its left side."""
        return _EDGE + self.column * (_WIDTH + _GAP)

    @property
    def y(self) -> float:
        """Its upper side."""
        return _EDGE + self.row * _ROW

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return self.x + _WIDTH / 2, self.y + _HEIGHT / 2


@dataclass(frozen=True)
class Picture:
    """A picture; an arrow goes from a box to a box, with a label and a kind."""

    name: str
    text: str
    """What it shows, for those who do not see it."""
    boxes: dict[str, Box]
    arrows: list[tuple[str, str, str, str]]


PICTURES = [
    Picture(
        "receiving",
        "A sender delivers mail over SMTP to the active receipt rule set. The rule that matches "
        "stores the mail, calls its handler and goes on as the disposition says. What fails goes "
        "to a dead-letter queue with an alarm.",
        {
            "sender": Box(0, 0, "Sender", "any mail server"),
            "rule": Box(1, 0, "Rule", "recipients, scan, TLS"),
            "refused": Box(2, 0, "Refused at once", "if no rule matches", "bad"),
            "store": Box(1, 1, "Store", "S3 action"),
            "bucket": Box(2, 1, "Mail bucket", "encrypted, 90 days"),
            "handler": Box(1, 2, "Handler", "Lambda action"),
            "function": Box(2, 2, "on_mail(mail)", "yours or bundled", "mine"),
            "next": Box(1, 3, "Next rule", "in your order"),
            "failed": Box(2, 3, "Dead-letter queue", "with an alarm", "bad"),
        },
        [
            ("sender", "rule", "SMTP", ""),
            ("rule", "refused", "", "bad"),
            ("rule", "store", "", ""),
            ("store", "bucket", "", ""),
            ("store", "handler", "", ""),
            ("handler", "function", "", ""),
            ("function", "bucket", "mail.read()", ""),
            ("handler", "next", "CONTINUE", ""),
            ("function", "failed", "raises", "bad"),
        ],
    ),
    Picture(
        "gateway",
        "A mail server connects to the ingress point of a gateway. The traffic policy decides "
        "about each recipient while the server waits. A rule that applies stores the message, "
        "calls its handler, and sends, relays, archives or drops it; then the next rule runs. "
        "What fails goes to a dead-letter queue and to the log, with alarms.",
        {
            "server": Box(0, 0, "Mail server", "MX, or with a login"),
            "point": Box(1, 0, "Ingress point", "TLS, own host"),
            "refused": Box(0, 1, "Refused at once", "each recipient", "bad"),
            "policy": Box(1, 1, "Traffic policy", "recipient, client, size"),
            "bucket": Box(2, 1, "Mail bucket", "encrypted, 90 days"),
            "actions": Box(0, 2, "Actions", "send, relay, archive"),
            "rule": Box(1, 2, "Rule", "when, unless"),
            "function": Box(2, 2, "on_mail(mail)", "yours or bundled", "mine"),
            "log": Box(0, 3, "Log", "alarm on failed actions", "bad"),
            "next": Box(1, 3, "Next rule", "the other recipients"),
            "failed": Box(2, 3, "Dead-letter queue", "with an alarm", "bad"),
        },
        [
            ("server", "point", "SMTP", ""),
            ("point", "policy", "", ""),
            ("policy", "refused", "", "bad"),
            ("policy", "rule", "", ""),
            ("rule", "bucket", "", ""),
            ("rule", "function", "", ""),
            ("rule", "actions", "", ""),
            ("actions", "log", "fails", "bad"),
            ("rule", "next", "", ""),
            ("function", "bucket", "mail.read()", ""),
            ("function", "failed", "raises", "bad"),
        ],
    ),
    Picture(
        "events",
        "SES publishes events of the configuration set to a topic. Each call of on has a queue and "
        "a function, which records an event in the table before it calls the handlers. What fails "
        "twice is handled alone from the isolation queue, and then goes to the dead-letter queue.",
        {
            "ses": Box(0, 0, "SES", "configuration set"),
            "topic": Box(1, 0, "SNS topic", "all types in use"),
            "queue": Box(1, 1, "Queue", "one for each on()"),
            "function": Box(1, 2, "Function", "batches of ten"),
            "table": Box(0, 2, "Event table", "90 days"),
            "handlers": Box(2, 2, "on_bounce(event)", "yours or bundled", "mine"),
            "isolation": Box(1, 3, "Isolation queue", "one event at a time", "bad"),
            "failed": Box(2, 3, "Dead-letter queue", "with an alarm", "bad"),
        },
        [
            ("ses", "topic", "", ""),
            ("topic", "queue", "filter by type", ""),
            ("queue", "function", "", ""),
            ("function", "table", "1.", ""),
            ("function", "handlers", "2.", ""),
            ("function", "isolation", "failed twice", "bad"),
            ("isolation", "failed", "", "bad"),
        ],
    ),
    Picture(
        "sending",
        "A Sender calls SES's API, or an SMTP client logs in with credentials from a secret. SES "
        "checks identity and configuration set, delivers the message, and publishes its events.",
        {
            "code": Box(0, 0, "Sender", "Lambda or anywhere", "mine"),
            "client": Box(2, 0, "SMTP client", "SmtpSender, Django", "mine"),
            "role": Box(0, 1, "grant_send", "this sender only"),
            "ses": Box(1, 1, "SES", "identity, DKIM"),
            "secret": Box(2, 1, "Secret", "SmtpCredentials"),
            "refused": Box(0, 2, "NotSent", "certainly not sent", "bad"),
            "recipient": Box(1, 2, "Recipient", "their mail server"),
            "events": Box(2, 2, "Sending events", "EventPublishing"),
        },
        [
            ("code", "ses", "API v2", ""),
            ("client", "ses", "SMTP", ""),
            ("code", "role", "", ""),
            ("client", "secret", "", ""),
            ("ses", "refused", "", "bad"),
            ("ses", "recipient", "", ""),
            ("ses", "events", "", ""),
        ],
    ),
    Picture(
        "lake",
        "SES publishes events to a Firehose stream. A transformation makes a row of each, which "
        "Firehose stores as Parquet in a bucket, by type and day. Athena asks them. What cannot be "
        "parsed goes below the errors prefix, from where it can be replayed.",
        {
            "ses": Box(0, 0, "SES", "configuration set"),
            "stream": Box(1, 0, "Firehose", "buffers, converts"),
            "transform": Box(2, 0, "Transformation", "event to row", "mine"),
            "events": Box(1, 1, "events/", "Parquet, type and day"),
            "errors": Box(2, 1, "errors/", "with alarms", "bad"),
            "athena": Box(1, 2, "Athena", "saved queries, yours"),
            "query": Box(0, 2, "mailroom query", "or report, or Lake", "mine"),
            "replay": Box(2, 2, "mailroom replay", "", "mine"),
        },
        [
            ("ses", "stream", "", ""),
            ("stream", "transform", "", ""),
            ("stream", "events", "rows", ""),
            ("transform", "errors", "unreadable", "bad"),
            ("events", "athena", "", ""),
            ("query", "athena", "SQL", ""),
            ("errors", "replay", "", ""),
        ],
    ),
    Picture(
        "handing-on",
        "A rule's function makes one documented event of a mail, and hands it to a queue, a topic, "
        "an event bus, a state machine or a signed webhook. The consumer reads the whole mail from "
        "the bucket if it needs to. What the target refuses goes to the dead-letter queue.",
        {
            "rule": Box(0, 0, "Rule", "stores the mail"),
            "function": Box(1, 0, "Function", "mail to event"),
            "failed": Box(2, 0, "Dead-letter queue", "refused three times", "bad"),
            "bucket": Box(0, 1, "Mail bucket", "mail of up to 40 MB"),
            "target": Box(1, 1, "Queue, topic, bus", "or state machine"),
            "hook": Box(2, 1, "Webhook", "signed, HTTPS"),
            "consumer": Box(1, 2, "handed_on(event)", "your consumer", "mine"),
        },
        [
            ("rule", "function", "", ""),
            ("rule", "bucket", "", ""),
            ("function", "failed", "", "bad"),
            ("function", "target", "", ""),
            ("function", "hook", "", ""),
            ("target", "consumer", "", ""),
            ("hook", "consumer", "", ""),
            ("consumer", "bucket", "mail.read()", ""),
        ],
    ),
]


def draw() -> Iterator[tuple[str, str]]:
    """Each file's name and text; a picture is light or dark as the reader's system is."""
    dark = f"@media (prefers-color-scheme: dark) {{ {_variables(_DARK)} }}"
    style = f"{_variables(_LIGHT)}\n    {dark}"
    for picture in PICTURES:
        yield f"{picture.name}.svg", _svg(picture, style)
    yield f"{chart.NAME}.svg", chart.svg(style, _RULES)


_FOR_THE_DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{ (.*) \}")


def for_site() -> Iterator[tuple[str, str]]:
    """One file for light and one for dark of each picture, whichever program drew it.

    On the site, the reader chooses.
    """
    for path in sorted(FOLDER.glob("*.svg")):
        text = path.read_text("utf-8")
        yield f"{path.stem}-light.svg", _FOR_THE_DARK.sub("", text)
        yield f"{path.stem}-dark.svg", _FOR_THE_DARK.sub(r"\1", text)


def _variables(colours: dict[str, str]) -> str:
    values = "; ".join(f"--{name}: {value}" for name, value in colours.items())
    return f"svg {{ {values} }}"


def _svg(picture: Picture, style: str) -> str:
    boxes = picture.boxes.values()
    width = max(box.x for box in boxes) + _WIDTH + _EDGE
    height = max(box.y for box in boxes) + _HEIGHT + _EDGE
    size = f'viewBox="0 0 {width:g} {height:g}"'
    label = f'role="img" aria-label="{escape(picture.text)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>',
        f"  <style>\n    {style}{_RULES}\n  </style>",
        *(_head(kind) for kind in ("", "bad")),
        f'  <rect class="ground" width="{width:g}" height="{height:g}" rx="8"/>',
        *(_arrow(picture, *arrow) for arrow in picture.arrows),
        *map(_box, boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _head(kind: str) -> str:
    return (
        f'  <marker id="head{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path class="{kind}" d="M0 0 10 5 0 10z"/></marker>'
    )


def _box(box: Box) -> str:
    x, y = box.middle
    place, size = f'x="{box.x:g}" y="{box.y:g}"', f'width="{_WIDTH}" height="{_HEIGHT}"'
    lines = [
        f'  <rect class="{box.kind}" {place} {size} rx="7"/>',
        _text("title", x, y - 3 if box.note else y + 5, box.title),
    ]
    if box.note:
        lines.append(_text("note", x, y + 15, box.note))
    return "\n".join(lines)


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'  <text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _arrow(picture: Picture, start: str, end: str, label: str, kind: str) -> str:
    a, b = picture.boxes[start], picture.boxes[end]
    (ax, ay), (bx, by) = a.middle, b.middle
    right, down = (1 if bx > ax else -1), (1 if by > ay else -1)
    if a.row == b.row:
        line = f"M{ax + right * _WIDTH / 2:g} {ay:g}H{bx - right * _WIDTH / 2:g}"
        place = ((ax + bx) / 2, ay - 8, "note")
    elif a.column == b.column:
        line = f"M{ax:g} {ay + down * _HEIGHT / 2:g}V{by - down * _HEIGHT / 2:g}"
        place = (ax + 8, (ay + by) / 2 + 4, "note right")
    else:
        # Out at the lower or upper side, and along between the rows.
        between = (ay + by) / 2
        shift = right * _WIDTH / 4
        line = (
            f"M{ax + shift:g} {ay + down * _HEIGHT / 2:g}V{between:g}H{bx - shift:g}"
            f"V{by - down * _HEIGHT / 2:g}"
        )
        place = ((ax + bx) / 2, between - 6, "note")
    parts = [f'  <path class="{kind}" d="{line}" marker-end="url(#head{kind})"/>']
    if label:
        x, y, style = place
        parts.append(_text(style, x, y, label))
    return "\n".join(parts)


def main() -> None:
    """Write the pictures."""
    for name, text in draw():
        Path(FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
