"""How SES decides on a message that is sent: what goes out, to whom, and what becomes of it.

Pure functions; :mod:`mailroom_local.sending.mailer` carries it out.
"""

from __future__ import annotations

import base64
import mimetypes
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, parseaddr
from functools import cached_property
from types import MappingProxyType
from typing import Any

from mailroom_local._ses_error import SesError
from mailroom_local.receiving.decisions import EICAR, contains, decode, printable, read_headers
from mailroom_local.sending import tracking
from mailroom_local.sending.tracking import Link

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
MAX_RECIPIENTS = 50
# SES gives up after that time unless the configuration set says otherwise.
MAX_DELIVERY_SECONDS = 14 * 60 * 60
MAX_BYTES_V1 = 10 * 1024 * 1024
MAX_BYTES_V2 = 40 * 1024 * 1024

CONFIGURATION_SET_HEADER = "X-SES-CONFIGURATION-SET"
TAGS_HEADER = "X-SES-MESSAGE-TAGS"
LIST_HEADER = "X-SES-LIST-MANAGEMENT-OPTIONS"
UNSUBSCRIBE_PLACEHOLDER = "{{amazonSESUnsubscribeUrl}}"

SIMULATOR = "simulator.amazonses.com"
LOCAL_SIMULATOR = "simulator.mailroom.local"

# What SES takes out of a message before the recipient sees it.
_STRIPPED = frozenset({"bcc", "message-id", "return-path"})
_STRIPPED_PREFIX = "x-ses-"

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FIELD = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One thing that becomes of a message at one recipient: an event and its particulars."""

    kind: str
    detail: Mapping[str, str] = field(default_factory=dict)


def _bounce(kind: str, subtype: str, status: str, diagnostic: str, **more: str) -> Outcome:
    detail = {"type": kind, "subtype": subtype, "status": status, "diagnostic": diagnostic, **more}
    return Outcome(kind="Bounce", detail=MappingProxyType(detail))


def _complaint(kind: str) -> Outcome:
    return Outcome(kind="Complaint", detail=MappingProxyType({"type": kind}))


def _delay(kind: str, status: str, diagnostic: str) -> Outcome:
    detail = {"type": kind, "status": status, "diagnostic": f"smtp; {diagnostic}"}
    return Outcome(kind="DeliveryDelay", detail=MappingProxyType(detail))


DELIVERED = Outcome(kind="Delivery")
ON_ACCOUNT_LIST = _bounce(
    "Permanent",
    "OnAccountSuppressionList",
    "5.1.1",
    "Amazon SES did not send the message to this address because it is on the suppression list "
    "for your account.",
    withheld="true",
)
# SES documents that it bounces what is sent to a contact who unsubscribed, not how it calls that.
UNSUBSCRIBED = _bounce(
    "Permanent",
    "UnsubscribedRecipient",
    "5.1.1",
    "Amazon SES did not send the message to this address because the contact has unsubscribed.",
    withheld="true",
)

# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
AMAZON_OUTCOMES: Mapping[str, tuple[Outcome, ...]] = {
    "success": (DELIVERED,),
    "bounce": (_bounce("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),),
    "complaint": (DELIVERED, _complaint("abuse")),
    "suppressionlist": (
        _bounce(
            "Permanent",
            "Suppressed",
            "5.1.1",
            "Amazon SES has suppressed sending to this address because it has a recent history "
            "of bouncing as an invalid address.",
            withheld="true",
        ),
    ),
    "ooto": (DELIVERED,),
}

# What the mailbox simulator of AWS has no address for. At simulator.mailroom.local the names
# above mean the same.
LOCAL_OUTCOMES: Mapping[str, tuple[Outcome, ...]] = {
    **AMAZON_OUTCOMES,
    "attachment": (
        _bounce("Transient", "AttachmentRejected", "5.7.1", "smtp; 552 5.7.1 attachment refused"),
    ),
    "content": (
        _bounce("Transient", "ContentRejected", "5.7.1", "smtp; 550 5.7.1 content refused"),
    ),
    "delay": (
        _delay("TransientCommunicationFailure", "4.4.1", "421 4.4.1 Unable to connect"),
        DELIVERED,
    ),
    "expired": (
        _delay("MailboxFull", "4.2.2", "452 4.2.2 mailbox full"),
        _bounce("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 mailbox full"),
    ),
    "fraud": (DELIVERED, _complaint("fraud")),
    "noemail": (_bounce("Permanent", "NoEmail", "5.1.1", "smtp; 550 5.1.1 no such address"),),
    "notspam": (DELIVERED, _complaint("not-spam")),
    "toolarge": (
        _bounce("Transient", "MessageTooLarge", "5.3.4", "smtp; 552 5.3.4 message too large"),
    ),
    "transient": (_bounce("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 mailbox full"),),
    "undetermined": (
        _bounce("Undetermined", "Undetermined", "5.0.0", "smtp; 554 transaction failed"),
    ),
    "virus": (DELIVERED, _complaint("virus")),
}

_OUTCOMES = {SIMULATOR: AMAZON_OUTCOMES, LOCAL_SIMULATOR: LOCAL_OUTCOMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListManagement:
    """The contact list, and perhaps its topic, that a message belongs to."""

    contact_list: str
    topic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrendered:
    """A template that could not be rendered, and why."""

    template: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """An accepted message, and everything that its events will say of it.

    ``raw`` is the message as it was submitted, ``withheld`` holds the recipients that SES does not
    even try, with the outcome that they get instead.
    """

    message_id: str
    operation: str
    sent_at: datetime
    source: str
    source_arn: str
    recipients: tuple[str, ...]
    raw: bytes
    account: str
    region: str
    caller: str
    source_ip: str
    configuration_set: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    withheld: Mapping[str, Outcome] = field(default_factory=dict)
    list_management: ListManagement | None = None
    unrendered: Unrendered | None = None
    max_delivery_seconds: int = MAX_DELIVERY_SECONDS
    track_opens: bool = False
    track_clicks: bool = False

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """The header fields as they were submitted, SES's own included."""
        return read_headers(self.raw)

    @property
    def source_address(self) -> str:
        """The bare address of the sender."""
        return parseaddr(self.source)[1]

    @property
    def rejected(self) -> bool:
        """Whether SES finds a virus in it."""
        return contains(self.raw, EICAR)

    @cached_property
    def common_headers(self) -> dict[str, Any]:
        """The ``commonHeaders`` of its events."""
        found: dict[str, Any] = {}
        for name, value in self.headers:
            key = name.lower()
            if key in ("from", "to") and key not in found:
                found[key] = _addresses(value)
            elif key == "subject":
                found["subject"] = decode(value)
        return {**found, "messageId": self.message_id}


