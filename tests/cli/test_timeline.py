"""The timeline of a sent message, from what an event table keeps."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom_cli import render, timeline
from mailroom_cli.terminal import show

SAMPLES = Path(__file__).parents[1] / "payloads" / "sending_events"
BODIES = {"delivery_delay": "deliveryDelay", "rendering_failure": "failure"}


def item(sample: str, at: str, **changes: Any) -> dict[str, Any]:
    """An item of the event table, made of one of AWS's samples."""
    event = json.loads((SAMPLES / f"{sample}.json").read_text())
    stored = {
        "message_id": "m-1",
        "at": f"{at}#{event['eventType']}#0badcafe",
        "type": event["eventType"],
        "timestamp": at,
        "recipient": "reader@example.net",
        "source": "sender@example.com",
        "configuration_set": "newsletter",
        "detail": json.dumps(event[BODIES.get(sample, sample)]),
        "tags": json.dumps({"campaign": ["spring"]}),
    }
    return {**stored, **changes}


def shown(found: list[timeline.Entry]) -> list[str]:
    stream = io.StringIO()
    show(render.story("m-1", found), stream=stream)
    return stream.getvalue().splitlines()


def test_a_story_begins_with_send_and_has_a_row_for_each_event() -> None:
    found = timeline.entries(
        [
            item("click", "2026-11-20T12:03:04.000Z"),
            item("delivery", "2026-11-20T12:00:01.500Z"),
            item("send", "2026-11-20T12:00:00.000Z", recipient=""),
            item("bounce", "2026-11-22T12:00:00.000Z"),
        ]
    )
    assert [entry.kind for entry in found] == ["Send", "Delivery", "Click", "Bounce"]
    heading, moment, *rows = shown(found)
    assert heading == "m-1  from sender@example.com  newsletter"
    assert moment.startswith("  Send at 2026-11-2")
    assert rows[0] == "     +0 ms  Send"
    assert rows[1] == (
        "    +1.5 s  Delivery  reader@example.net  in 11893 ms 250 2.6.0 Message received"
    )
    assert [row.split()[:2] for row in rows[2:]] == [["+0:03:04", "Click"], ["+2", "d"]]


def test_send_comes_first_among_events_of_the_same_moment() -> None:
    at = "2026-11-20T12:00:00Z"
    found = timeline.entries([item("delivery", at), item("send", at)])
    assert [entry.kind for entry in found] == ["Send", "Delivery"]


def test_times_count_from_send_even_if_something_came_earlier() -> None:
    found = timeline.entries(
        [item("send", "2026-11-20T12:00:02Z"), item("delivery", "2026-11-20T12:00:00Z")]
    )
    assert [row.split("  ")[1].strip() for row in shown(found)[2:]] == ["-2.0 s", "+0 ms"]


def test_without_send_times_count_from_the_first_event() -> None:
    found = timeline.entries(
        [item("open", "2026-11-20T12:00:09Z"), item("click", "2026-11-20T12:00:10Z")]
    )
    assert shown(found)[1].startswith("  Open at ")
    assert shown(found)[3].startswith("  +1.0 s  Click")


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("bounce", "Permanent/General smtp; 550 5.1.1 user unknown"),
        ("complaint", "abuse"),
        (
            "click",
            "http://docs.aws.amazon.com/ses/latest/DeveloperGuide/send-email-smtp.html (",
        ),
        ("delivery", "in 11893 ms 250 2.6.0 Message received"),
        ("delivery_delay", "TransientCommunicationFailure smtp; 421 4.4.1 Unable to connect"),
        ("open", "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3_3"),
        ("reject", "Bad content"),
        (
            "rendering_failure",
            "MyTemplate: Attribute 'attributeName' is not present in the rendering data.",
        ),
        ("send", ""),
        ("subscription", "ContactListName all topics: by topic → OptOut"),
    ],
)
def test_each_type_is_summed_up_in_a_line(sample: str, expected: str) -> None:
    """From its detail alone, as the table keeps it, or from the whole event."""
    (entry,) = timeline.entries([item(sample, "2026-11-20T12:00:00Z")])
    assert entry.summary.startswith(expected)
    assert bool(entry.summary) is bool(expected)
    assert "\n" not in entry.summary
    whole = (SAMPLES / f"{sample}.json").read_text()
    assert timeline.summary(json.loads(whole)) == entry.summary
    (kept_whole,) = timeline.entries([item(sample, "2026-11-20T12:00:00Z", detail=whole)])
    assert kept_whole.summary == entry.summary


def test_a_click_has_its_link_and_the_tags_of_the_link() -> None:
    detail = {"link": "https://example.com", "linkTags": {"a": ["1", "2"], "b": ["3"]}}
    assert timeline.summary_of("Click", detail) == "https://example.com (a=1+2, b=3)"
    assert timeline.summary_of("Click", {"link": "https://example.com"}) == "https://example.com"


def test_a_delay_says_how_long_ses_keeps_trying() -> None:
    (entry,) = timeline.entries([item("delivery_delay", "2026-11-20T12:00:00Z")])
    assert entry.summary.endswith(" until 2020-06-16T00:25:40.914Z")


