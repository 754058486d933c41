"""How a reader leaves a mailing list: a link of yours, or SES's list management."""

from __future__ import annotations

import re

from mailroom.sending.addresses import Mailbox
from mailroom.sending.checks import InvalidMessage, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ListManagement", "ListUnsubscribe", "check_one_way", "folded", "with_unsubscribe"]


class ListUnsubscribe:
    """A link of yours by which a reader leaves the list: a web page, a mail address, or both.

    Args:
        https: URL of the page, at most 900 ASCII characters, starting with ``https://``.
        mailto: Address that takes requests to unsubscribe, or a ``mailto:`` URI such as
            ``leave@example.com?subject=leave``.
        one_click: Whether a POST to *https*, without cookies or questions, unsubscribes at once
            (RFC 8058), as Gmail and Yahoo require of bulk senders. Default: true with *https*.

    Raises:
        InvalidMessage: Neither is given, or one of them cannot be used.
    """

    __slots__ = ("https", "mailto", "one_click")

    def __init__(
        self, *, https: str | None = None, mailto: str | None = None, one_click: bool | None = None
    ) -> None:
        if https is None and mailto is None:
            raise InvalidMessage("list_unsubscribe has neither https nor mailto: pass one of them")
        if https is None and one_click:
            raise InvalidMessage(
                "one_click needs https, since RFC 8058 has no other way: pass https"
            )
        if https is not None:
            https = _uri(https, "https")
            if not https.lower().startswith("https://") or len(https) < 9:
                raise InvalidMessage(
                    f"list_unsubscribe https is {https!r:.80}: pass a URL that starts with https://"
                )
        if mailto is not None:
            address = mailto[7:] if str(mailto).lower().startswith("mailto:") else mailto
            mailto = "mailto:" + _uri(address, "mailto")
            Mailbox.parse(mailto[7:].partition("?")[0].replace("%40", "@"), "mailto")
        self.https = https
        self.mailto = mailto
        self.one_click = https is not None and one_click is not False

    def headers(self) -> dict[str, str]:
        """Return the header fields; they fit messages of smtplib and Django too."""
        uris = [f"<{uri}>" for uri in (self.https, self.mailto) if uri]
        fields = {"List-Unsubscribe": ", ".join(uris)}
        if self.one_click:
            fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return fields


def with_unsubscribe(
    headers: Mapping[str, str] | None, unsubscribe: ListUnsubscribe | None
) -> dict[str, str]:
    """Return *headers* and those of *unsubscribe*; raise `InvalidMessage` if both name a list."""
    given = dict(headers or {})
    if unsubscribe is None:
        return given
    if clash := [name for name in given if name.lower().startswith("list-unsubscribe")]:
        raise InvalidMessage(
            f"headers has {clash[0]!r} and list_unsubscribe is given: pass only one"
        )
    return given | unsubscribe.headers()


def _uri(text: object, what: str) -> str:
    text = one_line(text, f"list_unsubscribe {what}")
    if not re.fullmatch(r"[!-;=?-~]{1,900}", text) or "," in text:
        raise InvalidMessage(
            f"list_unsubscribe {what} is {text!r:.80}: pass an ASCII URI of at most 900 "
            "characters, with spaces, commas and <> percent-encoded"
        )
    return text


class ListManagement:
    """The contact list, and optionally the topic, that a message belongs to.

    SES then adds the ``List-Unsubscribe`` fields, fills in ``{{amazonSESUnsubscribeUrl}}`` and
    sends nothing to contacts who left:
    https://docs.aws.amazon.com/ses/latest/dg/sending-email-subscription-management.html.
    ``SendBulkEmail`` has no such option, so `send_bulk` has none either.

    Args:
        contact_list: Name of the contact list, 1 to 64 of ``A-Z a-z 0-9 _ -``.
        topic: Name of a topic of that list. Default: the list as a whole.

    Raises:
        InvalidMessage: A name has other characters.
    """

    __slots__ = ("contact_list", "topic")

    def __init__(self, contact_list: str, *, topic: str | None = None) -> None:
        for what, name in (("contact_list", contact_list), ("topic", topic)):
            if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(name)):
                raise InvalidMessage(
                    f"{what} is {name!r:.80}: pass a name of 1 to 64 of A-Z a-z 0-9 _ -"
                )
        self.contact_list = contact_list
        self.topic = topic

    def options(self) -> dict[str, str]:
        """Return API v2's ``ListManagementOptions``."""
        options = {"ContactListName": self.contact_list}
        if self.topic:
            options["TopicName"] = self.topic
        return options

    def field(self) -> str:
        """Return the value of the header field that has the same meaning over SMTP."""
        return f"{self.contact_list}; topic={self.topic}" if self.topic else self.contact_list


def check_one_way(unsubscribe: ListUnsubscribe | None, management: ListManagement | None) -> None:
    """Raise `InvalidMessage` if a message has both ways to unsubscribe."""
    if unsubscribe and management:
        raise InvalidMessage(
            "list_unsubscribe and list_management are both given; SES would replace your "
            "List-Unsubscribe by its own: pass only one"
        )


def folded(value: str) -> bytes:
    """Return a list of *value*'s kind with one entry a line, so that no line gets too long."""
    return value.replace(", ", ",\r\n ").encode("ascii")
