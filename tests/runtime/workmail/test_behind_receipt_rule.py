"""One function decides behind WorkMail's rule and behind a receipt rule of SES."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import mailroom
from mailroom.entry import receiving, workmail
from mailroom.errors import InvalidAnswer
from mailroom.handlers.workmail.receipt_rule import NotMapped, behind_receipt_rule, flow_mail
from mailroom.receiving import Disposition
from mailroom.testing import message, received_mail, received_mail_event
from mailroom.workmail import NotReplaceable
from runtime.workmail.flow_events import flow_event


def policy(mail):
    """Decide as a user's function would."""
    if mail.sender and mail.sender.endswith("@spam.example"):
        return mail.answer().drop()
    return None


@pytest.mark.parametrize(
    ("sender", "kind", "disposition"),
    [
        ("a@spam.example", "DROP", "STOP_RULE_SET"),
        ("jane@example.com", "DEFAULT", "CONTINUE"),
    ],
)
def test_the_same_function_works_behind_both(monkeypatch, sender, kind, disposition):
    """Through both entry points, as Lambda calls them."""
    code = ModuleType("own_code")
    code.on_flow = policy
    code.on_mail = behind_receipt_rule(policy)
    monkeypatch.setitem(sys.modules, "own_code", code)
    monkeypatch.setattr(workmail, "_settings", None)
    monkeypatch.setattr(receiving, "_settings", None)

    monkeypatch.setenv("MAILROOM_FLOW_HANDLER", "own_code:on_flow")
    answer = workmail.handler(flow_event(sender=sender))
    assert answer["actions"] == [{"action": {"type": kind}, "allRecipients": True}]

    monkeypatch.setenv("MAILROOM_HANDLER", "own_code:on_mail")
    event = received_mail_event(message(from_=f"Somebody <{sender}>"), synchronous=True)
    assert receiving.handler(event) == {"disposition": disposition}


APP = """
from mailroom.handlers.workmail.receipt_rule import behind_receipt_rule
on_mail = behind_receipt_rule(lambda mail: on_flow(mail))

def on_flow(mail):
    return mail.answer().drop()
"""


@pytest.mark.parametrize(
    ("entry", "setting", "name"),
    [
        ("mailroom.entry.receiving", "MAILROOM_HANDLER", "on_mail"),
        ("mailroom.entry.workmail", "MAILROOM_FLOW_HANDLER", "on_flow"),
    ],
)
def test_one_folder_can_serve_both(tmp_path, entry, setting, name):
    """While Lambda imports the one side, the folder may import the other."""
    (tmp_path / "app.py").write_text(APP)
    program = f"import {entry} as entry; print(entry._settings.function.__qualname__)"
    paths = [str(tmp_path), str(Path(mailroom.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, setting: f"app:{name}", "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert name in done.stdout, done.stderr


def test_both_see_the_same_mail():
    """The view is the same as with WorkMail's event."""
    received = received_mail(
        message(from_="Jane <jane@example.com>", subject="x" * 300), source="bounce@example.org"
    )
    mail = flow_mail(received)
    assert (mail.source, mail.sender) == ("bounce@example.org", "jane@example.com")
    assert mail.recipients == received.recipients
    assert mail.subject == "x" * 256
    assert mail.message_id == mail.invocation_id == received.message_id
    assert (mail.direction, mail.truncated) == ("INBOUND", False)
    assert mail.read()["Subject"] == "x" * 300


def test_only_the_first_author_is_the_sender():
    """A second one, whom nobody sees in a mail program, does not decide."""
    mail = received_mail(
        b"From: Undisclosed <>, boss@example.com\r\n\r\nText", source="a@b.example"
    )
    assert flow_mail(mail).sender is None


def test_bouncing_takes_a_bounce_action():
    """The rule's own, which comes next; what is not bounced skips it."""
    bounce = behind_receipt_rule(
        lambda mail: mail.answer().bounce("no"), bounce_action_follows=True
    )
    assert bounce(received_mail()) is Disposition.CONTINUE
    keep = behind_receipt_rule(lambda mail: None, bounce_action_follows=True)
    assert keep(received_mail()) is Disposition.STOP_RULE
    with pytest.raises(NotMapped, match="bounce_action_follows=True"):
        behind_receipt_rule(lambda mail: mail.answer().bounce("no"))(received_mail())


@pytest.mark.parametrize(
    "answer",
    [
        lambda mail: mail.answer().move_to_junk(),
        lambda mail: mail.answer().bypass_spam_check(),
        lambda mail: mail.answer().default().deliver_also(["other@example.com"]),
        lambda mail: mail.answer().default().drop(recipients=mail.recipients[:1]),
    ],
)
def test_answers_without_a_disposition_raise(answer):
    """It is said, not guessed."""
    with pytest.raises(NotMapped):
        behind_receipt_rule(answer)(received_mail(recipients=["a@example.com", "b@example.com"]))


def test_a_message_is_not_replaced():
    """A receipt rule passes it on as it came."""

    def on_flow(mail):
        mail.replace(b"Subject: other\r\n\r\nText\r\n")

    with pytest.raises(NotReplaceable, match="cannot change a message"):
        behind_receipt_rule(on_flow)(received_mail())


def test_a_missing_return_is_an_error_behind_a_receipt_rule_too():
    """What WorkMail would not get does not pass here."""

    def on_flow(mail):
        mail.answer().drop()

    with pytest.raises(InvalidAnswer, match="did not return"):
        behind_receipt_rule(on_flow)(received_mail())
