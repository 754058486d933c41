"""The function behind each of our custom resources: runs a handler, and tells CloudFormation.

CloudFormation calls the function itself, without CDK's Provider framework between them. Therefore

- a process that dies is started again by Lambda, with the same request;
- a Create that fails is followed by a Delete, which the framework would swallow, so that what the
  Create has changed by then is undone.

``MAILROOM_RESOURCE`` names the module whose ``handler(event, context)`` does the work. What it
returns may have ``PhysicalResourceId`` and ``Data``. By default the physical id is the logical id,
and never changes: another id would make CloudFormation delete what the handler has just made.
A Create that raises an error whose ``nothing_done`` is true never was a resource: it gets the id
`NOTHING`, and the Delete that follows succeeds without the handler, which would fail for the same
reason and leave the stack in ROLLBACK_FAILED.

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

__all__ = ["NOTHING", "handler"]

NOTHING = "nothing-was-created"
"""The physical id of a Create that failed before it changed anything."""

# CloudFormation takes 4 KB; a reason must leave room for the rest.
_LONGEST_REASON = 2000
_ATTEMPTS = 5
_SECONDS = 10


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Lambda's entry point. Raises only if CloudFormation does not take the answer."""
    import importlib

    answer: dict[str, Any] = {}
    reason = ""
    kind, given = event.get("RequestType"), event.get("PhysicalResourceId")
    if kind == "Delete" and given == NOTHING:
        _answer(event, NOTHING)
        return
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
        if kind == "Create" and getattr(error, "nothing_done", False):
            answer = {"PhysicalResourceId": NOTHING}
    chosen = given if kind == "Delete" else answer.get("PhysicalResourceId")
    _answer(event, chosen or given or event["LogicalResourceId"], reason, answer.get("Data"))


def _answer(event: Mapping[str, Any], physical_id: str, reason: str = "", data: Any = None) -> None:
    from urllib.request import Request, urlopen

    answer = {
        "Status": "FAILED" if reason else "SUCCESS",
        "Reason": reason,
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": data or {},
    }
    # The URL is signed for a request without a content type.
    request = Request(  # noqa: S310 (CloudFormation chose the URL)
        event["ResponseURL"],
        data=json.dumps(answer).encode(),
        method="PUT",
        headers={"Content-Type": ""},
    )
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with urlopen(request, timeout=_SECONDS):  # noqa: S310
                return
        except OSError:
            if attempt == _ATTEMPTS:
                raise
        time.sleep(2**attempt / 2)
