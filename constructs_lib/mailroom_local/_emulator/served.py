"""What the server gives the sending operations before the first request."""

from __future__ import annotations

from collections.abc import Callable

from mailroom_local._journal import Journal
from mailroom_local.sending.message import SentMessage


class _Server:
    """Who sends an accepted message, and where refusals are kept."""

    send: Callable[[SentMessage], bytes]
    journal: Journal


server = _Server()
