"""Generate 20,000 events as a lake stores them: ``python examples/analytics/generate.py``.

The events are a month of a small shop's mail, always the same for the same arguments. The problems
hidden in them: an old list of addresses was imported on the 12th; one provider is slow; since the
17th, the receipt template needs an attribute that is missing from the data; half of the opens are
automated; and one event in two hundred arrived twice.

The events have SES's format. The rows are made by ``mailroom.lake.row``, as in the transformation,
and written to partitions as Firehose does. Anything that reads newline-delimited JSON can query
them.
"""

import argparse
import json
import random
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from mailroom.events import parse
from mailroom.lake import partition, row
from mailroom.testing import sending_event_payload

LAKE = Path(__file__).parents[2] / ".analytics"
UNTIL = date(2026, 11, 20)
DAYS = 30
IMPORT_DAY = 8
"""How many days before the end the old list was imported."""
BROKEN_DAYS = 4
"""How many days the receipt template has been broken."""

# Domain: share of the mail, median latency in ms, bounces and complaints per thousand mails.
DOMAINS = {
    "gmail.test": (38, 900, 9, 0.6),
    "outlook.test": (21, 2_100, 14, 1.2),
    "yahoo.test": (13, 1_500, 12, 1.6),
    "icloud.test": (11, 1_200, 8, 0.4),
    "web.test": (8, 3_800, 16, 0.5),
    "slowmail.test": (5, 26_000, 18, 0.4),
    "university.test": (4, 5_200, 30, 0.2),
}
# Kind of mail: share of the mail, percent opened and percent clicked by people once delivered.
CAMPAIGNS = {
    "newsletter": (52, 27, 6),
    "receipt": (22, 61, 9),
    "welcome": (14, 48, 21),
    "password-reset": (12, 72, 64),
}
BOUNCES = (
    ("Permanent", "NoEmail", "5.1.1", "smtp; 550 5.1.1 no such user here"),
    ("Permanent", "General", "5.7.1", "smtp; 554 5.7.1 message refused by policy"),
    ("Transient", "MailboxFull", "4.2.2", "smtp; 452 4.2.2 the mailbox is full"),
)
PEOPLE = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Version/19.1",
)
# The exact user agent of Apple's privacy proxy.
MACHINE = "Mozilla/5.0"


