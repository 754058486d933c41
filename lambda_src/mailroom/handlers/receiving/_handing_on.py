"""What the behaviours that hand mail on share: their settings, the event, and its id.

Settings
    ``MAILROOM_HAND_ON_ID``
        Tells the functions that hand the same mail on apart; part of each event's id.
    ``MAILROOM_HAND_ON_TEXT_BYTES``
        How much of the text is in the event; 64 KiB by default.
"""

from __future__ import annotations

import json
import os
import re

from mailroom import _runtime
from mailroom.errors import NotConfigured, NotHandedOn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mailroom.receiving import ReceivedMail

__all__ = ["Event", "conversation", "delivered"]

_TEXT_BYTES = 64 * 1024


class Event:
    """The event of *mail*: its ``id`` and its JSON, ``body``.

    The id has letters, digits and hyphens only, and at most 80 of them, so that it can be the name
    of an execution and a deduplication id. It is the same whenever this mail is handled again.
    """

    __slots__ = ("body", "id")

    def __init__(self, mail: ReceivedMail) -> None:
        from mailroom.receiving import handing

        text_bytes = os.environ.get("MAILROOM_HAND_ON_TEXT_BYTES") or str(_TEXT_BYTES)
        if not text_bytes.isdecimal():
            raise NotConfigured(
                f"MAILROOM_HAND_ON_TEXT_BYTES is {text_bytes!r:.80}: set it to a number of bytes"
            )
        own = re.sub(r"[^A-Za-z0-9]", "", _runtime.setting("MAILROOM_HAND_ON_ID"))[:16]
        self.id = f"{re.sub(r'[^A-Za-z0-9]', '', mail.message_id)[:60]}-{own}"
        self.body = handing.event(
            mail,
            event_id=self.id,
            rule=os.environ.get("MAILROOM_RULE"),
            text_bytes=int(text_bytes),
        )


def conversation(event: Event) -> str:
    """Return what a FIFO target keeps in order: the mails of one conversation."""
    from hashlib import sha256

    return sha256(json.loads(event.body)["thread_id"].encode()).hexdigest()[:32]


def delivered(target: str, call: Callable[[], Any], *, unless: str | None = None) -> Any:
    """Return what *call* returns; raise `NotHandedOn` with the target's reason if it refuses.

    Args:
        target: What is called, for the error.
        call: The request.
        unless: The code of an error that means that an earlier try succeeded.
    """
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code") or "")
        if unless is not None and code == unless:
            return None
        raise NotHandedOn(f"{target} did not take the mail: {error}", code=code) from error
