"""What was relayed: nothing leaves this machine, but the journal has every message."""

from __future__ import annotations

from collections.abc import Sequence

from mailroom_local._journal import Journal
from mailroom_local.gateway.message import Message
from mailroom_local.mail.headers import decode, header_of
from mailroom_local.receiving.message import new_message_id

RELAY = "Relay"


class Outbox:
    """Keeps relayed messages."""

    def __init__(self, journal: Journal, *, region: str) -> None:
        self._journal = journal
        self._region = region

    def relay(
        self, message: Message, recipients: Sequence[str], *, server: str, keep_sender: bool
    ) -> str:
        """Keep a message as its next server gets it, and return the id of its story."""
        relayed, raw, headers = new_message_id(), message.content(), message.headers()
        replaced = f"{relayed}@{self._region}.amazonses.com" if message.mail_from else ""
        self._journal.keep(relayed, raw)
        self._journal.write(
            "sent",
            message_id=relayed,
            mail_from=message.mail_from if keep_sender else replaced,
            rcpt_tos=list(recipients),
            subject=decode(header_of(headers, "Subject") or ""),
            size=len(raw),
            operation=RELAY,
            configuration_set=None,
            relayed_to=server,
            relay_of=message.message_id,
            in_reply_to=(header_of(headers, "In-Reply-To") or "").split(),
            references=(header_of(headers, "References") or "").split(),
        )
        self._journal.write("finished", message_id=relayed)
        return relayed
