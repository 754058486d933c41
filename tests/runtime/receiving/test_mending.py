"""What SES would refuse in a forwarded mail is mended; what it takes stays byte for byte."""

from __future__ import annotations

import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest

from mailroom.handlers import _mail
from mailroom.handlers.receiving import _mending

LINE = "x" * 5_000


def split(raw: bytes) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    head, _, body = raw.partition(b"\r\n\r\n")
    fields: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in b" \t":
            fields[-1] += b"\r\n" + line
        else:
            fields.append(line)
    return [(one.partition(b":")[0].lower().decode(), one) for one in fields], [body]


def mended(raw: bytes) -> bytes:
    fields, body = _mending.mend(*split(raw))
    return b"\r\n".join(value for _, value in fields) + b"\r\n\r\n" + b"".join(body)


def longest(raw: bytes) -> int:
    return max(map(len, raw.split(b"\r\n")))


def a_message(text: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "Hi"
    message.set_content(text, cte="7bit") if len(text) < 900 else message.set_content("short\n")
    return message


def test_mail_without_long_lines_is_not_touched() -> None:
    message = a_message("Hi\n")
    message.add_attachment(b"\x00\x01" * 500, maintype="application", subtype="pdf", filename="a")
    fields, body = split(message.as_bytes())
    assert _mending.mend(fields, body) == (fields, body)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Type: text/html", f"<p>{LINE}</p>\r\n<p>2</p>\r\n".encode()),
        (b"Content-Type: text/plain; charset=utf-8", f"{LINE} ä\r\n".encode()),
        (b"Subject: no type", f"{LINE}\r\nand = signs\r\n".encode()),
        (b"Content-Type: application/json", b"{" + LINE.encode() + b"}\r\n"),
        (
            b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable",
            b"=41" * 600 + b"\r\n",
        ),
        (
            b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64",
            b"QUJD" * 600 + b"\r\n",
        ),
    ],
)
def test_a_part_with_a_long_line_keeps_its_content(head: bytes, body: bytes) -> None:
    raw = b"Subject: a\r\n" + head + b"\r\n\r\n" + body
    result = mended(raw)
    assert longest(result) <= 998
    before, after = (
        message_from_bytes(one, policy=default).get_payload(decode=True) for one in (raw, result)
    )
    assert after.replace(b"\r\n", b"\n").rstrip() == before.replace(b"\r\n", b"\n").rstrip()


@pytest.mark.parametrize(("length", "kept"), [(997, True), (999, False)])
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_line_that_ses_takes_stays_however_the_body_arrives(
    length: int, kept: bool, pieces: int
) -> None:
    """In one chunk or in several."""
    line = b"x" * length + b"\r\n"
    size = -(-len(line) // pieces)
    body = [line[at : at + size] for at in range(0, len(line), size)]
    fields = [("subject", b"Subject: a")]
    assert (_mending.mend(fields, body) == (fields, body)) is kept


@pytest.mark.parametrize("end", [b"", b"\r\n--b--\r\nepilogue\r\n"])
def test_no_part_of_a_message_is_lost_where_it_is_mended(end: bytes) -> None:
    """Nor the last one of a message that was cut short."""
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nprologue\r\n"
        b"--b\r\n\r\n" + LINE.encode() + b"\r\n--b\r\n\r\nthe last words" + end
    )
    result = mended(raw)
    assert longest(result) <= 998
    assert result.startswith(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\nprologue\r\n--b\r\n"
    )
    assert result.endswith(b"\r\n--b\r\n\r\nthe last words" + end)


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [("text/html", "quoted-printable"), ("", "quoted-printable"), ("application/json", "base64")],
)
def test_text_stays_readable_where_it_is_mended(kind: str, encoding: str) -> None:
    """Filters look into it; what is not text becomes Base64, which keeps each byte."""
    head = f"Content-Type: {kind}\r\n" if kind else ""
    raw = f"Subject: a\r\n{head}\r\n{LINE}\r\n".encode()
    assert message_from_bytes(mended(raw))["Content-Transfer-Encoding"] == encoding


def test_the_line_end_before_a_boundary_is_not_part_of_what_is_mended() -> None:
    """A file would grow by it."""
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    part = b"--b\r\nContent-Type: application/x\r\n\r\n" + LINE.encode() + b"\r\n--b--\r\n"
    (file,) = message_from_bytes(mended(head + part), policy=default).iter_parts()
    assert file.get_payload(decode=True) == LINE.encode()


