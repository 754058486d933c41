"""Change single parts of a message and leave every other byte unchanged.

The ``email`` package rewrites the whole message, including parts that were not changed. Here
the message is a range of bytes, its parts are ranges in it, and an edit replaces one of them.
"""

from __future__ import annotations

import re

from mailroom.errors import MailroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailroom.mime.parts import Part

    Edit = tuple[int, int, bytes]

__all__ = [
    "ENCRYPTED",
    "SIGNED",
    "Unreadable",
    "apply",
    "bodies",
    "closed",
    "ordinary",
    "read",
    "replaced",
    "rewritten",
    "sealed",
    "unread",
    "wrapped",
]

ENCRYPTED = frozenset(
    (
        "application/pgp-encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "multipart/encrypted",
    )
)
"""Types of what only the recipient can read; S/MIME signatures may have the second and third."""
SIGNED = frozenset(("multipart/signed",))
"""Types of what a change would break."""

_LINE = 998
_INLINE_PGP = re.compile(rb"^-----BEGIN PGP (SIGNED )?MESSAGE-----\r?$", re.MULTILINE)
_TEXTS = ("text/plain", "text/html")
# For some mail programs a carriage return alone ends a line, so these begin parts and files there.
_SOMETIMES_A_LINE = re.compile(rb"\r(?!\n)[ \t]*(?:--|content-|begin[ \t])", re.IGNORECASE)
_UUENCODED = re.compile(rb"^begin[ \t]", re.MULTILINE | re.IGNORECASE)
_EXACT = ("7bit", "8bit", "binary", "quoted-printable", "base64")
_DECIDING = ("content-type", "content-disposition", "content-transfer-encoding")
"""The fields that decide how a part is read."""


class Unreadable(MailroomError):
    """The message or a part of it is malformed, so nothing in it is changed."""


def read(data: bytes) -> Part:
    """Return the message *data* as a part."""
    from mailroom import mime

    return mime.parse(data)


def unread(message: Part) -> list[str]:
    """Return why mail programs may show more of *message* than what was read; empty if not."""
    found = [defect for part in message.walk() if part.unread for defect in part.defects]
    for part in message.walk():
        found += [
            f"more than one {name}, of which each mail program takes its own"
            for name in _DECIDING
            if len({value.strip() for value in part.all(name)}) > 1
        ]
        if _UUENCODED.search(early_text(part)):
            found.append("a header may be taken for a text with a file in it")
        types = (value.partition(";")[0].lower() for value in part.all("content-type"))
        if not part.content_type.startswith("multipart/") and any(
            "multipart" in one for one in types
        ):
            found.append("a type that some mail programs may take for that of a multipart")
        if part.content_type.startswith("text/") and _UUENCODED.search(as_it_is(part)):
            found.append("a file in a text that only some mail programs decode")
    whole = {id(part.data): part.data for part in message.walk()}
    if any(map(_SOMETIMES_A_LINE.search, whole.values())):
        found.append("a carriage return alone, which only some mail programs take for a line end")
    return found


def early_text(part: Part) -> bytes:
    """Return what is part of the header for us, and begins the text for some mail programs.

    We take a line that is neither a field nor indented for the rest of the field above it.
    """
    from mailroom.mime.headers import OTHER

    begin, end = part.header
    found = OTHER.search(part.data, begin, end)
    return part.data[found.start() : end] if found else b""


def as_it_is(part: Part) -> bytes:
    """Return the content that a mail program shows if it does not know the misspelt encoding.

    Empty if the encoding is spelt as in RFC 2045, 6.1, or missing.
    """
    encodings = [one.strip().lower() for one in part.all("content-transfer-encoding")]
    return b"" if not encodings or (len(encodings) == 1 and encodings[0] in _EXACT) else part.raw


def sealed(message: Part) -> bool:
    """Whether any part is encrypted or signed, so that a change would break it."""
    for part in message.walk():
        if part.content_type in ENCRYPTED or part.content_type in SIGNED:
            return True
        if part.content_type == "text/plain" and _INLINE_PGP.search(part.data, part.body, part.end):
            return True
    return False


def bodies(part: Part) -> list[Part]:
    """Return the texts that a person reads first: plain, HTML, or both alternatives."""
    found = []
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if one.content_type == "multipart/alternative":
            waiting.extend(reversed(one.children))
        elif one.children and not one.is_message:
            # The first part of a mixed or related one is the text; the rest belongs to it.
            waiting.append(one.children[0])
        elif one.content_type in _TEXTS and not _attached(one):
            found.append(one)
    return found


def _attached(part: Part) -> bool:
    return part.disposition.main == "attachment" or part.name is not None


def ordinary(message: Part) -> bool:
    """Whether every mail program shows the `bodies` of *message*, and nothing else before them."""
    if unread(message):
        return False
    waiting = [message]
    while waiting:
        part = waiting.pop()
        kinds = [part.all(name) for name in _DECIDING]
        if any(len(values) > 1 for values in kinds):
            return False
        if part.content_type.startswith("multipart/") and not part.children:
            return False  # it is shown as text, and has none that could be changed
        if part.content_type == "multipart/alternative":
            waiting.extend(part.children)
        elif part.content_type in ("multipart/mixed", "multipart/related", "multipart/report"):
            if part.type.get("start") is not None:
                return False
            waiting.append(part.children[0])
        elif (
            (kinds[0] and part.type.main not in _TEXTS)
            or part.file_names
            or part.text()[1]
            or part.disposition.main not in ("", "inline")
        ):
            return False
    return True


