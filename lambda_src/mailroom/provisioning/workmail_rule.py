"""**Experimental**: an email flow rule of WorkMail, by operations that AWS has not published.

The handler of a custom resource. **Nothing here has been tried against AWS.** Whether
the operations (`_workmail_operations`) accept ordinary credentials is unknown.

``ResourceProperties``
    ``OrganizationId``; ``Direction``, ``Inbound`` or ``Outbound``; ``Rule``, as JSON text;
    ``Ledger``, the name of a parameter of SSM that belongs to this resource alone.

Permissions
    ``workmail:{Create,Update,Delete,Describe}<Direction>MailFlowRule`` and
    ``workmail:List<Direction>MailFlowRules`` on the organization; ``ssm:DeleteParameter``,
    ``ssm:GetParameter`` and ``ssm:PutParameter`` on the parameter.

Memory
    The physical id never changes and says nothing. The ledger has the name of each rule that was
    created here, with the functions that it was given; a name is added before the rule is created.
    A rule is ours if its name is in the ledger and it calls one of those functions.

Create and Update
    List first: if that does not answer, nothing has been done, and the error says what to do by
    hand. A rule of that name that is not ours is refused. What was written is read back; if it
    differs, a rule that was just created is deleted again before the error is raised. A rule of
    another name, from before a renaming or from an update that is being rolled back, is deleted
    when the one that is wanted exists: mail never passes without a rule in between.
Delete
    Succeeds if the rule, the organization, the operations or WorkMail no longer exist, and does not
    touch a rule that is not ours. From 2027-03-31, when WorkMail ends, no failure keeps the stack
    from being deleted.
"""

from __future__ import annotations

import json
import time

from mailroom import _runtime
from mailroom.errors import MailroomError, MissingField
from mailroom.provisioning._workmail_operations import Refused, Unreachable, WorkMail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["FlowRuleError", "handler"]

_END_OF_SUPPORT = 1806451200  # 2027-03-31
_LOOKS = (1, 2, 4)
_BY_HAND = (
    "create the rule in the console as the stack's output ConsoleSteps says, and remove "
    "ExperimentalFlowRule"
)
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


class FlowRuleError(MailroomError, RuntimeError):
    """The rule was not created; the text says why and what to do."""


# View.


class Request:
    """One request of CloudFormation."""

    __slots__ = ("direction", "kind", "ledger", "organization", "physical_id", "rule")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.kind: str = event.get("RequestType", "")
        properties = event.get("ResourceProperties") or {}
        for name in ("OrganizationId", "Direction", "Rule", "Ledger"):
            if not properties.get(name):
                raise MissingField(f"missing 'ResourceProperties.{name}'")
        self.organization: str = properties["OrganizationId"]
        self.direction: str = properties["Direction"]
        self.ledger: str = properties["Ledger"]
        self.physical_id: str = event.get("PhysicalResourceId") or self.ledger
        self.rule: dict[str, Any] = json.loads(properties["Rule"])
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
    def place(self) -> str:
        """Where the rule is."""
        return f"{self.organization}/{self.direction}"


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


