"""Send each mail to a URL, as one signed JSON event.

Settings
    ``MAILROOM_WEBHOOK_URL``
        Where to.
    ``MAILROOM_WEBHOOK_SECRET``
        The ARN of the Secrets Manager secret that signs. It is read once per process, and again
        when the receiver answers 401 or 403.
    ``MAILROOM_WEBHOOK_ALLOW_HTTP``, ``MAILROOM_WEBHOOK_ALLOW_PRIVATE``
        ``1`` to allow what is refused otherwise.
    ``MAILROOM_HAND_ON_ID``, ``MAILROOM_HAND_ON_TEXT_BYTES``
        See `mailroom.handlers.receiving._handing_on`.

Permissions
    ``secretsmanager:GetSecretValue`` on the secret; ``s3:GetObject`` on the rule's mail.

Failures
    Any answer of 200 to 299 within ten seconds means that the mail arrived. No connection, no
    answer, 408, 425, 429 and 5xx are tried twice more, after about one and three seconds; then, and
    at once for any other answer, it raises. Lambda calls again after one minute and after two more,
    and then the dead-letter queue has the mail. A redirect is not followed. A request may come
    twice, with the same ``Webhook-Id``.
"""

from __future__ import annotations

import os
import time

from mailroom import _runtime
from mailroom.errors import NotConfigured, NotHandedOn
from mailroom.handlers.receiving import _handing_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.receiving import ReceivedMail

__all__ = ["check_url", "on_mail"]

_PAUSES = (1.0, 3.0)
_AGAIN = frozenset((408, 425, 429))
_DENIED = frozenset((401, 403))

_secret: str | None = None


def check_url(url: str, *, allow_http: bool, allow_private: bool) -> None:
    """Raise `NotConfigured` if no request can go to *url*."""
    from mailroom.handlers.receiving import _post

    _post.Target(url, allow_http=allow_http, allow_private=allow_private)


def on_mail(mail: ReceivedMail) -> None:
    """Send *mail* to the URL."""
    global _secret
    url = _runtime.setting("MAILROOM_WEBHOOK_URL")
    arn = _runtime.setting("MAILROOM_WEBHOOK_SECRET")
    event = _handing_on.Event(mail)
    for pause in (*_PAUSES, None):
        secret = _secret = _secret or _read_secret(arn)
        status, text = _post_once(url, event, secret)
        if 200 <= status < 300:
            return
        if status in _DENIED:
            _secret = None
        if pause is None or not (status < 100 or status in _AGAIN or status >= 500):
            raise NotHandedOn(f"the webhook did not take the mail: {text}", code=str(status))
        _sleep(pause)


def _post_once(url: str, event: _handing_on.Event, secret: str) -> tuple[int, str]:
    """Return the status of the answer, 0 if there is none, and what happened in words."""
    from mailroom.handlers.receiving import _post
    from mailroom.receiving import signature

    target = _post.Target(
        url,
        allow_http=os.environ.get("MAILROOM_WEBHOOK_ALLOW_HTTP") == "1",
        allow_private=os.environ.get("MAILROOM_WEBHOOK_ALLOW_PRIVATE") == "1",
    )
    body = event.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "cdk-mailroom",
        **signature.signed(body, secret, event_id=event.id, timestamp=int(time.time())),
    }
    try:
        status = target.post(body, headers)
    except _post.FAILURES as error:
        return 0, f"{type(error).__name__}: {error}"
    if 300 <= status < 400:
        return status, f"it answered {status}, and redirects are not followed"
    return status, f"it answered {status}"


def _read_secret(arn: str) -> str:
    from botocore.exceptions import ClientError

    try:
        answer = _runtime.client("secretsmanager").get_secret_value(SecretId=arn)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code") or "")
        raise NotHandedOn(f"the webhook's secret cannot be read: {error}", code=code) from error
    text = str(answer.get("SecretString") or "").strip()
    if not text:
        raise NotConfigured(f"the secret {arn} has no text: store the webhook's secret as text")
    return text


_sleep = time.sleep
