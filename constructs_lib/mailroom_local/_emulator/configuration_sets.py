"""Configuration sets and their event destinations, in one store for both APIs and CloudFormation.

ministack stores the sets of API v1 apart from those of v2, and v1 has no event destinations. Here
the store of v2 holds everything, and that of v1 only the names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from mailroom.ses import CONFIGURATION_SET_NAME, DESTINATIONS_PER_CONFIGURATION_SET, VALIDATION_TEXT
from mailroom_local._emulator import internals
from mailroom_local._emulator.checks import check_event_destination
from mailroom_local._emulator.cloudformation import CloudFormationErrors
from mailroom_local._emulator.query import (
    Parameters,
    Response,
    answer,
    iso_now,
    members,
    numbered,
    one,
    required,
    result,
    v2_error,
)
from mailroom_local._ses_error import SesError

_original_put: Callable[..., Response | None] = internals.ses_v2.put_event_destination

_NAME_CHARACTERS = 64

# The error codes of v2 as API v1 spells them.
_V1_CODES = {
    "AlreadyExistsException": "EventDestinationAlreadyExists",
    "NotFoundException": "EventDestinationDoesNotExist",
    "BadRequestException": "InvalidParameterValue",
}


def record(name: str) -> dict[str, Any]:
    """The stored configuration set of that name."""
    found: dict[str, Any] | None = internals.ses_v2.config_sets.get(name)
    if found is None:
        raise SesError(
            "ConfigurationSetDoesNotExist", f"Configuration set <{name}> does not exist."
        )
    return found


def publishes(stored: Mapping[str, Any], event_type: str) -> bool:
    """Whether an enabled destination of the set matches this event type."""
    return any(
        destination["Enabled"] and event_type in destination["MatchingEventTypes"]
        for destination in (stored.get("EventDestinations") or {}).values()
    )


def tracks(stored: Mapping[str, Any], overrides: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether opens and clicks of a message are tracked, with what its call says of that.

    A call can turn tracking on only for a message that has events anyway.
    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_TrackingConfigurationOverrides.html
    """
    asked = (("OPEN", "OpenTrackingEnabled"), ("CLICK", "ClickTrackingEnabled"))
    has_events = any(
        destination["Enabled"] for destination in (stored.get("EventDestinations") or {}).values()
    )
    opens, clicks = (
        has_events and overrides[member] == "ENABLED"
        if overrides.get(member)
        else publishes(stored, event_type)
        for event_type, member in asked
    )
    return opens, clicks


def validates(stored: Mapping[str, Any]) -> bool:
    """Whether the set holds back mail to addresses that do not seem to work."""
    options = (stored.get("SuppressionOptions") or {}).get("ValidationOptions") or {}
    threshold = options.get("ConditionThreshold") or {}
    return bool(threshold.get("ConditionThresholdEnabled") == "ENABLED")


def know_the_suppression_scope() -> None:
    """Have ministack keep the scope of a set's suppression options, which it drops."""
    members = internals.ses_v2.CONFIG_SET_OPTION_MEMBERS
    if "SuppressionScope" not in members["SuppressionOptions"]:
        members["SuppressionOptions"] += ("SuppressionScope",)


def put_event_destination(
    name: str, destination: str, definition: Any, *, create: bool
) -> Response | None:
    """Create or update a destination for API v2; an error response or none."""
    try:
        _put(name, destination, definition if isinstance(definition, dict) else {}, create=create)
    except SesError as error:
        return v2_error(error)
    except _Refused as refused:
        return refused.response
    return None


def put_from_template(
    name: str, destination: str, properties: Mapping[str, Any], *, create: bool
) -> None:
    """Create or update a destination for CloudFormation; ministack ignores unknown sets."""
    declared = properties.get("EventDestination") or {}
    definition = internals.provisioners.ses_event_destination_definition(declared)
    with CloudFormationErrors():
        try:
            _put(name, destination, definition, create=create)
        except _Refused as refused:
            body = json.loads(refused.response[2])
            raise SesError("BadRequestException", str(body.get("message", ""))) from None


def complete(described: dict[str, Any]) -> None:
    """Add what ministack omits from the description of a set."""
    described["DeliveryOptions"] = {"TlsPolicy": "OPTIONAL", **described.get("DeliveryOptions", {})}


