"""The help desk's tests: its handler, with built mail and an emulated table."""

import importlib
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mailroom.sending import NotSent
from mailroom.testing import automatic_message, message, received_mail, reply_message

FUNCTIONS = Path(__file__).parents[1] / "functions"


@pytest.fixture
def tickets(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module as Lambda imports it, with an empty table behind it."""
    monkeypatch.setenv("TICKETS", "Tickets")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.syspath_prepend(FUNCTIONS)
    monkeypatch.setenv("REPLY_KEY", "ReplyKey")
    monkeypatch.setenv("SUPPORT", "support@example.com")
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "Outbound")
    with mock_aws():
        boto3.client("secretsmanager").create_secret(
            Name="ReplyKey", SecretString="a secret of more than sixteen bytes"
        )
        boto3.client("sesv2").create_email_identity(EmailIdentity="example.com")
        boto3.resource("dynamodb").create_table(
            TableName="Tickets",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield importlib.import_module("tickets")
        sys.modules.pop("tickets", None)


@pytest.fixture
def answers(tickets: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[EmailMessage]:
    """What the handler sends."""
    sent: list[EmailMessage] = []
    monkeypatch.setattr(
        tickets.sender, "reply", lambda mail, **options: sent.append(mail.reply(**options))
    )
    return sent


def stored() -> list[dict[str, Any]]:
    return list(boto3.resource("dynamodb").Table("Tickets").scan()["Items"])


def test_mail_becomes_a_ticket(tickets: ModuleType) -> None:
    tickets.on_mail(
        received_mail(
            message(
                from_="Jane Doe <jane@customer.example>",
                subject="Paper jam",
                text="It is stuck.\n",
                attachments={"photo.jpg": b"\xff\xd8"},
            )
        )
    )
    (ticket,) = stored()
    assert ticket["from"] == "Jane Doe <jane@customer.example>"
    assert ticket["subject"] == "Paper jam"
    assert ticket["excerpt"] == "It is stuck."
    assert ticket["attachments"] == 1
    assert ticket["status"] == "open"


def test_a_customer_gets_an_answer_that_leads_back_to_the_ticket(
    tickets: ModuleType, answers: list[EmailMessage]
) -> None:
    """An answer to it gets no second one, and only what is new in it is stored."""
    tickets.on_mail(received_mail(message(text="It is stuck.\n"), message_id="m1"))
    (ours,) = answers
    reply = reply_message(ours, text="It is fine now.\n")
    tickets.on_mail(received_mail(reply, message_id="m2", recipients=[str(reply["To"])]))
    first, second = sorted(stored(), key=lambda one: str(one["id"]))
    assert first["ticket"] == second["ticket"]
    assert str(first["ticket"]) in ours.get_content()
    assert second["excerpt"] == "It is fine now."
    assert len(answers) == 1


@pytest.mark.parametrize("reason", ["bounce", "out of office"])
def test_a_bounce_or_a_holiday_opens_no_ticket(tickets: ModuleType, reason: str) -> None:
    tickets.on_mail(received_mail(automatic_message(reason)))
    assert stored() == []


def test_mail_of_a_list_or_a_shop_opens_a_ticket(tickets: ModuleType) -> None:
    """A customer may write through a group, or from a program of theirs."""
    for number, reason in enumerate(["auto-submitted", "list"]):
        tickets.on_mail(received_mail(automatic_message(reason), message_id=f"m{number}"))
    assert len(stored()) == 2


def test_a_repeated_delivery_leaves_the_ticket_alone(tickets: ModuleType) -> None:
    """A second delivery does not reopen a ticket that was closed in the meantime."""
    mail = received_mail()
    tickets.on_mail(mail)
    boto3.resource("dynamodb").Table("Tickets").update_item(
        Key={"id": mail.message_id},
        UpdateExpression="SET #s = :closed",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":closed": "closed"},
    )
    tickets.on_mail(mail)
    (ticket,) = stored()
    assert ticket["status"] == "closed"


def test_mail_without_subject_or_text_still_becomes_a_ticket(tickets: ModuleType) -> None:
    tickets.on_mail(received_mail(b"From: jane@customer.example\r\n\r\n"))
    (ticket,) = stored()
    assert ticket["subject"] == "(no subject)"
    assert ticket["from"] == "jane@customer.example"


def test_any_other_table_error_is_raised(tickets: ModuleType) -> None:
    """Without its table the handler raises, so the mail ends up in the dead-letter queue."""
    boto3.client("dynamodb").delete_table(TableName="Tickets")
    with pytest.raises(Exception, match="not found"):
        tickets.on_mail(received_mail())


def test_an_answer_that_ses_throttled_is_sent_by_the_next_try(
    tickets: ModuleType, answers: list[EmailMessage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ticket exists then; a third delivery sends nothing more."""
    mail, reply = received_mail(), tickets.sender.reply

    def throttled(mail: object, **options: object) -> None:
        raise NotSent("not sent", code="TooManyRequestsException")

    monkeypatch.setattr(tickets.sender, "reply", throttled)
    with pytest.raises(NotSent):
        tickets.on_mail(mail)
    monkeypatch.setattr(tickets.sender, "reply", reply)
    for _ in range(2):
        tickets.on_mail(mail)
    assert len(answers) == len(stored()) == 1
