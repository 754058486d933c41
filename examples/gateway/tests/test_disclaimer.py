"""The office relay's tests: its function, with built mail and without AWS."""

import importlib
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailroom.receiving import ReceivedMail
from mailroom.testing import gateway_mail, message

FUNCTIONS = Path(__file__).parents[1] / "functions"
DISCLAIMER = "Confidential."


@pytest.fixture
def disclaimer(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module as Lambda imports it."""
    monkeypatch.setenv("DISCLAIMER", DISCLAIMER)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.syspath_prepend(FUNCTIONS)
    yield importlib.import_module("disclaimer")
    sys.modules.pop("disclaimer", None)


@pytest.fixture
def sent(disclaimer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[EmailMessage]:
    """What the handler sends instead of the mail."""
    found: list[EmailMessage] = []

    def resend(mail: ReceivedMail, letter: EmailMessage) -> bool:
        found.append(letter)
        return True

    monkeypatch.setattr(disclaimer, "resend", resend)
    return found


def handled(disclaimer: ModuleType, mail: EmailMessage, **event: Any) -> None:
    disclaimer.on_mail(gateway_mail(mail, **event))


def test_a_copy_has_the_disclaimer_below_its_text(
    disclaimer: ModuleType, sent: list[EmailMessage]
) -> None:
    handled(disclaimer, message(text="Hello\n"))
    (letter,) = sent
    assert letter.get_content() == f"Hello\n\n\n{DISCLAIMER}\n"


def test_html_gets_the_disclaimer_inside_its_body(
    disclaimer: ModuleType, sent: list[EmailMessage]
) -> None:
    letter = message(text="Hello\n")
    letter.add_alternative("<html><body>Hello</body></html>\n", subtype="html")
    handled(disclaimer, letter)
    body = sent[0].get_body(("html",))
    assert body is not None
    assert body.get_content() == f"<html><body>Hello<p>{DISCLAIMER}</p>\n</body></html>\n"


def test_an_answer_that_quotes_the_disclaimer_gets_no_second_one(
    disclaimer: ModuleType, sent: list[EmailMessage]
) -> None:
    handled(disclaimer, message(text=f"Yes\n\n> Hello\n> {DISCLAIMER}\n"))
    assert sent[0].get_content().count(DISCLAIMER) == 1


def test_attachments_are_kept(disclaimer: ModuleType, sent: list[EmailMessage]) -> None:
    handled(disclaimer, message(text="Hello\n", attachments={"plan.pdf": b"%PDF"}))
    (attachment,) = sent[0].iter_attachments()
    assert attachment.get_content() == b"%PDF"


def test_signed_mail_is_sent_as_it_is(disclaimer: ModuleType, sent: list[EmailMessage]) -> None:
    letter = message(text="Hello\n")
    letter.make_mixed()
    letter.set_type("multipart/signed")
    handled(disclaimer, letter)
    assert DISCLAIMER.encode() not in sent[0].as_bytes()


def test_a_copy_that_came_back_is_a_failure(
    disclaimer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the mail would be lost, as the rule drops it."""
    monkeypatch.setattr(disclaimer, "resend", lambda mail, letter: False)
    with pytest.raises(RuntimeError, match="loop"):
        handled(disclaimer, message())