def test_a_boundary_that_is_folded_divides_a_message() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="a\r\n b"\r\n\r\n--a b\r\n\r\n'
    result = mended(raw + LINE.encode() + b"\r\n--a b\r\n\r\nthe last words\r\n--a b--\r\n")
    assert longest(result) <= 998
    assert b"Content-Transfer-Encoding: quoted-printable" in result
    assert result.endswith(b"\r\n--a b\r\n\r\nthe last words\r\n--a b--\r\n")


@pytest.mark.parametrize("kind", ["text/plain", "application/x"])
def test_a_carriage_return_alone_is_encoded_where_a_part_is_mended(kind: str) -> None:
    """Some servers take it for the end of a line."""
    raw = f"Content-Type: {kind}\r\n\r\none\rtwo {LINE}\r\n".encode()
    result = mended(raw)
    assert b"\r" not in result.replace(b"\r\n", b"")
    assert message_from_bytes(result).get_payload(decode=True).startswith(b"one\rtwo ")


def test_only_the_part_with_the_long_line_changes() -> None:
    inner = (
        b'Content-Type: multipart/mixed; boundary="b=1"\r\n\r\n'
        b"--b=1\r\nContent-Type: text/plain\r\n\r\n%s\r\n"
        b"--b=1\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"QUJD\r\n--b=1--\r\n"
    )
    result = mended(b"Subject: a\r\n" + inner % LINE.encode())
    assert longest(result) <= 998
    assert b"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b=1--\r\n" in result
    text, pdf = message_from_bytes(result, policy=default).iter_parts()
    assert text.get_content().strip() == LINE
    assert pdf.get_payload(decode=True) == b"ABC"


def test_signed_content_with_a_long_line_is_refused() -> None:
    raw = (
        b"Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\n"
        + LINE.encode()
        + b"\r\n--s--\r\n"
    )
    with pytest.raises(_mending.Unmendable, match="signed"):
        mended(raw)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b" jane@example.com"], b" jane@example.com"),
        (
            [b' "Doe, Jane" <jane@example.com>, b@example.com'],
            b' "Doe, Jane" <jane@example.com>, b@example.com',
        ),
        ([b" root"], b""),
        ([b" <a@example.com> <b@example.com>"], b"<a@example.com>,\r\n <b@example.com>"),
        ([b" a@example.com", b" b@example.com"], b"<a@example.com>,\r\n <b@example.com>"),
        ([b" undisclosed-recipients:;"], b" undisclosed-recipients:;"),
    ],
)
def test_address_fields_are_kept_if_ses_takes_them(values: list[bytes], expected: bytes) -> None:
    """Others are written anew, and then stay."""
    found = _mending.addresses(values)
    assert found == expected
    assert _mending.addresses([found]) == found


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("subject", b"Subject: " + b"word " * 400),
        ("subject", "Subject: Grüße".encode()),
        ("subject", b"Subject: =?cp-850?Q?Gr=81?="),
        ("references", b"References: " + b"<abc@example.com> " * 200),
        ("x-long", b"X-Long: " + b"x" * 5_000),
    ],
)
def test_a_field_becomes_ascii_in_short_lines(name: str, raw: bytes) -> None:
    found = _mending.field(name, raw)
    assert longest(found) <= 998
    assert found.isascii()
    assert b"cp-850" not in found


def test_ses_takes_an_address_of_254_characters_and_no_longer_one() -> None:
    domain = f"{'b' * 63}.{'c' * 63}.{'d' * 56}.example"
    assert _mail.is_address(f"{'a' * 61}@{domain}")
    assert not _mail.is_address(f"{'a' * 62}@{domain}")


def test_an_encoded_word_in_a_parameter_stays() -> None:
    """What it says may have a quote, which would end the parameter."""
    raw = b'Content-Disposition: attachment; filename="=?cp-850?Q?a=22b=81?="'
    assert _mending.field("content-disposition", raw) == raw


def test_a_bare_parameter_is_left_out() -> None:
    found = _mending.field("content-type", b'Content-Type: text/plain; charset; name="a; b"')
    assert found == b'Content-Type: text/plain; name="a; b"'


def test_a_large_mail_is_searched_in_linear_time() -> None:
    body = b"".join(b"%076d\r\n" % number for number in range(130_000))
    started = time.process_time()
    assert _mending.mend([], [body]) == ([], [body])
    assert time.process_time() - started < 1.5
