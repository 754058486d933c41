"""What a handler can read of a received mail."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from mailroom import errors
from mailroom.receiving import ReceivedMail, Verdict
from runtime.receiving.mail_samples import (
    MESSAGE_ID,
    sample,
    ses,
    without,
)


def test_attributes_give_the_samples_values(mail: ReceivedMail) -> None:
    """Each attribute is the sample's value under its documented name."""
    assert mail.message_id == MESSAGE_ID
    assert mail.source == "janedoe@example.com"
    assert mail.destination == ["johndoe@example.com"]
    assert mail.recipients == ["johndoe@example.com"]
    assert mail.subject == "Test Subject"
    assert mail.from_ == ["Jane Doe <janedoe@example.com>"]
    assert mail.to == ["johndoe@example.com"]
    assert mail.cc == []
    assert mail.reply_to == []
    assert mail.return_path == "janedoe@example.com"
    assert mail.date == "Wed, 7 Oct 2015 12:34:56 -0700"
    assert mail.header_message_id == "<0123456789example.com>"
    assert mail.headers_truncated is False
    assert mail.processing_time_millis == 574
    assert mail.action == {
        "type": "Lambda",
        "invocationType": "Event",
        "functionArn": "arn:aws:lambda:us-west-2:111122223333:function:Example",
    }
    assert mail.common_headers["subject"] == "Test Subject"
    assert repr(mail) == f"<ReceivedMail {MESSAGE_ID}>"


@pytest.mark.parametrize("name", ["", "x" * 513, "\ud800", "\u00e4" * 300])
def test_an_id_by_which_no_object_can_be_named_is_none(name: str) -> None:
    """It is missing before the mail is handled, rather than its mark afterwards."""
    raw = ses(sample())
    raw["mail"]["messageId"] = name
    with pytest.raises(errors.MissingField, match=r"'mail\.messageId'"):
        _ = ReceivedMail(raw).message_id


@pytest.mark.parametrize(
    ("part", "key", "attribute"),
    [
        ("mail", "destination", "destination"),
        ("receipt", "recipients", "recipients"),
        ("commonHeaders", "from", "from_"),
        ("commonHeaders", "to", "to"),
        ("commonHeaders", "cc", "cc"),
        ("commonHeaders", "replyTo", "reply_to"),
    ],
)
def test_a_list_of_addresses_has_strings_only(part: str, key: str, attribute: str) -> None:
    raw = ses(sample())
    {"commonHeaders": raw["mail"]["commonHeaders"], **raw}[part][key] = ["a@example.com", {}]
    with pytest.raises(errors.MissingField, match=rf"{key}.*a dict, not a str"):
        getattr(ReceivedMail(raw), attribute)


