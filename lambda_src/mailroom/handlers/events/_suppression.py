"""The suppression lists of the account and of its tenants."""

from __future__ import annotations

from mailroom import _runtime, ses
from mailroom.events.reading import plain
from mailroom.handlers.events._settings import each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["held_back", "suppress"]

_ABOUT_CREDENTIALS = ("Expired", "Signature", "Token", "UnrecognizedClient")


def held_back(sub_type: str | None) -> bool:
    """Return whether a bounce or complaint of this subtype is about mail that SES did not send.

    Such an event says nothing new about the address.
    """
    # AWS adds lists from time to time, and all have this word in their subtypes.
    return sub_type is not None and (sub_type in ses.HELD_BACK or "suppress" in sub_type.lower())


def suppress(recipients: Sequence[str], reason: str, tenant: str | None) -> bool:
    """Put *recipients* on a suppression list; has no effect on those that are on it.

    It is the list of *tenant*, or else the account's: what one tenant's mail did must not hold
    back another's. Their case is kept, because AWS does not document whether the list ignores it.

    Returns whether SES put all of them on the list. What it refuses, it would refuse again, so that
    is logged and counted; other failures raise.
    """
    client = _runtime.client("sesv2")
    from botocore.exceptions import ClientError

    refused: list[str] = []
    whose = {"TenantName": tenant} if tenant else {}

    def put(address: str) -> None:
        try:
            client.put_suppressed_destination(EmailAddress=address, Reason=reason, **whose)
        except ClientError as error:
            code = _refusal(error)
            if code is None:
                raise
            refused.append(code)

    each(*(lambda one=one: put(one) for one in dict.fromkeys(map(plain, recipients))))
    if refused:
        _runtime.log(
            "ERROR", "mailroom.suppression", outcome="refused", errors=sorted(set(refused))
        )
        _runtime.metric("NotSuppressed", len(refused), Reason=reason)
    return not refused


def _refusal(error: Any) -> str | None:
    """Return the code of an answer that a retry would not change."""
    from mailroom._failures import classify

    failure = classify(error, "PutSuppressedDestination")
    if failure.kind != "refused" or any(word in failure.code for word in _ABOUT_CREDENTIALS):
        return None
    return failure.code
