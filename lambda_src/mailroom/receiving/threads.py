"""Message ids (RFC 5322 §3.6.4), and what they say about the conversation that a mail is part of."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MOST_REFERENCES", "bounded", "message_ids", "root"]

MOST_REFERENCES = 20
"""Message ids in ``References`` of what we send."""

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
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
    """Return the message id that names the conversation.

    Args:
        references: The ids in ``References``.
        in_reply_to: The id in ``In-Reply-To``.
        own: The mail's ``Message-ID``.
        message_id: SES's id of the mail, for a mail that has no ``Message-ID``.
    """
    if references:
        return references[0]
    return in_reply_to or own or f"<{message_id}@mailroom.invalid>"
