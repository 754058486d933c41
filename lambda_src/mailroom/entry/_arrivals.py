"""Mail that reaches the function in another way than by SES calling it."""

from __future__ import annotations

import time

from mailroom.entry._deadline import answer_due, deadline, time_until
from mailroom.entry._function import survivable
from mailroom.receiving.arrivals import arrivals, is_arrival, is_from_sqs, mails

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mailroom.receiving import ReceivedMail
    from mailroom.receiving.bucket import Store

__all__ = ["handle", "is_arrival"]

_RESERVE = 1.0
"""Seconds that are kept for the answer."""
_LATE = "the invocation's time was up before this mail was handled"


def handle(
    event: Mapping[str, Any],
    context: Any,
    *,
    store: Store | None,
    run: Callable[[ReceivedMail], object],
    log: Callable[..., None],
) -> dict[str, Any] | None:
    """Give each mail in *event* to *run*; return the records of SQS that failed.

    A record that cannot be read fails as well. Of several that SQS brought, each fails by itself,
    and those that are left when the time is up fail too, so that they alone are tried again.
    Anything else raises, so that Lambda tries again.
    """
    batch = is_from_sqs(event)
    remaining = time_until(answer_due(context), reserve=_RESERVE) if batch else None
    end = None if remaining is None else time.monotonic() + remaining
    failed: list[str] = []
    error: Exception | None = None
    for record_id, payload in arrivals(event):
        started = time.perf_counter()
        raw: Mapping[str, Any] = {}
        try:
            with deadline(None if end is None else end - time.monotonic(), _LATE):
                found = mails(payload, store=store)
                for mail in found:
                    raw, started = mail.raw, time.perf_counter()
                    run(mail)
                    log(raw, "handled", started)
        except BaseException as caught:
            error = survivable(caught)
            failed.append(record_id)
            log(raw, "failed", started, error)
        else:
            if not found:
                log(raw, "skipped", started)
    if batch:
        return {"batchItemFailures": [{"itemIdentifier": record_id} for record_id in failed]}
    if error is not None:
        raise error
    return None
