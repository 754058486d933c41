"""Checks the content that is to replace a message."""

from __future__ import annotations

import re

from mailroom.workmail.errors import NotReplaceable
from mailroom.workmail.words import LINE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = ["checked_content"]

_CHUNK = 64 * 1024


def checked_content(message: EmailMessage | bytes) -> bytes:
    """Return *message* as bytes; raise `NotReplaceable` if WorkMail would not accept them.

    Args:
        message: The message that is to be put in another's place.
    """
    if isinstance(message, bytes):
        content = message
    else:
        try:
            # Its own policy, by which a message that was read keeps the fields nobody changed.
            content = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
        except Exception as error:  # the email package raises whatever its parts do
            raise NotReplaceable(f"the message cannot be written as bytes: {error}") from error
    if b"\x00" in content or re.search(rb"\r(?!\n)", content):
        raise NotReplaceable(
            "the message has a NUL, or a carriage return outside of a line end: remove it"
        )
    longest = max(map(len, content.splitlines()), default=0)
    if longest > LINE_BYTES:
        raise NotReplaceable(
            f"the message has a line of {longest} bytes; WorkMail accepts {LINE_BYTES} and the "
            "line end: encode that part as quoted-printable or base64"
        )
    _check_structure(content)
    return content


def _check_structure(content: bytes) -> None:
    from email import policy
    from email.message import EmailMessage
    from email.parser import BytesFeedParser

    try:
        parser = BytesFeedParser(EmailMessage, policy=policy.compat32)
        for start in range(0, len(content), _CHUNK):
            parser.feed(content[start : start + _CHUNK])
        message = parser.close()
        parts = list(message.walk())
    except Exception as error:  # the email package raises whatever its parser does
        raise NotReplaceable(
            f"the message cannot be parsed ({type(error).__name__}): correct its structure"
        ) from error
    if not message.keys():
        raise NotReplaceable("the message has no header: add one")
    for part in parts:
        # A malformed field is the sender's; a malformed structure loses parts.
        if part.defects:
            raise NotReplaceable(
                f"the message is malformed, {type(part.defects[0]).__name__} in a part of type "
                f"{part.get_content_type()}: correct its structure"
            )
