"""Bounces and complaints: who is suppressed, and which alerts are raised."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom.errors import MissingField
from mailroom.events import (
    Bounce,
    Complaint,
)
from mailroom.events.reading import address
from mailroom.handlers.events import (
    bounce,
    complaint,
)
from mailroom.testing import sending_event
from runtime.events.event_aws import Aws, metrics, named

Capture = pytest.CaptureFixture[str]
TWO = ["a@example.com", "b@example.com"]


def a_bounce(kind: str = "Permanent", sub: str = "General", **changes: Any) -> Bounce:
    event = sending_event("Bounce", bounce_type=kind, bounce_sub_type=sub, **changes)
    assert isinstance(event, Bounce)
    return event


def a_complaint(**changes: Any) -> Complaint:
    event = sending_event("Complaint", **changes)
    assert isinstance(event, Complaint)
    return event


# Bounces


def test_a_permanent_bounce_is_suppressed(aws: Aws, capsys: Capture) -> None:
    """Every bounced recipient, as SES spells them, with the reason; counted by type and subtype."""
    bounce.on_event(a_bounce(sub="NoEmail", recipients=["A Name <A@Example.com>", "b@example.com"]))
    assert aws.suppressed == {"A@Example.com": "BOUNCE", "b@example.com": "BOUNCE"}
    assert named(metrics(capsys.readouterr().out), "Bounces") == [
        {
            "Bounces": 2,
            "BounceType": "Permanent",
            "BounceSubType": "NoEmail",
            "ConfigurationSet": "ConfigSet",
        }
    ]
    assert aws.alerts == []


def test_what_a_tenants_mail_did_is_put_on_the_tenants_own_list(aws: Aws) -> None:
    """It must not hold back the mail of other tenants; the alert says whose list it is."""
    tags = {"ses:tenant-name": ["acme"]}
    for kind in ("Bounce", "Complaint"):
        event = sending_event(kind, recipients=[f"{kind}@example.com"], tags=tags)
        assert event.mail.tenant == "acme"
        (bounce if kind == "Bounce" else complaint).on_event(event)
    assert aws.suppressed == {
        "acme: Bounce@example.com": "BOUNCE",
        "acme: Complaint@example.com": "COMPLAINT",
    }
    assert "on tenant acme's suppression list" in str(aws.alerts)


@pytest.mark.parametrize(
    ("kind", "sub"),
    [
        ("Permanent", "Suppressed"),
        ("Permanent", "OnAccountSuppressionList"),
        ("Permanent", "OnTenantSuppressionList"),
        ("Permanent", "EmailValidationSuppressed"),
        ("Permanent", "OnSomeLaterSuppressionList"),
        ("Permanent", "UnsubscribedRecipient"),
        ("Transient", "General"),
        ("Transient", "MailboxFull"),
        ("Undetermined", "Undetermined"),
        ("Added", "Later"),
    ],
)
def test_other_bounces_are_only_counted(aws: Aws, capsys: Capture, kind: str, sub: str) -> None:
    """The address may be good, or is on the list already."""
    bounce.on_event(a_bounce(kind, sub))
    assert aws.suppressed == {}
    (line,) = named(metrics(capsys.readouterr().out), "Bounces")
    assert (line["BounceType"], line["BounceSubType"]) == (kind, sub)
    assert len(aws.items) == 1


def test_the_alert_says_that_who_complained_gets_no_more_mail(aws: Aws) -> None:
    complaint.on_event(a_complaint())
    assert "puts them on the account's suppression list" in aws.alerts[0][1]


@pytest.mark.parametrize("code", ["AccessDeniedException", "BadRequestException", "SandboxError"])
def test_a_refused_suppression_is_logged_and_not_retried(
    aws: Aws, capsys: Capture, code: str
) -> None:
    """SES may refuse it in the sandbox, and would each time; a person reads it in the alert."""
    aws.refusing = code
    bounce.on_event(a_bounce(recipients=TWO))
    complaint.on_event(a_complaint())
    assert aws.suppressed == {}
    assert len(aws.items) == 3
    lines = metrics(output := capsys.readouterr().out)
    refused = [(line["NotSuppressed"], line["Reason"]) for line in named(lines, "NotSuppressed")]
    assert refused == [(2, "BOUNCE"), (1, "COMPLAINT")]
    assert f'"errors": ["{code}"]' in output
    assert "SES refused to put them on the account's suppression list" in aws.alerts[0][1]


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ExpiredTokenException"])
def test_a_suppression_that_may_work_later_is_retried(aws: Aws, code: str) -> None:
    """Throttling and expired credentials say nothing about the address."""
    aws.refusing = code
    with pytest.raises(ClientError, match=code):
        bounce.on_event(a_bounce())
    assert len(aws.items) == 1


def test_suppression_can_be_switched_off(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then bounces and complaints are only recorded, and the alert says so."""
    monkeypatch.setenv("MAILROOM_SUPPRESS", "0")
    bounce.on_event(a_bounce())
    complaint.on_event(a_complaint())
    assert aws.suppressed == {}
    assert "PutSuppressedDestination" not in aws.calls
    assert len(aws.items) == 2
    assert "leave the account's suppression list unchanged" in aws.alerts[0][1]


