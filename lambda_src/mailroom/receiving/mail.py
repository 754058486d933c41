"""One received mail: SES's event about it, and the message that SES stored."""

from __future__ import annotations

from mailroom._views import Headers, View, date_time, listed, optional, required
from mailroom.errors import NotConfigured
from mailroom.ses import object_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from email.message import EmailMessage
    from io import BufferedIOBase
    from typing import Any, TypeVar

    from mailroom.receiving.bucket import Store

    T = TypeVar("T")

__all__ = ["ReceivedMail", "Verdict"]


class Verdict:
    """The outcome of one of SES's checks; a value that compares and hashes by its status.

    ``status`` is SES's own word: ``PASS``, ``FAIL``, ``GRAY``, ``PROCESSING_FAILED``,
    ``DISABLED``, one that AWS adds later, or ``None`` if SES gives none. Of all but the first
    two, neither `passed` nor `failed` is true.
    """

    __slots__ = ("status",)

    def __init__(self, status: str | None) -> None:
        self.status = status

    @property
    def passed(self) -> bool:
        """Whether SES checked the mail and it passed."""
        return self.status == "PASS"

    @property
    def failed(self) -> bool:
        """Whether SES checked the mail and it failed."""
        return self.status == "FAIL"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Verdict):
            return self.status == other.status
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.status)

    def __repr__(self) -> str:
        return f"Verdict({self.status!r})"


