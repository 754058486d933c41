"""The payloads of the ten sending events, held against AWS's own samples, without a server."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailroom.ses import EventType
from mailroom_local.events import payloads
from mailroom_local.events.payloads import Happening
from mailroom_local.sending import decisions, outcomes
from mailroom_local.sending.delivery import deliver
from mailroom_local.sending.message import SentMessage
from mailroom_local.sending.outcomes import Outcome

SAMPLES = {
    sample["eventType"]: sample
    for path in (Path(__file__).parents[2] / "payloads" / "sending_events").glob("*.json")
    for sample in [json.loads(path.read_text())]
}
NOW = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
READER = {"ip_address": "192.0.2.1", "user_agent": "curl/8"}
PREFERENCES = {
    "unsubscribeAll": False,
    "topicSubscriptionStatus": [{"topicName": "News", "subscriptionStatus": "OptOut"}],
}
DETAILS: dict[str, dict[str, Any]] = {
    "Bounce": dict(outcomes.AMAZON_OUTCOMES["bounce"][0].detail),
    "Complaint": {"type": "abuse"},
    "DeliveryDelay": dict(outcomes.LOCAL_OUTCOMES["delay"][0].detail),
    "Open": READER,
    "Click": {**READER, "link": "http://example.org", "link_tags": {"a": ["b"], "c": ["d"]}},
    "Rendering Failure": {"message": "Attribute 'x' is missing", "template": "T"},
    "Subscription": {"contact_list": "L", "old": PREFERENCES, "new": PREFERENCES},
}


def outgoing(
    raw: bytes = b"From: a@example.com\r\nTo: b@example.net\r\n", **fields: Any
) -> SentMessage:
    """An accepted message."""
    known: dict[str, Any] = {
        "message_id": "id",
        "operation": "SendEmail",
        "sent_at": NOW,
        "source": "A <a@example.com>",
        "source_arn": "arn:aws:ses:us-east-1:0:identity/example.com",
        "recipients": ("b@example.net",),
        "raw": raw + b"Subject: Hi\r\n\r\nHello\r\n",
        "account": "000000000000",
        "region": "us-east-1",
        "caller": "someone",
        "source_ip": "127.0.0.1",
        "configuration_set": "set",
    }
    return SentMessage(**{**known, **fields})


def told(kind: str, message: SentMessage | None = None) -> dict[str, Any]:
    """The payload of an event of this kind."""
    happening = Happening(
        kind=EventType(kind), recipient="b@example.net", detail=DETAILS.get(kind, {})
    )
    at = NOW + timedelta(seconds=1.5)
    return json.loads(json.dumps(payloads.payload(happening, message or outgoing(), at=at)))


def shape(value: Any, *, at: tuple[str, ...] = ()) -> Any:
    """A payload's keys at every depth; names chosen by the sender are left out."""
    if isinstance(value, dict):
        own = at[-1:] in (("tags",), ("linkTags",))
        kept = {key: part for key, part in value.items() if not own or key.startswith("ses:")}
        return {key: shape(part, at=(*at, key)) for key, part in kept.items()}
    if isinstance(value, list):
        return [shape(value[0], at=at)] if value else []
    return type(value).__name__


# Fields that SES added after AWS published these samples; `payloads/recorded` has the newer ones.
ADDED = {
    "Click": "isBotEvent",
    "Complaint": "complaintSubType",
    "Delivery": "remoteMtaIp",
    "Open": "isBotEvent",
}


SES_TAGS = {f"ses:{name}" for name in (*payloads.TAGS, "outgoing-ip")}


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_payload_has_the_documented_shape(kind: str) -> None:
    """Key by key and type by type, at every depth; SES adds more tags now than then."""
    payload = told(kind)
    if kind in ADDED:
        del payload[kind.lower()][ADDED[kind]]
    sample = SAMPLES[kind]["mail"]["tags"]
    tags = payload["mail"]["tags"]
    assert sample.keys() & SES_TAGS <= tags.keys()
    payload["mail"]["tags"] = {name: tags[name] for name in sample if name in SES_TAGS}
    assert shape(payload) == shape(SAMPLES[kind])


@pytest.mark.parametrize(
    ("user_agent", "opinion"), [("curl/8", "Likely"), ("Mozilla/5.0 (X11) Firefox/140", "Unlikely")]
)
def test_ses_says_whether_a_machine_opened_the_mail(user_agent: str, opinion: str) -> None:
    """By the user agent here; SES does not say how it decides."""
    reader = {"ip_address": "192.0.2.1", "user_agent": user_agent}
    opened = payloads.payload(Happening(kind=EventType.OPEN, detail=reader), outgoing(), at=NOW)
    assert opened["open"]["isBotEvent"] == opinion


