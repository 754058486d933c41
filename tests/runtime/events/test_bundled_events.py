"""The other types' bundled behaviours: what is counted, and which alerts are raised."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from mailroom import _runtime
from mailroom.errors import MissingField
from mailroom.events import (
    DeliveryDelay,
    RenderingFailure,
    Subscription,
    parse,
)
from mailroom.handlers.events import (
    _alerts,
    click,
    complaint,
    delivery,
    delivery_delay,
    open,  # noqa: A004 (the event's own name)
    reject,
    rendering_failure,
    subscription,
)
from mailroom.testing import sending_event
from runtime.events.event_aws import Aws, metrics, named, new_process, sample

Capture = pytest.CaptureFixture[str]
TWO = ["a@example.com", "b@example.com"]


def a_failure(**changes: Any) -> RenderingFailure:
    event = sending_event("Rendering Failure", **changes)
    assert isinstance(event, RenderingFailure)
    return event


def a_delay(**changes: Any) -> DeliveryDelay:
    event = sending_event("DeliveryDelay", **changes)
    assert isinstance(event, DeliveryDelay)
    return event


# Deliveries, opens, clicks


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(11893, 11893), (0, 0), (None, None), (-1, None), (True, None), ("5", None), (10**400, None)],
)
def test_an_implausible_latency_is_not_measured(
    aws: Aws, capsys: Capture, value: Any, wanted: int | None
) -> None:
    """The delivery is recorded and counted in any case."""
    delivery.on_event(sending_event("Delivery", processing_time_millis=value))  # type: ignore[arg-type]
    found = metrics(capsys.readouterr().out)
    measured = [line["DeliveryLatency"] for line in named(found, "DeliveryLatency")]
    assert measured == ([] if wanted is None else [wanted])
    assert len(named(found, "Events")) == len(aws.items) == 1


GMAIL_PREFETCH = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
GMAIL_PROXY = (
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("detail", "wanted"),
    [
        # What SES says comes before what we think.
        ({"isBotEvent": "Likely", "userAgent": CHROME}, True),
        ({"isBotEvent": "Unlikely", "userAgent": "Mozilla/5.0"}, False),
        ({"isBotEvent": "Unlikely", "userAgent": "python-requests/2"}, False),
        ({"isBotEvent": "LIKELY"}, True),
        ({"isBotEvent": True}, True),
        ({"isBotEvent": False}, False),
        ({"isBotEvent": " likely "}, True),
        ({"isBotEvent": "Undecided", "userAgent": "curl/8"}, None),
        ({"isBotEvent": 5}, None),
        ({"isBotEvent": None, "userAgent": "curl/8"}, True),
        ({"isBot": True, "botScore": 9}, None),
        # Without a flag from SES, only a program's name in the user agent counts.
        ({}, None),
        ({"userAgent": 5}, None),
        ({"userAgent": CHROME}, None),
        ({"userAgent": GMAIL_PROXY}, None),
        ({"userAgent": "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) Chrome/9"}, None),
        ({"userAgent": GMAIL_PREFETCH}, True),
        ({"userAgent": "Mozilla/5.0"}, True),
        ({"userAgent": " Mozilla/5.0 "}, True),
        ({"userAgent": "Mozilla/5.0 (compatible; bingbot/2.0)"}, True),
        ({"userAgent": "Mozilla/5.0 (compatible; Baiduspider/2.0)"}, True),
        ({"userAgent": "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140.0.0.0"}, True),
        ({"userAgent": "Example-Crawler/1.0"}, True),
        ({"userAgent": "MailScanner/5.5"}, True),
        ({"userAgent": "Go-http-client/2.0"}, True),
        ({"userAgent": "Java/21.0.2"}, True),
        ({"userAgent": "Wget/1.21.4"}, True),
        ({"userAgent": "curl/8.5.0"}, True),
        ({"userAgent": "python-requests/2.32"}, True),
    ],
)
@pytest.mark.parametrize("kind", ["Open", "Click"])
def test_automated_interactions_are_recognised(
    kind: str, detail: dict[str, Any], wanted: bool | None
) -> None:
    """By SES's flag, else by a program's name; never guessed to be a person."""
    payload = {"eventType": kind, "mail": {}, kind.lower(): detail}
    event: Any = parse(payload)
    assert event.automated is wanted


@pytest.mark.parametrize(
    ("module", "kind", "metric"), [(open, "Open", "Opens"), (click, "Click", "Clicks")]
)
def test_opens_and_clicks_are_counted_by_the_automated_flag(
    aws: Aws, capsys: Capture, module: Any, kind: str, metric: str
) -> None:
    """The flag is kept in the item as well."""
    module.on_event(sending_event(kind, is_bot_event="Likely"))
    (line,) = named(metrics(capsys.readouterr().out), metric)
    assert line == {metric: 1, "Automated": "yes", "ConfigurationSet": "ConfigSet"}
    assert json.loads(aws.items[0]["detail"])["isBotEvent"] == "Likely"


# Rejects


def test_a_reject_raises_an_alert(aws: Aws, capsys: Capture) -> None:
    """With the sender, who is the one to ask."""
    reject.on_event(sending_event("Reject"))  # type: ignore[arg-type]
    ((subject, text),) = aws.alerts
    assert subject == "SES rejected a mail"
    assert "a mail from sender@example.com and" in text
    assert "Reason: Bad content." in text
    (line,) = named(metrics(capsys.readouterr().out), "Rejects")
    assert line == {"Rejects": 1, "ConfigurationSet": "ConfigSet"}


# Rendering failures


def test_a_rendering_failure_names_the_template_and_the_attribute(
    aws: Aws, capsys: Capture
) -> None:
    """In the subject the template, in the text the attribute."""
    rendering_failure.on_event(a_failure())
    ((subject, text),) = aws.alerts
    assert subject == "Template MyTemplate could not be rendered"
    assert "the data have no attribute 'attributeName'" in text
    (line,) = named(metrics(capsys.readouterr().out), "RenderingFailures")
    assert (line["RenderingFailures"], line["Template"]) == (1, "MyTemplate")


def test_many_failures_raise_one_alert_a_window(aws: Aws) -> None:
    """Once for template, attribute and configuration set, whichever process sees it."""
    for number in range(5):
        rendering_failure.on_event(a_failure(message_id=f"m{number}"))
        if number == 2:
            new_process()
    assert len(aws.alerts) == 1
    assert len(aws.items) == 5
    calls = len(aws.calls)
    rendering_failure.on_event(a_failure(message_id="m9"))
    assert aws.calls[calls:] == ["PutItem"], "a claim that is known is not asked for again"
    rendering_failure.on_event(a_failure(message_id="m5", sent_at="2026-01-02T04:00:00.000Z"))
    rendering_failure.on_event(a_failure(message_id="m6", template_name="Other"))
    rendering_failure.on_event(a_failure(message_id="m7", configuration_set="Other"))
    rendering_failure.on_event(a_failure(message_id="m8", error_message="Attribute 'b' is not"))
    assert len(aws.alerts) == 5


def test_the_window_length_can_be_changed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted from 1970, by the events' own times."""
    monkeypatch.setenv("MAILROOM_ALERT_WINDOW_SECONDS", "60")
    for minute, second in ((4, 5), (4, 59), (5, 0)):
        moment = f"2026-01-02T03:{minute:02}:{second:02}.000Z"
        rendering_failure.on_event(a_failure(message_id=moment, sent_at=moment))
    assert len(aws.alerts) == 2
    assert "for up to 60 seconds" in aws.alerts[0][1]


