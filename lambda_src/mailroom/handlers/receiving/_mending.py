"""Mends what SES refuses in a mail that is sent on: long lines, addresses, encoded words.

Only what SES would refuse is changed, so that ordinary mail and its signatures stay byte for byte.
A part with a line that is too long gets another transfer encoding, which keeps its content. Signed
content cannot be changed without breaking its signature, so `Unmendable` is raised for it.

Sources: RFC 5322 §2.1.1 and §3.4, RFC 2045 §6, RFC 1847 §2.1
"""

from __future__ import annotations

import re

from mailroom.handlers import _mail

TYPE_CHECKING = False
if TYPE_CHECKING:
    Field = tuple[str, bytes]

__all__ = ["ADDRESS_FIELDS", "Unmendable", "addresses", "field", "mend"]

ADDRESS_FIELDS = frozenset(
    (
        "cc",
        "disposition-notification-to",
        "mail-followup-to",
        "mail-reply-to",
        "reply-to",
        "resent-cc",
        "resent-from",
        "resent-reply-to",
        "resent-sender",
        "resent-to",
        "to",
    )
)

_LINE = 998
# Anchored, or each line would be read again from each of its bytes.
_LONG = re.compile(rb"^[^\n]{999,}", re.MULTILINE)
_SHOWN = 900  # leaves room for a field's name and a prefix
_DECODED = 40_000  # no mail program shows more of a field
_MAX_DEPTH = 50
_UNSTRUCTURED = frozenset(("comments", "keywords", "subject", "thread-topic"))

# Possessive, because a sender may write a megabyte of almost an address.
_ATOM = rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
_QUOTED = rb'"(?:[ !#-\[\]-~\t]|\\[ -~])*+"'
_PHRASE = rb"(?:(?:%s|\.|%s)[ \t]*+)*+" % (_ATOM, _QUOTED)
_SPEC = rb"%s(?:\.%s)*+@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)++" % (_ATOM, _ATOM)
_MAILBOX = re.compile(
    rb"[ \t]*+(?:%s|%s<%s>|%s:[ \t]*+;)[ \t]*+" % (_SPEC, _PHRASE, _SPEC, _PHRASE)
)

_WORD = re.compile(rb"=\?([^?\s]{1,60})\?([BbQq])\?([^?]*)\?=")
_CHARSETS = re.compile(
    rb"utf-8|us-ascii|iso-8859-(?:[1-9]|1[013-6])|iso-2022-jp|windows-125[0-8]|koi8-[ru]|gb2312"
    rb"|gbk|gb18030|big5|euc-(?:kr|jp)|shift_jis|ks_c_5601-1987",
    re.IGNORECASE,
)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_Q = re.compile(rb"(?:=[0-9A-Fa-f]{2}|[!-<>@-~])*")

_BARE = re.compile(rb'("(?:[^"\\]|\\.)*+")|;[ \t\r\n]*+[A-Za-z0-9-]++[ \t\r\n]*+(?=;|\Z)')
_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"]*)\"|([^\s;]+))", re.IGNORECASE)


class Unmendable(Exception):
    """SES would refuse the mail, and mending it would change what its sender signed."""


def field(name: str, raw: bytes) -> bytes:
    """Return the field *raw*, name and value with folding, in a form that SES accepts."""
    title, _, value = raw.partition(b":")
    unknown = b"=?" in value and not all(map(_known, _WORD.finditer(value)))
    if name in _UNSTRUCTURED and (unknown or not value.isascii() or _LONG.search(value)):
        return title + b": " + _words(value)
    if unknown and not name.startswith("content-"):
        value = _WORD.sub(lambda word: word[0] if _known(word) else _words(word[0]), value)
    if name in ("content-type", "content-disposition"):
        value = _BARE.sub(lambda found: found[1] or b"", value)
    raw = title + b":" + value
    return b"\r\n".join(_folded(line) for line in raw.split(b"\r\n"))


def _known(word: re.Match[bytes]) -> bool:
    content = _BASE64 if word[2] in b"Bb" else _Q
    return bool(_CHARSETS.fullmatch(word[1]) and content.fullmatch(word[3]))


def _words(value: bytes) -> bytes:
    text = _mail.decoded(_text(value[:_DECODED]))
    return _mail.encoded(_mail.one_line(text, 5_000), always=len(text) > _SHOWN)


def _folded(line: bytes) -> bytes:
    """Fold *line* at blanks, or anywhere if it has none."""
    lines = []
    while len(line) > _LINE:
        at = max(line.rfind(b" ", 1, _SHOWN), line.rfind(b"\t", 1, _SHOWN))
        # A line of blanks alone would end the header for some readers.
        if at < 1 or not line[:at].strip() or line[:at].rstrip().endswith(b":"):
            at = _SHOWN
        lines.append(line[:at])
        line = b" " + line[at:].lstrip()
    return b"\r\n".join((*lines, line))


def addresses(values: list[bytes]) -> bytes:
    """Return the addresses of one field, which may have come several times; empty if none is left.

    What is well formed stays as it is. Otherwise all addresses that SES takes are written anew.
    """
    if len(values) == 1 and _valid(values[0]):
        return b"\r\n".join(_folded(line) for line in values[0].split(b"\r\n"))
    found = [box for value in values for box in _mail.mailboxes(_text(value))]
    usable = dict.fromkeys(
        _mail.mailbox(_mail.one_line(shown, 80), address)
        for shown, address in found
        if _mail.is_address(address)
    )
    return b",\r\n ".join(usable)


