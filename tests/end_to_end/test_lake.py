"""The event lake, deployed by the CDK CLI: from SES's events to the answers of saved queries."""

import base64
import contextlib
import json
import re
import urllib.error
import urllib.request
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from cdk_mailroom.lake import named_queries
from mailroom.lake import PARTITIONS, SCHEMA
from mailroom.testing import sending_event_payload
from mailroom_cli.main import main

SENDER = "news@news.example"
READER = "jane@customer.example"
# The harmless text by which virus scanners are tested.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

STORIES = {
    READER: {"send", "delivery", "open", "click", "subscription"},
    "bounce@simulator.amazonses.com": {"send", "bounce"},
    "complaint@simulator.amazonses.com": {"send", "delivery", "complaint"},
    "delay@simulator.mailroom.local": {"send", "delivery_delay", "delivery"},
    "nameless@customer.example": {"rendering_failure"},
    "colleague@customer.example": {"reject"},
}


class Lake:
    """The app, after all ten types of events have happened, and something that is none."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.aws = app.aws
        self.ids: dict[str, str] = {}
        with self.aws.permissions_enforced():
            for address in STORIES:
                self.ids[address] = (
                    self._send_virus(address) if "colleague" in address else self._send(address)
                )
            self._read_and_leave(self.ids[READER])
            self.put(b"poison")
            self.story = app.story(self.ids[READER], count=2, table="ArchiveTable")
            count = sum(map(len, STORIES.values()))
            self.count = self.aws.wait_until(self._rows, lambda rows: rows >= count, seconds=30)

    def ask(self, query: str, *parameters: str) -> list[dict[str, str | None]]:
        """The rows of the answer."""
        athena = self.aws.client("athena")
        started = athena.start_query_execution(
            QueryString=query,
            WorkGroup=self.app["Workgroup"],
            QueryExecutionContext={"Database": self.app["Database"]},
            **({"ExecutionParameters": list(parameters)} if parameters else {}),
        )["QueryExecutionId"]

        def state() -> dict[str, Any]:
            found = athena.get_query_execution(QueryExecutionId=started)
            return dict(found["QueryExecution"]["Status"])

        ended = self.aws.wait_until(
            state, lambda status: status["State"] in ("SUCCEEDED", "FAILED"), seconds=20
        )
        assert ended["State"] == "SUCCEEDED", ended
        answer = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
        rows = [[each.get("VarCharValue") for each in row["Data"]] for row in answer]
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]

    def put(self, *records: bytes) -> None:
        self.aws.client("firehose").put_record_batch(
            DeliveryStreamName=self.app["Stream"], Records=[{"Data": data} for data in records]
        )

    def errors(self) -> list[dict[str, Any]]:
        """The objects below the error prefix."""
        s3, bucket = self.aws.client("s3"), self.app["Bucket"]
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="errors/").get("Contents", [])
        return [
            {**json.loads(line), "key": each["Key"]}
            for each in listed
            for line in s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].iter_lines()
        ]

    def _rows(self) -> int:
        return int(self.ask("SELECT count(*) AS many FROM events")[0]["many"] or 0)

    def _send(self, address: str) -> str:
        data = {} if "nameless" in address else {"name": "Jane"}
        answer = self.aws.client("sesv2").send_email(
            FromEmailAddress=SENDER,
            Destination={"ToAddresses": [address]},
            Content={
                "Template": {
                    "TemplateName": self.app["NewsTemplate"],
                    "TemplateData": json.dumps(data),
                }
            },
            ConfigurationSetName=self.app["ArchiveSet"],
            EmailTags=[{"Name": "issue", "Value": "47"}],
            ListManagementOptions={"ContactListName": "Readers", "TopicName": "News"},
        )
        return str(answer["MessageId"])

    def _send_virus(self, address: str) -> str:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = SENDER, address, "See this"
        message.add_attachment(EICAR, maintype="application", subtype="zip", filename="a.zip")
        answer = self.aws.client("sesv2").send_email(
            Content={"Raw": {"Data": message.as_bytes()}},
            ConfigurationSetName=self.app["ArchiveSet"],
        )
        return str(answer["MessageId"])

    def _read_and_leave(self, message_id: str) -> None:
        """What a reader's mail program does: fetch the image, follow the link, unsubscribe."""
        sent = next(each for each in self.aws.sent() if each["MessageId"] == message_id)
        message = message_from_bytes(sent["Raw"], policy=default)
        html = message.get_body(("html",)).get_content()
        for pattern, text, data in (
            (r'<img[^>]+src="([^"]+)"', html, None),
            (r'<a href="([^"]+)"', html, None),
            (r"<(http[^>]+)>", message["List-Unsubscribe"], b"List-Unsubscribe=One-Click"),
        ):
            found = re.search(pattern, text)
            assert found is not None
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
            opener.addheaders = [("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")]
            # The link leads to a site that is not there on this machine.
            with contextlib.suppress(urllib.error.HTTPError):
                opener.open(found[1], data=data, timeout=10).read()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


