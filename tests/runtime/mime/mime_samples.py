"""Mails written by hand, as senders write them and not as the RFCs do."""

from __future__ import annotations

from base64 import encodebytes

HEAD = b"From: Jane <jane@sender.example>\r\nTo: help@example.com\r\nMIME-Version: 1.0\r\n"
PDF = b"%PDF-1.4\n\x00\x01\xfe" + bytes(range(60))


def mail(fields: bytes, body: bytes = b"Hello\r\n") -> bytes:
    """Return a mail with the *fields*, each with its line end."""
    return HEAD + fields + b"\r\n" + body


def text(words: bytes = b"Hello") -> bytes:
    """Return a part with plain text."""
    return b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + words


def file(
    fields: bytes = b'Content-Disposition: attachment; filename="a.pdf"\r\n',
    *,
    encoding: bytes = b"base64",
    content: bytes = PDF,
) -> bytes:
    """Return a part with a file in base64."""
    return (
        b"Content-Type: application/pdf\r\n"
        + fields
        + b"Content-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\n"
        + encodebytes(content).replace(b"\n", b"\r\n")
    )


def multipart(
    *parts: bytes, boundary: bytes = b"b", declared: bytes = b'"b"', closed: bool = True
) -> bytes:
    """Return a multipart/mixed of *parts*: its field, a blank line, its body."""
    start = b"Content-Type: multipart/mixed; boundary=" + declared + b"\r\n\r\n"
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return start + body + (b"--" + boundary + b"--\r\n" if closed else b"")
