"""Archives: mail that a rule keeps is found, read and exported by the API."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from local.gateway.managing import Manager
from mailroom_local import LocalAws

NOW = datetime.now(UTC)
PERIOD = {"FromTimestamp": NOW - timedelta(hours=1), "ToTimestamp": NOW + timedelta(hours=1)}


@pytest.fixture
def manager(aws: LocalAws) -> Manager:
    """The Mail Manager of a new account."""
    return Manager(aws)


def letter(subject: str, *, sender: str = "jane@example.net", html: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Jané <{sender}>"
    message["To"] = "Support <support@example.com>"
    message["Cc"] = "team@example.org"
    message["Subject"] = subject
    message["Message-ID"] = f"<{len(subject)}@example.net>"
    message.set_content("The printer is on fire.\n")
    if html:
        message.add_alternative(html, subtype="html")
    return message


class Kept:
    """An archive with three messages."""

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        self.api: Any = manager.api
        self.id = manager.made("CreateArchive", ArchiveName="office")
        self.arn = f"{manager.arn}:mailmanager-archive/{self.id}"
        rules = manager.rule_set({"Actions": [{"Archive": {"TargetArchive": self.id}}]})
        self.point = manager.point(
            TlsPolicy="OPTIONAL", RuleSetId=rules, TrafficPolicyId=manager.policy()
        )
        attached = letter("Invoice 7", sender="joe@example.net")
        attached.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
        self.letters = [
            letter("Größe of the fire", html="<p>The printer is on <b>fire</b>.</p>"),
            attached,
            letter("Re: Invoice 7"),
        ]
        for number, each in enumerate(self.letters):
            sent = manager.aws.send(
                each,
                mail_from=f"bounces-{number}@example.net",
                rcpt_tos=["support@example.com"],
                gateway=self.point,
            )
            manager.aws.wait(sent.message_id, seconds=15)

    def search(self, *include: Any, unless: Any = (), **options: Any) -> list[dict[str, Any]]:
        """The rows that a search finds, the newest message first."""
        given = {**PERIOD, "MaxResults": 1000, **options}
        filters = {"Include": list(include), "Unless": list(unless)}
        started = self.api.start_archive_search(ArchiveId=self.id, Filters=filters, **given)
        state = self.api.get_archive_search(SearchId=started["SearchId"])["Status"]["State"]
        assert state == "COMPLETED"
        found = self.api.get_archive_search_results(SearchId=started["SearchId"])
        return list(found["Rows"])


def contains(attribute: str, *values: str) -> dict[str, Any]:
    return {
        "StringExpression": {
            "Evaluate": {"Attribute": attribute},
            "Operator": "CONTAINS",
            "Values": list(values),
        }
    }


def attachments(operator: str) -> dict[str, Any]:
    evaluate = {"Attribute": "HAS_ATTACHMENTS"}
    return {"BooleanExpression": {"Evaluate": evaluate, "Operator": operator}}


@pytest.fixture(scope="module")
def kept(aws: LocalAws) -> Iterator[Kept]:
    """The archive, which the tests only read."""
    found = Kept(Manager(aws))
    yield found
    found.api.delete_ingress_point(IngressPointId=found.point)


@pytest.mark.parametrize(
    ("include", "unless", "found"),
    [
        ([], [], [2, 1, 0]),
        ([contains("SUBJECT", "invoice")], [], [2, 1]),
        ([contains("SUBJECT", "größe", "re: ")], [], [2, 0]),
        ([contains("SUBJECT", "invoice"), contains("FROM", "joe@")], [], [1]),
        ([contains("SUBJECT", "invoice")], [contains("FROM", "joe@")], [2]),
        ([contains("FROM", "Jané")], [], [2, 1, 0]),
        ([contains("TO", "support@")], [], [2, 1, 0]),
        ([contains("CC", "team@")], [contains("ENVELOPE_TO", "support@")], []),
        ([contains("ENVELOPE_FROM", "bounces-2")], [], [2]),
        ([attachments("IS_TRUE")], [], [1]),
        ([attachments("IS_FALSE")], [], [2, 0]),
        ([], [attachments("IS_TRUE"), contains("SUBJECT", "Re:")], [0]),
    ],
)
def test_a_search_finds_what_matches_all_filters(
    kept: Kept, include: list[Any], unless: list[Any], found: list[int]
) -> None:
    """Any value of a filter is enough; any filter of ``Unless`` excludes."""
    rows = kept.search(*include, unless=unless)
    assert [row["Subject"] for row in rows] == [kept.letters[each]["Subject"] for each in found]


def test_a_search_keeps_to_its_period_and_its_maximum(kept: Kept) -> None:
    """Results have no pages."""
    assert len(kept.search(MaxResults=2)) == 2
    earlier = {name: at - timedelta(days=1) for name, at in PERIOD.items()}
    assert kept.search(**earlier) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"FromTimestamp": NOW - timedelta(days=30)}, "30 days"),
        ({"FromTimestamp": NOW + timedelta(hours=2)}, "is after"),
        ({"MaxResults": 1001}, "1000"),
    ],
)
def test_a_search_beyond_the_limits_is_refused(
    kept: Kept, changed: dict[str, Any], says: str
) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/eb-archiving.html"""
    with pytest.raises(kept.api.exceptions.ValidationException, match=says):
        kept.search(**changed)


