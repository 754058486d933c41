"""Where a message's events go: its configuration set and tags, in parameters or header fields."""

from __future__ import annotations

import json
import os

from mailroom import ses
from mailroom.errors import NotConfigured
from mailroom.sending.addresses import Mailbox
from mailroom.sending.checks import InvalidMessage, checked_configuration_set, checked_tags
from mailroom.sending.lists import folded
from mailroom.sending.message import Outgoing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.sending.checks import Tags
    from mailroom.sending.message import AnyMessage

__all__ = [
    "NO_CONFIGURATION_SET",
    "NoConfigurationSet",
    "Publishing",
    "add_publishing_headers",
    "publishing_headers",
    "raw_message",
    "tags_field",
]


class NoConfigurationSet:
    """The type of `NO_CONFIGURATION_SET`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NO_CONFIGURATION_SET"


NO_CONFIGURATION_SET = NoConfigurationSet()
"""Send without a configuration set on purpose: no events, unless the identity has a default one."""


class Publishing:
    """Configuration set, default tags and default author, which both senders have."""

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
        """Return the default tags with *tags* added, which win by name."""
        return {**self.tags, **checked_tags(tags)}

    def author(self, from_address: str | None) -> Mailbox:
        """Return *from_address*, or else the default author."""
        if from_address is not None:
            return Mailbox.parse(from_address, "from_address")
        if self.author_box is None:
            raise InvalidMessage("no from_address: pass one here or to the sender")
        return self.author_box


def _configuration_set(given: str | NoConfigurationSet | None) -> str | None:
    if isinstance(given, NoConfigurationSet):
        return None
    if given is None:
        given = os.environ.get("MAILROOM_CONFIGURATION_SET") or None
        if given is None:
            raise NotConfigured(
                "no configuration set, so there would be no events: pass configuration_set, set "
                "MAILROOM_CONFIGURATION_SET, or pass NO_CONFIGURATION_SET"
            )
    return checked_configuration_set(given)


def _default_tags(given: Tags | None) -> dict[str, str]:
    if given is not None:
        return checked_tags(given)
    text = os.environ.get("MAILROOM_TAGS")
    if not text:
        return {}
    try:
        # Pairs, so that a repeated name is seen.
        value = json.loads(text, object_pairs_hook=list)
        if not isinstance(value, list) or (not value and text.strip() != "{}"):
            raise ValueError("it is not an object")
        return checked_tags([tuple(pair) for pair in value], "MAILROOM_TAGS")
    except InvalidMessage as error:
        raise NotConfigured(str(error)) from error
    except (ValueError, TypeError) as error:
        raise NotConfigured(f"MAILROOM_TAGS is not a JSON object of strings: {error}") from error


def tags_field(tags: dict[str, str]) -> str:
    """Return *tags* as the value of SES's header field for tags."""
    return ", ".join(f"{name}={value}" for name, value in tags.items())


def publishing_headers(
    configuration_set: str | NoConfigurationSet | None = None, tags: Tags | None = None
) -> dict[str, str]:
    """Return the header fields that make SES publish events about a message.

    For SMTP and API v1's ``SendRawEmail`` only, since API v2 ignores them. Names and values are
    plain text, as Django's ``EmailMessage(headers=…)`` and Flask-Mail's
    ``Message(extra_headers=…)`` expect.

    Args:
        configuration_set: Its name, or `NO_CONFIGURATION_SET`. Default:
            ``MAILROOM_CONFIGURATION_SET``.
        tags: Tags that are added to those in ``MAILROOM_TAGS``, and win by name.

    Returns:
        Field name to value.

    Raises:
        NotConfigured: There is no configuration set, or ``MAILROOM_TAGS`` is malformed.
        InvalidMessage: SES would refuse a name or a tag.
    """
    name = _configuration_set(configuration_set)
    words = {**_default_tags(None), **checked_tags(tags)}
    fields = {ses.CONFIGURATION_SET_HEADER: name} if name else {}
    if words:
        fields[ses.TAGS_HEADER] = tags_field(words)
    return fields


def add_publishing_headers(
    message: AnyMessage,
    configuration_set: str | NoConfigurationSet | None = None,
    tags: Tags | None = None,
) -> None:
    """Add `publishing_headers` to *message*; fields that it has with the same value are kept.

    Args:
        message: A message of the standard library; it is changed.
        configuration_set: As for `publishing_headers`.
        tags: As for `publishing_headers`.

    Raises:
        InvalidMessage: *message* has another configuration set or other tags.
    """
    for name, value in publishing_headers(configuration_set, tags).items():
        found = message.get_all(name, [])
        if any(str(one) != value for one in found):
            raise InvalidMessage(
                f"the message has another {name}: remove it, or pass its value here"
            )
        if not found:
            message[name] = value


def raw_message(message: AnyMessage, *, limit: int = ses.SENT_BYTES_V1) -> bytes:
    """Return *message* as bytes for API v1's ``SendRawEmail``, with its ``X-SES-*`` fields.

    It is checked as `Sender.send` checks it. ``Bcc`` is removed, so pass ``Destinations`` to SES.

    Args:
        message: A message of the standard library; it is not changed.
        limit: The most bytes, encoded. Default: API v1's 10 MB.

    Raises:
        InvalidMessage: SES would refuse it.
    """
    outgoing = Outgoing(message)
    for name in (ses.TAGS_HEADER, ses.CONFIGURATION_SET_HEADER):
        for value in message.get_all(name, [])[:1]:
            outgoing.add(name, folded(str(value)))
    return outgoing.data(limit, "API v1" if limit == ses.SENT_BYTES_V1 else "the interface")
