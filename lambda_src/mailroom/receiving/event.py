"""What SES says about a mail: its envelope, its header fields, and what SES found.

A receipt rule and a rule of Mail Manager invoke a function with the same payload, by AWS's
documentation. No event of Mail Manager was ever published, so nothing that only Mail Manager might
leave out is needed here: what is absent is ``None`` or empty, and never counts as passed.
"""

from __future__ import annotations

from mailroom._views import (
    Headers,
    Verdict,
    View,
    date_time,
    identity,
    listed,
    optional,
    required,
    strings,
)
from mailroom.ses import WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["SesEvent"]


class SesEvent(View):
    """The part of `mailroom.receiving.ReceivedMail` that the event answers, without the mail."""

    __slots__ = ("_common_fields", "_headers", "_mail", "_waited_for")

    def __init__(self, raw: Mapping[str, Any], *, synchronous: bool = False) -> None:
        self.raw = raw
        self._mail = required(raw, "mail", "", dict)
        self._headers: Headers | None = None
        self._common_fields: dict[str, Any] | None = None
        self._waited_for = synchronous

    # The envelope (RFC 5321): what the SMTP conversation said.

    @property
    def message_id(self) -> str:
        """SES's id of this mail, which is also the name of its object in the mail bucket.

        For the ``Message-ID`` header field, which the sender chose, see `header_message_id`.
        """
        return identity(self._mail, "messageId", "mail")

    @property
    def source(self) -> str:
        """The envelope sender (MAIL FROM); empty for the null reverse-path of a bounce.

        It is empty too if the event has none, so that nothing is sent to an unknown sender.
        """
        return optional(self._mail, "source", "mail", str) or ""

    @property
    def destination(self) -> list[str]:
        """The addresses in ``To`` and ``Cc``; the envelope's are `recipients`."""
        values = listed(self._mail, "destination", "mail")
        return list(strings(values, "destination", "mail"))

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients that this rule matched."""
        values = required(self._receipt, "recipients", "receipt", list)
        return list(strings(values, "recipients", "receipt"))

    # The header fields (RFC 5322): what the sender wrote. Anyone can write anything.

    @property
    def headers(self) -> Headers:
        """All header fields; the first 50 KB of them, or none, if `headers_truncated`."""
        if self._headers is None:
            self._headers = Headers(listed(self._mail, "headers", "mail"))
        return self._headers

    @property
    def headers_truncated(self) -> bool:
        """Whether SES cut `headers` at 50 KB, or left them out; `read()` has all of them."""
        return bool(self._mail.get("headersTruncated")) or self._mail.get("headers") is None

    @property
    def common_headers(self) -> Mapping[str, Any]:
        """The fields that SES decodes, under SES's names, as `subject` and others give them.

        They are read from the header fields if the event has none.
        """
        if self._common_fields is None:
            given = optional(self._mail, "commonHeaders", "mail", dict)
            if given is None:
                from mailroom.receiving import common_fields

                given = common_fields.read(self._complete_headers())
            self._common_fields = given
        return self._common_fields

    @property
    def subject(self) -> str | None:
        """The ``Subject``, decoded; ``None`` if the mail has none."""
        return self._common("subject", str)

    @property
    def from_(self) -> list[str]:
        """The ``From`` addresses with display names; empty if there are none."""
        return self._commons("from")

    @property
    def to(self) -> list[str]:
        """The ``To`` addresses with display names; empty if there are none."""
        return self._commons("to")

    @property
    def cc(self) -> list[str]:
        """The ``Cc`` addresses with display names; empty if there are none."""
        return self._commons("cc")

    @property
    def reply_to(self) -> list[str]:
        """The ``Reply-To`` addresses with display names; empty if there are none."""
        return self._commons("replyTo")

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
        """SES's spam check; ``DISABLED`` if the rule does not scan mail.

        Its status is ``None`` where there is no such check, as in Mail Manager.
        """
        return self._verdict("spamVerdict")

    @property
    def virus(self) -> Verdict:
        """SES's virus check; ``DISABLED`` if the rule does not scan mail.

        Its status is ``None`` where there is no such check, as in Mail Manager.
        """
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
        return optional(self._receipt, "dmarcPolicy", "receipt", str)

    @property
    def timestamp(self) -> datetime:
        """When SES received the mail (aware, UTC)."""
        return date_time(self._mail, "timestamp", "mail")

    @property
    def action_timestamp(self) -> datetime:
        """When SES ran this rule's action (aware, UTC)."""
        return date_time(self._receipt, "timestamp", "receipt")

    @property
    def processing_time_millis(self) -> int | None:
        """Milliseconds from when SES received the mail to when it ran this action."""
        return optional(self._receipt, "processingTimeMillis", "receipt", int)

    @property
    def action(self) -> Mapping[str, Any] | None:
        """The rule's action as SES describes it: ``type``, ``functionArn`` and so on.

        ``None`` if the event has none, as it may be behind Mail Manager.
        """
        return optional(self._receipt, "action", "receipt", dict)

    @property
    def synchronous(self) -> bool:
        """Whether SES waits for the handler's answer, at most 30 seconds.

        By the event's `action`, or by how the function was deployed.
        """
        return self._waited_for or (self.action or {}).get("invocationType") in WAITING

    @property
    def _receipt(self) -> Mapping[str, Any]:
        return required(self.raw, "receipt", "", dict)

    def _complete_headers(self) -> Headers:
        return self.headers

    def _verdict(self, key: str) -> Verdict:
        verdict = optional(self._receipt, key, "receipt", dict) or {}
        return Verdict(optional(verdict, "status", f"receipt.{key}", str))

    def _common(self, key: str, kind: type[T]) -> T | None:
        return optional(self.common_headers, key, "mail.commonHeaders", kind)

    def _commons(self, key: str) -> list[str]:
        return list(strings(self._common(key, list) or [], key, "mail.commonHeaders"))

    def __repr__(self) -> str:
        return f"<ReceivedMail {self._mail.get('messageId')}>"