def new_message_id(moment: datetime) -> str:
    """An id as SES gives it to a message that is sent."""
    return f"0100{int(moment.timestamp() * 1000):012x}-{uuid.uuid4()}-000000"


def outcomes(recipient: str) -> tuple[Outcome, ...]:
    """What becomes of a message at an address; labels (``bounce+label@``) do not matter."""
    local, _, domain = recipient.lower().rpartition("@")
    known = _OUTCOMES.get(domain, {})
    return known.get(local.partition("+")[0], (DELIVERED,))


def story(outgoing: Outgoing) -> list[tuple[Outcome, str | None]]:
    """What happens to a message right after it was accepted, each with its recipient."""
    if outgoing.unrendered is not None:
        failure = outgoing.unrendered
        detail = {"message": failure.message, "template": failure.template}
        return [(Outcome(kind="Rendering Failure", detail=detail), None)]
    if outgoing.rejected:
        return [(Outcome(kind="Reject"), None)]
    told: list[tuple[Outcome, str | None]] = [(Outcome(kind="Send"), None)]
    for recipient in outgoing.recipients:
        held = outgoing.withheld.get(recipient.lower())
        told += [(each, recipient) for each in ((held,) if held else outcomes(recipient))]
    return told


def reached(outgoing: Outgoing) -> list[str]:
    """The recipients to whom it is delivered."""
    return [
        recipient
        for outcome, recipient in story(outgoing)
        if outcome.kind == "Delivery" and recipient is not None
    ]


# --- where configuration set and tags come from ------------------------------------------------


