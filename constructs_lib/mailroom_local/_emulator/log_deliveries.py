"""Deliveries of the logs that services vend: their CloudFormation types, and what is delivered.

ministack keeps sources, destinations and deliveries by their API, and delivers nothing.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
"""

from __future__ import annotations

import base64
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Response

_log = logging.getLogger("mailroom")

# What each resource of Mail Manager vends. https://docs.aws.amazon.com/ses/latest/dg/eb-logging.html
_LOG_TYPES: Mapping[str, tuple[str, ...]] = {
    "mailmanager-ingress-point": ("APPLICATION_LOGS", "TRAFFIC_POLICY_DEBUG_LOGS"),
    "mailmanager-rule-set": ("APPLICATION_LOGS",),
}

_original_put_source: Callable[[Mapping[str, Any]], Response] = internals.logs.put_delivery_source


def publish(
    resource_arn: str, log_type: str, record: Mapping[str, Any], *, account: str, region: str
) -> None:
    """Deliver a record to every destination of this log of a resource.

    What a destination does not take is only logged: mail does not fail because of its log.
    """
    with internals.responses.request_scope(account, region):
        for delivery in list(internals.logs.deliveries.values()):
            source = internals.logs.delivery_sources.get(delivery["deliverySourceName"])
            if source is None or source["logType"] != log_type:
                continue
            if resource_arn not in source["resourceArns"]:
                continue
            try:
                _deliver(delivery, source, record)
            except Exception:
                _log.exception("a record of %s was not delivered", resource_arn)


def put_source(data: Mapping[str, Any]) -> Response:
    """PutDeliverySource, which refuses a log that a resource of Mail Manager does not have."""
    arn, log_type = str(data.get("resourceArn") or ""), data.get("logType")
    kind = arn.rpartition(":")[2].partition("/")[0]
    if arn.split(":")[2:3] == ["ses"] and log_type not in _LOG_TYPES.get(kind, ()):
        text = f"The log type {log_type} is not supported for {arn}."
        body = json.dumps({"__type": "ValidationException", "message": text}).encode()
        return 400, {"Content-Type": "application/x-amz-json-1.1"}, body
    known = internals.logs.delivery_sources.get(data.get("name"))
    if known is not None and known["resourceArns"] != [arn]:
        text = f"The delivery source {data['name']} is of another resource: make a new one."
        body = json.dumps({"__type": "ConflictException", "message": text}).encode()
        return 400, {"Content-Type": "application/x-amz-json-1.1"}, body
    return _original_put_source(data)


def _deliver(
    delivery: Mapping[str, Any], source: Mapping[str, Any], record: Mapping[str, Any]
) -> None:
    arn = delivery["deliveryDestinationArn"]
    for destination in internals.logs.delivery_destinations.values():
        if destination["arn"] == arn:
            break
    else:
        return
    fields = delivery.get("recordFields") or ()
    kept = {key: value for key, value in record.items() if not fields or key in fields}
    line = json.dumps(kept, ensure_ascii=False)
    target = destination["deliveryDestinationConfiguration"]["destinationResourceArn"]
    kind = destination["deliveryDestinationType"]
    if kind == "CWL":
        _put_event(target, source, record, line)
    elif kind == "S3":
        _put_object(target, delivery, source, line)
    else:
        data = base64.b64encode(f"{line}\n".encode()).decode()
        name = target.rpartition("/")[2]
        _accepted(
            internals.firehose.put_record({"DeliveryStreamName": name, "Record": {"Data": data}})
        )


def _put_event(
    target: str, source: Mapping[str, Any], record: Mapping[str, Any], line: str
) -> None:
    group = target.partition(":log-group:")[2].removesuffix(":*")
    stream = f"{source['service']}_{source['name']}_{source['logType']}"
    named = {"logGroupName": group, "logStreamName": stream}
    # It may exist already.
    internals.logs.create_log_stream(named)
    at = int(record.get("event_timestamp") or time.time() * 1000)
    _accepted(
        internals.logs.put_log_events({**named, "logEvents": [{"timestamp": at, "message": line}]})
    )


def _put_object(
    target: str, delivery: Mapping[str, Any], source: Mapping[str, Any], line: str
) -> None:
    bucket, _, prefix = target.partition(":::")[2].partition("/")
    account, region = internals.responses.get_account_id(), internals.responses.get_region()
    day = time.strftime("%Y/%m/%d", time.gmtime())
    suffix = (delivery.get("s3DeliveryConfiguration") or {}).get("suffixPath") or day
    parts = (prefix, "AWSLogs", account, source["service"], region, suffix, f"{uuid.uuid4()}.json")
    key = "/".join(part.strip("/") for part in parts if part)
    _accepted(internals.s3.put_object(bucket, key, f"{line}\n".encode(), {}))