def test_any_other_reason_is_given_in_ses_words(aws: Aws) -> None:
    """If no attribute is missing."""
    rendering_failure.on_event(a_failure(error_message="Template is broken\r\nat 5."))
    assert "SES says: Template is broken at 5. The mail" in aws.alerts[0][1]


# Delays


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("2026-01-02T05:04:17.571Z", True),
        ("2026-01-02T05:04:17.572Z", False),
        ("2026-01-02T03:00:00.000Z", True),
        (None, False),
    ],
)
def test_a_delay_raises_an_alert_when_ses_is_about_to_give_up(
    aws: Aws, end: str | None, told: bool
) -> None:
    """Two hours before, unless set otherwise; without an expiration time there is no alert."""
    delivery_delay.on_event(a_delay(expiration_time=end))
    assert bool(aws.alerts) is told
    assert len(aws.items) == 1


def test_a_delay_is_counted_by_type_and_its_alert_names_domains(
    aws: Aws, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipients are in the table; other delays of that type raise no further alert."""
    monkeypatch.setenv("MAILROOM_EXPIRY_WARNING_SECONDS", "999999")
    delivery_delay.on_event(a_delay(recipients=TWO, delay_type="MailboxFull"))
    delivery_delay.on_event(a_delay(message_id="m2", delay_type="MailboxFull"))
    delivery_delay.on_event(a_delay(message_id="m3", delay_type="SpamDetected"))
    subjects = [subject for subject, _ in aws.alerts]
    assert subjects == [
        "SES is about to give up delayed mail (MailboxFull)",
        "SES is about to give up delayed mail (SpamDetected)",
    ]
    text = aws.alerts[0][1]
    assert "A mail to 2 recipient(s) at example.com is delayed" in text
    assert "gives up at 2026-01-02T17:04:05.678Z" in text
    assert "@" not in text
    assert [line["Delays"] for line in named(metrics(capsys.readouterr().out), "Delays")] == [
        2,
        1,
        1,
    ]


# Subscriptions


def preferences(everything: bool = False, **topics: str) -> dict[str, Any]:
    """Return preferences as SES writes them."""
    return {
        "unsubscribeAll": everything,
        "topicSubscriptionStatus": [
            {"topicName": name, "subscriptionStatus": status} for name, status in topics.items()
        ],
    }


def a_change(old: dict[str, Any], new: dict[str, Any]) -> Subscription:
    event = sending_event("Subscription", old_topic_preferences=old, new_topic_preferences=new)
    assert isinstance(event, Subscription)
    return event


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (preferences(a="OptIn"), preferences(a="OptIn"), {}),
        (preferences(a="OptIn", b="OptIn"), preferences(a="OptOut", b="OptIn"), {"a": "OptOut"}),
        (preferences(a="OptOut"), preferences(a="OptIn"), {"a": "OptIn"}),
        (preferences(), preferences(a="OptOut"), {"a": "OptOut"}),
        (preferences(a="OptIn"), preferences(), {"a": "Removed"}),
        (preferences(), preferences(everything=True), {"*": "OptOut"}),
        (preferences(everything=True), preferences(), {"*": "OptIn"}),
        (
            preferences(a="OptIn", b="OptOut"),
            preferences(everything=True, a="OptOut", b="OptOut"),
            {"*": "OptOut", "a": "OptOut"},
        ),
    ],
)
def test_an_alert_lists_what_changed_topic_by_topic(
    aws: Aws, capsys: Capture, old: dict[str, Any], new: dict[str, Any], wanted: dict[str, str]
) -> None:
    """The changes are available to a custom function, in the alert, and in the metrics."""
    event = a_change(old, new)
    assert subscription.changes(event) == wanted
    subscription.on_event(event)
    text = aws.alerts[0][1]
    words = {"OptIn": "subscribed", "OptOut": "unsubscribed", "Removed": "no longer listed"}
    for topic, status in wanted.items():
        what = "everything" if topic == "*" else f"the topic '{topic}'"
        assert f"- {what}: {words[status]}\n" in text
    assert text.count("\n- ") == len(wanted)
    less = "OptOut" in wanted.values()
    found = named(metrics(capsys.readouterr().out), "Unsubscribes")
    assert [line["ContactList"] for line in found] == (["ContactListName"] if less else [])


def test_preferences_that_cannot_be_read_fail(aws: Aws) -> None:
    """After the event was recorded."""
    with pytest.raises(MissingField, match="newTopicPreferences"):
        subscription.on_event(sending_event("Subscription", new_topic_preferences=None))  # type: ignore[arg-type]
    assert len(aws.items) == 1


def test_a_long_list_of_topics_is_truncated(aws: Aws) -> None:
    """An alert is to be read."""
    new = preferences(**{f"t{number}": "OptIn" for number in range(25)})
    subscription.on_event(a_change(preferences(), new))
    assert "- and 5 more\n" in aws.alerts[0][1]


def test_names_in_an_alert_are_cut_after_a_hundred_characters(aws: Aws) -> None:
    """A name of exactly a hundred is whole."""
    new = preferences(**{"t" * 100: "OptIn", "u" * 101: "OptIn"})
    event = sending_event(
        "Subscription",
        contact_list="c" * 100,
        old_topic_preferences=preferences(),
        new_topic_preferences=new,
    )
    assert isinstance(event, Subscription)
    subscription.on_event(event)
    text = aws.alerts[0][1]
    for shown in ("c" * 100, "t" * 100, "u" * 97 + "..."):
        assert f"'{shown}'" in text


# Init


@pytest.mark.parametrize(
    ("name", "clients"),
    [
        ("bounce", ["dynamodb", "sesv2"]),
        ("click", ["dynamodb"]),
        ("complaint", ["dynamodb", "sns", "sesv2"]),
        ("delivery", ["dynamodb"]),
        ("delivery_delay", ["dynamodb", "sns"]),
        ("open", ["dynamodb"]),
        ("record", ["dynamodb"]),
        ("reject", ["dynamodb", "sns"]),
        ("rendering_failure", ["dynamodb", "sns"]),
        ("send", ["dynamodb"]),
        ("subscription", ["dynamodb", "sns"]),
    ],
)
def test_a_behaviour_makes_its_clients_during_init(
    monkeypatch: pytest.MonkeyPatch, name: str, clients: list[str]
) -> None:
    """Those that it may use, and no others: each costs time."""
    made: list[str] = []
    monkeypatch.setattr(_runtime, "client", made.append)
    path = Path(_runtime.__file__).parent / "handlers" / "events" / f"{name}.py"
    runpy.run_path(str(path))
    assert made == clients


# Alerts

TOLD = {
    "complaint": complaint,
    "reject": reject,
    "rendering_failure": rendering_failure,
    "delivery_delay": delivery_delay,
    "subscription": subscription,
}


@pytest.mark.parametrize("name", TOLD)
def test_an_alert_is_readable_and_says_where_to_look(aws: Aws, name: str) -> None:
    """Sentences, what to do, the message's id, the configuration set, the time, and the log."""
    event = parse(sample(name))
    TOLD[name].on_event(event)  # type: ignore[attr-defined]
    ((subject, text),) = aws.alerts
    assert subject.isascii()
    assert len(subject) <= 100
    first = text.splitlines()[0]
    assert first[0].isupper() or name == "complaint"
    assert first.endswith(".")
    assert "\nWhat to do: " in text
    assert f"\nMessage id: {event.mail.message_id}\n" in text
    assert "\nConfiguration set: ConfigSet\n" in text
    assert re.search(r"\nTime: \d{4}-\d\d-\d\dT[\d:.]+Z\n", text)
    assert f"mailroom trace {event.mail.message_id}\n" in text
    assert text.endswith(
        "\nLog: https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
        "#logsV2:log-groups/log-group/$252Faws$252Flambda$252FOutbound$2520Bounce\n"
    )
    assert "Message sent from Amazon SES" not in text
    assert ("recipient@example.com" in text) is (name == "complaint")


@pytest.mark.parametrize("name", TOLD)
def test_without_a_topic_there_are_no_alerts(
    aws: Aws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no claim is made, so that a topic that comes later finds nothing taken."""
    monkeypatch.delenv("MAILROOM_ALERT_TOPIC")
    TOLD[name].on_event(parse(sample(name)))  # type: ignore[attr-defined]
    assert aws.alerts == []
    assert aws.claims == []
    assert len(aws.items) == 1


def test_what_is_remembered_of_alerts_is_bounded() -> None:
    """A warm function lives for hours."""
    for number in range(_alerts._MAX_REMEMBERED + 5):
        _alerts._remember(str(number), "")
    assert 0 < len(_alerts._published) <= _alerts._MAX_REMEMBERED
    _alerts._published.clear()


def test_text_written_by_others_stays_on_its_line(aws: Aws) -> None:
    """No line of an alert can be forged, and a subject is always one that SNS takes."""
    odd = "My\r\nMessage id: forged\u2028\u202e Tëmplate " + "x" * 500
    rendering_failure.on_event(a_failure(template_name=odd))
    ((subject, text),) = aws.alerts
    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) <= 100
    assert text.count("\nMessage id: ") == 1
    assert "\u202e" not in text


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("", None),
    ],
)
def test_the_log_is_in_the_partitions_own_console(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, region: str, host: str | None
) -> None:
    """Without a region, as in a local test, there is no link."""
    monkeypatch.setenv("AWS_REGION", region)
    reject.on_event(sending_event("Reject"))  # type: ignore[arg-type]
    text = aws.alerts[0][1]
    assert ("Log:" in text) is (host is not None)
    assert host is None or f"https://{host}/cloudwatch/home?region={region}#" in text
