"""**Experimental**: an email flow rule of WorkMail, by operations that AWS has not published.

The ``on_event`` handler behind CDK's Provider. **Nothing here has been tried against AWS.** The
operations' shapes are from public models of the console's own client: JSON 1.1,
``X-Amz-Target: WorkMailService.<Operation>``, Signature Version 4 for ``workmail``. boto3 does not
have them, so the requests are made and signed here. Whether they accept ordinary credentials is
unknown; the form of Describe's answer is a guess, and any object with a ``Condition`` is accepted.

``ResourceProperties``
    ``OrganizationId``; ``Direction``, ``Inbound`` or ``Outbound``; ``Rule``, as JSON text.

Permissions
    ``workmail:{Create,Update,Delete,Describe}<Direction>MailFlowRule`` and
    ``workmail:List<Direction>MailFlowRules`` on the organization.

Create
    List first: if that does not answer, nothing has been done, and the error says what to do by
    hand. If a rule of that name exists, it is refused. What was written is read back, and if it
    differs, the rule is deleted again before the error is raised.
Update
    A rule with the same name is changed only if it still calls a function that this stack gave it.
    Another name or organization is another physical id, so a Create; CloudFormation deletes the old
    one.
Delete
    Succeeds if the rule, the organization, the operations or WorkMail no longer exist, and does not
    touch a rule that calls someone else's function. From 2027-03-31, when WorkMail ends, no
    failure keeps the stack from being deleted.
"""

from __future__ import annotations

import json
import os
import time

from mailroom import _runtime
from mailroom.errors import MailroomError, MissingField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["FlowRuleError", "handler"]

_PREFIX = "workmail-flow-rule"
_END_OF_SUPPORT = 1806451200  # 2027-03-31
_SECONDS = 20
_ATTEMPTS = 5
_LOOKS = (1, 2, 4)
_BY_HAND = (
    "create the rule in the console as the stack's output ConsoleSteps says, and remove "
    "ExperimentalFlowRule"
)
_THROTTLED = frozenset(("Throttling", "ThrottlingException", "TooManyRequestsException"))
_NO_OPERATION = frozenset(
    (
        "AccessDeniedForUnknownOperation",
        "InvalidAction",
        "NotFound",
        "UnknownOperation",
        "UnknownOperationException",
        "UnsupportedOperation",
        "UnsupportedOperationException",
    )
)
_NO_RULE = frozenset(
    ("EntityNotFoundException", "MailFlowRuleNotFoundException", "ResourceNotFoundException")
)
_NO_ORGANIZATION = frozenset(("OrganizationNotFoundException", "OrganizationStateException"))

# The answers, in case the framework delivers a request twice to the same process.
_answers: dict[str, dict[str, Any]] = {}


class FlowRuleError(MailroomError, RuntimeError):
    """The rule was not created; the message gives the reason and the remedy."""


class Refused(Exception):
    """WorkMail's own refusal, by its code."""

    def __init__(self, operation: str, code: str, text: str) -> None:
        super().__init__(f"{operation}: {code}: {text:.300}")
        self.code = code


class Unreachable(Exception):
    """Nothing answers at WorkMail's address, or something other than WorkMail."""


# View.


class Request:
    """One request of CloudFormation, as the Provider framework passes it on."""

    __slots__ = ("before", "direction", "id", "kind", "organization", "physical_id", "rule")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.kind: str = event.get("RequestType", "")
        self.id = str(event.get("RequestId") or "")
        self.physical_id: str = event.get("PhysicalResourceId") or ""
        properties = event.get("ResourceProperties") or {}
        for name in ("OrganizationId", "Direction", "Rule"):
            if not properties.get(name):
                raise MissingField(f"missing 'ResourceProperties.{name}'")
        self.organization: str = properties["OrganizationId"]
        self.direction: str = properties["Direction"]
        self.rule: dict[str, Any] = json.loads(properties["Rule"])
        old = (event.get("OldResourceProperties") or {}).get("Rule")
        self.before: dict[str, Any] = json.loads(old) if old else {}
        if self.kind not in ("Create", "Update", "Delete"):
            raise FlowRuleError(
                f"RequestType is {self.kind!r}: send 'Create', 'Update' or 'Delete'"
            )
        if self.direction not in ("Inbound", "Outbound"):
            raise FlowRuleError(f"Direction is {self.direction!r}: use 'Inbound' or 'Outbound'")

    @property
    def name(self) -> str:
        """The rule's name."""
        return str(self.rule["Name"])

    @property
    def wanted_id(self) -> str:
        """The physical id of the rule that the properties describe."""
        return f"{_PREFIX}/{self.direction}/{self.organization}/{self.name}"

    @property
    def functions(self) -> set[str]:
        """The functions that this stack gave the rule, now and before."""
        return {function_of(rule) for rule in (self.rule, self.before) if rule}


