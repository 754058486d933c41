"""The index of the journal: read as it grows, and not before somebody asks."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from mailroom_local._journal import Journal
from mailroom_local.page.index import Index
from mailroom_local.page.messages import Reader
from mailroom_local.page.search import Search
from mailroom_local.page.story import Teller

Indexed = tuple[Journal, Index]
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:on-mail"


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Indexed]:
    index = Index(tmp_path / "journal.jsonl", client=_nobody)
    yield Journal(tmp_path / "journal.jsonl"), index
    index.close()


def _nobody(service: str, arn: str) -> Any:
    raise AssertionError(f"{service} was asked about {arn}")


def accept(journal: Journal, key: str, **fields: Any) -> None:
    given = {"mail_from": "a@b.example", "rcpt_tos": ["c@example.com"], "subject": "Hi", **fields}
    journal.write("accepted", message_id=key, **given)


def call(journal: Journal, key: str, **fields: Any) -> None:
    journal.write(
        "call",
        message_id=key,
        **{
            "function": FUNCTION,
            "event": None,
            "queue": None,
            "receives": None,
            "kept_in": None,
            "output": [],
            "omitted": 0,
            "traceback": [],
            "rule": "r",
            "outcome": "handled",
            "ms": 1.0,
            "error": None,
            "detail": "",
            "place": "",
            **fields,
        },
    )


def action(journal: Journal, key: str) -> None:
    detail = {"functionArn": FUNCTION}
    journal.write(
        "action",
        message_id=key,
        rule="r",
        action="Lambda",
        outcome="accepted",
        ms=1.0,
        detail=detail,
    )


def test_nothing_is_read_before_somebody_asks(indexed: Indexed) -> None:
    """So that mail is not slower for a page that nobody looks at."""
    journal, index = indexed
    before = threading.active_count()
    accept(journal, "m")
    search = Search(index)
    assert threading.active_count() == before
    assert index.entries == []
    assert index.get("m") is not None
    search.close()


def test_a_call_finds_its_action_whichever_is_written_first(indexed: Indexed) -> None:
    journal, index = indexed
    for key, first, second in (("early", call, action), ("late", action, call)):
        accept(journal, key)
        first(journal, key)
        index.catch_up()
        second(journal, key)
        index.catch_up()
        entry = index.get(key)
        assert entry is not None
        assert [one.outcome for one in entry.record.actions[0].handler] == ["handled"]
        assert entry.record.calls == []


def test_a_line_that_is_still_being_written_is_read_later(indexed: Indexed, tmp_path: Path) -> None:
    journal, index = indexed
    accept(journal, "one")
    record = {"type": "accepted", "at": datetime.now(UTC).isoformat(), "message_id": "two"}
    line = json.dumps(record) + "\n"
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write(line[:20])
        file.flush()
        assert index.get("two") is None
        file.write(line[20:])
        file.flush()
        assert index.get("two") is not None
    assert [entry.key for entry in index.entries] == ["one", "two"]


def test_refusals_are_numbered(indexed: Indexed) -> None:
    journal, index = indexed
    for reply in ("550 no", "530 TLS"):
        journal.refused(mail_from="a@b.example", rcpt_tos=["c@d.example"], reply=reply, reason="x")
    found = index.get("refused-2")
    assert found is not None
    assert found.record.refused == "530 TLS"


def test_each_change_is_told_once(indexed: Indexed) -> None:
    journal, index = indexed
    told: list[int] = []
    end = index.listen(lambda: told.append(index.version))
    accept(journal, "m")
    index.catch_up()
    index.catch_up()
    before = index.version
    assert [entry.key for entry in index.changed_since(0)] == ["m"]
    journal.write("finished", message_id="m", stopped_by=None, ms=1.0)
    index.catch_up()
    assert [entry.key for entry in index.changed_since(before)] == ["m"]
    assert index.changed_since(index.version) == []
    end()
    accept(journal, "n")
    index.catch_up()
    assert told[-1] < index.version


def test_counts_follow_what_happens(indexed: Indexed) -> None:
    journal, index = indexed
    accept(journal, "m")
    index.catch_up()
    assert index.tally.counts()["failed"] == {"total": 0, "unread": 0}
    action(journal, "m")
    call(journal, "m", outcome="failed", error="KeyError", kept_in="http://x/dead")
    index.mark(["m"], unread=False)
    index.catch_up()
    assert index.tally.counts()["failed"] == {"total": 1, "unread": 0}
    assert index.tally.counts()["all"] == {"total": 1, "unread": 0}
    assert index.tally.filters()["outcomes"] == ["accepted", "failed"]


def test_many_messages_are_listed_and_found_at_once(indexed: Indexed, tmp_path: Path) -> None:
    """2,000 of them here: each request takes milliseconds, far from the second it is given."""
    _, index = indexed
    record = {"type": "accepted", "at": datetime.now(UTC).isoformat(), "rcpt_tos": ["c@d.example"]}
    lines = [
        json.dumps({**record, "message_id": f"m{n}", "subject": f"Question {n}"})
        for n in range(2_000)
    ]
    (tmp_path / "journal.jsonl").write_text("\n".join([*lines, ""]))
    search, nobody = Search(index), cast("Any", None)
    reader = Reader(index, search, Teller(index, nobody))
    assert reader.page({})["total"] == 2_000
    started = time.thread_time()
    assert reader.page({"q": "question 1999"})["total"] == 1
    assert reader.page({"q": "question 19"})["total"] == sum("19" in str(n) for n in range(2_000))
    assert time.thread_time() - started < 1
    search.close()


def test_the_page_may_be_left_out() -> None:
    """Nothing imports it: the server looks whether it is there."""
    root = Path(__file__).parents[3] / "constructs_lib"
    importing = re.compile(r"^\s*(?:from|import) mailroom_local\.page\b", re.MULTILINE)
    others = [path for path in root.rglob("*.py") if "/page/" not in path.as_posix()]
    assert len(others) > 100
    assert [path for path in others if importing.search(path.read_text())] == []
