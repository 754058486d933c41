"""Logs of a gateway: each record comes to the destinations that were asked for."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.gateway.managing import DROP, Manager
from mailroom_local import LocalAws


@pytest.fixture
def manager(aws: LocalAws) -> Manager:
    """The Mail Manager of a new account."""
    return Manager(aws)


def deliver(manager: Manager, arn: str, target: str, **options: Any) -> None:
    """Send the application log of a resource to a target."""
    logs = manager.client("logs")
    logs.put_delivery_source(name="source", resourceArn=arn, logType="APPLICATION_LOGS")
    destination = logs.put_delivery_destination(
        name="destination",
        outputFormat="json",
        deliveryDestinationConfiguration={"destinationResourceArn": target},
    )["deliveryDestination"]["arn"]
    logs.create_delivery(deliverySourceName="source", deliveryDestinationArn=destination, **options)


def records(read: Callable[[], list[str]]) -> list[dict[str, Any]]:
    """What arrived, once something did."""
    deadline = time.monotonic() + 10
    while not (found := read()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return [json.loads(line) for line in found]


def send(manager: Manager, point: str) -> str:
    sent = manager.aws.send(
        b"Subject: x\r\n\r\nx\r\n",
        mail_from="jane@example.net",
        rcpt_tos=["support@example.com"],
        gateway=point,
    )
    manager.aws.wait(sent.message_id, seconds=15)
    return sent.message_id


def test_a_log_group_gets_what_each_action_did(manager: Manager) -> None:
    """In the format of the developer guide, with the time of the event."""
    logs = manager.client("logs")
    logs.create_log_group(logGroupName="gateway")
    group = f"arn:aws:logs:{manager.region}:{manager.account}:log-group:gateway:*"
    targets = {"RuleSetId": manager.rule_set(DROP), "TrafficPolicyId": manager.policy()}
    point = manager.point(TlsPolicy="OPTIONAL", **targets)
    deliver(manager, f"{manager.arn}:mailmanager-rule-set/{targets['RuleSetId']}", group)
    message_id = send(manager, point)

    def read() -> list[str]:
        events = logs.filter_log_events(logGroupName="gateway")["events"]
        return [event["message"] for event in events]

    found = records(read)
    assert [each["message_id"] for each in found] == [message_id]
    assert found[0]["action_metadata"]["action_name"] == "DROP"


def test_a_bucket_gets_the_fields_that_were_asked_for(manager: Manager) -> None:
    """Below the prefix that all logs of AWS have there."""
    s3 = manager.client("s3")
    bucket = f"logs-{manager.account}"
    s3.create_bucket(Bucket=bucket)
    point = manager.point(TlsPolicy="OPTIONAL")
    arn = f"{manager.arn}:mailmanager-ingress-point/{point}"
    fields = ["message_id", "recipients"]
    deliver(manager, arn, f"arn:aws:s3:::{bucket}", recordFields=fields)
    message_id = send(manager, point)

    def read() -> list[str]:
        found = s3.list_objects_v2(Bucket=bucket, Prefix="AWSLogs/").get("Contents", [])
        return [
            s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read().decode() for each in found
        ]

    assert records(read) == [{"message_id": message_id, "recipients": ["support@example.com"]}]


def test_mail_passes_when_its_log_cannot_be_written(manager: Manager) -> None:
    """The log group is gone."""
    group = f"arn:aws:logs:{manager.region}:{manager.account}:log-group:gone:*"
    point = manager.point(TlsPolicy="OPTIONAL")
    deliver(manager, f"{manager.arn}:mailmanager-ingress-point/{point}", group)
    assert send(manager, point)


@pytest.mark.parametrize("kind", ["APPLICATION_LOGS", "TRAFFIC_POLICY_DEBUG_LOGS", "OTHER_LOGS"])
def test_the_api_refuses_a_log_type_that_a_rule_set_does_not_have(
    manager: Manager, kind: str
) -> None:
    """It knows the actions of its rules only."""
    arn = f"{manager.arn}:mailmanager-rule-set/{manager.rule_set()}"
    logs = manager.client("logs")
    given = {"name": "source", "resourceArn": arn, "logType": kind}
    if kind == "APPLICATION_LOGS":
        assert logs.put_delivery_source(**given)["deliverySource"]["service"] == "ses"
    else:
        with pytest.raises(logs.exceptions.ValidationException, match="is not supported"):
            logs.put_delivery_source(**given)
