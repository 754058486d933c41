"""Turn support mail into tickets: one item for each mail, even if it is delivered twice."""

from __future__ import annotations

import os
from email.message import EmailMessage

import boto3

from mailroom.receiving import ReceivedMail

_EXCERPT_CHARACTERS = 2000

_table = boto3.resource("dynamodb").Table(os.environ["TICKETS"])


def on_mail(mail: ReceivedMail) -> None:
    ticket = ticket_of(mail, mail.read())
    try:
        _table.put_item(Item=ticket, ConditionExpression="attribute_not_exists(id)")
    except _table.meta.client.exceptions.ConditionalCheckFailedException:
        # SES and Lambda may deliver a mail twice; keep the ticket, which may already be closed.
        return


def ticket_of(mail: ReceivedMail, message: EmailMessage) -> dict[str, object]:
    """Return the ticket to store; no I/O, so it is easy to test."""
    body = message.get_body(preferencelist=("plain", "html"))
    text = str(body.get_content()).replace("\r\n", "\n") if body else ""
    return {
        "id": mail.message_id,
        "status": "open",
        "received_at": mail.timestamp.isoformat(),
        "from": mail.from_[0] if mail.from_ else mail.source,
        "subject": mail.subject or "(no subject)",
        "excerpt": text[:_EXCERPT_CHARACTERS],
        "attachments": sum(1 for _ in message.iter_attachments()),
        "in_reply_to": str(message["In-Reply-To"] or ""),
    }
