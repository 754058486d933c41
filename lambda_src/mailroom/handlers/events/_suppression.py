"""The account's suppression list."""

from __future__ import annotations

from mailroom import _runtime
from mailroom.events.reading import plain
from mailroom.handlers.events._settings import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["suppress"]


def suppress(recipients: Sequence[str], reason: str) -> None:
    """Put *recipients* on the account's suppression list; has no effect on those that are on it.

    Their case is kept, because AWS does not document whether the list ignores it.
    """
    client = _runtime.client("sesv2")
    each(
        *(
            lambda one=one: client.put_suppressed_destination(EmailAddress=one, Reason=reason)
            for one in dict.fromkeys(map(plain, recipients))
        )
    )
