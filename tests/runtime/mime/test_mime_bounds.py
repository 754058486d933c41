"""What reading a message may cost: time and memory grow with its size, and no faster."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from mailroom import mime
from runtime.mime.mime_samples import HEAD

SIZE = 1 << 19
SECONDS = 1.0
MEMORY = 4


def field(name: bytes, piece: bytes) -> bytes:
    """Return a mail with one field of half a megabyte."""
    return name + b": " + piece * (SIZE // len(piece)) + b"\r\n\r\nHello\r\n"


def nested(levels: int) -> bytes:
    head = (
        b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (number, number)
        for number in range(levels)
    )
    return HEAD + b"".join(head) + b"\r\nDeep down\r\n"


MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=q\r\n"
MAILS = {
    "parentheses in From": field(b"From", b"("),
    "dots in To": field(b"To", b"a."),
    "addresses": field(b"To", b"a@b.example,"),
    "groups": field(b"To", b"a:b;"),
    "quotes in Content-Type": field(b"Content-Type", b'a/b; name="'),
    "parameters": field(b"Content-Type", b";a*0=b"),
    "eight-bit Content-Type": field(b"Content-Type", b"\xff"),
    "blanks in To": HEAD + b"To: a" + b" " * SIZE + b"b@example.com\r\n\r\nHello\r\n",
    "blanks in Content-Type": HEAD
    + b"Content-Type: a/b; c=d"
    + b" " * SIZE
    + b";x\r\n\r\nHello\r\n",
    "returns in Content-Type": HEAD
    + b"Content-Type: a/b; c=d"
    + b"\r" * SIZE
    + b";x\r\n\r\nHello\r\n",
    "folds in Content-Disposition": field(b"Content-Disposition", b"x; a=b\r\n" + b" " * 60_000),
    "encoded words": field(b"Subject", b"=?utf-8?q?a?= "),
    "words never closed": field(b"Subject", b"=?a?q?"),
    "question marks": field(b"Content-Disposition", b"=?"),
    "backslashes": field(b"Content-Disposition", b'x; filename="\\\\'),
    "20,000 fields": HEAD + b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 20_000,
    "100,000 parts": MIXED + b"\r\n" + b"--q\r\n\r\n" * 100_000 + b"--q--\r\n",
    "100,000 parts without a header": MIXED + b"\r\n" + b"--q\r\n" * 100_000,
    "lines like boundaries": MIXED + b"\r\n" + b"--\r\n" * (SIZE // 4),
    "boundaries in the header": MIXED + b"--x\r\n" * (SIZE // 5),
    "10,000 levels": nested(10_000),
    "10,000 attached messages": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 10_000,
    "padding": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QQ==" * (SIZE // 4),
}


def cost(data: bytes) -> float:
    """Return the seconds of reading a message and looking at what a handler would look at."""
    started = time.process_time()
    message = mime.read(data)
    for field_name in ("From", "To", "Subject", "Content-Type", "Content-Disposition"):
        _ = message[field_name]
    message.get_filename()
    sum(1 for _ in message.walk())
    return time.process_time() - started


@pytest.mark.parametrize("name", MAILS)
def test_a_hostile_mail_is_read_in_bounded_time_and_memory(name: str) -> None:
    """Half a megabyte of anything: one second of processor time, four times it in memory."""
    data = MAILS[name]
    # On a busy machine processor time is inflated too, so a slow reading is measured once more.
    assert cost(data) < SECONDS or cost(data) < SECONDS
    tracemalloc.start()
    try:
        kept = mime.read(data)
        # The message itself was there before. Surrogates, for eight-bit bytes, are twice as wide.
        allowed = MEMORY if name.startswith("eight-bit") else MEMORY - 1
        assert tracemalloc.get_traced_memory()[1] < allowed * len(data)
        assert kept.keys()
    finally:
        tracemalloc.stop()


def test_what_is_beyond_the_bounds_is_named() -> None:
    """In ``defects`` of the part that holds the rest, which nothing is left out of."""
    *_, last = mime.read(MAILS["100,000 parts"]).walk()
    assert "more than 1500 parts" in str(last.defects[0])
    assert str(last.get_payload()).count("--q") > 97_000
    *_, last = mime.read(MAILS["10,000 levels"]).walk()
    assert "more than 100 deep" in str(last.defects[0])
    assert last.get_content().endswith("Deep down\r\n")


def test_a_large_mail_is_held_once() -> None:
    """Its attachment is decoded from where it is."""
    body = b"A" * 76 + b"\r\n"
    data = HEAD + b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    data += body * 100_000
    tracemalloc.start()
    try:
        content = mime.read(data).get_content()
        assert len(content) == 5_700_000
        assert tracemalloc.get_traced_memory()[1] < 1.1 * len(data)
    finally:
        tracemalloc.stop()
