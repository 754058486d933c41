"""Any event that SES may send is handled or reported as failed, never lost."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom import _runtime
from mailroom.entry.events import handler
from mailroom.events import records
from mailroom.handlers.events import _alerts, _table
from mailroom.ses import HELD_BACK
from mailroom.testing import event_invocation
from runtime.events.event_aws import ENVELOPES, SAMPLES, flat, metrics, new_process, sample, size


class Conditional(Exception):
    def __init__(self, item: Any) -> None:
        self.response = {"Item": item}


class MemoryAws:
    """The three services in memory, as strict as the real ones about what they are given."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=Conditional)

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.alerts: list[tuple[str, str]] = []
        self.suppressed: dict[str, str] = {}

    def put_item(self, *, Item: Any, ConditionExpression: str, **_: Any) -> None:  # noqa: N803
        item = flat(Item)
        assert json.dumps(item, ensure_ascii=False).encode("utf-8")
        assert all(isinstance(value, str) and value for value in item.values())
        assert all(
            list(value) == ["N" if name == "expires_at" else "S"] for name, value in Item.items()
        )
        assert item["expires_at"].lstrip("-").isdigit()
        assert len(item["message_id"].encode()) <= 2048
        assert len(item["at"].encode()) <= 1024
        assert size(item) <= _table.MAX_ITEM_BYTES
        old = self.items.get((item["message_id"], item["at"]))
        allowed = {
            "attribute_not_exists(message_id)": old is None,
            _alerts.NOT_SENT: old is None or "sent" not in old,
        }[ConditionExpression]
        if not allowed:
            raise Conditional({name: {"S": value} for name, value in (old or {}).items()})
        self.items[item["message_id"], item["at"]] = item

    def publish(self, *, Subject: str, Message: str, **_: Any) -> None:  # noqa: N803
        assert 1 <= len(Subject) <= 100
        assert Subject.isascii()
        assert Subject.isprintable()
        assert len(Message.encode()) < 262_144
        self.alerts.append((Subject, Message))

    def put_suppressed_destination(self, *, EmailAddress: str, Reason: str) -> None:  # noqa: N803
        if "@" not in EmailAddress:
            raise ValueError("SES refuses it")
        self.suppressed[EmailAddress] = Reason


def paths(value: Any, *path: Any) -> list[tuple[Any, ...]]:
    """Return the path of everything in *value*."""
    found: list[tuple[Any, ...]] = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, *path, key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += paths(inner, *path, number)
    return found


def deep(levels: int) -> Any:
    """Return lists in lists."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


MISSING = object()
ODD = [
    MISSING,
    None,
    True,
    False,
    0,
    -1,
    1.5,
    float("nan"),
    10**30,
    "",
    " ",
    "x",
    "x" * 20_000,
    "Ünïcödé 😀 \u202e\u2028 ",
    "\ud800",
    "a\r\nb\x00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "2026-01-02T03:04:05",
    "Bounce",
    "Later",
    [],
    {},
    [None],
    [5],
    ["a@example.com", "B <A@example.com>"],
    [{}],
    [{"emailAddress": None}],
    [{"emailAddress": "c@example.com"}] * 60,
    {"subject": "SECRET", "x": deep(50)},
    deep(400),
]


@st.composite
def mutated(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw the sample *name* with up to three of its values changed, gone, or new."""
    raw = sample(name)
    raw["mail"]["headers"] = [{"name": "X", "value": "SECRET"}]
    raw["mail"]["commonHeaders"] = {"subject": "SECRET"}
    for _ in range(draw(st.integers(1, 3))):
        choices = [path for path in paths(raw) if "eaders" not in str(path)]
        path = draw(st.sampled_from(choices))
        value = draw(st.sampled_from(ODD) | st.text(max_size=20) | st.integers())
        parent: Any = raw
        for step in path[:-1]:
            parent = parent[step]
        if draw(st.integers(0, 5)) == 0 and isinstance(parent, dict) and value is not MISSING:
            parent[draw(st.text(max_size=10))] = value
        elif value is MISSING:
            del parent[path[-1]]
        else:
            parent[path[-1]] = value
        # The strategy's own values must not be changed by the next round.
        raw = json.loads(json.dumps(raw))
    return raw


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_ever_lost(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is recorded, suppressed and alerted on, or reported as failed; others are handled."""
    aws = MemoryAws()
    for service in ("dynamodb", "sns", "sesv2"):
        monkeypatch.setitem(_runtime._clients, service, aws)
    neighbour = sample("send")
    neighbour["mail"]["messageId"] = "neighbour"

    @given(mutated(name), st.sampled_from(ENVELOPES))
    def check(raw: dict[str, Any], envelope: str) -> None:
        aws.__init__()  # type: ignore[misc]
        new_process()
        several = envelope not in ("bare", "eventbridge")
        invocation = event_invocation([raw, neighbour] if several else raw, envelope)
        invocation = json.loads(json.dumps(invocation))
        failed = False
        output = io.StringIO()
        with redirect_stdout(output):
            try:
                answer = handler(invocation)
            except Exception:
                assert not envelope.startswith("sqs")
                failed = True
            else:
                assert (answer is None) is not envelope.startswith("sqs")
                failures = [
                    one["itemIdentifier"]
                    for one in (answer or {"batchItemFailures": []})["batchItemFailures"]
                ]
                assert failures in ([], ["record-0"])
                failed = bool(failures)
        if several:
            assert "neighbour" in {message_id for message_id, _ in aws.items}
        about_it = [
            item
            for (message_id, _), item in aws.items.items()
            if message_id != "neighbour" and not message_id.startswith("alert#")
        ]
        assert failed or about_it
        found = metrics(output.getvalue())
        assert failed or any("Events" in line for line in found)
        if not failed and raw.get("eventType") == "Bounce":
            detail = raw.get("bounce") or {}
            wanted = (
                detail["bounceType"] == "Permanent" and detail["bounceSubType"] not in HELD_BACK
            )
            assert bool(aws.suppressed) is wanted
        for text in (output.getvalue(), json.dumps(about_it), json.dumps(aws.alerts)):
            assert "SECRET" not in text
            assert "Message sent from Amazon SES" not in text
        # The whole once more: the same table.
        before = dict(aws.items)
        with redirect_stdout(io.StringIO()):
            try:
                handler(invocation)
            except Exception:
                assert failed
        assert aws.items == before

    check()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["sqs", "sqs-sns", "firehose"]),
)
def test_any_json_is_an_event_or_skipped(value: Any, envelope: str) -> None:
    """No payload makes the reading of a batch fail."""
    assert len(list(records(event_invocation([json.dumps(value), "{"], envelope)))) == 2


@given(st.text(), st.sampled_from(["sqs", "sqs-sns", "sns", "firehose"]))
def test_any_text_is_an_event_or_skipped(text: str, envelope: str) -> None:
    """Nor does any text."""
    assert len(list(records(event_invocation([text, text], envelope)))) == 2
