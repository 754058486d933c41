"""A whole message, checked and turned into the bytes that are sent."""

from __future__ import annotations

import re

from mailroom import ses
from mailroom.sending.addresses import (
    Mailbox,
    checked_address,
    checked_recipients,
    decoded,
    display_name,
    mailboxes,
)
from mailroom.sending.checks import (
    FIELD_NAME,
    InvalidMessage,
    checked_configuration_set,
    checked_tags,
)
from mailroom.sending.lists import folded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from email.message import EmailMessage, Message
    from typing import Any

    from mailroom.sending.lists import ListUnsubscribe

    Field = tuple[str, bytes]
    AnyMessage = EmailMessage | Message

__all__ = ["Outgoing", "reconcile"]


# In a field of a finished message a line break is folding, if a space and something follow it.
_BAD_FOLD = re.compile(r"\r(?!\n)|\r?\n(?![ \t]+[^ \t\r\n])|\x00")
_LONG_LINE = re.compile(rb"[^\r\n]{999,}")

_ADDRESS_FIELDS = ("from", "sender", "reply-to", "to", "cc", "bcc")
_NEVER_SENT = frozenset(
    ("bcc", "resent-bcc", ses.CONFIGURATION_SET_HEADER.lower(), ses.TAGS_HEADER.lower())
)
_OWN_HEADERS = ("refuse", "prefer", "discard")
_RECONCILE = (
    "remove the field, or pass own_headers='prefer' to use the field's or 'discard' to use the "
    "sender's"
)


class Outgoing:
    """One message, checked: its header fields one by one, and its body as bytes.

    ``Bcc`` and SES's fields for configuration set and tags are left out; `reconcile` reads those
    two before. International domains become A-labels. The given message is not changed.
    """

    __slots__ = ("body", "fields", "parts", "recipients", "references", "sender")

    def __init__(
        self,
        message: AnyMessage,
        *,
        recipients: Sequence[str] | str | None = None,
        from_address: Mailbox | None = None,
    ) -> None:
        self.parts = _check_parts(message)
        boxes = {name: _field_mailboxes(message, name) for name in _ADDRESS_FIELDS}
        author = boxes["from"][0] if boxes["from"] else from_address
        if author is None:
            raise InvalidMessage("the message has no From: set one, or pass from_address")
        self.sender = (boxes["sender"] or [author])[0].address
        if recipients is None:
            chosen = [*boxes["to"], *boxes["cc"], *boxes["bcc"]]
        else:
            chosen = mailboxes(recipients, "recipients")
        self.recipients = checked_recipients(chosen)
        self.references = tuple(str(message.get("References") or "").split())
        self.fields, self.body = _serialized(message)
        self._rewrite(message, boxes)
        if not boxes["from"]:
            self.add("From", author.folded())

    def _rewrite(self, message: AnyMessage, boxes: Mapping[str, list[Mailbox]]) -> None:
        kept = []
        for name, raw in self.fields:
            if name in _NEVER_SENT:
                continue
            if name in boxes and boxes[name] and _international(message, name):
                title = raw.partition(b":")[0]
                raw = title + b": " + b",\r\n ".join(box.folded() for box in boxes[name])
            kept.append((name, raw))
        self.fields = kept

    def add(self, name: str, value: bytes) -> None:
        """Put a field, whose value has been checked, before the others."""
        if any(found == name.lower() for found, _ in self.fields):
            raise InvalidMessage(
                f"the message has a {name} field already: remove it, or do not pass that argument"
            )
        self.fields.insert(0, (name.lower(), name.encode("ascii") + b": " + value))

    def add_unsubscribe(self, unsubscribe: ListUnsubscribe | None) -> None:
        """Add the fields of *unsubscribe*, if there is one."""
        if unsubscribe:
            for name, value in unsubscribe.headers().items():
                self.add(name, folded(value))

    def __bytes__(self) -> bytes:
        return b"".join((*(raw + b"\r\n" for _, raw in self.fields), b"\r\n", self.body))

    def data(self, limit: int, interface: str) -> bytes:
        """Return the message as bytes; raise `InvalidMessage` unless SES would accept it.

        Args:
            limit: The most bytes that *interface* accepts.
            interface: Its name, for the error.
        """
        if self.parts > ses.PARTS_PER_MESSAGE:
            raise InvalidMessage(
                f"the message has {self.parts} MIME parts; SES accepts {ses.PARTS_PER_MESSAGE}: "
                "attach fewer, or put them into one archive"
            )
        data = bytes(self)
        if len(data) > limit:
            remedy = "send a link in place of the attachments"
            if limit < ses.SENT_BYTES:
                remedy = "use API v2 or SMTP, which accept 40 MB, or " + remedy
            raise InvalidMessage(
                f"the message is {len(data)} bytes when encoded; {interface} accepts {limit}: "
                f"{remedy}"
            )
        if long := _LONG_LINE.search(data):
            raise InvalidMessage(
                f"the message has a line of {long.end() - long.start()} bytes; RFC 5321 allows "
                "998: encode that part as quoted-printable or base64"
            )
        return data


