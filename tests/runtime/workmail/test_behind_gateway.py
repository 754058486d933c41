"""One function decides behind WorkMail's rule and behind a rule of Mail Manager."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailroom.errors import NotConfigured
from mailroom.handlers import _mail
from mailroom.handlers.workmail.gateway_rule import behind_gateway
from mailroom.handlers.workmail.receipt_rule import NotMapped
from mailroom.receiving import Disposition, ReceivedMail
from mailroom.testing import gateway_mail, gateway_mail_event, message

DOCS = Path(__file__).parents[3] / "docs" / "leaving-workmail.md"


def documented(name: str) -> ModuleType:
    """Return the module that the docs show under a name."""
    pattern = rf"<!-- test: {name} -->\n```python\n(.*?)```"
    (code,) = re.findall(pattern, DOCS.read_text(), re.DOTALL)
    module = ModuleType(name)
    exec(compile(code, f"{DOCS.name}: {name}", "exec"), module.__dict__)
    return module


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, list[str]]]:
    """What SES got: each message, and its recipients."""
    found: list[tuple[Any, list[str]]] = []
    monkeypatch.setenv("MAILROOM_RULE", "Office")

    def send(data: bytes, recipients: list[str], configuration_set: str | None) -> None:
        found.append((message_from_bytes(data, policy=policy.default), recipients))

    monkeypatch.setattr(_mail, "send", send)
    return found


@pytest.mark.parametrize(
    ("sender", "subject", "disposition"),
    [
        ("a@spam.example", "Hello", Disposition.STOP_RULE_SET),
        ("ann@example.org", "Your invoice", Disposition.CONTINUE),
        ("ann@example.org", "Hello", Disposition.STOP_RULE),
    ],
)
def test_the_documented_decision_drops_bounces_and_delivers(
    sender: str, subject: str, disposition: Disposition
) -> None:
    """The actions Bounce and Drop follow in the rule."""
    on_mail = documented("decide").on_mail
    mail = gateway_mail(message(from_=sender, subject=subject), synchronous=True)
    assert on_mail(mail) is disposition


def test_the_documented_disclaimer_is_below_a_copy_and_the_original_is_stopped(
    sent: list[tuple[Any, list[str]]],
) -> None:
    module = documented("change")
    mail = gateway_mail(
        message(from_="ann@example.com", to="bob@example.org", attachments={"a.txt": b"x"}),
        recipients=["bob@example.org", "hidden@example.org"],
    )
    assert module.on_mail(mail) is Disposition.STOP_RULE_SET
    ((copy, recipients),) = sent
    assert recipients == ["bob@example.org", "hidden@example.org"]
    assert copy.get_body(("plain",)).get_content().split("\n\n")[1].strip() == module.DISCLAIMER
    assert [one.get_filename() for one in copy.iter_attachments()] == ["a.txt"]
    assert copy["From"] == "ann@example.com"


def test_the_documented_disclaimer_is_added_once(sent: list[tuple[Any, list[str]]]) -> None:
    """Neither to a copy that comes back, nor when the mail is delivered again."""
    on_mail = documented("change").on_mail
    mail = gateway_mail(message(from_="ann@example.com"))
    assert on_mail(mail) is on_mail(mail) is Disposition.STOP_RULE_SET
    ((copy, _),) = sent
    again = gateway_mail(copy.as_bytes(), message_id="another")
    assert on_mail(again) is Disposition.CONTINUE
    assert len(sent) == 1


def test_a_function_that_replaces_and_drops_sends_nothing(sent: list[Any]) -> None:
    def on_flow(mail):
        mail.replace(b"Subject: other\r\n\r\nText\r\n")
        return mail.answer().drop()

    assert behind_gateway(on_flow)(gateway_mail()) is Disposition.STOP_RULE_SET
    assert sent == []


def test_an_outbound_rule_sees_the_direction() -> None:
    seen = []
    behind_gateway(lambda mail: seen.append(mail.direction), outbound=True)(gateway_mail())
    behind_gateway(lambda mail: seen.append(mail.direction))(gateway_mail())
    assert seen == ["OUTBOUND", "INBOUND"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda mail: mail.answer().bounce("no"),
        lambda mail: mail.answer().move_to_junk(),
        lambda mail: mail.answer().default().deliver_also(["other@example.com"]),
    ],
)
def test_what_mail_manager_cannot_do_is_said_and_not_guessed(answer: Any) -> None:
    with pytest.raises(NotMapped):
        behind_gateway(answer)(gateway_mail())


def test_a_copy_is_not_sent_without_the_marks_that_make_it_one(sent: list[Any]) -> None:
    """The handler was declared without remember_handled=True."""

    def on_flow(mail):
        mail.replace(b"Subject: other\r\n\r\nText\r\n")

    with pytest.raises(NotConfigured):
        behind_gateway(on_flow)(ReceivedMail(gateway_mail_event(bare=True)))
    assert sent == []
