"""What holds for every message: nothing raises, and well-formed ones are read as `email` does."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mailroom import mime

FIELDS = ("From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "Content-Type")
PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"--",
    b"--b",
    b"--b--",
    b"\r\n--b\r\n",
    b"\r\n\r\n",
    b"Content-Type: ",
    b"Content-Transfer-Encoding: ",
    b"Content-Disposition: attachment; filename",
    b"From: ",
    b"Date: ",
    b"multipart/mixed; boundary=b",
    b"multipart/digest; boundary=",
    b"message/rfc822",
    b"message/delivery-status",
    b"text/html; charset=",
    b"base64",
    b"uuencode",
    b"quoted-printable",
    b"utf-16",
    b"iso-2022-jp",
    b"utf-7",
    b"zip",
    b"hz",
    b"=?utf-8?b?",
    b"=?x?q?=",
    b"?=",
    b"*0*=",
    b"*=utf-8''%",
    b'"',
    b"\\",
    b"(",
    b"<",
    b">",
    b"@",
    b":",
    b";",
    b",",
    b"=",
    b"begin 644 a\r\n",
    b"\x1b$B",
    b"\xff",
    b"a",
    b" ",
]
BYTES = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=60).map(b"".join)


def touch(message: EmailMessage) -> None:
    """Look at everything that a message offers."""
    for name in {*FIELDS, *message.keys()}:
        value: Any = message[name]
        if value is not None:
            assert len(str(value).splitlines()) <= 1
            assert isinstance(value.defects, tuple)
            value.fold(policy=policy.SMTP)
            for attribute in ("addresses", "groups", "datetime", "params", "content_type", "cte"):
                getattr(value, attribute, None)
    message.get_body()
    list(message.iter_attachments())
    for part in message.walk():
        assert isinstance(part, EmailMessage)
        part.get_content_type()
        part.get_content_disposition()
        part.get_content_charset()
        part.get_boundary()
        part.get_params()
        part.get_filename()
        part.is_attachment()
        if part.is_multipart():
            list(part.iter_parts())
        else:
            assert isinstance(part.get_payload(decode=True), bytes)
            content = part.get_content()
            assert isinstance(content, str) is (part.get_content_maintype() == "text")
    message.as_bytes()


@given(BYTES, st.booleans())
def test_no_bytes_make_reading_raise(data: bytes, mail: bool) -> None:
    """Neither when they are parsed nor when anything is looked at."""
    if mail:
        data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + data
    touch(mime.read(data))
    for part in mime.parse(data).walk():
        assert part.start <= part.body <= part.end <= len(part.data)
        part.content(), part.text()
        _ = part.names, part.declared_types, part.disposition


LETTERS = st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"])
WORDS = st.text(LETTERS, min_size=1, max_size=60).map(lambda text: " ".join(text.split()) or "a")
NAMES = st.text(st.sampled_from("abcäß€日 -._()[]'"), min_size=1, max_size=40).map(
    lambda text: f"x{text.strip()}.bin"
)


@st.composite
def well_formed(draw: Any) -> EmailMessage:
    """A message as the standard library builds it."""
    message = EmailMessage()
    message["Subject"] = draw(WORDS)
    message["From"] = "Jäne Döe <jane@sender.example>"
    message["To"] = '"Support, first" <help@example.com>, list:;'
    message["Date"] = "Mon, 12 Oct 2026 08:15:30 +0200"
    text = draw(WORDS)
    charset = draw(st.sampled_from(["utf-8", "utf-16"]))
    cte = draw(st.sampled_from(["base64", "quoted-printable", None]))
    cte = "base64" if charset == "utf-16" else cte
    message.set_content(f"{text}\n", charset=charset, cte=cte)
    if draw(st.booleans()):
        message.add_alternative(f"<p>{draw(WORDS)}</p>\n", subtype="html")
    for name, content in draw(st.lists(st.tuples(NAMES, st.binary(max_size=80)), max_size=3)):
        message.add_attachment(content, maintype="image", subtype="x-y", filename=name)
    if draw(st.booleans()):
        inner = EmailMessage()
        inner["Subject"] = draw(WORDS)
        inner.set_content("Inner\n")
        message.add_attachment(inner)
    return message


@given(well_formed(), st.sampled_from([policy.SMTP, policy.default]))
def test_a_well_formed_message_is_read_as_the_standard_library_reads_it(
    message: EmailMessage, written: Any
) -> None:
    """Same fields, names, texts and contents; and it is written again byte for byte."""
    data = message.as_bytes(policy=written)
    ours = mime.read(data)
    theirs = message_from_bytes(data, policy=policy.default)
    assert [part.get_content_type() for part in ours.walk()] == [
        part.get_content_type() for part in theirs.walk()
    ]
    assert ours["Subject"] == theirs["Subject"]
    for name in ("From", "To"):
        assert str(ours[name]) == str(theirs[name])
        assert [str(one) for one in ours[name].addresses] == [
            str(one) for one in theirs[name].addresses
        ]
    assert ours["Date"].datetime == theirs["Date"].datetime
    for mine, other in zip(ours.walk(), theirs.walk(), strict=True):
        assert isinstance(other, EmailMessage)
        assert isinstance(mine, EmailMessage)
        assert not mine.defects
        assert mine.get_filename() == other.get_filename()
        assert mine.get_content_disposition() == other.get_content_disposition()
        if not mine.is_multipart():
            assert mine.get_content() == other.get_content()
    assert ours.as_bytes(policy=ours.policy.clone(linesep=written.linesep)) == data
