"""The records that Mail Manager publishes to the log deliveries of ingress points and rule sets.

https://docs.aws.amazon.com/ses/latest/dg/eb-logging.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mailroom_local.gateway.message import Client, Message
from mailroom_local.gateway.points import IngressPoint
from mailroom_local.gateway.rules import Match

APPLICATION = "APPLICATION_LOGS"
TRAFFIC_POLICY = "TRAFFIC_POLICY_DEBUG_LOGS"


def accepted(point: IngressPoint, message: Message, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The record of an accepted message."""
    return {
        "resource_arn": point.arn,
        "event_timestamp": _now(),
        "ingress_point_type": point.kind,
        "ingress_point_name": point.name,
        "message_id": message.message_id,
        "message_size_bytes": len(message.raw),
        "rule_set_id": point.rule_set.get("RuleSetId"),
        "sender_ip_address": message.client.address,
        "smtp_mail_from": message.mail_from,
        "smtp_helo": message.client.name,
        **_tls(message.client),
        "recipients": list(message.rcpt_tos),
        "ingress_point_metadata": dict(metadata),
    }


def evaluated(
    point: IngressPoint,
    *,
    client: Client,
    session: str,
    mail_from: str,
    recipient: str,
    evaluation: Sequence[Mapping[str, Any]],
    accepted: bool,
) -> dict[str, Any]:
    """The record of what the traffic policy decided about a recipient."""
    return {
        "resource_arn": point.arn,
        "event_timestamp": _now(),
        "ingress_point_type": point.kind,
        "ingress_point_id": point.id,
        "ingress_point_session_id": session,
        "traffic_policy_id": point.policy.get("TrafficPolicyId"),
        "traffic_policy_evaluation": list(evaluation),
        "traffic_policy_verdict": "ACCEPT" if accepted else "REJECT",
        "sender_ip_address": client.address,
        "smtp_mail_from": mail_from,
        "smtp_helo": client.name,
        **_tls(client),
        "recipient": recipient,
    }


def processed(
    point: IngressPoint,
    message: Message,
    match: Match,
    *,
    action: str | None = None,
    place: int = 0,
    status: str = "",
    failure: str = "",
) -> dict[str, Any]:
    """The record of an action on a message, or without one of a rule that did not match it."""
    record: dict[str, Any] = {
        "resource_arn": point.rule_set.get("RuleSetArn"),
        "event_timestamp": _now(),
        "message_id": message.message_id,
        "rule_set_name": point.rule_set.get("RuleSetName"),
        "rule_name": match.rule.get("Name", ""),
        "rule_index": match.index,
        "recipients_matched": list(match.recipients),
    }
    if action is not None:
        record["action_metadata"] = {
            "action_name": action_name(action),
            "action_index": place,
            "action_status": status,
            **({"action_failure": failure} if failure else {}),
        }
    return record


def action_name(action: str) -> str:
    """An action's name as logs have it: ``WRITE_TO_S3`` for ``WriteToS3``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", action).upper()


def _tls(client: Client) -> dict[str, Any]:
    if client.tls_protocol is None:
        return {}
    return {"tls_protocol": client.tls_protocol, "tls_cipher_suite": client.tls_cipher}


def _now() -> int:
    return int(time.time() * 1000)
