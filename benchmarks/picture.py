"""Draws the comparisons: how many times as much ours takes, each with its spread.

Light or dark as the reader's system is. The scale is logarithmic: half and twice are equally far
from the middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby

from benchmarks.measuring import Comparison, Growth, shown

_WIDTH, _ROW, _HEAD, _LEFT, _RIGHT, _EDGE = 1000, 26, 40, 560, 90, 24
_LEAST, _MOST = 1 / 64, 16
_CHART = 190
_LIGHT = {
    "ground": "#ffffff",
    "ink": "#1c242c",
    "faint": "#52606d",
    "line": "#dde3e9",
    "ahead": "#1f7a4d",
    "behind": "#b3470f",
    "floor": "#5b6875",
}
_DARK = {
    "ground": "#14181d",
    "ink": "#e8edf2",
    "faint": "#a5b2bf",
    "line": "#343d46",
    "ahead": "#58b980",
    "behind": "#f0935c",
    "floor": "#a5b2bf",
}
_RULES = """
    rect { fill: var(--ground) }
    text { font: 14px system-ui, sans-serif; fill: var(--ink) }
    text.title { font-size: 18px; font-weight: 600 }
    text.head { font-weight: 600 }
    text.note { font-size: 13px; fill: var(--faint) }
    path { fill: none; stroke: var(--line) }
    path.even { stroke: var(--faint); stroke-width: 1.5 }
    path.ahead, path.behind, path.floor { stroke-width: 2 }
    .ahead { stroke: var(--ahead) } circle.ahead { fill: var(--ahead) }
    .behind { stroke: var(--behind) } circle.behind { fill: var(--behind) }
    .floor { stroke: var(--floor) } circle.floor { fill: var(--ground); stroke-width: 2 }
    path.dash1 { stroke-dasharray: 7 4 }
    path.dash2 { stroke-dasharray: 2 3 }
    path.dash3 { stroke-dasharray: 10 3 2 3 }"""
_BY = {"wall": "clock", "cpu": "CPU", "memory": "memory"}


def draw(comparisons: Sequence[Comparison], growth: Sequence[Growth]) -> str:
    """Return the picture as SVG."""
    parts: list[str] = []
    y = _heading(parts)
    for subject, found in groupby(comparisons, key=lambda one: one.subject):
        y += _HEAD - _ROW
        parts.append(_text(_EDGE, y + 18, subject, "head"))
        y += _ROW
        for one in found:
            _comparison(parts, y, one)
            y += _ROW
    _scale(parts, 112, y + 6)
    y += 52
    half = (_WIDTH - 3 * _EDGE) / 2
    for number, one in enumerate(growth):
        x = _EDGE + (number % 2) * (half + _EDGE)
        _growth(parts, x, y + number // 2 * (_CHART + 110), half, one)
    y += math.ceil(len(growth) / 2) * (_CHART + 110)
    dark = f"@media (prefers-color-scheme: dark) {{ svg {{ {_variables(_DARK)} }} }}"
    style = f"svg {{ {_variables(_LIGHT)} }}\n    {dark}{_RULES}"
    label = f"cdk-mailroom beside its alternatives: {len(comparisons)} ratios"
    size = f'viewBox="0 0 {_WIDTH} {y:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">',
            f"  <style>\n    {style}\n  </style>",
            f'  <rect width="{_WIDTH}" height="{y:.0f}" rx="8"/>',
            # Lines are below everything else.
            *sorted(
                (f"  {part}" for part in parts), key=lambda part: '<path class="grid' not in part
            ),
            "</svg>\n",
        ]
    )


def _heading(parts: list[str]) -> float:
    parts.append(_text(_EDGE, 38, "cdk-mailroom beside its alternatives", "title"))
    y = 64
    for kind, x, words in (
        ("ahead", _EDGE + 6, "ours takes less"),
        ("behind", _EDGE + 146, "the peer takes less"),
        ("floor", _EDGE + 312, "a floor, which does only a part of the work"),
    ):
        parts.append(f'<circle class="{kind}" cx="{x}" cy="{y - 5}" r="5"/>')
        parts.append(_text(x + 12, y, words, "note"))
    words = "Median, and the least and the most of all rounds; on a logarithmic scale."
    parts.append(_text(_EDGE, y + 22, words, "note"))
    return y + 42


def _comparison(parts: list[str], y: float, one: Comparison) -> None:
    kind = "floor" if one.is_floor else "ahead" if one.ratio.median <= 1 else "behind"
    parts.append(_text(_EDGE + 14, y + 18, f"{one.what}, beside {one.peer}"))
    middle, x = y + 13, _at(one.ratio.median)
    least, most = _at(one.ratio.least), _at(one.ratio.most)
    parts.append(f'<path class="{kind}" d="M{least:.1f} {middle - 4}v8m0 -4H{most:.1f}m0 -4v8"/>')
    parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{middle}" r="5"/>')
    value = f"{one.ratio.median:.2f} {_BY[one.by]}"
    parts.append(_text(_WIDTH - _EDGE, y + 18, value, "note", "end"))


def _scale(parts: list[str], top: float, bottom: float) -> None:
    figure = _LEAST
    while figure <= _MOST:
        x = _at(figure)
        kind = "grid even" if figure == 1 else "grid"
        parts.append(f'<path class="{kind}" d="M{x:.1f} {top}V{bottom}"/>')
        words = f"1/{1 / figure:.0f}" if figure < 1 else f"{figure:.0f} times"
        words = "as much" if figure == 1 else words
        parts.append(_text(x, bottom + 18, words, "note", "middle"))
        figure *= 4
    parts.append(_text(_at(1) - 8, bottom + 36, "← ours takes less", "note", "end"))
    parts.append(_text(_at(1) + 8, bottom + 36, "ours takes more →", "note", "start"))


def _at(ratio: float) -> float:
    span = _WIDTH - _LEFT - _RIGHT - _EDGE
    clipped = min(max(ratio, _LEAST), _MOST)
    return _LEFT + span * math.log(clipped / _LEAST) / math.log(_MOST / _LEAST)


def _growth(parts: list[str], x: float, y: float, width: float, one: Growth) -> None:
    """Draw a line for each candidate, both axes logarithmic."""
    figures = [figure for found in one.costs.values() for figure in found if figure > 0]
    low, high = min(figures) / 1.3, max(figures) * 1.3
    left, top, right = x + 64, y + 44, x + width - 12
    bottom = top + _CHART - 44
    parts.append(_text(x, y + 22, f"{one.title} ({_BY[one.by]})", "head"))

    def across(size: float) -> float:
        first, last = one.sizes[0], one.sizes[-1]
        return left + (right - left) * math.log(size / first) / math.log(last / first)

    def up(figure: float) -> float:
        return bottom - (bottom - top) * math.log(max(figure, low) / low) / math.log(high / low)

    for figure in (min(figures), max(figures)):
        parts.append(_text(left - 8, up(figure) + 5, shown(figure, one.by), "note", "end"))
        parts.append(f'<path class="grid" d="M{left:.1f} {up(figure):.1f}H{right:.1f}"/>')
    for size in one.sizes:
        parts.append(f'<path class="grid" d="M{across(size):.1f} {top:.1f}V{bottom:.1f}"/>')
        last = size == one.sizes[-1]
        words = f"{size:,} {one.unit}" if last else f"{size:,}"
        parts.append(_text(across(size), bottom + 18, words, "note", "end" if last else "middle"))
    dashes = {"ahead": 0, "floor": 0}
    for number, (name, found) in enumerate(one.costs.items()):
        kind = "ahead" if name.startswith(("cdk-mailroom", "mailroom")) else "floor"
        dash = f" dash{dashes[kind]}"
        dashes[kind] += 1
        points = [
            f"{across(size):.1f} {up(figure):.1f}"
            for size, figure in zip(one.sizes, found, strict=True)
        ]
        parts.append(f'<path class="{kind}{dash}" d="M{"L".join(points)}"/>')
        row, column = divmod(number, 2)
        place = x + column * width / 2
        line = bottom + 40 + row * 18
        parts.append(f'<path class="{kind}{dash}" d="M{place:.1f} {line - 5:.1f}h22"/>')
        parts.append(_text(place + 28, line, name, "note"))


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    given = f' class="{kind}"' if kind else ""
    return (
        f'<text{given} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words, quote=False)}</text>"
    )


def _variables(colours: dict[str, str]) -> str:
    return "; ".join(f"--{name}: {value}" for name, value in colours.items())
