"""What ``message["From"]`` and the like return: one line of text that knows what it means.

They offer what the classes of ``email.headerregistry`` do, and never raise: where a value cannot be
read, the attribute is empty or ``None``, and ``defects`` says so.
"""

from __future__ import annotations

from contextlib import suppress
from email.errors import InvalidHeaderDefect
from email.headerregistry import Address, Group, HeaderRegistry

from mailroom.mime import addresses, parameters, transfer, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from email.errors import MessageDefect
    from email.policy import Policy

__all__ = ["Value", "value"]

_MOST_FOLDED = 4000
_registry = HeaderRegistry()


class Value(str):  # noqa: SLOT000 (it holds what was read, as the classes of `email` do)
    """The decoded value of any field.

    Attributes:
        name: The field's name.
        defects: What could not be read.
    """

    name: str
    defects: tuple[MessageDefect, ...]
    max_count: int | None = None

    def __new__(cls, name: str, raw: str) -> Value:
        """Read the *raw* value of the field *name*."""
        self = super().__new__(cls, words.decode(parameters.unfolded(raw)))
        self._set(name, raw)
        return self

    def _set(self, name: str, raw: str) -> None:
        self.name = name
        self.defects = ()

    def fold(self, *, policy: Policy) -> str:
        """Return the field folded, as the ``email`` package asks for when it is sent on."""
        text = str(self)
        if len(text) <= _MOST_FOLDED:
            # The package raises whatever its parser does.
            with suppress(Exception):
                return _registry(self.name, text).fold(policy=policy)
        from email.header import Header

        encoded = Header(text, None if text.isascii() else "utf-8", 75, self.name)
        return f"{self.name}: {encoded.encode(linesep=policy.linesep)}{policy.linesep}"


class AddressValue(Value):
    """The value of an address field."""

    groups: tuple[Group, ...]
    addresses: tuple[Address, ...]

    def __new__(cls, name: str, raw: str) -> AddressValue:
        """Read the *raw* value of the field *name*."""
        found = addresses.parse(raw)
        groups = tuple(
            Group(group, tuple(_address(*mailbox) for mailbox in mailboxes))
            for group, mailboxes in found.groups
        )
        text = ", ".join(str(one) for one in groups) if found.whole else words.decode(raw)
        self = str.__new__(cls, words.one_line(text))
        self._set(name, raw)
        self.groups = groups
        self.addresses = tuple(one for group in groups for one in group.addresses)
        if not found.whole:
            self.defects = (InvalidHeaderDefect("not all of the field is addresses"),)
        return self

    @property
    def address(self) -> Address | None:
        """The first address, which is the only one in ``Sender``; ``None`` if there is none."""
        return self.addresses[0] if self.addresses else None


def _address(display_name: str, address: str) -> Address:
    local, at, domain = address.rpartition("@")
    if not at:
        local, domain = address, ""
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = local[1:-1]
    return Address(display_name, local, domain)


class DateValue(Value):
    """The value of a date field; ``datetime`` is ``None`` if it is not a date."""

    datetime: datetime | None

    def _set(self, name: str, raw: str) -> None:
        super()._set(name, raw)
        from email.utils import parsedate_to_datetime

        try:
            self.datetime = parsedate_to_datetime(str(self)[:200])
        except Exception:
            self.datetime = None
            self.defects = (InvalidHeaderDefect("not a date"),)


class ParameterValue(Value):
    """The value of ``Content-Type`` or ``Content-Disposition``."""

    params: Mapping[str, str]
    content_type: str
    maintype: str
    subtype: str
    content_disposition: str | None

    def _set(self, name: str, raw: str) -> None:
        super()._set(name, raw)
        found = parameters.parse(raw)
        self.params = dict(found.items)
        kind = found.main if parameters.is_type(found.main) else "text/plain"
        self.content_type = kind
        self.maintype, _, self.subtype = kind.partition("/")
        self.content_disposition = found.main or None


class EncodingValue(Value):
    """The value of ``Content-Transfer-Encoding``."""

    cte: str

    def _set(self, name: str, raw: str) -> None:
        super()._set(name, raw)
        self.cte = transfer.encoding_of(str(self))


class VersionValue(Value):
    """The value of ``MIME-Version``."""

    version: str | None
    major: int | None
    minor: int | None

    def _set(self, name: str, raw: str) -> None:
        super()._set(name, raw)
        import re

        found = re.match(r"\s*(\d{1,3})\s*\.\s*(\d{1,3})", str(self))
        self.version = f"{found[1]}.{found[2]}" if found else None
        self.major, self.minor = (int(found[1]), int(found[2])) if found else (None, None)


_CLASSES: dict[str, type[Value]] = {
    **dict.fromkeys(("from", "to", "cc", "bcc", "reply-to", "sender"), AddressValue),
    **dict.fromkeys(
        ("resent-from", "resent-to", "resent-cc", "resent-bcc", "resent-sender"), AddressValue
    ),
    **dict.fromkeys(("date", "orig-date", "resent-date"), DateValue),
    **dict.fromkeys(("content-type", "content-disposition"), ParameterValue),
    "content-transfer-encoding": EncodingValue,
    "mime-version": VersionValue,
}


def value(name: str, raw: str) -> Value:
    """Return the *raw* value of the field *name*, read."""
    return _CLASSES.get(name.lower(), Value)(name, raw)
