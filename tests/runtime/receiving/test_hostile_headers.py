"""Whatever a sender writes leaves as one well-formed message."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.handlers import _mail
from mailroom.handlers.receiving import forward
from mailroom.testing import message, received_mail
from runtime.receiving.conftest import Outbox
from runtime.receiving.forwarding import FROM, mail_of, plain

pytestmark = pytest.mark.usefixtures("forwarding")


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
