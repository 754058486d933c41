"""The event as which a mail is handed on, what sends it, and what reads it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

import mail_corpus
from mailroom import _runtime
from mailroom.errors import MalformedEvent, MissingField, NotConfigured, NotHandedOn
from mailroom.handlers.receiving import (
    _handing_on,
    to_event_bus,
    to_queue,
    to_state_machine,
    to_topic,
)
from mailroom.receiving import ReceivedMail, handed_on
from mailroom.receiving.handing import MOST_BYTES
from mailroom.testing import message, received_mail

MAIL_ID = "o3vrnil0e2ic28tr0000000000000000000000g1"
EVENT_ID = f"{MAIL_ID}-c8f00ba4"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_HAND_ON_ID", "c8f00ba4")
    monkeypatch.setenv("MAILROOM_RULE", "Support")
    monkeypatch.delenv("MAILROOM_HAND_ON_TEXT_BYTES", raising=False)
    monkeypatch.setenv("MAILROOM_QUEUE", "https://sqs.example/tickets")
    monkeypatch.setenv("MAILROOM_TOPIC", "arn:aws:sns:eu-west-1:111122223333:tickets")
    monkeypatch.setenv("MAILROOM_BUS", "arn:aws:events:eu-west-1:111122223333:event-bus/own")
    monkeypatch.setenv("MAILROOM_STATE_MACHINE", "arn:aws:states:eu-west-1:1:stateMachine:own")


class Service:
    """A client of boto3 that notes each request, and answers or raises what it was given."""

    def __init__(self, answer: Any = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answer = answer or {}

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self.requests.append(request)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def serve(monkeypatch: pytest.MonkeyPatch, service: str, answer: Any = None) -> Service:
    """Put a stub in the place of the client of *service*."""
    found = Service(answer)
    monkeypatch.setitem(_runtime._clients, service, found)
    return found


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")


def event_of(mail: ReceivedMail) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_handing_on.Event(mail).body)
    return found


def stored(content: Any = None, **options: Any) -> ReceivedMail:
    """A mail whose store says where it is, as a bucket does."""
    mail = received_mail(content, **options)
    store: Any = mail._store
    store.bucket, store.prefix = "mail", "Support/"
    return mail


# What is in the event


def test_the_event_says_what_a_handler_in_python_would_read() -> None:
    mail = stored(
        message(
            from_="Jörg Müller <jm@xn--bcher-kva.example>",
            headers={"In-Reply-To": "<1@example.org>", "References": "<1@example.org>"},
            text="The log is attached.\n",
            attachments={"printer.log": b"12:00 fire\n"},
        ),
        recipients=["support+printers@example.com"],
        spam="GRAY",
        dmarc="FAIL",
        dmarc_policy="reject",
    )
    assert event_of(mail) == {
        "version": 1,
        "id": EVENT_ID,
        "message_id": MAIL_ID,
        "rule": "Support",
        "received_at": "2026-01-02T03:04:05.678Z",
        "envelope": {
            "sender": "jm@xn--bcher-kva.example",
            "recipients": ["support+printers@example.com"],
        },
        "fields": {
            "from": [{"name": "Jörg Müller", "address": "jm@xn--bcher-kva.example"}],
            "to": [{"name": "", "address": "support@example.com"}],
            "cc": [],
            "reply_to": [],
            "subject": "Test Subject",
            "date": "Fri, 02 Jan 2026 03:04:05 +0000",
            "message_id": "<0123456789@example.com>",
            "in_reply_to": "<1@example.org>",
            "references": ["<1@example.org>"],
        },
        "thread_id": "<1@example.org>",
        "label": "printers",
        "automatic": None,
        "verdicts": {
            "spam": "GRAY",
            "virus": "PASS",
            "spf": "PASS",
            "dkim": "PASS",
            "dmarc": "FAIL",
            "dmarc_policy": "reject",
        },
        "text": "The log is attached.\n",
        "attachments": [
            {
                "name": "printer.log",
                "content_type": "application/octet-stream",
                "size": 11,
                "inline": False,
                "content_id": None,
            }
        ],
        "stored": {"bucket": "mail", "key": f"Support/{MAIL_ID}"},
        "cut": [],
    }


def test_every_property_of_the_view_equals_that_of_the_mail() -> None:
    mail = stored(message(headers={"Cc": "Ann <ann@example.org>", "Reply-To": "x@example.org"}))
    view = handed_on(_handing_on.Event(mail).body)
    same = [name for name in dir(type(view)) if not name.startswith("_") and hasattr(mail, name)]
    assert len(same) > 25
    for name in same:
        if name not in ("attachments", "open", "raw", "read"):
            assert getattr(view, name) == getattr(mail, name), name
    assert (view.id, view.rule, view.cut) == (EVENT_ID, "Support", [])


def test_every_property_of_an_attachment_equals_that_of_the_mails() -> None:
    mail = stored(mail_corpus.RECEIVED["gmail_inline_image_and_attachment"])
    handed = handed_on(_handing_on.Event(mail).body).attachments
    assert handed is not None
    for view, attachment in zip(handed, mail.attachments, strict=True):
        for name in ("name", "content_type", "content_id", "size", "inline"):
            assert getattr(view, name) == getattr(attachment, name), name


def test_a_rule_that_stores_no_mail_has_neither_text_nor_attachments() -> None:
    """``None``, which says that they are not known, rather than that there are none."""
    event = event_of(ReceivedMail(received_mail().raw))
    assert (event["text"], event["attachments"], event["stored"]) == (None, None, None)
    with pytest.raises(NotConfigured, match="stores no mail"):
        handed_on(event).read()


def test_the_text_ends_at_its_bound_between_two_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAILROOM_HAND_ON_TEXT_BYTES", "5")
    event = event_of(received_mail(message(text="äöü\n")))
    assert (event["text"], event["cut"]) == ("äö", ["text"])


def test_an_event_too_large_for_its_target_has_less_text_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Quotes take two bytes each in JSON, so a text within its bound may still be too long."""
    monkeypatch.setenv("MAILROOM_HAND_ON_TEXT_BYTES", "200000")
    body = _handing_on.Event(received_mail(message(text='"' * 199_000 + "\n"))).body
    assert MOST_BYTES - 100 < len(body.encode()) <= MOST_BYTES
    assert json.loads(body)["cut"] == ["text"]