def test_a_row_tells_what_a_list_of_mail_shows(kept: Kept) -> None:
    """With the envelope, and where it came in."""
    row = kept.search(contains("SUBJECT", "Re: Invoice"))[0]
    assert row["From"] == "Jané <jane@example.net>"
    assert row["Cc"] == "team@example.org"
    assert row["MessageId"] == "<13@example.net>"
    assert row["HasAttachments"] is False
    assert row["Envelope"]["From"] == "bounces-2@example.net"
    assert row["Envelope"]["To"] == ["support@example.com"]
    assert row["IngressPointId"] == kept.point
    assert row["SenderIpAddress"] == "127.0.0.1"
    assert ":mailmanager-rule-set/rs-" in row["SourceArn"]
    assert abs(row["ReceivedTimestamp"] - NOW) < timedelta(minutes=10)


def test_an_archived_message_is_read_whole_and_as_text(kept: Kept) -> None:
    """By a link that needs no signature, and cannot be guessed."""
    archived = kept.search(contains("SUBJECT", "of the fire"))[0]["ArchivedMessageId"]
    found = kept.api.get_archive_message(ArchivedMessageId=archived)
    assert found["Envelope"]["From"] == "bounces-0@example.net"
    assert found["Metadata"]["Timestamp"]
    with urllib.request.urlopen(found["MessageDownloadLink"]) as answer:
        raw = answer.read()
        assert answer.headers["Content-Disposition"] == "attachment"
    assert b"Message-ID: <17@example.net>\r\n" in raw
    assert raw.endswith(b"--\r\n")
    body = kept.api.get_archive_message_content(ArchivedMessageId=archived)["Body"]
    assert body["Text"].strip() == "The printer is on fire."
    assert "<b>fire</b>" in body["Html"]
    guessed = found["MessageDownloadLink"].rpartition("/")[0] + "/guessed"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(guessed)


def test_searches_are_listed_and_can_be_stopped_without_effect(kept: Kept) -> None:
    """They end before their call does."""
    kept.search()
    listed = kept.api.list_archive_searches(ArchiveId=kept.id, PageSize=1)
    kept.api.stop_archive_search(SearchId=listed["Searches"][0]["SearchId"])
    assert listed["Searches"][0]["Status"]["State"] == "COMPLETED"
    with pytest.raises(kept.api.exceptions.ValidationException):
        kept.api.get_archive_search(SearchId="unknown")


def test_an_export_writes_what_the_bucket_lets_ses_write(kept: Kept) -> None:
    """Otherwise its status says why it failed."""
    s3, manager = kept.manager.client("s3"), kept.manager
    bucket = f"export-{manager.account}"
    s3.create_bucket(Bucket=bucket)
    given = {
        "ArchiveId": kept.id,
        "Filters": {"Include": [contains("SUBJECT", "invoice")]},
        "ExportDestinationConfiguration": {"S3": {"S3Location": f"s3://{bucket}/2026"}},
        "IncludeMetadata": True,
        **PERIOD,
    }
    first = kept.api.start_archive_export(**given)["ExportId"]
    refused = kept.api.get_archive_export(ExportId=first)["Status"]
    assert (refused["State"], "s3:PutObject" in refused["ErrorMessage"]) == ("FAILED", True)
    statement = manager.to_ses("s3:PutObject", resource="mailmanager-archive")
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [statement]}))
    second = kept.api.start_archive_export(**given)["ExportId"]
    assert kept.api.get_archive_export(ExportId=second)["Status"]["State"] == "COMPLETED"
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert sorted(key.rpartition(".")[2] for key in keys) == ["eml", "eml", "json", "json"]
    assert all(key.startswith("2026/") for key in keys)
    assert len(kept.api.list_archive_exports(ArchiveId=kept.id)["Exports"]) == 2


def test_a_deleted_archive_gives_nothing_and_leaves_its_name(manager: Manager) -> None:
    """It stays for 30 days, pending deletion."""
    archive = manager.made("CreateArchive", ArchiveName="office")
    manager.call("DeleteArchive", ArchiveId=archive)
    assert manager.call("GetArchive", ArchiveId=archive)[1]["ArchiveState"] == "PENDING_DELETION"
    changed = {"ArchiveId": archive, "ArchiveName": "other"}
    assert manager.refusal("UpdateArchive", **changed)[0] == "ConflictException"
    period = {"FromTimestamp": 0, "ToTimestamp": 1, "MaxResults": 1}
    code, text = manager.refusal("StartArchiveSearch", ArchiveId=archive, **period)
    assert (code, "pending deletion" in text) == ("ValidationException", True)
    manager.made("CreateArchive", ArchiveName="office")


def test_the_retention_of_an_archive_changes_once_a_week(manager: Manager) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""
    archive = manager.made("CreateArchive", ArchiveName="office")

    def keep(period: str) -> int:
        retention = {"RetentionPeriod": period}
        return manager.call("UpdateArchive", ArchiveId=archive, Retention=retention)[0]

    assert [keep("ONE_YEAR"), keep("ONE_YEAR"), keep("TWO_YEARS")] == [200, 200, 400]
