"""What services describe, in the words of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom.ses import EventType

# Where each kind of action says what it leads to; the topic is last, as most may have one, too.
_ACTION_TARGETS = (
    "BucketName",
    "FunctionArn",
    "OrganizationArn",
    "InstanceARN",
    "Sender",
    "HeaderName",
    "Scope",
    "TopicArn",
)
_DESTINATIONS = {
    "SnsDestination": ("SNS", "TopicArn"),
    "KinesisFirehoseDestination": ("Firehose", "DeliveryStreamArn"),
    "EventBridgeDestination": ("EventBridge", "EventBusArn"),
    "CloudWatchDestination": ("CloudWatch", ""),
    "PinpointDestination": ("Pinpoint", "ApplicationArn"),
}


def rule(found: Mapping[str, Any]) -> dict[str, Any]:
    """A receipt rule."""
    return {
        "name": found["Name"],
        "enabled": bool(found.get("Enabled")),
        "recipients": found.get("Recipients", []),
        "tls": found.get("TlsPolicy", "Optional"),
        "scan": bool(found.get("ScanEnabled")),
        "actions": [
            _action(kind, fields)
            for action in found.get("Actions", [])
            for kind, fields in action.items()
        ],
    }


def action_name(kind: str) -> str:
    """`S3`, `Lambda` and so on."""
    return kind.removesuffix("Action").replace("Workmail", "WorkMail")


def destination(found: Mapping[str, Any]) -> dict[str, Any]:
    """An event destination of a configuration set."""
    key = next((key for key in _DESTINATIONS if key in found), "")
    kind, field = _DESTINATIONS.get(key, ("?", ""))
    target = arn = found[key].get(field) if field else None
    if key == "CloudWatchDestination":
        dimensions = found[key].get("DimensionConfigurations", [])
        target = ", ".join(one["DimensionName"] for one in dimensions)
    return {
        "name": found["Name"],
        "enabled": bool(found.get("Enabled")),
        "type": kind,
        "events": [EventType[name].value for name in found["MatchingEventTypes"]],
        "target": short(target or ""),
        "arn": arn,
    }


def handler(function: Mapping[str, Any]) -> str:
    """The user's function, if it is behind an entry point of the runtime."""
    variables = (function.get("Environment") or {}).get("Variables") or {}
    return str(variables.get("MAILROOM_HANDLER") or function.get("Handler") or "")


def short(arn: str) -> str:
    """The name in an ARN; anything else whole."""
    if not arn.startswith("arn:"):
        return arn
    # A function's ARN may name a version behind the name.
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else parts[-1].rpartition("/")[2]


def _action(kind: str, fields: Mapping[str, str]) -> dict[str, Any]:
    target = next((fields[name] for name in _ACTION_TARGETS if fields.get(name)), "")
    arn = target if target.startswith("arn:") else None
    return {
        "kind": action_name(kind),
        "target": short(target),
        "arn": f"arn:aws:s3:::{target}" if kind == "S3Action" else arn,
        "topic": fields.get("TopicArn"),
    }
