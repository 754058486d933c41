"""What the bundled behaviours of sending events share: the event table, metrics, and alerts.

Settings
    ``MAILROOM_EVENT_TABLE``
        The DynamoDB table that every event is recorded in.
    ``MAILROOM_EVENT_TTL_DAYS``
        How long a record is kept, from the event's own time on. Default: 90.
    ``MAILROOM_ALERT_TOPIC``
        ARN of the SNS topic that alerts go to. Default: no alerts.
    ``MAILROOM_ALERT_WINDOW_SECONDS``
        How long the same alert is not repeated, where a type says so. Default: 3600.
    ``MAILROOM_EXPIRY_WARNING_SECONDS``
        How near the end of a delayed mail must be for an alert. Default: 7200.
    ``MAILROOM_SUPPRESS``
        ``0`` to leave the suppression list alone. Default: ``1``.

The table
    Partition key ``message_id``, sort key ``at`` = time, type and a digest of event and recipient:
    all of it follows from the event alone, and each item is written only if it is not there. So
    duplicates and any order of deliveries leave the same table. One item for each recipient, with
    what the event says of this one. Headers, subject and content are never stored; everything else
    is cut, so that no item exceeds `MAX_ITEM_BYTES`.

Each step by itself
    Every step of a behaviour may be repeated, and all are tried before the first error is raised
    (`each`): a table that is throttled does not hold up a suppression. The record then comes
    again, and each step runs again, whatever was done before.

Counting
    A value is printed when the item that it stands for was new, so duplicates are not counted;
    a function that is killed between the two leaves one value out. ``Send``, ``Delivery``,
    ``Bounce`` and ``DeliveryDelay`` count recipients, as SES's own rates do; the other types
    count once for each event, since their recipients are those who *may* be meant.

Alerts
    At least once. A claim is written first, under the event that makes it; a claim of another
    event means that somebody else alerts. Only the event that made the claim may take it up again,
    which happens if publishing failed or the function was killed: its record then failed too, and
    comes again. A second write says that the alert is out.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Limits.html,
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
"""

from __future__ import annotations

import json

from mailroom import _runtime
from mailroom.errors import MalformedEvent
from mailroom.events.reading import address
from mailroom.handlers.events._text import configuration_set, digest, dimension, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from mailroom.events import SendingEvent
    from mailroom.handlers.events._settings import Settings

    Item = dict[str, dict[str, str]]
    Measure = tuple[str, float | None, str, dict[str, str]]

__all__ = ["MAX_ITEM_BYTES", "items", "measure", "put", "record"]


MAX_ITEM_BYTES = 4_096
"""No item is larger; one of AWS's sample events makes about 700 bytes."""

_MAX_RECIPIENTS = 500  # SES allows 50; beyond ten times that it is no event of SES
_MAX_ID = 512
_MAX_TEXT = 320
_MAX_TAGS = 512
_MAX_DETAIL = 1_536

_COUNTS_RECIPIENTS = frozenset(("Bounce", "Delivery", "DeliveryDelay", "Send"))

# What the table must never hold, should a type that AWS adds later carry it.
_NEVER_STORED = frozenset(
    ("body", "commonheaders", "content", "headers", "html", "mail", "subject", "text")
)


