"""A class for each type of sending event."""

from __future__ import annotations

import json

from mailroom._views import date_time, listed
from mailroom.errors import MissingField
from mailroom.events.views import Recipient, SendingEvent, TopicPreferences
from mailroom.ses import EventType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

__all__ = [
    "CLASSES",
    "Bounce",
    "Click",
    "Complaint",
    "Delivery",
    "DeliveryDelay",
    "Open",
    "Reject",
    "RenderingFailure",
    "Send",
    "Subscription",
    "UnknownEvent",
]


class _Feedback(SendingEvent):
    __slots__ = ()

    @property
    def feedback_id(self) -> str:
        """SES's id of the report, the same in every delivery."""
        return self._need("feedbackId", str)

    @property
    def key(self) -> str:
        """What identifies the event: type and feedback id."""
        return f"{self.type}|{self.feedback_id}"


class Bounce(_Feedback):
    """A receiving server, or SES itself, returned the mail."""

    __slots__ = ()
    DETAIL = "bounce"

    @property
    def bounce_type(self) -> str:
        """``Permanent``, ``Transient`` or ``Undetermined``."""
        return self._need("bounceType", str)

    @property
    def bounce_sub_type(self) -> str:
        """The type's cause, such as ``General``, ``NoEmail``, ``Suppressed``, ``MailboxFull``,
        ``OnAccountSuppressionList``, ``MessageTooLarge`` or ``ContentRejected``.
        """
        return self._need("bounceSubType", str)

    @property
    def bounced_recipients(self) -> list[Recipient]:
        """Who did not get the mail, and why."""
        return self._addresses("bouncedRecipients")

    @property
    def reporting_mta(self) -> str | None:
        """The server that reported it, as in the DSN: ``dsn; mta.example.com``."""
        return self._may("reportingMTA", str)

    @property
    def remote_mta_ip(self) -> str | None:
        """The IP address of the server that SES tried to deliver to, if SES gives it."""
        return self._may("remoteMtaIp", str)

    @property
    def recipients(self) -> list[str]:
        """The addresses that bounced."""
        return self._email_addresses("bouncedRecipients")


class Complaint(_Feedback):
    """A recipient reported the mail as spam, or withdrew such a report."""

    __slots__ = ()
    DETAIL = "complaint"

    @property
    def complained_recipients(self) -> list[Recipient]:
        """Who may have complained; mailbox providers often name all recipients of a domain."""
        return self._addresses("complainedRecipients")

    @property
    def complaint_feedback_type(self) -> str | None:
        """The report's type (RFC 5965), such as ``abuse``, ``fraud`` or ``not-spam``."""
        return self._may("complaintFeedbackType", str)

    @property
    def complaint_sub_type(self) -> str | None:
        """``OnAccountSuppressionList`` or ``OnTenantSuppressionList`` if SES did not send the mail
        at all, else ``None``.
        """
        return self._may("complaintSubType", str)

    @property
    def user_agent(self) -> str | None:
        """The program that made the report."""
        return self._may("userAgent", str)

    @property
    def arrival_date(self) -> datetime | None:
        """When the reported mail arrived, or was sent (aware, UTC)."""
        if self.detail.get("arrivalDate") is None:
            return None
        return date_time(self.detail, "arrivalDate", "complaint")

    @property
    def is_complaint(self) -> bool:
        """Whether it is a complaint; a report ``not-spam`` takes one back."""
        return self.complaint_feedback_type != "not-spam"

    @property
    def recipients(self) -> list[str]:
        """The addresses that may have complained."""
        return self._email_addresses("complainedRecipients")


class Delivery(SendingEvent):
    """The receiving server accepted the mail."""

    __slots__ = ()
    DETAIL = "delivery"

    @property
    def processing_time_millis(self) -> int:
        """Milliseconds from when SES accepted the mail to when the receiving server did."""
        return self._need("processingTimeMillis", int)

    @property
    def recipients(self) -> list[str]:
        """The addresses that it was delivered to."""
        return listed(self.detail, "recipients", "delivery")

    @property
    def smtp_response(self) -> str | None:
        """What the receiving server said."""
        return self._may("smtpResponse", str)

    @property
    def reporting_mta(self) -> str | None:
        """The server of SES that delivered it."""
        return self._may("reportingMTA", str)

    @property
    def remote_mta_ip(self) -> str | None:
        """The IP address of the receiving server; absent from older events."""
        return self._may("remoteMtaIp", str)


class Send(SendingEvent):
    """SES accepted the mail and will try to deliver it."""

    __slots__ = ()
    DETAIL = "send"


class Reject(SendingEvent):
    """SES accepted the mail, found a virus in it, and did not try to deliver it."""

    __slots__ = ()
    DETAIL = "reject"

    @property
    def reason(self) -> str | None:
        """Why it was rejected: ``Bad content``."""
        return self._may("reason", str)


class Open(SendingEvent):
    """The mail's tracking image was fetched, by a person or by a machine."""

    __slots__ = ()
    DETAIL = "open"

    @property
    def ip_address(self) -> str | None:
        """The IP address that it came from."""
        return self._may("ipAddress", str)

    @property
    def user_agent(self) -> str | None:
        """The program that it came from."""
        return self._may("userAgent", str)

    @property
    def automated(self) -> bool | None:
        """Whether a machine did it, by SES or else by the user agent; ``None`` if unknown."""
        from mailroom.events.reading import automated

        return automated(self.detail)


