"""The event of a gateway's rule: what is absent is absent, and never counts as passed."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom import _runtime
from mailroom.entry import receiving
from mailroom.errors import MissingField, NotConfigured, UnknownInvocation
from mailroom.handlers.receiving import auto_reply, forward, reject_spam
from mailroom.receiving import Disposition, ReceivedMail, Verdict, handed_on
from mailroom.receiving.arrivals import mails
from mailroom.receiving.handing import event as handing_event
from mailroom.testing import MemoryStore, gateway_mail, gateway_mail_event, message

PAYLOADS = Path(__file__).parents[2] / "payloads"
SAMPLE = json.loads((PAYLOADS / "received_mail.json").read_text())["Records"][0]["ses"]
PROPERTIES = sorted(
    name for name in dir(ReceivedMail) if isinstance(getattr(ReceivedMail, name), property)
)
# What a view cannot do without.
NEEDED = {
    "mail.messageId": {"message_id", "stored_at", "thread_id"},
    "mail.timestamp": {"timestamp"},
    "receipt": {"action", "action_timestamp", "synchronous", "processing_time_millis"},
    "receipt.recipients": {"recipients"},
    "receipt.timestamp": {"action_timestamp"},
}
# What is in the mail, and not in the event.
LOADED = {"text", "html", "new_text", "quoted_text", "signature", "attachments", "already_handled"}
CHECKS = ("spam", "virus", "spf", "dkim", "dmarc")


class Bucket(MemoryStore):
    """A store that has the same mail for every id."""

    bucket, prefix = "mail", "support/"

    def open(self, message_id: str) -> BytesIO:
        return BytesIO(b"From: a@example.org\nSubject: Stored\n\nHello\n")


def key_paths(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the path of every key inside *value*."""
    if not isinstance(value, dict):
        return []
    found = [(*path, key) for key in value]
    return found + [one for key in value for one in key_paths(value[key], (*path, key))]


PATHS = [path for path in key_paths(SAMPLE) if path != ("mail",)]


def without(paths: set[tuple[str, ...]]) -> dict[str, Any]:
    """Return AWS's sample without the keys at *paths*."""
    raw: dict[str, Any] = copy.deepcopy(SAMPLE)
    for path in paths:
        part: Any = raw
        for key in path[:-1]:
            part = part.get(key, {})
        part.pop(path[-1], None)
    return raw


subsets = st.sets(st.sampled_from(PATHS), max_size=12)


def failure(raw: dict[str, Any], name: str, store: Bucket | None) -> str:
    """Return why a property cannot be read; empty if it can."""
    try:
        getattr(ReceivedMail(raw, store=store), name)
    except (MissingField, NotConfigured) as error:
        return f"{type(error).__name__}: {error}"
    return ""


@given(subsets, st.sampled_from([None, Bucket()]))
def test_every_property_answers_or_says_which_key_is_missing(
    gone: set[tuple[str, ...]], store: Bucket | None
) -> None:
    """Whatever keys Mail Manager leaves out of SES's event; nothing else is raised."""
    raw = without(gone)
    missing = {f"MissingField: missing {'.'.join(path)!r}" for path in gone}
    for name in PROPERTIES:
        found = failure(raw, name, store)
        if found.startswith("NotConfigured"):
            assert store is None
            assert name in LOADED
        elif found:
            assert found in missing
            assert found.split("'")[1] in NEEDED


@pytest.mark.parametrize("path", NEEDED)
def test_what_is_needed_is_missed_and_not_guessed(path: str) -> None:
    """`MissingField` names it."""
    raw = without({tuple(path.split("."))})
    for name in NEEDED[path]:
        assert failure(raw, name, Bucket()) == f"MissingField: missing {path!r}"


@given(subsets)
def test_no_absent_verdict_counts_as_passed_or_failed(gone: set[tuple[str, ...]]) -> None:
    """It is ``None``, which is neither."""
    raw = without(gone - {("receipt",)})
    for check in CHECKS:
        verdict = getattr(ReceivedMail(raw), check)
        if not raw["receipt"].get(f"{check}Verdict", {}).get("status"):
            assert verdict == Verdict(None)
            assert not verdict.passed
            assert not verdict.failed


def test_a_mail_of_a_gateway_reads_like_any_other() -> None:
    mail = gateway_mail(message(subject="Grüße", text="Hello\n"))
    assert (mail.subject, mail.text, mail.recipients) == (
        "Grüße",
        "Hello\n",
        ["support@example.com"],
    )
    assert (mail.action, mail.synchronous, mail.stored_at) == (None, False, None)
    assert [getattr(mail, one).status for one in CHECKS] == [None, None, "PASS", "PASS", "PASS"]