@pytest.fixture(scope="module")
def lake(letters: Any) -> Lake:
    """The lake, filled under enforced permissions."""
    return Lake(letters)


def test_every_event_is_one_row(lake: Lake) -> None:
    """All ten types; under its own partition and the mail that it is about."""
    rows = lake.ask("SELECT message_id, event_type, count(*) AS copies FROM events GROUP BY 1, 2")
    assert {row["copies"] for row in rows} == {"1"}
    found = {
        address: {row["event_type"] for row in rows if row["message_id"] == message_id}
        for address, message_id in lake.ids.items()
    }
    assert found == STORIES
    assert len(set().union(*STORIES.values())) == 10


def test_a_users_function_records_its_events_behind_topic_and_bus(lake: Lake) -> None:
    """With the permissions that it has; other types have no function, and are in the lake only."""
    assert [entry.kind for entry in lake.story] == ["Send", "Click"]


def test_a_row_has_every_column_and_the_whole_event(lake: Lake) -> None:
    """In the order of the schema, read back from Parquet."""
    (row,) = lake.ask("SELECT * FROM events WHERE event_type = 'click'")
    assert list(row) == [*(column.name for column in SCHEMA), *PARTITIONS]
    assert [
        column.name for column in SCHEMA if not column.nullable and row[column.name] is None
    ] == []
    event = json.loads(row["raw"] or "")
    assert event["eventType"] == "Click"
    assert row["link"] == event["click"]["link"] == "https://news.example/1"
    assert (row["recipients"], row["link_tags"]) == (f"[{READER}]", "{place=top}")


def test_a_record_that_is_not_an_event_is_kept_alone(lake: Lake) -> None:
    """Below the error prefix, by its error and day, as it was put."""
    (error,) = lake.errors()
    assert base64.b64decode(error["rawData"]) == b"poison"
    assert error["key"].startswith("errors/processing-failed/day=20")


def test_the_saved_queries_are_those_of_the_package(lake: Lake) -> None:
    """Each is in the workgroup, for the lake's database."""
    athena = lake.aws.client("athena")
    ids = athena.list_named_queries(WorkGroup=lake.app["Workgroup"])["NamedQueryIds"]
    found = [athena.get_named_query(NamedQueryId=each)["NamedQuery"] for each in ids]
    assert {query["QueryString"] for query in found} == set(named_queries().values())
    assert {query["Database"] for query in found} == {lake.app["Database"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bounce_reasons", {"bounce_type": "Permanent", "bounced": "1"}),
        (
            "engagement_by_tag",
            {"tag": "issue", "tag_value": "47", "delivered": "3", "clicked": "1"},
        ),
        ("failing_templates", {"failed": "1"}),
        ("latency_percentiles", {"domain": "customer.example", "delivered": "1"}),
        ("message_story", {"event_type": "send", "copies": "1"}),
        ("rates_by_day", {"sent": "4", "delivered": "3", "bounced": "1", "bounce_rate": "25.0"}),
        ("rates_by_domain", {"sent": "2", "bounced": "1", "complained": "1"}),
    ],
)
def test_a_saved_query_shows_what_happened(lake: Lake, name: str, expected: dict[str, str]) -> None:
    """Its first row."""
    query = named_queries()[name]
    rows = lake.ask(query, *([f"'{lake.ids[READER]}'"] if "?" in query else []))
    assert {**rows[0], **expected} == rows[0]


