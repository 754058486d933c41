"""Mutations of messages, as bytes: broken transport, careless programs, and attackers."""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Callable
from functools import cache
from random import Random

from torture import material

__all__ = ["mutated_message"]

Mutation = Callable[[Random, bytes], bytes]


def mutated_message(random: Random) -> bytes:
    """Return a seed with one to four mutations."""
    data = random.choice(material.SEEDS)
    for _ in range(random.choice((1, 1, 2, 2, 3, 4))):
        data = random.choice(_MUTATIONS)(random, data)
    return data


def _size(random: Random, usual: tuple[int, ...], rare: tuple[int, ...]) -> int:
    """Return how large a bomb is; the large ones are rare, as each takes as long as many small."""
    return random.choice(rare if random.random() < 0.02 else usual)


def _flip(random: Random, data: bytes) -> bytes:
    changed = bytearray(data or b"x")
    for _ in range(random.choice((1, 1, 3, 20, len(changed) // 50 + 1))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _without_a_range(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + data[start + random.choice((1, 2, 10, 100, 1_000)) :]


def _twice(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    piece = data[start : start + random.choice((2, 20, 200, 2_000))]
    return data[:start] + piece * random.choice((2, 3, 30)) + data[start:]


def _junk(random: Random, data: bytes) -> bytes:
    junk = random.choice(material.JUNK) * _size(random, (1, 1, 2, 70), (1_000, 20_000))
    start = random.randrange(len(data) + 1)
    return data[:start] + junk + data[start:]


def _crossed(random: Random, data: bytes) -> bytes:
    other = random.choice(material.SEEDS)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other)) :]


def _line_ends(random: Random, data: bytes) -> bytes:
    if random.random() < 0.3:
        pieces = data.split(b"\r\n")
        return b"".join(piece + random.choice((b"\r\n", b"\n", b"\r")) for piece in pieces)
    return data.replace(b"\r\n", random.choice((b"\n", b"\r", b"\r\r\n", b"\n\r", b"\0\n")))


def _eight_bits(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data) + 1)
    return data[:start] + random.randbytes(random.choice((3, 40, 400))) + data[start:]


def _header(data: bytes) -> tuple[list[bytes], bytes]:
    head, separator, body = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), separator + body


def _with_field(random: Random, data: bytes, field: bytes) -> bytes:
    """Put *field* into the header, or in the place of one of the same name."""
    lines, rest = _header(data)
    name = field.partition(b":")[0].lower() + b":"
    same = [number for number, line in enumerate(lines) if line.lower().startswith(name)]
    if same and random.random() < 0.7:
        lines[random.choice(same)] = field
    else:
        lines.insert(random.randrange(len(lines) + 1), field)
    return b"\r\n".join(lines) + rest


def _field_twice(random: Random, data: bytes) -> bytes:
    lines, rest = _header(data)
    line = random.choice(lines)
    lines[random.randrange(len(lines)) : 0] = [line] * random.choice((1, 1, 2, 50))
    return b"\r\n".join(lines) + rest


def _folded(random: Random, data: bytes) -> bytes:
    head, separator, body = data.partition(b"\r\n\r\n")
    place = random.randrange(len(head) + 1)
    fold = random.choice((b"\r\n ", b"\r\n\t", b"\r\n \r\n ", b"\n ", b"\r ", b"\r\n" + b" " * 200))
    return head[:place] + fold * random.choice((1, 1, 40)) + head[place:] + separator + body