def test_cc_and_reply_to_are_read_where_ses_gives_them() -> None:
    """``cc`` and ``replyTo`` are the documented spellings of the remaining common headers."""
    raw = ses(sample())
    raw["mail"]["commonHeaders"] |= {"cc": ["a@example.com"], "replyTo": ["b@example.com"]}
    assert (ReceivedMail(raw).cc, ReceivedMail(raw).reply_to) == (
        ["a@example.com"],
        ["b@example.com"],
    )


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("1970-01-01T00:00:00.000Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2026-01-02T05:04:05.678+02:00", datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_times_are_aware_and_utc(stamp: str, expected: datetime) -> None:
    """Both times are aware and in UTC, whatever offset the text carries."""
    raw = ses(sample())
    raw["mail"]["timestamp"] = raw["receipt"]["timestamp"] = stamp
    view = ReceivedMail(raw)
    assert view.timestamp == view.action_timestamp == expected
    assert view.timestamp.tzinfo is view.action_timestamp.tzinfo is UTC


def test_the_two_times_come_from_different_places() -> None:
    """`timestamp` is the reception, `action_timestamp` the action."""
    raw = ses(sample())
    raw["receipt"]["timestamp"] = "1970-01-01T00:00:07.000Z"
    assert ReceivedMail(raw).timestamp.second == 0
    assert ReceivedMail(raw).action_timestamp.second == 7


def test_recipients_are_the_rules_and_destination_is_everyones() -> None:
    """`recipients` are those that this rule matched, `destination` those of the header."""
    raw = ses(sample())
    raw["mail"]["destination"] = ["a@example.com", "b@example.org"]
    assert ReceivedMail(raw).destination == ["a@example.com", "b@example.org"]
    assert ReceivedMail(raw).recipients == ["johndoe@example.com"]


def test_four_verdicts_of_the_first_sample_pass_and_dmarc_is_absent(mail: ReceivedMail) -> None:
    """Four verdicts pass; DMARC is absent, so neither passed nor failed."""
    for verdict in (mail.spam, mail.virus, mail.spf, mail.dkim):
        assert verdict.status == "PASS"
        assert verdict.passed
        assert not verdict.failed
    assert mail.dmarc == Verdict(None)
    assert mail.dmarc_policy is None
    assert mail.synchronous is False


def test_every_other_status_is_read_as_ses_writes_it() -> None:
    """Every other documented status is read as it stands, each from its own key."""
    view = ReceivedMail(ses(sample("received_mail_verdicts")))
    assert [v.status for v in (view.spam, view.virus, view.spf, view.dkim, view.dmarc)] == [
        "GRAY",
        "DISABLED",
        "PROCESSING_FAILED",
        "FAIL",
        "FAIL",
    ]
    assert view.dmarc_policy == "quarantine"
    assert view.synchronous is True


@pytest.mark.parametrize("key", ["spam", "virus", "spf", "dkim", "dmarc"])
def test_each_verdict_has_its_own_key(key: str) -> None:
    """Changing one verdict changes that attribute only."""
    raw = ses(sample())
    raw["receipt"][f"{key}Verdict"] = {"status": "FAIL"}
    view = ReceivedMail(raw)
    failed = [
        name for name in ("spam", "virus", "spf", "dkim", "dmarc") if getattr(view, name).failed
    ]
    assert failed == [key]


@pytest.mark.parametrize("status", ["GRAY", "PROCESSING_FAILED", "DISABLED", "ADDED_LATER", None])
def test_a_verdict_that_is_neither_pass_nor_fail_is_neither(status: str | None) -> None:
    """A verdict in between is not mistaken for an answer, nor is one that AWS adds later."""
    verdict = Verdict(status)
    assert not verdict.passed
    assert not verdict.failed
    assert verdict.status == status


def test_verdicts_compare_by_status() -> None:
    """Verdicts are values: equal, hashable, printable; a bare string is not one."""
    assert Verdict("PASS") == Verdict("PASS") != Verdict("FAIL")
    assert (Verdict("PASS") == "PASS") is False
    assert len({Verdict("PASS"), Verdict("PASS")}) == 1
    assert repr(Verdict(None)) == "Verdict(None)"


@pytest.mark.parametrize(
    ("path", "attribute", "expected"),
    [
        (("mail", "commonHeaders", "subject"), "subject", None),
        (("mail", "commonHeaders", "to"), "to", []),
        (("mail", "commonHeaders", "from"), "from_", []),
        (("mail", "commonHeaders", "date"), "date", None),
        (("mail", "commonHeaders", "messageId"), "header_message_id", None),
        (("mail", "commonHeaders", "returnPath"), "return_path", None),
        (("mail", "commonHeaders"), "subject", "Test Subject"),
        (("mail", "source"), "source", ""),
        (("mail", "destination"), "destination", []),
        (("mail", "headersTruncated"), "headers_truncated", False),
        (("receipt", "spamVerdict"), "spam", Verdict(None)),
        (("receipt", "virusVerdict"), "virus", Verdict(None)),
        (("receipt", "spfVerdict"), "spf", Verdict(None)),
        (("receipt", "dkimVerdict"), "dkim", Verdict(None)),
        (("receipt", "spamVerdict", "status"), "spam", Verdict(None)),
        (("receipt", "processingTimeMillis"), "processing_time_millis", None),
        (("receipt", "action"), "action", None),
        (("receipt", "action"), "synchronous", False),
    ],
)
def test_optional_fields_are_none_or_empty(
    path: tuple[str, ...], attribute: str, expected: object
) -> None:
    """What the sender or AWS may leave out reads as ``None`` or empty, and never raises."""
    assert getattr(without(*path), attribute) == expected


def test_absent_headers_read_as_none() -> None:
    """Without ``headers`` the mapping is empty, not missing."""
    assert len(without("mail", "headers").headers) == 0


@pytest.mark.parametrize(
    ("path", "attribute"),
    [
        (("mail", "messageId"), "message_id"),
        (("mail", "timestamp"), "timestamp"),
        (("receipt", "timestamp"), "action_timestamp"),
        (("receipt", "recipients"), "recipients"),
    ],
)
def test_a_missing_key_raises_only_when_asked_for_and_names_its_path(
    path: tuple[str, ...], attribute: str
) -> None:
    """Making the view succeeds; reading the attribute names the path that is missing."""
    view = without(*path)
    with pytest.raises(errors.MissingField, match=f"missing '{'.'.join(path)}'"):
        getattr(view, attribute)


def test_a_payload_without_mail_or_receipt_is_an_error_that_names_it() -> None:
    """A payload without ``mail`` or ``receipt`` says which of them it lacks."""
    with pytest.raises(errors.MissingField, match="missing 'mail'"):
        without("mail")
    with pytest.raises(errors.MissingField, match="missing 'receipt'"):
        _ = without("receipt").spam


@pytest.mark.parametrize(
    ("path", "value", "attribute", "text"),
    [
        (("mail", "commonHeaders", "to"), "a@b.c", "to", "'mail.commonHeaders.to' is a str"),
        (("mail", "destination"), "a@b.c", "destination", "'mail.destination' is a str"),
        (("mail", "commonHeaders"), [], "subject", "'mail.commonHeaders' is a list"),
        (("receipt", "spamVerdict"), "FAIL", "spam", "'receipt.spamVerdict' is a str"),
        (("receipt", "action"), "Lambda", "action", "'receipt.action' is a str"),
        (("mail", "timestamp"), "soon", "timestamp", "'mail.timestamp' is not an ISO 8601 time"),
    ],
)
def test_a_value_of_another_type_raises_with_its_path(
    path: tuple[str, ...], value: object, attribute: str, text: str
) -> None:
    """A string is never taken apart into letters; the error names the path and the type."""
    raw: Any = ses(sample())
    part = raw
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(errors.MissingField, match=text):
        getattr(ReceivedMail(raw), attribute)


def test_truncated_headers_are_reported_as_truncated() -> None:
    """SES's ``headersTruncated`` is passed on."""
    raw = ses(sample())
    raw["mail"]["headersTruncated"] = True
    assert ReceivedMail(raw).headers_truncated is True


def test_lists_belong_to_the_caller(mail: ReceivedMail) -> None:
    """Changing a returned list changes neither the event nor the next answer."""
    before = copy.deepcopy(mail.raw)
    for name in ("to", "from_", "cc", "reply_to", "destination", "recipients"):
        getattr(mail, name).append("x@example.com")
    mail.headers.get_all("To").append("x@example.com")
    assert mail.raw == before
    assert mail.headers.get_all("To") == ["johndoe@example.com"]