def test_there_are_ten_types() -> None:
    """The documented ones, each with its own name everywhere."""
    assert set(EventType) == set(SAMPLES)
    assert len({payloads.metric(kind) for kind in EventType}) == 10


def test_the_tags_of_the_sender_are_lists() -> None:
    """Beside the ones that SES adds."""
    tags = told("Send", outgoing(tags={"campaign": "spring"}))["mail"]["tags"]
    assert tags["campaign"] == ["spring"]
    assert tags["ses:caller-identity"] == ["someone"]
    assert told("Send")["mail"]["headersTruncated"] is False
    assert tags["ses:from-domain"] == ["example.com"]


def test_headers_beyond_10_kb_are_cut() -> None:
    """And the event says so."""
    raw = b"From: a@example.com\r\n" + b"X-Long: " + b"x" * 11_000 + b"\r\n"
    mail = told("Send", outgoing(raw))["mail"]
    assert mail["headersTruncated"] is True
    assert [header["name"] for header in mail["headers"]] == ["From"]


def test_a_delivery_shows_its_duration() -> None:
    """From the acceptance of the message."""
    assert told("Delivery")["delivery"]["processingTimeMillis"] == 1500


def test_a_delay_says_when_ses_gives_up() -> None:
    """After the configuration set's maximum delivery time."""
    told_of = told("DeliveryDelay", outgoing(max_delivery_seconds=600))
    assert told_of["deliveryDelay"]["expirationTime"] == "2026-11-20T12:10:00.250Z"


def test_servers_report_nothing_for_suppressed_addresses() -> None:
    """The reporting MTA of a suppressed message is SES itself."""
    happening = Happening(
        kind=EventType.BOUNCE, recipient="b@example.net", detail=outcomes.ON_ACCOUNT_LIST.detail
    )
    bounce = payloads.payload(happening, outgoing(), at=NOW)["bounce"]
    assert bounce["reportingMTA"] == "dns; amazonses.com"
    assert bounce["bounceSubType"] == "OnAccountSuppressionList"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("success@simulator.amazonses.com", ["Delivery"]),
        ("BOUNCE+label@simulator.amazonses.com", ["Permanent/General"]),
        ("complaint@simulator.amazonses.com", ["Delivery", "abuse"]),
        ("suppressionlist@simulator.amazonses.com", ["Permanent/General"]),
        ("ooto@simulator.amazonses.com", ["Delivery", "Transient/General"]),
        ("delay@simulator.amazonses.com", ["Delivery"]),
        ("bounce@example.com", ["Delivery"]),
        ("bounce@simulator.mailroom.local", ["Permanent/General"]),
        ("delay@simulator.mailroom.local", ["TransientCommunicationFailure", "Delivery"]),
        ("expired@simulator.mailroom.local", ["MailboxFull", "Transient/MailboxFull"]),
        ("transient+1@simulator.mailroom.local", ["Transient/MailboxFull"]),
        ("undetermined@simulator.mailroom.local", ["Undetermined/Undetermined"]),
        ("notspam@simulator.mailroom.local", ["Delivery", "not-spam"]),
    ],
)
def test_a_simulator_address_decides_the_outcome(address: str, expected: list[str]) -> None:
    """Amazon's simulator has its own addresses only, the local one has more."""

    def name(outcome: Outcome) -> str:
        parts = [outcome.detail.get(key) for key in ("type", "subtype")]
        return "/".join(part for part in parts if part) or outcome.kind

    assert [name(outcome) for outcome in outcomes.outcomes(address)] == expected


def test_a_header_gives_tags() -> None:
    """Pairs that SES does not allow are dropped, and the message goes out."""
    assert decisions.tags_of_header("a=1, b=2; c=ü, d") == {"a": "1", "b": "2"}
    assert decisions.tags_of_header(None) == {}


@pytest.mark.parametrize("field", ["Sender", "X-SES-MESSAGE-TAGS", "Bcc", "Message-ID"])
def test_only_ses_own_headers_are_removed(field: str) -> None:
    """With the lines that continue it; everything else stays byte for byte."""
    raw = b"A: 1\r\n" + field.encode() + b": x,\r\n y\r\nTo: b@example.net\r\n"
    delivered, _ = deliver(outgoing(raw), endpoint="http://127.0.0.1:1")
    assert (b": x,\r\n y\r\n" in delivered) == (field == "Sender")
    assert delivered.endswith(b"To: b@example.net\r\nSubject: Hi\r\n\r\nHello\r\n")
    assert delivered.startswith(b"Message-ID: <id@email.amazonses.com>\r\nDate: ")
