"""What Mail Manager tells functions and topics about a message.

The form is that of SES receiving, as AWS's documentation says, without verdicts on spam and
viruses, which Mail Manager does not make. No real event is public.
https://docs.aws.amazon.com/ses/latest/dg/eb-rules.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mailroom.ses import LAMBDA_HEADER_BYTES
from mailroom_local.gateway.message import Message
from mailroom_local.mail.headers import timestamp
from mailroom_local.receiving import payloads

# https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_SnsAction.html
_HEADER_BYTES = {"CONTENT": 20 * 1024, "HEADERS": 100 * 1024}


def lambda_event(
    message: Message, recipients: Sequence[str], action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    """The event of an InvokeLambda action."""
    return {
        "Records": [
            {
                "eventSource": "aws:ses",
                "eventVersion": "1.0",
                "ses": {
                    "mail": _mail(message, header_bytes=LAMBDA_HEADER_BYTES),
                    "receipt": _receipt(message, recipients, action, now=now),
                },
            }
        ]
    }


def notification(
    message: Message,
    recipients: Sequence[str],
    action: Mapping[str, str],
    *,
    payload_type: str,
    encoding: str,
    now: datetime,
) -> dict[str, Any]:
    """The notification of a PublishToSns action: with the content, or with more of its headers."""
    told = {
        "notificationType": "Received",
        "mail": _mail(message, header_bytes=_HEADER_BYTES[payload_type]),
        "receipt": _receipt(message, recipients, action, now=now),
    }
    if payload_type == "HEADERS":
        return told
    return told | {"content": payloads.encode_content(message.content(), encoding)}


def _mail(message: Message, *, header_bytes: int) -> dict[str, Any]:
    return payloads.described_mail(
        message.headers(),
        message_id=message.message_id,
        received_at=message.received_at,
        mail_from=message.mail_from,
        rcpt_tos=message.rcpt_tos,
        header_bytes=header_bytes,
    )


def _receipt(
    message: Message, recipients: Sequence[str], action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    verdicts = message.verdicts
    receipt: dict[str, Any] = {
        "timestamp": timestamp(message.received_at),
        "processingTimeMillis": max(int((now - message.received_at).total_seconds() * 1000), 0),
        "recipients": list(recipients),
        "spfVerdict": {"status": verdicts.spf},
        "dkimVerdict": {"status": verdicts.dkim},
        "dmarcVerdict": {"status": verdicts.dmarc},
        "action": dict(action),
    }
    if verdicts.dmarc == "FAIL":
        receipt["dmarcPolicy"] = verdicts.dmarc_policy
    return receipt
