"""Forwarding: which mail is sent, announced or refused, and that none is lost."""

from __future__ import annotations

import json
from email import message_from_bytes, policy

import pytest

from mailroom import _runtime
from mailroom.errors import MessageNotStored, NotConfigured, NotSent
from mailroom.handlers.receiving import _rewriting, forward
from mailroom.receiving import MailBucket, ReceivedMail
from mailroom.testing import received_mail_event
from runtime.receiving.conftest import Outbox
from runtime.receiving.forwarding import forwarded, mail_of, plain, stored

pytestmark = pytest.mark.usefixtures("forwarding")


# What is forwarded


@pytest.mark.parametrize("check", ["spam", "virus"])
@pytest.mark.parametrize("unscanned", ["", "1"])
def test_failed_mail_is_never_forwarded(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, check: str, unscanned: str
) -> None:
    """Spam and viruses stay in the bucket whatever the setting."""
    monkeypatch.setenv("MAILROOM_FORWARD_UNSCANNED", unscanned)
    forward.on_mail(mail_of(plain(), **{check: "FAIL"}))
    assert outbox.attempts == 0


def test_mail_that_may_be_spam_is_forwarded(outbox: Outbox) -> None:
    """An uncertain verdict does not lose mail."""
    sent = forwarded(outbox, plain(), spam="GRAY")
    assert sent["X-Mailroom-Verdicts"].startswith("spam=GRAY; virus=PASS")


@pytest.mark.parametrize(
    ("spam", "virus"),
    [
        ("DISABLED", "PASS"),
        ("PROCESSING_FAILED", "PASS"),
        (None, "PASS"),
        ("NEW", "PASS"),
        ("PASS", "GRAY"),
        ("PASS", "DISABLED"),
        ("PASS", "PROCESSING_FAILED"),
        ("PASS", None),
    ],
)
def test_unscanned_mail_is_not_forwarded_unless_allowed(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, spam: str | None, virus: str | None
) -> None:
    """Unscanned mail goes to the failure queue; with the setting it is forwarded."""
    with pytest.raises(forward.NotForwarded, match="MAILROOM_FORWARD_UNSCANNED"):
        forward.on_mail(mail_of(plain(), spam=spam, virus=virus))
    assert outbox.attempts == 0
    monkeypatch.setenv("MAILROOM_FORWARD_UNSCANNED", "1")
    monkeypatch.setattr(forward, "_settings", None)
    forward.on_mail(mail_of(plain(), spam=spam, virus=virus))
    assert len(outbox.sent) == 1


# Loops


def test_our_own_mail_is_not_forwarded_again(outbox: Outbox) -> None:
    """What this rule sent and gets back raises instead of going round."""
    forward.on_mail(mail_of(plain()))
    with pytest.raises(forward.NotForwarded, match="came back"):
        forward.decide(mail_of(outbox.raw[0]), forward.Settings())
    with pytest.raises(forward.NotForwarded, match="came back"):
        forward.on_mail(mail_of(outbox.raw[0]))
    assert len(outbox.sent) == 1


def test_mark_is_found_where_the_event_was_cut(outbox: Outbox) -> None:
    """The event's header ends at 50 KB; the stored header has the mark."""
    forward.on_mail(mail_of(plain()))
    raw = received_mail_event(plain())["Records"][0]["ses"]
    store = mail_of(outbox.raw[0])._store
    with pytest.raises(forward.NotForwarded, match="came back"):
        forward.on_mail(ReceivedMail(raw, store=store))


