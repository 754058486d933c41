"""Builders of mail that came through a gateway of Mail Manager."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from mailroom.receiving import ReceivedMail
from mailroom.testing.receiving import _store, received_mail_event

__all__ = ["gateway_mail", "gateway_mail_event"]


def gateway_mail_event(
    content: EmailMessage | bytes | None = None, *, bare: bool = False, **event: Any
) -> dict[str, Any]:
    """Return the event with which a gateway's rule invokes a function.

    AWS documents it as that of a receipt rule, and has published none. This one has what Mail
    Manager can know: no spam and virus verdict, and no action.

    Args:
        content: The mail. Default: `message()`.
        bare: Whether the mail comes without a record around it.
        event: The keyword arguments of `received_mail_event`; pass ``spf=None`` and so on to leave
            out other verdicts. ``synchronous`` is not in the event: pass it to `gateway_mail`, or
            set ``MAILROOM_SYNCHRONOUS=1`` where the entry point runs.
    """
    made = received_mail_event(content, **{"spam": None, "virus": None, **event})
    ses: dict[str, Any] = made["Records"][0]["ses"]
    del ses["receipt"]["action"]
    return ses if bare else made


def gateway_mail(
    content: EmailMessage | bytes | None = None,
    *,
    synchronous: bool = False,
    already_handled: bool = False,
    **event: Any,
) -> ReceivedMail:
    """Return the mail that a handler behind a gateway is called with.

    Args:
        content: The mail, which `ReceivedMail.open` and `ReceivedMail.read` return. Default:
            `message()`.
        synchronous: Whether Mail Manager waits for the answer.
        already_handled: What `ReceivedMail.already_handled` returns.
        event: The keyword arguments of `gateway_mail_event`.
    """
    raw = gateway_mail_event(content, **{**event, "bare": True})
    store = _store(raw, content, already_handled)
    return ReceivedMail(raw, store=store, synchronous=synchronous)