def items(event: SendingEvent, settings: Settings) -> Iterator[Item]:
    """Yield the table's items of *event*, one for each recipient, or one without any."""
    message_id = event.mail.message_id
    # DynamoDB would refuse it as well, but with a text that helps nobody.
    if not 0 < len(message_id.encode("utf-8", "replace")) <= _MAX_ID:
        raise MalformedEvent("'mail.messageId' is empty or longer than any of SES")
    recipients: list[str | None] = list(dict.fromkeys(map(address, event.recipients)))
    if len(recipients) > _MAX_RECIPIENTS:
        raise MalformedEvent(f"{len(recipients)} recipients are more than SES allows")
    moment = event.timestamp
    when, kind, key = stamp(moment), _cut(event.type, 64), event.key
    common = {
        "message_id": _cut(message_id, _MAX_ID),
        "type": kind,
        "timestamp": when,
        "source": _cut(event.mail.source or "", _MAX_TEXT),
        "configuration_set": _cut(event.mail.configuration_set or "", 128),
        "tags": _bounded(
            {name: v for name, v in event.mail.tags.items() if name != "ses:configuration-set"},
            _MAX_TAGS,
        ),
    }
    expires_at = str(int(moment.timestamp()) + settings.ttl)
    for recipient in recipients or [None]:
        texts = {
            **common,
            "at": f"{when}#{kind}#{digest(key, recipient or '')}",
            "recipient": _cut(recipient or "", _MAX_TEXT),
            "detail": _bounded(_own_part(event.detail, recipient), _MAX_DETAIL),
        }
        # An empty text is left out: the index refuses one as its key.
        item: Item = {name: {"S": text} for name, text in texts.items() if text}
        item["expires_at"] = {"N": expires_at}
        yield item


def _own_part(detail: Mapping[str, Any], recipient: str | None) -> dict[str, Any]:
    # The other recipients have items of their own, and nobody should read of them in this one.
    own: dict[str, Any] = {}
    for key, value in detail.items():
        if key == "link" and isinstance(value, str):
            # What follows often is the recipient's own key to an account.
            own[key] = value.partition("#")[0].partition("?")[0]
        elif not isinstance(value, list):
            own[key] = value
        elif any(isinstance(entry, dict) and "emailAddress" in entry for entry in value):
            own[key] = [
                entry
                for entry in value
                if isinstance(entry, dict) and _same(entry.get("emailAddress"), recipient)
            ]
        elif key != "recipients":
            own[key] = value
    return own


def _same(text: object, recipient: str | None) -> bool:
    return isinstance(text, str) and address(text) == recipient


def _cut(text: str, limit: int) -> str:
    # By bytes, as DynamoDB counts them; lone surrogates cannot be stored at all.
    return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def _bounded(value: Mapping[str, Any], limit: int) -> str:
    for width, entries in ((400, 30), (100, 15), (30, 5)):
        text = json.dumps(_shortened(value, width, entries, 5), separators=(",", ":"))
        if len(text) <= limit:
            return text if text != "{}" else ""
    return '{"truncated":true}'


def _shortened(value: Any, width: int, entries: int, depth: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= width else value[:width] + "..."
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        return "..."
    if isinstance(value, list):
        return [_shortened(entry, width, entries, depth - 1) for entry in value[:entries]]
    return {
        name[:64]: _shortened(entry, width, entries, depth - 1)
        for name, entry in list(value.items())[:entries]
        if name.lower() not in _NEVER_STORED
    }


def measure(
    name: str, value: float | None = None, unit: str = "Count", **dimensions: str
) -> Measure:
    """Return a metric for `record` to print; a *value* of ``None`` means the count."""
    return name, value, unit, dimensions


def record(event: SendingEvent, settings: Settings, *measures: Measure) -> None:
    """Write the items of *event* that are not in the table yet, and print the metrics of these."""
    new = 0
    first = False
    try:
        for position, item in enumerate(items(event, settings)):
            if put(item, settings):
                new += 1
                first = first or position == 0
    finally:
        # Also if a later item failed: those that are in now will not be new again.
        count = new if event.type in _COUNTS_RECIPIENTS else int(first)
        if count:
            name = configuration_set(event)
            for metric, value, unit, dimensions in (
                measure("Events", Type=dimension(event.type)),
                *measures,
            ):
                if value is None or first:
                    _runtime.metric(
                        metric,
                        count if value is None else value,
                        unit,
                        ConfigurationSet=name,
                        **dimensions,
                    )


def put(item: Item, settings: Settings, **condition: Any) -> bool:
    client = _runtime.client("dynamodb")
    try:
        client.put_item(
            TableName=settings.table,
            Item=item,
            **(condition or {"ConditionExpression": "attribute_not_exists(message_id)"}),
        )
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True
