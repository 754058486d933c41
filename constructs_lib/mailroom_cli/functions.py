"""Finds the functions of an app, and reads what they print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailroom_cli.account import everywhere
from mailroom_cli.errors import CommandError
from mailroom_cli.names import short_name

if TYPE_CHECKING:
    from mailroom_cli.account import Account

# What the constructs set for each function of theirs.
_OURS = "MAILROOM_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A line that a function printed."""

    function: str
    """The function's name."""
    at: datetime
    """When it printed it; in the local AWS, when the call ended."""
    message: str
    """The line."""
    where: str = ""
    """Where the function is; see `Log`."""


class Log:
    """The log of one function, read from where it was last read to.

    Args:
        logs: A boto3 client of CloudWatch Logs.
        function: The function's name.
        group: Its log group.
        where: The account and region of the function, if the app has several.
    """

    def __init__(self, logs: Any, *, function: str, group: str, where: str = "") -> None:
        self.function = function
        self.where = where
        self._logs = logs
        self._group = group
        self._since = 0
        self._seen: Counter[tuple[int, str, str]] = Counter()

    def begin(self, since: int) -> None:
        """Leave out what is older than this, in milliseconds since 1970."""
        self._since = since

    def read(self) -> Iterator[Printed]:
        """Yield what is new."""
        from botocore.exceptions import ClientError

        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, startTime=self._since
        )
        try:
            found = [event for page in pages for event in page["events"]]
        except ClientError as error:
            # The function has not run yet.
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return
            raise
        counts: Counter[tuple[int, str, str]] = Counter()
        for event in found:
            at = event["timestamp"]
            # The same line may be printed twice in a millisecond.
            key = (at, str(event.get("eventId") or event["logStreamName"]), event["message"])
            counts[key] += 1
            if counts[key] > self._seen[key]:
                moment = datetime.fromtimestamp(at / 1000, UTC)
                yield Printed(
                    function=self.function, at=moment, message=event["message"], where=self.where
                )
        if counts:
            self._since = max(at for at, _, _ in counts)
            # Of the newest millisecond, there may be more.
            newest = {key: count for key, count in counts.items() if key[0] == self._since}
            self._seen = Counter(newest)


def find(account: Account, wanted: str | None) -> list[Log]:
    """Return the logs of an app's functions.

    Args:
        account: Where they are.
        wanted: A part of the name of those to return. Default: all that cdk-mailroom made; in the
            local AWS, all.

    Raises:
        CommandError: There is none.
    """
    found = [
        log
        for where, client in everywhere(account)
        for log in _logs(client, where, (wanted or "").lower(), every=bool(wanted or account.local))
    ]
    exact = [one for one in found if wanted in (one.function, short_name(one.function))]
    if not found:
        raise CommandError(
            f"{account.where} has no function"
            + (f" whose name contains {wanted!r}" if wanted else " of cdk-mailroom"),
            remedy="pass a part of a function's name" if wanted else "deploy an app first",
        )
    return exact or found


def _logs(client: Callable[[str], Any], where: str, part: str, *, every: bool) -> Iterator[Log]:
    logs = client("logs")
    for page in client("lambda").get_paginator("list_functions").paginate():
        for one in page["Functions"]:
            name = one["FunctionName"]
            if part in name.lower() and (every or _is_ours(one)):
                group = one.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
                yield Log(logs, function=name, group=group, where=where)


def _is_ours(function: dict[str, Any]) -> bool:
    variables = (function.get("Environment") or {}).get("Variables") or {}
    return any(name.startswith(_OURS) for name in variables)
