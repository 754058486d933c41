"""Address fields (RFC 5322 §3.4), however they are written, in one pass."""

from __future__ import annotations

import re

from mailroom.mime import words

__all__ = ["Mailboxes", "parse"]

_MOST = 10_000
_MOST_TOKENS = 100_000
_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*"?|[(),:;<>\\]|[^"(),:;<>\\]+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)")
_AROUND = re.compile(r"(?:(?<!\s)\s++)?([@.])\s*+")
_BLANK = re.compile(r"\s+")

TYPE_CHECKING = False
if TYPE_CHECKING:
    Mailbox = tuple[str, str]  # decoded display name, addr-spec


class Mailboxes:
    """What an address field holds.

    Attributes:
        groups: ``(name of the group or None, its mailboxes)``, in order. A mailbox is ``(display
            name, address)``; one outside of any group is in a group of its own.
        whole: Whether all of the value was understood.
    """

    __slots__ = ("groups", "whole")

    def __init__(self) -> None:
        self.groups: list[tuple[str | None, list[Mailbox]]] = []
        self.whole = True

    @property
    def mailboxes(self) -> list[Mailbox]:
        """Every mailbox, in order."""
        return [one for _, members in self.groups for one in members]


class _Reader:
    """What was read so far, and of the mailbox at hand."""

    def __init__(self) -> None:
        self.found = Mailboxes()
        self.group: list[Mailbox] | None = None
        self.count = 0
        self.depth = 0
        self.comment: list[str] = []
        self.clear()

    def clear(self) -> None:
        """Begin a new mailbox."""
        self.words: list[tuple[str, bool]] = []  # text, and whether it was quoted
        self.comments: list[str] = []
        self.angle: list[str] | None = None
        self.address: str | None = None

    def read(self, sign: str) -> None:
        """Read the next special character, quoted string, or run of other text."""
        if self.depth or sign == "(":
            self._read_comment(sign)
        elif self.angle is not None:
            self._read_angle(sign)
        elif sign == ",":
            self.end()
        elif sign == ";":
            self.end()
            self.group = None
        elif sign == ":":
            self._begin_group()
        elif sign == "<":
            if self.address is not None:
                self.found.whole = False  # two addresses without a comma
                self.end()
            self.angle = []
        else:
            self._read_text(sign)

    def _read_comment(self, sign: str) -> None:
        # Counted, because a sender may nest comments as deep as they like.
        self.depth += (sign == "(") - (sign == ")")
        if not self.depth:
            self.comments.append("".join(self.comment).strip())
            self.comment = []
        elif self.comment or sign != "(":
            self.comment.append(sign)

    def _read_angle(self, sign: str) -> None:
        assert self.angle is not None
        if sign == ">":
            self.address, self.angle = "".join(self.angle), None
        elif sign == "<":
            self.found.whole = False
        else:
            self.angle.append(sign)

    def _read_text(self, text: str) -> None:
        if text == ">" or (self.address is not None and text.strip()):
            self.found.whole = False  # words behind an address
        elif text[0] == '"':
            inside = text[1:-1] if len(text) > 1 and text[-1] == '"' else text[1:]
            # Not sub, which takes a microsecond for each: a name may have a million.
            self.words.append(("".join(_ESCAPED.split(inside)), True))
        elif self.words or text.strip():
            self.words.append((text, False))

    def end(self) -> None:
        """Keep the mailbox at hand, if there is one."""
        if self.angle is not None:
            self.address, self.angle = "".join(self.angle), None
            self.found.whole = False  # never closed
        if self.address is not None:
            self._keep(self._name(), self.address)
        elif self.words:
            self._keep_bare()
        self.clear()

    def _keep_bare(self) -> None:
        # Without angle brackets, the words themselves are the address.
        plain = "".join(f'"{one}"' if quoted else one for one, quoted in self.words)
        spoken = _AROUND.sub(r"\1", plain).split()
        named = [one for one in spoken if "@" in one]
        if len(spoken) == 1:
            self._keep("", spoken[0])
            return
        self.found.whole = False
        name = words.decode(" ".join(one for one in spoken if one not in named[-1:]))
        self._keep(name, named[-1] if named else "")

    def _keep(self, name: str, address: str) -> None:
        self.count += 1
        if self.count > _MOST:
            self.found.whole = False
            return
        name = name or words.decode(" ".join(self.comments))
        mailbox = (name, words.one_line(words.text(_without_route(address))))
        if self.group is None:
            self.found.groups.append((None, [mailbox]))
        else:
            self.group.append(mailbox)

    def _name(self) -> str:
        return words.decode(_BLANK.sub(" ", "".join(one for one, _ in self.words)).strip())

    def _begin_group(self) -> None:
        self.count += 1
        if self.group is not None or self.count > _MOST:
            self.found.whole = False
            return
        self.group = []
        self.found.groups.append((self._name(), self.group))
        self.clear()


def parse(value: str) -> Mailboxes:
    """Read the raw *value* of an address field; never raises."""
    reader = _Reader()
    for number, found in enumerate(_TOKEN.finditer(_BLANK.sub(" ", value))):
        if number == _MOST_TOKENS:
            reader.found.whole = False
            break
        reader.read(found[0])
    reader.end()
    reader.found.whole = reader.found.whole and not reader.depth
    return reader.found


def _without_route(address: str) -> str:
    # RFC 5322 §4.4: "@one,@two:jane@example.com" goes to Jane.
    address = address.strip()
    if address.startswith("@") and ":" in address:
        address = address.partition(":")[2]
    return address.strip()