def test_lists_that_a_stranger_made_long_are_cut_and_said_so() -> None:
    """Nothing that a sender writes makes an event that the target refuses."""
    name = '"' + "\\\\" * 900 + '"'
    many = ", ".join(f"{name} <a{number}@example.com>" for number in range(150))
    content = message(
        text="x\n", attachments={f"{'n' * 200}{number}": b"" for number in range(120)}
    )
    raw = f"From: {many}\nTo: {many}\nCc: {many}\n".encode() + content.as_bytes()
    body = _handing_on.Event(received_mail(raw)).body
    assert len(body.encode()) <= MOST_BYTES
    event = json.loads(body)
    assert {"fields.from", "attachments"} <= set(event["cut"])
    assert len(event["cut"]) == len(set(event["cut"]))
    assert event["attachments"]


def test_what_targets_refuse_in_text_is_replaced() -> None:
    """NUL, halves of surrogate pairs, and what is not a character."""
    mail = received_mail()
    mail.raw["mail"]["commonHeaders"]["subject"] = "a\0b\ud800c\ufffed\r\ne"
    assert event_of(mail)["fields"]["subject"] == "a\ufffdb\ufffdc\ufffdd\r\ne"


@given(raw=st.binary(max_size=400))
def test_no_bytes_make_an_event_that_cannot_be_sent(raw: bytes) -> None:
    """It is made, it is JSON in UTF-8, and its reader takes it."""
    body = _handing_on.Event(received_mail(raw, source="a@example.com")).body
    view = handed_on(body.encode())
    assert view.message_id == MAIL_ID
    assert view.sender is not None


