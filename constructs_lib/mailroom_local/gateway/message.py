"""A mail that reaches an ingress point: who sends it, and what its rules see of it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from mailroom_local.mail.headers import Headers, header_of, read_headers
from mailroom_local.receiving.message import Verdicts

ADDON_HEADER = "X-Mailroom-Addon"
_ADDON = re.compile(r"([A-Z_]+)\.(\w+)\s*[:=]\s*([^;,\s]+)")

AddonResults = Mapping[tuple[str, str], str]
"""What add-ons say: values by the add-on's name and the name of the result field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """The other side of an SMTP conversation."""

    address: str
    name: str
    tls_protocol: str | None = None
    """``TLSv1.2`` or ``TLSv1.3``; ``None`` in plaintext."""
    tls_cipher: str | None = None
    certificate: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The values of each attribute of the client's certificate."""
    addons: AddonResults = field(default_factory=dict)

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """The address; that of IPv4 inside IPv6 is one of IPv4."""
        address = ipaddress.ip_address(self.address)
        return getattr(address, "ipv4_mapped", None) or address


@dataclass(slots=True, kw_only=True)
class Message:
    """An accepted message; actions change ``recipients`` and add to ``added``."""

    message_id: str
    raw: bytes
    client: Client
    mail_from: str
    rcpt_tos: tuple[str, ...]
    recipients: list[str]
    received_at: datetime
    host: str
    verdicts: Verdicts = field(default_factory=Verdicts)
    added: list[tuple[str, str]] = field(default_factory=list)
    _read: list[tuple[str, str]] | None = None

    def headers(self) -> list[tuple[str, str]]:
        """All header fields, those that were added first."""
        if self._read is None:
            self._read = read_headers(self.raw)
        return [*self._new(), *self._read]

    def content(self) -> bytes:
        """The message that actions write."""
        lines = [f"{name}: {value}" for name, value in self._new()]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n" + self.raw

    def _new(self) -> list[tuple[str, str]]:
        protocol = "ESMTPS" if self.client.tls_protocol else "ESMTP"
        received = (
            f"from {self.client.name} ({self.client.name} [{self.client.address}]) by {self.host} "
            f"with {protocol} id {self.message_id}; {format_datetime(self.received_at)} (UTC)"
        )
        return [*reversed(self.added), ("Received", received)]


def addon_results(text: str) -> dict[tuple[str, str], str]:
    """The results that a text rehearses, as ``SPAMHAUS_DBL.isListed=true; VADE.category=SPAM``."""
    return {(name, result): value for name, result, value in _ADDON.findall(text)}


def addons_of(headers: Headers) -> dict[tuple[str, str], str]:
    """The results that a message's own header rehearses."""
    return addon_results(header_of(headers, ADDON_HEADER) or "")
