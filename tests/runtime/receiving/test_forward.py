"""Forwarding: what goes out, what never does, and that nothing is lost between."""

from __future__ import annotations

import email.utils
import json
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom import _runtime
from mailroom.errors import MessageNotStored, NotConfigured
from mailroom.handlers import _mail
from mailroom.handlers.receiving import _rewriting, forward
from mailroom.receiving import MailBucket, ReceivedMail
from mailroom.testing import message, received_mail, received_mail_event

if TYPE_CHECKING:
    from .conftest import Outbox

FROM = "Support <support@example.com>"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_FORWARD_TO", '["team@example.net"]')
    monkeypatch.setenv("MAILROOM_FORWARD_FROM", FROM)
    for name in (
        "MAILROOM_FORWARD_SUBJECT_PREFIX",
        "MAILROOM_FORWARD_UNSCANNED",
        "MAILROOM_CONFIGURATION_SET",
        "MAILROOM_RULE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(forward, "_settings", None)


def crlf(*lines: str | bytes) -> bytes:
    return b"".join((x.encode() if isinstance(x, str) else x) + b"\r\n" for x in lines)


def plain(*fields: str | bytes, body: bytes = b"Hello\r\n") -> bytes:
    names = b"\n".join(x.encode() if isinstance(x, str) else x for x in fields).lower()
    start = [] if b"from:" in names else ["From: Jane Doe <jane@example.org>"]
    return crlf(*start, *fields) + b"\r\n" + body


def mail_of(data: bytes, **event: Any) -> ReceivedMail:
    event.setdefault("source", "jane@example.org")
    return received_mail(data, **event)


def forwarded(outbox: Outbox, data: bytes, **event: Any) -> EmailMessage:
    forward.on_mail(mail_of(data, **event))
    (raw,) = outbox.raw
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


# From, Reply-To and the envelope


def test_from_becomes_the_verified_sender(outbox: Outbox) -> None:
    """From keeps the sender's name readably and holds no address but the verified one."""
    (address,) = forwarded(outbox, plain())["From"].addresses
    assert (address.display_name, address.addr_spec) == (
        "Jane Doe via Support",
        "support@example.com",
    )


def test_a_sender_without_a_name_is_shown_without_an_at_sign(outbox: Outbox) -> None:
    """Without a display name the address is shown, with no @ that mimics another sender."""
    sent = forwarded(outbox, plain("From: jane@example.org"))
    assert sent["From"].addresses[0].display_name == "jane at example.org via Support"


def test_from_keeps_names_beyond_ascii(outbox: Outbox) -> None:
    """An encoded display name stays readable and goes out in ASCII."""
    sent = forwarded(outbox, plain("From: =?iso-8859-1?Q?J=FCrgen_M=FCller?= <j@example.org>"))
    assert sent["From"].addresses[0].display_name == "Jürgen Müller via Support"
    assert outbox.raw[0].split(b"\r\n\r\n")[0].isascii()


def test_an_encoded_line_break_in_the_name_starts_no_field(outbox: Outbox) -> None:
    """A line break hidden in an encoded display name starts no field."""
    hidden = "From: =?utf-8?Q?Jane=0D=0ABcc=3A_victim=40example.org?= <jane@example.org>"
    forward.on_mail(stored(plain(hidden), plain()))
    head = outbox.raw[0].partition(b"\r\n\r\n")[0]
    assert b'From: "Jane Bcc: victim at example.org via Support" <support@example.com>' in head
    assert b"\r\nBcc" not in head


def test_reply_to_defaults_to_the_original_from(outbox: Outbox) -> None:
    """Without a Reply-To an answer goes to the original From."""
    assert forwarded(outbox, plain())["Reply-To"] == "Jane Doe <jane@example.org>"


def test_reply_to_is_kept(outbox: Outbox) -> None:
    """A Reply-To of the sender's stays, all its addresses."""
    sent = forwarded(outbox, plain("Reply-To: a@example.org,\r\n b@example.org"))
    assert sent["Reply-To"] == "a@example.org, b@example.org"


def test_reply_to_in_eight_bits_is_encoded(outbox: Outbox) -> None:
    """Raw UTF-8 in Reply-To becomes ASCII, and unusable addresses beside it are left out."""
    sent = forwarded(outbox, plain("Reply-To: Jürgen <j@example.org>, bad@@x, ü@example.org"))
    assert [a.addr_spec for a in sent["Reply-To"].addresses] == ["j@example.org"]
    assert sent["Reply-To"].addresses[0].display_name == "Jürgen"


@pytest.mark.parametrize("value", ["Jürgen <j@example.org>", "<j@example.org>, bad@@x"])
def test_reply_to_that_ses_refuses_is_rewritten(outbox: Outbox, value: str) -> None:
    """Eight-bit names and malformed neighbours each cost the message, so neither leaves."""
    forwarded(outbox, plain("Reply-To: " + value))
    head = outbox.raw[0].partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert b"<j@example.org>" in head
    assert b"bad@@x" not in head


def test_a_sender_that_pythons_parser_refuses_is_found(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer Pythons give up on an address as its own display name; the answer still arrives."""
    monkeypatch.setattr(email.utils, "getaddresses", lambda values: [("", "")])
    sent = forwarded(outbox, plain("From: jane@example.org <jane@example.org>"))
    assert sent["Reply-To"].addresses[0].addr_spec == "jane@example.org"


def test_destination_is_the_setting_alone(outbox: Outbox) -> None:
    """Only the forward addresses receive it, whomever the header names."""
    forwarded(outbox, plain("To: support@example.com", "Cc: other@example.org"))
    assert outbox.recipients == [["team@example.net"]]


def test_over_fifty_addresses_are_split(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """SES takes 50 recipients a message; more get several, none is forgotten."""
    everyone = [f"u{n}@example.net" for n in range(101)]
    monkeypatch.setenv("MAILROOM_FORWARD_TO", json.dumps(everyone))
    forward.on_mail(mail_of(plain()))
    assert [len(batch) for batch in outbox.recipients] == [50, 50, 1]
    assert [one for batch in outbox.recipients for one in batch] == everyone


def test_configuration_set_is_passed(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration set goes into the API call, where v2 looks for it."""
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "events")
    forwarded(outbox, plain())
    assert outbox.sent[0]["ConfigurationSetName"] == "events"


# Header fields


@pytest.mark.parametrize(
    "name",
    [
        "DKIM-Signature",
        "DomainKey-Signature",
        "Return-Path",
        "Sender",
        "ARC-Seal",
        "ARC-Message-Signature",
        "Authentication-Results",
        "Received-SPF",
        "X-SES-CONFIGURATION-SET",
        "X-SES-MESSAGE-TAGS",
        "X-SES-SOURCE-ARN",
        "x-ses-anything",
        "Bcc",
        "Resent-Bcc",
        "Message-ID",
        "Errors-To",
        "Bounces-To",
        "Return-Receipt-To",
        "Feedback-ID",
        "X-Mailroom-Anything",
    ],
)
@pytest.mark.parametrize("form", ["{}: smuggled", "{} : smuggled", "{}:\r\n smuggled"])
def test_misleading_fields_are_removed(outbox: Outbox, name: str, form: str) -> None:
    """What would be false or would steer our sending is gone, folded or oddly spaced as well."""
    forwarded(outbox, plain(form.format(name), "X-Kept: yes"))
    assert b"smuggled" not in outbox.raw[0]
    assert b"X-Kept: yes\r\n" in outbox.raw[0]


def test_received_trace_stays(outbox: Outbox) -> None:
    """Received fields stay in order: mail servers count them to end loops."""
    sent = forwarded(outbox, plain("Received: from b", "Received: from a"))
    assert sent.get_all("Received") == ["from b", "from a"]


def test_thread_survives_the_new_message_id(outbox: Outbox) -> None:
    """The original id is the last reference, since SES replaces Message-ID."""
    sent = forwarded(outbox, plain("References: <r@x>", "Message-ID: <m@x>"))
    assert sent["References"].split() == ["<r@x>", "<m@x>"]
    assert sent["X-Original-Message-ID"] == "<m@x>"


def test_original_date_is_kept(outbox: Outbox) -> None:
    """SES replaces Date, so the sender's stays beside it."""
    sent = forwarded(outbox, plain("Date: Fri, 02 Jan 2026 03:04:05 +0000"))
    assert sent["X-Original-Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"


def test_repeated_single_fields_are_reduced(outbox: Outbox) -> None:
    """SES refuses some fields twice; the first one counts, as it does for most readers."""
    sent = forwarded(outbox, plain("Subject: one", "Subject: two", "List-Id: a", "List-Id: b"))
    assert sent.get_all("Subject") == ["one"]
    assert sent.get_all("List-Id") == ["a"]


def test_bare_carriage_return_starts_no_field(outbox: Outbox) -> None:
    """A CR without LF, a line end to some readers, becomes a blank."""
    forwarded(outbox, plain(b"X-Kept: a\rBcc: victim@example.org"))
    assert b"X-Kept: a Bcc: victim@example.org\r\n" in outbox.raw[0]


def test_folding_without_text_does_not_end_the_header(outbox: Outbox) -> None:
    """A folded line of blanks, which some readers take for the end of the header, is dropped."""
    forwarded(outbox, plain("X-Kept: a\r\n  \r\n b", "Bcc: victim@example.org"))
    head, _, body = outbox.raw[0].partition(b"\r\n\r\n")
    assert b"X-Kept: a\r\n b" in head
    assert body == b"Hello\r\n"


def test_a_line_that_is_not_a_field_is_kept(outbox: Outbox) -> None:
    """What is no field can be the sender's text, and may end no header."""
    sent = forwarded(outbox, plain("Subject: x", "Where is my order?", "Bcc: victim@example.org"))
    assert sent["X-Malformed"] == "Where is my order?"
    assert sent["Bcc"] is None


def test_the_prefix_comes_before_the_subject(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prefix comes before the subject, which is otherwise untouched."""
    monkeypatch.setenv("MAILROOM_FORWARD_SUBJECT_PREFIX", "[sales]")
    assert forwarded(outbox, plain("Subject: Hi there"))["Subject"] == "[sales] Hi there"


def test_a_prefix_that_the_subject_has_is_not_repeated(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that has the prefix already gets no second one."""
    monkeypatch.setenv("MAILROOM_FORWARD_SUBJECT_PREFIX", "[sales]")
    assert forwarded(outbox, plain("Subject: Re: [sales] Hi"))["Subject"] == "Re: [sales] Hi"


def test_a_prefix_beyond_ascii_is_encoded(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two encoded words side by side keep the blank between them."""
    monkeypatch.setenv("MAILROOM_FORWARD_SUBJECT_PREFIX", "[Büro]")
    sent = forwarded(outbox, plain("Subject: =?utf-8?B?w7xiZXI=?="))
    assert sent["Subject"] == "[Büro] über"


def test_mail_without_a_subject_gets_the_prefix(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail without a subject is marked as well."""
    monkeypatch.setenv("MAILROOM_FORWARD_SUBJECT_PREFIX", "[sales]")
    assert forwarded(outbox, plain())["Subject"] == "[sales]"


def test_the_body_is_not_changed(outbox: Outbox) -> None:
    """Eight-bit text, bare line feeds, NULs and lines that look like fields pass as they are."""
    body = b"\xff\xfe\x00\n\nBcc: x\r\rDKIM-Signature: y\n" + bytes(range(256))
    forwarded(outbox, plain(body=body))
    assert outbox.raw[0].partition(b"\r\n\r\n")[2] == body


def test_a_header_with_bare_line_feeds_is_read(outbox: Outbox) -> None:
    """A header with bare line feeds is read alike and leaves with CRLF."""
    forwarded(outbox, b"From: a@example.org\nBcc: b@example.org\nX-Kept: 1\n\nHi\n")
    head, _, body = outbox.raw[0].partition(b"\r\n\r\n")
    assert (b"X-Kept: 1" in head, b"Bcc" in head, body) == (True, False, b"Hi\n")


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
    """SES looked and was unsure: a doubt costs nobody a mail."""
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
def test_unscanned_mail_waits_unless_wanted(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, spam: str | None, virus: str | None
) -> None:
    """Mail that nobody cleared goes to the failure queue; with the setting it is forwarded."""
    with pytest.raises(forward.NotForwarded, match="MAILROOM_FORWARD_UNSCANNED"):
        forward.on_mail(mail_of(plain(), spam=spam, virus=virus))
    assert outbox.attempts == 0
    monkeypatch.setenv("MAILROOM_FORWARD_UNSCANNED", "1")
    monkeypatch.setattr(forward, "_settings", None)
    forward.on_mail(mail_of(plain(), spam=spam, virus=virus))
    assert len(outbox.sent) == 1


# Loops


def test_own_mail_is_not_forwarded_again(outbox: Outbox) -> None:
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
    """A delivery report about somebody's own mail is theirs to read."""
    sent = forwarded(outbox, plain("From: MAILER-DAEMON@mx.example.org"), source="")
    assert sent["From"].addresses[0].addr_spec == "support@example.com"
    assert sent["Reply-To"] == "MAILER-DAEMON@mx.example.org"


@pytest.mark.parametrize("across", [False, True])
def test_bounce_of_a_forwarded_mail_is_reported_not_forwarded(outbox: Outbox, across: bool) -> None:
    """A report about our own forwarding would bounce in its turn; somebody must know instead."""
    forward.on_mail(mail_of(plain()))
    # The mark may lie across the border of two chunks.
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


class Bucket:
    """A store that says where it is, as the mail bucket does."""

    bucket = "mail-bucket"
    prefix = "in/"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def open(self, message_id: str) -> BytesIO:
        return BytesIO(self.data)

    def was_handled(self, message_id: str) -> bool:
        raise NotConfigured("not remembered")

    def mark_handled(self, message_id: str) -> None: ...


def stored(data: bytes, event_data: bytes | None = None, **event: Any) -> ReceivedMail:
    raw = received_mail_event(event_data or data, message_id="m/1 ü", **event)["Records"][0]["ses"]
    return ReceivedMail(raw, store=Bucket(data))


def test_mail_too_large_is_announced(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_header_too_large_is_announced(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header of a size that is no header's is not held in memory, and not lost either."""
    data = plain("X-Long: " + "x" * _rewriting._MAX_HEADER)
    forward.on_mail(stored(data, plain("Subject: Plans")))
    assert b"Too large: Plans" in outbox.raw[0]


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


@pytest.mark.parametrize(
    "refusal",
    [
        (413, "RequestEntityTooLarge", "no"),
        (400, "BadRequestException", "Message length is more than 41943040 bytes long: '9'."),
    ],
)
def test_size_refused_by_ses_is_announced(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, refusal: tuple[int, str, str]
) -> None:
    """Where AWS's limit can be read in two ways, SES is asked, and a no is announced."""
    monkeypatch.setattr(forward, "SENT_BYTES_V1", 10)
    outbox.refuse = lambda number: refusal if number == 1 else None
    forward.on_mail(stored(plain("Subject: Plans")))
    assert b"Too large: Plans" in outbox.raw[0]


@pytest.mark.parametrize(
    ("region", "start"),
    [
        ("us-gov-west-1", "https://console.amazonaws-us-gov.com/s3/object/b?region=us-gov-west-1&"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/s3/object/b?region=cn-north-1&"),
        ("", "https://console.aws.amazon.com/s3/object/b?prefix=k"),
    ],
)
def test_console_link_follows_the_partition(region: str, start: str) -> None:
    """The console lives elsewhere in GovCloud and China."""
    assert forward._console_link("b", "k", region).startswith(start)


# Failures


@pytest.mark.parametrize(
    "refusal",
    [
        (400, "MessageRejected", "Email address is not verified: message length"),
        (429, "TooManyRequestsException", "Maximum sending rate exceeded."),
        (400, "SendingPausedException", "paused"),
    ],
)
def test_refusal_by_ses_propagates(outbox: Outbox, refusal: tuple[int, str, str]) -> None:
    """What SES refuses goes to Lambda's retry and the failure queue, never into nothing."""
    outbox.refuse = lambda number: refusal
    with pytest.raises(ClientError) as caught:
        forward.on_mail(mail_of(plain()))
    assert caught.value.response["Error"]["Code"] == refusal[1]
    assert outbox.attempts == 1


def test_a_refused_batch_does_not_stop_the_others(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch is tried before the first error is raised."""
    everyone = json.dumps([f"u{n}@example.net" for n in range(101)])
    monkeypatch.setenv("MAILROOM_FORWARD_TO", everyone)
    outbox.refuse = lambda number: (400, "MessageRejected", "no") if number == 1 else None
    with pytest.raises(ClientError):
        forward.on_mail(mail_of(plain()))
    assert [len(batch) for batch in outbox.recipients] == [50, 1]


def test_missing_mail_propagates(outbox: Outbox) -> None:
    """Mail that is not in the bucket is no reason to return quietly."""
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
    forward.on_mail(ReceivedMail(raw, store=MailBucket(bucket="mail", prefix="in/")))
    assert outbox.raw[0].partition(b"\r\n\r\n")[2] == data.partition(b"\r\n\r\n")[2]


def test_repeated_delivery_is_forwarded_once_if_remembered(outbox: Outbox) -> None:
    """With remembered mail, SES's second delivery of it is no second forward."""
    forward.on_mail(mail_of(plain(), already_handled=True))
    assert outbox.attempts == 0


def test_repeated_delivery_is_forwarded_if_not_remembered(outbox: Outbox) -> None:
    """Where nothing is remembered, twice is better than not at all."""
    forward.on_mail(stored(plain()))
    assert len(outbox.sent) == 1


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
def test_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A setting that cannot work is refused by name before any mail is touched."""
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=name):
        forward.Settings()


# Whatever a sender writes

_ours = re.compile(rb"[!-9;-~]+: ?([^\r\n]|\r\n[ \t])*\r\n")
_line = st.binary(max_size=60) | st.sampled_from(
    [
        b"From: a@example.org",
        b"From: =?utf-8?Q?a=0D=0ABcc:x?= <a@example.org>",
        b"Reply-To: b@example.org\r\n ,c@example.org",
        b"Bcc: x@example.org",
        b"Bcc : x@example.org",
        b"bcc:\r\n x@example.org",
        b"X-SES-CONFIGURATION-SET: c",
        b"Message-ID: <a@b>",
        b"Subject: =?x-unknown?B?!!!?=",
        b"Subject: a\rBcc: x",
        b" folded",
        b"\t",
        b"X: \x00\x0b\x0c\x85",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_line, max_size=8), st.sampled_from([b"\r\n", b"\n"]), st.binary(max_size=200))
def test_any_message_leaves_well_formed(lines: list[bytes], end: bytes, body: bytes) -> None:
    """However a message is made: the header leaves well formed, without Bcc, the body unchanged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILROOM_FORWARD_TO", '["team@example.net"]')
        patch.setenv("MAILROOM_FORWARD_FROM", FROM)
        patch.setenv("MAILROOM_FORWARD_SUBJECT_PREFIX", "[p]")
        wanted = forward.Settings()
    # A blank line within a piece of header ends it there; all that follows is body.
    data = end.join([*lines, b"", b""]) + body
    stream = BytesIO(data)
    fields, size = forward.read_header(stream)
    rest = stream.read()
    assert fields is not None
    assert data[size:] == rest
    assert data.endswith(rest)
    head = forward.rewrite(fields, mail_of(plain()), wanted)
    assert head.endswith(b"\r\n\r\n")
    names = []
    at = 0
    while at < len(head) - 2:
        match = _ours.match(head, at)
        assert match is not None, head[at:]
        names.append(match[0].partition(b":")[0].strip().lower())
        at = match.end()
    assert at == len(head) - 2
    assert not re.search(rb"\r\n[ \t]*\r\n.", head, re.DOTALL)
    assert names.count(b"from") == 1
    assert names.count(b"subject") == 1
    assert {b"bcc", b"message-id", b"x-ses-configuration-set"}.isdisjoint(names)
    sender = message_from_bytes(head, policy=policy.default)["From"]
    assert [a.addr_spec for a in sender.addresses] == ["support@example.com"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_makes_one_safe_field(text: str) -> None:
    """Any text, passed through the sanitiser, is one header field that reads back alike."""
    line = _mail.one_line(text, 60)
    raw = _mail.field("Subject", _mail.encoded(line))
    assert re.fullmatch(rb"([\x20-\x7e]|\r\n )*\r\n", raw)
    assert len(line) <= 60
    back = message_from_bytes(raw + b"\r\n", policy=policy.default)["Subject"]
    assert " ".join(str(back).split()) == line


def test_long_text_is_cut() -> None:
    """No sender makes a field of ours as long as they like."""
    assert _mail.one_line("ab " * 1000, 60) == ("ab " * 20).strip()


def test_text_that_looks_encoded_is_encoded() -> None:
    """What reads like an encoded word is shown as it was written, not decoded once more."""
    text = "=?utf-8?Q?a=0D=0ABcc=3A_b?="
    assert b"=0D=0A" not in _mail.encoded(text).replace(b"=3D0D=3D0A", b"")
    raw = _mail.field("From", _mail.mailbox(text, "a@example.com")) + b"\r\n"
    sender = message_from_bytes(raw, policy=policy.default)["From"]
    assert sender.addresses[0].display_name == text


def test_text_in_an_unknown_charset_is_not_lost() -> None:
    """A word in a charset that does not exist is read as Latin-1."""
    assert _mail.decoded("=?x-none?Q?a=E9?=") == "aé"


def test_surrogates_from_json_are_harmless() -> None:
    """Text that no encoding can hold is shown in part instead of failing the mail."""
    assert _mail.decoded("a\ud800b") == "a?b"


@given(st.text(alphabet="a\r\n \t:\x00", max_size=12))
def test_field_refuses_line_breaks(text: str) -> None:
    """The last line of defence: no value with a line break other than folding gets through."""
    value = text.encode()
    try:
        raw = _mail.field("X", value)
    except ValueError:
        return
    assert b"\x00" not in raw
    assert re.fullmatch(rb"([^\r\n]|\r\n[ \t])*\r\n", raw)


def test_message_builder_default_is_forwarded(outbox: Outbox) -> None:
    """What a user's own test sends through the builders is forwarded like real mail."""
    forward.on_mail(received_mail(message(text="Grüße\n")))
    assert len(outbox.sent) == 1
