"""What SES requires of a receipt rule, apart from permissions.

Rules are plain dictionaries in the shape of the SES API (``Name``, ``Enabled``, ``Recipients``,
``Actions`` …). Everything here is a pure function of them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mailroom.ses import ACTIONS_PER_RULE, RECIPIENTS_PER_RULE
from mailroom_local._ses_error import SesError

Rule = dict[str, Any]

_ACTION_FIELDS: Mapping[str, tuple[str, ...]] = {
    "AddHeaderAction": ("HeaderName", "HeaderValue"),
    "BounceAction": ("Message", "Sender", "SmtpReplyCode", "StatusCode", "TopicArn"),
    "ConnectAction": ("IAMRoleARN", "InstanceARN"),
    "LambdaAction": ("FunctionArn", "InvocationType", "TopicArn"),
    "S3Action": ("BucketName", "IamRoleArn", "KmsKeyArn", "ObjectKeyPrefix", "TopicArn"),
    "SNSAction": ("Encoding", "TopicArn"),
    "StopAction": ("Scope", "TopicArn"),
    "WorkmailAction": ("OrganizationArn", "TopicArn"),
}

# What an action cannot do without; ministack looks after header fields and scopes.
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "BounceAction": ("SmtpReplyCode", "Message", "Sender"),
    "LambdaAction": ("FunctionArn",),
    "S3Action": ("BucketName",),
    "SNSAction": ("TopicArn",),
    "WorkmailAction": ("OrganizationArn",),
}
_ENCODINGS = ("Base64", "UTF-8")

# https://docs.aws.amazon.com/ses/latest/APIReference/API_ReceiptFilter.html
_FILTER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?")


def rule_from_properties(properties: Mapping[str, Any], *, name: str) -> Rule:
    """The API's view of the ``Rule`` property of ``AWS::SES::ReceiptRule``.

    CloudFormation passes booleans as text, and omits what the template omits.
    """
    rule: Rule = {
        "Name": name,
        "Enabled": _true(properties.get("Enabled")),
        "TlsPolicy": properties.get("TlsPolicy") or "Optional",
        "Actions": [_action(action) for action in properties.get("Actions") or []],
        "ScanEnabled": _true(properties.get("ScanEnabled")),
    }
    if properties.get("Recipients"):
        rule["Recipients"] = [str(recipient) for recipient in properties["Recipients"]]
    return complete(rule)


def actions(rule: Rule) -> Iterator[tuple[str, dict[str, str]]]:
    """Each action's kind (``S3Action`` …) and fields, in order."""
    for action in rule.get("Actions", []):
        yield from action.items()


def check_form(rule: Rule) -> None:
    """Refuse a rule that is larger than SES allows, or an action without what it needs."""
    for number, action in enumerate(rule.get("Actions", []), start=1):
        for kind, fields in action.items():
            place = f"rule.actions.{number}.member.{_member(kind)}"
            for field in _REQUIRED.get(kind, ()):
                if field not in fields:
                    raise invalid(f"{place}.{_member(field)}", "Member must not be null")
            if kind == "SNSAction" and fields["Encoding"] not in _ENCODINGS:
                raise invalid(
                    f"{place}.encoding",
                    f"Member must satisfy enum value set: [{', '.join(_ENCODINGS)}]",
                )
    if len(rule.get("Actions", [])) > ACTIONS_PER_RULE:
        raise SesError("LimitExceeded", "Too many actions")
    if len(rule.get("Recipients", [])) > RECIPIENTS_PER_RULE:
        raise SesError("LimitExceeded", "Too many recipients")


def complete(rule: Rule) -> Rule:
    """The rule with what SES fills in."""
    for kind, fields in actions(rule):
        if kind == "SNSAction":
            fields.setdefault("Encoding", "UTF-8")
    return rule


def invalid(field: str, constraint: str) -> SesError:
    """The error for a member of a request that is not as the API's model says."""
    return SesError(
        "ValidationError",
        f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
        f"{constraint}",
    )


def check_filter(receipt_filter: Mapping[str, Any]) -> None:
    """Refuse an IP filter whose name, policy or address range SES would refuse."""
    name = str(receipt_filter.get("Name", ""))
    if not _FILTER_NAME.fullmatch(name):
        raise SesError("InvalidParameterValue", f"Not a valid filterName: {name}")
    ip_filter = receipt_filter.get("IpFilter") or {}
    if ip_filter.get("Policy") not in ("Allow", "Block"):
        raise invalid(
            "filter.ipFilter.policy", "Member must satisfy enum value set: [Allow, Block]"
        )
    try:
        ipaddress.ip_network(str(ip_filter.get("Cidr", "")), strict=False)
    except ValueError:
        raise SesError(
            "InvalidParameterValue", f"Invalid CIDR block: {ip_filter.get('Cidr', '')}"
        ) from None


def insert(rules: Sequence[Rule], rule: Rule, *, after: str | None) -> list[Rule]:
    """The rules with this one inserted after ``after``, or first without it."""
    if not after:
        return [rule, *rules]
    index = index_of(rules, after)
    return [*rules[: index + 1], rule, *rules[index + 1 :]]


def index_of(rules: Sequence[Rule], name: str) -> int:
    """The position of the rule of that name."""
    for index, rule in enumerate(rules):
        if rule["Name"] == name:
            return index
    raise SesError("RuleDoesNotExist", f"Rule does not exist: {name}")


def reorder(rules: Sequence[Rule], names: Sequence[str]) -> list[Rule]:
    """The same rules in the order of ``names``, which must name each of them exactly once."""
    known = {rule["Name"]: rule for rule in rules}
    for name in names:
        if name not in known:
            raise SesError("RuleDoesNotExist", f"Rule does not exist: {name}")
    if sorted(names) != sorted(known):
        raise SesError(
            "InvalidParameterValue", "Every rule of the rule set must be named exactly once"
        )
    return [known[name] for name in names]


def _action(properties: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    return {
        kind: {field: str(fields[field]) for field in known if fields.get(field) is not None}
        for kind, known in _ACTION_FIELDS.items()
        if (fields := properties.get(kind)) is not None
    }


def _member(name: str) -> str:
    return name[0].lower() + name[1:]


def _true(value: object) -> bool:
    return str(value).lower() == "true"
