"""What AWS really sends, which is then mutated."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mailroom.testing import received_mail_event

PAYLOADS = Path(__file__).parents[1] / "payloads"
_CONTENT = (
    "From: Jane <jane@example.net>\r\nTo: support@example.com\r\nSubject: Hello\r\n\r\nText\r\n"
)


def samples() -> dict[str, list[Any]]:
    """Return the samples of each kind of entry point."""
    found = {"events": _events(), "receiving": _received(), "arrivals": _arrivals()}
    if find_spec("mailroom.workmail") is not None:
        found["workmail"] = [_payload("workmail_flow.json")]
    return found


def _payload(name: str) -> Any:
    return json.loads((PAYLOADS / name).read_text("utf-8"))


def _events() -> list[Any]:
    found = [
        _payload(f"sending_events/{one.name}") for one in (PAYLOADS / "sending_events").iterdir()
    ]
    for name in ("send", "delivery"):
        recorded = _payload(f"recorded/event-{name}-sns-send_email.json")
        found += [json.loads(_message_of(recorded))] if _message_of(recorded) else []
    feedback = _payload("identity_feedback.json")
    return [*sorted(found, key=json.dumps), feedback]


def _message_of(recorded: Any) -> str:
    text = recorded.get("Message") if isinstance(recorded, dict) else None
    return text if isinstance(text, str) else ""


def _received() -> list[Any]:
    """Return the ``ses`` part of each event."""
    given = [_payload("received_mail.json"), _payload("received_mail_verdicts.json")]
    built = [received_mail_event(), received_mail_event(dmarc=None, headers_truncated=True)]
    return [one["Records"][0]["ses"] for one in (*given, *built)]


def _arrivals() -> list[Any]:
    """Return notifications of receipt rules, and events of S3."""
    mail, receipt = (received_mail_event()["Records"][0]["ses"][key] for key in ("mail", "receipt"))
    inside = {**receipt, "action": {"type": "SNS", "topicArn": "arn:aws:sns:::a"}}
    coded = {**receipt, "action": {**inside["action"], "encoding": "BASE64"}}
    stored = {**receipt, "action": {"type": "S3", "bucketName": "mail", "objectKey": "mail/1"}}
    notices = [
        {"mail": mail, "receipt": inside, "content": _CONTENT},
        {"mail": mail, "receipt": coded, "content": "RnJvbTogYUBleGFtcGxlLm5ldA0KDQp0ZXh0DQo="},
        {"mail": mail, "receipt": stored},
    ]
    created = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": "mail", "arn": "arn:aws:s3:::mail"},
            "object": {"key": "mail/o3vrnil0e2ic", "size": 1024, "eTag": "0", "sequencer": "0"},
        },
    }
    bridged = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": "mail"}, "object": {"key": "mail/o3vrn", "size": 5}},
    }
    notified = [{"notificationType": "Received", **one} for one in notices]
    return [*notified, {"Records": [created]}, bridged]
