"""The entries of a bulk sending, and what became of each."""

from __future__ import annotations

from mailroom.errors import MailroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from mailroom.sending.checks import Tags
    from mailroom.sending.lists import ListUnsubscribe

__all__ = ["INVALID", "NOT_TRIED", "BulkEntry", "BulkInterrupted", "BulkResult", "Outcome"]

NOT_TRIED = "NOT_TRIED"
"""Code of an entry that sending stopped before."""
INVALID = "INVALID"
"""Code of an entry that was refused before it reached SES."""


_NOT_WORTH_A_RETRY = frozenset(
    (INVALID, "BadRequestException", "INVALID_PARAMETER", "MESSAGE_REJECTED", "MessageRejected")
)


class BulkEntry:
    """One recipient of `Sender.send_bulk`, with what is different for it.

    Args:
        to: The address, with or without a display name.
        data: Template data that is added to the call's, and wins by name.
        tags: Tags that are added to the call's, and win by name.
        headers: Header fields that replace the call's. Default: the call's.
        list_unsubscribe: Replaces the call's. Default: the call's.
    """

    __slots__ = ("data", "headers", "list_unsubscribe", "tags", "to")

    def __init__(
        self,
        to: str,
        *,
        data: Mapping[str, Any] | None = None,
        tags: Tags | None = None,
        headers: Mapping[str, str] | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
    ) -> None:
        self.to = to
        self.data = data
        self.tags = tags
        self.headers = headers
        self.list_unsubscribe = list_unsubscribe

    def __repr__(self) -> str:
        return f"<BulkEntry: {len(self.data or ())} values>"


class Outcome:
    """What became of one entry. Printing it shows no address.

    Attributes:
        entry: The `BulkEntry`.
        status: ``sent``, ``failed`` (certainly not sent) or ``unknown``.
        tags: The tags it was sent with.
        message_id: SES's id, if it was sent.
        code: SES's own code; ``INVALID`` if the entry was refused before it reached SES;
            ``NOT_TRIED`` if sending stopped before it; ``INTERRUPTED`` if it stopped meanwhile.
        error: The reason, in SES's words or ours.
    """

    __slots__ = ("code", "entry", "error", "message_id", "status", "tags")

    def __init__(
        self,
        entry: BulkEntry,
        status: str,
        *,
        tags: Mapping[str, str] | None = None,
        message_id: str = "",
        code: str = "",
        error: str = "",
    ) -> None:
        self.entry = entry
        self.status = status
        self.tags = dict(tags or {})
        self.message_id = message_id
        self.code = code
        self.error = error

    @property
    def retryable(self) -> bool:
        """Whether it certainly was not sent, for a reason other than the entry itself."""
        return self.status == "failed" and self.code not in _NOT_WORTH_A_RETRY

    def __repr__(self) -> str:
        return f"<Outcome: {self.status} {self.message_id or self.code}>"


class BulkResult:
    """Exactly one `Outcome` for every entry, in the order in which they became known.

    ``sender.send_bulk(result.retry(), …)`` sends again what can be sent again safely. What is
    `unknown` may have been sent; its events show whether it was.
    """

    __slots__ = ("configuration_set", "outcomes")

    def __init__(self, configuration_set: str | None) -> None:
        self.configuration_set = configuration_set
        """The configuration set it was sent with, or ``None``."""
        self.outcomes: list[Outcome] = []
        """One for each entry, in the order in which they became known."""

    @property
    def sent(self) -> list[Outcome]:
        """What SES accepted, each with its message id."""
        return [one for one in self.outcomes if one.status == "sent"]

    @property
    def failed(self) -> list[Outcome]:
        """What was certainly not sent."""
        return [one for one in self.outcomes if one.status == "failed"]

    @property
    def unknown(self) -> list[Outcome]:
        """What may or may not have been sent."""
        return [one for one in self.outcomes if one.status == "unknown"]

    def retry(self) -> Iterator[BulkEntry]:
        """Return an iterator over the entries whose outcome is `Outcome.retryable`."""
        return (one.entry for one in self.outcomes if one.retryable)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        return (
            f"<BulkResult: {len(self.sent)} sent, {len(self.failed)} failed, "
            f"{len(self.unknown)} unknown>"
        )


class BulkInterrupted(MailroomError):
    """The iterator of entries, ``before`` or ``on_outcome`` raised; that exception is the cause.

    Attributes:
        result: The `BulkResult` of every entry that was read until then.
    """

    def __init__(self, result: BulkResult) -> None:
        super().__init__(f"bulk sending was interrupted: {result!r}; see the cause")
        self.result = result