def _accepted(response: Any) -> None:
    if response[0] >= 400:
        raise RuntimeError(response[2].decode(errors="replace"))


def _provision_source(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    given = {
        "name": properties["Name"],
        "resourceArn": properties.get("ResourceArn"),
        "logType": properties.get("LogType"),
        "tags": _tags(properties),
    }
    made = _made(internals.logs.put_delivery_source(given), "deliverySource")
    attributes = {
        "Arn": made["arn"],
        "ResourceArns": made["resourceArns"],
        "Service": made["service"],
    }
    return made["name"], attributes


def _provision_destination(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    given: dict[str, Any] = {
        "name": properties["Name"],
        "deliveryDestinationConfiguration": {
            "destinationResourceArn": properties.get("DestinationResourceArn")
        },
        "tags": _tags(properties),
    }
    if output := properties.get("OutputFormat"):
        given["outputFormat"] = output
    made = _made(internals.logs.put_delivery_destination(given), "deliveryDestination")
    attributes = {"Arn": made["arn"], "DeliveryDestinationType": made["deliveryDestinationType"]}
    return made["name"], attributes


def _provision_delivery(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    given = {
        "deliverySourceName": properties.get("DeliverySourceName"),
        "deliveryDestinationArn": properties.get("DeliveryDestinationArn"),
        "recordFields": properties.get("RecordFields") or [],
        "fieldDelimiter": properties.get("FieldDelimiter") or "",
        "s3DeliveryConfiguration": {"suffixPath": properties.get("S3SuffixPath") or ""},
        "tags": _tags(properties),
    }
    made = _made(internals.logs.create_delivery(given), "delivery")
    attributes = {
        "Arn": made["arn"],
        "DeliveryId": made["id"],
        "DeliveryDestinationType": made["deliveryDestinationType"],
    }
    return made["id"], attributes


def _update_delivery(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    kept = internals.logs.deliveries[physical_id]
    kept["recordFields"] = new.get("RecordFields") or []
    kept["fieldDelimiter"] = new.get("FieldDelimiter") or ""
    kept["s3DeliveryConfiguration"] = {"suffixPath": new.get("S3SuffixPath") or ""}
    attributes = {
        "Arn": kept["arn"],
        "DeliveryId": physical_id,
        "DeliveryDestinationType": kept["deliveryDestinationType"],
    }
    return physical_id, attributes


def _put_again(
    provision: Callable[..., tuple[str, dict[str, Any]]],
) -> Callable[..., tuple[str, dict[str, Any]]]:
    def update(
        physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        return provision("", new, stack_name)

    return update


def _removal(stored: str) -> Callable[[str, Mapping[str, Any]], None]:
    def remove(physical_id: str, properties: Mapping[str, Any]) -> None:
        getattr(internals.logs, stored).pop(physical_id, None)

    return remove


def _made(response: Any, key: str) -> dict[str, Any]:
    answer = json.loads(response[2])
    if response[0] >= 400:
        raise ValueError(str(answer.get("message") or answer))
    made: dict[str, Any] = answer[key]
    return made


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or ()}


_SOURCE, _DESTINATION, _DELIVERY = (
    f"AWS::Logs::Delivery{name}" for name in ("Source", "Destination", "")
)
TAGS: Mapping[str, tuple[str, str]] = dict.fromkeys(
    (_SOURCE, _DESTINATION, _DELIVERY), ("Tags", "list")
)
REPLACING: Mapping[str, tuple[str, ...]] = {
    _SOURCE: ("Name",),
    _DESTINATION: ("Name", "OutputFormat", "DestinationResourceArn"),
    _DELIVERY: ("DeliverySourceName", "DeliveryDestinationArn"),
}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    _SOURCE: {
        "create": _provision_source,
        "update": _put_again(_provision_source),
        "delete": _removal("delivery_sources"),
    },
    _DESTINATION: {
        "create": _provision_destination,
        "update": _put_again(_provision_destination),
        "delete": _removal("delivery_destinations"),
    },
    _DELIVERY: {
        "create": _provision_delivery,
        "update": _update_delivery,
        "delete": _removal("deliveries"),
    },
}
