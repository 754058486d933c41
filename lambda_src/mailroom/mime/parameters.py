"""The value of ``Content-Type`` and ``Content-Disposition``: a word and its parameters.

RFC 2045 has one way to write them, senders have many. `Parameters.get` is what most mail programs
take; `Parameters.every` is whatever one of them may take, for those who must not be deceived.
"""

from __future__ import annotations

import re

from mailroom.mime import charsets, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST", "Parameters", "is_type", "parse", "unfolded"]

MOST = 16 * 1024
"""Characters of a value that are read."""

_MOST_GIVEN = 500
_FOLD = re.compile(r"(?<![\r\n])[\r\n]++(?=[ \t])")
_BREAK = re.compile(r"[\r\n\x00]+")
# RFC 2045 has blanks and comments wherever RFC 822 has them: also around the slash.
_BETWEEN = re.compile(r"(?:\s|\([^()]{0,1000}\))++")
_MAIN = re.compile(
    rf"(?:{_BETWEEN.pattern})?[^;\s,(/]*+"
    rf"(?:(?:{_BETWEEN.pattern})?/(?:{_BETWEEN.pattern})?[^;\s,(/=]*+(?!\s*=))*+"
)
_NAME = re.compile(r"[;\s,]*([^=;\s]{1,200})\s*(=?)\s*")
_NEXT = re.compile(r"\s++[A-Za-z][A-Za-z0-9*_-]{0,60}\s{0,20}=")
# From the first of several blanks only, or a line of them would be read again from each.
_LATER = re.compile(rf"(?<!\s){_NEXT.pattern}")
_COMMENT = re.compile(r"(?:(?<!\s)\s++)?\([^()]{0,1000}+\)\s*+$")
_SECTION = re.compile(r"([^*]+)\*(\d+)?(\*)?")
_HEX = re.compile(rb"%([0-9A-Fa-f]{2})")


def unfolded(value: str) -> str:
    """Return a field's raw *value* as one line; a line that begins at the margin is part of it."""
    return _BREAK.sub(" ", _FOLD.sub("", value)).strip()


def is_type(value: str) -> bool:
    """Whether *value* is a content type, known or not."""
    return value.count("/") == 1 and value[0] != "/" and value[-1] != "/"


class Parameters:
    """A parsed value: ``main``, such as ``text/plain``, and its parameters."""

    __slots__ = ("items", "main", "others")

    def __init__(self, main: str, items: dict[str, str], others: list[tuple[str, str]]) -> None:
        self.main = main
        self.items = items
        self.others = others

    def get(self, name: str) -> str | None:
        """Return the parameter *name*, decoded, or ``None``."""
        return self.items.get(name)

    def every(self, name: str) -> list[str]:
        """Return every value that a reader may take for the parameter *name*, likeliest first."""
        found = [self.items[name]] if name in self.items else []
        found += [value for other, value in self.others if other == name]
        return list(dict.fromkeys(found))


def parse(value: str) -> Parameters:
    """Read a field's raw *value*; never raises."""
    text = unfolded(words.text(value[:MOST]))
    begin = _MAIN.match(text)
    written = begin[0] if begin else ""
    main = _BETWEEN.sub("", written)
    given = list(_given(text, len(written)))
    items: dict[str, str] = {}
    others: list[tuple[str, str]] = []
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, shown, variants in given:
        section = _SECTION.fullmatch(name) if "*" in name else None
        if section is None:
            if name in items:
                others.append((name, words.decode(shown)))
            else:
                items[name] = words.decode(shown)
            others += [(name, words.decode(one)) for one in variants]
        else:
            number = int((section[2] or "0")[:6])
            whole = section[2] is None
            pieces = sections.setdefault(section[1] + ("*" if whole else ""), {})
            if number in pieces:
                others.append((section[1], _joined({0: (shown, True)})))
            else:
                pieces[number] = (shown, whole or section[3] is not None)
    for name, pieces in sections.items():
        plain = name.removesuffix("*")
        found = _joined(pieces)
        # Readers that know RFC 2231 prefer it to the plain parameter beside it.
        if plain in items:
            others.append((plain, items[plain]))
        items[plain] = found
    return Parameters(main.lower(), items, others)


def _given(text: str, place: int) -> Iterator[tuple[str, str, list[str]]]:
    """Yield ``(name, value, other values that a reader may take)`` in order."""
    for _ in range(_MOST_GIVEN):
        found = _NAME.match(text, place)
        if found is None:
            return
        name, place = found[1].lower(), found.end()
        if not found[2]:
            # A word that is no parameter, such as a comment.
            continue
        if text[place : place + 1] == '"':
            value, closed, place = _quoted(text, place + 1)
            end = _semicolon(text, place)
            behind = text[place:end].strip()
            variants = [value + behind] if behind else []
            if not closed:
                variants += [value.partition(";")[0].strip()]
            if behind and _NEXT.match(text, place - 1 if text[place - 1] == " " else place):
                variants, end = [], place
            place = end
            yield name, value, variants
            continue
        end = _semicolon(text, place)
        value = whole = text[place:end].strip()
        following = _LATER.search(text, place, end)
        if following is not None:
            value, end = text[place : following.start()].strip(), following.start()
        bare = _COMMENT.sub("", value)
        place = end
        variants = [whole, value, bare, value.strip("'"), value.partition(" ")[0]]
        yield name, bare or value, [one for one in dict.fromkeys(variants) if one and one != bare]


def _semicolon(text: str, place: int) -> int:
    end = text.find(";", place)
    return len(text) if end < 0 else end


def _quoted(text: str, place: int) -> tuple[str, bool, int]:
    """Return the quoted string that begins at *place*, whether it is closed, and where it ends."""
    end = place
    while (end := text.find('"', end)) >= 0:
        slashes = end
        while slashes > place and text[slashes - 1] == "\\":
            slashes -= 1
        if (end - slashes) % 2 == 0:
            break
        end += 1
    closed = end >= 0
    value = text[place:end] if closed else text[place:]
    # Only these two, since programs write paths of Windows here.
    value = value.replace("\\\\", "\\").replace('\\"', '"')
    return value, closed, end + 1 if closed else len(text)


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    """Return the text of the numbered *pieces* of a parameter (RFC 2231 §3 and §4)."""
    first, extended = pieces[min(pieces)]
    charset: str | None = None
    if extended and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
    if not any(is_extended for _, is_extended in pieces.values()):
        return words.decode("".join(value for _, (value, _) in sorted(pieces.items())))
    found = []
    for number, (value, is_extended) in sorted(pieces.items()):
        raw = (first if number == min(pieces) else value).encode("utf-8", "replace")
        found.append(_HEX.sub(_byte, raw) if is_extended else raw)
    return words.decode(charsets.decode(b"".join(found), charset)[0])


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))
