"""The boto3 client of SES API v2, asked again only when that cannot send anything twice."""

from __future__ import annotations

from mailroom._failures import Failure, backoff, classify
from mailroom.errors import NotConfigured, NotSent, OutcomeUnknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["Api"]

_METHODS = {
    "SendEmail": "send_email",
    "SendCustomVerificationEmail": "send_custom_verification_email",
}


class Api:
    """Calls SES; raises `NotSent` or `OutcomeUnknown`.

    Args:
        client: A boto3 client of ``sesv2`` that does not retry. Default: a new one.
        attempts: Tries of one call, the first included.
        rate: The account's MaxSendRate. Default: SES is asked when it is needed.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        *,
        client: Any,
        attempts: int,
        rate: float | None,
        sleep: Callable[[float], object],
    ) -> None:
        self.client = _client() if client is None else _without_retries(client)
        self._attempts = attempts
        self._rate = rate
        self._sleep = sleep

    def call(self, operation: str, arguments: Mapping[str, Any]) -> str:
        """Call *operation*, which sends one message, and return the message's id."""
        method = getattr(self.client, _METHODS[operation])
        attempt = 1
        while True:
            try:
                answer = method(**arguments)
            except Exception as error:
                failure = classify(error, operation)
                if failure.kind == "unknown":
                    raise OutcomeUnknown(
                        f"{operation}: no answer says whether the message was sent "
                        f"({failure.code}): look for its Send event before you send it again"
                    ) from error
                if failure.kind == "refused" or attempt >= self._attempts:
                    raise NotSent(
                        _explained(operation, failure), code=failure.code, reason=failure.text
                    ) from error
            else:
                return _message_id(answer, operation)
            self._sleep(backoff(attempt))
            attempt += 1

    @property
    def region(self) -> str | None:
        """The region of the client, if it says."""
        return getattr(getattr(self.client, "meta", None), "region_name", None)

    def max_send_rate(self) -> float:
        """Return the recipients a second that the account may send to."""
        if self._rate is None:
            try:
                answer = self.client.get_account()
                self._rate = float(answer["SendQuota"]["MaxSendRate"])
            except Exception as error:
                raise NotSent(
                    f"the account's sending rate is unknown ({type(error).__name__}): grant "
                    "ses:GetAccount, or pass max_send_rate to the sender"
                ) from error
        return self._rate


def _message_id(answer: Any, operation: str) -> str:
    # A proxy, or half of a response, can be a 200 that SES never gave.
    found = answer.get("MessageId") if isinstance(answer, dict) else None
    if not (isinstance(found, str) and found.strip()):
        raise OutcomeUnknown(
            f"{operation}: the answer has no MessageId, so nothing says whether the message was "
            "sent: look for its Send event before you send it again"
        )
    return found


def _client() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, tcp_keepalive=True)
    return boto3.client("sesv2", config=config)


def _without_retries(client: Any) -> Any:
    config = getattr(getattr(client, "meta", None), "config", None)
    retries = getattr(config, "retries", None)
    if isinstance(retries, dict) and retries.get("total_max_attempts") != 1:
        raise NotConfigured(
            "client retries, so a message could be sent twice: make it with "
            "Config(retries={'total_max_attempts': 1}), or omit client"
        )
    return client


def _explained(operation: str, failure: Failure) -> str:
    text = f"{operation}: {failure.code}: {failure.text}"
    if failure.code in ("AccessDeniedException", "AccessDenied"):
        if failure.text.startswith("Tenant not associated"):
            return f"{text} (associate them with the tenant)"
        if "ApplyTrackingConfigurationOverrides" in failure.text:
            return f"{text} (grant it with grant_send(…, tracking=True))"
        return (
            f"{text} (grant it on the ARNs of both the identity and the configuration set, and for "
            "the tenant and the endpoint if there is one)"
        )
    if failure.code == "ParamValidationError" and "Unknown parameter" in failure.text:
        return f"{text} (this boto3 is too old for it: add boto3 to the function's requirements)"
    return text
