"""Tests of the outbound policy with the stack's settings; no AWS needed."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from mailroom.handlers.workmail import block_sensitive, disclaimer
from mailroom.testing import flow_mail, message
from mailroom.workmail import FlowMail

FOLDER = Path(__file__).parents[1]
CARD = "4111 1111 1111 1111"


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module as Lambda imports it."""
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.syspath_prepend(FOLDER / "functions")
    handler = importlib.import_module("compliance").OutboundPolicy(domain="example.com")
    monkeypatch.setenv("MAILROOM_FLOW_SETTINGS", json.dumps(handler.settings))
    monkeypatch.setenv("DOMAIN", "example.com")
    # Both cache their settings for the life of the process.
    monkeypatch.setattr(block_sensitive, "_found", None)
    monkeypatch.setattr(disclaimer, "_found", None)
    yield importlib.import_module("policy")
    for name in ("policy", "compliance"):
        sys.modules.pop(name, None)


def mail(*recipients: str, text: str = "Hello\n", truncated: bool = False) -> FlowMail:
    return flow_mail(
        message(from_="jane@example.com", text=text),
        direction="OUTBOUND",
        source="jane@example.com",
        recipients=recipients,
        truncated=truncated,
    )


def body_of(mail: FlowMail) -> str:
    return str(mail.read().get_content()).replace("\r\n", "\n")


def test_mail_to_an_outside_recipient_gets_the_disclaimer(policy: ModuleType) -> None:
    """It is added below the text; the mail is then delivered as usual."""
    sent = mail("bob@customer.example")
    assert policy.on_flow(sent) is None
    assert body_of(sent).startswith("Hello\n\nThis message is confidential.")


def test_internal_mail_is_left_alone(policy: ModuleType) -> None:
    """It is neither inspected nor changed, whatever the case of the domain."""
    sent = mail("bob@example.com", "eve@EXAMPLE.com", text=f"{CARD}\n")
    assert policy.on_flow(sent) is None
    assert body_of(sent) == f"{CARD}\n"


def test_mail_with_a_card_number_bounces_for_outside_recipients_only(policy: ModuleType) -> None:
    """The bounce gives the reason, but does not repeat the number."""
    sent = mail("bob@customer.example", "eve@example.com", text=f"Pay with {CARD}\n")
    answer = policy.on_flow(sent)
    assert answer.payload() == {
        "actions": [
            {
                "action": {
                    "type": "BOUNCE",
                    "parameters": {
                        "bounceMessage": "Not sent: card numbers must not leave the company. "
                        "(card number)"
                    },
                },
                "allRecipients": True,
            },
            {"action": {"type": "DEFAULT"}, "recipients": ["eve@example.com"]},
        ]
    }
    assert body_of(sent) == f"Pay with {CARD}\n"


@pytest.mark.parametrize("number", ["4111 1111 1111 1112", "2026-11-21", "0000000000000000"])
def test_numbers_that_fail_the_check_digit_are_not_blocked(policy: ModuleType, number: str) -> None:
    assert policy.on_flow(mail("bob@customer.example", text=f"{number}\n")) is None


def test_a_truncated_recipient_list_is_assumed_to_include_someone_outside(
    policy: ModuleType,
) -> None:
    """The mail bounces for unlisted recipients; listed recipients inside still get it."""
    answer = policy.on_flow(mail("eve@example.com", text=f"{CARD}\n", truncated=True))
    assert [action["action"]["type"] for action in answer.payload()["actions"]] == [
        "BOUNCE",
        "DEFAULT",
    ]