def synchronise() -> None:
    """Copy the names of all sets to the store of API v1."""
    names, known = internals.ses.configuration_sets, internals.ses_v2.config_sets
    for name in [name for name in names if name not in known]:
        del names[name]
    for name in known:
        names.setdefault(name, {"Name": name, "CreatedTimestamp": iso_now()})


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _put(name: str, destination: str, definition: dict[str, Any], *, create: bool) -> None:
    stored = record(name)
    _check_definition(destination, definition)
    existing: dict[str, Any] = stored.get("EventDestinations") or {}
    most = DESTINATIONS_PER_CONFIGURATION_SET
    if create and destination not in existing and len(existing) >= most:
        raise SesError(
            "LimitExceeded",
            f"A configuration set can have {most} event destinations at most.",
        )
    check_event_destination(name, definition)
    before = (existing.get(destination) or {}).get("SnsDestination")
    if refusal := _original_put(name, destination, definition, create=create):
        raise _Refused(refusal)
    target = definition.get("SnsDestination")
    if target and target != before:
        internals.sns.publish_internal(target["TopicArn"], VALIDATION_TEXT)


def _check_definition(destination: str, definition: Mapping[str, Any]) -> None:
    if len(destination) > _NAME_CHARACTERS:
        raise SesError(
            "InvalidParameterValue",
            f"Event destination name cannot exceed {_NAME_CHARACTERS} characters.",
        )
    if not re.fullmatch(CONFIGURATION_SET_NAME, destination):
        raise SesError(
            "InvalidParameterValue",
            f"Invalid event destination name <{destination}>: only alphanumeric ASCII characters, "
            "'_', and '-' are allowed.",
        )
    if not definition.get("MatchingEventTypes"):
        raise SesError("InvalidParameterValue", "At least one event type must be specified.")


def _create(parameters: Parameters) -> Response:
    name = required(parameters, "ConfigurationSet.Name", "configurationSet.name")
    if not re.fullmatch(CONFIGURATION_SET_NAME, name):
        raise SesError("InvalidConfigurationSet", f"Invalid configuration set name <{name}>.")
    if name in internals.ses_v2.config_sets:
        raise SesError(
            "ConfigurationSetAlreadyExists", f"Configuration set <{name}> already exists."
        )
    internals.ses_v2.create_config_set(name, {})
    synchronise()
    return result("CreateConfigurationSet")


def _delete(parameters: Parameters) -> Response:
    name = required(parameters, "ConfigurationSetName", "configurationSetName")
    record(name)
    del internals.ses_v2.config_sets[name]
    synchronise()
    return result("DeleteConfigurationSet")


def _describe(parameters: Parameters) -> Response:
    name = required(parameters, "ConfigurationSetName", "configurationSetName")
    stored = record(name)
    answered: dict[str, Any] = {"ConfigurationSet": {"Name": name}}
    asked = members(parameters, "ConfigurationSetAttributeNames")
    if "deliveryOptions" in asked:
        policy = (stored.get("DeliveryOptions") or {}).get("TlsPolicy", "OPTIONAL")
        answered["DeliveryOptions"] = {"TlsPolicy": policy.capitalize()}
    if "reputationOptions" in asked:
        answered["ReputationOptions"] = _reputation(stored)
    if "eventDestinations" in asked:
        answered["EventDestinations"] = [
            _described(destination, definition)
            for destination, definition in (stored.get("EventDestinations") or {}).items()
        ]
    return result("DescribeConfigurationSet", answered)


def _reputation(stored: Mapping[str, Any]) -> dict[str, bool]:
    sending, reputation = stored.get("SendingOptions") or {}, stored.get("ReputationOptions") or {}
    return {
        "SendingEnabled": bool(sending.get("SendingEnabled", True)),
        "ReputationMetricsEnabled": bool(reputation.get("ReputationMetricsEnabled", False)),
    }


def _described(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Name": name,
        "Enabled": definition["Enabled"],
        "MatchingEventTypes": [_v1_name(kind) for kind in definition["MatchingEventTypes"]],
    }
    if topic := definition.get("SnsDestination"):
        found["SNSDestination"] = {"TopicARN": topic["TopicArn"]}
    if stream := definition.get("KinesisFirehoseDestination"):
        found["KinesisFirehoseDestination"] = {
            "IAMRoleARN": stream["IamRoleArn"],
            "DeliveryStreamARN": stream["DeliveryStreamArn"],
        }
    if metric := definition.get("CloudWatchDestination"):
        found["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {**each, "DimensionValueSource": _v1_name(each["DimensionValueSource"])}
                for each in metric["DimensionConfigurations"]
            ]
        }
    return found


