"""Searching an archive: what is asked, how long it takes, what is answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from mailroom.errors import (
    GatewayFailed,
    InvalidSearch,
    NotConfigured,
    SearchBusy,
    SearchOutOfTime,
)
from mailroom.gateway import Archive
from runtime.gateway.mail_manager_stub import Stub, refusal

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=30)
ROW = {
    "ArchivedMessageId": "m-1",
    "ReceivedTimestamp": datetime(2026, 6, 2, tzinfo=UTC),
    "From": "Ann <ann@example.org>",
    "To": "support@example.com",
    "Subject": "Invoice 7",
    "HasAttachments": True,
    "SenderIpAddress": "192.0.2.1",
    "Envelope": {"Helo": "mx", "From": "ann@example.org", "To": ["support@example.com"]},
}


def mail_manager(*states: str, rows: Any = (ROW,), **answers: Any) -> Stub:
    """Return Mail Manager with a search that goes through some states."""
    given: dict[str, Any] = {
        "start_archive_search": {"SearchId": "s-1"},
        "get_archive_search": [{"Status": {"State": one}} for one in states or ["COMPLETED"]],
        "get_archive_search_results": {"Rows": list(rows)},
    }
    return Stub(**(given | answers))


def archive(stub: Stub) -> Archive:
    return Archive(archive_id="a-123", **stub.options)


def test_a_search_returns_typed_rows() -> None:
    stub = mail_manager("QUEUED", "RUNNING", "COMPLETED")
    found = archive(stub).search(SINCE, UNTIL)
    (row,) = found
    assert (row.id, row.subject, row.from_) == ("m-1", "Invoice 7", "Ann <ann@example.org>")
    assert (row.source, row.recipients) == ("ann@example.org", ["support@example.com"])
    assert (row.timestamp, row.has_attachments) == (ROW["ReceivedTimestamp"], True)
    assert (row.cc, row.ingress_point_id, row.in_reply_to) == (None, None, None)
    assert (found.search_id, found.full) == ("s-1", False)
    assert "ann" not in repr(row)


def test_what_is_looked_for_becomes_filters() -> None:
    """The stub checks the request against the service's model."""
    stub = mail_manager()
    archive(stub).search(
        SINCE,
        UNTIL,
        from_="ann@",
        subject=["invoice", "bill"],
        envelope_to="support@",
        has_attachments=True,
        unless={"cc": "boss@"},
        limit=1000,
    )
    _, request = stub.made[0]
    assert request["MaxResults"] == 1000
    assert [
        next(iter(one.values()))["Evaluate"]["Attribute"] for one in request["Filters"]["Include"]
    ] == ["FROM", "SUBJECT", "ENVELOPE_TO", "HAS_ATTACHMENTS"]
    (unless,) = request["Filters"]["Unless"]
    assert unless["StringExpression"]["Values"] == ["boss@"]


def test_a_search_without_filters_has_none() -> None:
    stub = mail_manager()
    archive(stub).search(SINCE, UNTIL)
    assert "Filters" not in stub.made[0][1]


def test_rows_up_to_the_limit_say_that_there_may_be_more() -> None:
    """There are no pages."""
    assert archive(mail_manager()).search(SINCE, UNTIL, limit=1).full


def test_mail_manager_is_called_once_a_second() -> None:
    stub = mail_manager("QUEUED", "RUNNING", "COMPLETED")
    archive(stub).search(SINCE, UNTIL)
    assert stub.now >= len(stub.made) - 1


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "ConflictException"])
def test_a_second_search_at_a_time_is_an_error_of_its_own(code: str) -> None:
    """Mail Manager runs one for the whole account."""
    stub = mail_manager(start_archive_search=refusal(code))
    with pytest.raises(SearchBusy, match="one search at a time") as caught:
        archive(stub).search(SINCE, UNTIL)
    assert caught.value.code == code


def test_a_search_that_takes_too_long_is_stopped() -> None:
    """So that the next one can begin."""
    stub = mail_manager("RUNNING")
    with pytest.raises(SearchOutOfTime, match="longer than 5 seconds"):
        archive(stub).search(SINCE, UNTIL, timeout=5)
    assert stub.operations[-1] == "stop_archive_search"
    assert stub.now < 10


