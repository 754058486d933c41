"""The views that all sending events share: the mail, its recipients, and the event itself."""

from __future__ import annotations

from mailroom._views import Headers, View, date_time, listed, objects, optional, required

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["Mail", "Recipient", "SendingEvent", "TopicPreferences"]


class Mail(View):
    """The sent mail that an event is about."""

    __slots__ = ()

    @property
    def message_id(self) -> str:
        """SES's id of the mail, which the sending API returned."""
        value = self.raw.get("messageId")
        if isinstance(value, str):  # saves the fields that are read most a call
            return value
        return required(self.raw, "messageId", "mail", str)

    @property
    def timestamp(self) -> datetime:
        """When SES accepted the mail (aware, UTC)."""
        return date_time(self.raw, "timestamp", "mail")

    @property
    def source(self) -> str | None:
        """The sender's address, possibly with a display name."""
        value = self.raw.get("source")
        if isinstance(value, str):
            return value
        return optional(self.raw, "source", "mail", str)

    @property
    def source_arn(self) -> str | None:
        """The ARN of the identity that sent it."""
        return optional(self.raw, "sourceArn", "mail", str)

    @property
    def source_ip(self) -> str | None:
        """The IP address of the client that sent it; only in the feedback of identities."""
        return optional(self.raw, "sourceIp", "mail", str)

    @property
    def caller_identity(self) -> str | None:
        """The IAM identity that sent it; only in the feedback of identities."""
        return optional(self.raw, "callerIdentity", "mail", str)

    @property
    def sending_account_id(self) -> str | None:
        """The AWS account that sent it."""
        return optional(self.raw, "sendingAccountId", "mail", str)

    @property
    def destination(self) -> list[str]:
        """All recipients of the mail, not only those of this event."""
        value = self.raw.get("destination")
        if isinstance(value, list):
            return value
        return listed(self.raw, "destination", "mail")

    @property
    def headers(self) -> Headers:
        """The header fields; empty where SES leaves them out."""
        return Headers(listed(self.raw, "headers", "mail"))

    @property
    def headers_truncated(self) -> bool:
        """Whether SES cut `headers`."""
        return bool(self.raw.get("headersTruncated"))

    @property
    def common_headers(self) -> Mapping[str, Any]:
        """The fields that SES decodes, under SES's names; empty where SES leaves them out."""
        return optional(self.raw, "commonHeaders", "mail", dict) or {}

    @property
    def subject(self) -> str | None:
        """The ``Subject``, decoded, if SES gives it."""
        return optional(self.common_headers, "subject", "mail.commonHeaders", str)

    @property
    def tags(self) -> Mapping[str, list[str]]:
        """The message tags, each name with its values; SES's own begin with ``ses:``."""
        return optional(self.raw, "tags", "mail", dict) or {}

    @property
    def configuration_set(self) -> str | None:
        """The configuration set that was used to send it."""
        return self._tag("ses:configuration-set")

    @property
    def tenant(self) -> str | None:
        """The tenant that it was sent through, if SES names it, as it does for bounces and
        complaints.
        """
        return self._tag("ses:tenant-name")

    def _tag(self, name: str) -> str | None:
        try:
            values = self.raw["tags"][name]
            # Of a string, [0] would be its first letter.
            value = values[0] if isinstance(values, list) else None
        except (KeyError, IndexError, TypeError):
            return None
        return value if isinstance(value, str) else None

    def __repr__(self) -> str:
        return f"<Mail {self.raw.get('messageId')}>"


class Recipient(View):
    """A recipient of a bounce, a complaint or a delay, and what its server said."""

    __slots__ = ()

    @property
    def email_address(self) -> str:
        """The address; in a complaint, an address that may have complained."""
        return required(self.raw, "emailAddress", "", str)

    @property
    def action(self) -> str | None:
        """The DSN's ``Action`` (RFC 3464), such as ``failed``."""
        return optional(self.raw, "action", "", str)

    @property
    def status(self) -> str | None:
        """The enhanced status code (RFC 3463), such as ``5.1.1``."""
        return optional(self.raw, "status", "", str)

    @property
    def diagnostic_code(self) -> str | None:
        """What the receiving server said."""
        return optional(self.raw, "diagnosticCode", "", str)