def rewritten(part: Part, text: str) -> Iterator[Edit]:
    """Yield the edits that make *text* the content of *part*.

    Charset and encoding stay unless *text* does not fit them; then those two fields change, and no
    others.
    """
    label = part.charset
    charset = _charset(label, text)
    content = text.encode(charset, "replace")
    encoding = part.encoding
    if encoding not in ("base64", "quoted-printable"):
        longest = max(map(len, content.splitlines()), default=0)
        fits = encoding in ("7bit", "8bit", "binary") and (content.isascii() or encoding != "7bit")
        if longest > _LINE or not fits or b"\x00" in content:
            encoding = "quoted-printable" if content.count(b"\x00") == 0 else "base64"
    newline = _newline(part)
    fields = {}
    if charset != (label or "us-ascii"):
        kept = [
            f'{name}="{value}"'
            for name, value in part.type.items.items()
            if name != "charset" and re.fullmatch(r"[ !#-\[\]-~]*", value)
        ]
        value = "; ".join([part.content_type, f'charset="{charset}"', *kept])
        fields[b"content-type"] = b"Content-Type: " + value.encode("ascii", "replace") + newline
    if encoding != part.encoding:
        fields[b"content-transfer-encoding"] = (
            b"Content-Transfer-Encoding: " + encoding.encode() + newline
        )
    if fields:
        yield from _fields(part, fields, newline)
    yield part.body, part.end, _encoded(content, encoding, newline)


def _charset(label: str | None, text: str) -> str:
    """Return *label* if everybody reads *text* by it, else UTF-8."""
    from mailroom.mime import charsets

    if label is None or charsets.codec(label) is None:
        return "us-ascii" if text.isascii() and label is None else "utf-8"
    try:
        text.encode(label)
    except (LookupError, UnicodeError):
        return "utf-8"
    return label


def _newline(part: Part) -> bytes:
    return b"\r\n" if b"\r\n" in part.data[: part.body] else b"\n"


def _encoded(content: bytes, encoding: str, newline: bytes) -> bytes:
    from binascii import b2a_base64, b2a_qp

    if encoding == "base64":
        lines = (
            b2a_base64(content[start : start + 57], newline=False)
            for start in range(0, len(content), 57)
        )
        return newline.join(lines) + newline
    if encoding == "quoted-printable":
        lines = (
            b2a_qp(line, istext=False).replace(b"=\n", b"=" + newline)
            for line in re.split(rb"\r?\n", content)
        )
        return newline.join(lines)
    return content


def _fields(part: Part, wanted: dict[bytes, bytes], newline: bytes) -> Iterator[Edit]:
    """Yield the edits that give *part* the *wanted* fields, in the places of those it has."""
    from mailroom.mime import headers

    missing = dict(wanted)
    for name, start, _, end in headers.ranges(part.data, *part.header):
        if name.lower() in wanted:
            yield start, end, missing.pop(name.lower(), b"")
    place = part.header[1]
    end_of_header = newline if part.body == place else b""
    if missing or end_of_header:
        yield place, place, b"".join(missing.values()) + end_of_header


def replaced(part: Part, text: str) -> Iterator[Edit]:
    """Yield the edits that make *part* a plain text, keeping fields other than ``Content-*``."""
    from mailroom.mime import headers

    newline = _newline(part)
    for name, start, _, end in headers.ranges(part.data, *part.header):
        if name.lower().startswith(b"content-"):
            yield start, end, b""
    place = part.header[1]
    end_of_header = newline if part.body == place else b""
    yield place, place, _text_header(newline) + end_of_header
    content = _encoded(text.encode("utf-8", "replace"), "quoted-printable", newline)
    yield part.body, part.end, content


def _text_header(newline: bytes) -> bytes:
    return (
        b'Content-Type: text/plain; charset="utf-8"'
        + newline
        + b"Content-Transfer-Encoding: quoted-printable"
        + newline
    )


def closed(message: Part) -> Iterator[Edit]:
    """Yield the edits that add the closing boundaries that are missing."""
    for part in reversed([one for one in message.walk() if one.data is message.data]):
        if part.children and not part.closed and not part.is_message:
            newline = _newline(part)
            yield part.end, part.end, newline + b"--" + part.boundaries[0] + b"--" + newline


def wrapped(message: Part, text: str) -> bytes:
    """Return *message* with *text* as a part above it; its content is one part, byte for byte."""
    from hashlib import sha256

    from mailroom.mime import headers

    data, newline = message.data, _newline(message)
    boundary = b"=_" + sha256(data).hexdigest()[:32].encode()
    top: list[bytes] = []
    inner: list[bytes] = []
    for name, start, _, end in headers.ranges(data, *message.header):
        field = data[start:end]
        (inner if name.lower().startswith(b"content-") else top).append(field)
    if not any(field.lower().startswith(b"mime-version") for field in top):
        top.append(b"MIME-Version: 1.0" + newline)
    if top[-1][-1:] != b"\n":
        top.append(newline)
    top.append(b'Content-Type: multipart/mixed; boundary="' + boundary + b'"' + newline)
    words = _encoded(text.encode("utf-8", "replace"), "quoted-printable", newline)
    delimiter = newline + b"--" + boundary
    return b"".join(
        (
            *top,
            delimiter + newline + _text_header(newline) + newline + words,
            delimiter + newline + b"".join(inner) + newline,
            apply(data, closed(message))[message.body :],
            delimiter + b"--" + newline,
        )
    )


def apply(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return *data* with all *edits*, whose positions are those in the given *data*."""
    pieces = []
    last = 0
    for start, end, content in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [data[last:start], content]
        last = end
    pieces.append(data[last:])
    return b"".join(pieces)
