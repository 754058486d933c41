"""A conversation by mail: what is new in a reply, answers, and addresses that carry a reference.

Most of it is reached through `mailroom.receiving.ReceivedMail` (``mail.new_text``, ``mail.reply``,
``mail.token``) and `mailroom.sending.Sender.reply`. What stands alone is here::

    from mailroom.conversation import reply_address

    address = reply_address("support@example.com", token={"ticket": 47}, key=key)

Importing this module has no effect, and nothing of it is loaded before it is used.
"""

from __future__ import annotations

from mailroom.conversation.quotes import Split, split, split_html
from mailroom.conversation.tokens import bounce_address, read_token, reply_address

__all__ = ["Split", "bounce_address", "read_token", "reply_address", "split", "split_html"]
