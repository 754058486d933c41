"""Text from bytes, by the charset that a sender named or meant."""

from __future__ import annotations

import codecs
import re

__all__ = ["codec", "decode"]

# What senders write, and the codec that reads it. Where a label is commonly a lie, the codec is the
# superset that is meant: browsers and mail programs read ISO-8859-1 as windows-1252, GB2312 as GBK.
_MEANT = {
    "ansi": "cp1252",
    "ansix341968": "cp1252",
    "ascii": "ascii",
    "big5": "cp950",
    "big5eten": "cp950",
    "big5hkscs": "big5hkscs",
    "cnbig5": "cp950",
    "csbig5": "cp950",
    "cseucpkdfmtjapanese": "euc_jp",
    "csgb2312": "gb18030",
    "csiso2022jp": "iso2022_jp_ext",
    "cskoi8r": "koi8_r",
    "csksc56011987": "cp949",
    "csshiftjis": "cp932",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "cp51932": "euc_jp",
    "cp51949": "cp949",
    "cp54936": "gb18030",
    "cp65000": "utf_7",
    "cp65001": "utf_8",
    "cp874": "cp874",
    "cp936": "gb18030",
    "eucgb2312cn": "gb18030",
    "euccn": "gb18030",
    "euckr": "cp949",
    "gb18030": "gb18030",
    "gb2312": "gb18030",
    "gb231280": "gb18030",
    "gbk": "gb18030",
    "hzgb2312": "hz",
    "isoir100": "cp1252",
    "isoir149": "cp949",
    "isoir58": "gb18030",
    "iso2022jp": "iso2022_jp_ext",
    "iso885911": "cp874",
    "johab": "johab",
    "koi8": "koi8_r",
    "koi8ru": "koi8_u",
    "ksc5601": "cp949",
    "ksc56011987": "cp949",
    "ksc56011989": "cp949",
    "latin1": "cp1252",
    "macintosh": "mac_roman",
    "maccentraleurroman": "mac_latin2",
    "macce": "mac_latin2",
    "mac": "mac_roman",
    "macukrainian": "mac_cyrillic",
    "mskanji": "cp932",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "tis620": "cp874",
    "unicode11utf7": "utf_7",
    "unicode11utf8": "utf_8",
    "usascii": "ascii",
    "utf8": "utf_8",
    "utf8mb3": "utf_8",
    "utf8mb4": "utf_8",
    "windows31j": "cp932",
}
_ISO = re.compile(r"(?:csisolatin|iso8859|iso88591987|latin)(\d{1,2})(?:[eil]|\d{4})?")
_LATIN = {"1": "1", "2": "2", "3": "3", "4": "4", "5": "9", "6": "10", "7": "13", "8": "14"}
_SUPERSETS = {"1": "cp1252", "9": "cp1254", "11": "cp874"}
_SURROGATES = re.compile("[\ud800-\udfff]")
_PAGE = re.compile(r"(?:windows|win|ibm|cp|ms|csibm|dos)(\d{2,5})")
_MAC = re.compile(r"mac([a-z]+)")
# Codecs of Python that are not charsets of text in mail, or that give one text for everything.
_NEVER = frozenset(("idna", "mbcs", "oem", "punycode", "undefined", "unicode_escape"))
_NEVER |= frozenset(("raw_unicode_escape", "unicode_internal"))


def codec(charset: str | None) -> str | None:
    """Return the name of the codec for the label *charset*; ``None`` if no such charset exists."""
    label = re.sub(r"[^a-z0-9]", "", (charset or "")[:80].lower())
    if label.startswith("x") and label not in _MEANT:
        label = label[1:]
    if not label:
        return None
    found = _MEANT.get(label)
    if found is None and (iso := _ISO.fullmatch(label)):
        number = iso[1] if "8859" in label else _LATIN.get(iso[1], iso[1])
        found = _SUPERSETS.get(number, f"iso8859_{number}")
    if found is None and (page := _PAGE.fullmatch(label)):
        found = _MEANT.get(f"cp{page[1]}", f"cp{page[1]}")
    if found is None and (mac := _MAC.fullmatch(label)):
        found = f"mac_{mac[1]}"
    for name in (found, charset, label):
        if name and name.isascii() and "\x00" not in name and _is_text(name):
            return codecs.lookup(name).name
    return None


def _is_text(name: str) -> bool:
    try:
        if codecs.lookup(name).name.replace("-", "_") in _NEVER:
            return False
        # Codecs from bytes to bytes, such as zip or hex, refuse this. An empty text they do not.
        b"text".decode(name, "replace")
    except (LookupError, ValueError, TypeError, AttributeError):
        return False
    return True


def decode(raw: bytes, charset: str | None) -> tuple[str, str | None]:
    """Return *raw* as text, and what was wrong, if a reader may see something else.

    Text that does not fit its charset is tried as UTF-8, the most frequent one. What fits neither
    has replacement characters.
    """
    if not raw:
        return "", None
    known = codec(charset)
    if known is None or known in ("ascii", "cp1252"):
        # No charset, an unknown one, and labels that programs set without looking.
        if known == "cp1252":
            return _western(raw), None
        try:
            return raw.decode("utf-8"), None
        except UnicodeDecodeError:
            unknown = known is None and (charset or "").strip()
            return _western(raw), f"the charset {charset!r:.60} is unknown" if unknown else None
    if known.startswith(("utf-16", "utf-32")) and b"\x00" not in raw:
        known = "utf-8"
    try:
        return _whole(raw.decode(known)), None
    except ValueError:
        pass
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError:
        text = _whole(raw.decode(known, "replace"))
        return text, f"a text does not fit its charset {charset!r:.60}"


def _whole(text: str) -> str:
    # UTF-7 can say half of a surrogate pair, which no UTF-8 can.
    return _SURROGATES.sub("\ufffd", text)


def _western(raw: bytes) -> str:
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        # The five bytes that windows-1252 leaves open are control characters, as in ISO-8859-1.
        pieces = re.split(rb"([\x81\x8d\x8f\x90\x9d])", raw)
        return "".join(
            piece.decode("latin-1" if number % 2 else "cp1252")
            for number, piece in enumerate(pieces)
        )
