"""Publishes alerts to an SNS topic, at least once.

A claim is written to the event table first, in the name of the event that makes it. A claim of
another event means that this one has been alerted on. Only the event that made a claim may take it
up again: if publishing failed or the function was killed, its record failed too, and is retried. A
second write records that the alert was published.

https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import os

from mailroom import _runtime
from mailroom.handlers.events._table import put
from mailroom.handlers.events._text import digest, shown, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mailroom.events import SendingEvent
    from mailroom.handlers.events._settings import Settings
    from mailroom.handlers.events._table import Item

__all__ = ["alert"]


_published: set[tuple[str, str]] = set()
"""Claims known to be published, so that a flood of failures does not make a hot partition."""

_MAX_REMEMBERED = 1_000


def alert(
    event: SendingEvent,
    settings: Settings,
    subject: str,
    sentences: Sequence[str],
    *,
    once_per: Sequence[str] | None = None,
) -> None:
    """Publish an alert about *event*, if there is a topic.

    Args:
        event: The event.
        settings: The settings.
        subject: The alert's subject.
        sentences: The alert's text; ids, the time and a link to the log are added.
        once_per: Other events with the same strings raise no alert in the same window. Windows
            are counted from 1970, by the event's time. Default: every event raises one.
    """
    if settings.alert_topic is None:
        return
    moment = event.timestamp
    if once_per is None:
        at, name = stamp(moment), digest("event", event.key)
        expires = int(moment.timestamp()) + settings.ttl
    else:
        from datetime import UTC, datetime

        start = int(moment.timestamp()) // settings.window * settings.window
        at, name = stamp(datetime.fromtimestamp(start, UTC)), digest("window", *once_per)
        expires = start + settings.window + settings.ttl
    if (name, at) in _published:
        return
    owner = digest(event.key)
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
        put({**claim, "sent": {"S": "1"}}, settings, ConditionExpression=_MINE, **_values(owner))
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
        # Only if it was published: the event that made the claim must be able to take it up.
        if "sent" in (error.response.get("Item") or {}):
            _remember(claim["message_id"]["S"].partition("#")[2], claim["at"]["S"])
        return False
    return True


def _remember(name: str, at: str) -> None:
    if len(_published) >= _MAX_REMEMBERED:
        _published.clear()
    _published.add((name, at))


def _subject(text: str) -> str:
    # SNS refuses a subject that is longer, not ASCII, or has a line break.
    return shown(text, 100).encode("ascii", "replace").decode() or "Mailroom"


def _where(event: SendingEvent) -> list[str]:
    lines = [
        f"Message id: {shown(event.mail.message_id, 256)}",
        f"Configuration set: {shown(event.mail.configuration_set) or 'none'}",
        f"Time: {stamp(event.timestamp)}",
        f"All events of this mail: mailroom trace {shown(event.mail.message_id, 256)}",
    ]
    link = _log_link(
        os.environ.get("AWS_REGION", ""), os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    )
    return [*lines, f"Log: {link}"] if link else lines


def _log_link(region: str, group: str) -> str:
    if not (region and group):
        return ""
    from urllib.parse import quote

    # The console escapes it twice, with $ for the second %.
    name = quote(quote(group, safe=""), safe="").replace("%", "$")
    host = _runtime.console(region)
    return f"https://{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{name}"
