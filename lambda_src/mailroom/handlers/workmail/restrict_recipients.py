"""Keep groups internal: mail to them from outside is bounced or dropped.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``groups``
        The groups' addresses.
    ``domains``
        The organization's domains. ``senders``: external addresses that may write to the groups.
    ``action``
        ``bounce`` (default), or ``drop``. ``message``: what the sender of a bounce reads.

Permissions
    None: the event is enough.

A sender is internal only if both the envelope sender and the header's sender are. A sender can be
forged, so let the organization enforce DMARC. If WorkMail does not name all recipients, a group
that it does not name cannot be protected; the log then has a warning.
"""

from __future__ import annotations

import os

from mailroom import _runtime
from mailroom.handlers.workmail import _settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.workmail import Answer, FlowMail

__all__ = ["on_flow"]

_MESSAGE = "This address accepts mail from within the organization only."


class Settings:
    """The environment, read once."""

    __slots__ = ("domains", "drop", "groups", "message", "senders")

    def __init__(self) -> None:
        found = _settings.settings("groups", "domains")
        self.groups = _settings.words(found["groups"])
        self.domains = _settings.words(found["domains"])
        self.senders = _settings.words(found.get("senders") or ())
        self.drop = found.get("action") == "drop"
        self.message = str(found.get("message") or _MESSAGE)


_found = Settings() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> Answer | None:
    """Stop *mail* for the groups among its recipients if it is from outside."""
    global _found
    settings = _found = _found or Settings()
    said = [address.casefold() for address in (mail.source, mail.sender) if address]
    allowed = bool(said) and all(
        address in settings.senders or _settings.internal(address, settings.domains)
        for address in said
    )
    if allowed:
        return None
    if mail.truncated:
        _runtime.log(
            "WARNING",
            "mailroom.workmail.restrict_recipients",
            message_id=mail.message_id,
            outcome="WorkMail did not name all recipients",
        )
    closed = [one for one in mail.recipients if one.casefold() in settings.groups]
    if not closed:
        return None
    answer = mail.answer().default()
    if settings.drop:
        return answer.drop(recipients=closed)
    return answer.bounce(settings.message, recipients=closed)
