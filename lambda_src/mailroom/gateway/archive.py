"""Searches of an archive."""

from __future__ import annotations

import contextlib
import time

from mailroom.errors import GatewayFailed, InvalidSearch, SearchBusy, SearchOutOfTime
from mailroom.gateway._calls import Calls, told
from mailroom.gateway.archived import ArchivedMail, ArchivedText, Found, Row
from mailroom.ses import ARCHIVE_SEARCH_DAYS, ARCHIVE_SEARCH_ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

__all__ = ["Archive"]

_PATIENCE = 10.0
_ATTRIBUTES = {
    "from_": "FROM",
    "to": "TO",
    "cc": "CC",
    "subject": "SUBJECT",
    "envelope_from": "ENVELOPE_FROM",
    "envelope_to": "ENVELOPE_TO",
}
_MOST_VALUES = 10
_BUSY = ("ServiceQuotaExceededException", "ConflictException")


class Archive:
    """An archive that this function may search.

    Mail Manager runs one search at a time for the whole account, and takes one call a second.

    Args:
        name: The construct id of the archive. Default: the only one that the function was granted.
        archive_id: The id of an archive instead, for functions that were not granted one by a
            construct.
        client: A boto3 client of ``mailmanager``. Default: one of this process, made on first use.
        clock: Returns seconds, for tests. Default: `time.monotonic`.
        sleep: Waits for a number of seconds, for tests. Default: `time.sleep`.

    Raises:
        NotConfigured: The function was granted no such archive.
    """

    __slots__ = ("_call", "_clock", "_sleep", "archive_id")

    def __init__(
        self,
        name: str | None = None,
        *,
        archive_id: str | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.archive_id = archive_id or told("MAILROOM_ARCHIVES", name, "MailArchive.grant_search")
        self._clock = clock
        self._sleep = sleep
        self._call = Calls(client=client, patience=_PATIENCE, clock=clock, sleep=sleep)

    def search(
        self,
        since: datetime,
        until: datetime,
        *,
        from_: str | Sequence[str] | None = None,
        to: str | Sequence[str] | None = None,
        cc: str | Sequence[str] | None = None,
        subject: str | Sequence[str] | None = None,
        envelope_from: str | Sequence[str] | None = None,
        envelope_to: str | Sequence[str] | None = None,
        has_attachments: bool | None = None,
        unless: Mapping[str, str | Sequence[str]] | None = None,
        limit: int = 100,
        timeout: float = 60.0,
    ) -> Found:
        """Search the archive, wait, and return the rows.

        Each text is looked for within the field. How several texts of one field combine, and
        whether case matters, AWS does not say. Whatever ends the wait, the search is stopped first,
        so that the next one can begin.

        Args:
            since: The beginning, with a time zone.
            until: The end, with a time zone; at most 30 days after *since*.
            from_: Texts within ``From``. Default: any.
            to: Texts within ``To``. Default: any.
            cc: Texts within ``Cc``. Default: any.
            subject: Texts within ``Subject``. Default: any.
            envelope_from: Texts within the envelope sender. Default: any.
            envelope_to: Texts within an envelope recipient. Default: any.
            has_attachments: Whether something must, or must not, be attached. Default: either.
            unless: Texts that must not be found, by the names of the arguments above, such as
                ``{"subject": "invoice"}``. Default: none.
            limit: The most rows, 1 to 1000. There are no pages: see `Found.full`.
            timeout: The most seconds to wait.

        Returns:
            The rows.

        Raises:
            InvalidSearch: An argument cannot be used; Mail Manager was not asked.
            SearchBusy: Another search of the account is still running.
            SearchOutOfTime: The search took longer than *timeout*, and was stopped.
            GatewayFailed: Mail Manager refused the search, or it failed.
        """
        _check(since, until, limit, timeout)
        wanted = {
            "from_": from_,
            "to": to,
            "cc": cc,
            "subject": subject,
            "envelope_from": envelope_from,
            "envelope_to": envelope_to,
        }
        include = _conditions({key: value for key, value in wanted.items() if value is not None})
        if has_attachments is not None:
            operator = "IS_TRUE" if has_attachments else "IS_FALSE"
            attached = {"Evaluate": {"Attribute": "HAS_ATTACHMENTS"}, "Operator": operator}
            include.append({"BooleanExpression": attached})
        filters = {"Include": include, "Unless": _conditions(unless or {})}
        deadline = self._clock() + timeout
        search_id = self._start(
            ArchiveId=self.archive_id,
            FromTimestamp=since,
            ToTimestamp=until,
            MaxResults=limit,
            **({"Filters": filters} if any(filters.values()) else {}),
        )
        try:
            ended = self._wait(search_id, deadline, timeout)
        except BaseException:
            # What ended the wait matters more than that the search could not be stopped.
            with contextlib.suppress(Exception):
                self._call("stop_archive_search", SearchId=search_id)
            raise
        if ended["State"] != "COMPLETED":
            reason = ended.get("ErrorMessage") or "Mail Manager gives no reason"
            raise GatewayFailed(
                f"the search ended as {ended['State']}: {reason}", code=str(ended["State"])
            )
        answer = self._call("get_archive_search_results", SearchId=search_id)
        rows = [Row(one) for one in answer.get("Rows") or ()]
        return Found(rows, search_id=search_id, limit=limit)

    def message(self, archived_message_id: str) -> ArchivedMail:
        """Return a message that a search found.

        Args:
            archived_message_id: The `Row.id`.

        Raises:
            GatewayFailed: Mail Manager refused it.
        """
        return ArchivedMail(
            self._call("get_archive_message", ArchivedMessageId=archived_message_id)
        )

    def text(self, archived_message_id: str) -> ArchivedText:
        """Return the text of a message that a search found.

        Args:
            archived_message_id: The `Row.id`.

        Raises:
            GatewayFailed: Mail Manager refused it.
        """
        answer = self._call("get_archive_message_content", ArchivedMessageId=archived_message_id)
        return ArchivedText(answer.get("Body") or {})

    def _start(self, **request: Any) -> str:
        try:
            return str(self._call("start_archive_search", **request)["SearchId"])
        except GatewayFailed as error:
            if error.code in _BUSY:
                raise SearchBusy(
                    f"Mail Manager runs one search at a time, and another is running: try again "
                    f"when it has ended ({error})",
                    code=error.code,
                ) from error
            raise

    def _wait(self, search_id: str, deadline: float, timeout: float) -> dict[str, Any]:
        while True:
            answer = self._call("get_archive_search", SearchId=search_id)
            status: dict[str, Any] = answer["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                return status
            left = deadline - self._clock()
            if left <= 0:
                raise SearchOutOfTime(
                    f"the search took longer than {timeout:g} seconds and was stopped: search a "
                    "shorter time, or pass a longer timeout",
                    code="TIMEOUT",
                )
            self._sleep(min(1.0, left))

    def __repr__(self) -> str:
        return f"<Archive {self.archive_id}>"


def _check(since: datetime, until: datetime, limit: int, timeout: float) -> None:
    for what, when in (("since", since), ("until", until)):
        if getattr(when, "tzinfo", None) is None:
            raise InvalidSearch(
                f"{what} is {when!r:.80}: pass a datetime with a time zone, such as "
                "datetime.now(UTC)"
            )
    if not since < until:
        raise InvalidSearch(f"until is {until}, not after since, {since}: pass a later time")
    if (until - since).total_seconds() > ARCHIVE_SEARCH_DAYS * 86400:
        raise InvalidSearch(
            f"until is {(until - since).days} days after since: search {ARCHIVE_SEARCH_DAYS} days "
            "at most, several times for more"
        )
    if not 1 <= limit <= ARCHIVE_SEARCH_ROWS:
        raise InvalidSearch(f"limit is {limit}: pass 1 to {ARCHIVE_SEARCH_ROWS}")
    if timeout <= 0:
        raise InvalidSearch(f"timeout is {timeout}: pass the seconds to wait, above 0")


def _conditions(wanted: Mapping[str, str | Sequence[str]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, given in wanted.items():
        values = [given] if isinstance(given, str) else list(given)
        if name not in _ATTRIBUTES:
            raise InvalidSearch(f"unless has {name!r}: use {', '.join(_ATTRIBUTES)}")
        if not 1 <= len(values) <= _MOST_VALUES or not all(
            isinstance(one, str) and one for one in values
        ):
            raise InvalidSearch(f"{name} is {given!r:.80}: pass 1 to {_MOST_VALUES} texts")
        expression = {
            "Evaluate": {"Attribute": _ATTRIBUTES[name]},
            "Operator": "CONTAINS",
            "Values": values,
        }
        found.append({"StringExpression": expression})
    return found
