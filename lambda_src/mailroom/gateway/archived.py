"""What an archive answers: rows of a search, a message with its envelope, its text."""

from __future__ import annotations

from mailroom._views import View, listed, optional, required, strings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from email.message import EmailMessage
    from typing import Any

__all__ = ["ArchivedMail", "ArchivedText", "Found", "Row"]

_MOST_BYTES = 60_000_000
"""Above the largest mail, of 40 MB, in any encoding."""


class _Envelope(View):
    """What an archive knows of the SMTP conversation."""

    __slots__ = ()

    @property
    def source(self) -> str | None:
        """The envelope sender; ``None`` if the archive does not know it."""
        return optional(self._envelope, "From", "Envelope", str)

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients; empty if the archive does not know them."""
        return strings(listed(self._envelope, "To", "Envelope"), "To", "Envelope")

    @property
    def helo(self) -> str | None:
        """What the sending host called itself."""
        return optional(self._envelope, "Helo", "Envelope", str)

    @property
    def _envelope(self) -> dict[str, Any]:
        return optional(self.raw, "Envelope", "", dict) or {}


class Row(_Envelope):
    """One message that a search found; all that Mail Manager says of it is in ``raw``.

    The header fields are as the sender wrote them. Anyone can write anything.
    """

    __slots__ = ()

    @property
    def id(self) -> str:
        """The archive's id of the message, for `Archive.message` and `Archive.text`."""
        return required(self.raw, "ArchivedMessageId", "", str)

    @property
    def timestamp(self) -> datetime | None:
        """When the mail was received or sent (aware)."""
        return self.raw.get("ReceivedTimestamp")

    @property
    def from_(self) -> str | None:
        """The ``From`` field."""
        return self._text("From")

    @property
    def to(self) -> str | None:
        """The ``To`` field."""
        return self._text("To")

    @property
    def cc(self) -> str | None:
        """The ``Cc`` field."""
        return self._text("Cc")

    @property
    def subject(self) -> str | None:
        """The ``Subject`` field."""
        return self._text("Subject")

    @property
    def date(self) -> str | None:
        """The ``Date`` field."""
        return self._text("Date")

    @property
    def header_message_id(self) -> str | None:
        """The ``Message-ID`` field."""
        return self._text("MessageId")

    @property
    def in_reply_to(self) -> str | None:
        """The ``In-Reply-To`` field."""
        return self._text("InReplyTo")

    @property
    def has_attachments(self) -> bool | None:
        """Whether something is attached; ``None`` if the archive does not say."""
        return optional(self.raw, "HasAttachments", "", bool)

    @property
    def sender_ip(self) -> str | None:
        """The address of the host that connected, or that called SES to send the mail."""
        return self._text("SenderIpAddress")

    @property
    def ingress_point_id(self) -> str | None:
        """The ingress point that the mail came by; ``None`` for mail that was sent."""
        return self._text("IngressPointId")

    def _text(self, key: str) -> str | None:
        return optional(self.raw, key, "", str)

    def __repr__(self) -> str:
        return f"<Row {self.raw.get('ArchivedMessageId')}>"


class Found(list[Row]):
    """The rows of one search.

    Args:
        rows: The rows.
        search_id: Mail Manager's id of the search.
        limit: How many rows the search could return.
    """

    def __init__(self, rows: list[Row], *, search_id: str, limit: int) -> None:
        super().__init__(rows)
        self.search_id = search_id
        """Mail Manager's id of the search."""
        self.limit = limit
        """How many rows the search could return."""

    @property
    def full(self) -> bool:
        """Whether there may be more: search a shorter time, or for less."""
        return len(self) >= self.limit


class ArchivedMail(_Envelope):
    """One message in an archive, with its envelope."""

    __slots__ = ()

    @property
    def metadata(self) -> dict[str, Any]:
        """What Mail Manager noted when it came, under its names: TLS, policy, rule set, source."""
        return optional(self.raw, "Metadata", "", dict) or {}

    @property
    def link(self) -> str:
        """A URL of the whole message, valid for a short time; whoever has it can read the mail."""
        return required(self.raw, "MessageDownloadLink", "", str)

    def content(self) -> bytes:
        """Return the whole message, byte for byte; loaded each time.

        Raises:
            OSError: The link has expired, or its host does not answer.
        """
        from urllib.request import urlopen

        with urlopen(self.link, timeout=60) as answer:  # noqa: S310 (Mail Manager chose the URL)
            return bytes(answer.read(_MOST_BYTES))

    def read(self) -> EmailMessage:
        """Load the whole message, and return it as mail programs read it.

        Raises:
            OSError: As in `content`.
        """
        from mailroom import mime

        return mime.read(self.content())

    def __repr__(self) -> str:
        return "<ArchivedMail>"


class ArchivedText(View):
    """The text of one message in an archive, without attachments."""

    __slots__ = ()

    @property
    def text(self) -> str | None:
        """The plain text; ``None`` if there is none."""
        return optional(self.raw, "Text", "Body", str)

    @property
    def html(self) -> str | None:
        """The HTML as the sender wrote it; ``None`` if there is none."""
        return optional(self.raw, "Html", "Body", str)

    @property
    def malformed(self) -> bool:
        """Whether Mail Manager could not read the message well."""
        return bool(self.raw.get("MessageMalformed"))
