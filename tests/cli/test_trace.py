"""`mailroom trace`: the table it reads, and the timeline it shows."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from mailroom_local import clients, timeline
from mailroom_local.cli import main
from mailroom_local.commands import trace
from mailroom_local.errors import MailroomError

SAMPLES = Path(__file__).parents[1] / "payloads" / "sending_events"
BODIES = {"delivery_delay": "deliveryDelay", "rendering_failure": "failure"}


def item(sample: str, at: str, **changes: Any) -> dict[str, Any]:
    """An item of the event table, made of one of AWS's samples."""
    event = json.loads((SAMPLES / f"{sample}.json").read_text())
    body = event[BODIES.get(sample, sample)]
    stored = {
        "message_id": "m-1",
        "at": f"{at}#{event['eventType']}#0badcafe",
        "type": event["eventType"],
        "timestamp": at,
        "recipient": "reader@example.net",
        "source": "sender@example.com",
        "configuration_set": "newsletter",
        "detail": json.dumps(body),
        "tags": json.dumps({"campaign": ["spring"]}),
    }
    return {**stored, **changes}


STORY = [
    item("click", "2026-11-20T12:03:04.000Z"),
    item("delivery", "2026-11-20T12:00:01.500Z"),
    item("send", "2026-11-20T12:00:00.000Z", recipient=""),
    item("bounce", "2026-11-22T12:00:00.000Z"),
]


def test_a_timeline_begins_with_send_and_has_a_row_for_each_event() -> None:
    """In the order of time, each with its distance from Send."""
    entries = timeline.entries(STORY)
    assert [entry.kind for entry in entries] == ["Send", "Delivery", "Click", "Bounce"]
    heading, moment, *rows = timeline.table("m-1", entries, colour=False).splitlines()
    assert heading == "m-1  from sender@example.com  newsletter"
    assert moment.startswith("  Send at 2026-11-2")
    assert [row.split()[:2] for row in rows[2:]] == [["+0:03:04", "Click"], ["+2", "d"]]
    assert rows[1] == (
        "    +1.5 s  Delivery  reader@example.net  in 11893 ms 250 2.6.0 Message received"
    )


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("bounce", "Permanent/General smtp; 550 5.1.1 user unknown"),
        ("complaint", "abuse"),
        ("click", "samplekey0=samplevalue0, samplekey1=samplevalue1"),
        ("delivery", "in 11893 ms 250 2.6.0 Message received"),
        ("delivery_delay", "TransientCommunicationFailure smtp; 421 4.4.1"),
        ("open", "Mozilla/5.0 (iPhone"),
        ("reject", "Bad content"),
        ("rendering_failure", "MyTemplate: Attribute 'attributeName' is not present"),
        ("send", ""),
        ("subscription", "ContactListName everything: as below → OptOut"),
    ],
)
def test_each_type_is_summed_up_in_a_line(sample: str, expected: str) -> None:
    """From its detail alone, as the table keeps it, or from the whole event."""
    (entry,) = timeline.entries([item(sample, "2026-11-20T12:00:00Z")])
    assert expected in entry.summary
    assert "\n" not in entry.summary
    whole = (SAMPLES / f"{sample}.json").read_text()
    assert timeline.summary(json.loads(whole)) == entry.summary


@pytest.mark.parametrize(
    "changes",
    [
        {"detail": '{"bounceType": "Perm'},
        {"detail": None, "recipient": None, "tags": "{"},
        {"detail": "[1]", "type": "Something New"},
    ],
)
def test_an_item_that_was_cut_is_shown_nevertheless(changes: dict[str, Any]) -> None:
    """Details are bounded in the table, and types may be new."""
    entries = timeline.entries([item("bounce", "2026-11-20T12:00:00Z", **changes)])
    assert entries[0].kind in timeline.table("m-1", entries, colour=False)
    assert json.loads(timeline.as_json("m-1", entries))["events"][0]["kind"] == entries[0].kind


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "+0 ms"), (0.25, "+250 ms"), (1.5, "+1.5 s"), (75, "+0:01:15"), (90_000, "+1 d 1 h")],
)
def test_a_time_is_as_precise_as_one_cares_for(seconds: float, expected: str) -> None:
    """Milliseconds at first, hours at last."""
    assert timeline.since(timedelta(seconds=seconds)) == expected


@pytest.fixture
def table(account: Any) -> Iterator[str]:
    """An event table with a story in it."""
    dynamodb = account.aws.client("dynamodb")
    name = str(account.name("events"))
    dynamodb.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "message_id", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in ("message_id", "at")
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for stored in STORY:
        attributes = {key: {"S": value} for key, value in stored.items()}
        dynamodb.put_item(TableName=name, Item={**attributes, "expires_at": {"N": "1800000000"}})
    yield name
    dynamodb.delete_table(TableName=name)


def test_trace_prints_the_story(
    account: Any, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a timeline, or as JSON; a message that the table does not know is status 1."""
    state = ["--state", str(account.aws.state.root), "--table", table]
    assert main(["trace", "m-1", *state]) == 0
    assert "Permanent/General" in capsys.readouterr().out
    assert main(["trace", "m-1", "--json", *state]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["events"][0]["kind"] == "Send"
    assert document["events"][0]["tags"] == {"campaign": ["spring"]}
    assert main(["trace", "m-2", *state]) == 1
    assert "no event of m-2" in capsys.readouterr().err


def test_the_table_is_found_and_named(
    account: Any, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its tag, or by a stack's output, which comes first; two candidates are an error."""
    dynamodb = account.aws.client("dynamodb")
    with pytest.raises(MailroomError, match="no event table"):
        trace.find_table(account.aws.client, "here")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": trace.TAG, "Value": "true"}])
    assert main(["trace", "m-1", "--state", str(account.aws.state.root)]) == 0
    assert f"reading {table} (tag mailroom:event-table)" in capsys.readouterr().err
    stack = account.name("stack")
    for outputs in (["OutboundEventTableName"], ["OneEventTable", "TwoEventTable"]):
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {key: {"Value": f"{table}-{key}"} for key in outputs},
        }
        operation = account.cloudformation.create_stack
        if len(outputs) > 1:
            operation = account.cloudformation.update_stack
        operation(StackName=stack, TemplateBody=json.dumps(template))
        account.settled(stack)
        if len(outputs) == 1:
            found, reason = trace.find_table(account.aws.client, "here")
            assert found == f"{table}-OutboundEventTableName"
            assert reason == f"output OutboundEventTableName of stack {stack}"
        else:
            with pytest.raises(MailroomError, match="2 event tables"):
                trace.find_table(account.aws.client, "here")
    account.delete(stack)


def test_a_real_account_is_only_read_when_asked_for(
    account: Any, table: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With --aws it is boto3's usual session, in the region that was named."""
    regions = []
    local = clients.session()

    class Session:
        def __init__(self, region_name: str | None = None) -> None:
            regions.append(region_name)

        def client(self, service: str) -> Any:
            return clients.client(local, service, account.aws.server.endpoint)

    monkeypatch.setattr(boto3, "Session", Session)
    arguments = ["trace", "m-1", "--table", table, "--state", str(tmp_path / "none")]
    assert main(arguments) == 1
    assert regions == []
    assert main([*arguments, "--aws", "--region", "eu-west-1"]) == 0
    assert regions == ["eu-west-1"]
    assert main([*arguments, "--region", "eu-west-1"]) == 1
