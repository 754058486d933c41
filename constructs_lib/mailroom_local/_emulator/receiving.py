"""Receipt rules and IP filters: their API and their CloudFormation types.

ministack stores receipt rule sets but neither provisions them from CloudFormation nor checks them
as SES does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from mailroom.ses import (
    IP_FILTERS,
    RULE_SETS,
    RULES_PER_RULE_SET,
    SETUP_NOTIFICATION,
    object_key,
)
from mailroom_local._emulator import feedback, internals, sending
from mailroom_local._emulator.checks import check_rule
from mailroom_local._emulator.cloudformation import CloudFormationErrors, generated_name
from mailroom_local._emulator.query import (
    Parameters,
    Response,
    members,
    numbered,
    one,
    raise_for,
    required,
    result,
)
from mailroom_local._ses_error import SesError
from mailroom_local.receiving import rules
from mailroom_local.receiving.decisions import InForce
from mailroom_local.receiving.rules import Rule
from mailroom_local.sending.bounce import Returned

_GREETING_SUBJECT = "Amazon SES Email Receipt Subscription Notification"
_GREETING_ABOUT = "'Email Receipt' notifications from Amazon SES"

_received: dict[str, str] = {}
_filters: Any = internals.responses.AccountRegionScopedDict()


def remember_received(message_id: str, mail_from: str) -> None:
    """Make a message that came in over SMTP known to SendBounce."""
    _received[message_id] = mail_from


def in_force(account: str, region: str) -> InForce:
    """The rules, filters and identities that decide about mail, as they are now.

    The SMTP server asks at each recipient and each message: by API calls that took most of a
    mail's time.
    """

    def own(stored: Any) -> dict[str, Any]:
        # A copy, as requests change these while a thread of the SMTP server reads them.
        everything = stored.to_dict()
        return {key[-1]: it for key, it in everything.items() if key[:-1] == (account, region)}

    active = own(internals.ses.active_receipt_rule_set).get("name", "")
    rule_set = own(internals.ses.receipt_rule_sets).get(active)
    first = own(internals.ses.identities).items()
    # ministack keeps those of API v2 apart; templates create them in both.
    second = own(internals.ses_v2.identities).items()
    return InForce(
        name=active,
        # Rules are replaced, never changed, so a mail keeps those that it met.
        rules=None if rule_set is None else list(rule_set["Rules"]),
        filters=list(own(_filters).values()),
        identities=[
            *(name for name, it in first if it["VerificationStatus"] == "Success"),
            *(name for name, it in second if it["VerifiedForSendingStatus"]),
        ],
    )


def reset() -> None:
    """Forget everything, as ministack does when it is reset."""
    _filters.clear()
    _received.clear()


def _create_rule_set(parameters: Parameters) -> Response:
    _room_for_rule_set()
    response: Response = internals.ses.create_receipt_rule_set(parameters)
    return response


def _clone_rule_set(parameters: Parameters) -> Response:
    original = _rule_set(required(parameters, "OriginalRuleSetName", "originalRuleSetName"))
    _room_for_rule_set()
    raise_for(internals.ses.create_receipt_rule_set(parameters))
    clone = _rule_set(required(parameters, "RuleSetName", "ruleSetName"))
    clone["Rules"] = copy.deepcopy(original["Rules"])
    return result("CloneReceiptRuleSet")


def _create_rule(parameters: Parameters) -> Response:
    rule = rules.complete(internals.ses.receipt_rule_from_params(parameters))
    set_name = one(parameters, "RuleSetName") or ""
    # ministack's own operation validates form and names; it must not store anything before the
    # live checks have passed, and those presuppose a well-formed rule.
    raise_for(internals.ses.receipt_rule_error(rule))
    if set_name in internals.ses.receipt_rule_sets:
        _room_for_rule(set_name)
        check_rule(set_name, rule)
    response: Response = internals.ses.create_receipt_rule(parameters)
    raise_for(response)
    # ministack has read the rule from the parameters again, without what SES fills in.
    stored = _rule_set(set_name)["Rules"]
    rules.complete(stored[rules.index_of(stored, rule["Name"])])
    _announce_setup(rule, previous=None)
    return response


def _update_rule(parameters: Parameters) -> Response:
    rule = rules.complete(internals.ses.receipt_rule_from_params(parameters))
    required(parameters, "Rule.Name", "rule.name")
    _replace_rule(required(parameters, "RuleSetName", "ruleSetName"), rule)
    return result("UpdateReceiptRule")


def _set_rule_position(parameters: Parameters) -> Response:
    rule_set = _rule_set(required(parameters, "RuleSetName", "ruleSetName"))
    name = required(parameters, "RuleName", "ruleName")
    _move(rule_set, name, after=one(parameters, "After"))
    return result("SetReceiptRulePosition")


def _reorder_rule_set(parameters: Parameters) -> Response:
    rule_set = _rule_set(required(parameters, "RuleSetName", "ruleSetName"))
    rule_set["Rules"] = rules.reorder(rule_set["Rules"], members(parameters, "RuleNames"))
    return result("ReorderReceiptRuleSet")


def _create_filter(parameters: Parameters) -> Response:
    _store_filter(
        {
            "Name": one(parameters, "Filter.Name") or "",
            "IpFilter": {
                "Policy": one(parameters, "Filter.IpFilter.Policy") or "",
                "Cidr": one(parameters, "Filter.IpFilter.Cidr") or "",
            },
        }
    )
    return result("CreateReceiptFilter")


def _list_filters(parameters: Parameters) -> Response:
    found = [_filters[name] for name in sorted(_filters)]
    return result("ListReceiptFilters", {"Filters": found})


def _delete_filter(parameters: Parameters) -> Response:
    _filters.pop(required(parameters, "FilterName", "filterName"), None)
    return result("DeleteReceiptFilter")


def _send_bounce(parameters: Parameters) -> Response:
    """Send a delivery status notification to where a received message came from."""
    sender = required(parameters, "BounceSender", "bounceSender")
    original = required(parameters, "OriginalMessageId", "originalMessageId")
    if original not in _received:
        raise SesError("MessageRejected", f"No message of the last 24 hours has the id {original}")
    if rejection := internals.ses.message_rejection(sender):
        raise SesError("MessageRejected", rejection)
    prefixes = numbered(parameters, "BouncedRecipientInfoList")
    if not prefixes:
        raise SesError("InvalidParameterValue", "BouncedRecipientInfoList must not be empty")
    message_id = sending.bounce(
        sender=sender,
        to=_received[original],
        original=original,
        explanation=one(parameters, "Explanation") or "",
        returned=[_returned(parameters, prefix) for prefix in prefixes],
    )
    return result("SendBounce", {"MessageId": message_id})


def _returned(parameters: Parameters, prefix: str) -> Returned:
    given = {
        "recipient": one(parameters, f"{prefix}.Recipient") or "",
        "action": one(parameters, f"{prefix}.RecipientDsnFields.Action"),
        "status": one(parameters, f"{prefix}.RecipientDsnFields.Status"),
        "diagnostic": one(parameters, f"{prefix}.RecipientDsnFields.DiagnosticCode"),
    }
    return Returned(**{name: value for name, value in given.items() if value is not None})


OPERATIONS: Mapping[str, Callable[[Parameters], Response]] = {
    "CloneReceiptRuleSet": _clone_rule_set,
    "CreateReceiptFilter": _create_filter,
    "CreateReceiptRule": _create_rule,
    "CreateReceiptRuleSet": _create_rule_set,
    "DeleteReceiptFilter": _delete_filter,
    "ListReceiptFilters": _list_filters,
    "ReorderReceiptRuleSet": _reorder_rule_set,
    "SendBounce": _send_bounce,
    "SetReceiptRulePosition": _set_rule_position,
    "UpdateReceiptRule": _update_rule,
}


def _provision_rule_set(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = properties.get("RuleSetName") or generated_name(stack_name, logical_id)
    with CloudFormationErrors():
        _room_for_rule_set()
        raise_for(internals.ses.create_receipt_rule_set({"RuleSetName": [name]}))
    return name, {}


def _delete_rule_set_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    with CloudFormationErrors():
        if internals.ses.active_receipt_rule_set.get("name") == physical_id:
            raise SesError("CannotDelete", f"Cannot delete active rule set: {physical_id}")
        internals.ses.receipt_rule_sets.pop(physical_id, None)


def _provision_rule(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    declared = properties.get("Rule") or {}
    name = declared.get("Name") or generated_name(stack_name, logical_id)
    set_name = str(properties.get("RuleSetName", ""))
    rule = rules.rule_from_properties(declared, name=name)
    with CloudFormationErrors():
        rule_set = _rule_set(set_name)
        raise_for(internals.ses.receipt_rule_error(rule))
        if any(existing["Name"] == name for existing in rule_set["Rules"]):
            raise SesError("AlreadyExists", f"Rule already exists: {name}")
        _room_for_rule(set_name)
        check_rule(set_name, rule)
        rule_set["Rules"] = rules.insert(
            rule_set["Rules"], rule, after=properties.get("After") or None
        )
        _announce_setup(rule, previous=None)
    return name, {}


def _update_rule_resource(
    physical_id: str,
    old_properties: Mapping[str, Any],
    new_properties: Mapping[str, Any],
    stack_name: str,
    logical_id: str,
) -> tuple[str, dict[str, Any]]:
    declared = new_properties.get("Rule") or {}
    set_name = str(new_properties.get("RuleSetName", ""))
    renamed = declared.get("Name") != (old_properties.get("Rule") or {}).get("Name")
    if renamed or set_name != old_properties.get("RuleSetName"):
        # A rollback comes here to go back to a rule that the failed update has not deleted yet.
        kept = internals.ses.receipt_rule_sets.get(set_name, {}).get("Rules", [])
        name = declared.get("Name") or physical_id
        if rules.rule_from_properties(declared, name=name) not in kept:
            name, _ = _provision_rule(logical_id, new_properties, stack_name)
        internals.provisioners.delete_predecessor(
            _delete_rule_resource, physical_id, old_properties
        )
        return name, {}
    with CloudFormationErrors():
        # Another `After` moves nothing: nobody has shown that CloudFormation moves a rule, and
        # UpdateReceiptRule is known to keep its place.
        _replace_rule(set_name, rules.rule_from_properties(declared, name=physical_id))
    return physical_id, {}


def _delete_rule_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    rule_set = internals.ses.receipt_rule_sets.get(str(properties.get("RuleSetName", "")))
    if rule_set is not None:
        rule_set["Rules"] = [rule for rule in rule_set["Rules"] if rule["Name"] != physical_id]


def _provision_filter(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    declared = properties.get("Filter") or {}
    name = declared.get("Name") or generated_name(stack_name, logical_id)
    with CloudFormationErrors():
        _store_filter({"Name": name, "IpFilter": dict(declared.get("IpFilter") or {})})
    return name, {}


def _delete_filter_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    _filters.pop(physical_id, None)


def _rule_set(name: str) -> dict[str, Any]:
    rule_set: dict[str, Any] | None = internals.ses.receipt_rule_sets.get(name)
    if rule_set is None:
        raise SesError("RuleSetDoesNotExist", f"Rule set does not exist: {name}")
    return rule_set


def _room_for_rule_set() -> None:
    if len(internals.ses.receipt_rule_sets) >= RULE_SETS:
        raise SesError("LimitExceeded", "Too many rule sets")


def _room_for_rule(set_name: str) -> None:
    if len(_rule_set(set_name)["Rules"]) >= RULES_PER_RULE_SET:
        raise SesError("LimitExceeded", "Too many rules")


def _replace_rule(set_name: str, rule: Rule) -> None:
    rule_set = _rule_set(set_name)
    index = rules.index_of(rule_set["Rules"], rule["Name"])
    raise_for(internals.ses.receipt_rule_error(rule))
    check_rule(set_name, rule)
    previous = rule_set["Rules"][index]
    rule_set["Rules"][index] = rule
    _announce_setup(rule, previous=previous)


def _move(rule_set: dict[str, Any], name: str, *, after: str | None) -> None:
    rule = rule_set["Rules"][rules.index_of(rule_set["Rules"], name)]
    if after == name:
        return
    others = [other for other in rule_set["Rules"] if other["Name"] != name]
    rule_set["Rules"] = rules.insert(others, rule, after=after)


def _store_filter(receipt_filter: dict[str, Any]) -> None:
    rules.check_filter(receipt_filter)
    name = receipt_filter["Name"]
    if name in _filters:
        raise SesError("AlreadyExists", f"Filter already exists: {name}")
    if len(_filters) >= IP_FILTERS:
        raise SesError("LimitExceeded", "Too many filters")
    _filters[name] = receipt_filter


def _announce_setup(rule: Rule, *, previous: Rule | None) -> None:
    """Write and publish that by which SES proves that it can reach a bucket and a topic."""
    before = list(rules.actions(previous or {}))
    known = {_target(fields) for kind, fields in before if kind == "S3Action"}
    greeted = {fields.get("TopicArn") for _, fields in before}
    for kind, fields in rules.actions(rule):
        if kind == "S3Action" and _target(fields) not in known:
            key = object_key(fields.get("ObjectKeyPrefix", ""), SETUP_NOTIFICATION)
            internals.s3.put_object(fields["BucketName"], key, _setup_message(fields), {})
        topic = fields.get("TopicArn")
        if topic and topic not in greeted:
            greeted.add(topic)
            # Its subject is recorded; its text is that of the notifications about an identity.
            text = feedback.greeting(topic, _GREETING_ABOUT)
            internals.sns.publish_internal(topic, text, _GREETING_SUBJECT)


def _target(fields: Mapping[str, str]) -> tuple[str, str]:
    return fields.get("BucketName", ""), fields.get("ObjectKeyPrefix", "")


def _setup_message(fields: Mapping[str, str]) -> bytes:
    lines = (
        "From: no-reply@amazonses.com",
        "To: undisclosed-recipients:;",
        "Subject: Amazon SES Setup Notification",
        "",
        f"Mail for this rule will be written to the bucket {fields['BucketName']}.",
        "",
    )
    return "\r\n".join(lines).encode()


# The table that says which changed property makes CloudFormation replace a resource. A rule
# replaces itself: its name, which is its id, may be the same in another rule set.
REPLACING: Mapping[str, tuple[str, ...]] = {
    "AWS::SES::ReceiptRuleSet": ("RuleSetName",),
    "AWS::SES::ReceiptFilter": ("Filter",),
}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    "AWS::SES::ReceiptRuleSet": {
        "create": _provision_rule_set,
        "delete": _delete_rule_set_resource,
    },
    "AWS::SES::ReceiptRule": {
        "create": _provision_rule,
        "update": _update_rule_resource,
        "update_with_logical_id": True,
        "delete": _delete_rule_resource,
    },
    "AWS::SES::ReceiptFilter": {
        "create": _provision_filter,
        "delete": _delete_filter_resource,
    },
}
