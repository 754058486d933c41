"""Tests of the newsletter's sending function, with SES stubbed."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from mailroom.sending import Sender

FOLDER = Path(__file__).parents[1] / "functions" / "sending"
ADA = {"address": "ada@example.net", "name": "Ada"}
BOB = {"address": "bob@example.net", "name": "Bob"}
EVE = {"address": "eve@example.net", "name": "Eve"}


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as Lambda imports it."""
    for name, value in {
        "FROM_ADDRESS": "news@example.com",
        "TEMPLATE": "Newsletter",
        "CONTACT_LIST": "Readers",
        "TOPIC": "Weekly",
        "MAILROOM_CONFIGURATION_SET": "Set",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.syspath_prepend(FOLDER)
    yield importlib.import_module("sending")
    sys.modules.pop("sending", None)


@pytest.fixture
def client(sending: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client that the sender uses."""
    client: Any = boto3.client("sesv2", config=Config(retries={"total_max_attempts": 1}))
    monkeypatch.setattr(sending, "sender", Sender(from_address="news@example.com", client=client))
    return client


@pytest.fixture
def ses(client: Any) -> Iterator[Stubber]:
    """SES with the responses that a test queues, in that order."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def expected(reader: dict[str, str]) -> dict[str, Any]:
    return {
        "FromEmailAddress": "news@example.com",
        "Destination": {"ToAddresses": [reader["address"]]},
        "Content": {
            "Template": {
                "TemplateName": "Newsletter",
                "TemplateData": json.dumps({"name": reader["name"], "issue": "47"}),
            }
        },
        "ConfigurationSetName": "Set",
        "EmailTags": [{"Name": "issue", "Value": "47"}],
        "ListManagementOptions": {"ContactListName": "Readers", "TopicName": "Weekly"},
    }


def test_each_reader_gets_a_separate_mail(sending: ModuleType, ses: Stubber) -> None:
    """It uses the configuration set, the contact list and the reader's data."""
    for number, reader in enumerate((ADA, BOB)):
        ses.add_response("send_email", {"MessageId": f"id-{number}"}, expected(reader))
    assert sending.handler({"issue": "47", "readers": [ADA, BOB]}, None) == {
        "sent": {"ada@example.net": "id-0", "bob@example.net": "id-1"},
        "failed": {},
        "unknown": [],
    }


def test_one_failure_does_not_stop_the_other_mails(sending: ModuleType, ses: Stubber) -> None:
    """The result says who was sent the mail and who was not, so that no one gets it twice."""
    ses.add_response("send_email", {"MessageId": "id-0"}, expected(ADA))
    ses.add_client_error(
        "send_email", "MessageRejected", http_status_code=400, expected_params=expected(BOB)
    )
    ses.add_response("send_email", {"MessageId": "id-2"}, expected(EVE))
    assert sending.handler({"issue": "47", "readers": [ADA, BOB, EVE]}, None) == {
        "sent": {"ada@example.net": "id-0", "eve@example.net": "id-2"},
        "failed": {"bob@example.net": "MessageRejected"},
        "unknown": [],
    }


def test_a_timeout_is_reported_as_an_unknown_outcome(
    sending: ModuleType, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail may be on its way, so it is neither sent again nor reported as failed."""

    def send_email(**_: object) -> object:
        raise ReadTimeoutError(endpoint_url="https://ses")

    monkeypatch.setattr(client, "send_email", send_email)
    assert sending.handler({"issue": "47", "readers": [ADA]}, None) == {
        "sent": {},
        "failed": {},
        "unknown": ["ada@example.net"],
    }
