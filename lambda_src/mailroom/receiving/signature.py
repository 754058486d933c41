"""The signature of a webhook's request: HMAC-SHA-256, as Standard Webhooks has it.

What is signed is ``ID.TIMESTAMP.BODY``, so neither a body nor a time can be exchanged.
https://www.standardwebhooks.com
"""

from __future__ import annotations

from mailroom.errors import InvalidSignature, NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["signed", "verify"]

_TOLERANCE = 300
_PREFIX = "whsec_"


def signed(body: bytes, secret: str, *, event_id: str, timestamp: int) -> dict[str, str]:
    """Return the header fields that sign *body*.

    Args:
        body: The request's body, as it is sent.
        secret: The secret that both sides know, with or without ``whsec_``.
        event_id: The event's id, the same for each try.
        timestamp: Seconds since 1970.
    """
    return {
        "Webhook-Id": event_id,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": _signature(body, secret, event_id, str(timestamp)),
    }


def verify(body: object, headers: Mapping[str, str], secret: str) -> None:
    """Raise `InvalidSignature` unless *headers* sign *body*, and did so within five minutes.

    Args:
        body: The request's body, as it came.
        headers: The request's header fields; their names in any case.
        secret: The secret that both sides know, with or without ``whsec_``.
    """
    import hmac
    import time

    if isinstance(body, str):
        body = _bytes(body)
    if not isinstance(body, bytes):
        raise InvalidSignature("pass the request's body as it came: what it decodes to differs")
    named = {str(name).lower(): str(value) for name, value in headers.items()}
    event_id = named.get("webhook-id", "")
    timestamp = named.get("webhook-timestamp", "")
    wanted = _signature(body, secret, event_id, timestamp).encode()
    # Several, separated by blanks, while a secret is exchanged.
    given = _bytes(named.get("webhook-signature", "")).split()
    # All of them, so that the time tells nothing.
    if not any([hmac.compare_digest(one, wanted) for one in given]):  # noqa: C419
        raise InvalidSignature("the signature is missing or was made with another secret")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise InvalidSignature("the timestamp is not a number of seconds")
    if abs(time.time() - int(timestamp)) > _TOLERANCE:
        raise InvalidSignature(f"the request was signed more than {_TOLERANCE} seconds ago")


def _signature(body: bytes, secret: str, event_id: str, timestamp: str) -> str:
    import hashlib
    import hmac
    from binascii import b2a_base64

    content = _bytes(f"{event_id}.{timestamp}.") + body
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return "v1," + b2a_base64(digest, newline=False).decode()


def _key(secret: str) -> bytes:
    from binascii import Error, a2b_base64

    secret = secret.strip()  # a line end of the file that it was stored from
    key = secret.encode()
    if secret.startswith(_PREFIX):
        try:
            key = a2b_base64(secret[len(_PREFIX) :], strict_mode=True)
        except (Error, ValueError):
            raise NotConfigured(
                f"the secret begins with {_PREFIX}, so the rest must be Base64: correct the secret"
            ) from None
    if not key:
        raise NotConfigured("the webhook's secret is empty: anyone could sign with it, so set one")
    return key


def _bytes(text: str) -> bytes:
    # A stranger's half of a surrogate pair is a wrong signature, not a crash.
    return text.encode("utf-8", "surrogatepass")
