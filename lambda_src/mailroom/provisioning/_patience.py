"""Makes a call again that AWS refused for the moment."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Patience"]

_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
)
_LONGEST_WAIT = 8.0


class Patience:
    """Makes calls again while they are throttled, for so many *seconds* of waiting in all.

    *also* are other error codes which say that nothing was done, and may be gone in a moment.

    SES allows one control call a second for the whole account. This comes in addition to botocore's
    own retries of up to 15 s a call.
    """

    __slots__ = ("_codes", "seconds")

    def __init__(self, seconds: float, also: frozenset[str] = frozenset()) -> None:
        self._codes = _THROTTLED | also
        self.seconds = seconds

    def call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        """Return what *operation* returns."""
        wait = 1.0
        while True:
            try:
                return operation(**arguments)
            except Exception as error:
                response = getattr(error, "response", None) or {}
                code = (response.get("Error") or {}).get("Code")
                if code not in self._codes or self.seconds < wait:
                    raise
            time.sleep(wait)
            self.seconds -= wait
            wait = min(wait * 2, _LONGEST_WAIT)
