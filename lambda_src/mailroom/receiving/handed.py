"""A mail that was handed on, as its consumer reads it; see `mailroom.receiving.handing`."""

from __future__ import annotations

import json

from mailroom._views import Verdict, View, date_time, listed, objects, optional, required, strings
from mailroom.errors import MalformedEvent, NotConfigured
from mailroom.receiving.handing import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from email.message import EmailMessage
    from io import BufferedIOBase
    from typing import Any

    from mailroom.mime.mailboxes import Address

__all__ = ["HandedAttachment", "HandedMail", "handed_on"]

_MOST_LAYERS = 4


class HandedAttachment(View):
    """What the event says of an attachment; its content is in the mail."""

    __slots__ = ()

    @property
    def name(self) -> str | None:
        """The file name that the sender chose; never use it as a path."""
        return optional(self.raw, "name", "attachments", str)

    @property
    def content_type(self) -> str:
        """The content type that the sender chose."""
        return required(self.raw, "content_type", "attachments", str)

    @property
    def content_id(self) -> str | None:
        """The id by which the HTML refers to it."""
        return optional(self.raw, "content_id", "attachments", str)

    @property
    def size(self) -> int:
        """The number of bytes, decoded."""
        return required(self.raw, "size", "attachments", int)

    @property
    def inline(self) -> bool:
        """Whether the sender's program shows it within the text."""
        return required(self.raw, "inline", "attachments", bool)


class HandedMail(View):
    """A mail that was handed on: a view of the event, which is always available as ``raw``.

    Its properties have the names of those of `ReceivedMail`, and mean the same.
    """

    __slots__ = ()

    @property
    def id(self) -> str:
        """The same for each delivery of the mail by its rule: use it to recognise repeats."""
        return required(self.raw, "id", "", str)

    @property
    def message_id(self) -> str:
        """SES's id of the mail."""
        return required(self.raw, "message_id", "", str)

    @property
    def rule(self) -> str | None:
        """The construct id of the rule that handed it on."""
        return optional(self.raw, "rule", "", str)

    @property
    def timestamp(self) -> datetime:
        """When SES received the mail (aware, UTC)."""
        return date_time(self.raw, "received_at", "")

    @property
    def source(self) -> str:
        """The envelope sender; empty for a bounce."""
        return required(self._part("envelope"), "sender", "envelope", str)

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients that the rule matched; empty if its event did not say them."""
        values = listed(self._part("envelope"), "recipients", "envelope")
        return strings(values, "recipients", "envelope")

    @property
    def sender(self) -> Address | None:
        """Who wrote the mail: the first of `senders`, else the envelope sender."""
        from mailroom.mime.mailboxes import Address

        return next(iter(self.senders), None) or (Address(self.source) if self.source else None)

    @property
    def senders(self) -> list[Address]:
        """The addresses in ``From``."""
        return self._people("from")

    @property
    def to_addresses(self) -> list[Address]:
        """The addresses in ``To``."""
        return self._people("to")

    @property
    def cc_addresses(self) -> list[Address]:
        """The addresses in ``Cc``."""
        return self._people("cc")

    @property
    def reply_to_addresses(self) -> list[Address]:
        """The addresses in ``Reply-To``."""
        return self._people("reply_to")

    @property
    def subject(self) -> str | None:
        """The ``Subject``, decoded."""
        return self._field("subject")

    @property
    def date(self) -> str | None:
        """The ``Date`` as the sender wrote it."""
        return self._field("date")

    @property
    def header_message_id(self) -> str | None:
        """The ``Message-ID`` header field."""
        return self._field("message_id")

    @property
    def in_reply_to(self) -> str | None:
        """The message id in ``In-Reply-To``."""
        return self._field("in_reply_to")

    @property
    def references(self) -> list[str]:
        """The message ids in ``References``."""
        values = listed(self._part("fields"), "references", "fields")
        return strings(values, "references", "fields")

    @property
    def thread_id(self) -> str:
        """What names the conversation."""
        return required(self.raw, "thread_id", "", str)

    @property
    def label(self) -> str | None:
        """What follows ``+`` in the recipient."""
        return optional(self.raw, "label", "", str)

    @property
    def is_automatic(self) -> bool:
        """Whether a program sent the mail."""
        return self.automatic_reason is not None

    @property
    def automatic_reason(self) -> str | None:
        """Why `is_automatic` is true."""
        return optional(self.raw, "automatic", "", str)

    @property
    def spam(self) -> Verdict:
        """SES's spam check."""
        return self._verdict("spam")

    @property
    def virus(self) -> Verdict:
        """SES's virus check."""
        return self._verdict("virus")

    @property
    def spf(self) -> Verdict:
        """The SPF check."""
        return self._verdict("spf")

    @property
    def dkim(self) -> Verdict:
        """The DKIM check."""
        return self._verdict("dkim")

    @property
    def dmarc(self) -> Verdict:
        """The DMARC check."""
        return self._verdict("dmarc")

    @property
    def dmarc_policy(self) -> str | None:
        """The sending domain's policy, if DMARC failed."""
        return self._verdict("dmarc_policy").status

    @property
    def text(self) -> str | None:
        """The text, or its beginning if ``"text"`` is in `cut`; ``None`` if no mail is stored."""
        return optional(self.raw, "text", "", str)

    @property
    def attachments(self) -> list[HandedAttachment]:
        """What is attached; empty if no mail is stored."""
        return [HandedAttachment(one) for one in objects(self.raw, "attachments", "")]

    @property
    def cut(self) -> list[str]:
        """The paths of what is shorter in the event than in the mail, such as ``text``."""
        return strings(listed(self.raw, "cut", ""), "cut", "")

    @property
    def stored_at(self) -> tuple[str, str] | None:
        """Bucket and key of the whole mail; ``None`` if the rule stores none."""
        stored = optional(self.raw, "stored", "", dict)
        if stored is None:
            return None
        bucket = required(stored, "bucket", "stored", str)
        return bucket, required(stored, "key", "stored", str)

    def open(self) -> BufferedIOBase:
        """Open the whole mail as a binary stream; the caller needs ``s3:GetObject``.

        Raises:
            MessageNotStored: The bucket has no such object, or the caller may not read it.
            NotConfigured: The rule stores no mail.
        """
        from mailroom.receiving.bucket import open_object

        if self.stored_at is None:
            raise NotConfigured("the rule stores no mail: omit store=False where it is declared")
        return open_object(*self.stored_at)

    def read(self) -> EmailMessage:
        """Load the whole mail, as `ReceivedMail.read` does.

        Raises:
            MessageNotStored: As in `open`.
            NotConfigured: As in `open`.
        """
        from mailroom import mime

        with self.open() as stream:
            return mime.read_logged(stream, "mailroom.receiving.read", self.message_id)

    def _part(self, key: str) -> dict[str, Any]:
        return required(self.raw, key, "", dict)

    def _field(self, key: str) -> str | None:
        return optional(self._part("fields"), key, "fields", str)

    def _people(self, key: str) -> list[Address]:
        from mailroom.mime.mailboxes import Address

        path = f"fields.{key}"
        return [
            Address(
                required(one, "address", path, str),
                optional(one, "name", path, str) or "",
            )
            for one in objects(self._part("fields"), key, "fields")
        ]

    def _verdict(self, key: str) -> Verdict:
        return Verdict(optional(self._part("verdicts"), key, "verdicts", str))

    def __repr__(self) -> str:
        return f"<HandedMail {self.raw.get('message_id')}>"


