"""The event table of `EventPublishing`, and what a customer key encrypts."""

from __future__ import annotations

import json

import pytest
from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from synthesis import FOLDER, synthesized

from cdk_mailroom import EventPublishing, EventType, PythonHandler

RECORD = "mailroom.handlers.events.record:on_event"


def yours(**options) -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


def test_events_can_be_kept_forever():
    """The runtime always sets a time to live, so it is set to a hundred years."""
    template = synthesized(
        lambda stack: EventPublishing(stack, "Out", retention="forever").on(EventType.BOUNCE)
    )
    assert template.environment("Out/Bounce/Function")["MAILROOM_EVENT_TTL_DAYS"] == "36500"


def test_one_table_for_all_types(plain):
    """A message's history is in one place."""
    assert list(plain.of("AWS::DynamoDB::Table")) == ["Out/EventTable"]
    for name in ("Bounce", "Click", "Complaint", "Reject", "Send"):
        environment = plain.environment(f"Out/{name}/Function")
        assert environment["MAILROOM_EVENT_TABLE"] == "<Out/EventTable>"


@pytest.mark.parametrize("way", ["on", "on_bus"])
def test_a_custom_function_alone_has_a_table_too(way):
    """Its events are in a message's history as all others are."""

    def build(stack):
        out = EventPublishing(stack, "Out", retention=Duration.days(7))
        getattr(out, way)(EventType.BOUNCE, yours())

    template = synthesized(build)
    assert list(template.of("AWS::DynamoDB::Table")) == ["Out/EventTable"]
    [function] = template.of("AWS::Lambda::Function")
    environment = template.environment(function)
    assert json.loads(environment.pop("MAILROOM_HANDLERS")) == {"Bounce": [RECORD, "app:on_mail"]}
    assert environment == {
        "MAILROOM_EVENT_TABLE": "<Out/EventTable>",
        "MAILROOM_EVENT_TTL_DAYS": "7",
    }


def test_the_table_is_created_when_it_is_asked_for():
    template = synthesized(lambda stack: EventPublishing(stack, "Out").event_table)
    assert list(template.of("AWS::DynamoDB::Table")) == ["Out/EventTable"]


def test_the_tables_keys_are_those_that_the_runtime_writes(plain):
    """Items of a real event carry the table's and the index's keys, and the time to forget."""
    from mailroom.handlers.events import _settings, _table
    from mailroom.testing import sending_event

    table = plain.at("Out/EventTable")
    [index] = table["GlobalSecondaryIndexes"]
    assert table["KeySchema"] == [
        {"AttributeName": "message_id", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]
    assert index["IndexName"] == "recipient"
    assert index["KeySchema"] == [
        {"AttributeName": "recipient", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILROOM_EVENT_TABLE", "Table")
        settings = _settings.Settings()
    [item] = _table.items(sending_event("Bounce"), settings)
    for attribute in table["AttributeDefinitions"]:
        assert list(item[attribute["AttributeName"]]) == [attribute["AttributeType"]]
    assert list(item["expires_at"]) == ["N"]
    assert index["Projection"] == {
        "ProjectionType": "INCLUDE",
        "NonKeyAttributes": ["type", "configuration_set"],
    }
    assert set(index["Projection"]["NonKeyAttributes"]) <= set(item)


def test_the_table_is_paid_by_use_encrypted_and_recoverable(plain):
    """And it stays when the stack goes."""
    table = plain.at("Out/EventTable")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert plain.resources["Out/EventTable"]["DeletionPolicy"] == "Retain"
    assert plain.resources["Out/EventTable"]["UpdateReplacePolicy"] == "Retain"


def test_mailroom_trace_finds_the_table_by_its_tag(plain):
    """The tag is the table's alone."""
    assert plain.at("Out/EventTable")["Tags"] == [{"Key": "mailroom:event-table", "Value": "true"}]
    tagged = [
        path
        for path, resource in plain.resources.items()
        if "mailroom:event-table" in str(resource.get("Properties", {}).get("Tags"))
    ]
    assert tagged == ["Out/EventTable"]


def test_a_customer_key_encrypts_topics_table_and_queues():
    """Everything that holds addresses is encrypted with it."""

    def build(stack):
        EventPublishing(stack, "Out", encryption_key=kms.Key(stack, "Key")).on(EventType.BOUNCE)

    template = synthesized(build)
    for topic in template.of("AWS::SNS::Topic").values():
        assert topic["KmsMasterKeyId"] == "<Key.Arn>"
    for queue in template.of("AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == "<Key.Arn>"
    assert template.at("Out/EventTable")["SSESpecification"] == {
        "KMSMasterKeyId": "<Key.Arn>",
        "SSEEnabled": True,
        "SSEType": "KMS",
    }
