"""The ingress points of SES Mail Manager: in the stack, and in the stories of their mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mailroom_local.control.gateways import IngressPoint
from mailroom_local.control.journal import MessageRecord
from mailroom_local.page import shapes

# Where each kind of action says what it leads to.
_TARGETS = (
    "S3Bucket",
    "FunctionArn",
    "TopicArn",
    "MailboxArn",
    "TargetArchive",
    "Relay",
    "Sender",
    "HeaderName",
    "ApplicationId",
)


def described(manager: Any, points: Sequence[IngressPoint]) -> Iterator[dict[str, Any]]:
    """The ingress points of a place, each with the rules of its rule set."""
    for point in points:
        found = manager.get_ingress_point(IngressPointId=point.id)
        rules = manager.get_rule_set(RuleSetId=found["RuleSetId"]).get("Rules", [])
        policy = manager.get_traffic_policy(TrafficPolicyId=found["TrafficPolicyId"])
        yield {
            "id": point.id,
            "name": point.name,
            "address": f"{point.host}:{point.port}",
            "access": point.kind,
            "status": point.status,
            "tls": point.tls_policy,
            "traffic_policy": point.traffic_policy,
            "default_action": policy["DefaultAction"],
            "statements": len(policy.get("PolicyStatements") or ()),
            "rule_set": point.rule_set,
            "rules": [_rule(rule, number) for number, rule in enumerate(rules, start=1)],
        }


def edges(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """From where to where, and how."""
    for point in found["ingress_points"]:
        ids = [f"gateway-rule:{point['id']}/{rule['name']}" for rule in point["rules"]]
        for before, after in pairwise(ids):
            yield before, after, "next rule"
        for name, rule in zip(ids, point["rules"], strict=True):
            yield f"point:{point['id']}", name, f"rule set {point['rule_set']}"
            for action in rule["actions"]:
                if action["arn"]:
                    yield name, action["arn"], action["kind"]


def tried(record: MessageRecord, names: Sequence[str]) -> Iterator[tuple[str, bool, str]]:
    """Every rule of a gateway's rule set: its name, whether it applied, and why or why not."""
    known = {rule.name: rule for rule in record.rules}
    for name in dict.fromkeys([*names, *known]):
        rule = known.get(name)
        if rule is not None:
            yield name, bool(rule.recipients), "; ".join(rule.because)
        elif record.stopped_by is not None:
            yield name, False, f"not reached: rule {record.stopped_by} stopped the rule set"
        elif record.finished:
            yield name, False, "not reached: no recipient was left"
        else:
            yield name, False, "not reached yet"


def _rule(rule: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        "name": rule.get("Name") or f"rule {number}",
        "conditions": len(rule.get("Conditions") or ()),
        "unless": len(rule.get("Unless") or ()),
        "actions": [
            _action(kind, fields) for action in rule["Actions"] for kind, fields in action.items()
        ],
    }


def _action(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    target = next((fields[name] for name in _TARGETS if fields.get(name)), "")
    if kind == "ReplaceRecipient":
        target = ", ".join(fields["ReplaceWith"])
    arn = target if target.startswith("arn:") else None
    return {
        "kind": kind,
        "target": shapes.short(target),
        "arn": f"arn:aws:s3:::{target}" if kind == "WriteToS3" else arn,
    }
