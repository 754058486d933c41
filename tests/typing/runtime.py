"""What a type checker knows of the runtime's public types."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any, assert_type

from mailroom.events import (
    Bounce,
    Complaint,
    Delivery,
    EventType,
    SendingEvent,
    UnknownEvent,
    parse,
)
from mailroom.lake import Answer, Lake
from mailroom.receiving import Disposition, ReceivedMail, Verdict
from mailroom.sending import Sender, Sent
from mailroom.testing import MemoryLake, message, received_mail, sending_event


def on_mail(mail: ReceivedMail) -> Disposition | None:
    assert_type(mail.subject, str | None)
    assert_type(mail.recipients, list[str])
    assert_type(mail.spam, Verdict)
    assert_type(mail.timestamp, datetime)
    assert_type(mail.read(), EmailMessage)
    mail.raw = mail.sbuject  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return Disposition.STOP_RULE if mail.spam.failed else None


def on_event(event: SendingEvent) -> str | None:
    assert_type(event.mail.tags.get("campaign"), list[str] | None)
    match event:
        case Bounce():
            return event.bounce_type
        case Complaint():
            return event.complaint_feedback_type
        case Delivery() | UnknownEvent():
            return None
        case _:
            return event.type


def send(sender: Sender, to: Sequence[str]) -> str:
    sent = sender.send_simple(to=to, subject="Hello", text="Hello.")
    assert_type(sent, Sent)
    sender.send_simple(to=to, topic="Hello", text="Hello.")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    return sent.message_id


def ask(lake: Lake) -> list[dict[str, Any]]:
    answer = lake.query("message_story", parameters={"message_id": "x"}, days=1)
    assert_type(answer, Answer)
    assert_type(answer.bytes_read, int)
    lake.query("message_story", "x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    return answer.rows


def check_builders() -> None:
    assert_type(received_mail(message(subject="Hello"), spam="FAIL"), ReceivedMail)
    assert_type(sending_event(EventType.BOUNCE), SendingEvent)
    assert_type(parse({}), SendingEvent)
    ask(MemoryLake({"message_story": [{"copies": 1}]}))