@pytest.mark.parametrize("error", [refusal("AccessDeniedException"), KeyboardInterrupt()])
def test_whatever_ends_the_wait_stops_the_search(error: BaseException) -> None:
    stub = mail_manager(get_archive_search=error)
    with pytest.raises((GatewayFailed, KeyboardInterrupt)):
        archive(stub).search(SINCE, UNTIL)
    assert stub.operations[-1] == "stop_archive_search"


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_search_that_fails_is_an_error_with_its_reason(state: str) -> None:
    status = {"State": state, "ErrorMessage": "no such archive"}
    stub = mail_manager(get_archive_search={"Status": status})
    with pytest.raises(GatewayFailed, match=f"ended as {state}: no such archive"):
        archive(stub).search(SINCE, UNTIL)


def test_throttling_is_waited_out_for_ten_seconds() -> None:
    throttled = refusal("ThrottlingException")
    stub = mail_manager(start_archive_search=[throttled, throttled, {"SearchId": "s-1"}])
    assert archive(stub).search(SINCE, UNTIL)
    stub = mail_manager(start_archive_search=throttled)
    with pytest.raises(GatewayFailed, match="ThrottlingException happened"):
        archive(stub).search(SINCE, UNTIL)
    assert stub.now <= 12


@pytest.mark.parametrize(
    ("since", "until", "options", "text"),
    [
        (SINCE.replace(tzinfo=None), UNTIL, {}, "since is .*: pass a datetime with a time zone"),
        (SINCE, "2026-07-01", {}, "until is '2026-07-01': pass a datetime"),
        (UNTIL, SINCE, {}, "not after since"),
        (SINCE, UNTIL + timedelta(seconds=1), {}, "30 days after since: search 30 days at most"),
        (SINCE, UNTIL, {"limit": 0}, "limit is 0: pass 1 to 1000"),
        (SINCE, UNTIL, {"limit": 1001}, "limit is 1001"),
        (SINCE, UNTIL, {"timeout": 0}, "timeout is 0"),
        (SINCE, UNTIL, {"subject": ""}, "subject is '': pass 1 to 10 texts"),
        (SINCE, UNTIL, {"to": ["x"] * 11}, "to is .*: pass 1 to 10 texts"),
        (SINCE, UNTIL, {"unless": {"size": "1"}}, "unless has 'size': use from_, to, cc"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_mail_manager_is_asked(
    since: Any, until: Any, options: dict[str, Any], text: str
) -> None:
    stub = mail_manager()
    with pytest.raises(InvalidSearch, match=text):
        archive(stub).search(since, until, **options)
    assert stub.made == []


def test_a_message_is_read_by_its_link(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def urlopen(url: str, **_: Any) -> BytesIO:
        asked.append(url)
        return BytesIO(b"Subject: Hello\r\n\r\nText\r\n")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    stub = Stub(
        get_archive_message={
            "MessageDownloadLink": "https://archive.example/1?signed",
            "Metadata": {"TlsProtocol": "TLSv1.3"},
            "Envelope": {"To": ["support@example.com"]},
        }
    )
    mail = archive(stub).message("m-1")
    assert mail.read()["Subject"] == "Hello"
    assert asked == ["https://archive.example/1?signed"]
    assert (mail.recipients, mail.source) == (["support@example.com"], None)
    assert mail.metadata == {"TlsProtocol": "TLSv1.3"}
    assert "signed" not in repr(mail)


def test_the_text_of_a_message_needs_no_link() -> None:
    body = {"Text": "Hello", "MessageMalformed": True}
    found = archive(Stub(get_archive_message_content={"Body": body})).text("m-1")
    assert (found.text, found.html, found.malformed) == ("Hello", None, True)


def test_a_function_finds_the_archive_that_it_was_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_ARCHIVES", '{"Legal": "a-1"}')
    assert Archive().archive_id == Archive("Legal").archive_id == "a-1"


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (None, None, "MAILROOM_ARCHIVES is not set: call MailArchive.grant_search"),
        ("{", None, "MAILROOM_ARCHIVES is not JSON"),
        ('{"Legal": "a-1", "Sales": "a-2"}', None, "pass one of Legal, Sales"),
        ('{"Legal": "a-1"}', "Lega", "knows no 'Lega': pass one of Legal"),
    ],
)
def test_an_archive_that_was_not_granted_is_an_error(
    monkeypatch: pytest.MonkeyPatch, value: str | None, name: str | None, text: str
) -> None:
    monkeypatch.delenv("MAILROOM_ARCHIVES", raising=False)
    if value is not None:
        monkeypatch.setenv("MAILROOM_ARCHIVES", value)
    with pytest.raises(NotConfigured, match=text):
        Archive(name)
