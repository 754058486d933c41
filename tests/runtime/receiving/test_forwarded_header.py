"""The header of a forwarded mail: what is changed, removed and kept."""

from __future__ import annotations

import email.utils
import json
from email import message_from_bytes, policy

import pytest

from mailroom.handlers.receiving import forward
from mailroom.testing import received_mail
from runtime.receiving.conftest import Outbox
from runtime.receiving.forwarding import forwarded, mail_of, plain, stored

pytestmark = pytest.mark.usefixtures("forwarding")


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


def test_an_encoded_line_break_in_a_name_does_not_start_a_field(outbox: Outbox) -> None:
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
    """Raw UTF-8 in Reply-To becomes ASCII, and unusable addresses next to it are left out."""
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


def test_blanks_before_the_colon_and_behind_recipients_are_left_out(outbox: Outbox) -> None:
    """RFC 5322 has the former in old messages only."""
    forwarded(outbox, plain("To : team@example.com ", "Cc\t: jane@example.org"))
    assert b"\r\nTo: team@example.com\r\n" in outbox.raw[0]
    assert b"\r\nCc: jane@example.org\r\n" in outbox.raw[0]


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
    """SES replaces Date, so the sender's is kept in another field."""
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


def test_a_parameter_at_the_margin_stays_with_its_field(outbox: Outbox) -> None:
    """Some programs fold without indenting; without its boundary the body could not be read."""
    forwarded(outbox, plain("Content-Type: multipart/mixed;\r\nboundary=b", "Subject: x"))
    assert b"Content-Type: multipart/mixed;\r\n boundary=b\r\n" in outbox.raw[0]


def test_a_line_that_is_not_a_field_is_kept(outbox: Outbox) -> None:
    """Such a line can be the sender's text, and must not end the header."""
    sent = forwarded(outbox, plain("Subject: x", "Where is my order?", "Bcc: victim@example.org"))
    assert sent["X-Malformed"] == "Where is my order?"
    assert sent["Bcc"] is None


def test_the_prefix_comes_before_the_subject(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prefix comes before the subject, which is otherwise untouched."""
    monkeypatch.setenv("MAILROOM_FORWARD_SUBJECT_PREFIX", "[sales]")
    assert forwarded(outbox, plain("Subject: Hi there"))["Subject"] == "[sales] Hi there"


def test_a_prefix_already_in_the_subject_is_not_repeated(
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


@pytest.mark.parametrize(
    ("source", "name"),
    [("jane@example.org", "jane at example.org via Support"), ("<>", "Support")],
)
def test_without_from_the_envelope_sender_is_shown(outbox: Outbox, source: str, name: str) -> None:
    """If it is an address; otherwise only the rule's own sender is left to show."""
    forward.on_mail(received_mail(b"Subject: x\r\n\r\nHello\r\n", source=source))
    parsed = message_from_bytes(outbox.raw[0], policy=policy.default)
    assert parsed["From"].addresses[0].display_name == name
