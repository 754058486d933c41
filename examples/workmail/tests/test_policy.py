"""The outbound policy, with the settings that the stack gives it, and without AWS."""

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
    # Both keep their settings as long as the process lives.
    monkeypatch.setattr(block_sensitive, "_found", None)
    monkeypatch.setattr(disclaimer, "_words", None)
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


def test_what_leaves_has_the_disclaimer(policy: ModuleType) -> None:
    """Below the text; the mail itself is delivered as if there were no rule."""
    sent = mail("bob@customer.example")
    assert policy.on_flow(sent) is None
    assert body_of(sent).startswith("Hello\n\nThis message is confidential.")


def test_what_stays_inside_is_not_touched(policy: ModuleType) -> None:
    """Neither looked into nor changed, however the domain is spelled."""
    sent = mail("bob@example.com", "eve@EXAMPLE.com", text=f"{CARD}\n")
    assert policy.on_flow(sent) is None
    assert body_of(sent) == f"{CARD}\n"


def test_a_card_number_stays_inside(policy: ModuleType) -> None:
    """Those outside do not get it, colleagues do, and the sender learns why, not what."""
    sent = mail("bob@customer.example", "eve@example.com", text=f"Pay with {CARD}\n")
    answer = policy.on_flow(sent)
    assert answer.payload() == {
        "actions": [
            {
                "action": {
                    "type": "BOUNCE",
                    "parameters": {
                        "bounceMessage": "Not sent: card numbers stay in the house. (card number)"
                    },
                },
                "allRecipients": True,
            },
            {"action": {"type": "DEFAULT"}, "recipients": ["eve@example.com"]},
        ]
    }
    assert body_of(sent) == f"Pay with {CARD}\n"


@pytest.mark.parametrize("number", ["4111 1111 1111 1112", "2026-11-21", "0000000000000000"])
def test_other_numbers_pass(policy: ModuleType, number: str) -> None:
    """A card number has a check digit."""
    assert policy.on_flow(mail("bob@customer.example", text=f"{number}\n")) is None


def test_a_cut_list_of_recipients_may_name_somebody_outside(policy: ModuleType) -> None:
    """Whom WorkMail did not name is bounced; who is named and inside gets the mail."""
    answer = policy.on_flow(mail("eve@example.com", text=f"{CARD}\n", truncated=True))
    assert [action["action"]["type"] for action in answer.payload()["actions"]] == [
        "BOUNCE",
        "DEFAULT",
    ]
