"""Malformed and hostile mail: every message is kept as it came, and its story has an end."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.gateway.conftest import Gate
from mail_corpus import RECEIVED, RECIPIENT

ASKING = [
    {"StringExpression": {"Evaluate": evaluate, "Operator": "NOT_EQUALS", "Values": ["never"]}}
    for evaluate in (
        *({"Attribute": name} for name in ("SUBJECT", "FROM", "SENDER", "TO", "CC", "HELO")),
        {"MimeHeaderAttribute": "X-Kind"},
    )
]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Any:
    gate = Gate(tmp_path_factory.mktemp("hostile"), endpoint="http://127.0.0.1:9")
    rules = [
        {
            "Name": "all",
            "Conditions": ASKING,
            "Actions": [
                {"AddHeader": {"HeaderName": "X-Seen", "HeaderValue": "yes"}},
                {"Archive": {"TargetArchive": "a-1"}},
            ],
        }
    ]
    point = gate.point(rules=rules)
    found = {name: gate.send(point, raw, to=RECIPIENT) for name, raw in RECEIVED.items()}
    kept = {one["message_id"]: one["raw"] for one in gate.emulator.archived}
    gate.close()
    return {name: (story, kept[story.message_id]) for name, story in found.items()}


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    gate = Gate(tmp_path_factory.mktemp("poison"), endpoint="http://127.0.0.1:9")
    yield gate
    gate.close()


@pytest.mark.parametrize("name", RECEIVED)
def test_every_structure_passes_every_condition_and_is_kept_whole(sent: Any, name: str) -> None:
    story, kept = sent[name]
    assert [action.outcome for action in story.actions] == ["done", "done"]
    assert story.problems == []
    assert kept.startswith(b"X-Seen: yes\r\nReceived: ")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: " + b"a" * 100_000 + b"\r\n\r\n",
        b"From: " + b"<" * 5_000 + b"\r\n\r\n",
        b"To: " + b"a@b.example, " * 5_000 + b"\r\n\r\n",
        b"X-Mailroom-Addon: " + b"A.b=c;" * 5_000 + b"\r\n\r\n",
        bytes(range(256)),
    ],
    ids=["empty", "blank", "no-header", "long", "angles", "many", "addons", "bytes"],
)
def test_what_is_hardly_mail_has_a_story_with_an_end(poisoned: Gate, raw: bytes) -> None:
    rules = [{"Name": "all", "Conditions": ASKING, "Actions": [{"Drop": {}}]}]
    story = poisoned.send(poisoned.point(rules=rules), raw)
    assert story.finished
    assert [action.outcome for action in story.actions] == ["dropped"]
    assert story.problems == []
