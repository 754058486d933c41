"""Records events in the event table, and prints metrics of the new items.

The partition key is ``message_id``, the sort key ``at``: time, type, and a digest of event and
recipient. All of it follows from the event alone, and an item is written only if it does not exist,
so duplicates and any order of deliveries leave the same table. There is one item for each
recipient, with what the event says of this one. Headers, subject and content are never stored;
everything else is cut, so that no item exceeds `MAX_ITEM_BYTES`.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Limits.html
"""

from __future__ import annotations

import json

from mailroom import _runtime
from mailroom.errors import MalformedEvent
from mailroom.events.reading import address
from mailroom.handlers.events._measures import measures
from mailroom.handlers.events._text import configuration_set, digest, stamp
from mailroom.ses import RECIPIENTS_PER_MESSAGE, EventType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from mailroom.events import SendingEvent
    from mailroom.handlers.events._settings import Settings

    Item = dict[str, dict[str, str]]

__all__ = ["MAX_ITEM_BYTES", "items", "put", "record"]


MAX_ITEM_BYTES = 4_096
"""No item is larger; one of AWS's sample events makes about 700 bytes."""

_MAX_RECIPIENTS = 10 * RECIPIENTS_PER_MESSAGE  # more than any event of SES has
_MAX_ID = 512
_MAX_TEXT = 320
_MAX_TAGS = 512
_MAX_DETAIL = 1_536

_COUNTS_RECIPIENTS = frozenset(
    (EventType.BOUNCE, EventType.DELIVERY, EventType.DELIVERY_DELAY, EventType.SEND)
)

# Keys that the table must never hold, should an unknown type have them.
_NEVER_STORED = frozenset(
    ("body", "commonheaders", "content", "headers", "html", "mail", "subject", "text")
)


def items(event: SendingEvent, settings: Settings) -> Iterator[Item]:
    """Yield the table's items of *event*: one for each recipient, or one if it has none."""
    message_id = event.mail.message_id
    # DynamoDB would refuse it as well, but with a less helpful error.
    if not 0 < len(message_id.encode("utf-8", "replace")) <= _MAX_ID:
        raise MalformedEvent("'mail.messageId' is empty or too long to be SES's")
    recipients: list[str | None] = list(dict.fromkeys(map(address, event.recipients)))
    if len(recipients) > _MAX_RECIPIENTS:
        raise MalformedEvent(f"{len(recipients)} recipients are more than SES allows in a mail")
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
        # Empty strings are left out, because the index refuses one as its key.
        item: Item = {name: {"S": text} for name, text in texts.items() if text}
        item["expires_at"] = {"N": expires_at}
        yield item


def _own_part(detail: Mapping[str, Any], recipient: str | None) -> dict[str, Any]:
    # The other recipients have items of their own, and must not be named in this one.
    own: dict[str, Any] = {}
    for key, value in detail.items():
        if key == "link" and isinstance(value, str):
            # The query often holds a secret of the recipient, such as a login token.
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
    # In bytes, as DynamoDB counts; lone surrogates cannot be stored at all.
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


def record(event: SendingEvent, settings: Settings) -> None:
    """Write the items of *event* that the table lacks, and print its metrics if there were any."""
    printed = measures(event)
    new = 0
    first = False
    try:
        for position, item in enumerate(items(event, settings)):
            if put(item, settings):
                new += 1
                first = first or position == 0
    finally:
        # Even if a later item failed: those that were written will not be new again.
        count = new if event.type in _COUNTS_RECIPIENTS else int(first)
        if count:
            name = configuration_set(event)
            for metric, value, unit, dimensions in printed:
                if value is None or first:
                    _runtime.metric(
                        metric,
                        count if value is None else value,
                        unit,
                        ConfigurationSet=name,
                        **dimensions,
                    )


def put(item: Item, settings: Settings, **condition: Any) -> bool:
    """Write *item* if *condition* holds, by default that it does not exist; return whether."""
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
