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
import os

from mailroom import _runtime
from mailroom.errors import MalformedEvent, MissingField, NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from mailroom.events import SendingEvent

    Item = dict[str, dict[str, str]]
    Measure = tuple[str, float | None, str, dict[str, str]]

__all__ = [
    "MAX_ITEM_BYTES",
    "Settings",
    "address",
    "alert",
    "automated",
    "configuration_set",
    "dimension",
    "each",
    "items",
    "measure",
    "prepare",
    "record",
    "settings",
    "shown",
    "stamp",
    "suppress",
]

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


class Settings:
    """The environment, read once."""

    __slots__ = ("alert_topic", "expiry_warning", "suppress", "table", "ttl", "window")

    def __init__(self) -> None:
        self.table = _runtime.setting("MAILROOM_EVENT_TABLE")
        self.ttl = _number("MAILROOM_EVENT_TTL_DAYS", 90) * 86_400
        self.alert_topic = os.environ.get("MAILROOM_ALERT_TOPIC") or None
        self.window = _number("MAILROOM_ALERT_WINDOW_SECONDS", 3_600)
        self.expiry_warning = _number("MAILROOM_EXPIRY_WARNING_SECONDS", 7_200)
        suppress = os.environ.get("MAILROOM_SUPPRESS") or "1"
        if suppress not in ("0", "1"):
            raise NotConfigured(f"MAILROOM_SUPPRESS is {suppress!r:.80}; it must be '0' or '1'")
        self.suppress = suppress == "1"


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise NotConfigured(f"{name} is {text!r:.80}; it must be a whole number above 0")
    return int(text)


_settings: Settings | None = None


def settings() -> Settings:
    """Return the settings, read on first use."""
    global _settings
    if _settings is None:
        _settings = Settings()
    return _settings


def prepare(*, alerts: bool = False, suppression: bool = False) -> None:
    """Make settings and clients while Lambda initialises, where it gives a whole core.

    Does nothing where the environment has no event table, as in a test.
    """
    if "MAILROOM_EVENT_TABLE" not in os.environ:
        return
    chosen = settings()
    _runtime.client("dynamodb")
    if alerts and chosen.alert_topic:
        _runtime.client("sns")
    if suppression and chosen.suppress:
        _runtime.client("sesv2")


def each(*steps: Callable[[], object]) -> None:
    """Run every step, even after one failed; then raise the first error."""
    errors: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:  # raised below
            errors.append(error)
    if errors:
        raise errors[0]


# View: what the table, a metric and an alert may hold of an event


def address(text: object) -> str:
    """Return the plain, lower-cased address in *text*, which may have a display name."""
    return _plain(text).lower()


def _plain(text: object) -> str:
    if not isinstance(text, str):
        raise MissingField(f"a recipient is a {type(text).__name__}, not an address")
    text = text.strip()
    # A "<" alone may be part of a quoted local part.
    plain = text[text.rfind("<") + 1 : -1] if text.endswith(">") else text
    return plain.strip()


def configuration_set(event: SendingEvent) -> str:
    """Return the configuration set's name as a dimension, ``none`` if there is none."""
    return dimension(event.mail.configuration_set)


def dimension(value: object) -> str:
    """Return *value* as a dimension's value: ASCII, short, never empty; ``none`` if no text."""
    if not isinstance(value, str):
        return "none"
    return shown(value, 100).encode("ascii", "replace").decode() or "none"