def handed_on(
    payload: Mapping[str, Any] | str | bytes,
    *,
    headers: Mapping[str, str] | None = None,
    secret: str | None = None,
) -> HandedMail:
    """Return the mail in an event that one of the behaviours handed on.

    Args:
        payload: The event, its JSON, or what brings it: a record of SQS or SNS, SNS's JSON, or an
            event of EventBridge.
        headers: The header fields of a webhook's request.
        secret: The webhook's secret: the signature in *headers* is verified over *payload*, which
            must be the request's body, unchanged. Default: nothing is verified, and no *headers*
            may be given.

    Raises:
        InvalidSignature: The signature is missing, wrong, or more than five minutes old.
        MalformedEvent: *payload* has no such event, or one of a later version.
        NotConfigured: There are *headers* but no *secret*, or one that cannot be used.
    """
    if headers is not None and secret is None:
        # Else a setting that is missing would let everyone in.
        raise NotConfigured("headers came without a secret: pass the one of the webhook")
    if secret is not None:
        from mailroom.receiving.signature import verify

        verify(payload, headers or {}, secret)
    found: Any = payload
    for _ in range(_MOST_LAYERS):
        if isinstance(found, (str, bytes)):
            try:
                found = json.loads(found)
            except (ValueError, RecursionError) as error:
                raise MalformedEvent(f"not JSON: {error}") from None
        if not isinstance(found, dict):
            raise MalformedEvent(f"not a JSON object, but {type(found).__name__}")
        version = found.get("version")
        # EventBridge's own events have a version too, a string.
        if "message_id" in found and version == VERSION:
            return HandedMail(found)
        if "message_id" in found and isinstance(version, int):
            raise MalformedEvent(f"version is {version}: update cdk-mailroom where this runs")
        inner = next((found[key] for key in _WRAPPED if found.get(key)), None)
        if inner is None:
            break
        found = inner
    raise MalformedEvent(
        f"no mail that was handed on: the keys are {sorted(map(str, found))[:8]}; pass one record"
    )


_WRAPPED = ("body", "Sns", "Message", "detail")
