"""The function behind each of our custom resources: runs a handler, and tells CloudFormation.

CloudFormation calls the function itself, without CDK's Provider framework between them. Therefore

- a process that dies is started again by Lambda, with the same request;
- a Create that fails is followed by a Delete, which the framework would swallow, so that what the
  Create has changed by then is undone.

``MAILROOM_RESOURCE`` names the module whose ``handler(event, context)`` does the work. What it
returns may have ``PhysicalResourceId`` and ``Data``. By default the physical id is the logical id,
and never changes: another id would make CloudFormation delete what the handler has just made.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import time

from mailroom import _runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["handler"]

# CloudFormation takes 4 KB; a reason must leave room for the rest.
_LONGEST_REASON = 2000
_ATTEMPTS = 5
_SECONDS = 10


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Lambda's entry point. Raises only if CloudFormation does not take the answer."""
    import importlib

    answer: dict[str, Any] = {}
    reason = ""
    try:
        module = importlib.import_module(_runtime.setting("MAILROOM_RESOURCE"))
        answer = module.handler(event, context) or {}
    except Exception as error:
        _runtime.log(
            "ERROR",
            "mailroom.provisioning",
            request=event.get("RequestType"),
            resource=event.get("LogicalResourceId"),
            error=type(error).__name__,
            reason=str(error),
            where=_runtime.where(error),
        )
        reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
        reason += f" (log group {getattr(context, 'log_group_name', 'of the function')})"
    given = event.get("PhysicalResourceId")
    chosen = given if event.get("RequestType") == "Delete" else answer.get("PhysicalResourceId")
    _answer(
        event["ResponseURL"],
        {
            "Status": "FAILED" if reason else "SUCCESS",
            "Reason": reason,
            "PhysicalResourceId": chosen or given or event["LogicalResourceId"],
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
            "Data": answer.get("Data") or {},
        },
    )


def _answer(url: str, answer: Mapping[str, Any]) -> None:
    from urllib.request import Request, urlopen

    # The URL is signed for a request without a content type.
    request = Request(  # noqa: S310 (CloudFormation chose the URL)
        url, data=json.dumps(answer).encode(), method="PUT", headers={"Content-Type": ""}
    )
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with urlopen(request, timeout=_SECONDS):  # noqa: S310
                return
        except OSError:
            if attempt == _ATTEMPTS:
                raise
        time.sleep(2**attempt / 2)