def test_a_changed_topic_is_named_and_an_unchanged_one_is_not() -> None:
    def topics(**statuses: str) -> dict[str, Any]:
        return {
            "unsubscribeAll": False,
            "topicSubscriptionStatus": [
                {"topicName": name, "subscriptionStatus": status}
                for name, status in statuses.items()
            ],
        }

    detail = {
        "contactList": "Readers",
        "oldTopicPreferences": topics(Weekly="OptIn", Daily="OptIn"),
        "newTopicPreferences": topics(Weekly="OptOut", Daily="OptIn"),
    }
    assert timeline.summary_of("Subscription", detail) == "Readers Weekly: OptIn → OptOut"
    detail["newTopicPreferences"] = detail["oldTopicPreferences"]
    assert timeline.summary_of("Subscription", detail) == "Readers nothing changed"


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({"detail": '{"bounceType": "Perm'}, '{"bounceType": "Perm'),
        ({"detail": None, "recipient": None, "tags": "{"}, ""),
        ({"detail": "[1]", "type": "Something New"}, "[1]"),
        ({"detail": "{}"}, "?/?"),
    ],
)
def test_an_item_that_is_truncated_or_of_a_new_type_is_still_shown(
    changes: dict[str, Any], summary: str
) -> None:
    found = timeline.entries([item("bounce", "2026-11-20T12:00:00Z", **changes)])
    assert found[0].summary == summary
    assert found[0].kind in shown(found)[2]
    assert json.loads(json.dumps(timeline.document("m-1", found)))["events"][0]["kind"]


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"timestamp": "yesterday", "at": "nobody knows#Bounce"}, "?  Bounce"),
        ({"timestamp": "0001-01-01T00:00:00+14:00", "at": Decimal(7)}, "?  Bounce"),
        ({"timestamp": ["2026"]}, "+0 ms  Bounce"),
        ({"detail": json.dumps({"bouncedRecipients": ["a"]})}, "{'bouncedRecipients': ['a']}"),
        ({"detail": {"bounceType": Decimal(3)}}, "3/?"),
        ({"detail": "[" * 20_000}, "[[["),
        ({"type": {"a": {1}}, "detail": b"\xff"}, "{'a': {1}}"),
        (
            {"type": None, "at": "2026-11-20T12:00:00Z"},
            "+0 ms ? reader@example.net not an event: ",
        ),
    ],
)
def test_an_item_that_is_odd_is_an_odd_line(changes: dict[str, Any], row: str) -> None:
    """Beside the others, which are shown as ever."""
    found = timeline.entries(
        [
            {**item("bounce", "2026-11-20T12:00:00Z"), **changes},
            item("send", "2026-11-20T12:00:00Z"),
        ]
    )
    rows = [" ".join(line.split()) for line in shown(found)[2:]]
    assert rows[0] == "+0 ms Send reader@example.net"
    assert " ".join(row.split()) in rows[1]
    assert len(json.loads(json.dumps(timeline.document("m-1", found)))["events"]) == 2


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.binary(max_size=5)
    | st.text(st.characters(), max_size=12)
    | st.sets(st.text(max_size=3), max_size=2)
    | st.sampled_from(["9999-12-31T23:59:59-14:00", "\ud800", "[1]", "{", "2026-11-20T12:00"])
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@st.composite
def odd_items(draw: st.DrawFn) -> dict[str, Any]:
    """An item of a real event, of which any parts are missing or something else."""
    sample = draw(st.sampled_from(sorted(path.stem for path in SAMPLES.glob("*.json"))))
    found = item(sample, "2026-11-20T12:00:00Z")
    detail = json.loads(found["detail"])
    for part in draw(st.lists(st.sampled_from(sorted(detail) or ["x"]), max_size=3)):
        detail[part] = draw(VALUES)
    if draw(st.booleans()):
        found["detail"] = detail
    else:
        found["detail"] = json.dumps(detail, default=str)
    for name in draw(st.lists(st.sampled_from([*found, "other"]), max_size=3)):
        found[name] = draw(VALUES)
    for name in draw(st.lists(st.sampled_from(sorted(found)), max_size=2)):
        found.pop(name, None)
    return found


@given(st.lists(odd_items(), min_size=1, max_size=2))
def test_every_item_has_a_line_whatever_it_holds(items: list[dict[str, Any]]) -> None:
    found = timeline.entries(items)
    assert len(found) == len(items)
    assert len(shown(found)) >= 2 + len(items)
    document = json.dumps(timeline.document("m-1", found), allow_nan=False)
    assert len(json.loads(document)["events"]) == len(items)


def test_time_and_type_are_in_the_key_if_nowhere_else() -> None:
    (entry,) = timeline.entries([{"at": "2026-11-20T12:00:00Z#Rendering Failure#0badcafe"}])
    assert (entry.at.isoformat(), entry.kind) == ("2026-11-20T12:00:00+00:00", "Rendering Failure")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "+0 ms"),
        (0.25, "+250 ms"),
        (1, "+1.0 s"),
        (59.9, "+59.9 s"),
        (60, "+0:01:00"),
        (75, "+0:01:15"),
        (86_399, "+23:59:59"),
        (86_400, "+1 d 0 h"),
        (90_000, "+1 d 1 h"),
        (-2, "-2.0 s"),
    ],
)
def test_times_get_coarser_as_they_grow(seconds: float, expected: str) -> None:
    assert timeline.since(timedelta(seconds=seconds)) == expected


def test_a_hostile_user_agent_is_escaped() -> None:
    hostile = json.dumps({"userAgent": "\x1b]0;PWNED\x07\x1b[2J [red]"})
    found = timeline.entries([item("open", "2026-11-20T12:00:00Z", detail=hostile)])
    assert shown(found)[2].endswith("\\x1b]0;PWNED\\x07\\x1b[2J [red]")
