"""Text that anyone may have written, made fit for a table, a metric or an alert."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from mailroom.events import SendingEvent

__all__ = ["answer", "configuration_set", "digest", "dimension", "shown", "stamp"]


def configuration_set(event: SendingEvent) -> str:
    """Return the configuration set's name as `dimension` does."""
    return dimension(event.mail.configuration_set)


def dimension(value: object) -> str:
    """Return *value* as a dimension's value: ASCII, short; ``none`` if empty or not a string."""
    if not isinstance(value, str):
        return "none"
    return shown(value, 100).encode("ascii", "replace").decode() or "none"


def answer(value: bool | None) -> str:
    """Return ``yes``, ``no`` or, for ``None``, ``unknown``, as a dimension's value."""
    return "unknown" if value is None else "yes" if value else "no"


def shown(value: object, limit: int = 200) -> str:
    """Return *value* as one line of at most *limit* printable characters."""
    text = value if isinstance(value, str) else ""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def stamp(moment: datetime) -> str:
    """Return *moment*, which is in UTC, as ISO 8601 with milliseconds; sorts as text."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def digest(*parts: str) -> str:
    """Return 24 hexadecimal digits that identify *parts*."""
    from hashlib import sha256

    text = "\n".join(parts).encode("utf-8", "surrogatepass")
    return sha256(text).hexdigest()[:24]
