"""What SES tells functions and topics about a received message."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mailroom.ses import LAMBDA_HEADER_BYTES, SNS_HEADER_BYTES
from mailroom_local.mail.headers import (
    decode,
    described,
    mailboxes,
    shown_mailboxes,
    timestamp,
)
from mailroom_local.receiving.message import Match, Message


def lambda_event(
    message: Message, match: Match, action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    """The event of a Lambda action."""
    return {
        "Records": [
            {
                "eventSource": "aws:ses",
                "eventVersion": "1.0",
                "ses": {
                    "mail": mail_object(message, match, header_bytes=LAMBDA_HEADER_BYTES),
                    "receipt": receipt_object(message, match, action, now=now),
                },
            }
        ]
    }


def notification(
    message: Message, match: Match, action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    """The notification for an action's topic; only the SNS action adds the ``content``."""
    return {
        "notificationType": "Received",
        "mail": mail_object(message, match, header_bytes=SNS_HEADER_BYTES),
        "receipt": receipt_object(message, match, action, now=now),
    }


def mail_object(message: Message, match: Match, *, header_bytes: int) -> dict[str, Any]:
    """The ``mail`` object; headers beyond ``header_bytes`` are cut."""
    return described_mail(
        message.headers(match),
        message_id=message.message_id,
        received_at=message.received_at,
        mail_from=message.envelope.mail_from,
        rcpt_tos=message.envelope.rcpt_tos,
        header_bytes=header_bytes,
    )


def described_mail(
    headers: Sequence[tuple[str, str]],
    *,
    message_id: str,
    received_at: datetime,
    mail_from: str,
    rcpt_tos: Sequence[str],
    header_bytes: int,
) -> dict[str, Any]:
    """The ``mail`` object of a message with these header fields."""
    kept, truncated = described(headers, max_bytes=header_bytes)
    return {
        "timestamp": timestamp(received_at),
        "source": mail_from,
        "messageId": message_id,
        "destination": _destination(headers) or list(rcpt_tos),
        "headersTruncated": truncated,
        "headers": kept,
        "commonHeaders": _common_headers(headers),
    }


def receipt_object(
    message: Message, match: Match, action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    """The ``receipt`` object, with this rule's recipients and verdicts."""
    verdicts = message.verdicts.for_rule(match.rule)
    receipt: dict[str, Any] = {
        "timestamp": timestamp(message.received_at),
        "processingTimeMillis": max(int((now - message.received_at).total_seconds() * 1000), 0),
        "recipients": list(match.recipients),
        "spamVerdict": {"status": verdicts.spam},
        "virusVerdict": {"status": verdicts.virus},
        "spfVerdict": {"status": verdicts.spf},
        "dkimVerdict": {"status": verdicts.dkim},
        "dmarcVerdict": {"status": verdicts.dmarc},
        "action": dict(action),
    }
    if verdicts.dmarc == "FAIL":
        receipt["dmarcPolicy"] = verdicts.dmarc_policy
    return receipt


def encode_content(content: bytes, encoding: str) -> str:
    """The ``content`` of an SNS action's notification, in the action's encoding."""
    if encoding.lower() == "base64":
        return base64.b64encode(content).decode()
    return content.decode("utf-8", "replace")


def _common_headers(headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    common: dict[str, Any] = {}
    for name, value in headers:
        key = _COMMON.get(name.lower())
        if key is None or key in common:
            continue
        if key in _ADDRESS_LISTS:
            common[key] = shown_mailboxes(value)
        else:
            decoded = decode(value)
            common[key] = decoded.strip("<>") if key == "returnPath" else decoded
    return common


def _destination(headers: Sequence[tuple[str, str]]) -> list[str]:
    listed = [value for name, value in headers if name.lower() in ("to", "cc")]
    return [address for _, address in mailboxes(listed) if "@" in address]


_COMMON = {
    "return-path": "returnPath",
    "from": "from",
    "sender": "sender",
    "reply-to": "replyTo",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "date": "date",
    "message-id": "messageId",
    "subject": "subject",
}
_ADDRESS_LISTS = frozenset({"from", "replyTo", "to", "cc", "bcc"})