def header_of(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The first header field of that name."""
    for found, value in headers:
        if found.lower() == name.lower():
            return value.strip()
    return None


def tags_of_header(value: str | None) -> dict[str, str]:
    """The tags of an ``X-SES-MESSAGE-TAGS`` header; SES drops the ones that it does not allow."""
    found = {}
    for pair in re.split(r"[,;]", value or ""):
        name, equals, content = (part.strip() for part in pair.partition("="))
        if equals and _TAG.fullmatch(name) and _TAG.fullmatch(content):
            found[name] = content
    return found


def list_management_of_header(value: str | None) -> ListManagement | None:
    """The contact list and topic of an ``X-SES-LIST-MANAGEMENT-OPTIONS`` header."""
    if not value:
        return None
    first, *others = (part.strip() for part in value.split(";"))
    topics = [part.partition("=")[2] for part in others if part.lower().startswith("topic")]
    return ListManagement(
        contact_list=first.rpartition("=")[2], topic=topics[0].strip() if topics else None
    )


def checked_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags of an API call by name; an error for what SES does not allow in one."""
    found = {}
    for tag in tags:
        name, value = tag.get("Name", ""), tag.get("Value", "")
        for part, text in (("name", name), ("value", value)):
            if not _TAG.fullmatch(text):
                raise SesError(
                    "InvalidParameterValue",
                    f"Invalid tag {part} <{text}>: only alphanumeric ASCII characters, '_', and "
                    "'-' are allowed, at most 256 of them.",
                )
        found[name] = value
    return found


# --- the message -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A message in parts, as the API takes it."""

    subject: str
    text: str = ""
    html: str = ""
    headers: Sequence[tuple[str, str]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()


def compose(
    content: Content,
    *,
    source: str,
    to: Sequence[str],
    cc: Sequence[str],
    reply_to: Sequence[str] = (),
) -> bytes:
    """The MIME message of an API call that gives one in parts."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = source
        for name, addresses in (("To", to), ("Cc", cc), ("Reply-To", reply_to)):
            if addresses:
                message[name] = ", ".join(addresses)
        message["Subject"] = content.subject
        for name, value in content.headers:
            message[name] = value
        if content.text or not content.html:
            message.set_content(content.text)
        if content.html and content.text:
            message.add_alternative(content.html, subtype="html")
        elif content.html:
            message.set_content(content.html, subtype="html")
        for attachment in content.attachments:
            _attach(message, attachment)
        return message.as_bytes()
    except ValueError as error:
        raise SesError("InvalidParameterValue", str(error)) from error


def addressed(raw: bytes) -> list[str]:
    """The recipients that a message's own header names."""
    named = [value for name, value in read_headers(raw) if name.lower() in ("to", "cc", "bcc")]
    return [address for _, address in getaddresses(named) if address]


def deliver(outgoing: Outgoing, *, endpoint: str) -> tuple[bytes, list[Link]]:
    """The message as its recipients get it, and the links that now lead through the endpoint.

    SES takes out its own headers and ``Bcc``, sets ``Message-ID``, and ``Date`` if there is none.
    """
    raw, links = outgoing.raw, list[Link]()
    if outgoing.track_opens or outgoing.track_clicks or outgoing.list_management:
        raw, links = _rewrite(outgoing, endpoint)
    added = [("Message-ID", f"<{outgoing.message_id}@email.amazonses.com>")]
    if header_of(outgoing.headers, "Date") is None:
        added.append(("Date", format_datetime(outgoing.sent_at)))
    stripped = set(_STRIPPED)
    if outgoing.list_management:
        url = tracking.unsubscribe_url(endpoint, outgoing.message_id)
        added += [
            ("List-Unsubscribe", f"<{url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
        stripped |= {"list-unsubscribe", "list-unsubscribe-post"}
    top = "".join(f"{name}: {value}\r\n" for name, value in added).encode()
    return top + _without(raw, stripped), links


def decoded_raw(data: str) -> bytes:
    """The bytes of a raw message in an API call; not everyone encodes them."""
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return data.encode()


def normal_lines(raw: bytes) -> bytes:
    """The message with the line ends that mail has."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", raw)


def _rewrite(outgoing: Outgoing, endpoint: str) -> tuple[bytes, list[Link]]:
    message = message_from_bytes(outgoing.raw, policy=SMTP)
    unsubscribe = tracking.unsubscribe_url(endpoint, outgoing.message_id)
    links: list[Link] = []
    changed = pixel_placed = False
    for part in message.walk():
        kind = part.get_content_type()
        if kind not in ("text/plain", "text/html") or part.get_content_disposition():
            continue
        before = text = _text(part)
        if text is None:
            continue
        if outgoing.list_management:
            text = text.replace(UNSUBSCRIBE_PLACEHOLDER, unsubscribe)
        if kind == "text/html" and outgoing.track_clicks:
            first = len(links)
            text, found = tracking.rewrite_links(
                text,
                lambda number, first=first: tracking.click_url(  # type: ignore[misc]
                    endpoint, outgoing.message_id, first + number
                ),
            )
            links += found
        if kind == "text/html" and outgoing.track_opens and not pixel_placed:
            url = tracking.open_url(endpoint, outgoing.message_id)
            text, pixel_placed = tracking.add_pixel(text, url), True
        text = tracking.without_placeholder(text)
        if text != before:
            changed = True
            assert isinstance(part, EmailMessage)
            part.set_content(text, subtype=kind.partition("/")[2], charset="utf-8")
    return (message.as_bytes(policy=SMTP) if changed else outgoing.raw), links


def _text(part: Message[Any, Any]) -> str | None:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return None
    try:
        return payload.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return None


def _without(raw: bytes, names: set[str]) -> bytes:
    """The message without some header fields, everything else byte for byte."""
    kept, position = [], 0
    while position < len(raw):
        match = _FIELD.match(raw, position)
        assert match is not None
        if match[0] in (b"\r\n", b"\n", b""):
            break
        name = match[0].partition(b":")[0].strip().decode("ascii", "replace").lower()
        if name not in names and not name.startswith(_STRIPPED_PREFIX):
            kept.append(match[0])
        position = match.end()
    return b"".join(kept) + raw[position:]


def _attach(message: EmailMessage, attachment: Mapping[str, Any]) -> None:
    name = str(attachment.get("FileName", ""))
    kind = attachment.get("ContentType") or mimetypes.guess_type(name)[0]
    main, _, sub = (kind or "application/octet-stream").partition("/")
    content = attachment.get("RawContent", "")
    message.add_attachment(
        content if isinstance(content, bytes) else decoded_raw(content),
        maintype=main,
        subtype=sub,
        filename=name,
        disposition=str(attachment.get("ContentDisposition", "ATTACHMENT")).lower(),
        cid=attachment.get("ContentId"),
    )


def _addresses(value: str) -> list[str]:
    return [
        f"{printable(display)} <{address}>" if display else address
        for display, address in getaddresses([decode(value)])
    ]
