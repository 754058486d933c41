"""`mailroom report`: the picture, whatever the lake contains."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mailroom.errors import QueryFailed
from mailroom.lake import Answer
from mailroom.testing import MemoryLake
from mailroom_cli import account, lakes, report

Run = Callable[..., tuple[int, str, str]]
HOSTILE = "\x1b]0;PWNED\x07\x00</text><script>\ufffe\ud800"


class Everything(MemoryLake):
    """A lake that also answers the two queries that are not saved."""

    def query(self, name: str | None = None, *, sql: str | None = None, **options: Any) -> Answer:
        if sql is None:
            return super().query(name, **options)
        self.asked.append({"query": sql, "parameters": (), "days": options["days"]})
        return Answer([{"many": 7}] if "many" in sql else [{"message_id": "m-1"}])


def day(number: int, **values: Any) -> dict[str, Any]:
    return {
        "day": f"2026-11-{number:02}",
        "sent": 9,
        "delivered": 8,
        "bounced": 1,
        "bounce_rate": 11.1,
        **values,
    }


def lake(text: str = "x.example", **answers: list[dict[str, Any]]) -> Everything:
    """A lake with *text* wherever an answer has somebody else's text."""
    rates = {"bounce_rate": 3.0, "complaint_rate": None}
    times = {"p50": 1.0, "p90": 2.0, "p99": 90_000.0}
    engaged = {"delivered": 8, "opened": 4, "clicked": 0, "opened_automated": 2}
    event = {"event_time": "2026-11-01T00:00:00.000Z", "recipients": f"[{text}]", "detail": text}
    found: dict[str, list[dict[str, Any]]] = {
        "rates_by_day": [day(1), day(2)],
        "rates_by_domain": [{"domain": text, **rates}] * 50,
        "latency_percentiles": [{"domain": text, **times}] * 50,
        "engagement_by_tag": [{"tag": text, "tag_value": text, **engaged}] * 9,
        "message_story": [{**event, "event_type": "delivery", "latency_ms": 900, "automated": None}]
        * 20,
        "failing_templates": [{"failed": 3, "template_name": text, "error_message": text}],
        "bounce_reasons": [
            {"bounced": 3, "bounce_type": text, "bounce_sub_type": None, "example": text}
        ],
        "duplicates": [{}] * 1000,
    }
    return Everything({**found, **answers})


@pytest.fixture
def drawn(mailroom: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """Draw a lake with the command, and return the text of the picture."""

    def draw(from_: MemoryLake, *options: str) -> str:
        chosen = account.Account(where="the account", client={}.__getitem__)
        monkeypatch.setattr(account, "resolve", lambda options: chosen)
        monkeypatch.setattr(lakes, "find", lambda *_, **__: from_)
        target = tmp_path / "report.svg"
        status, printed, said = mailroom("report", "-o", str(target), *options)
        assert (status, printed) == (0, f"wrote {target}\n"), said
        root = ET.fromstring(target.read_text(encoding="utf-8"))
        assert not [one for one in root.iter() if one.tag.endswith("script")]
        return "\n".join(one.text or "" for one in root.iter() if one.tag.endswith("text"))

    return draw


def test_every_panel_shows_its_query(drawn: Callable[..., str]) -> None:
    text = drawn(lake())
    for part in (
        *("18\nmails sent", "7\nevents", "11.1 %", "3.0 %", "after 0.9 s", "1,000+"),
        *("failures of the template", "Opens and clicks by x.example", "To x.example"),
    ):
        assert part in text


def test_days_reach_every_query(drawn: Callable[..., str]) -> None:
    asked = lake()
    assert "from the last 1 day of" in drawn(asked, "--days", "1")
    assert {one["days"] for one in asked.asked} == {1}
    assert len(asked.asked) == 10


def test_hostile_text_is_visible_and_harmless(drawn: Callable[..., str]) -> None:
    """XML cannot contain control characters at all."""
    text = drawn(lake(HOSTILE))
    assert r"\x1b]0;PWNED\x07\x00</text><" in text


@pytest.mark.parametrize(
    "answers",
    [
        {"rates_by_day": [day(1, sent=0, delivered=0, bounced=0, bounce_rate=None)]},
        {"rates_by_day": [day(number, bounce_rate=100.0) for number in range(1, 31)]},
        {"rates_by_domain": [{"domain": None, "bounce_rate": 0.0, "complaint_rate": 0.0}]},
        {
            name: []
            for name in (
                *("rates_by_domain", "latency_percentiles", "engagement_by_tag"),
                *("message_story", "failing_templates", "bounce_reasons", "duplicates"),
            )
        },
    ],
    ids=["nothing sent", "all bounced", "no domain", "nothing but days"],
)
def test_a_lake_with_little_in_it_is_drawn(drawn: Callable[..., str], answers: Any) -> None:
    drawn(lake(**answers))


def test_the_tag_of_most_of_the_mail_is_shown() -> None:
    def tagged(tag: str, value: str, delivered: int) -> dict[str, Any]:
        counts = {"opened": 0, "clicked": 0, "opened_automated": 0}
        return {"tag": tag, "tag_value": value, "delivered": delivered, **counts}

    class Source:
        def saved(self, name: str, *parameters: str) -> report.Rows:
            tags = [tagged("a", "x", 5), tagged("b", "y", 3), tagged("b", "z", 3)]
            return tags if name == "engagement_by_tag" else []

        def rows(self, sql: str) -> report.Rows:
            return [{"many": 1}] if "many" in sql else []

    assert report.collect(Source()).tag == "b"
    assert len(report.collect(Source(), tag="a").engagement) == 1


def test_failures_are_status_1_with_a_remedy(
    mailroom: Run, drawn: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drawn(lake())
    monkeypatch.setattr(lakes, "find", lambda *_, **__: lake(rates_by_day=[]))
    status, _, said = mailroom("report", "-o", str(tmp_path / "x.svg"))
    assert (status, "no sent mail in the last 30 days\n  pass more --days" in said) == (1, True)
    monkeypatch.setattr(lakes, "find", lambda *_, **__: lake())
    status, _, said = mailroom("report", "-o", str(tmp_path / "none" / "x.svg"))
    assert (status, "pass another --output" in said) == (1, True)
    broken = MemoryLake({"engagement_by_tag": QueryFailed("the query failed: X", remedy="wait")})
    monkeypatch.setattr(lakes, "find", lambda *_, **__: broken)
    status, _, said = mailroom("report")
    assert (status, "mailroom: the query failed: X\n  wait" in said) == (1, True)
