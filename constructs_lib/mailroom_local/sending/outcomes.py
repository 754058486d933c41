"""What happens to a message at each address, by the addresses of the mailbox simulator.

https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mailroom.ses import SIMULATOR_DOMAIN, EventType

LOCAL_SIMULATOR = "simulator.mailroom.local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An event at one recipient, and its details."""

    kind: EventType
    detail: Mapping[str, str] = field(default_factory=dict)


def _bounce(kind: str, subtype: str, status: str, diagnostic: str, **more: str) -> Outcome:
    detail = {"type": kind, "subtype": subtype, "status": status, "diagnostic": diagnostic, **more}
    return Outcome(kind=EventType.BOUNCE, detail=MappingProxyType(detail))


def _complaint(kind: str) -> Outcome:
    return Outcome(kind=EventType.COMPLAINT, detail=MappingProxyType({"type": kind}))


def _delay(kind: str, status: str, diagnostic: str) -> Outcome:
    detail = {"type": kind, "status": status, "diagnostic": f"smtp; {diagnostic}"}
    return Outcome(kind=EventType.DELIVERY_DELAY, detail=MappingProxyType(detail))


DELIVERED = Outcome(kind=EventType.DELIVERY)
ON_ACCOUNT_LIST = _bounce(
    "Permanent",
    "OnAccountSuppressionList",
    "5.1.1",
    "Amazon SES did not send the message to this address because it is on the suppression list "
    "for your account.",
    withheld="true",
)
ON_TENANT_LIST = _bounce(
    "Permanent",
    "OnTenantSuppressionList",
    "5.1.1",
    "Amazon SES did not send the message to this address because it is on the suppression list "
    "for your tenant.",
    withheld="true",
)
# SES documents the subtype, not the text.
NOT_VALID = _bounce(
    "Permanent",
    "EmailValidationSuppressed",
    "5.1.1",
    "Amazon SES did not send the message to this address because it did not pass the validation "
    "that the configuration set asks for.",
    withheld="true",
)
_AUTOMATIC_REPLY = Outcome(
    kind=EventType.BOUNCE,
    detail=MappingProxyType({"type": "Transient", "subtype": "General"}),
)
# SES documents that it bounces mail to a contact who has unsubscribed, not the subtype.
UNSUBSCRIBED = _bounce(
    "Permanent",
    "UnsubscribedRecipient",
    "5.1.1",
    "Amazon SES did not send the message to this address because the contact has unsubscribed.",
    withheld="true",
)

AMAZON_OUTCOMES: Mapping[str, tuple[Outcome, ...]] = {
    "success": (DELIVERED,),
    "bounce": (_bounce("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),),
    "complaint": (DELIVERED, _complaint("abuse")),
    "suppressionlist": (
        _bounce(
            "Permanent",
            "General",
            "5.1.1",
            f"As requested: user unknown (suppressed address: suppressionlist@{SIMULATOR_DOMAIN})",
        ),
    ),
    "ooto": (DELIVERED, _AUTOMATIC_REPLY),
}

# What the mailbox simulator of AWS has no address for; its names work at
# simulator.mailroom.local, too.
LOCAL_OUTCOMES: Mapping[str, tuple[Outcome, ...]] = {
    **AMAZON_OUTCOMES,
    "attachment": (
        _bounce("Transient", "AttachmentRejected", "5.7.1", "smtp; 552 5.7.1 attachment refused"),
    ),
    "content": (
        _bounce("Transient", "ContentRejected", "5.7.1", "smtp; 550 5.7.1 content refused"),
    ),
    "delay": (
        _delay("TransientCommunicationFailure", "4.4.1", "421 4.4.1 Unable to connect"),
        DELIVERED,
    ),
    "expired": (
        _delay("MailboxFull", "4.2.2", "452 4.2.2 mailbox full"),
        _bounce("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 mailbox full"),
    ),
    "fraud": (DELIVERED, _complaint("fraud")),
    "noemail": (_bounce("Permanent", "NoEmail", "5.1.1", "smtp; 550 5.1.1 no such address"),),
    "notspam": (DELIVERED, _complaint("not-spam")),
    "toolarge": (
        _bounce("Transient", "MessageTooLarge", "5.3.4", "smtp; 552 5.3.4 message too large"),
    ),
    "transient": (_bounce("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 mailbox full"),),
    "undetermined": (
        _bounce("Undetermined", "Undetermined", "5.0.0", "smtp; 554 transaction failed"),
    ),
    "virus": (DELIVERED, _complaint("virus")),
}
_OUTCOMES = {SIMULATOR_DOMAIN: AMAZON_OUTCOMES, LOCAL_SIMULATOR: LOCAL_OUTCOMES}


def outcomes(recipient: str) -> tuple[Outcome, ...]:
    """What happens to a message at an address; labels (``bounce+label@``) are ignored."""
    local, _, domain = recipient.lower().rpartition("@")
    known = _OUTCOMES.get(domain, {})
    return known.get(local.partition("+")[0], (DELIVERED,))
