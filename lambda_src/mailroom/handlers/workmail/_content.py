"""Every text of a message that its recipient may come to see, and what could not be read."""

from __future__ import annotations

import re

from mailroom.handlers.workmail import _message, _names, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailroom.mime.parts import Part

__all__ = ["Texts"]

_SHOWN_FIELDS = frozenset(
    ("subject", "comments", "keywords", "thread-topic", "from", "sender", "to", "cc", "reply-to")
)
_ELSEWHERE = frozenset(("message/partial", "message/external-body"))
_SECRET_NAMES = frozenset(("age", "asc", "gpg", "p7e", "p7m", "pgp"))
_ARMOR = re.compile(
    rb"^-----BEGIN (?:PGP MESSAGE|AGE ENCRYPTED FILE|PKCS7|CMS|ENCRYPTED MESSAGE)-----",
    re.MULTILINE,
)
_SIGNATURES = ("application/pgp-signature", "application/pgp-keys")
_ENTRY = re.compile(rb"PK\x03\x04..(.)", re.DOTALL)
_BEGINNINGS = (b"age-encryption.org/", b"Salted__", b"\x85\x01", b"\x85\x02", b"\x84\x5e\x03")
_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OFFICE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BLANKS = re.compile(r"\s+")


class Texts:
    """The texts of *message*, one after the other.

    Attributes:
        unread: Once all were seen, why some content is in none of them.
    """

    def __init__(self, message: Part) -> None:
        self.unread = _message.unread(message)
        self._message = message

    def __iter__(self) -> Iterator[str]:
        for part in self._message.walk():
            for text in self._of_part(part):
                yield text
                plain = _plain(text)
                if plain != text:
                    yield plain

    def _of_part(self, part: Part) -> Iterator[str]:
        from mailroom.mime import parameters, words

        for name, value in part.fields:
            if name.lower() in _SHOWN_FIELDS:
                yield words.decode(parameters.unfolded(value))
        if early := _message.early_text(part):
            yield early.decode("utf-8", "replace")
        yield from part.names
        self._note_seals(part)
        if not part.children:
            yield from self._of_content(part)

    def _note_seals(self, part: Part) -> None:
        kinds = set(part.declared_types)
        if not kinds.isdisjoint(_message.ENCRYPTED):
            self.unread.append("encrypted")
        if not kinds.isdisjoint(_ELSEWHERE):
            self.unread.append("a part of the message is elsewhere")
        named = _names.extensions(part.names) & _SECRET_NAMES
        if named and kinds.isdisjoint(_SIGNATURES):
            self.unread.append("encrypted")

    def _of_content(self, part: Part) -> Iterator[str]:
        from mailroom.mime import charsets

        content, wrong = part.content()
        declared_text = any(kind.startswith(("text/", "message/")) for kind in part.declared_types)
        # A multipart without parts, and what has no type, is shown as text.
        declared_text = declared_text or part.content_type.startswith("multipart/")
        if wrong:
            self.unread.append(wrong)
        if _is_encrypted(content):
            self.unread.append("encrypted")
        if not declared_text and not _looks_like_text(content):
            return
        text, unfit = part.text()
        if unfit and not wrong and declared_text:
            self.unread.append(unfit)
        others = [charsets.decode(content, None)[0]]
        if b"\x00" in content:
            others += [content.decode(name, "replace") for name in ("utf-16-le", "utf-16-be")]
        if shown := part.raw if wrong else _message.as_it_is(part):
            others.append(charsets.decode(shown, None)[0])
        for one in dict.fromkeys((text, *others)):
            yield one
            if "<" in one:
                # Tags between two words, and tags inside of one.
                yield _text.visible(one)
                yield _text.visible(one, "")


def _plain(text: str) -> str:
    """Return *text* with one kind of blank, hyphen and digit, and without what nobody sees."""
    if text.isascii():
        return _BLANKS.sub(" ", text)
    from unicodedata import category, decimal, normalize

    kinds = {char: category(char) for char in set(normalize("NFKC", text))}
    table = {}
    for char, kind in kinds.items():
        if kind == "Nd":
            table[ord(char)] = str(decimal(char))
        elif kind == "Pd" or char == "\u2212":
            table[ord(char)] = "-"
        elif kind in ("Cf", "Cc", "Mn", "Me") and not char.isspace():
            table[ord(char)] = ""
    return _BLANKS.sub(" ", normalize("NFKC", text).translate(table))


def _looks_like_text(content: bytes) -> bool:
    start = content[: 64 * 1024]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    if b"\x00" in start:
        return False
    # Text has few control characters, in any charset.
    control = sum(start.count(bytes((one,))) for one in range(32) if one not in (9, 10, 12, 13, 27))
    return control * 100 <= len(start)


def _is_encrypted(content: bytes) -> bool:
    if _ARMOR.search(content) or content.startswith(_BEGINNINGS):
        return True
    if content.startswith(b"PK\x03\x04"):
        return any(found[1][0] & 1 for found in _ENTRY.finditer(content))
    if content.startswith(b"%PDF"):
        return b"/Encrypt" in content
    return content.startswith(_OFFICE) and _OFFICE_ENCRYPTED in content
