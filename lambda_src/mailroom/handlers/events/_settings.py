"""The settings that `mailroom.handlers.events` lists."""

from __future__ import annotations

import os

from mailroom import _runtime
from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Settings", "each", "prepare", "settings"]


class Settings:
    """The environment, read once."""

    __slots__ = ("alert_topic", "expiry_warning", "suppress", "table", "ttl", "window")

    def __init__(self) -> None:
        self.table = _runtime.setting("MAILROOM_EVENT_TABLE")
        self.ttl = _number("MAILROOM_EVENT_TTL_DAYS", 90) * 86_400
        self.alert_topic = os.environ.get("MAILROOM_ALERT_TOPIC") or None
        self.window = _number("MAILROOM_ALERT_WINDOW_SECONDS", 3_600)
        self.expiry_warning = _number("MAILROOM_EXPIRY_WARNING_SECONDS", 7_200)
        suppress = os.environ.get("MAILROOM_SUPPRESS") or "1"
        if suppress not in ("0", "1"):
            raise NotConfigured(f"MAILROOM_SUPPRESS is {suppress!r:.80}: set it to '0' or '1'")
        self.suppress = suppress == "1"


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise NotConfigured(f"{name} is {text!r:.80}: set it to a whole number above 0")
    return int(text)


_settings: Settings | None = None


def settings() -> Settings:
    """Return the settings, read on first use."""
    global _settings
    if _settings is None:
        _settings = Settings()
    return _settings


def prepare(*, alerts: bool = False, suppression: bool = False) -> None:
    """Read the settings and make the clients during init, when Lambda gives a whole core.

    Does nothing if the environment has no event table, as in a unit test.
    """
    if "MAILROOM_EVENT_TABLE" not in os.environ:
        return
    chosen = settings()
    _runtime.client("dynamodb")
    if alerts and chosen.alert_topic:
        _runtime.client("sns")
    if suppression and chosen.suppress:
        _runtime.client("sesv2")


def each(*steps: Callable[[], object]) -> None:
    """Run every step, even after one failed; then raise the first error."""
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:  # raised below
            errors.append(error)
    if errors:
        raise errors[0]