class Click(SendingEvent):
    """A link in the mail was followed, by a person or by a machine."""

    __slots__ = ()
    DETAIL = "click"

    @property
    def link(self) -> str | None:
        """The link's URL."""
        return self._may("link", str)

    @property
    def link_tags(self) -> Mapping[str, list[str]]:
        """The link's ``ses:tags``, each name with its values; empty if it has none."""
        return self._may("linkTags", dict) or {}

    @property
    def ip_address(self) -> str | None:
        """The IP address that it came from."""
        return self._may("ipAddress", str)

    @property
    def user_agent(self) -> str | None:
        """The program that it came from."""
        return self._may("userAgent", str)

    @property
    def automated(self) -> bool | None:
        """Whether a machine did it, by SES or else by the user agent; ``None`` if unknown."""
        from mailroom.events.reading import automated

        return automated(self.detail)

    @property
    def key(self) -> str:
        """What identifies the event; two links may be followed in the same millisecond."""
        return f"{super().key}|{self.link}"


class RenderingFailure(SendingEvent):
    """A template could not be rendered, so nothing was sent."""

    __slots__ = ()
    DETAIL = "failure"

    @property
    def template_name(self) -> str:
        """The template's name."""
        return self._need("templateName", str)

    @property
    def error_message(self) -> str:
        """Why, such as ``Attribute 'name' is not present in the rendering data.``"""
        return self._need("errorMessage", str)

    @property
    def missing_attribute(self) -> str | None:
        """The attribute that the template data lack, if that is the reason."""
        before, _, rest = self.error_message.partition("Attribute '")
        return rest.partition("'")[0] if rest and not before else None


class DeliveryDelay(SendingEvent):
    """The mail could not be delivered yet; SES keeps trying."""

    __slots__ = ()
    DETAIL = "deliveryDelay"

    @property
    def delay_type(self) -> str:
        """The cause, such as ``MailboxFull``, ``SpamDetected`` or ``RecipientServerError``."""
        return self._need("delayType", str)

    @property
    def delayed_recipients(self) -> list[Recipient]:
        """Whose mail is delayed, and why."""
        return self._addresses("delayedRecipients")

    @property
    def expiration_time(self) -> datetime | None:
        """When SES gives up (aware, UTC)."""
        if self.detail.get("expirationTime") is None:
            return None
        return date_time(self.detail, "expirationTime", "deliveryDelay")

    @property
    def reporting_mta(self) -> str | None:
        """The server that reported it."""
        return self._may("reportingMTA", str)

    @property
    def recipients(self) -> list[str]:
        """The addresses whose mail is delayed."""
        return self._email_addresses("delayedRecipients")


class Subscription(SendingEvent):
    """A recipient changed their subscriptions to a contact list."""

    __slots__ = ()
    DETAIL = "subscription"

    @property
    def contact_list(self) -> str:
        """The contact list's name."""
        return self._need("contactList", str)

    @property
    def source(self) -> str | None:
        """How they did it, such as ``UnsubscribeHeader`` or ``UnsubscribeFooter``."""
        return self._may("source", str)

    @property
    def new_topic_preferences(self) -> TopicPreferences:
        """Their preferences from now on."""
        return TopicPreferences(self._need("newTopicPreferences", dict))

    @property
    def old_topic_preferences(self) -> TopicPreferences:
        """Their preferences before."""
        return TopicPreferences(self._need("oldTopicPreferences", dict))


class UnknownEvent(SendingEvent):
    """An event of a type that this version does not know; ``raw`` has all of it."""

    __slots__ = ()

    @property
    def detail(self) -> Mapping[str, Any]:
        """The event's only object besides ``mail``, as in every known type; otherwise empty."""
        found = [
            value for key, value in self.raw.items() if key != "mail" and isinstance(value, dict)
        ]
        return found[0] if len(found) == 1 else {}

    @property
    def timestamp(self) -> datetime:
        """When it happened, if the event has a time; otherwise when SES accepted the mail."""
        try:
            return date_time(self.detail, "timestamp", "")
        except MissingField:
            return self.mail.timestamp

    @property
    def key(self) -> str:
        """What identifies the event: a digest of all of it, as its fields are not known."""
        from hashlib import sha256

        text = json.dumps(self.raw, sort_keys=True)
        return f"{super().key}|{sha256(text.encode()).hexdigest()}"


CLASSES: dict[str, type[SendingEvent]] = {
    EventType.BOUNCE: Bounce,
    EventType.CLICK: Click,
    EventType.COMPLAINT: Complaint,
    EventType.DELIVERY: Delivery,
    EventType.DELIVERY_DELAY: DeliveryDelay,
    EventType.OPEN: Open,
    EventType.REJECT: Reject,
    EventType.RENDERING_FAILURE: RenderingFailure,
    EventType.SEND: Send,
    EventType.SUBSCRIPTION: Subscription,
}
"""The class of each known type."""
