"""Pseudonyms hide the address, and equal addresses have equal pseudonyms."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from mailroom import lake
from mailroom.entry import lake as entry
from mailroom.errors import NotConfigured
from mailroom.events import parse
from mailroom.testing import sending_event_payload
from runtime.lake.lake_samples import SAMPLES, assert_fits, invoke, line, sample

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A secret with the key, and how often it was read."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        client = boto3.client("secretsmanager")
        made = client.create_secret(Name="pseudonyms", SecretString=KEY)
        monkeypatch.setenv("MAILROOM_PSEUDONYM_SECRET", made["ARN"])
        yield client


def everything(made: dict[str, Any]) -> str:
    return json.dumps({**made, "raw": json.loads(made["raw"])}, ensure_ascii=False).lower()


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("name", SAMPLES)
def test_no_recipient_is_left_anywhere(name: str) -> None:
    """Neither in a column nor in `raw`, and the row is as good as any."""
    answers, _ = invoke([sample(name)])
    made = line(answers[0])
    assert_fits(made)
    assert "recipient@example.com" not in everything(made)
    assert made["recipient_domain"] == "example.com"
    assert re.fullmatch(r"[0-9a-f]{32}@example\.com", made["recipients"][0])
    raw = json.loads(made["raw"])
    assert raw[lake.PSEUDONYMISED] is True
    assert not {"headers", "commonHeaders"} & set(raw["mail"])


@pytest.mark.usefixtures("secret")
def test_numbers_stay_in_the_event_beside_pseudonyms() -> None:
    answers, _ = invoke([sending_event_payload("Delivery", processing_time_millis=1234)])
    assert json.loads(line(answers[0])["raw"])["delivery"]["processingTimeMillis"] == 1234


@pytest.mark.usefixtures("secret")
def test_every_form_of_an_address_is_replaced() -> None:
    """In what a server said, in a sender made for one recipient, and in links."""
    who = "Jane.Doe+x@Mail.Example"
    bounce = sending_event_payload(
        "Bounce",
        recipients=[f"Jane Doe <{who}>"],
        source=f"bounce-{who.replace('@', '=')}@list.example",
        reporting_mta="dsn; mx.mail.example",
    )
    bounce["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = (
        f"550 <{who.upper()}>: unknown, see other.person@elsewhere.example."
    )
    link = f"https://example.org/u/{who.replace('@', '%40')}/x?email={who}&key=1#{who}"
    click = sending_event_payload("Click", recipients=[who], link=link)
    new = sending_event_payload("Novelty", recipients=[who], note=f"for {who}; other@x.example")
    answers, _ = invoke([bounce, click, new])
    rows = [line(answer) for answer in answers]
    for made in rows:
        text = everything(made)
        for found in ("jane", "doe", "other.person", "other@x", "key=1"):
            assert found not in text, found
    assert len({made["recipients"][0] for made in rows}) == 1
    assert rows[1]["link"] == f"https://example.org/u/{rows[1]['recipients'][0]}/x"
    assert rows[0]["recipients"][0] in rows[0]["diagnostic_code"]
    assert rows[0]["source"].endswith("@list.example")


def test_a_pseudonym_is_stable_and_keyed() -> None:
    """The same whatever the case and the display name; another under another key."""
    one, two = lake.pseudonymiser(KEY.encode()), lake.pseudonymiser(KEY[::-1].encode())
    made = one("jane@example.com")
    assert (
        made
        == one("Jane <JANE@example.com>")
        == lake.pseudonymiser(KEY.encode())("jane@example.com")
    )
    assert made != two("jane@example.com") != one("jana@example.com")
    import hashlib

    assert made[:32] != hashlib.sha256(b"jane@example.com").hexdigest()[:32]


def test_a_table_row_accepts_any_function() -> None:
    """And the key of the event follows from what is left of it."""
    event = parse(sample("send"))
    made = lake.row(event, pseudonymise=lambda address: "nobody")
    assert made["recipients"] == ["nobody"]
    assert made["recipient_domain"] is None
    assert made["event_key"].endswith("|nobody")
    assert json.dumps(event.raw).count("recipient@example.com") > 0, "the event was changed"


@pytest.mark.usefixtures("secret")
def test_the_transform_sees_pseudonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot put back what was taken out."""
    settings = entry._Settings()
    settings.transform = lambda event: {"seen": event.recipients[0]}
    monkeypatch.setattr(entry, "_settings", settings)
    answers, _ = invoke([sample("send")])
    made = line(answers[0])
    assert made["extra"]["seen"] == made["recipients"][0] != "recipient@example.com"


def test_the_key_is_fetched_once(secret: Any) -> None:
    """In the life of a process."""
    first = line(invoke([sample("send")])[0][0])["recipients"]
    secret.put_secret_value(SecretId="pseudonyms", SecretString=KEY[::-1])
    assert line(invoke([sample("send")])[0][0])["recipients"] == first


def test_a_short_key_is_refused(secret: Any) -> None:
    """It could be guessed, and every address with it."""
    secret.put_secret_value(SecretId="pseudonyms", SecretString="secret")
    with pytest.raises(NotConfigured, match="6 bytes"):
        entry.handler({"records": []})


@pytest.mark.usefixtures("secret")
@given(st.from_regex(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{3,20}@[a-z]{3,9}\.example", fullmatch=True))
def test_no_address_of_any_form_is_left(address: str) -> None:
    """Whatever letters mail allows."""
    payload = sending_event_payload(
        "Delivery", recipients=[address], smtp_response=f"to <{address}>"
    )
    made = line(invoke([payload])[0][0])
    assert address not in everything(made)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("agent", ["x" * 300_000, "@" * 30_000, "x" * 30_000 + "@", "x " * 9_999])
def test_a_long_text_is_handled_in_linear_time(agent: str) -> None:
    """Anyone may choose a user agent."""
    started = time.process_time()
    answers, _ = invoke([sending_event_payload("Open", user_agent=agent)])
    assert answers[0]["result"] == "Ok"
    assert time.process_time() - started < 2
