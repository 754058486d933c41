"""Alerts to an SNS topic."""

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
