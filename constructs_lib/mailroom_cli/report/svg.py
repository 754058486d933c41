"""Draws an SVG, element by element."""

from __future__ import annotations

from html import escape

from mailroom_cli.terminal import visible

# Safe for colour-blind readers (Okabe and Ito). Blue and green mean that all is well.
INK, SOFT, LINE, PAPER, CARD = "#1d2733", "#66727f", "#dde3e9", "#f4f6f8", "#ffffff"
GOOD, BLUE, AMBER, RED, MACHINE = "#009e73", "#0072b2", "#e69f00", "#d55e00", "#c3ccd5"
_FONT = "Helvetica Neue, Helvetica, Arial, DejaVu Sans, sans-serif"
WIDTH, HEIGHT, GAP = 1280, 1194, 24

Frame = tuple[float, float, float, float]
"""Left, top, width and height of a part of the picture."""


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
        """Draw text; control characters in it are shown as escapes."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" '
            f'text-anchor="{anchor}"{weight}>{escape(visible(words))}</text>'
        )

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, radius: float = 2
    ) -> None:
        """Draw a filled rectangle."""
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
        """Draw a line through the points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="{width}"'
            f' stroke-linecap="round" stroke-linejoin="round"{dashes}/>'
        )

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        """Draw a filled circle."""
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{CARD}" '
            'stroke-width="1.5"/>'
        )

    def card(self, x: float, y: float, width: float, height: float, title: str, note: str) -> Frame:
        """Draw a frame and return the area inside: x, y, width and height."""
        self.box(x, y, width, height, LINE, 10)
        self.box(x + 1, y + 1, width - 2, height - 2, CARD, 9)
        self.text(x + 22, y + 34, title, size=17, bold=True)
        self.text(x + 22, y + 54, note, size=12.5, fill=SOFT)
        return x + 22, y + 76, width - 44, height - 96

    def nothing(self, x: float, y: float) -> None:
        """Draw that there is nothing to draw."""
        self.text(x, y + 20, "Nothing in these days.", fill=SOFT)

    def svg(self) -> str:
        """Return the picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="{_FONT}">\n<rect width="100%" height="100%" fill="{PAPER}"/>\n'
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
