"""A changed copy is sent instead of a mail: once, to the same recipients, and not for ever."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from mailroom import mime
from mailroom.errors import MissingField, NotConfigured, NotSent, OutcomeUnknown
from mailroom.handlers import _mail
from mailroom.handlers.receiving.resend import resend
from mailroom.receiving import ReceivedMail
from mailroom.testing import gateway_mail, gateway_mail_event, message
from runtime.receiving.conftest import Outbox

OFFICE = {"from_": "Ann <ann@example.com>", "to": "Bob <bob@example.org>"}


@pytest.fixture(autouse=True)
def _rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_RULE", "Office")
    monkeypatch.delenv("MAILROOM_CONFIGURATION_SET", raising=False)


def received(**options: Any) -> ReceivedMail:
    event: dict[str, Any] = {"recipients": ["bob@example.org", "hidden@example.org"]}
    return gateway_mail(message(**OFFICE, **options), **event)


def sent(outbox: Outbox) -> EmailMessage:
    (raw,) = outbox.raw
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def changed(mail: ReceivedMail) -> EmailMessage:
    copy = mail.read()
    copy.set_content(f"{mail.text}\n-- \nExample Ltd.\n")
    return copy


def test_the_copy_goes_to_the_envelope_recipients(outbox: Outbox) -> None:
    """Blind copies included, whom no field names."""
    mail = received()
    assert resend(mail, changed(mail))
    assert outbox.recipients == [["bob@example.org", "hidden@example.org"]]
    copy = sent(outbox)
    assert (copy["From"], copy["To"]) == ("Ann <ann@example.com>", "Bob <bob@example.org>")
    assert copy.get_content().split() == ["Hello", "--", "Example", "Ltd."]


@pytest.mark.parametrize(
    "field",
    [
        b"Subject: =?utf-8?b?/w==?= =?utf-8?b?a?= =?utf-8?b?" + b"QUFB" * 200 + b"?=",
        b"To: " + b"(" * 600,
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_a_malformed_field_does_not_keep_a_copy_from_being_sent(
    outbox: Outbox, field: bytes, inside: bool
) -> None:
    """Fields that nobody changed are written as they came, in attached messages too."""
    whole = field + b"\r\nX-Own: 1\r\n\r\nHello\r\n"
    if inside:
        whole = b"From: ann@example.com\r\nContent-Type: message/rfc822\r\n\r\n" + whole
    mail = received()
    assert resend(mail, mime.read(whole))
    assert b"Hello" in outbox.raw[0]


def test_the_copy_stays_in_its_conversation(outbox: Outbox) -> None:
    """SES replaces the message id, to which answers refer."""
    resend(received(headers={"References": "<first@example.org>"}), received().read())
    assert "<0123456789@example.com>" in sent(outbox)["References"]
    assert sent(outbox)["X-Original-Message-ID"] == "<0123456789@example.com>"


def test_a_copy_is_without_what_is_not_true_any_more(outbox: Outbox) -> None:
    fields = {"DKIM-Signature": "v=1; b=x", "Return-Path": "<ann@example.com>", "X-SES-X": "1"}
    mail = received(headers={**fields, "Bcc": "hidden@example.org", "Reply-To": "desk@example.com"})
    resend(mail, mail.read())
    copy = sent(outbox)
    assert not {*fields, "Bcc"} & set(copy.keys())
    assert copy["Reply-To"] == "desk@example.com"


def test_a_second_delivery_sends_nothing(outbox: Outbox) -> None:
    """And says that it was sent, so that the original is stopped again."""
    mail = received()
    assert resend(mail, changed(mail))
    assert resend(mail, changed(mail))
    assert len(outbox.sent) == 1


def test_a_copy_that_comes_back_goes_its_way(outbox: Outbox) -> None:
    """A recipient may be behind the same gateway."""
    mail = received()
    resend(mail, changed(mail))
    again = gateway_mail(outbox.raw[0], message_id="another", recipients=["bob@example.org"])
    assert not resend(again, b"From: ann@example.com\r\n\r\nmade from nothing")
    assert len(outbox.sent) == 1


def test_another_rule_sends_its_own_copy(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule has its own mark."""
    mail = received()
    resend(mail, changed(mail))
    monkeypatch.setenv("MAILROOM_RULE", "Banner")
    again = gateway_mail(outbox.raw[0], message_id="another", recipients=["bob@example.org"])
    assert resend(again, again.read())


