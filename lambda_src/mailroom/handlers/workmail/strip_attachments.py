"""Remove attachments from a mail, and put a notice in the place of each.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``extensions``
        File name extensions to remove, without the dot. Default: every attachment, or with
        ``max_bytes`` none.
    ``max_bytes``
        Remove attachments that are larger in their encoded form too. Default: 0, no limit.
    ``notice``
        The notice; ``{name}`` is the file's name.

Permissions
    Reading and replacing messages.

Every name of a part counts, since mail programs differ in which they use, and dots and spaces at
the end of a name do not hide an extension. Signed mail is changed too, which breaks its signature,
since otherwise any signature would let anything in. Encrypted parts and parts of attached messages
are not examined. All other parts keep every byte. Mail that cannot be changed raises: WorkMail asks
again, and then applies the rule's fallback.
"""

from __future__ import annotations

import os

from mailroom import _runtime
from mailroom.handlers.workmail import _message, _settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.workmail import FlowMail

__all__ = ["on_flow", "stripped"]

_NOTICE = "The attachment {name} was removed."
_TYPES = frozenset(("text/plain", "text/html"))


class Settings:
    """The environment, read once."""

    __slots__ = ("extensions", "max_bytes", "notice")

    def __init__(self) -> None:
        found = _settings.settings()
        self.extensions = _settings.words(one.lstrip(".") for one in found.get("extensions") or ())
        self.max_bytes = int(found.get("max_bytes") or 0)
        self.notice = str(found.get("notice") or _NOTICE)


def unwanted(part: _message.Part, settings: Settings) -> bool:
    """Whether *part* is an attachment to remove."""
    if part.content_type.startswith("multipart/"):
        return False
    if not part.names and (part.content_type in _TYPES and not part.is_attachment):
        return False
    if settings.max_bytes and part.end - part.body > settings.max_bytes:
        return True
    if not settings.extensions:
        return not settings.max_bytes
    return any(_extension(name) in settings.extensions for name in part.names)


def _extension(name: str) -> str:
    return name.rstrip(". \t\x00").rpartition(".")[2].casefold()


def _shown(name: str) -> str:
    """Return *name* as one line that a person can read."""
    return "".join(char if char.isprintable() else " " for char in name[:100])


def stripped(data: bytes, settings: Settings) -> tuple[bytes, list[str]]:
    """Return the message without its unwanted parts, and their names."""
    edits: list[_message.Edit] = []
    names = []
    for part in _message.parts(_message.read(data)):
        if unwanted(part, settings):
            name = _shown(part.names[0] if part.names else part.content_type)
            names.append(name)
            edits += _message.replaced(part, settings.notice.replace("{name}", name))
    return _message.apply(data, edits), names


_found = Settings() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> None:
    """Remove the unwanted attachments from *mail*."""
    global _found
    settings = _found = _found or Settings()
    with mail.open() as stream:
        data = stream.read()
    content, names = stripped(data, settings)
    if names:
        mail.replace(content)
        _runtime.log(
            "INFO",
            "mailroom.workmail.strip_attachments",
            message_id=mail.message_id,
            removed=len(names),
        )
