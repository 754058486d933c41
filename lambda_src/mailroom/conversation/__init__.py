"""A conversation by mail: what is new in a reply, and addresses that carry a reference.

Most of it is reached through `mailroom.receiving.ReceivedMail` (``mail.new_text``, ``mail.reply``,
``mail.token``) and `mailroom.sending.Sender.reply`. What stands alone is here::

    from mailroom.conversation import reply_address

    address = reply_address("support@example.com", token={"ticket": 47}, key=key)

Importing this module has no effect, and nothing of it is loaded before it is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.conversation.quotes import Split, split, split_html
    from mailroom.conversation.tokens import bounce_address, read_token, reply_address

__all__ = ["Split", "bounce_address", "read_token", "reply_address", "split", "split_html"]

# Loaded for those alone that use them.
_LAZY = {
    "Split": "mailroom.conversation.quotes",
    "bounce_address": "mailroom.conversation.tokens",
    "read_token": "mailroom.conversation.tokens",
    "reply_address": "mailroom.conversation.tokens",
    "split": "mailroom.conversation.quotes",
    "split_html": "mailroom.conversation.quotes",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