class ReceivedMail(View):
    """One mail as SES received it: a view of the event, which is always available as ``raw``.

    ``raw`` is the mapping with the keys ``mail`` and ``receipt``. Nothing is copied or checked
    until it is read. A key that is missing raises `MissingField` with its path when it is read;
    what RFC 5322 or AWS makes optional is ``None`` or empty instead. Two mails are equal if
    their payloads are. Printing one shows its message id only.

    Args:
        raw: The ``ses`` object of a record.
        store: Where the whole message is kept; without one, `open` and `read` raise.

    Raises:
        MissingField: *raw* has no ``mail``.
    """

    __slots__ = ("_headers", "_mail", "_store")

    def __init__(self, raw: Mapping[str, Any], *, store: Store | None = None) -> None:
        self.raw = raw
        self._mail = required(raw, "mail", "mail", dict)
        self._store = store
        self._headers: Headers | None = None

    # The envelope (RFC 5321): what the SMTP conversation said.

    @property
    def message_id(self) -> str:
        """SES's id of this mail, which is also the name of its object in the mail bucket.

        For the ``Message-ID`` header field, which the sender chose, see `header_message_id`.
        """
        return required(self._mail, "messageId", "mail.messageId", str)

    @property
    def source(self) -> str:
        """The envelope sender (MAIL FROM); empty for the null reverse-path of a bounce."""
        return optional(self._mail, "source", "mail.source", str) or ""

    @property
    def destination(self) -> list[str]:
        """The addresses in ``To`` and ``Cc``; the envelope's are `recipients`."""
        return list(listed(self._mail, "destination", "mail.destination"))

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients that this receipt rule matched."""
        return list(required(self._receipt, "recipients", "receipt.recipients", list))

    # The header fields (RFC 5322): what the sender wrote. Anyone can write anything.

    @property
    def headers(self) -> Headers:
        """All header fields, or the first 50 KB of them if `headers_truncated`."""
        if self._headers is None:
            self._headers = Headers(listed(self._mail, "headers", "mail.headers"))
        return self._headers

    @property
    def headers_truncated(self) -> bool:
        """Whether SES cut `headers` at 50 KB; `read()` has all of them."""
        return bool(self._mail.get("headersTruncated"))

    @property
    def common_headers(self) -> Mapping[str, Any]:
        """The fields that SES decodes, under SES's names, as `subject` and others give them."""
        return optional(self._mail, "commonHeaders", "mail.commonHeaders", dict) or {}

    @property
    def subject(self) -> str | None:
        """The ``Subject``, decoded; ``None`` if the mail has none."""
        return self._common("subject", str)

    @property
    def from_(self) -> list[str]:
        """The ``From`` addresses with display names; empty if there are none."""
        return list(self._common("from", list) or ())

    @property
    def to(self) -> list[str]:
        """The ``To`` addresses with display names; empty if there are none."""
        return list(self._common("to", list) or ())

    @property
    def cc(self) -> list[str]:
        """The ``Cc`` addresses with display names; empty if there are none."""
        return list(self._common("cc", list) or ())

    @property
    def reply_to(self) -> list[str]:
        """The ``Reply-To`` addresses with display names; empty if there are none."""
        return list(self._common("replyTo", list) or ())

    @property
    def return_path(self) -> str | None:
        """The ``Return-Path`` that SES wrote, from the envelope sender."""
        return self._common("returnPath", str)

    @property
    def date(self) -> str | None:
        """The ``Date`` as the sender wrote it, which need not be valid RFC 5322."""
        return self._common("date", str)

    @property
    def header_message_id(self) -> str | None:
        """The ``Message-ID`` header field, angle brackets included."""
        return self._common("messageId", str)

    # What SES found.

    @property
    def spam(self) -> Verdict:
        """SES's spam check; ``DISABLED`` if the rule does not scan mail."""
        return self._verdict("spamVerdict")

    @property
    def virus(self) -> Verdict:
        """SES's virus check; ``DISABLED`` if the rule does not scan mail."""
        return self._verdict("virusVerdict")

    @property
    def spf(self) -> Verdict:
        """The Sender Policy Framework check (RFC 7208)."""
        return self._verdict("spfVerdict")

    @property
    def dkim(self) -> Verdict:
        """The DomainKeys Identified Mail check (RFC 6376)."""
        return self._verdict("dkimVerdict")

    @property
    def dmarc(self) -> Verdict:
        """The DMARC check (RFC 7489); its status is ``None`` where SES leaves it out."""
        return self._verdict("dmarcVerdict")

    @property
    def dmarc_policy(self) -> str | None:
        """The sending domain's policy, ``none``, ``quarantine`` or ``reject``, if DMARC failed."""
        return optional(self._receipt, "dmarcPolicy", "receipt.dmarcPolicy", str)

    @property
    def timestamp(self) -> datetime:
        """When SES received the mail (aware, UTC)."""
        return date_time(self._mail, "timestamp", "mail.timestamp")

    @property
    def action_timestamp(self) -> datetime:
        """When SES ran this rule's action (aware, UTC)."""
        return date_time(self._receipt, "timestamp", "receipt.timestamp")

    @property
    def processing_time_millis(self) -> int | None:
        """Milliseconds from when SES received the mail to when it ran this action."""
        path = "receipt.processingTimeMillis"
        return optional(self._receipt, "processingTimeMillis", path, int)

    @property
    def action(self) -> Mapping[str, Any]:
        """The receipt rule's action as SES describes it: ``type``, ``functionArn`` and so on."""
        return optional(self._receipt, "action", "receipt.action", dict) or {}

    @property
    def synchronous(self) -> bool:
        """Whether SES waits for the handler's answer, at most 30 seconds."""
        return self.action.get("invocationType") == "RequestResponse"

    # The message itself, which SES stored in the mail bucket.

    def open(self) -> BufferedIOBase:
        """Open the whole message as a binary stream, which need not fit in memory.

        Returns:
            The stream; close it, or use it in a ``with`` statement.

        Raises:
            MessageNotStored: The bucket has no object for this mail: its retention has passed,
                or another rule stored it elsewhere.
            NotConfigured: The rule does not store its mail, or the function may not read it.
        """
        return self._need_store().open(self.message_id)

    def read(self) -> EmailMessage:
        """Fetch and read the whole message, as mail programs read it.

        Reading never raises, and neither does looking at a field, a name, or a text, whatever the
        sender wrote. What could not be read is in ``defects`` of the message or of the part, and in
        the log of the function. It takes about twice the message's size in memory. For the header
        fields alone, use `headers`; for very large mail, use `open`.

        Returns:
            The message.

        Raises:
            MessageNotStored: As in `open`.
            NotConfigured: As in `open`.
        """
        from mailroom import mime

        with self.open() as stream:
            return mime.read_logged(stream, "mailroom.receiving.read", self.message_id)

    @property
    def stored_at(self) -> tuple[str, str] | None:
        """Bucket and key of the message; ``None`` if this function has no mail bucket."""
        bucket = getattr(self._store, "bucket", None)
        if bucket is None:
            return None
        return bucket, object_key(getattr(self._store, "prefix", ""), self.message_id)

    @property
    def already_handled(self) -> bool:
        """Whether this function handled this message id before; asks S3 each time.

        SES and Lambda deliver at least once. The runtime writes a mark only after the handler
        has returned, so that a crash leads to another attempt and never to lost mail.

        Raises:
            NotConfigured: The handler was declared without ``remember_handled=True``.
        """
        return self._need_store().was_handled(self.message_id)

    def mark(self, name: str) -> bool:
        """Write a mark for this message, such as ``"charged"``, before a step of its own.

        Only one of several simultaneous deliveries writes it. Marks are objects in the mail bucket
        and are kept as long as mail is.

        Args:
            name: The mark's name; marks of different functions are independent.

        Returns:
            Whether the mark is new; ``False`` if an earlier delivery wrote it.

        Raises:
            NotConfigured: The handler was declared without ``remember_handled=True``.
        """
        return self._need_store().mark(self.message_id, name)

    def marks(self) -> frozenset[str]:
        """Return the names of this function's marks for this message; asks S3 each time.

        Raises:
            NotConfigured: The handler was declared without ``remember_handled=True``.
        """
        return self._need_store().marks(self.message_id)

    def _need_store(self) -> Store:
        if self._store is None:
            raise NotConfigured(
                "this function has no mail bucket (MAILROOM_BUCKET is not set): let the rule store "
                "its mail, and the handler read it"
            )
        return self._store

    @property
    def _receipt(self) -> Mapping[str, Any]:
        return required(self.raw, "receipt", "receipt", dict)

    def _verdict(self, key: str) -> Verdict:
        path = f"receipt.{key}"
        verdict = optional(self._receipt, key, path, dict) or {}
        return Verdict(optional(verdict, "status", f"{path}.status", str))

    def _common(self, key: str, kind: type[T]) -> T | None:
        return optional(self.common_headers, key, f"mail.commonHeaders.{key}", kind)

    def __repr__(self) -> str:
        return f"<ReceivedMail {self._mail.get('messageId')}>"
