"""What the helpers share: the ids that a function was told, and calls of Mail Manager."""

from __future__ import annotations

import json
import os
import time

from mailroom import _runtime
from mailroom.errors import GatewayFailed, NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Calls", "told"]

_THROTTLED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})
_PACE = 1.0


def told(variable: str, name: str | None, grant: str) -> str:
    """Return the id that *variable* has under *name*, or its only one.

    Args:
        variable: The environment variable, JSON: construct id → id.
        name: The construct id; ``None`` if there is one only.
        grant: What sets the variable, for the error.
    """
    text = os.environ.get(variable)
    try:
        known = json.loads(text or "{}")
    except ValueError as error:
        raise NotConfigured(f"{variable} is not JSON: {error}") from error
    if not isinstance(known, dict) or not known:
        raise NotConfigured(
            f"environment variable {variable} is not set: call {grant} for this function, or pass "
            "the id"
        )
    if name is None and len(known) > 1:
        raise NotConfigured(f"this function knows several: pass one of {', '.join(sorted(known))}")
    found = known.get(next(iter(known)) if name is None else name)
    if not isinstance(found, str):
        raise NotConfigured(
            f"this function knows no {name!r}: pass one of {', '.join(sorted(known))}, or call "
            f"{grant} for it"
        )
    return found


class Calls:
    """Calls Mail Manager, at most once a second, and again while it is throttled.

    A local AWS (``AWS_ENDPOINT_URL``) has no such limit.

    Args:
        client: A boto3 client of ``mailmanager``. Default: one of this process, made on first use.
        patience: The seconds in which a throttled call is made again.
        clock: Returns seconds.
        sleep: Waits for a number of seconds.
    """

    __slots__ = ("_client", "_clock", "_next", "_pace", "_patience", "_sleep")

    def __init__(
        self,
        *,
        client: Any,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = client
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._pace = 0.0 if "AWS_ENDPOINT_URL" in os.environ else _PACE

    def __call__(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer; raise `GatewayFailed` with Mail Manager's reason."""
        if self._client is None:
            self._client = _runtime.client("mailmanager")
        until = self._clock() + self._patience
        pause = _PACE
        while True:
            wait = self._next - self._clock()
            if wait > 0:
                self._sleep(wait)
            try:
                answer: dict[str, Any] = getattr(self._client, operation)(**arguments)
            except Exception as error:
                response = getattr(error, "response", None)
                if not isinstance(response, dict):
                    raise
                said = response.get("Error") or {}
                code = str(said.get("Code") or "Unknown")
                if code not in _THROTTLED or self._clock() + pause > until:
                    text = str(said.get("Message") or error)
                    raise GatewayFailed(
                        f"Mail Manager refused {operation}: {code}: {text}", code=code
                    ) from error
                self._sleep(pause)
                pause *= 2
            else:
                return answer
            finally:
                self._next = self._clock() + self._pace
