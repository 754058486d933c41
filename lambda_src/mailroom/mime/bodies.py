"""What of a message is its text, and what is an attachment: each part is one of the two."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailroom.mime.parts import Part

__all__ = ["attachments", "has_plain_text", "html", "is_text_to_read", "text"]

_FIRST_ONLY = frozenset(("multipart/related", "multipart/report", "multipart/signed"))

_MOST_LINES = 200_000  # that are unwrapped; what follows stays as it is


def attachments(root: Part) -> Iterator[Part]:
    """Yield every part of *root* that is a file; an attached message is one, and not opened."""
    for part in root.walk(into_messages=False):
        if (part.is_message or not part.children) and not is_text_to_read(part):
            yield part


def is_text_to_read(part: Part) -> bool:
    """Whether mail programs show *part* as text of the message."""
    if part.content_type not in ("text/plain", "text/html"):
        return False
    return part.disposition.main != "attachment" and part.name is None


def text(root: Part) -> str:
    """Return the text of *root*, from HTML where there is nothing else; ``\\n`` ends lines."""
    found = (
        _plain(part) if _is_plain(part) else _rendered(part) for part in _chosen(root, "text/plain")
    )
    return "\n\n".join(one for one in found if one.strip()).lstrip("\n")


def has_plain_text(root: Part) -> bool:
    """Whether any of `text` was not HTML."""
    return any(map(_is_plain, _chosen(root, "text/plain")))


def html(root: Part) -> str | None:
    """Return the HTML of *root*, as its sender wrote it; ``None`` if there is none."""
    found = [normal(part.text()[0]) for part in _chosen(root, "text/html") if not _is_plain(part)]
    return "\n".join(found) if found else None


def normal(text: str) -> str:
    """Return *text* with ``\\n`` as the only end of a line, without NUL and byte order marks."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").lstrip("\ufeff")


def _is_plain(part: Part) -> bool:
    return part.content_type == "text/plain"


def _chosen(part: Part, kind: str) -> list[Part]:
    """Return the texts of *part* that a reader sees who prefers *kind*."""
    if part.is_message:
        return []
    if not part.children:
        return [part] if is_text_to_read(part) else []
    if part.content_type == "multipart/alternative":
        return _alternative(part, kind)
    found = []
    for child in part.children:
        found += _chosen(child, kind)
        # A signature, or the returned message of a report, is no text of the message.
        if found and part.content_type in _FIRST_ONLY:
            break
    return found


def _alternative(part: Part, kind: str) -> list[Part]:
    best: list[Part] = []
    rank = -1
    for child in part.children:
        found = _chosen(child, kind)
        shown = [one for one in found if one.content()[0].strip()]
        found_rank = bool(found) + bool(shown) + any(one.content_type == kind for one in shown)
        # Of those that are alike, the last one is the best (RFC 2046 §5.1.4).
        if found_rank >= rank:
            best, rank = found, found_rank
    return best


def _plain(part: Part) -> str:
    text = normal(part.text()[0])
    if (part.type.get("format") or "").strip().lower() == "flowed":
        return _unwrapped(text, (part.type.get("delsp") or "").strip().lower() == "yes")
    return text


def _rendered(part: Part) -> str:
    from mailroom.mime import rendering

    return rendering.text(part.text()[0])


def _unwrapped(text: str, delete_space: bool) -> str:
    """Return text of ``format=flowed`` with its paragraphs joined (RFC 3676 §4)."""
    lines: list[list[str]] = []
    open_depth = -1  # that of the paragraph that the line before left open
    *wrapped, rest = text.split("\n", _MOST_LINES)
    for line in (*wrapped, rest) if "\n" not in rest else wrapped:
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        shown = content[:-1] if flows and delete_space else content
        if depth == open_depth and content != "-- ":
            lines[-1].append(shown)
        else:
            lines.append([f"{'>' * depth} {shown}" if depth else shown])
        open_depth = depth if flows else -1
    if "\n" in rest:
        lines.append([rest])
    joined = ("".join(pieces) for pieces in lines)
    return "\n".join(line if line == "-- " else line.rstrip(" ") for line in joined)