def shown(value: object, limit: int = 200) -> str:
    """Return *value*, which anyone may have written, as one line of at most *limit* characters."""
    text = value if isinstance(value, str) else ""
    text = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def stamp(moment: datetime) -> str:
    """Return *moment*, which is in UTC, as ISO 8601 with milliseconds; sorts as text."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
            "at": f"{when}#{kind}#{_digest(key, recipient or '')}",
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


def _digest(*parts: str) -> str:
    from hashlib import sha256

    text = "\n".join(parts).encode("utf-8", "surrogatepass")
    return sha256(text).hexdigest()[:24]


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


_AUTOMATED_NAMES = ("automat", "bot", "machine", "prefetch", "synthetic")
_TRUE = frozenset(("true", "yes", "1", "bot", "automated", "machine", "prefetch", "synthetic"))
_FALSE = frozenset(("false", "no", "0", "human", "none", "person", "user"))

# What says of itself that it is no person's browser.
_PROGRAMS = (
    "bot",
    "crawler",
    "curl/",
    "go-http-client",
    "headlesschrome",
    "java/",
    "python-",
    "scanner",
    "spider",
    "wget/",
)
_PREFETCHERS = frozenset(
    (
        # Apple Mail Privacy Protection and Gmail's prefetching, word for word.
        "mozilla/5.0",
        (
            "mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) "
            "chrome/42.0.2311.135 safari/537.36 edge/12.246 mozilla/5.0"
        ),
    )
)


def automated(detail: Mapping[str, Any]) -> str:
    """Return ``yes``, ``no`` or ``unknown``: whether a machine opened the mail or followed a link.

    SES has said so since August 2026, but we could not find in which field. So any field counts
    whose name has ``automat``, ``bot``, ``machine``, ``prefetch`` or ``synthetic`` in it and whose
    value is a boolean or one of a few words (also ``human`` …). Without one, a user agent that is
    a prefetcher's or names a program is ``yes``, and any other ``unknown``, never ``no``. Google's
    image proxy is ``unknown``: it fetches when a person opens the mail.

    https://bird.com/en-gb/blog/gmail-prefetching-images
    """
    said = {_said(value) for name, value in detail.items() if _tells(name)}
    if "yes" in said:
        return "yes"
    if "no" in said:
        return "no"
    agent = detail.get("userAgent")
    if isinstance(agent, str):
        text = agent[:1_000].strip().lower().replace("cubot", "")  # a maker of telephones
        if text in _PREFETCHERS or any(program in text for program in _PROGRAMS):
            return "yes"
    return "unknown"


def _tells(name: str) -> bool:
    # "bot" is looked for as a word of the camel-cased name, as "bottom" has it too.
    lower = name.lower()
    if any(part in lower for part in _AUTOMATED_NAMES if part != "bot"):
        return True
    at = lower.find("bot")
    return at >= 0 and not name[at + 3 : at + 4].islower()


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    word = value.strip().lower() if isinstance(value, str) else ""
    return "yes" if word in _TRUE else "no" if word in _FALSE else ""


# Act


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
            if _put(item, settings):
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


def _put(item: Item, settings: Settings, **condition: Any) -> bool:
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


def suppress(recipients: Sequence[str], reason: str) -> None:
    """Put *recipients* on the account's suppression list; harmless if they are on it.

    In the case in which SES reports them, as AWS does not say whether the list minds it.
    """
    client = _runtime.client("sesv2")
    each(
        *(
            lambda one=one: client.put_suppressed_destination(EmailAddress=one, Reason=reason)
            for one in dict.fromkeys(map(_plain, recipients))
        )
    )


_published: set[tuple[str, str]] = set()
"""Claims that are known to be out, so that a storm of failures does not make one hot partition."""

_MAX_REMEMBERED = 1_000


def alert(
    event: SendingEvent,
    settings: Settings,
    subject: str,
    sentences: Sequence[str],
    *,
    once_per: Sequence[str] | None = None,
) -> None:
    """Publish an alert about *event*, if there is a topic; at least once, as the module says.

    With *once_per*, other events that give the same texts alert no more within the same window.
    Windows are counted from 1970, by the event's time.
    """
    if settings.alert_topic is None:
        return
    moment = event.timestamp
    if once_per is None:
        at, name = stamp(moment), _digest("event", event.key)
        expires = int(moment.timestamp()) + settings.ttl
    else:
        from datetime import UTC, datetime

        start = int(moment.timestamp()) // settings.window * settings.window
        at, name = stamp(datetime.fromtimestamp(start, UTC)), _digest("window", *once_per)
        expires = start + settings.window + settings.ttl
    if (name, at) in _published:
        return
    owner = _digest(event.key)
    claim: Item = {
        "message_id": {"S": f"alert#{name}"},
        "at": {"S": at},
        "owner": {"S": owner},
        "expires_at": {"N": str(expires)},
    }
    if _claim(claim, settings):
        text = "\n".join((*sentences, "", *_where(event))) + "\n"
        _runtime.client("sns").publish(
            TopicArn=settings.alert_topic, Subject=_subject(subject), Message=text
        )
        _put({**claim, "sent": {"S": "1"}}, settings, ConditionExpression=_MINE, **_values(owner))
        _remember(name, at)


_MINE = "attribute_not_exists(message_id) OR #owner = :owner"
_MINE_TO_DO = "attribute_not_exists(message_id) OR (#owner = :owner AND attribute_not_exists(sent))"


def _values(owner: str) -> dict[str, Any]:
    return {
        "ExpressionAttributeNames": {"#owner": "owner"},  # a reserved word
        "ExpressionAttributeValues": {":owner": {"S": owner}},
    }


def _claim(claim: Item, settings: Settings) -> bool:
    client = _runtime.client("dynamodb")
    try:
        client.put_item(
            TableName=settings.table,
            Item=claim,
            ConditionExpression=_MINE_TO_DO,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **_values(claim["owner"]["S"]),
        )
    except client.exceptions.ConditionalCheckFailedException as error:
        # Remembered only if it is out: an event that made a claim must find its way back to it.
        if "sent" in (error.response.get("Item") or {}):
            _remember(claim["message_id"]["S"].partition("#")[2], claim["at"]["S"])
        return False
    return True


def _remember(name: str, at: str) -> None:
    if len(_published) >= _MAX_REMEMBERED:
        _published.clear()
    _published.add((name, at))


def _subject(text: str) -> str:
    # SNS refuses what is longer, not ASCII, or has a line break.
    return shown(text, 100).encode("ascii", "replace").decode() or "Mailroom"


def _where(event: SendingEvent) -> list[str]:
    lines = [
        f"Message id: {shown(event.mail.message_id, 256)}",
        f"Configuration set: {shown(event.mail.configuration_set) or 'none'}",
        f"Time: {stamp(event.timestamp)}",
        f"The whole story: mailroom trace {shown(event.mail.message_id, 256)}",
    ]
    link = _log_link(
        os.environ.get("AWS_REGION", ""), os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    )
    return [*lines, f"The log: {link}"] if link else lines


def _log_link(region: str, group: str) -> str:
    if not (region and group):
        return ""
    from urllib.parse import quote

    host = f"{region}.console.aws.amazon.com"
    if region.startswith("us-gov-"):
        host = "console.amazonaws-us-gov.com"
    elif region.startswith("cn-"):
        host = f"{region}.console.amazonaws.cn"
    # The console's own way: escaped twice, with $ for the second %.
    name = quote(quote(group, safe=""), safe="").replace("%", "$")
    return f"https://{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{name}"