@pytest.mark.parametrize("changes", [{"bounced_recipients": None}, {"bounced_recipients": []}])
def test_a_permanent_bounce_without_recipients_fails(aws: Aws, changes: dict[str, Any]) -> None:
    """It is recorded first; someone must look at it."""
    with pytest.raises(MissingField, match=re.escape("bounce.bouncedRecipients")):
        bounce.on_event(a_bounce(**changes))
    assert len(aws.items) == 1


@pytest.mark.parametrize("field", ["bounce_type", "bounce_sub_type"])
def test_a_bounce_without_a_type_fails(aws: Aws, capsys: Capture, field: str) -> None:
    """Whether to suppress is unknown; the bounce is still recorded and counted."""
    with pytest.raises(MissingField, match=r"missing 'bounce\.bounce"):
        bounce.on_event(sending_event("Bounce", **{field: None}))  # type: ignore[arg-type]
    assert len(aws.items) == 1
    assert len(named(metrics(capsys.readouterr().out), "Bounces")) == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A@Example.com", "a@example.com"),
        (" A Name <a@example.com> ", "a@example.com"),
        ('"<odd>" <a@example.com>', "a@example.com"),
        ('"a<b"@example.com', '"a<b"@example.com'),
        ("<a@example.com>", "a@example.com"),
        ("", ""),
    ],
)
def test_an_address_is_found_in_what_may_have_a_name(text: str, wanted: str) -> None:
    """It is lower-cased, so that the index finds it."""
    assert address(text) == wanted


# Complaints


def test_a_complaint_is_suppressed_and_raises_an_alert(aws: Aws, capsys: Capture) -> None:
    """With who it was, as a person has to take them off other lists."""
    complaint.on_event(a_complaint())
    assert aws.suppressed == {"recipient@example.com": "COMPLAINT"}
    ((subject, text),) = aws.alerts
    assert subject == "Complaint about a mail"
    assert "recipient@example.com complained about a mail from sender@example.com." in text
    assert "The report says: abuse." in text
    (line,) = named(metrics(capsys.readouterr().out), "Complaints")
    assert line == {"Complaints": 1, "FeedbackType": "abuse", "ConfigurationSet": "ConfigSet"}


def test_every_recipient_who_may_have_complained_is_suppressed(aws: Aws, capsys: Capture) -> None:
    """It counts as one complaint, and the alert says that it may be any of them."""
    complaint.on_event(a_complaint(recipients=[f"{n}@example.com" for n in range(12)]))
    assert len(aws.suppressed) == 12
    assert "One of these may have complained: 0@example.com, 1@" in aws.alerts[0][1]
    assert "9@example.com and others about a mail" in aws.alerts[0][1]
    (line,) = named(metrics(capsys.readouterr().out), "Complaints")
    assert line["Complaints"] == 1


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"complaint_feedback_type": "not-spam"}, "not-spam"),
        (
            {"complaint_feedback_type": None, "complaint_sub_type": "OnAccountSuppressionList"},
            "OnAccountSuppressionList",
        ),
        (
            {"complaint_feedback_type": None, "complaint_sub_type": "OnTenantSuppressionList"},
            "OnTenantSuppressionList",
        ),
    ],
)
def test_a_complaint_that_is_not_new_is_only_recorded(
    aws: Aws, capsys: Capture, changes: dict[str, Any], kind: str
) -> None:
    """There is no suppression and no alert; the metric counts it separately."""
    complaint.on_event(a_complaint(**changes))
    assert aws.suppressed == {}
    assert aws.alerts == []
    assert len(aws.items) == 1
    assert named(metrics(capsys.readouterr().out), "Complaints")[0]["FeedbackType"] == kind


def test_a_complaint_without_a_type_counts_as_a_complaint(aws: Aws, capsys: Capture) -> None:
    """Mailbox providers need not give it."""
    complaint.on_event(a_complaint(complaint_feedback_type=None))
    assert aws.suppressed
    assert "The report says" not in aws.alerts[0][1]
    assert named(metrics(capsys.readouterr().out), "Complaints")[0]["FeedbackType"] == "none"


def test_a_complaint_without_recipients_fails(aws: Aws) -> None:
    """As a permanent bounce does."""
    with pytest.raises(MissingField, match="complainedRecipients"):
        complaint.on_event(a_complaint(complained_recipients=None))
    assert len(aws.items) == 1
