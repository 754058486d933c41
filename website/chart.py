"""The picture of `docs/scaling.md`: the rate at which each part bends, on a logarithmic axis."""

from __future__ import annotations

import math
import sys
from html import escape

from places import ROOT

sys.path.append(str(ROOT / "benchmarks"))

from scale.flows import Limit, Paper

NAME = "limits"
TEXT = (
    "The rate in mails a second at which each part of sending and receiving bends, by the default "
    "quotas in us-east-1 and in the smallest region; the tables of the page have the figures."
)
_LEFT, _RIGHT, _TOP, _ROW, _EDGE = 345, 735, 34, 24, 8
_DECADES = 5
_RULES = """
    line { stroke: var(--line); stroke-width: 1; opacity: .35 }
    rect.most { fill: var(--box); stroke: var(--line) }
    text.name { text-anchor: end; font-size: 13px }
    text.head { text-anchor: start; font-weight: 600 }
    text.value { text-anchor: start; font-size: 12px }"""


def svg(style: str, rules: str) -> str:
    """Return the picture, coloured by *style* and *rules*."""
    paper = Paper()
    groups = (("Sending", paper.sending_limits()), ("Receiving", paper.receiving_limits()))
    parts: list[str] = []
    y = _TOP
    for title, limits in groups:
        parts.append(_text("head", _EDGE + 4, y + 16, title))
        y += _ROW
        for limit in limits:
            parts += _bar(limit, y)
            y += _ROW
        y += 8
    height = y + 22
    width = _RIGHT + 120
    axis = []
    for decade in range(_DECADES + 1):
        x = _x(10**decade)
        axis.append(f'  <line x1="{x:g}" y1="{_TOP - 6}" x2="{x:g}" y2="{y}"/>')
        axis.append(_text("note", x, _TOP - 14, f"{10**decade:,}"))
    axis.append(_text("note", (_LEFT + _RIGHT) / 2, y + 14, "mails a second"))
    size = f'viewBox="0 0 {width} {height}"'
    label = f'role="img" aria-label="{escape(TEXT)}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>',
            f"  <style>\n    {style}{rules}{_RULES}\n  </style>",
            f'  <rect class="ground" width="{width}" height="{height}" rx="8"/>',
            *axis,
            *parts,
            "</svg>",
            "",
        ]
    )


def _bar(limit: Limit, y: float) -> list[str]:
    start, least, most = _LEFT, _x(limit.least), _x(limit.most)
    value = f"{_shown(limit.most)}"
    if limit.least != limit.most:
        value = f"{_shown(limit.least)} to {value}"
    parts = [_text("name", _LEFT - 10, y + 16, limit.what.replace("`", ""))]
    if most > least:
        parts.append(_rect("most", least, y + 5, most - least))
    parts.append(_rect("mine", start, y + 5, max(3.0, least - start)))
    parts.append(_text("value", max(most, start + 3) + 6, y + 16, value))
    return parts


def _shown(rate: float) -> str:
    return f"{float(f'{rate:.2g}'):,.0f}"


def _x(rate: float) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * math.log10(max(1.0, rate)) / _DECADES, 1)


def _rect(kind: str, x: float, y: float, width: float) -> str:
    return f'  <rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="14" rx="2"/>'


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'  <text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'
