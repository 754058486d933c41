"""The views that all sending events share: the mail, its recipients, and the event itself."""

from __future__ import annotations

from mailroom._views import Headers, date_time, listed, objects, optional, required

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["Mail", "Recipient", "SendingEvent", "TopicPreferences"]


class Mail:
    """The mail that an event is about, as SES took it from its sender."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @property
    def message_id(self) -> str:
        """SES's id of the mail, which the sending API returned."""
        value = self.raw.get("messageId")
        if isinstance(value, str):  # the fields that are read most are spared a call
            return value
        return required(self.raw, "messageId", "mail.messageId", str)

    @property
    def timestamp(self) -> datetime:
        """When SES took the mail (aware, UTC)."""
        return date_time(self.raw, "timestamp", "mail.timestamp")

    @property
    def source(self) -> str | None:
        """The address that it was sent from, perhaps with a display name."""
        value = self.raw.get("source")
        if isinstance(value, str):
            return value
        return optional(self.raw, "source", "mail.source", str)

    @property
    def source_arn(self) -> str | None:
        """The ARN of the identity that it was sent from."""
        return optional(self.raw, "sourceArn", "mail.sourceArn", str)

    @property
    def source_ip(self) -> str | None:
        """The address of the client that sent it; feedback of identities only."""
        return optional(self.raw, "sourceIp", "mail.sourceIp", str)

    @property
    def caller_identity(self) -> str | None:
        """The IAM identity that sent it; feedback of identities only."""
        return optional(self.raw, "callerIdentity", "mail.callerIdentity", str)

    @property
    def sending_account_id(self) -> str | None:
        """The account that it was sent from."""
        return optional(self.raw, "sendingAccountId", "mail.sendingAccountId", str)

    @property
    def destination(self) -> list[str]:
        """All recipients of the mail, this event's and others."""
        value = self.raw.get("destination")
        if isinstance(value, list):
            return value
        return listed(self.raw, "destination", "mail.destination")

    @property
    def headers(self) -> Headers:
        """The header fields; empty where SES leaves them out."""
        return Headers(listed(self.raw, "headers", "mail.headers"))

    @property
    def headers_truncated(self) -> bool:
        """Whether SES cut `headers`."""
        return bool(self.raw.get("headersTruncated"))

    @property
    def common_headers(self) -> Mapping[str, Any]:
        """SES's decoded choice of fields, as SES spells it; empty where SES leaves it out."""
        return optional(self.raw, "commonHeaders", "mail.commonHeaders", dict) or {}

    @property
    def subject(self) -> str | None:
        """The ``Subject``, decoded, if SES gives it."""
        return optional(self.common_headers, "subject", "mail.commonHeaders.subject", str)

    @property
    def tags(self) -> Mapping[str, list[str]]:
        """The message tags, each name with its values; those that SES adds begin ``ses:``."""
        return optional(self.raw, "tags", "mail.tags", dict) or {}

    @property
    def configuration_set(self) -> str | None:
        """The configuration set that it was sent through."""
        try:
            values = self.raw["tags"]["ses:configuration-set"]
            # A text would give its first letter.
            name = values[0] if isinstance(values, list) else None
        except (KeyError, IndexError, TypeError):
            return None
        return name if isinstance(name, str) else None

    def __repr__(self) -> str:
        return f"<Mail {self.raw.get('messageId')}>"


class Recipient:
    """A recipient of a bounce, a complaint or a delay, with what its server said."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @property
    def email_address(self) -> str:
        """The address; a complaint may name one that only may have complained."""
        return required(self.raw, "emailAddress", "emailAddress", str)

    @property
    def action(self) -> str | None:
        """The DSN's ``Action`` (RFC 3464), such as ``failed``."""
        return optional(self.raw, "action", "action", str)

    @property
    def status(self) -> str | None:
        """The enhanced status code (RFC 3463), such as ``5.1.1``."""
        return optional(self.raw, "status", "status", str)

    @property
    def diagnostic_code(self) -> str | None:
        """What the receiving server said."""
        return optional(self.raw, "diagnosticCode", "diagnosticCode", str)

    def __repr__(self) -> str:
        return f"<Recipient {self.raw.get('status')}>"


