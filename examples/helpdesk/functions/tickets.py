"""Turn support mail into tickets: one item for each mail, even if it is delivered twice."""

from __future__ import annotations

import os

import boto3

from mailroom.receiving import ReceivedMail

_EXCERPT_CHARACTERS = 2000

_table = boto3.resource("dynamodb").Table(os.environ["TICKETS"])


def on_mail(mail: ReceivedMail) -> None:
    if mail.automatic_reason in ("bounce", "out of office"):
        return  # nobody needs help; the mail bucket has it
    try:
        _table.put_item(Item=ticket_of(mail), ConditionExpression="attribute_not_exists(id)")
    except _table.meta.client.exceptions.ConditionalCheckFailedException:
        # SES and Lambda may deliver a mail twice; keep the ticket, which may already be closed.
        return


def ticket_of(mail: ReceivedMail) -> dict[str, object]:
    """Return the ticket to store; no I/O but reading the mail, so it is easy to test."""
    return {
        "id": mail.message_id,
        "status": "open",
        "received_at": mail.timestamp.isoformat(),
        "from": str(mail.sender or ""),
        "subject": mail.subject or "(no subject)",
        "excerpt": mail.new_text[:_EXCERPT_CHARACTERS],
        "attachments": len(mail.attachments),
        "conversation": mail.thread_id,
    }