class Ledger:
    """What was created in *place*: the functions that each rule was given, by the rule's name."""

    __slots__ = ("_client", "_name", "_written", "place", "rules")

    def __init__(self, name: str) -> None:
        self._client = _runtime.client("ssm")
        self._name = name
        self._written: str | None = None
        self.place = ""
        self.rules: dict[str, list[str]] = {}
        try:
            self._written = self._client.get_parameter(Name=name)["Parameter"]["Value"]
        except self._client.exceptions.ParameterNotFound:
            return
        found: dict[str, Any] = json.loads(self._written or "{}")
        self.place, self.rules = found["place"], found["rules"]

    def has(self, name: str, rule: Mapping[str, Any]) -> bool:
        """Whether *rule*, which is called *name*, is ours."""
        return function_of(rule) in self.rules.get(name, ())

    def save(self) -> None:
        """Write what has changed."""
        value = json.dumps({"place": self.place, "rules": self.rules})
        if value != self._written:
            self._client.put_parameter(
                Name=self._name,
                Description="Email flow rules of WorkMail that this stack created",
                Type="String",
                Value=value,
                Overwrite=True,
            )
            self._written = value

    def delete(self) -> None:
        """Delete the parameter, since nothing of ours is left."""
        try:
            self._client.delete_parameter(Name=self._name)
        except self._client.exceptions.ParameterNotFound:
            return


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Serve one request of CloudFormation; see the module for what happens.

    Returns ``PhysicalResourceId``. Raises `FlowRuleError`; a Create has then left nothing, and
    what an Update has left is cleaned up by the next request, which is the rollback.
    """
    request = Request(event)
    ledger = Ledger(request.ledger)
    workmail = WorkMail(request.organization, request.direction)
    if request.kind == "Delete":
        outcome = _delete(request, ledger, workmail)
    else:
        try:
            outcome = _write(request, ledger, workmail)
        except (Refused, Unreachable) as error:
            _log("ERROR", request, "failed", str(error))
            raise FlowRuleError(f"{error}; {_BY_HAND}") from error
    _log("INFO", request, outcome)
    return {"PhysicalResourceId": request.physical_id}


def _write(request: Request, ledger: Ledger, workmail: WorkMail) -> str:
    if ledger.rules and ledger.place != request.place:
        raise FlowRuleError(
            f"the rule was created in {ledger.place} and is to be in {request.place}: an update "
            "cannot move it; give the ExperimentalFlowRule another construct id"
        )
    exists = request.name in workmail.names()
    if exists and request.name not in ledger.rules:
        raise FlowRuleError(
            f"there is already a rule {request.name!r} that this stack did not create; it was not "
            "changed: pass another rule_name, or delete that rule"
        )
    found = workmail.describe(request.name) if exists else {}
    if exists and not ledger.has(request.name, found):
        raise FlowRuleError(
            f"the rule {request.name!r} calls a function that this stack did not give it, so "
            "somebody else created or changed it: delete it, then deploy again"
        )
    ledger.place = request.place
    functions = {*ledger.rules.get(request.name, ()), function_of(request.rule)}
    ledger.rules[request.name] = sorted(functions)
    ledger.save()
    if not exists:
        _create(request, ledger, workmail)
    elif differences(request.rule, found):
        workmail.update(request.rule)
        _check_written(request, workmail)
    for other in [name for name in ledger.rules if name != request.name]:
        _delete_ours(other, ledger, workmail)
    ledger.rules = {request.name: [function_of(request.rule)]}
    ledger.save()
    return "updated" if exists else "created"


def _create(request: Request, ledger: Ledger, workmail: WorkMail) -> None:
    made = False
    try:
        try:
            workmail.create(request.rule)
        except (Refused, Unreachable):
            # Perhaps only the answer was lost, and the rule is there.
            if not ledger.has(request.name, workmail.describe(request.name)):
                raise
        made = True
        _check_written(request, workmail)
    except (FlowRuleError, Refused, Unreachable):
        # Mail must not pass through a rule that is not what the template says.
        try:
            if made:
                workmail.delete(request.name)
            if request.kind == "Create":
                ledger.delete()
        except (Refused, Unreachable) as error:
            _log("WARNING", request, "perhaps left behind", str(error))
        raise


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


def _delete(request: Request, ledger: Ledger, workmail: WorkMail) -> str:
    outcome = "deleted" if ledger.rules else "nothing to delete"
    try:
        for name in ledger.rules:
            _delete_ours(name, ledger, workmail)
    except Unreachable as error:
        _log("WARNING", request, "unreachable", str(error))
        outcome = "WorkMail is gone"
    except Refused as error:
        gone = _NO_OPERATION | _NO_ORGANIZATION
        if not (error.code in gone or error.code == "404" or time.time() >= _END_OF_SUPPORT):
            raise FlowRuleError(
                f"{error}: delete the rule {request.name!r} in the console, then delete the stack "
                "again and retain this resource"
            ) from error
        _log("WARNING", request, "refused", str(error))
        outcome = "gone"
    ledger.delete()
    return outcome


def _delete_ours(name: str, ledger: Ledger, workmail: WorkMail) -> None:
    """Delete the rule *name*, unless it is gone or somebody else's."""
    try:
        if name in workmail.names() and ledger.has(name, workmail.describe(name)):
            workmail.delete(name)
    except Refused as error:
        if error.code not in _NO_RULE:
            raise


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
