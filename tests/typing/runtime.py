"""What a type checker knows of the runtime's public types."""

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any, assert_type

from mailroom import sending
from mailroom.conversation import Split, reply_address, split
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
from mailroom.receiving import (
    Address,
    Attachment,
    BucketMail,
    Disposition,
    HandedMail,
    ReceivedMail,
    Verdict,
    handed_on,
)
from mailroom.sending import InlineTemplate, Sender, Sent, SmtpSender, Tracking
from mailroom.testing import (
    MemoryLake,
    automatic_message,
    message,
    received_mail,
    reply_message,
    sending_event,
)


def on_mail(mail: ReceivedMail) -> Disposition | None:
    assert_type(mail.subject, str | None)
    assert_type(mail.recipients, list[str])
    assert_type(mail.spam, Verdict)
    assert_type(mail.timestamp, datetime)
    assert_type(mail.read(), EmailMessage)
    mail.raw = mail.sbuject  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    return Disposition.STOP_RULE if mail.spam.failed else None


def answer(mail: ReceivedMail, sender: Sender) -> Sent:
    assert_type(mail.sender, Address | None)
    assert_type(mail.to_addresses, list[Address])
    assert_type(mail.attachments, list[Attachment])
    assert_type(mail.new_text, str)
    assert_type(mail.thread_id, str)
    assert_type(mail.automatic_reason, str | None)
    assert_type(mail.token(key=[b"new", b"old"]), dict[str, str | int] | None)
    assert_type(mail.reply(text="Hello"), EmailMessage)
    assert_type(split("Hello"), Split)
    assert_type(reply_address("a@example.com", token={"ticket": 47}, key="key"), str)
    mail.reply("Hello")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    return sender.reply(mail, text="Hello", tags={"kind": "answer"})


def consume(body: bytes, headers: dict[str, str]) -> tuple[str, str] | None:
    mail = handed_on(body, headers=headers, secret="whsec_a2V5")
    assert_type(mail, HandedMail)
    assert_type(mail.sender, Address | None)
    assert_type(mail.text, str | None)
    assert_type(mail.cut, list[str])
    assert_type(mail.read(), EmailMessage)
    return mail.stored_at


def on_object(mail: BucketMail) -> str | None:
    assert_type(mail.source, None)
    assert_type(mail.recipients, None)
    return mail.subject


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
    assert_type(reply_message(automatic_message("list"), program="outlook"), EmailMessage)
    ask(MemoryLake({"message_story": [{"copies": 1}]}))


def mail_of_a_tenant(sender: Sender) -> Sent:
    assert_type(sender.for_tenant("acme"), Sender)
    return sender.send_template(
        template=InlineTemplate(subject="{{title}}", text="{{title}}"),
        data={"title": "News"},
        to="jane@example.com",
        attachments=[sending.Attachment("a.pdf", b"")],
        tracking=Tracking(opens=False),
    )


def smtp() -> SmtpSender:
    return SmtpSender(host="localhost")
