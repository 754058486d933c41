"""`mailroom trace`: the table it reads, and what it shows."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest

from mailroom_cli import event_table
from mailroom_cli.account import Account
from mailroom_cli.errors import CommandError
from mailroom_local import LocalAws

Run = Callable[..., tuple[int, str, str]]
TABLE = "events"


@pytest.fixture(scope="module")
def state(local_aws: LocalAws) -> Iterator[str]:
    """The state directory of a local AWS whose event table has one message's history."""
    dynamodb = local_aws.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "message_id", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in ("message_id", "at")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for kind, at, detail in (
        ("Send", "2026-11-20T12:00:00Z", {}),
        ("Bounce", "2026-11-20T12:00:01Z", {"bounceType": "Permanent", "bounceSubType": "General"}),
    ):
        item = {
            "message_id": {"S": "m-1"},
            "at": {"S": f"{at}#{kind}#0"},
            "type": {"S": kind},
            "detail": {"S": json.dumps(detail)},
            "tags": {"S": '{"campaign": ["spring"]}'},
            "expires_at": {"N": "1800000000"},
        }
        dynamodb.put_item(TableName=TABLE, Item=item)
    yield str(local_aws.state.root)
    dynamodb.delete_table(TableName=TABLE)


def test_the_history_of_a_message_is_shown(mailroom: Run, state: str) -> None:
    status, printed, complaint = mailroom("trace", "m-1", "--state", state, "--table", TABLE)
    assert (status, complaint) == (0, "")
    assert printed.splitlines()[-1] == "  +1.0 s  Bounce    Permanent/General"


def test_json_has_every_event_with_tags_and_detail(mailroom: Run, state: str) -> None:
    status, printed, _ = mailroom("trace", "m-1", "--json", "--state", state, "--table", TABLE)
    document = json.loads(printed)
    assert (status, document["message_id"]) == (0, "m-1")
    send, bounce = document["events"]
    assert (send["kind"], send["at"]) == ("Send", "2026-11-20T12:00:00+00:00")
    assert send["tags"] == {"campaign": ["spring"]}
    assert bounce["detail"]["bounceType"] == "Permanent"


def test_what_other_tools_wrote_does_not_stop_a_trace(
    mailroom: Run, state: str, local_aws: LocalAws
) -> None:
    odd = {"S": "not a time"}
    item = {"message_id": {"S": "m-odd"}, "at": odd, "size": {"N": "7"}, "parts": {"SS": ["a"]}}
    local_aws.client("dynamodb").put_item(TableName=TABLE, Item=item)
    for options in ([], ["--json"]):
        status, printed, complaint = mailroom(
            "trace", "m-odd", *options, "--state", state, "--table", TABLE
        )
        assert (status, complaint) == (0, "")
        assert "not an event: ['at', 'message_id', 'parts', 'size']" in printed


def test_a_number_that_boto3_does_not_read_is_left_as_it_is() -> None:
    """Each value alone, so that the other attributes are there."""
    item = {"message_id": {"S": "m-1"}, "at": {"S": "x"}, "n": {"N": "1" * 40}}
    client = MagicMock()
    client.get_paginator.return_value.paginate.return_value = [{"Items": [item]}]
    assert event_table.read(client, TABLE, "m-1") == [
        {"message_id": "m-1", "at": "x", "n": {"N": "1" * 40}}
    ]


def test_a_message_that_the_table_does_not_know_is_status_1(mailroom: Run, state: str) -> None:
    status, printed, complaint = mailroom("trace", "m-2", "--state", state, "--table", TABLE)
    assert (status, printed) == (1, "")
    assert complaint.startswith("mailroom: events has no event of the message m-2\n  check the id")


def test_a_table_that_does_not_exist_is_status_1(mailroom: Run, state: str) -> None:
    status, _, complaint = mailroom("trace", "m-1", "--state", state, "--table", "none")
    assert status == 1
    assert complaint.startswith("mailroom: cannot read the event table: ")
    assert "ResourceNotFoundException" in complaint


def test_the_table_is_found_by_its_tag_and_the_output_says_so(
    mailroom: Run, state: str, local_aws: LocalAws
) -> None:
    dynamodb = local_aws.client("dynamodb")
    arn = dynamodb.describe_table(TableName=TABLE)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": event_table.TAG, "Value": "true"}])
    status, printed, complaint = mailroom("trace", "m-1", "--json", "--state", state)
    assert status == 0
    assert json.loads(printed)["message_id"] == "m-1"
    assert complaint == f"reading {TABLE} (tag mailroom:event-table)\n"


def test_on_the_local_aws_the_beginning_of_an_id_is_enough(
    mailroom: Run, state: str, local_aws: LocalAws
) -> None:
    local_aws.verify_identity("sending.example")
    ids = [
        local_aws.client("ses").send_email(
            Source="a@sending.example",
            Destination={"ToAddresses": ["reader@example.net"]},
            Message={"Subject": {"Data": "S"}, "Body": {"Text": {"Data": "T"}}},
        )["MessageId"]
        for _ in range(2)
    ]
    shared = "".join(a for a, b in zip(*ids, strict=True) if a == b)[:4]
    status, _, complaint = mailroom("trace", ids[0][:-1], "--state", state, "--table", TABLE)
    assert (status, ids[0] in complaint) == (1, True)
    assert f"has no event of the message {ids[0]}" in complaint
    status, _, complaint = mailroom("trace", shared, "--state", state, "--table", TABLE)
    assert status == 1
    assert f" messages have an id that begins with {shared!r}" in complaint


class Stacks:
    """CloudFormation and DynamoDB of an account with these outputs, and no tagged table."""

    def __init__(self, *outputs: tuple[str, str, str]) -> None:
        self.stacks: list[dict[str, Any]] = [
            {"StackName": stack, "Outputs": [{"OutputKey": key, "OutputValue": value}]}
            for stack, key, value in outputs
        ] + [{"StackName": "Without"}]

    def account(self) -> Account:
        return Account(where="the account", client=lambda service: self)

    def get_paginator(self, operation: str) -> "Stacks":
        self.operation = operation
        return self

    def paginate(self) -> list[dict[str, Any]]:
        if self.operation == "list_tables":
            return [{"TableNames": []}]
        return [{"Stacks": [stack]} for stack in self.stacks]


def test_the_table_is_found_by_the_output_of_a_stack() -> None:
    stacks = Stacks(
        ("Mail", "OutboundEventTableName", "t-1"),
        ("Mail", "OutboundEventTableArn", "arn:aws:dynamodb:us-east-1:1:table/t-1"),
        ("Other", "MailBucket", "b-1"),
    )
    found = event_table.find(stacks.account())
    assert found == ("t-1", "output OutboundEventTableName of stack Mail")


def test_two_tables_are_listed_with_where_they_come_from() -> None:
    stacks = Stacks(("B", "EventTable", "t-2"), ("A", "OneEventTable", "t-1"))
    with pytest.raises(CommandError) as raised:
        event_table.find(stacks.account())
    assert raised.value.message == (
        "the account has 2 event tables: t-1 (output OneEventTable of stack A), "
        "t-2 (output EventTable of stack B)"
    )
    assert raised.value.remedy == "pass one of them with --table NAME"


def test_without_a_table_the_error_says_how_to_name_one() -> None:
    with pytest.raises(CommandError) as raised:
        event_table.find(Stacks().account())
    assert raised.value.message == (
        "the account has no event table: no stack has an output *EventTable*, and no table has "
        "the tag mailroom:event-table"
    )
    assert raised.value.remedy == "pass --table NAME"