def test_a_function_queries_the_lake_with_no_more_than_it_was_granted(lake: Lake) -> None:
    """A saved query with a parameter and days; not in another workgroup."""
    functions = lake.aws.client("lambda")

    def digest(**request: Any) -> dict[str, Any]:
        answer = functions.invoke(
            FunctionName=lake.app["Digest"], Payload=json.dumps(request).encode()
        )
        return dict(json.loads(answer["Payload"].read()))

    with lake.aws.permissions_enforced():
        answer = digest(name="message_story", parameters=[lake.ids[READER]], days=1)
        elsewhere = digest(sql="SELECT 1", workgroup="primary")
    assert [row["event_type"] for row in answer["rows"]][:2] == ["send", "delivery"]
    assert answer["rows"][1]["latency_ms"] > 0
    assert answer["bytes_read"] > 1000
    assert "AccessDenied" in elsewhere["reason"]
    assert "EventLake.grant_query" in elsewhere["remedy"]


def test_the_commands_find_the_lake_and_show_it(
    lake: Lake, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By its stack, or because there is no other."""
    state = ["--state", str(lake.aws.state.root)]
    assert main(["query", "rates_by_day", "--days", "1", "--json", *state]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["bounced"] for row in document["rows"]] == [1]
    assert document["bytes_read"] > 1000
    picture = tmp_path / "report.svg"
    assert main(["report", "--stack", "Letters", "-o", str(picture), *state]) == 0
    assert "10 queries; " in capsys.readouterr().err
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert main(["query", "--sql", "SELECT nope FROM events", *state]) == 1
    assert "docs/lake.md lists the columns" in capsys.readouterr().err


def test_an_event_of_the_bus_reaches_its_function(lake: Lake) -> None:
    """The same handler as behind a topic."""
    logs = lake.aws.client("logs")

    def told() -> bool:
        groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
        return any(
            f"clicked {lake.ids[READER]}" in each["message"]
            for group in groups
            for each in logs.filter_log_events(logGroupName=group)["events"]
        )

    assert lake.aws.wait_until(told, bool, seconds=15)


def test_duplicates_are_found_and_left_out(lake: Lake) -> None:
    """By the saved query, and in the view; late here, as it puts an event once more."""
    assert lake.ask(named_queries()["duplicates"]) == []
    (row,) = lake.ask("SELECT event_id, raw FROM events WHERE event_type = 'click'")
    lake.put((row["raw"] or "").encode())
    again = lake.aws.wait_until(lambda: lake.ask(named_queries()["duplicates"]), bool, seconds=15)
    assert [(each["event_id"], each["copies"]) for each in again] == [(row["event_id"], "2")]
    lake.ask(named_queries()["view_without_duplicates"])
    once = lake.ask("SELECT count(*) AS many FROM events_once")
    assert once == [{"many": str(lake.count)}]


def test_a_record_that_kills_the_transform_is_kept_alone(lake: Lake) -> None:
    """Those around it are rows; last here, as it adds them."""
    names = ["innocent-1", "SIGKILL", "innocent-2"]
    events = [json.dumps(sending_event_payload("Send", message_id=name)) for name in names]
    lake.put(*(event.encode() for event in events))
    query = "SELECT message_id FROM events WHERE message_id LIKE 'innocent-%' ORDER BY 1"
    rows = lake.aws.wait_until(lambda: lake.ask(query), lambda rows: len(rows) == 2, seconds=15)
    assert [row["message_id"] for row in rows] == ["innocent-1", "innocent-2"]
    kept = [base64.b64decode(error["rawData"]).decode() for error in lake.errors()]
    assert [one for one in kept if one != "poison"] == [events[1]]