def _huge_field(random: Random, data: bytes) -> bytes:
    name = random.choice(
        (b"Subject", b"X-Long", b"References", b"Received", b"DKIM-Signature", b"To")
    )
    piece = random.choice((b"x", b"<a@b.example> ", b"word ", b"\xc3\xa4", b"(", b'"', b"\\"))
    size = _size(random, (300, 1_000, 3_000), (60_000, 400_000))
    return _with_field(random, data, name + b": " + piece * (size // len(piece)))


def _many_fields(random: Random, data: bytes) -> bytes:
    field = random.choice(
        (b"Received: from a by b;", b"X-A: b", b": ", b"X", b"To: a@example.com", b"-")
    )
    return b"\r\n".join([field] * _size(random, (20, 100), (1_000, 5_000))) + b"\r\n" + data


def _address(random: Random, data: bytes) -> bytes:
    name = random.choice(
        (b"From", b"To", b"Cc", b"Reply-To", b"Sender", b"Resent-To", b"Return-Path")
    )
    return _with_field(random, data, name + b": " + random.choice(material.ADDRESSES))


def _word(random: Random, data: bytes) -> bytes:
    name = random.choice(
        (b"Subject", b"From", b"To", b"Comments", b"Content-Description", b"Thread-Topic")
    )
    words = random.choice((b" ", b"", b"\r\n ")).join(
        random.choices(material.WORDS, k=random.choice((1, 2, 20)))
    )
    return _with_field(random, data, name + b": " + words)


def _date(random: Random, data: bytes) -> bytes:
    name = random.choice((b"Date", b"Message-ID", b"In-Reply-To", b"References", b"Auto-Submitted"))
    return _with_field(
        random,
        data,
        name + b": " + random.choice((*material.DATES, *material.WORDS, *material.JUNK)),
    )


def _replaced(pattern: bytes, values: tuple[bytes, ...]) -> Mutation:
    found = re.compile(pattern, re.IGNORECASE)

    def replace(random: Random, data: bytes) -> bytes:
        places = list(found.finditer(data))
        if not places:
            return _with_field(random, data, b"Content-Type: " + random.choice(material.TYPES))
        start, end = random.choice(places).span(1)
        return data[:start] + random.choice(values) + data[end:]

    return replace


def _parameters(random: Random, data: bytes) -> bytes:
    flood = random.choice(
        (
            b"; a=b" * _size(random, (30,), (2_000,)),
            b";" * _size(random, (60,), (3_000,)),
            b"".join(b"; name*%d=x" % n for n in range(_size(random, (20,), (800,)))),
            b"; name*0*=utf-8''%41; name*2=c; name*1*=%ZZ; name=d",
            b"; name=" + b'"' * 999,
            b"; name=" + b"\\" * 999,
            b"; name*=" + b"'" * 500 + b"%",
            b'; boundary=a; boundary="b"; boundary*0=c',
            b"\r\n" + b"name=a.exe",
            b"; name*999999999999999999999=x; name*-1=y; name**=z",
        )
    )
    places = [m.end() for m in re.finditer(rb"(?i)content-(?:type|disposition):[^\r\n]*", data)]
    if not places:
        return _with_field(random, data, b"Content-Type: text/plain" + flood)
    place = random.choice(places)
    return data[:place] + flood + data[place:]


def _nested(random: Random, data: bytes) -> bytes:
    depth = _size(random, (1, 2, 5, 30), (120, 600))
    style = random.randrange(4)
    if style == 0:
        wrapper = b"Content-Type: message/rfc822\r\n\r\n"
        return b"From: a@example.net\r\n" + wrapper * depth + data
    kind = random.choice(
        (b"mixed", b"alternative", b"related", b"digest", b"signed", b"report", b"x")
    )
    opened = b"".join(
        b'Content-Type: multipart/%s; boundary="n%d"\r\n\r\n--n%d\r\n'
        % (kind, n if style < 3 else 0, n if style < 3 else 0)
        for n in range(depth)
    )
    closed = b"" if style == 1 else b"".join(b"\r\n--n%d--\r\n" % n for n in reversed(range(depth)))
    return b"From: Jane <jane@example.net>\r\nTo: support@example.com\r\n" + opened + data + closed


def _many_parts(random: Random, data: bytes) -> bytes:
    count = _size(random, (3, 20), (200, 2_000, 8_000))
    part = random.choice(
        (
            b"\r\n--mp\r\n",
            b"\r\n--mp\r\nContent-Type: text/plain\r\n\r\nx",
            b'\r\n--mp\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\nx',
            b"\r\n--mp\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny",
            b"\r\n--mp \t\r\nContent-Type: text/html\r\n\r\n<p>x",
        )
    )
    head = b"From: a@example.net\r\nTo: support@example.com\r\n"
    head += b"Content-Type: multipart/mixed; boundary=mp\r\n"
    return (
        head
        + part * count
        + b"\r\n--mp\r\n"
        + data
        + random.choice((b"\r\n--mp--\r\n", b"", b"\r\n--mp-"))
    )


@cache
def _bombs() -> tuple[tuple[bytes, bytes], ...]:
    zeros = b"\0" * 1_000_000
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", zeros)
        archive.writestr("../../evil.exe", b"MZ")
        archive.writestr("x" * 6_000, b"")
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.zip", packed.getvalue())
    return (
        (b"bomb.zip", packed.getvalue()),
        (b"nested.zip", twice.getvalue()),
        (b"bomb.gz", gzip.compress(zeros, mtime=0)),
        (b"office.docx", packed.getvalue()[:2_000]),
        (b"winmail.dat", b"\x78\x9f\x3e\x22" + b"\xff" * 300),
        (b"open.zip", b"PK\x03\x04" * 200),
        (b"a.pdf", b"%PDF-1.7\n" + b"<<" * 500),
        (b"key.asc", b"-----BEGIN PGP MESSAGE-----\r\n" * 200),
    )


def _attachment(random: Random, data: bytes) -> bytes:
    name, content = random.choice(_bombs())
    coded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    part = (
        b"\r\n--at\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="'
        + random.choice((name, *material.NAMES))
        + b'"\r\n\r\n'
    )
    return (
        material.ADDRESSED
        + b'Subject: x\r\nContent-Type: multipart/mixed; boundary="at"\r\n\r\n--at\r\n'
        + data
        + part
        + coded
        + b"\r\n--at--\r\n"
    )


def _html(random: Random, data: bytes) -> bytes:
    count = _size(random, (10, 50, 200), (3_000, 30_000))
    bomb = random.choice(
        (
            b"<div>",
            b"<",
            b"<!--",
            b"&",
            b"&#",
            b'<a b="',
            b"<p " + b"a=b " * 20,
            b"</p>",
            b"<![CDATA[",
            b"<style>",
            b"<table><tr><td>",
            b"<blockquote>",
            b"&nbsp;",
            b"<b>x</b>",
            b"<script>",
            b"<title>",
            b"<br>",
            b"<![if !vml]>",
            b"<?x ",
            b"<!x ",
            b"<font style='display:none'>",
            b"<li>",
        )
    )
    head = material.ADDRESSED + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    return head + b"<html><body>" + bomb * count + random.choice((b"", data, b"<p>text</p>"))


def _text(random: Random, data: bytes) -> bytes:
    count = _size(random, (5, 20, 200), (3_000, 40_000))
    line = random.choice(
        (
            b">",
            b"> > > a\r\n",
            b"On Fri, Jane wrote:\r\n",
            b"-- \r\n",
            b"\r\n",
            b"x",
            b" ",
            b"\t",
            b"From: a\r\nSent: b\r\nTo: c\r\n",
            b"_" * 40 + b"\r\n",
            b"Am Fr. schrieb Jane:\r\n>\r\n",
            b"wrote:",
            b"4111 1111 1111 111",
            b"begin 644 a.exe\r\n",
            b"=\r\n",
            b"Sent from my \r\n",
            b"*",
            b"1-",
            b"1 ",
        )
    )
    head = material.ADDRESSED + b"Content-Type: text/plain; format=flowed\r\n\r\n"
    return (
        head
        + random.choice((b"Hello\r\n", b""))
        + line * count
        + random.choice((b"", data, b"\r\nend\r\n"))
    )


def _damaged_encoding(random: Random, data: bytes) -> bytes:
    body = random.choice(
        (
            b"QUJD=QUJD\r\n" * 30,
            b"=" * 500,
            b"=4" * 300,
            b"=ZZ=\r\n=",
            b"QUJ",
            b"\xff" * 90,
            b"QUJD\r\n" * 300,
        )
    )
    encoding = random.choice(material.ENCODINGS)
    kind = random.choice(
        (
            b"text/plain",
            b"text/html",
            b"message/rfc822",
            b"image/png",
            b"multipart/mixed; boundary=x",
        )
    )
    return (
        b"From: Jane <jane@example.net>\r\nTo: support@example.com\r\nContent-Type: "
        + kind
        + b"\r\nContent-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\n"
        + body
        + random.choice((b"", data))
    )


def _no_blank_line(random: Random, data: bytes) -> bytes:
    return data.replace(
        b"\r\n\r\n", random.choice((b"\r\n", b"", b"\r\n \r\n", b"\n\n", b"\r\n\r\n\r\n")), 1
    )


def _automatic(random: Random, data: bytes) -> bytes:
    field = random.choice(
        (
            b"Auto-Submitted: auto-replied",
            b"Precedence: bulk",
            b"List-Id: <a.example.com>",
            b"X-Auto-Response-Suppress: All",
            b"X-Mailroom-Loop: x",
            b"Content-Type: multipart/report",
        )
    )
    return _with_field(random, data, field)


_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _flip,
    _cut,
    _without_a_range,
    _twice,
    _junk,
    _junk,
    _crossed,
    _line_ends,
    _eight_bits,
    _field_twice,
    _folded,
    _folded,
    _huge_field,
    _many_fields,
    _address,
    _address,
    _word,
    _word,
    _date,
    _replaced(rb'charset="?([^"\s;]*)', material.CHARSETS),
    _replaced(rb"content-transfer-encoding: ?([^\r\n]*)", material.ENCODINGS),
    _replaced(rb"content-type: ?([^\r\n;]*)", material.TYPES),
    _replaced(
        rb'boundary="?([^"\s;]*)', (b"", b"a b", b"--", b"x" * 200, b"\xe4", b"?=", b'"', b"a=b")
    ),
    _replaced(rb'(?:file)?name="?([^"\r\n;]*)', material.NAMES),
    _parameters,
    _nested,
    _many_parts,
    _attachment,
    _html,
    _text,
    _damaged_encoding,
    _no_blank_line,
    _automatic,
)
