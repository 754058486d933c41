"""`mailroom show`: a message, received or sent; and what is left of messages by `down`."""

import io
import sys
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import LocalAws

Run = Callable[..., tuple[int, str, str]]


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Jürgen <juergen@example.net>"
    message["To"] = "support@example.com"
    message["Subject"] = "Grüße"
    message["X-Mailer"] = "Test"
    message.set_content("Hello,\n\nthe printer burns.\n")
    message.add_alternative("<p>Hello</p>", subtype="html")
    message.add_attachment(b"\x00\xff", maintype="image", subtype="png", filename="../fire.png")
    message.add_attachment(b"1,2\n", maintype="text", subtype="csv", filename="fire.png")
    return message


@pytest.fixture(scope="module")
def ids(local_aws: LocalAws) -> tuple[str, str]:
    """The ids of a received message, which no rule stores, and of a sent one."""
    ses = local_aws.client("ses")
    ses.create_receipt_rule_set(RuleSetName="stores-nothing")
    rule = {
        "Name": "stops",
        "Enabled": True,
        "Recipients": ["support@example.com"],
        "Actions": [{"StopAction": {"Scope": "RuleSet"}}],
    }
    ses.create_receipt_rule(RuleSetName="stores-nothing", Rule=rule)
    ses.set_active_receipt_rule_set(RuleSetName="stores-nothing")
    envelope: Any = {"mail_from": "juergen@example.net", "rcpt_tos": ["support@example.com"]}
    received = local_aws.send(letter(), **envelope).message_id
    ses.set_active_receipt_rule_set()
    local_aws.verify_identity("example.net")
    return received, local_aws.submit(letter(), **envelope).message_id


@pytest.fixture
def show(mailroom: Run, local_aws: LocalAws) -> Run:
    return lambda *arguments: mailroom("show", *arguments, "--state", str(local_aws.state.root))


@pytest.mark.parametrize("which", [0, 1], ids=["received", "sent"])
def test_a_message_is_shown_as_mail_programs_show_it(
    show: Run, ids: tuple[str, str], which: int
) -> None:
    status, printed, _ = show(ids[which][:30])
    assert status == 0
    assert "Subject: Grüße\n" in printed
    assert "From: Jürgen <juergen@example.net>\n" in printed
    assert "X-Mailer" not in printed
    assert "\nHello,\n\nthe printer burns.\n\n" in printed
    assert printed.endswith(
        "attachment: ../fire.png  image/png  2 bytes\nattachment: fire.png  text/csv  4 bytes\n"
    )


def test_headers_and_html_can_be_shown_instead(show: Run, ids: tuple[str, str]) -> None:
    headers = show(ids[0], "--headers")[1]
    assert "X-Mailer: Test\n" in headers
    assert "printer" not in headers
    assert "\n<p>Hello</p>\n" in show(ids[0], "--html")[1]


def test_a_pipe_gets_the_message_byte_for_byte(
    show: Run, ids: tuple[str, str], local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", pipe)
    show(ids[1], "--raw")
    raw = pipe.buffer.getvalue()  # type: ignore[attr-defined]
    (sent,) = [each for each in local_aws.sent() if each["MessageId"] == ids[1]]
    assert raw == sent["Raw"] == local_aws.raw(ids[1])
    assert b"\r\n" in raw


def test_attachments_are_saved_under_safe_names_and_replace_nothing(
    show: Run, ids: tuple[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "saved"
    status, printed, _ = show(ids[0], "--save-attachments", str(folder))
    assert status == 0
    saved = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert saved == {"fire.png": b"\x00\xff", "fire-2.png": b"1,2\n"}
    assert f"{folder}/fire.png  2 bytes\n" in printed
    assert "File exists" in show(ids[0], "--save-attachments", str(folder))[2]


def test_what_is_kept_of_messages_is_private(ids: tuple[str, str], local_aws: LocalAws) -> None:
    folder = local_aws.state.root / "messages"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_an_unknown_message_is_status_1(show: Run) -> None:
    status, _, said = show("UPPER")
    assert status == 1
    assert "0 messages have an id that begins with 'UPPER'" in said


def test_down_keeps_nothing_unless_told_to_and_says_so(mailroom: Run, tmp_path: Path) -> None:
    from mailroom_local.control import State

    state = State(tmp_path / "state")
    state.create()
    state.journal.touch()
    arguments = ("down", "--state", str(state.root))
    kept = mailroom(*arguments, "--keep")[1]
    assert f"kept {state.root}: `mailroom log` and `mailroom show` still read it" in kept
    assert state.journal.exists()
    assert f"deleted {state.root} with all messages and logs" in mailroom(*arguments)[1]
    assert not state.root.exists()
