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
    from email.message import Message
    from typing import Any

    Edit = tuple[int, int, bytes]

__all__ = [
    "Part",
    "Unreadable",
    "apply",
    "bodies",
    "encrypted",
    "parts",
    "read",
    "replaced",
    "rewritten",
]

_MAX_DEPTH = 30
_MAX_PARTS = 1000
_LINE = 998
_BLANK = re.compile(rb"^\r?\n", re.MULTILINE)
_FIELD = re.compile(rb"^[!-9;-~]+[ \t]*:.*(?:\n[ \t].*)*\n?", re.MULTILINE)
_SEALED = frozenset(
    (
        "application/pgp-encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "multipart/encrypted",
        "multipart/signed",
    )
)
_INLINE_PGP = re.compile(rb"^-----BEGIN PGP (SIGNED )?MESSAGE-----\r?$", re.MULTILINE)


class Unreadable(MailroomError):
    """The message or a part of it is malformed, so nothing in it is changed."""


class Part:
    """One part: ``start`` and ``end`` in the message, and where its body begins."""

    __slots__ = ("body", "children", "data", "end", "header", "start")

    def __init__(self, data: bytes, start: int, end: int, depth: int = 0) -> None:
        from email import policy
        from email.parser import BytesHeaderParser

        if depth > _MAX_DEPTH:
            raise Unreadable(f"the message has parts nested more than {_MAX_DEPTH} deep")
        self.data = data
        self.start = start
        self.end = end
        blank = _BLANK.search(data, start, end)
        self.body = end if blank is None else blank.end()
        self.header: Message[Any, Any] = BytesHeaderParser(policy=policy.compat32).parsebytes(
            data[start : self.body]
        )
        self.children: list[Part] = []
        if self.header.get_content_maintype() == "multipart":
            self.children = [Part(data, *place, depth + 1) for place in self._places()]

    def _places(self) -> Iterator[tuple[int, int]]:
        boundary = self.header.get_boundary()
        if not boundary:
            raise Unreadable("a multipart has no boundary")
        name = re.escape(boundary.encode("ascii", "surrogateescape"))
        line = re.compile(rb"^--" + name + rb"(--)?[ \t]*(\r?\n|\r?\Z)", re.MULTILINE)
        begin = None
        for count, found in enumerate(line.finditer(self.data, self.body, self.end)):
            if count > _MAX_PARTS:
                raise Unreadable(f"a multipart has more than {_MAX_PARTS} parts")
            if begin is not None:
                # The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
                end = found.start() - 1
                if end > begin and self.data[end - 1 : end] == b"\r":
                    end -= 1
                yield begin, max(begin, end)
            if found[1]:
                return
            begin = found.end()
        raise Unreadable("a multipart has no closing boundary")

    @property
    def content_type(self) -> str:
        """``text/plain`` and so on; lower case."""
        return self.header.get_content_type()

    @property
    def is_attachment(self) -> bool:
        """Whether it is an attachment, by its disposition or because it has a file name."""
        return self.header.get_content_disposition() == "attachment" or bool(self.names)

    @property
    def names(self) -> list[str]:
        """Every file name that the part has; mail programs differ in which they use."""
        from email.utils import collapse_rfc2231_value

        found = []
        for field, parameter in (("content-disposition", "filename"), ("content-type", "name")):
            value = self.header.get_param(parameter, None, field)
            if value:
                found.append(_decoded(collapse_rfc2231_value(value)))
        return found

    @property
    def encoding(self) -> str:
        """The content transfer encoding; ``7bit`` if there is none."""
        value = str(self.header.get("content-transfer-encoding", "7bit"))
        return value.partition(";")[0].strip().lower() or "7bit"

    @property
    def charset(self) -> str:
        """The declared charset; ``utf-8`` for none or ASCII."""
        said = self.header.get_content_charset() or "utf-8"
        return "utf-8" if said in ("us-ascii", "ascii") else said

    def text(self) -> str:
        """Return the decoded text; raise `Unreadable` if it is malformed."""
        raw = self.data[self.body : self.end]
        try:
            if self.encoding == "base64":
                from binascii import a2b_base64

                raw = a2b_base64(raw)
            elif self.encoding == "quoted-printable":
                from binascii import a2b_qp

                raw = a2b_qp(raw)
            elif self.encoding not in ("7bit", "8bit", "binary"):
                raise Unreadable(f"a part has the unknown encoding {self.encoding!r:.40}")
            return raw.decode(self.charset)
        except (LookupError, ValueError) as error:
            raise Unreadable(
                f"a text does not fit its charset or encoding: {type(error).__name__}"
            ) from error