def test_two_rules_that_hand_on_the_same_mail_have_different_ids(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or one target would drop the other rule's event as a repeat."""
    first = _handing_on.Event(received_mail()).id
    monkeypatch.setenv("MAILROOM_HAND_ON_ID", "c8000001")
    assert _handing_on.Event(received_mail()).id != first


# Sending it


def test_a_queue_gets_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs = serve(monkeypatch, "sqs")
    to_queue.on_mail(received_mail())
    (request,) = sqs.requests
    assert request.keys() == {"QueueUrl", "MessageBody"}
    assert handed_on({"messageId": "1", "body": request["MessageBody"]}).id == EVENT_ID


def test_a_fifo_queue_keeps_conversations_in_order_and_drops_repeats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAILROOM_QUEUE", "https://sqs.example/tickets.fifo")
    sqs = serve(monkeypatch, "sqs")
    first = message(headers={"Message-ID": "<1@example.org>"})
    answer = message(headers={"Message-ID": "<2@example.org>", "References": "<1@example.org>"})
    for content in (first, first, answer, message()):
        to_queue.on_mail(received_mail(content))
    one, again, other, stranger = sqs.requests
    assert one == again
    assert one["MessageDeduplicationId"] == EVENT_ID
    assert one["MessageGroupId"] == other["MessageGroupId"] != stranger["MessageGroupId"]
    assert one["MessageGroupId"].isalnum()


def test_a_topic_gets_the_event_and_the_rule_to_filter_by(monkeypatch: pytest.MonkeyPatch) -> None:
    sns = serve(monkeypatch, "sns")
    to_topic.on_mail(received_mail())
    (request,) = sns.requests
    assert request["MessageAttributes"] == {
        "rule": {"DataType": "String", "StringValue": "Support"}
    }
    assert handed_on({"Type": "Notification", "Message": request["Message"]}).id == EVENT_ID
    monkeypatch.setenv("MAILROOM_TOPIC", "arn:aws:sns:eu-west-1:111122223333:tickets.fifo")
    to_topic.on_mail(received_mail())
    assert sns.requests[1]["MessageDeduplicationId"] == EVENT_ID


def test_a_bus_gets_the_event_as_its_detail(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = serve(monkeypatch, "events")
    to_event_bus.on_mail(received_mail())
    (entry,) = bus.requests[0]["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("cdk-mailroom", "Mail Received")
    assert handed_on({"version": "0", "detail": json.loads(entry["Detail"])}).id == EVENT_ID


def test_an_entry_that_the_bus_refuses_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the call itself succeeds."""
    refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
    serve(monkeypatch, "events", {"FailedEntryCount": 1, "Entries": [refused]})
    with pytest.raises(NotHandedOn, match="slow down") as caught:
        to_event_bus.on_mail(received_mail())
    assert caught.value.code == "ThrottlingException"


def test_a_state_machine_starts_once_for_each_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is the id; that it is taken means that an earlier try succeeded."""
    machine = serve(monkeypatch, "stepfunctions")
    to_state_machine.on_mail(received_mail())
    assert machine.requests[0]["name"] == EVENT_ID
    assert len(EVENT_ID) <= 80
    machine.answer = refusal("ExecutionAlreadyExists")
    to_state_machine.on_mail(received_mail())


@pytest.mark.parametrize(
    ("service", "behaviour"),
    [
        ("sqs", to_queue),
        ("sns", to_topic),
        ("events", to_event_bus),
        ("stepfunctions", to_state_machine),
    ],
)
def test_what_a_target_refuses_raises_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, service: str, behaviour: Any
) -> None:
    """So that Lambda tries again, and then the dead-letter queue has the mail."""
    serve(monkeypatch, service, refusal("AccessDenied"))
    with pytest.raises(NotHandedOn, match="did not take the mail") as caught:
        behaviour.on_mail(received_mail())
    assert caught.value.code == "AccessDenied"


# Reading it


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("not JSON", "not JSON"),
        ("[]", "not a JSON object, but list"),
        ({"Records": [{"body": "{}"}]}, "pass one record"),
        ({"version": "0", "detail-type": "Scheduled Event"}, "pass one record"),
        ({"version": 2, "message_id": MAIL_ID}, "update cdk-mailroom"),
    ],
)
def test_what_is_not_such_an_event_is_refused(payload: Any, words: str) -> None:
    with pytest.raises(MalformedEvent, match=words):
        handed_on(payload)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("id", "id"),
        ("message_id", "message_id"),
        ("timestamp", "received_at"),
        ("source", "envelope"),
    ],
)
def test_what_an_event_lacks_is_named_as_the_event_has_it(name: str, path: str) -> None:
    found = handed_on({"version": 1, "message_id": MAIL_ID})
    del found.raw["message_id"]
    with pytest.raises(MissingField, match=f"'{path}'"):
        getattr(found, name)


def test_keys_that_a_later_release_adds_do_not_matter() -> None:
    event = event_of(received_mail())
    assert handed_on(event | {"new": 1}).subject == "Test Subject"


def test_the_consumer_reads_the_whole_mail_where_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from io import BytesIO

    body = BytesIO(message(text="All of it\n").as_bytes())
    s3 = serve(monkeypatch, "s3", {"Body": body})
    s3.exceptions = SimpleNamespace(ClientError=ClientError)
    found = handed_on(event_of(stored())).read()
    assert found.get_content() == "All of it\n"
    assert s3.requests == [{"Bucket": "mail", "Key": f"Support/{MAIL_ID}"}]


def test_printing_the_view_shows_the_message_id_only() -> None:
    assert repr(handed_on(event_of(received_mail()))) == f"<HandedMail {MAIL_ID}>"
