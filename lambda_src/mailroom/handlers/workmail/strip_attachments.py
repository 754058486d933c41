"""Remove attachments from a mail, and put a notice in the place of each.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``extensions``
        File name extensions to remove, without the dot. Default: every attachment, or with
        ``max_bytes`` none.
    ``max_bytes``
        Remove attachments that are larger in their encoded form too. Default: 0, no limit.
    ``notice``
        The notice; ``{name}`` is the file's name.
    ``unreadable``
        What happens to mail that cannot be read or changed, so that it may hold what should be
        removed: ``bounce`` (default), ``drop``, ``junk`` (inbound only), or ``deliver`` unchanged.

Permissions
    Reading and replacing messages.

Every name of a part counts, since mail programs differ in which they use, in every reading that a
program or file system may have of it. Files in attached messages and uuencoded files in texts are
removed too. Signed mail is changed, which breaks its signature, since otherwise any signature would
let anything in. Archives and encrypted parts are not opened. All other parts keep every byte. The
log says what was removed, and what could not be read.
"""

from __future__ import annotations

import os

from mailroom import _runtime
from mailroom.handlers.workmail import _message, _names, _settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailroom.mime.parts import Part
    from mailroom.workmail import Answer, FlowMail

__all__ = ["on_flow", "stripped"]

_EVENT = "mailroom.workmail.strip_attachments"
_ACTIONS = ("bounce", "drop", "junk", "deliver")
_NOTICE = "The attachment {name} was removed."
_TYPES = frozenset(("text/plain", "text/html"))
# Parts of a message that arrive in several mails, or not at all, and are joined by the recipient.
_ELSEWHERE = frozenset(("message/partial", "message/external-body"))


class Settings:
    """The environment, read once."""

    __slots__ = ("extensions", "max_bytes", "notice", "unreadable")

    def __init__(self) -> None:
        found = _settings.settings()
        self.extensions = _settings.words(one.lstrip(".") for one in found.get("extensions") or ())
        self.max_bytes = int(found.get("max_bytes") or 0)
        self.notice = str(found.get("notice") or _NOTICE)
        self.unreadable = _settings.action(found, _ACTIONS)


def unwanted(part: Part, settings: Settings) -> bool:
    """Whether *part* is an attachment to remove."""
    if part.children and not part.is_message:
        return False
    if settings.extensions and _matches(part.names, settings):
        return True
    if part.content_type in _TYPES and not part.file_names and not _attached(part):
        return False
    if settings.max_bytes:
        return part.end - part.body > settings.max_bytes
    return not settings.extensions


def _attached(part: Part) -> bool:
    from mailroom.mime import parameters

    found = part.all("content-disposition")
    return any(parameters.parse(value).main == "attachment" for value in found)


def _matches(names: list[str], settings: Settings) -> bool:
    if not settings.extensions:
        return not settings.max_bytes
    return not settings.extensions.isdisjoint(_names.extensions(names))


def _shown(name: str) -> str:
    """Return *name* as one line that a person can read."""
    return "".join(char if char.isprintable() else " " for char in name[:100])


def stripped(data: bytes, settings: Settings) -> tuple[bytes, list[str]]:
    """Return the message without its unwanted parts, and their names.

    Raises `Unreadable` if mail programs may find more in it than what was read.
    """
    message = _message.read(data)
    reasons = _message.unread(message)
    reasons += [part.content_type for part in message.walk() if part.content_type in _ELSEWHERE]
    if reasons:
        raise _message.Unreadable(reasons[0])
    edits: list[_message.Edit] = []
    names: list[str] = []
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if unwanted(part, settings) or _hides(part, settings):
            name = _shown(part.names[0] if part.names else part.content_type)
            names.append(name)
            edits += _message.replaced(part, settings.notice.replace("{name}", name))
        elif part.children:
            waiting.extend(reversed(part.children))
        elif part.content_type in _TYPES:
            edits += _without_uuencoded(part, settings, names)
    if not edits:
        return data, []
    return _message.apply(data, [*edits, *_message.closed(message)]), names


def _hides(part: Part, settings: Settings) -> bool:
    """Whether *part* is an encoded message, which cannot be edited, with an unwanted part in it."""
    if not part.is_message or part.children[0].data is part.data:
        return False
    return any(
        unwanted(one, settings) or (one.content_type in _TYPES and _uuencoded(one, settings))
        for one in part.children[0].walk()
    )


def _uuencoded(part: Part, settings: Settings) -> list[tuple[str, int, int]]:
    return [one for one in _names.uuencoded(part) if _matches([one[0]], settings)]


def _without_uuencoded(part: Part, settings: Settings, names: list[str]) -> Iterator[_message.Edit]:
    found = _uuencoded(part, settings)
    if not found:
        return
    text, last, pieces = part.text()[0], 0, []
    for name, begin, end in found:
        names.append(_shown(name))
        pieces += [text[last:begin], settings.notice.replace("{name}", _shown(name))]
        last = end
    yield from _message.rewritten(part, "".join((*pieces, text[last:])))


_found = Settings() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> Answer | None:
    """Remove the unwanted attachments from *mail*."""
    global _found
    settings = _found = _found or Settings()
    from mailroom.workmail import MessageFrozen, NotReplaceable

    with mail.open() as stream:
        data = stream.read()
    try:
        content, names = stripped(data, settings)
        if not names:
            return None
        mail.replace(content)
    except (_message.Unreadable, NotReplaceable, MessageFrozen) as error:
        action = settings.unreadable
        if action == "junk" and mail.direction != "INBOUND":
            action = "bounce"
        return _settings.strict(mail, _EVENT, action, f"{type(error).__name__}: {error}")
    _runtime.log("INFO", _EVENT, message_id=mail.message_id, removed=len(names))
    return None