def test_another_rule_may_forward_on(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark is one rule's: sales mail forwarded to support is forwarded by support too."""
    monkeypatch.setenv("MAILROOM_RULE", "Sales")
    forward.on_mail(mail_of(plain()))
    monkeypatch.setenv("MAILROOM_RULE", "Support")
    monkeypatch.setattr(forward, "_settings", None)
    forward.on_mail(mail_of(outbox.raw[0]))
    assert outbox.raw[1].count(b"X-Mailroom-Loop: ") == 2


def test_more_than_a_hundred_received_fields_are_a_loop(outbox: Outbox) -> None:
    """More Received fields than any server allows are a loop through other people's servers."""
    with pytest.raises(forward.NotForwarded, match="loop"):
        forward.on_mail(mail_of(plain(*["Received: x"] * 101)))


def test_foreign_bounce_is_forwarded(outbox: Outbox) -> None:
    """A delivery report about a recipient's own mail is forwarded to them."""
    sent = forwarded(outbox, plain("From: MAILER-DAEMON@mx.example.org"), source="")
    assert sent["From"].addresses[0].addr_spec == "support@example.com"
    assert sent["Reply-To"] == "MAILER-DAEMON@mx.example.org"


@pytest.mark.parametrize("across", [False, True])
def test_bounce_of_a_forwarded_mail_is_reported_not_forwarded(outbox: Outbox, across: bool) -> None:
    """A report about our own forwarding would bounce too; it raises an error instead."""
    forward.on_mail(mail_of(plain()))
    # The mark may be split between two chunks.
    at = outbox.raw[0].index(forward.Settings().token.encode())
    pad = forward._CHUNK - at - 16 if across else 0
    report = plain("From: MAILER-DAEMON@mx.example.net", body=b"x" * pad + outbox.raw[0])
    with pytest.raises(forward.NotForwarded, match="forwarding fails"):
        forward.on_mail(mail_of(report, source=""))
    assert len(outbox.sent) == 1


def test_an_absence_note_of_a_recipient_is_not_forwarded(outbox: Outbox) -> None:
    """A forward address's automatic answer to forwarded mail does not come back to it."""
    note = plain("From: Team <Team@example.net>", "Auto-Submitted: auto-replied (vacation)")
    forward.on_mail(mail_of(note, source="team@example.net"))
    assert outbox.attempts == 0


def test_automatic_mail_of_others_is_forwarded_as_such(outbox: Outbox) -> None:
    """Notifications are mail too, and stay marked as automatic."""
    sent = forwarded(outbox, plain("Auto-Submitted: auto-generated"))
    assert sent["Auto-Submitted"] == "auto-generated"


# Too large


def test_mail_that_is_too_large_is_forwarded_as_an_announcement(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of a mail over SES's limit goes a short one that says where it is."""
    monkeypatch.setattr(forward, "SENT_BYTES", 1_000_000)
    forward.on_mail(stored(plain("Subject: Plans", body=b"x" * 2_000_000)))
    sent = message_from_bytes(outbox.raw[0], policy=policy.default)
    text = sent.get_content().replace("\r\n", "\n")
    assert "From:    Jane Doe <jane@example.org>\n" in text
    assert "Subject: Plans\n" in text
    assert "Size:    2.0 MB\n" in text
    assert "s3://mail-bucket/in/m/1 ü\n" in text
    assert (
        "https://eu-west-1.console.aws.amazon.com/s3/object/mail-bucket"
        "?region=eu-west-1&prefix=in%2Fm%2F1%20%C3%BC\n"
    ) in text
    assert sent["Reply-To"] == "jane@example.org"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert outbox.recipients == [["team@example.net"]]


def test_the_first_of_several_authors_is_the_one_of_an_announcement(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "SENT_BYTES", 1_000)
    authors = "From: Jane <jane@example.org>, Joe <joe@example.org>"
    forward.on_mail(stored(plain(authors, body=b"x" * 2_000)))
    sent = message_from_bytes(outbox.raw[0], policy=policy.default)
    assert sent["From"].addresses[0].display_name == "Jane via Support"
    assert sent["Reply-To"] == "jane@example.org"


def test_a_header_that_is_too_large_is_forwarded_as_an_announcement(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An enormous header is neither held in memory nor lost."""
    data = plain("X-Long: " + "x" * _rewriting._MAX_HEADER)
    forward.on_mail(stored(data, plain("Subject: Plans")))
    assert b"Not forwarded: Plans" in outbox.raw[0]


def test_the_sender_cannot_add_fields_to_the_announcement(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line breaks in what the announcement quotes start neither fields nor lines."""
    monkeypatch.setattr(forward, "SENT_BYTES", 10)
    mail = stored(plain())
    mail.raw["mail"]["commonHeaders"].update(
        {"subject": "a\r\nBcc: victim@example.org\n\nhttp://evil", "from": ["x\r\nBcc: v@x <j@x>"]}
    )
    forward.on_mail(mail)
    sent = message_from_bytes(outbox.raw[0], policy=policy.default)
    assert sent["Bcc"] is None
    assert "Subject: a Bcc: victim@example.org http://evil\r\n" in sent.get_content()


REFUSED_FOR_GOOD = [
    (413, "RequestEntityTooLarge", "no"),
    (400, "BadRequestException", "Message length is more than 41943040 bytes long: '9'."),
    (400, "MessageRejected", "Email address is not verified."),
    (400, "MailFromDomainNotVerifiedException", "no MX record"),
]


@pytest.mark.parametrize("refusal", REFUSED_FOR_GOOD)
def test_what_ses_refuses_for_good_is_announced(
    outbox: Outbox, refusal: tuple[int, str, str]
) -> None:
    """The recipients learn that there is a mail, why it did not come, and where it is."""
    outbox.refuse = lambda number: refusal if number == 1 else None
    forward.on_mail(stored(plain("Subject: Plans")))
    assert outbox.attempts == 2
    sent = message_from_bytes(outbox.raw[0], policy=policy.default)
    assert sent["Subject"] == "Not forwarded: Plans"
    assert f"Reason:  SES refused it: {refusal[1]}: {refusal[2]}" in sent.get_content()
    assert "s3://mail-bucket/in/m/1 ü" in sent.get_content()


def test_an_announcement_that_is_refused_too_propagates(outbox: Outbox) -> None:
    """Then only the failure queue is left; as nothing was sent, a later try sends the mail."""
    mail = stored(plain("Subject: Plans"))
    outbox.refuse = lambda number: REFUSED_FOR_GOOD[2]
    with pytest.raises(NotSent):
        forward.on_mail(mail)
    outbox.refuse = lambda number: None
    forward.on_mail(mail)
    (raw,) = outbox.raw
    assert b"Subject: Plans\r\n" in raw


@pytest.mark.parametrize(
    ("region", "start"),
    [
        ("us-gov-west-1", "https://console.amazonaws-us-gov.com/s3/object/b?region=us-gov-west-1&"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/s3/object/b?region=cn-north-1&"),
        ("", "https://console.aws.amazon.com/s3/object/b?prefix=k"),
    ],
)
def test_the_console_link_follows_the_partition(region: str, start: str) -> None:
    """The console lives elsewhere in GovCloud and China."""
    assert forward._console_link("b", "k", region).startswith(start)


# Failures


@pytest.mark.parametrize(
    ("refusal", "attempts"),
    [
        ((429, "TooManyRequestsException", "Maximum sending rate exceeded."), 5),
        ((400, "SendingPausedException", "paused"), 1),
        ((403, "AccessDeniedException", "no"), 1),
    ],
)
def test_a_refusal_that_may_pass_propagates(
    outbox: Outbox, refusal: tuple[int, str, str], attempts: int
) -> None:
    """It goes to Lambda's retry and the failure queue; Lambda's next try sends the mail."""
    mail = mail_of(plain())
    outbox.refuse = lambda number: refusal
    with pytest.raises(NotSent) as caught:
        forward.on_mail(mail)
    assert caught.value.code == refusal[1]
    assert outbox.attempts == attempts
    outbox.refuse = lambda number: None
    forward.on_mail(mail)
    assert len(outbox.sent) == 1


def test_a_refused_batch_does_not_stop_the_others(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch is tried before the first error is raised, and none is sent twice."""
    everyone = json.dumps([f"u{n}@example.net" for n in range(101)])
    monkeypatch.setenv("MAILROOM_FORWARD_TO", everyone)
    outbox.refuse = lambda number: (400, "SendingPausedException", "no") if number == 1 else None
    mail = mail_of(plain())
    with pytest.raises(NotSent):
        forward.on_mail(mail)
    assert [len(batch) for batch in outbox.recipients] == [50, 1]
    forward.on_mail(mail)
    assert [batch[0] for batch in outbox.recipients] == [f"u{n}@example.net" for n in (50, 100, 0)]


def test_a_refused_batch_alone_gets_the_announcement(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have the mail itself."""
    everyone = json.dumps([f"u{n}@example.net" for n in range(51)])
    monkeypatch.setenv("MAILROOM_FORWARD_TO", everyone)
    outbox.refuse = lambda number: (400, "MessageRejected", "no") if number == 1 else None
    forward.on_mail(stored(plain()))
    assert [b"Not forwarded" in raw for raw in outbox.raw] == [True, False]
    assert [len(batch) for batch in outbox.recipients] == [50, 1]


def test_missing_mail_propagates(outbox: Outbox) -> None:
    """Mail that is missing from the bucket raises an error."""
    mail = mail_of(plain())
    mail._store.messages.clear()  # type: ignore[union-attr]
    with pytest.raises(MessageNotStored):
        forward.on_mail(mail)


def test_mail_is_streamed_from_the_mail_bucket(outbox: Outbox, aws: None) -> None:
    """From S3's own stream, whose chunks end anywhere, the mail arrives whole."""
    data = plain("Subject: x", body=bytes(range(256)) * 3000)
    client = _runtime.client("s3")
    place = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket="mail", CreateBucketConfiguration=place)
    client.put_object(Bucket="mail", Key="in/m1", Body=data)
    raw = received_mail_event(plain(), message_id="m1")["Records"][0]["ses"]
    forward.on_mail(
        ReceivedMail(raw, store=MailBucket(bucket="mail", prefix="in/", mark_prefix="marks/"))
    )
    assert outbox.raw[0].partition(b"\r\n\r\n")[2] == data.partition(b"\r\n\r\n")[2]


def test_repeated_delivery_is_forwarded_once_if_remembered(outbox: Outbox) -> None:
    """With remembered mail, a second delivery by SES is not forwarded again."""
    forward.on_mail(mail_of(plain(), already_handled=True))
    assert outbox.attempts == 0


def test_nothing_is_forwarded_where_nothing_is_remembered(outbox: Outbox) -> None:
    """Without marks, Lambda's retries could send a second copy."""
    raw = received_mail_event(plain())["Records"][0]["ses"]
    with pytest.raises(NotConfigured, match="remember_handled=True"):
        forward.on_mail(ReceivedMail(raw, store=MailBucket(bucket="mail", client=object())))
    assert outbox.attempts == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILROOM_FORWARD_TO", ""),
        ("MAILROOM_FORWARD_TO", "team@example.net"),
        ("MAILROOM_FORWARD_TO", "[]"),
        ("MAILROOM_FORWARD_TO", '["not an address"]'),
        ("MAILROOM_FORWARD_TO", '["a@example.net\\r\\nBcc: b@example.net"]'),
        ("MAILROOM_FORWARD_TO", '["jürgen@example.net"]'),
        ("MAILROOM_FORWARD_FROM", ""),
        ("MAILROOM_FORWARD_FROM", "Support"),
        ("MAILROOM_FORWARD_FROM", "a@example.com\r\nBcc: b@example.net"),
    ],
)
def test_the_error_names_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A setting that cannot work is refused by name before any mail is touched."""
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=name):
        forward.Settings()
