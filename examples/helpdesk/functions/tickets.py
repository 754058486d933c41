"""Turn support mail into tickets: one item and one answer for each mail, even if it comes twice."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256

import boto3

from mailroom.conversation import reply_address
from mailroom.receiving import ReceivedMail, send_once
from mailroom.sending import Sender

_EXCERPT_CHARACTERS = 2000

_table = boto3.resource("dynamodb").Table(os.environ["TICKETS"])
_secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["REPLY_KEY"])
_key = _secret["SecretString"]
_support = os.environ["SUPPORT"]
sender = Sender(from_address=_support)


def on_mail(mail: ReceivedMail) -> None:
    if mail.automatic_reason in ("bounce", "out of office"):
        return  # nobody needs help; the mail bucket has it
    token = mail.token(key=_key)
    ticket = token["ticket"] if token else sha256(mail.message_id.encode()).hexdigest()[:12]
    # SES and Lambda may deliver a mail twice. Keep the ticket, which may already be closed, and go
    # on: the first delivery may have failed before its answer was sent.
    with suppress(_table.meta.client.exceptions.ConditionalCheckFailedException):
        _table.put_item(
            Item={**item_of(mail), "ticket": ticket},
            ConditionExpression="attribute_not_exists(id)",
        )
    if token is None and not mail.is_automatic:
        send_once(mail, "answer", lambda: answer(mail, ticket))


def answer(mail: ReceivedMail, ticket: str) -> None:
    sender.reply(
        mail,
        text=f"Thank you. We will answer soon; your ticket is {ticket}.",
        reply_to=reply_address(_support, token={"ticket": ticket}, key=_key),
    )


def item_of(mail: ReceivedMail) -> dict[str, object]:
    """Return what to store of *mail*; no I/O but reading it, so it is easy to test."""
    return {
        "id": mail.message_id,
        "status": "open",
        "received_at": mail.timestamp.isoformat(),
        "from": str(mail.sender or ""),
        "subject": mail.subject or "(no subject)",
        "excerpt": mail.new_text[:_EXCERPT_CHARACTERS],
        "attachments": len(mail.attachments),
    }