class TopicPreferences(View):
    """Which topics of a contact list a contact has subscribed to."""

    __slots__ = ()

    @property
    def unsubscribe_all(self) -> bool:
        """Whether the contact has unsubscribed from the whole list."""
        return bool(self.raw.get("unsubscribeAll"))

    @property
    def topic_subscription_status(self) -> Mapping[str, str]:
        """Each topic's name with ``OptIn`` or ``OptOut``."""
        path = "topicSubscriptionStatus"
        return {
            required(entry, "topicName", path, str): required(
                entry, "subscriptionStatus", path, str
            )
            for entry in objects(self.raw, path, "")
        }


class SendingEvent(View):
    """One event: a view of what SES published, which is always available as ``raw``.

    Nothing is copied or checked until it is read. A missing key that AWS documents as always
    present raises `MissingField` with its path when it is read; everything else is ``None`` or
    empty instead. Two events are equal if their payloads are. Printing one shows its type and
    message id only.

    Args:
        raw: The event as SES publishes it; `parse` chooses the class by its type.
    """

    __slots__ = ("_mail",)

    DETAIL = ""
    """The key of the part that only this type has, such as ``bounce``."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._mail: Mail | None = None

    @property
    def type(self) -> str:
        """The type as SES spells it; equals an `EventType` unless AWS added it later."""
        return self.raw.get("eventType") or self.raw["notificationType"]  # type: ignore[no-any-return]

    @property
    def mail(self) -> Mail:
        """The mail that the event is about."""
        mail = self._mail
        if mail is None:
            raw = self.raw.get("mail")
            if not isinstance(raw, dict):
                raw = required(self.raw, "mail", "", dict)
            mail = self._mail = Mail(raw)
        return mail

    @property
    def detail(self) -> Mapping[str, Any]:
        """The part that only this type has, as SES wrote it; empty if it is absent."""
        value = self.raw.get(self.DETAIL)
        return value if isinstance(value, dict) else {}

    @property
    def timestamp(self) -> datetime:
        """When it happened (aware, UTC); for types without a time, when SES accepted the mail."""
        if self.detail.get("timestamp") is None:
            return self.mail.timestamp
        return date_time(self.detail, "timestamp", self.DETAIL)

    @property
    def recipients(self) -> list[str]:
        """The addresses that the event is about; all of the mail's for types that name none."""
        return self.mail.destination

    @property
    def key(self) -> str:
        """What identifies the event in every delivery and every envelope.

        SNS, SQS and Lambda deliver at least once, each time with new ids of their own.
        """
        when = self.detail.get("timestamp") or self.mail.raw.get("timestamp")
        recipients = sorted(map(str, self.recipients))
        return "|".join((self.type, self.mail.message_id, str(when), *recipients))

    def _need(self, key: str, kind: builtins.type[T]) -> T:
        return required(self.detail, key, self.DETAIL, kind)

    def _may(self, key: str, kind: builtins.type[T]) -> T | None:
        return optional(self.detail, key, self.DETAIL, kind)

    def _addresses(self, key: str) -> list[Recipient]:
        return [Recipient(item) for item in objects(self.detail, key, self.DETAIL)]

    def _email_addresses(self, key: str) -> list[str]:
        try:
            found = [item["emailAddress"] for item in self.raw[self.DETAIL][key]]
            "".join(found)  # raises TypeError if one is not a string; faster than checking each
        except (KeyError, TypeError):
            # Slower, and raises an error that names what is wrong.
            return [recipient.email_address for recipient in self._addresses(key)]
        return found

    def __repr__(self) -> str:
        mail = self.raw.get("mail")
        message_id = mail.get("messageId") if isinstance(mail, dict) else None
        return f"<{type(self).__name__} {message_id}>"
