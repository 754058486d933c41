"""The code of docs/gateway-handlers.md runs."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailroom.handlers import _mail
from mailroom.receiving import Disposition
from mailroom.testing import gateway_mail, message
from runtime.gateway.mail_manager_stub import Stub, refusal

DOCS = Path(__file__).parents[3] / "docs" / "gateway-handlers.md"


def documented(name: str) -> ModuleType:
    """Return the module that the docs show under a name."""
    pattern = rf"<!-- test: {name} -->\n```python\n(.*?)```"
    (code,) = re.findall(pattern, DOCS.read_text(), re.DOTALL)
    module = ModuleType(name)
    exec(compile(code, f"{DOCS.name}: {name}", "exec"), module.__dict__)
    return module


def test_the_documented_test_passes() -> None:
    documented("builders").test_mail_without_a_signature_is_stopped()


def test_the_documented_copy_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    monkeypatch.setattr(_mail, "send", lambda data, *_: sent.append(data))
    answer = documented("copy").on_mail(gateway_mail(message(text="Hello\n")))
    assert answer is Disposition.STOP_RULE_SET
    copy: Any = message_from_bytes(sent[0], policy=policy.default)
    assert copy.get_content().split() == ["Hello", "Example", "Ltd.,", "London"]


def test_the_documented_search_finds(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("MAILROOM_ARCHIVES", '{"Archive": "a-123"}')
    module = documented("search")
    stub = Stub(
        start_archive_search={"SearchId": "s-1"},
        get_archive_search={"Status": {"State": "COMPLETED"}},
        get_archive_search_results={"Rows": [{"ArchivedMessageId": "m-1", "Subject": "Hi"}]},
        get_archive_message_content={"Body": {"Text": "Hello"}},
    )
    monkeypatch.setattr(module, "archive", module.Archive(**stub.options))
    module.on_mail(gateway_mail())
    assert capsys.readouterr().out == "None Hi Hello\n"


def test_the_documented_list_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_ADDRESS_LISTS", '{"Blocked": "al-1", "Guests": "al-2"}')
    module = documented("list")
    stub = Stub(get_member_of_address_list=refusal("ResourceNotFoundException"))
    monkeypatch.setattr(module, "blocked", module.AddressList("Blocked", **stub.options))
    module.on_mail(gateway_mail(message(from_="bad@example.org"), dmarc="FAIL"))
    assert stub.made[-1] == (
        "register_member_to_address_list",
        {"AddressListId": "al-1", "Address": "bad@example.org"},
    )
