"""The views of one received mail."""

from __future__ import annotations

from mailroom._views import Headers, date_time, optional, required
from mailroom.errors import NotConfigured

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

_CHUNK = 64 * 1024


class Verdict:
    """The outcome of one of SES's checks.

    ``status`` is SES's own word: ``PASS``, ``FAIL``, ``GRAY``, ``PROCESSING_FAILED``,
    ``DISABLED``, one that AWS adds later, or ``None`` if SES did not say. Exactly as careful as
    that: `passed` and `failed` are both false for everything in between.
    """

    __slots__ = ("status",)

    def __init__(self, status: str | None) -> None:
        self.status = status

    @property
    def passed(self) -> bool:
        """Whether SES looked and found nothing wrong."""
        return self.status == "PASS"

    @property
    def failed(self) -> bool:
        """Whether SES looked and found the mail wanting."""
        return self.status == "FAIL"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Verdict):
            return self.status == other.status
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.status)

    def __repr__(self) -> str:
        return f"Verdict({self.status!r})"


class ReceivedMail:
    """One mail as SES received it; a view of the event, which stays reachable as ``raw``.

    ``raw`` is the mapping with the keys ``mail`` and ``receipt``. Nothing is copied or checked
    until it is asked for, and only a missing key that was asked for raises (`MissingField`, with
    its path). What RFC 5322 makes optional, or AWS, is ``None`` or empty instead.
    """

    __slots__ = ("_headers", "_mail", "_store", "raw")

    def __init__(self, raw: Mapping[str, Any], *, store: Store | None = None) -> None:
        self.raw = raw
        self._mail = required(raw, "mail", "mail", dict)
        self._store = store
        self._headers: Headers | None = None

    # The envelope (RFC 5321): what the SMTP conversation said.

    @property
    def message_id(self) -> str:
        """SES's own id of this mail, which is also its object name in the mail bucket.

        Not the ``Message-ID`` header field, which the sender chose; see `header_message_id`.
        """
        return required(self._mail, "messageId", "mail.messageId", str)

    @property
    def source(self) -> str:
        """The envelope sender (MAIL FROM); empty for the null reverse-path of a bounce."""
        return optional(self._mail, "source", "mail.source", str) or ""

    @property
    def destination(self) -> list[str]:
        """All addresses in ``To`` and ``Cc``; who the mail was sent to is `recipients`."""
        return list(optional(self._mail, "destination", "mail.destination", list) or ())

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients that this receipt rule matched."""
        return list(required(self._receipt, "recipients", "receipt.recipients", list))

    # The header fields (RFC 5322): what the sender wrote. Anyone can write anything.

    @property
    def headers(self) -> Headers:
        """All header fields, or the first 50 KB of them if `headers_truncated`."""
        if self._headers is None:
            self._headers = Headers(optional(self._mail, "headers", "mail.headers", list) or ())
        return self._headers

    @property
    def headers_truncated(self) -> bool:
        """Whether SES cut `headers`, which it does beyond 50 KB; `read()` has all of them."""
        return bool(self._mail.get("headersTruncated"))

    @property
    def common_headers(self) -> Mapping[str, Any]:
        """SES's decoded choice of fields, as SES spells it; see the attributes beside this one."""
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
        """The ``Date`` as the sender wrote it (RFC 5322 syntax, if the sender kept to it)."""
        return self._common("date", str)

    @property
    def header_message_id(self) -> str | None:
        """The ``Message-ID`` header field, angle brackets included."""
        return self._common("messageId", str)

    # What SES made of it.

    @property
    def spam(self) -> Verdict:
        """SES's spam check; ``DISABLED`` if the rule does not scan."""
        return self._verdict("spamVerdict")

    @property
    def virus(self) -> Verdict:
        """SES's virus check; ``DISABLED`` if the rule does not scan."""
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
        """The DMARC check (RFC 7489); status ``None`` where SES leaves it out."""
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
        """From SES's reception of the mail to this action, in milliseconds."""
        path = "receipt.processingTimeMillis"
        return optional(self._receipt, "processingTimeMillis", path, int)

    @property
    def action(self) -> Mapping[str, Any]:
        """The receipt rule's action as SES describes it: ``type``, ``functionArn`` and so on."""
        return optional(self._receipt, "action", "receipt.action", dict) or {}

    @property
    def synchronous(self) -> bool:
        """Whether SES waits for the answer (at most 30 s)."""
        return self.action.get("invocationType") == "RequestResponse"

    # The message itself, which SES leaves in the mail bucket.

    def open(self) -> BufferedIOBase:
        """Open the whole message as a binary stream; it need never fit in memory.

        Close it, or use it in a ``with``. Raises `MessageNotStored` if the bucket has no such
        object (retention passed, or another rule stored it), `NotConfigured` if the rule does
        not store its mail or the function was not granted to read it.
        """
        return self._need_store().open(self.message_id)

    def read(self) -> EmailMessage:
        """Fetch and parse the whole message; raises what `open` raises.

        Parsing holds about three times the message's size in memory. For the fields alone, use
        `headers`; for very large mail, use `open`.
        """
        from email import policy
        from email.message import EmailMessage
        from email.parser import BytesFeedParser

        # Feeding chunks needs 2.7 times the message in memory, message_from_bytes 7 to 8 times.
        parser = BytesFeedParser(EmailMessage, policy=policy.default)
        with self.open() as stream:
            while chunk := stream.read(_CHUNK):
                parser.feed(chunk)
        return parser.close()

    @property
    def stored_at(self) -> tuple[str, str] | None:
        """Bucket and object name of the message; ``None`` if this function has no mail bucket."""
        bucket = getattr(self._store, "bucket", None)
        if bucket is None:
            return None
        return bucket, f"{getattr(self._store, 'prefix', '')}{self.message_id}"

    @property
    def already_handled(self) -> bool:
        """Whether this function finished with this message id before; asks S3 each time.

        SES and Lambda deliver at least once. The runtime leaves a mark after the handler returned,
        never before, so that a crash half-way leads to another try and not to lost mail. Raises
        `NotConfigured` unless the construct was told to ``remember_handled``.
        """
        return self._need_store().was_handled(self.message_id)

    def _need_store(self) -> Store:
        if self._store is None:
            raise NotConfigured(
                "this function has no mail bucket: let the rule store its mail and its handler "
                "read it (MAILROOM_BUCKET is not set)"
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
