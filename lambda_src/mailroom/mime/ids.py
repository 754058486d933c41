"""Message ids (RFC 5322 §3.6.4), and what they say about a mail's conversation."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MOST_REFERENCES", "bounded", "message_ids", "of_ses", "root"]

MOST_REFERENCES = 20
"""Message ids in ``References`` of what we send."""

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_OF_SES = re.compile(r"@[a-z0-9-]{1,30}\.amazonses\.com>$")
_FOLD = re.compile(r"\r?\n[ \t]+")
_MOST_READ = 100_000


def message_ids(*values: str | None) -> list[str]:
    """Return the well-formed message ids in the fields' *values*, in order, without repeats."""
    found = (_MESSAGE_ID.findall(_FOLD.sub("", one[:_MOST_READ])) for one in values if one)
    return list(dict.fromkeys(ident for some in found for ident in some))


def bounded(idents: Iterable[str]) -> list[str]:
    """Return *idents* without those in the middle, if they are too many.

    The first one stays, because it names the conversation, and the last ones, which programs look
    for (RFC 5537 §3.4.4 advises the same for news).
    """
    known = list(dict.fromkeys(idents))
    if len(known) <= MOST_REFERENCES:
        return known
    return [known[0], *known[1 - MOST_REFERENCES :]]


def root(references: list[str], in_reply_to: str | None, own: str | None, message_id: str) -> str:
    """Return what names the conversation: the message id of its first message.

    Args:
        references: The ids in ``References``.
        in_reply_to: The id in ``In-Reply-To``.
        own: The mail's ``Message-ID``.
        message_id: SES's id of the mail, for a mail that has no ``Message-ID``.
    """
    found = references[0] if references else in_reply_to or own
    return _OF_SES.sub("@amazonses.com>", found) if found else f"<{message_id}@mailroom.invalid>"


def of_ses(message_id: str, region: str) -> str:
    """Return the ``Message-ID`` that SES gives to a message sent in *region*.

    Seen in messages, not documented: ``email.amazonses.com`` in us-east-1, and the region's name
    elsewhere. So `root` leaves out which it is.
    """
    place = "email" if region == "us-east-1" else region
    return f"<{message_id}@{place}.amazonses.com>"
