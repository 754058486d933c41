"""The office relay's tests: its function, with built mail and without AWS."""

import importlib
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailroom.testing import gateway_mail, message

FUNCTIONS = Path(__file__).parents[1] / "functions"
DISCLAIMER = "Confidential."


@pytest.fixture
def disclaimer(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module as Lambda imports it."""
    monkeypatch.setenv("DISCLAIMER", DISCLAIMER)
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "Outbound")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.syspath_prepend(FUNCTIONS)
    yield importlib.import_module("disclaimer")
    sys.modules.pop("disclaimer", None)


@pytest.fixture
def sent(
    disclaimer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[EmailMessage, list[str]]]:
    """What the handler sends, and to whom."""
    found: list[tuple[EmailMessage, list[str]]] = []

    def send(letter: EmailMessage, *, recipients: list[str]) -> None:
        found.append((letter, recipients))

    monkeypatch.setattr(disclaimer.sender, "send", send)
    return found


def handled(disclaimer: ModuleType, mail: EmailMessage, **event: Any) -> None:
    disclaimer.on_mail(gateway_mail(mail, **event))


def test_a_copy_with_the_disclaimer_goes_to_the_recipients(
    disclaimer: ModuleType, sent: list[tuple[EmailMessage, list[str]]]
) -> None:
    handled(disclaimer, message(text="Hello\n"), recipients=["jane@customer.example"])
    ((letter, recipients),) = sent
    assert recipients == ["jane@customer.example"]
    assert letter.get_content() == f"Hello\n\n\n{DISCLAIMER}\n"


def test_html_gets_the_disclaimer_inside_its_body(
    disclaimer: ModuleType, sent: list[tuple[EmailMessage, list[str]]]
) -> None:
    letter = message(text="Hello\n")
    letter.add_alternative("<html><body>Hello</body></html>\n", subtype="html")
    handled(disclaimer, letter)
    body = sent[0][0].get_body(("html",))
    assert body is not None
    assert body.get_content() == f"<html><body>Hello<p>{DISCLAIMER}</p>\n</body></html>\n"


def test_an_answer_that_quotes_the_disclaimer_gets_no_second_one(
    disclaimer: ModuleType, sent: list[tuple[EmailMessage, list[str]]]
) -> None:
    handled(disclaimer, message(text=f"Yes\n\n> Hello\n> {DISCLAIMER}\n"))
    assert sent[0][0].get_content().count(DISCLAIMER) == 1


def test_attachments_are_kept(
    disclaimer: ModuleType, sent: list[tuple[EmailMessage, list[str]]]
) -> None:
    handled(disclaimer, message(text="Hello\n", attachments={"plan.pdf": b"%PDF"}))
    (attachment,) = sent[0][0].iter_attachments()
    assert attachment.get_content() == b"%PDF"


def test_signed_mail_is_sent_as_it_is(
    disclaimer: ModuleType, sent: list[tuple[EmailMessage, list[str]]]
) -> None:
    letter = message(text="Hello\n")
    letter.make_mixed()
    letter.set_type("multipart/signed")
    handled(disclaimer, letter)
    assert DISCLAIMER.encode() not in sent[0][0].as_bytes()


def test_a_letter_that_was_sent_before_is_not_sent_again(
    disclaimer: ModuleType, sent: list[tuple[EmailMessage, list[str]]]
) -> None:
    mail = gateway_mail(message(text="Hello\n"))
    disclaimer.on_mail(mail)
    disclaimer.on_mail(mail)
    assert len(sent) == 1
