"""What an exception of a sending call proves: not sent, not sent yet, or unknown."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["UNREACHED", "Failure", "backoff", "classify"]


_THROTTLED = frozenset(
    (
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)
UNREACHED = ("ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError")
"""Codes of failures to be tried again that mean that no connection was made."""
_UNCONNECTED = ("ConnectTimeoutError", "NameResolutionError", "NewConnectionError")
_BEFORE_SENDING = (
    "BaseEndpointResolverError",
    "CredentialRetrievalError",
    "EndpointProviderError",
    "InvalidRegionError",
    "LoginError",
    "MetadataRetrievalError",
    "MissingDependencyException",
    "NoAuthTokenError",
    "NoCredentialsError",
    "NoRegionError",
    "ParamValidationError",
    "PartialCredentialsError",
    "SSOError",
    "TokenRetrievalError",
)


class Failure:
    """What an exception of a sending call proves: ``kind``, SES's ``code`` and its ``text``.

    The kinds: ``again``, SES certainly accepted nothing and may accept it later; ``refused``, it
    certainly accepted nothing and would refuse it again; ``unknown``, it may have accepted it.
    """

    __slots__ = ("code", "kind", "text")

    def __init__(self, kind: str, code: str, text: str) -> None:
        self.kind = kind
        self.code = code
        self.text = text


def classify(error: BaseException, operation: str) -> Failure:
    """Return what *error*, raised by a call of *operation*, proves; in doubt it is unknown."""
    from botocore import exceptions

    name = type(error).__name__
    if isinstance(error, exceptions.ClientError):
        return _answered(error, operation)
    kinds = {base.__name__ for base in type(error).__mro__}
    if kinds.intersection(UNREACHED):
        return Failure("again" if _unconnected(error) else "unknown", name, str(error))
    if kinds.intersection(_BEFORE_SENDING) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Failure("refused", name, str(error))
    return Failure("unknown", name, str(error))


def _unconnected(error: BaseException) -> bool:
    """Return whether no connection was made; *error* is one of `UNREACHED`."""
    if type(error).__name__ != "ProxyConnectionError":
        return True
    # urllib3 raises the same if a proxy hangs up after it has passed the request on.
    reason = getattr(getattr(error, "kwargs", {}).get("error"), "original_error", None)
    return type(reason).__name__ in _UNCONNECTED


def _answered(error: Any, operation: str) -> Failure:
    code = str(error.response.get("Error", {}).get("Code") or "")
    text = str(error.response.get("Error", {}).get("Message") or "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if getattr(error, "operation_name", operation) != operation:
        # A call that fetches credentials, for example; the one that sends was never made.
        return Failure("refused", code, text)
    if code in _THROTTLED or status == 429:
        # The daily quota comes as throttling too, and no backoff outlasts it.
        return Failure("refused" if "daily" in text.lower() else "again", code, text)
    # 408 means that the request was lost inside SES, and 5xx that the response was.
    if 400 <= status < 500 and status != 408:
        return Failure("refused", code, text)
    return Failure("unknown", code or str(status), text)


def backoff(attempt: int) -> float:
    """Return the seconds to wait after that many failures: 0.5, 1, 2 … 20, less up to half."""
    from random import random

    return min(20.0, 0.5 * 2.0 ** (attempt - 1)) * (1 - random() / 2)  # noqa: S311
