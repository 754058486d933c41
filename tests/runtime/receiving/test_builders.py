"""The builders for users' own tests give exactly what AWS documents."""

from __future__ import annotations

import json
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailroom import errors, testing
from mailroom.entry import receiving
from mailroom.receiving import Disposition, ReceivedMail
from mailroom.testing import MemoryStore, message, received_mail, received_mail_event

PAYLOADS = Path(__file__).parents[2] / "payloads"


def shape(value: Any) -> Any:
    """Reduce *value* to its keys and types; a list to the set of its elements' shapes."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(inner), sort_keys=True) for inner in value})
    return type(value).__name__


def documented(name: str) -> Any:
    """Return the shape of one of AWS's events."""
    return shape(json.loads((PAYLOADS / f"{name}.json").read_text()))


@pytest.mark.parametrize(
    ("name", "built"),
    [
        ("received_mail", received_mail_event(dmarc=None)),
        ("received_mail_verdicts", received_mail_event(dmarc="FAIL", dmarc_policy="reject")),
    ],
)
def test_the_event_has_exactly_the_documented_shape(name: str, built: dict[str, Any]) -> None:
    """Same keys, same types, at every depth, with and without what AWS calls optional."""
    assert shape(built) == documented(name)


def test_the_event_is_json() -> None:
    """Lambda gets JSON, so the builder gives nothing that JSON would change."""
    built = received_mail_event()
    assert json.loads(json.dumps(built)) == built


@pytest.mark.parametrize(
    ("arguments", "attribute", "expected"),
    [
        ({"message_id": "abc"}, "message_id", "abc"),
        ({}, "source", "jane@example.com"),
        ({"source": ""}, "source", ""),
        ({"source": "b@example.org"}, "return_path", "b@example.org"),
        ({"recipients": ["a@example.com"]}, "recipients", ["a@example.com"]),
        ({"recipients": ["a@example.com"]}, "destination", ["a@example.com"]),
        ({"destination": ["b@example.com"]}, "destination", ["b@example.com"]),
        ({"destination": ["b@example.com"]}, "recipients", ["support@example.com"]),
        ({"dmarc_policy": "reject"}, "dmarc_policy", "reject"),
        ({"synchronous": True}, "synchronous", True),
        ({}, "synchronous", False),
        ({"headers_truncated": True}, "headers_truncated", True),
        ({"already_handled": True}, "already_handled", True),
        ({}, "already_handled", False),
    ],
)
def test_each_argument_is_what_the_handler_sees(
    arguments: dict[str, Any], attribute: str, expected: object
) -> None:
    """An argument sets its attribute, and a default is what its docstring says."""
    assert getattr(received_mail(**arguments), attribute) == expected


@pytest.mark.parametrize("check", ["spam", "virus", "spf", "dkim", "dmarc"])
@pytest.mark.parametrize("status", ["FAIL", "GRAY", None])
def test_each_verdict_can_be_set_or_left_out(check: str, status: str | None) -> None:
    """Each verdict can be set, or left out altogether as SES does at times; the others pass."""
    arguments: dict[str, Any] = {check: status}
    mail = received_mail(**arguments)
    assert getattr(mail, check).status == status
    assert (f"{check}Verdict" in mail.raw["receipt"]) is (status is not None)
    others = {"spam", "virus", "spf", "dkim", "dmarc"} - {check}
    assert all(getattr(mail, name).passed for name in others)


def test_headers_come_from_the_content() -> None:
    """Fields and common headers are taken from the message, which is decoded as SES does."""
    mail = received_mail(
        message(
            from_="Zoë <zoe@example.com>",
            to="a@example.com, B <b@example.com>",
            subject="Grüße",
            headers={"Cc": "c@example.com", "Reply-To": "d@example.com", "X-Tag": "1"},
        )
    )
    assert mail.from_ == ["Zoë <zoe@example.com>"]
    assert mail.to == ["a@example.com", "B <b@example.com>"]
    assert (mail.cc, mail.reply_to) == (["c@example.com"], ["d@example.com"])
    assert (mail.subject, mail.headers["x-tag"]) == ("Grüße", "1")
    assert mail.date == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert mail.header_message_id == "<0123456789@example.com>"


def test_a_header_argument_replaces_the_default() -> None:
    """``headers`` replaces a field that the message has already, and does not repeat it."""
    assert (
        received_mail(message(headers={"Date": "Sat, 03 Jan 2026 00:00:00 +0000"}))
        .headers["Date"]
        .startswith("Sat")
    )
    assert message(headers={"Subject": "b"}).get_all("Subject") == ["b"]


def test_the_event_lacks_what_the_message_lacks() -> None:
    """A message without subject gives an event without it, as SES does."""
    mail = received_mail(message(subject=None))
    assert mail.subject is None
    assert "subject" not in mail.common_headers
    bare = received_mail(b"\r\nno header at all\r\n")
    assert (bare.from_, bare.to, bare.date, bare.source) == ([], [], None, "")


def test_read_gives_back_the_content() -> None:
    """`read` and `open` give what was handed in: bytes as they are, attachments included."""
    data = b"From: a@example.com\nSUBJECT:   x\r\n\r\nbody\n"  # no writer would make this
    mail = received_mail(data)
    with mail.open() as stream:
        assert stream.read() == data
    assert mail.read()["Subject"] == "x"
    content = received_mail(message(text="Hi\n", attachments={"a.bin": b"\0"})).read()
    body = content.get_body()
    assert body is not None
    assert body.get_content() == "Hi\r\n", "line ends are those of the wire, as in the bucket"
    (part,) = content.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("a.bin", b"\0")


def test_a_parsed_message_is_accepted_too() -> None:
    """A message parsed from a file is content like one that was built."""
    parsed = BytesParser(policy=policy.default).parsebytes(message(subject="x").as_bytes())
    assert received_mail(parsed).subject == "x"


def test_the_event_suits_the_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A built event passes through the real entry point."""
    for name in ("MAILROOM_BUCKET", "MAILROOM_FAILURE_QUEUE", "MAILROOM_ON_ERROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(receiving, "_settings", None)
    module = ModuleType("user_app")
    module.on_mail = _stop_spam  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "user_app", module)
    monkeypatch.setenv("MAILROOM_HANDLER", "user_app:on_mail")
    event = received_mail_event(spam="FAIL", synchronous=True)
    assert receiving.handler(event) == {"disposition": "STOP_RULE_SET"}


def _stop_spam(mail: ReceivedMail) -> Disposition | None:
    return Disposition.STOP_RULE_SET if mail.spam.failed else None


def test_the_store_behaves_as_the_bucket_does() -> None:
    """An unknown id raises what the bucket raises; marks are remembered."""
    store = MemoryStore({"a": b"x"})
    assert store.open("a").read() == b"x"
    with pytest.raises(errors.MessageNotStored, match="'b'"):
        store.open("b")
    assert not store.was_handled("a")
    store.mark_handled("a")
    assert store.was_handled("a")


def test_every_exported_name_exists() -> None:
    """``__all__`` names what is there, each once, in the builders and in the capability."""
    for module in (testing, receiving, errors):
        assert all(hasattr(module, name) for name in module.__all__)
        assert len(set(module.__all__)) == len(module.__all__)