def test_fields_are_read_from_the_header_where_the_event_has_not_decoded_them() -> None:
    """As ``commonHeaders`` would have had them."""
    plain = gateway_mail(message(subject="Grüße", headers={"Cc": "Ann <ann@example.org>"}))
    raw = copy.deepcopy(dict(plain.raw))
    raw["mail"]["headers"] = [
        {"name": "Subject", "value": "=?utf-8?q?Gr=C3=BC=C3=9Fe?="},
        *(one for one in raw["mail"]["headers"] if one["name"] != "Subject"),
    ]
    del raw["mail"]["commonHeaders"]
    mail = ReceivedMail(raw)
    for name in ("subject", "from_", "to", "cc", "date", "header_message_id"):
        assert getattr(mail, name) == getattr(plain, name), name


def test_fields_are_read_from_the_stored_mail_where_the_event_has_no_header() -> None:
    raw = gateway_mail_event(bare=True)
    del raw["mail"]["headers"], raw["mail"]["commonHeaders"]
    mail = ReceivedMail(raw, store=Bucket())
    assert (mail.headers_truncated, mail.subject, mail.from_) == (
        True,
        "Stored",
        ["a@example.org"],
    )


# What the entry point answers.


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Any]:
    """Invoke the entry point with a handler, an event and settings."""

    def invoke(on_mail: Callable[[ReceivedMail], Any], event: Any, **settings: str) -> Any:
        module = ModuleType("user_app")
        module.on_mail = on_mail  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "user_app", module)
        for name in ("MAILROOM_FAILURE_QUEUE", "MAILROOM_BUCKET", "MAILROOM_SYNCHRONOUS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"MAILROOM_HANDLER": "user_app:on_mail", **settings}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(receiving, "_settings", None)
        return receiving.handler(event)

    return invoke


def stop(mail: ReceivedMail) -> Disposition:
    """Stop a mail that Mail Manager waits for."""
    assert mail.synchronous
    return Disposition.STOP_RULE_SET


@pytest.mark.parametrize("bare", [False, True])
def test_a_synchronous_function_answers_although_the_event_has_no_action(
    run: Callable[..., Any], bare: bool
) -> None:
    """``MAILROOM_SYNCHRONOUS`` says what the event may not."""
    event = gateway_mail_event(bare=bare)
    assert run(stop, event, MAILROOM_SYNCHRONOUS="1") == {"disposition": "STOP_RULE_SET"}


@pytest.mark.parametrize("spelling", ["RequestResponse", "REQUEST_RESPONSE"])
def test_a_function_answers_if_the_event_says_that_it_is_waited_for(
    run: Callable[..., Any], spelling: str
) -> None:
    """In the words of receipt rules, or of Mail Manager's API."""
    event = gateway_mail_event()
    event["Records"][0]["ses"]["receipt"]["action"] = {"invocationType": spelling}
    assert run(stop, event) == {"disposition": "STOP_RULE_SET"}


@pytest.mark.parametrize("bare", [False, True])
def test_an_asynchronous_function_answers_nothing_and_raises_what_fails(
    run: Callable[..., Any], bare: bool
) -> None:
    """So that Lambda tries again, and then the dead-letter queue has the mail."""
    event = gateway_mail_event(bare=bare)
    assert run(lambda mail: None, event) is None
    with pytest.raises(ZeroDivisionError):
        run(lambda mail: 1 / 0, event)


def test_the_setup_notification_is_skipped_without_a_record_too(run: Callable[..., Any]) -> None:
    event = gateway_mail_event(message_id="AMAZON_SES_SETUP_NOTIFICATION", bare=True)
    assert run(pytest.fail, event) is None


def test_a_synchronous_failure_goes_to_the_dead_letter_queue(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the whole event, and the answer that `MAILROOM_ON_ERROR` chose."""
    kept: list[Any] = []
    monkeypatch.setattr(_runtime, "dead_letter", lambda event, *_: kept.append(event))
    event = gateway_mail_event(bare=True)
    settings = {"MAILROOM_FAILURE_QUEUE": "https://sqs", "MAILROOM_ON_ERROR": "stop_rule"}
    answer = run(lambda mail: 1 / 0, event, MAILROOM_SYNCHRONOUS="1", **settings)
    assert (answer, kept) == ({"disposition": "STOP_RULE"}, [event])


def test_an_event_about_sent_mail_is_not_taken_for_a_received_one(run: Callable[..., Any]) -> None:
    """It has a mail too, but no receipt."""
    with pytest.raises(UnknownInvocation):
        run(pytest.fail, {"eventType": "Delivery", "mail": {"messageId": "m"}, "delivery": {}})


# What the bundled behaviours do.


def test_reject_spam_does_not_let_pass_what_nobody_checked() -> None:
    """Mail Manager has no spam and no virus verdict, so it would stop nothing, ever."""
    with pytest.raises(NotConfigured, match=r"no spam and virus verdict.*REJECT_UNCHECKED=0"):
        reject_spam.on_mail(gateway_mail(synchronous=True))


def test_reject_spam_lets_unchecked_mail_continue_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("MAILROOM_REJECT_UNCHECKED", "0")
    assert reject_spam.on_mail(gateway_mail(synchronous=True)) is Disposition.CONTINUE
    assert "no verdict: spam None, virus None" in capsys.readouterr().out


def test_reject_spam_logs_authentication_that_is_absent(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """An event without DMARC is ordinary, so it continues."""
    monkeypatch.setenv("MAILROOM_REJECT", '{"dmarc": {"FAIL": "STOP_RULE_SET"}}')
    mail = gateway_mail(synchronous=True, dmarc=None)
    assert reject_spam.on_mail(mail) is Disposition.CONTINUE
    assert "no verdict: dmarc None" in capsys.readouterr().out


@pytest.fixture(autouse=True)
def _forget_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILROOM_REJECT", raising=False)
    for module in (auto_reply, forward, reject_spam):
        monkeypatch.setattr(module, "_settings", None)


def test_forward_does_not_forward_what_nobody_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_FORWARD_FROM", "support@example.com")
    monkeypatch.setenv("MAILROOM_FORWARD_TO", '["ann@example.org"]')
    with pytest.raises(forward.NotForwarded, match="no spam and virus verdict"):
        forward.on_mail(gateway_mail())


@pytest.mark.parametrize(
    ("path", "event", "reason"),
    [
        (("receipt", "recipients"), {}, "the event has no envelope recipients"),
        (("mail", "headers"), {}, "the event has not all of the header"),
        ((), {"spf": None, "dmarc": None}, "the event has no SPF verdict, and DMARC did not pass"),
    ],
)
def test_auto_reply_answers_nobody_whom_it_cannot_judge(
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    path: tuple[str, ...],
    event: dict[str, Any],
    reason: str,
) -> None:
    """And the log says why, as a warning."""
    for name, value in {"FROM": "desk@example.com", "TEXT": "Thanks", "TABLE": "Replies"}.items():
        monkeypatch.setenv(f"MAILROOM_REPLY_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    raw = gateway_mail_event(bare=True, **event)
    if path:
        del raw[path[0]][path[1]]
    auto_reply.on_mail(ReceivedMail(raw))
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["outcome"], line["reason"]) == ("WARNING", "no reply", reason)


def test_a_mail_that_is_handed_on_keeps_what_is_absent() -> None:
    raw = gateway_mail_event(bare=True, spf=None)
    del raw["receipt"]["recipients"]
    body = handing_event(ReceivedMail(raw), event_id="m-1", rule="Support", text_bytes=100)
    made = json.loads(body)
    assert made["envelope"]["recipients"] is None
    assert (made["verdicts"]["spam"], made["verdicts"]["spf"], made["stored"]) == (None, None, None)
    mail = handed_on(body)
    assert (mail.recipients, mail.spam, mail.spf) == ([], Verdict(None), Verdict(None))


def test_an_answer_needs_its_sender_if_no_recipient_is_known() -> None:
    raw = gateway_mail_event(bare=True)
    del raw["receipt"]["recipients"]
    mail = ReceivedMail(raw)
    answer = mail.reply(text="Hello", from_address="desk@example.com", quote=False)
    assert answer["From"] == "desk@example.com"


@pytest.mark.parametrize("encoding", ["UTF-8", "BASE64", None])
def test_a_published_mail_is_read_whether_or_not_its_encoding_is_said(encoding: str | None) -> None:
    """Mail Manager's topic may have either, and perhaps no action."""
    from base64 import b64encode

    data = b"Subject: Hello\r\n\r\nText\r\n"
    event = gateway_mail_event(bare=True)
    for content in {"UTF-8": [data], "BASE64": [b64encode(data)]}.get(
        encoding or "", [data, b64encode(data)]
    ):
        event |= {"notificationType": "Received", "content": content.decode()}
        if encoding:
            event["receipt"]["action"] = {"type": "SNS", "encoding": encoding}
        (mail,) = mails(json.dumps(event))
        assert mail.text == "Text\n"


@pytest.mark.parametrize("content", ["", "Hello there", "no header\n"])
def test_what_is_published_is_never_taken_for_base64_by_mistake(content: str) -> None:
    """Where the encoding is not said, only what is Base64 throughout is decoded."""
    event = gateway_mail_event(bare=True) | {"notificationType": "Received", "content": content}
    (mail,) = mails(json.dumps(event))
    with mail.open() as stream:
        assert stream.read() == content.encode()
