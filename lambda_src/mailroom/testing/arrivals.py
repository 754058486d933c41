"""Builders of mail that arrives in another way than by SES calling the function."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from email import policy
from email.message import EmailMessage
from typing import Any, Literal
from urllib.parse import quote_plus

from mailroom.receiving import handing
from mailroom.testing.receiving import message, received_mail, received_mail_event

__all__ = ["bucket_event", "handed_on_event", "notification_event"]

_TOPIC = "arn:aws:sns:us-east-1:111122223333:mail"
_QUEUE = "arn:aws:sqs:us-east-1:111122223333:mail"


def notification_event(
    content: EmailMessage | bytes | None = None,
    *,
    encoding: Literal["UTF-8", "Base64"] | None = "UTF-8",
    stored_at: tuple[str, str] | None = None,
    through: Literal["sns", "sqs", "sqs-raw"] = "sns",
    **event: Any,
) -> dict[str, Any]:
    """Return the event with which a notification of a receipt rule reaches a function.

    Args:
        content: The mail. Default: `message()`.
        encoding: How the SNS action encodes the mail in it; ``None`` for a notification of
            another action, which has no mail in it.
        stored_at: Bucket and key, for a notification of the S3 action. Default: of the SNS action.
        through: ``sns``, if the function subscribes to the topic; ``sqs``, if a queue does, and
            ``sqs-raw``, if it does with raw message delivery.
        event: The keyword arguments of `received_mail_event`.
    """
    raw = received_mail_event(content, **event)["Records"][0]["ses"]
    action: dict[str, Any] = {"type": "SNS", "topicArn": _TOPIC}
    notified = {"notificationType": "Received", **raw}
    if stored_at is not None:
        bucket, key = stored_at
        action |= {"type": "S3", "bucketName": bucket, "objectKey": key}
    elif encoding is not None:
        data = _data(content)
        action["encoding"] = encoding.upper().replace("-", "")
        notified["content"] = (
            base64.b64encode(data).decode()
            if encoding == "Base64"
            else data.decode("utf-8", "replace")
        )
    notified["receipt"] = {**raw["receipt"], "action": action}
    subject = "Amazon SES Email Receipt Notification"
    return _through(json.dumps(notified), through, subject)


def bucket_event(
    key: str,
    *,
    bucket: str = "mail",
    through: Literal["s3", "sns", "sqs", "eventbridge"] = "s3",
) -> dict[str, Any]:
    """Return the event with which S3 tells a function of a new object.

    Args:
        key: The object's key, such as ``Support/o3vrnil0e2ic28tr``.
        bucket: The bucket's name.
        through: ``s3``, if the bucket calls the function; what it goes through otherwise.
    """
    if through == "eventbridge":
        return {
            "version": "0",
            "id": "17793124-05d4-b198-2fde-7ededc63b103",
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"version": "0", "bucket": {"name": bucket}, "object": {"key": key}},
        }
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-02T03:04:06.789Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": quote_plus(key, safe="/"), "size": 1024},
        },
    }
    event = {"Records": [record]}
    if through == "s3":
        return event
    way: Literal["sns", "sqs-raw"] = "sns" if through == "sns" else "sqs-raw"
    return _through(json.dumps(event), way, "Amazon S3 Notification")


def handed_on_event(
    content: EmailMessage | bytes | None = None,
    *,
    rule: str = "Support",
    text_bytes: int = 64 * 1024,
    stored_at: tuple[str, str] | None = None,
    **event: Any,
) -> dict[str, Any]:
    """Return the event as which a mail is handed on; `mailroom.receiving.handed_on` reads it.

    Args:
        content: The mail. Default: `message()`.
        rule: The rule's construct id.
        text_bytes: How much of the text is in it.
        stored_at: Bucket and key of the whole mail. Default: none.
        event: The keyword arguments of `received_mail_event`.
    """
    mail = received_mail(content, **event)
    made: dict[str, Any] = json.loads(
        handing.event(
            mail, event_id=f"{mail.message_id}-c8000000", rule=rule, text_bytes=text_bytes
        )
    )
    if stored_at is not None:
        made["stored"] = {"bucket": stored_at[0], "key": stored_at[1]}
    return made


def _through(text: str, through: str, subject: str) -> dict[str, Any]:
    notification: Mapping[str, Any] = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": _TOPIC,
        "Subject": subject,
        "Message": text,
        "Timestamp": "2026-01-02T03:04:06.000Z",
    }
    if through == "sns":
        return {
            "Records": [
                {
                    "EventSource": "aws:sns",
                    "EventVersion": "1.0",
                    "EventSubscriptionArn": f"{_TOPIC}:21be56ed-a058-49f5-8c98-aedd2564c486",
                    "Sns": notification,
                }
            ]
        }
    body = text if through == "sqs-raw" else json.dumps(notification)
    return {
        "Records": [
            {
                "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
                "body": body,
                "eventSource": "aws:sqs",
                "eventSourceARN": _QUEUE,
                "awsRegion": "us-east-1",
            }
        ]
    }


def _data(content: EmailMessage | bytes | None) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content or message()).as_bytes(policy=policy.SMTP)