def chosen(dice: random.Random, shares: dict[str, Any]) -> str:
    return dice.choices(list(shares), [share[0] for share in shares.values()])[0]


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Mail:
    """One mail and its SES events."""

    def __init__(self, dice: random.Random, number: int, until: date) -> None:
        self.dice = dice
        day = dice.randrange(DAYS)
        if dice.random() < 0.07:
            day = DAYS - 1 - IMPORT_DAY
        self.imported = day == DAYS - 1 - IMPORT_DAY and dice.random() < 0.66
        hour = min(23, max(0, int(dice.gauss(12, 4))))
        start = datetime(until.year, until.month, until.day, tzinfo=UTC)
        self.sent = (
            start
            - timedelta(days=DAYS - 1 - day)
            + timedelta(hours=hour, milliseconds=dice.randrange(3_600_000))
        )
        self.late = day >= DAYS - BROKEN_DAYS
        self.campaign = "newsletter" if self.imported else chosen(dice, CAMPAIGNS)
        self.domain = chosen(dice, DOMAINS)
        self.message_id = f"0100{dice.getrandbits(64):016x}-{dice.getrandbits(32):08x}-000000"
        self.recipient = f"reader{dice.randrange(9_000)}@{self.domain}"
        self.number = number

    def event(self, kind: str, when: datetime, **detail: Any) -> dict[str, Any]:
        if kind not in ("Send", "Reject", "Rendering Failure"):
            detail["timestamp"] = stamp(when)
        payload = sending_event_payload(
            kind,
            recipients=[self.recipient],
            source="Example Shop <shop@example.com>",
            message_id=self.message_id,
            sent_at=stamp(self.sent),
            subject=f"Your {self.campaign}, number {self.number}",
            configuration_set="Shop",
            tags={
                "campaign": [self.campaign],
                "ses:source-ip": ["192.0.2.10"],
                "ses:from-domain": ["example.com"],
                "ses:caller-identity": ["Shop-Send-Role"],
                "ses:operation": ["SendEmail"],
            },
            **detail,
        )
        headers = payload["mail"].get("headers")
        if headers is not None:
            headers += [
                {"name": "Reply-To", "value": "help@example.com"},
                {"name": "MIME-Version", "value": "1.0"},
                {"name": "Content-Type", "value": 'multipart/alternative; boundary="=-0"'},
                {"name": "List-Unsubscribe", "value": "<https://example.com/leave/0123456789>"},
            ]
        return payload

    def story(self) -> Iterator[dict[str, Any]]:
        dice = self.dice
        if self.campaign == "receipt" and self.late and dice.random() < 0.3:
            yield self.event(
                "Rendering Failure",
                self.sent,
                template_name="receipt-v7",
                error_message="Attribute 'vatNumber' is not present in the rendering data.",
            )
            return
        yield self.event("Send", self.sent)
        _, median, bounces, complaints = DOMAINS[self.domain]
        seconds = median / 1000 * dice.lognormvariate(0, 0.55)
        if dice.random() < (0.19 if self.imported else bounces / 1000):
            kind, sub_type, status, said = BOUNCES[
                0 if self.imported else dice.choices((0, 1, 2), (5, 1, 4))[0]
            ]
            yield self.event(
                "Bounce",
                self.sent + timedelta(seconds=seconds),
                bounce_type=kind,
                bounce_sub_type=sub_type,
                feedback_id=f"fb-{self.message_id}",
                bounced_recipients=[
                    {
                        "emailAddress": self.recipient,
                        "action": "failed",
                        "status": status,
                        "diagnosticCode": said,
                    }
                ],
            )
            return
        if self.domain == "slowmail.test" and dice.random() < 0.15:
            yield self.event("DeliveryDelay", self.sent + timedelta(minutes=6))
            seconds += 60 * dice.uniform(7, 90)
        yield self.event(
            "Delivery",
            self.sent + timedelta(seconds=seconds),
            processing_time_millis=int(seconds * 1000),
            smtp_response="250 2.0.0 OK",
            reporting_mta="a8-50.smtp-out.amazonses.com",
        )
        arrived = self.sent + timedelta(seconds=seconds)
        if self.domain in ("icloud.test", "gmail.test") and dice.random() < 0.45:
            yield self.event(
                "Open",
                arrived + timedelta(seconds=dice.uniform(2, 90)),
                user_agent=MACHINE,
                is_bot_event="Likely",
            )
        _, opened, clicked = CAMPAIGNS[self.campaign]
        if dice.randrange(100) < opened:
            seen = arrived + timedelta(minutes=dice.expovariate(1 / 90))
            agent = dice.choice(PEOPLE)
            yield self.event("Open", seen, user_agent=agent)
            if dice.randrange(100) < 100 * clicked / opened:
                yield self.event(
                    "Click",
                    seen + timedelta(seconds=dice.uniform(3, 60)),
                    user_agent=agent,
                    link=f"https://example.com/{self.campaign}",
                )
        if dice.random() < complaints / 1000 * (4 if self.imported else 1):
            yield self.event(
                "Complaint",
                arrived + timedelta(hours=dice.uniform(1, 30)),
                feedback_id=f"fb-{self.message_id}",
            )


def events(count: int, *, seed: int = 47, until: date = UNTIL) -> list[dict[str, Any]]:
    """Return *count* events, mail by mail, in the order in which they happened."""
    # Not for secrets; the same seed gives the same events.
    dice = random.Random(seed)  # noqa: S311
    made: list[dict[str, Any]] = []
    number = 0
    while len(made) < count:
        number += 1
        for event in Mail(dice, number, until).story():
            made.append(event)
            if dice.random() < 0.005:
                made.append(event)
    return made[:count]


def write(folder: Path, made: list[dict[str, Any]]) -> int:
    """Write *made* as rows in partitions below *folder*, and return the number of objects."""
    lines: dict[tuple[str, str], list[str]] = defaultdict(list)
    for raw in made:
        event = parse(raw)
        found = row(event)
        keys = partition(event, found)
        lines[keys["event_type"], keys["day"]].append(
            json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        )
    for (kind, day), text in lines.items():
        place = folder / "events" / f"event_type={kind}" / f"day={day}"
        place.mkdir(parents=True)
        (place / "events.json").write_text("\n".join(text) + "\n", encoding="utf-8")
    return len(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=47)
    parser.add_argument("--until", type=date.fromisoformat, default=UNTIL, metavar="YYYY-MM-DD")
    parser.add_argument("--to", type=Path, default=LAKE, metavar="FOLDER")
    given = parser.parse_args(arguments)
    shutil.rmtree(given.to / "events", ignore_errors=True)
    objects = write(given.to, events(given.count, seed=given.seed, until=given.until))
    print(f"{given.count:,} events in {objects:,} objects below {given.to / 'events'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