def _valid(value: bytes) -> bool:
    if not all(map(_known, _WORD.finditer(value))):
        return False
    text, at = value.replace(b"\r\n", b""), 0
    while match := _MAILBOX.match(text, at):
        if match.end() == len(text):
            return True
        if text[match.end() : match.end() + 1] != b",":
            return False
        at = match.end() + 1
    return False


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def mend(fields: list[Field], body: list[bytes]) -> tuple[list[Field], list[bytes]]:
    """Return header fields and body without lines that are too long; unchanged if there are none.

    Raises `Unmendable`.
    """
    if not _has_long_line(body):
        return fields, body
    head = [raw for _, raw in fields]
    mended: list[bytes] = []
    head = _part(head, b"".join(body), mended, 0)
    return [(raw.partition(b":")[0].strip().lower().decode("latin-1"), raw) for raw in head], mended


def _has_long_line(chunks: list[bytes]) -> bool:
    rest = 0
    for chunk in chunks:
        first = chunk.find(b"\n")
        if rest + (first if first >= 0 else len(chunk)) > _LINE or _LONG.search(chunk):
            return True
        rest = len(chunk) - chunk.rfind(b"\n") - 1 if first >= 0 else rest + len(chunk)
    return False


def _part(head: list[bytes], body: bytes, out: list[bytes], depth: int) -> list[bytes]:
    """Append the mended *body* to *out*; return the fields that describe it."""
    if not _LONG.search(body):
        out.append(body)
        return head
    values: dict[bytes, bytes] = {}
    for raw in head:
        name, _, value = raw.partition(b":")
        values.setdefault(name.strip().lower(), value.replace(b"\r\n", b"").strip())
    content_type = values.get(b"content-type", b"text/plain")
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == b"multipart/signed":
        raise Unmendable("its signed content has a line longer than the 998 characters of SES")
    if kind.startswith(b"multipart/") and depth < _MAX_DEPTH:
        if boundary := _BOUNDARY.search(content_type):
            _multipart(b"--" + (boundary[1] or boundary[2] or b""), body, out, depth)
            return head
    elif kind == b"message/rfc822" and depth < _MAX_DEPTH:
        _entity(body, out, depth)
        return head
    encoding = re.sub(rb"\([^()]*\)|[;\s].*", b"", values.get(b"content-transfer-encoding", b""))
    return _leaf(head, body, out, kind, encoding.strip().lower())


def _multipart(delimiter: bytes, body: bytes, out: list[bytes], depth: int) -> None:
    edge = re.compile(rb"^" + re.escape(delimiter) + rb"(?:--)?[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
    at, inside = 0, False
    for match in edge.finditer(body):
        _piece(body[at : match.start()], inside, out, depth)
        out.append(match[0])
        at = match.end()
        inside = not match[0].rstrip().endswith(delimiter + b"--")
    _piece(body[at:], inside, out, depth)


def _piece(piece: bytes, inside: bool, out: list[bytes], depth: int) -> None:
    if inside:
        # The line break before a delimiter belongs to the delimiter.
        end = re.search(rb"\r?\n\Z", piece)
        _entity(piece[: end.start()] if end else piece, out, depth)
        out.append(end[0] if end else b"")
    else:  # before the first part or after the last, where readers show nothing
        out.append(_LONG.sub(lambda line: _broken(line[0]), piece))


def _broken(line: bytes) -> bytes:
    return b"\r\n".join(line[at : at + _SHOWN] for at in range(0, len(line), _SHOWN))


def _entity(data: bytes, out: list[bytes], depth: int) -> None:
    if not _LONG.search(data):
        out.append(data)
        return
    blank = re.search(rb"\A\r?\n|\r?\n\r?\n", data)
    start, end = blank.span() if blank else (len(data), len(data))
    head: list[bytes] = []
    for line in re.split(rb"\r?\n", data[:start]) if start else []:
        if line[:1] in (b" ", b"\t") and head:
            head[-1] += b"\r\n" + line
        else:
            head.append(line)
    content: list[bytes] = []
    head = _part(head, data[end:], content, depth + 1)
    out += [b"\r\n".join(map(_folded, raw.split(b"\r\n"))) + b"\r\n" for raw in head]
    out += [b"\r\n", *content]


def _leaf(
    head: list[bytes], body: bytes, out: list[bytes], kind: bytes, encoding: bytes
) -> list[bytes]:
    from binascii import a2b_qp, b2a_base64

    if encoding == b"base64":  # what is encoded stays the same, wherever its lines are broken
        text = re.sub(rb"[ \t\r\n]+", b"", body)
        lines = b"\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
        out.append(lines + (b"\r\n" if body.endswith(b"\n") else b""))
        return head
    content = a2b_qp(body) if encoding == b"quoted-printable" else body
    if kind.startswith(b"text/") or b"/" not in kind:
        encoded, name = _quoted_printable(content), b"quoted-printable"
    else:
        step = 57 * 1024
        pieces = (content[at : at + step] for at in range(0, len(content), step))
        raw = b"".join(b2a_base64(piece, newline=False) for piece in pieces)
        encoded = b"\r\n".join(raw[at : at + 76] for at in range(0, len(raw), 76))
        name = b"base64"
    out.append(encoded)
    names = [raw.partition(b":")[0].strip().lower() for raw in head]
    kept = [
        raw
        for found, raw in zip(names, head, strict=True)
        if found not in (b"content-transfer-encoding", b"mime-version")
    ]
    return [*kept, b"MIME-Version: 1.0", b"Content-Transfer-Encoding: " + name]


def _quoted_printable(content: bytes) -> bytes:
    from binascii import b2a_qp

    # As if it were binary, so that a bare CR and blanks at the end of a line survive.
    lines = (
        b2a_qp(line, quotetabs=False, istext=False).replace(b"=\n", b"=\r\n")
        for line in re.split(rb"\r?\n", content)
    )
    return b"\r\n".join(lines)
