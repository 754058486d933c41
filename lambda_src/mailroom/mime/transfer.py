"""Bytes from their content transfer encoding (RFC 2045 §6), as far as anybody can decode them."""

from __future__ import annotations

import binascii
import re

__all__ = ["KNOWN", "decode", "encoding_of"]

KNOWN = frozenset(("7bit", "8bit", "base64", "binary", "quoted-printable", "uuencode"))
"""The encodings that `decode` understands."""

_SPELLINGS = {
    "": "7bit",
    "8bits": "8bit",
    "7bits": "7bit",
    "b64": "base64",
    "bas64": "base64",
    "base64encoded": "base64",
    "none": "7bit",
    "qp": "quoted-printable",
    "quotedprintible": "quoted-printable",
    "utf8": "8bit",
    "uu": "uuencode",
    "uue": "uuencode",
    "xuu": "uuencode",
    "xuue": "uuencode",
    "xuuencode": "uuencode",
    "xbase64": "base64",
}
_SPELLINGS |= {one.replace("-", ""): one for one in KNOWN}
_OUTSIDE = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)
_BLANK_BEHIND = re.compile(rb"=[ \t]+(?=\r?\n)")
_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.MULTILINE)
_PADDING = re.compile(b"=")
_STEP = 1 << 20


def encoding_of(value: str) -> str:
    """Return the encoding that a field's *value* means, such as ``base64`` for ``BASE64 ;``.

    An encoding that nobody knows is returned as it is written, in lower case.
    """
    plain = re.sub(r"\([^()]*\)", " ", value[:200]).strip(" \t\r\n\"';,")
    words = re.split(r"[;,\r\n]", plain, maxsplit=1)[0].strip(" \t\"'").lower()
    found = _SPELLINGS.get(re.sub(r"[^a-z0-9]", "", words))
    if found is None and " " in words:
        found = _SPELLINGS.get(re.sub(r"[^a-z0-9]", "", words.split()[0]))
    return found or words


def decode(raw: bytes | memoryview, encoding: str) -> tuple[bytes, str | None]:
    """Return *raw* decoded, and what was wrong; as it is if *encoding* is unknown."""
    if encoding == "base64":
        return _base64(raw)
    if encoding == "quoted-printable":
        return _quoted_printable(bytes(raw)), None
    if encoding == "uuencode":
        return _uuencode(bytes(raw))
    if encoding in KNOWN:
        return bytes(raw), None
    return bytes(raw), f"the content transfer encoding {encoding!r:.60} is unknown"


def _base64(raw: bytes | memoryview) -> tuple[bytes, str | None]:
    padding = _PADDING.search(raw)
    if padding is None or not bytes(raw[padding.start() :]).strip(b"= \t\r\n"):
        try:
            return binascii.a2b_base64(raw), None
        except binascii.Error:
            pass
    return _pieces(bytes(raw).translate(None, _OUTSIDE))


def _pieces(clean: bytes) -> tuple[bytes, str | None]:
    # Padding inside ends one piece: two encoded texts that a program joined.
    found = []
    left_over = False
    for piece in clean.split(b"="):
        if not piece:
            continue
        whole = len(piece) - len(piece) % 4
        found += [
            binascii.a2b_base64(piece[start : min(start + _STEP, whole)])
            for start in range(0, whole, _STEP)
        ]
        rest = piece[whole:]
        if len(rest) == 1:
            left_over = True
        elif rest:
            found.append(binascii.a2b_base64(rest + b"=" * (4 - len(rest))))
    return b"".join(found), "base64 ends in the middle of a byte" if left_over else None


def _quoted_printable(raw: bytes) -> bytes:
    if _BLANK_BEHIND.search(raw):
        raw = _BLANK_BEHIND.sub(b"=", raw)
    return binascii.a2b_qp(raw)


def _uuencode(raw: bytes) -> tuple[bytes, str | None]:
    begin = _BEGIN.search(raw)
    if begin is None:
        return raw, "uuencoded content has no beginning"
    found = []
    for line in raw[begin.end() :].splitlines():
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            found.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Encoders that drop blanks at the end of a line, or add a check character.
            size = ((line[0] - 32) & 63) * 4 + 2
            try:
                found.append(binascii.a2b_uu(line[: size // 3 + 1].ljust(size // 3 + 1)))
            except binascii.Error:
                return b"".join(found), "uuencoded content is malformed"
    return b"".join(found), None
