"""WorkMail's operations for email flow rules, which AWS has not published.

The operations' shapes are from public models of the console's own client: JSON 1.1,
``X-Amz-Target: WorkMailService.<Operation>``, Signature Version 4 for ``workmail``. boto3 does not
have them, so the requests are made and signed here. The form of Describe's answer is a guess, and
any object with a ``Condition`` is accepted.
"""

from __future__ import annotations

import json
import os
import time

from mailroom import _runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Refused", "Unreachable", "WorkMail"]

_SECONDS = 20
_ATTEMPTS = 5
_THROTTLED = frozenset(("Throttling", "ThrottlingException", "TooManyRequestsException"))


class Refused(Exception):
    """WorkMail's own refusal, by its code."""

    def __init__(self, operation: str, code: str, text: str) -> None:
        super().__init__(f"{operation}: {code}: {text:.300}")
        self.code = code


class Unreachable(Exception):
    """Nothing answers at WorkMail's address, or something other than WorkMail."""


class WorkMail:
    """The five operations for the rules of one organization and direction."""

    __slots__ = ("_direction", "_organization", "_session")

    def __init__(self, organization: str, direction: str) -> None:
        self._organization = organization
        self._direction = direction
        self._session: Any = None

    def names(self) -> list[str]:
        """Return the names of all rules."""
        answer = self._call(f"List{self._direction}MailFlowRules")
        found = answer.get(f"{self._direction}MailFlowRuleSummaries")
        if not isinstance(found, list):
            raise Unreachable("the answer of List has an unknown form")
        return [str(one.get("RuleName")) for one in found if isinstance(one, dict)]

    def describe(self, name: str) -> dict[str, Any]:
        """Return the rule *name*; empty if the answer has no rule that can be recognised."""
        answer = self._call(f"Describe{self._direction}MailFlowRule", RuleName=name)
        for candidate in (answer, *answer.values()):
            if isinstance(candidate, dict) and "Condition" in candidate:
                return candidate
        return {}

    def create(self, rule: Mapping[str, Any]) -> None:
        """Create *rule*."""
        self._call(f"Create{self._direction}MailFlowRule", Rule=rule)

    def update(self, rule: Mapping[str, Any]) -> None:
        """Change the rule of that name to *rule*."""
        self._call(f"Update{self._direction}MailFlowRule", Rule=rule)

    def delete(self, name: str) -> None:
        """Delete the rule *name*."""
        self._call(f"Delete{self._direction}MailFlowRule", RuleName=name)

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        body = json.dumps({"OrganizationId": self._organization, **arguments}).encode()
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                status, content = self._send(operation, body)
            except (Unreachable, Refused):
                if last:
                    raise
                time.sleep(2**attempt / 2)
                continue
            answer = _decoded(content)
            if 200 <= status < 300:
                if answer is None:
                    raise Unreachable(f"{operation}: the answer is not JSON")
                return answer
            # The code may have a namespace before it or a URL after it.
            code = str((answer or {}).get("__type") or status).rpartition("#")[2].partition(":")[0]
            text = str((answer or {}).get("message") or (answer or {}).get("Message") or "")
            if last or not (code in _THROTTLED or status >= 500):
                raise Refused(operation, code, text)
            time.sleep(2**attempt / 2)
        raise AssertionError

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        import boto3
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import (
            ConnectTimeoutError,
            EndpointConnectionError,
            HTTPClientError,
        )
        from botocore.httpsession import URLLib3Session

        region = _runtime.setting("AWS_REGION")
        url = (
            os.environ.get("AWS_ENDPOINT_URL_WORKMAIL")
            or os.environ.get("AWS_ENDPOINT_URL")
            or f"https://workmail.{region}.amazonaws.com"
        )
        request = AWSRequest(
            method="POST",
            url=f"{url.rstrip('/')}/",
            data=body,
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": f"WorkMailService.{operation}",
            },
        )
        credentials: Any = boto3.session.Session().get_credentials()
        SigV4Auth(credentials, "workmail", region).add_auth(request)
        if self._session is None:
            self._session = URLLib3Session(timeout=_SECONDS)
        try:
            answer = self._session.send(request.prepare())
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise Unreachable(f"{operation}: {type(error).__name__}") from error
        except HTTPClientError as error:
            # Something answered, so WorkMail has not ended.
            raise Refused(operation, type(error).__name__, "the answer was incomplete") from error
        return answer.status_code, answer.content


def _decoded(content: bytes) -> dict[str, Any] | None:
    if not content.strip():
        return {}
    try:
        answer = json.loads(content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