class TopicPreferences:
    """What a contact wants to receive of a contact list."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @property
    def unsubscribe_all(self) -> bool:
        """Whether the contact wants nothing of the list at all."""
        return bool(self.raw.get("unsubscribeAll"))

    @property
    def topic_subscription_status(self) -> Mapping[str, str]:
        """Each topic's name with ``OptIn`` or ``OptOut``."""
        path = "topicSubscriptionStatus"
        return {
            required(entry, "topicName", f"{path}.topicName", str): required(
                entry, "subscriptionStatus", f"{path}.subscriptionStatus", str
            )
            for entry in objects(self.raw, path, path)
        }


class SendingEvent:
    """One event; a view of what SES published, which stays reachable as ``raw``.

    Nothing is copied or checked until it is asked for. What AWS documents as always there raises
    `MissingField`, with its path, if it is not; everything else is ``None`` or empty then.
    """

    __slots__ = ("_mail", "raw")

    DETAIL = ""
    """The key of the event's own part; the class of each type has its own."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._mail: Mail | None = None

    @property
    def type(self) -> str:
        """The type as SES spells it, equal to an `EventType` unless AWS added it later."""
        return self.raw.get("eventType") or self.raw["notificationType"]  # type: ignore[no-any-return]

    @property
    def mail(self) -> Mail:
        """The mail that the event is about."""
        mail = self._mail
        if mail is None:
            raw = self.raw.get("mail")
            if not isinstance(raw, dict):
                raw = required(self.raw, "mail", "mail", dict)
            mail = self._mail = Mail(raw)
        return mail

    @property
    def detail(self) -> Mapping[str, Any]:
        """The event's own part, as SES wrote it; empty if there is none."""
        value = self.raw.get(self.DETAIL)
        return value if isinstance(value, dict) else {}

    @property
    def timestamp(self) -> datetime:
        """When it happened (aware, UTC); for types that do not tell, when SES took the mail."""
        if self.detail.get("timestamp") is None:
            return self.mail.timestamp
        return date_time(self.detail, "timestamp", f"{self.DETAIL}.timestamp")

    @property
    def recipients(self) -> list[str]:
        """The addresses that the event is about; all of the mail's if it does not say."""
        return self.mail.destination

    @property
    def key(self) -> str:
        """What identifies the event however often, and in whichever envelope, it is delivered.

        SNS, SQS and Lambda deliver at least once, each time with ids of their own.
        """
        when = self.detail.get("timestamp") or self.mail.raw.get("timestamp")
        recipients = sorted(map(str, self.recipients))
        return "|".join((self.type, self.mail.message_id, str(when), *recipients))

    def _need(self, key: str, kind: builtins.type[T]) -> T:
        return required(self.detail, key, f"{self.DETAIL}.{key}", kind)

    def _may(self, key: str, kind: builtins.type[T]) -> T | None:
        return optional(self.detail, key, f"{self.DETAIL}.{key}", kind)

    def _addresses(self, key: str) -> list[Recipient]:
        return [Recipient(item) for item in objects(self.detail, key, f"{self.DETAIL}.{key}")]

    def _email_addresses(self, key: str) -> list[str]:
        try:
            found = [item["emailAddress"] for item in self.raw[self.DETAIL][key]]
            "".join(found)  # raises TypeError for what is no text, faster than asking each
        except (KeyError, TypeError):
            # Slower, and tells what is wrong.
            return [recipient.email_address for recipient in self._addresses(key)]
        return found

    def __repr__(self) -> str:
        mail = self.raw.get("mail")
        message_id = mail.get("messageId") if isinstance(mail, dict) else None
        return f"<{type(self).__name__} {message_id}>"