def _check_parts(message: AnyMessage) -> int:
    if not hasattr(message, "raw_items") or not hasattr(message, "as_bytes"):
        raise InvalidMessage(
            f"message is a {type(message).__name__}: pass an email.message.EmailMessage"
        )
    count = 0
    for part in message.walk():
        count += 1
        for name, value in part.raw_items():
            if not FIELD_NAME.fullmatch(name):
                raise InvalidMessage(
                    f"the message has a header field named {name!r:.80}: use printable ASCII "
                    "without a colon"
                )
            text = str(value)
            if _BAD_FOLD.search(text) or ("=?" in text and _BAD_FOLD.search(decoded(text))):
                raise InvalidMessage(
                    f"the message's header field {name!r} has a line break or NUL in its value: "
                    "remove it"
                )
    return count


def _field_mailboxes(message: AnyMessage, name: str) -> list[Mailbox]:
    found: list[Mailbox] = []
    what = f"the message's {name.title()}"
    for value in message.get_all(name, []):
        parsed = getattr(value, "addresses", None)
        if parsed is not None:
            pairs = [(one.display_name or "", _spec(one)) for one in parsed]
        else:
            from email.utils import getaddresses

            text = str(value).replace("\r", "").replace("\n", "")
            pairs = [pair for pair in getaddresses([text]) if pair != ("", "")]
        if not pairs and not str(value).strip().endswith(":;") and str(value).strip():
            raise InvalidMessage(f"{what} is {str(value)!r:.80}, which has no address: add one")
        found += [
            Mailbox(display_name(shown, what), checked_address(spec, what)) for shown, spec in pairs
        ]
    return found


def _spec(address: Any) -> str:
    # Not addr_spec, which adds quotes and so hides what the local part is.
    return f"{address.username}@{address.domain}" if address.domain else str(address.username)


def _international(message: AnyMessage, name: str) -> bool:
    return not all(str(value).isascii() for value in message.get_all(name, []))


def _serialized(message: AnyMessage) -> tuple[list[Field], bytes]:
    policy = message.policy.clone(linesep="\r\n", cte_type="7bit", mangle_from_=False)
    if getattr(policy, "utf8", False):
        policy = policy.clone(utf8=False)  # type: ignore[call-arg]
    try:
        data = message.as_bytes(policy=policy)
    except Exception as error:  # the email package raises whatever its parts do
        raise InvalidMessage(f"the message cannot be encoded: {error}") from error
    header, _, body = data.partition(b"\r\n\r\n")
    fields: list[Field] = []
    for line in header.split(b"\r\n") if header else []:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + line)
        else:
            fields.append((line.partition(b":")[0].decode("latin-1").lower(), line))
    # Older Pythons write a line break that was hidden in an encoded word unencoded
    # (CVE-2024-6923), so that the message would get additional fields.
    if _names(name for name, _ in fields) != _names(name.lower() for name in message):
        raise InvalidMessage("a header field of the message hides a line break: remove it")
    return fields, body


def _names(names: Iterable[str]) -> list[str]:
    # These may change while parts are re-encoded for seven bits.
    return sorted(name for name in names if not name.startswith(("content-", "mime-version")))


def reconcile(
    message: AnyMessage, configuration_set: str | None, tags: Mapping[str, str], own_headers: str
) -> tuple[str | None, dict[str, str]]:
    """Return configuration set and tags for *message*, which may have its own in header fields.

    AWS merges nothing, so nothing is merged here; `Sender.send` explains *own_headers*.
    """
    if own_headers not in _OWN_HEADERS:
        raise InvalidMessage(
            f"own_headers is {own_headers!r}: pass 'refuse', 'prefer' or 'discard'"
        )
    if own_headers == "discard":
        return configuration_set, dict(tags)
    own_set = {str(value).strip() for value in message.get_all(ses.CONFIGURATION_SET_HEADER, [])}
    own_tags = message.get_all(ses.TAGS_HEADER, [])
    if len(own_set) > 1:
        raise InvalidMessage(f"the message has two {ses.CONFIGURATION_SET_HEADER} fields: keep one")
    if own_set:
        named = checked_configuration_set(own_set.pop())
        if own_headers == "refuse" and configuration_set not in (None, named):
            raise InvalidMessage(
                f"the message's {ses.CONFIGURATION_SET_HEADER} is {named!r} and its sender's "
                f"{configuration_set!r}: {_RECONCILE}"
            )
        configuration_set = named
    if own_tags:
        listed = _tags_of(own_tags)
        if own_headers == "refuse" and tags and dict(tags) != listed:
            raise InvalidMessage(
                f"the message's {ses.TAGS_HEADER} and its sender's tags differ, and AWS does not "
                f"merge them: {_RECONCILE}"
            )
        tags = listed
    return configuration_set, dict(tags)


def _tags_of(values: Iterable[object]) -> dict[str, str]:
    pairs = []
    for value in values:
        for pair in str(value).split(","):
            name, _, text = pair.partition("=")
            pairs.append((name.strip(), text.strip()))
    return checked_tags(pairs, f"the message's {ses.TAGS_HEADER}")