def test_a_mail_that_has_been_everywhere_is_not_sent_again(outbox: Outbox) -> None:
    data = b"Received: from a\r\n" * 101 + b"From: ann@example.com\r\n\r\nHello\r\n"
    assert not resend(gateway_mail(data), data)
    assert outbox.sent == []


def test_many_recipients_take_several_messages(outbox: Outbox) -> None:
    many = [f"u{number}@example.org" for number in range(51)]
    mail = gateway_mail(message(**OFFICE), recipients=many)
    resend(mail, mail.read())
    assert sorted(map(len, outbox.recipients)) == [1, 50]


def test_it_goes_through_the_configuration_set(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "office")
    mail = received()
    resend(mail, mail.read())
    assert outbox.sent[0]["ConfigurationSetName"] == "office"


def test_what_ses_refuses_can_be_tried_again(outbox: Outbox) -> None:
    outbox.refuse = lambda number: (400, "MessageRejected", "not verified") if number == 1 else None
    mail = received()
    with pytest.raises(NotSent, match="not verified"):
        resend(mail, mail.read())
    assert resend(mail, mail.read())
    assert len(outbox.sent) == 1


def test_a_copy_of_unknown_outcome_is_not_sent_again(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two mails would be worse than a question."""

    def lost(*_: Any) -> None:
        raise OutcomeUnknown("no answer")

    monkeypatch.setattr(_mail, "send", lost)
    mail = received()
    with pytest.raises(OutcomeUnknown, match="no answer"):
        resend(mail, mail.read())
    with pytest.raises(OutcomeUnknown, match="its outcome is unknown"):
        resend(mail, mail.read())


def test_a_copy_that_is_too_large_is_refused_before_anything_is_marked(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailroom.handlers.receiving.resend.SENT_BYTES", 100)
    mail = received()
    with pytest.raises(NotSent, match="too large"):
        resend(mail, mail.read())
    assert mail.marks() == frozenset()


def test_without_marks_nothing_is_sent(outbox: Outbox) -> None:
    """A second delivery could not be told from the first."""
    mail = ReceivedMail(gateway_mail_event(bare=True))
    with pytest.raises(NotConfigured):
        resend(mail, b"From: ann@example.com\r\n\r\nHello")
    assert outbox.sent == []


def test_a_signed_copy_that_ses_would_not_take_is_refused(outbox: Outbox) -> None:
    """Its lines are too long, and mending them would break the signature."""
    signed = b"--s\r\n\r\n" + b"x" * 2_000 + b"\r\n--s--\r\n"
    copy = b"From: ann@example.com\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n" + signed
    with pytest.raises(NotSent, match="signed") as refused:
        resend(received(), copy)
    assert refused.value.code == "Unmendable"
    assert outbox.sent == []


def test_without_recipients_nothing_is_sent(outbox: Outbox) -> None:
    raw = gateway_mail_event(bare=True)
    del raw["receipt"]["recipients"]
    with pytest.raises(MissingField):
        resend(ReceivedMail(raw), b"From: ann@example.com\r\n\r\nHello")
    assert outbox.sent == []


def test_without_recipients_nothing_pretends_that_a_copy_was_sent(outbox: Outbox) -> None:
    """The rules would stop the original then, and nobody would get either."""
    mail = received()
    with pytest.raises(NotSent, match="nobody is to get the copy"):
        resend(mail, changed(mail), recipients=[])
    assert outbox.sent == []
