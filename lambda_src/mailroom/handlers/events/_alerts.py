"""Publishes alerts to an SNS topic, at least once.

The event table has one item for each alert. It is written before publishing, which shows whether
the alert was published already, and again afterwards to record that it was. Only an item that says
so keeps further events silent: one that a function left behind when publishing failed, or when it
was killed, is taken up by the next event. Events that arrive within the same moment may therefore
publish an alert several times, but none is lost.

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

    from mailroom.events import SendingEvent
    from mailroom.handlers.events._settings import Settings
    from mailroom.handlers.events._table import Item

__all__ = ["NOT_SENT", "alert"]

NOT_SENT = "attribute_not_exists(sent)"
"""Holds for an alert that has no item, or one that does not say that it was published."""

_published: set[tuple[str, str]] = set()
"""Alerts known to be published, so that a flood of failures does not make a hot partition."""

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
    item: Item = {
        "message_id": {"S": f"alert#{name}"},
        "at": {"S": at},
        "expires_at": {"N": str(expires)},
    }
    if put(item, settings, ConditionExpression=NOT_SENT):
        text = "\n".join((*sentences, "", *_where(event))) + "\n"
        _runtime.client("sns").publish(
            TopicArn=settings.alert_topic, Subject=_subject(subject), Message=text
        )
        put({**item, "sent": {"S": "1"}}, settings, ConditionExpression=NOT_SENT)
    _remember(name, at)


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
