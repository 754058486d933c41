"""Mail addresses as people mean them: names and domains decoded, the label apart."""

from __future__ import annotations

import re

from mailroom.mime import addresses as reader
from mailroom.mime import words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Address", "is_sendable", "parse"]

_MOST = 1000
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')


class Address:
    """One address of a header field or of the envelope; a value that compares and hashes.

    Everything in it is what a stranger wrote. Printing it with ``repr`` shows nothing of it,
    ``str`` gives ``Jane Doe <jane@example.com>``.

    Attributes:
        name: The display name, decoded (RFC 2047), on one line; empty if there is none.
        address: ``jane@bücher.example``: local part and decoded domain.
        local_part: What is before the ``@``, as it was written.
        domain: The domain in lower case, decoded if it is an international one (RFC 5891); empty
            if the address has none.
        group: The name of the group that it is in (RFC 5322 §3.4), or ``None``.
    """

    __slots__ = ("_written", "address", "domain", "group", "local_part", "name")

    def __init__(self, address: str, name: str = "", *, group: str | None = None) -> None:
        local, at, domain = address.rpartition("@")
        if not at:
            local, domain = address, ""
        self.name = name
        self.group = group
        self.local_part = local
        self._written = domain.lower()
        self.domain = ".".join(map(_decoded, self._written.split(".")))
        self.address = f"{local}@{self.domain}" if at else local

    @property
    def label(self) -> str | None:
        """What follows the first ``+`` of the local part, or ``None``."""
        return self.local_part.partition("+")[2] or None

    @property
    def ascii_address(self) -> str:
        """The address as it is sent to: an international domain as its A-labels (``xn--…``)."""
        if "@" not in self.address:
            return self.address
        labels = (
            label if label.isascii() else "xn--" + label.encode("punycode").decode()
            # Half of a surrogate pair, as JSON may have, becomes a question mark.
            for label in self._written.encode("utf-8", "replace").decode().split(".")
        )
        return f"{self.local_part}@{'.'.join(labels)}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Address):
            return self._key() == other._key()
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        if not self.name:
            return self.address
        if not _SPECIAL.search(self.name):
            return f"{self.name} <{self.address}>"
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.address}>'

    def __repr__(self) -> str:
        return "<Address>"

    def _key(self) -> tuple[str, str, str | None]:
        return self.name, self.address, self.group


def is_sendable(address: str) -> bool:
    """Whether SES can send to *address*, which is in ASCII."""
    from mailroom.ses import DOMAIN, LOCAL_PART

    local = address.rpartition("@")[0]
    shape = re.compile(f"{LOCAL_PART}@{DOMAIN}")  # kept by `re`
    return len(local) <= 64 and len(address) <= 254 and shape.fullmatch(address) is not None


def parse(values: Iterable[str]) -> list[Address]:
    """Return the addresses in the raw *values* of one field, in order; never raises."""
    found: list[Address] = []
    for value in values:
        for group, members in reader.parse(value).groups:
            title = None if group is None else words.one_line(group)
            found += [Address(spec, name, group=title) for name, spec in members if spec]
            if len(found) >= _MOST:
                return found[:_MOST]
    return found


def _decoded(label: str) -> str:
    """Return the label of a domain as it is shown; unchanged unless it is a sound A-label."""
    if not label.startswith("xn--") or len(label) > 63:
        return label
    try:
        shown = label[4:].encode("ascii").decode("punycode")
        same = shown.encode("punycode").decode() == label[4:]
    except (UnicodeError, ValueError, OverflowError):
        return label
    # "xn--paypal-" would decode to the domain of someone else.
    if not same or shown.isascii() or not all(map(_is_letter, shown)):
        return label
    from unicodedata import normalize

    return shown if shown == normalize("NFKC", shown).lower() else label


def _is_letter(char: str) -> bool:
    from unicodedata import category

    return category(char)[0] in "LMN" or char in "-\u00b7\u200c\u200d\u30fb"
