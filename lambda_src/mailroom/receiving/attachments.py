"""The attachments of a received mail."""

from __future__ import annotations

from mailroom import mime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import EmailMessage
    from io import BytesIO

    from mailroom.mime.parts import Part

__all__ = ["Attachment", "attachments"]


class Attachment:
    """One attachment, decoded when it is asked for. Printing it shows nothing of it.

    Two are equal if they were written alike, with the same name and the same content.

    Nothing that a sender writes raises here; what cannot be decoded is read as far as possible.
    """

    __slots__ = ("_part",)

    def __init__(self, part: Part) -> None:
        """Describe a part of a message.

        Args:
            part: The part, as `mailroom.mime.parse` reads it.
        """
        self._part = part

    @property
    def name(self) -> str | None:
        """The file name that the sender chose, decoded; ``None`` if there is none.

        It may be any text, such as ``../../etc/passwd``: never use it as a path. The behaviour
        `SaveAttachments` makes names safe.
        """
        return self._part.name

    @property
    def content_type(self) -> str:
        """The content type that the sender chose, such as ``image/png``."""
        return self._part.content_type

    @property
    def content_id(self) -> str | None:
        """The id by which the HTML refers to it as ``cid:…``, without angle brackets."""
        found = (self._part.all("content-id") or [""])[0].strip()
        return found.removeprefix("<").removesuffix(">").strip() or None

    @property
    def inline(self) -> bool:
        """Whether the sender's program shows it within the text, such as an image in HTML.

        That is so if its disposition is ``inline``, or if it has a content id and no disposition.
        """
        disposition = self._part.disposition.main
        return disposition == "inline" or (not disposition and self.content_id is not None)

    @property
    def size(self) -> int:
        """The number of bytes, decoded."""
        return len(self.read())

    def read(self) -> bytes:
        """Return the content, decoded."""
        return self._part.content()[0]

    def open(self) -> BytesIO:
        """Return the content, decoded, as a binary stream."""
        from io import BytesIO

        return BytesIO(self.read())

    @property
    def message(self) -> EmailMessage | None:
        """The attached message, if it is one (``message/rfc822``); its own are in it."""
        return mime.read(self.read()) if self._part.is_message else None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Attachment):
            return self._written() == other._written()
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<Attachment>"

    def _written(self) -> bytes:
        return self._part.data[self._part.start : self._part.end]


def attachments(root: Part) -> list[Attachment]:
    """Return the attachments of the message *root*, in order."""
    from mailroom.mime import bodies

    return [Attachment(part) for part in bodies.attachments(root)]