def _decoded(name: str) -> str:
    """Return *name* with its RFC 2047 words decoded, which are common although not allowed here."""
    from email.header import decode_header, make_header

    if "=?" not in name:
        return name.strip()
    try:
        return str(make_header(decode_header(name))).strip()
    except Exception:  # a malformed word is taken literally
        return name.strip()


def read(data: bytes) -> Part:
    """Return the whole message as a part; raise `Unreadable` if its structure is broken."""
    return Part(data, 0, len(data))


def parts(part: Part) -> Iterator[Part]:
    """Yield *part* and all parts in it, without those of attached messages."""
    yield part
    for child in part.children:
        yield from parts(child)


def encrypted(message: Part) -> bool:
    """Whether any part is encrypted or signed, so that a change would break it."""
    for part in parts(message):
        if part.content_type in _SEALED:
            return True
        if part.content_type == "text/plain" and _INLINE_PGP.search(part.data, part.body, part.end):
            return True
    return False


def bodies(part: Part) -> list[Part]:
    """Return the texts that a person reads first: plain, HTML, or both alternatives."""
    if part.content_type == "multipart/alternative":
        return [body for child in part.children for body in bodies(child)]
    if part.children:
        # The first part of a mixed or related one is the text; the rest belongs to it.
        return bodies(part.children[0])
    if part.content_type in ("text/plain", "text/html") and not part.is_attachment:
        return [part]
    return []


def rewritten(part: Part, text: str) -> Iterator[Edit]:
    """Yield the edits that make *text* the content of *part*.

    Charset and encoding stay unless *text* does not fit them; then those two fields change, and no
    others.
    """
    charset, encoding = part.charset, part.encoding
    try:
        content = text.encode(charset)
    except (LookupError, UnicodeError):
        charset = "utf-8"
        content = text.encode(charset, "replace")
    if encoding not in ("base64", "quoted-printable"):
        longest = max(map(len, content.splitlines()), default=0)
        fits = content.isascii() or encoding != "7bit"
        if longest > _LINE or not fits or b"\x00" in content:
            encoding = "quoted-printable" if content.count(b"\x00") == 0 else "base64"
    newline = b"\r\n" if b"\r\n" in part.data[: part.body] else b"\n"
    ascii_only = charset == "utf-8" and part.header.get_content_charset() in (
        None,
        "us-ascii",
        "ascii",
    )
    relabelled = charset != part.charset or (ascii_only and not content.isascii())
    if encoding != part.encoding or relabelled:
        yield from _fields(part, charset, encoding, newline)
    yield part.body, part.end, _encoded(content, encoding, newline)


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


def _fields(part: Part, charset: str, encoding: str, newline: bytes) -> Iterator[Edit]:
    parameters = part.header.get_params() or [(part.content_type, "")]
    kept = [
        f'{name}="{value}"'
        for name, value in parameters[1:]
        if name.lower() != "charset" and re.fullmatch(r"[ !#-\[\]-~]*", value)
    ]
    value = "; ".join([part.content_type, f'charset="{charset}"', *kept])
    wanted = {
        b"content-type": b"Content-Type: " + value.encode("ascii") + newline,
        b"content-transfer-encoding": b"Content-Transfer-Encoding: " + encoding.encode() + newline,
    }
    if part.body == part.start or not _BLANK.search(part.data, part.start, part.body):
        raise Unreadable("a part has no header in which its new type could be declared")
    for found in _FIELD.finditer(part.data, part.start, part.body):
        name = found[0].partition(b":")[0].strip().lower()
        if name in wanted:
            yield found.start(), found.end(), wanted.pop(name)
    if wanted:
        # Before the blank line, which is the last of the header block.
        blank = _BLANK.search(part.data, part.start, part.body)
        assert blank is not None
        yield blank.start(), blank.start(), b"".join(wanted.values())


def replaced(part: Part, text: str) -> Iterator[Edit]:
    """Yield the edits that make *part* a plain text, keeping fields other than ``Content-*``."""
    newline = b"\r\n" if b"\r\n" in part.data[: part.body] else b"\n"
    header = b'Content-Type: text/plain; charset="utf-8"' + newline
    header += b"Content-Transfer-Encoding: quoted-printable" + newline
    content = _encoded(text.encode("utf-8", "replace"), "quoted-printable", newline)
    for found in _FIELD.finditer(part.data, part.start, part.body):
        if found[0].lower().startswith(b"content-"):
            yield found.start(), found.end(), b""
    blank = _BLANK.search(part.data, part.start, part.body)
    if blank is None:
        raise Unreadable("the header of a part has no end")
    yield blank.start(), blank.start(), header
    yield part.body, part.end, content


def apply(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return *data* with all *edits*, whose positions are those in the given *data*."""
    pieces = []
    last = 0
    for start, end, content in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [data[last:start], content]
        last = end
    pieces.append(data[last:])
    return b"".join(pieces)
