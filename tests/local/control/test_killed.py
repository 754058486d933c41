"""What a server that was killed had accepted is kept when the next one starts."""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest

from mailroom_local._journal import Journal
from mailroom_local.control import LocalAws, Server, State, killed

_SERVER = Server(
    pid=1,
    endpoint="http://127.0.0.1:1",
    smtp_port=1,
    submission_port=1,
    region="us-east-1",
    python="python",
    account="000000000000",
)


def accepted(state: State, message_id: str, *records: tuple[str, dict[str, Any]]) -> None:
    journal = Journal(state.journal)
    journal.keep(message_id, b"Subject: Help\r\n\r\nHelp\r\n")
    journal.write("accepted", message_id=message_id, mail_from="a@b.example", rcpt_tos=["c"])
    for kind, fields in records:
        journal.write(kind, message_id=message_id, **fields)


def action(**more: Any) -> tuple[str, dict[str, Any]]:
    return "action", {"rule": "R", "action": "Lambda", "outcome": "accepted", "ms": 1.0, **more}


@pytest.fixture
def state(tmp_path: Path) -> State:
    """The state directory of a server that recorded where it listens and never took it back."""
    made = State(tmp_path / "state")
    made.create()
    made.announce(_SERVER)
    return made


def test_mail_that_was_not_finished_is_kept_with_its_story_and_its_bytes(state: State) -> None:
    """A mail whose function had not ended, too."""
    accepted(state, "in-rules")
    accepted(state, "in-function", action(), ("finished", {}))
    accepted(state, "done", ("finished", {}))
    with pytest.warns(UserWarning, match="killed: 2 messages .* log --state .*state-killed"):
        killed.keep(state)
    aside = LocalAws(state=state.root.with_name("state-killed"))
    stories = {one.message_id: one.problems for one in aside.messages()}
    told = ["not finished, because the local AWS was killed"]
    assert stories == {"in-rules": told, "in-function": told, "done": []}
    assert aside.raw("in-rules").endswith(b"Help\r\n")
    assert aside.state.root.stat().st_mode & 0o777 == 0o700


def test_a_server_that_stopped_leaves_nothing_to_keep(state: State) -> None:
    accepted(state, "in-rules")
    server = state.server()
    assert server is not None
    state.retract(server.pid)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        killed.keep(state)
    assert not state.root.with_name("state-killed").exists()


def test_nothing_is_kept_of_a_server_that_had_finished_everything(state: State) -> None:
    accepted(state, "done", ("finished", {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        killed.keep(state)
    assert state.journal.exists()


def test_a_directory_of_somebody_else_is_not_touched(state: State) -> None:
    """Then nothing is started, so that nothing is lost."""
    accepted(state, "in-rules")
    other = state.root.with_name("state-killed")
    other.mkdir()
    (other / "precious").write_text("x")
    with pytest.raises(Exception, match="not a state directory"):
        killed.keep(state)
    assert state.journal.exists()


def test_stopping_does_not_hide_that_the_server_was_killed(state: State) -> None:
    """As at the end of a ``with`` block whose server is gone: the next start must learn of it."""
    aws = LocalAws(state=state.root)
    aws._process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    aws._process.kill()
    aws.stop()
    assert state.server() == _SERVER
