"""What every way of sending shares: where events go, which tags they carry, what was sent."""

from __future__ import annotations

import json
import os

from mailroom._outgoing import (
    CONFIGURATION_SET_FIELD,
    MAX_BYTES_V1,
    TAGS_FIELD,
    InvalidMessage,
    ListManagement,
    ListUnsubscribe,
    Mailbox,
    Outgoing,
    checked_configuration_set,
    checked_tags,
)
from mailroom.errors import MailroomError, NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailroom._outgoing import AnyMessage, Tags

__all__ = [
    "NO_CONFIGURATION_SET",
    "ONE_OF_THEM",
    "NoConfigurationSet",
    "NotSent",
    "OutcomeUnknown",
    "Publishing",
    "Sent",
    "add_list_fields",
    "add_publishing_headers",
    "publishing_headers",
    "raw_message",
]


class NotSent(MailroomError):
    """SES surely did not take the message; ``code`` is its reason, as is the cause."""

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class OutcomeUnknown(MailroomError):
    """SES may have taken the message, and may not: its answer was lost. Never tried again here."""


class NoConfigurationSet:
    """The type of `NO_CONFIGURATION_SET`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NO_CONFIGURATION_SET"


NO_CONFIGURATION_SET = NoConfigurationSet()
"""Send without a configuration set, knowingly: no events, unless the identity has a default set."""


class Sent:
    """What SES took, so that its events can be found; the repr has no addresses.

    ``message_id`` is SES's, as in ``mail.messageId`` of every event; empty if a server that is not
    SES told none. ``refused`` maps recipients to why an SMTP server did not take them.
    """

    __slots__ = ("configuration_set", "message_id", "recipients", "refused", "tags")

    def __init__(
        self,
        message_id: str,
        *,
        configuration_set: str | None,
        tags: Mapping[str, str],
        recipients: Sequence[str],
        refused: Mapping[str, str] | None = None,
    ) -> None:
        self.message_id = message_id
        self.configuration_set = configuration_set
        self.tags = dict(tags)
        self.recipients = tuple(recipients)
        self.refused = dict(refused or {})

    def __repr__(self) -> str:
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return (
            f"<Sent {self.message_id}: configuration set {self.configuration_set}, "
            f"tags {self.tags}, {len(self.recipients)} recipients{refused}>"
        )


class Publishing:
    """Where events go and how they are tagged, and who the author is: what both senders have."""

    def __init__(
        self,
        configuration_set: str | NoConfigurationSet | None,
        tags: Tags | None,
        from_address: str | None,
    ) -> None:
        self.configuration_set = _configuration_set(configuration_set)
        self.tags = _default_tags(tags)
        self.author_box = (
            None if from_address is None else Mailbox.parse(from_address, "from_address")
        )

    def own(self, tags: Tags | None) -> dict[str, str]:
        return {**self.tags, **checked_tags(tags)}

    def author(self, from_address: str | None) -> Mailbox:
        if from_address is not None:
            return Mailbox.parse(from_address, "from_address")
        if self.author_box is None:
            raise InvalidMessage("no from_address; give one here or to the sender")
        return self.author_box


def _configuration_set(given: str | NoConfigurationSet | None) -> str | None:
    if isinstance(given, NoConfigurationSet):
        return None
    if given is None:
        given = os.environ.get("MAILROOM_CONFIGURATION_SET") or None
        if given is None:
            raise NotConfigured(
                "no configuration set, so no events: give configuration_set, or set "
                "MAILROOM_CONFIGURATION_SET, or say NO_CONFIGURATION_SET"
            )
    return checked_configuration_set(given)


def _default_tags(given: Tags | None) -> dict[str, str]:
    if given is not None:
        return checked_tags(given)
    text = os.environ.get("MAILROOM_TAGS")
    if not text:
        return {}
    try:
        # Pairs, so that a name that is given twice is seen.
        value = json.loads(text, object_pairs_hook=list)
        if not isinstance(value, list) or (not value and text.strip() != "{}"):
            raise ValueError("it is no object")
        return checked_tags([tuple(pair) for pair in value], "MAILROOM_TAGS")
    except InvalidMessage as error:
        raise NotConfigured(str(error)) from error
    except (ValueError, TypeError) as error:
        raise NotConfigured(f"MAILROOM_TAGS must be a JSON object of strings: {error}") from error


# Header fields.


def publishing_headers(
    configuration_set: str | NoConfigurationSet | None = None, tags: Tags | None = None
) -> dict[str, str]:
    """Return the header fields that make SES publish events about a message.

    For SMTP and API v1's ``SendRawEmail`` only; API v2 ignores them. Plain text to plain text, so
    they go with ``EmailMessage(headers=…)`` of Django and ``Message(extra_headers=…)`` of
    Flask-Mail. Defaults come from the settings; see the module.
    """
    name = _configuration_set(configuration_set)
    words = {**_default_tags(None), **checked_tags(tags)}
    fields = {CONFIGURATION_SET_FIELD: name} if name else {}
    if words:
        fields[TAGS_FIELD] = ", ".join(f"{tag}={value}" for tag, value in words.items())
    return fields


def add_publishing_headers(
    message: AnyMessage,
    configuration_set: str | NoConfigurationSet | None = None,
    tags: Tags | None = None,
) -> None:
    """Put `publishing_headers` into *message*, unless it has others already: `InvalidMessage`."""
    for name, value in publishing_headers(configuration_set, tags).items():
        found = message.get_all(name, [])
        if any(str(one) != value for one in found):
            raise InvalidMessage(f"the message has a {name} of its own; take one of them out")
        if not found:
            message[name] = value


def raw_message(message: AnyMessage, *, limit: int = MAX_BYTES_V1) -> bytes:
    """Return *message* as bytes for API v1's ``SendRawEmail``, with its ``X-SES-*`` fields.

    Checked like what `Sender.send` sends; without ``Bcc``, so give SES the ``Destinations``.
    """
    outgoing = Outgoing(message)
    for name in (TAGS_FIELD, CONFIGURATION_SET_FIELD):
        for value in message.get_all(name, [])[:1]:
            outgoing.add(name, str(value).replace(", ", ",\r\n ").encode("ascii"))
    return outgoing.data(limit, "API v1" if limit == MAX_BYTES_V1 else "the interface")


def add_list_fields(
    outgoing: Outgoing, unsubscribe: ListUnsubscribe | None, management: ListManagement | None
) -> None:
    if unsubscribe and management:
        raise InvalidMessage(ONE_OF_THEM)
    if unsubscribe:
        for name, value in unsubscribe.headers().items():
            outgoing.add(name, value.replace(", ", ",\r\n ").encode("ascii"))


ONE_OF_THEM = (
    "list_unsubscribe and list_management: SES puts its own List-Unsubscribe in the place of "
    "yours; give one"
)
