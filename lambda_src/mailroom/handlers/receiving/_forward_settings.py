"""The settings that `mailroom.handlers.receiving.forward` lists."""

from __future__ import annotations

import json
import os

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.handlers import _mail

__all__ = ["Settings"]


class Settings:
    """The environment, read once."""

    __slots__ = ("configuration_set", "prefix", "sender", "sender_name", "to", "token", "unscanned")

    def __init__(self) -> None:
        name, self.sender = _mail.sender_setting("MAILROOM_FORWARD_FROM")
        self.sender_name = name or self.sender.partition("@")[0]
        self.to = _recipients(_runtime.setting("MAILROOM_FORWARD_TO"))
        prefix = os.environ.get("MAILROOM_FORWARD_SUBJECT_PREFIX", "")
        self.prefix = _mail.one_line(prefix, 100)
        self.unscanned = os.environ.get("MAILROOM_FORWARD_UNSCANNED") == "1"
        self.configuration_set = os.environ.get("MAILROOM_CONFIGURATION_SET") or None
        self.token = _mail.loop_token(self.sender, *sorted(self.to))


def _recipients(text: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise NotConfigured(f"MAILROOM_FORWARD_TO is not JSON: {error}") from error
    if not isinstance(value, list) or not value:
        raise NotConfigured(f"MAILROOM_FORWARD_TO is {value!r:.80}: set it to a list of addresses")
    for address in value:
        if not isinstance(address, str) or not _mail.is_address(address):
            raise NotConfigured(
                f"MAILROOM_FORWARD_TO has {address!r:.80}: use plain ASCII addresses"
            )
    return list(dict.fromkeys(value))