def _create_destination(parameters: Parameters) -> Response:
    _put_v1(parameters, create=True)
    return result("CreateConfigurationSetEventDestination")


def _update_destination(parameters: Parameters) -> Response:
    _put_v1(parameters, create=False)
    return result("UpdateConfigurationSetEventDestination")


def _put_v1(parameters: Parameters, *, create: bool) -> None:
    name = required(parameters, "ConfigurationSetName", "configurationSetName")
    destination = required(parameters, "EventDestination.Name", "eventDestination.name")
    # ministack reads CloudFormation's spelling, which is that of API v1.
    definition = internals.provisioners.ses_event_destination_definition(_declared(parameters))
    try:
        _put(name, destination, definition, create=create)
    except _Refused as refused:
        body = json.loads(refused.response[2])
        code = _V1_CODES.get(str(body.get("__type", "")).rpartition("#")[2])
        kind = refused.response[1].get("x-amzn-errortype", "").partition(":")[0]
        raise SesError(
            code or _V1_CODES.get(kind, "InvalidParameterValue"), str(body.get("message", ""))
        ) from None


def _declared(parameters: Parameters) -> dict[str, Any]:
    prefix = "EventDestination"
    declared: dict[str, Any] = {
        "Enabled": one(parameters, f"{prefix}.Enabled") or "false",
        "MatchingEventTypes": members(parameters, f"{prefix}.MatchingEventTypes"),
    }
    if topic := one(parameters, f"{prefix}.SNSDestination.TopicARN"):
        declared["SnsDestination"] = {"TopicARN": topic}
    stream = f"{prefix}.KinesisFirehoseDestination"
    if arn := one(parameters, f"{stream}.DeliveryStreamARN"):
        declared["KinesisFirehoseDestination"] = {
            "DeliveryStreamARN": arn,
            "IAMRoleARN": one(parameters, f"{stream}.IAMRoleARN"),
        }
    configurations = numbered(parameters, f"{prefix}.CloudWatchDestination.DimensionConfigurations")
    if configurations:
        fields = ("DimensionName", "DimensionValueSource", "DefaultDimensionValue")
        declared["CloudWatchDestination"] = {
            "DimensionConfigurations": [
                {field: one(parameters, f"{each}.{field}") or "" for field in fields}
                for each in configurations
            ]
        }
    return declared


def _delete_destination(parameters: Parameters) -> Response:
    stored = record(required(parameters, "ConfigurationSetName", "configurationSetName"))
    name = required(parameters, "EventDestinationName", "eventDestinationName")
    if (stored.get("EventDestinations") or {}).pop(name, None) is None:
        raise SesError("EventDestinationDoesNotExist", f"No EventDestination found for {name}")
    return result("DeleteConfigurationSetEventDestination")


def _update_sending(parameters: Parameters) -> Response:
    stored = record(required(parameters, "ConfigurationSetName", "configurationSetName"))
    enabled = (one(parameters, "Enabled") or "").lower() == "true"
    internals.ses_v2.put_config_set_option(stored, "SendingOptions", {"SendingEnabled": enabled})
    return result("UpdateConfigurationSetSendingEnabled")


OPERATIONS: Mapping[str, Callable[[Parameters], Response]] = {
    "CreateConfigurationSet": _create,
    "CreateConfigurationSetEventDestination": _create_destination,
    "DeleteConfigurationSet": _delete,
    "DeleteConfigurationSetEventDestination": _delete_destination,
    "DescribeConfigurationSet": _describe,
    "UpdateConfigurationSetEventDestination": _update_destination,
    "UpdateConfigurationSetSendingEnabled": _update_sending,
}


def _set_default(data: Mapping[str, Any], identity: str) -> Response:
    stored = internals.ses_v2.identities.get(identity)
    if stored is None:
        raise SesError("NotFound", f"Email identity <{identity}> does not exist.")
    name = str(data.get("ConfigurationSetName") or "")
    if name:
        record(name)
    stored["ConfigurationSetName"] = name
    return answer()


def _delete_v2(data: Mapping[str, Any], name: str) -> Response:
    record(name)
    del internals.ses_v2.config_sets[name]
    synchronise()
    return answer()


ROUTES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("DELETE", r"/configuration-sets/([^/]+)"): _delete_v2,
    ("PUT", r"/identities/([^/]+)/configuration-set"): _set_default,
}


def _v1_name(name: str) -> str:
    first, *others = name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)