def function_of(rule: Mapping[str, Any]) -> str:
    """Return the ARN of the function that *rule* calls; empty if it calls none."""
    for action in (rule.get("Action") or {}).values():
        if isinstance(action, dict) and action.get("Arn"):
            return str(action["Arn"])
    return ""


def differences(wanted: Any, found: Any, path: str = "Rule") -> list[str]:
    """Return where *found* lacks or contradicts *wanted*; it may have more than that."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            one
            for key, value in wanted.items()
            for one in differences(value, found.get(key), f"{path}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(found, list):
        return [] if sorted(map(str, wanted)) == sorted(map(str, found)) else [path]
    return [] if wanted == found else [path]


# Act.


class WorkMail:
    """The five unpublished operations for one direction."""

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


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Provider framework entry point; see the module for what happens.

    Returns ``PhysicalResourceId``. Raises `FlowRuleError`, and then leaves no rule behind.
    """
    request = Request(event)
    if request.id in _answers:
        return _answers[request.id]
    workmail = WorkMail(request.organization, request.direction)
    if request.kind == "Delete":
        outcome = _delete(request, workmail)
        answer = {"PhysicalResourceId": request.physical_id}
    else:
        try:
            outcome = _write(request, workmail)
        except (Refused, Unreachable) as error:
            _log("ERROR", request, "failed", str(error))
            raise FlowRuleError(f"{error}; {_BY_HAND}") from error
        answer = {"PhysicalResourceId": request.wanted_id}
    _log("INFO", request, outcome)
    if request.id:
        _answers[request.id] = answer
    return answer


def _write(request: Request, workmail: WorkMail) -> str:
    there = request.name in workmail.names()
    ours = request.kind == "Update" and request.physical_id == request.wanted_id
    if there and not ours:
        raise FlowRuleError(
            f"there is already a rule {request.name!r} that this stack did not create; it was not "
            "changed: pass another rule_name, or delete that rule"
        )
    if not there:
        return _create(request, workmail)
    if function_of(workmail.describe(request.name)) not in request.functions:
        raise FlowRuleError(
            f"the rule {request.name!r} calls a function that this stack did not give it, so "
            "someone else created or changed it: delete it, then deploy again"
        )
    workmail.update(request.rule)
    _check_written(request, workmail)
    return "updated"


def _create(request: Request, workmail: WorkMail) -> str:
    # CloudFormation deletes nothing after a Create that failed, so it is cleaned up here.
    try:
        workmail.create(request.rule)
    except (Refused, Unreachable):
        # The response may have been lost, or someone else may have created a rule of that name.
        _clean_up(request, workmail, made=False)
        raise
    try:
        _check_written(request, workmail)
    except (FlowRuleError, Refused, Unreachable):
        _clean_up(request, workmail, made=True)
        raise
    return "created"


def _clean_up(request: Request, workmail: WorkMail, *, made: bool) -> None:
    try:
        if made or function_of(workmail.describe(request.name)) in request.functions:
            workmail.delete(request.name)
    except (Refused, Unreachable) as error:
        _log("WARNING", request, "possibly left behind", str(error))


def _check_written(request: Request, workmail: WorkMail) -> None:
    wrong: list[str] = []
    # It may take a moment until what was written can be read.
    for wait in (0, *_LOOKS):
        time.sleep(wait)
        try:
            wrong = differences(request.rule, workmail.describe(request.name))
        except Refused as error:
            if error.code not in _NO_RULE:
                raise
            wrong = ["Rule"]
        if not wrong:
            return
    raise FlowRuleError(
        f"WorkMail accepted the rule {request.name!r} and returns another {', '.join(wrong)}; "
        f"{_BY_HAND}"
    )


def _delete(request: Request, workmail: WorkMail) -> str:
    # A Create that failed left nothing, and its id is the framework's own.
    if request.physical_id != request.wanted_id:
        return "nothing to delete"
    try:
        return _delete_ours(request, workmail)
    except Unreachable as error:
        _log("WARNING", request, "unreachable", str(error))
        return "WorkMail is gone"
    except Refused as error:
        gone = _NO_OPERATION | _NO_RULE | _NO_ORGANIZATION
        if error.code in gone or error.code == "404" or time.time() >= _END_OF_SUPPORT:
            _log("WARNING", request, "refused", str(error))
            return "gone"
        raise FlowRuleError(
            f"{error}: delete the rule {request.name!r} in the console, then delete the stack "
            "again and retain this resource"
        ) from error


def _delete_ours(request: Request, workmail: WorkMail) -> str:
    if request.name not in workmail.names():
        return "gone"
    if function_of(workmail.describe(request.name)) not in request.functions:
        return "left alone: it calls someone else's function"
    workmail.delete(request.name)
    return "deleted"


def _log(level: str, request: Request, outcome: str, detail: str | None = None) -> None:
    _runtime.log(
        level,
        "mailroom.provisioning.workmail_rule",
        request=request.kind,
        rule=request.name,
        organization=request.organization,
        outcome=outcome,
        detail=detail,
    )
