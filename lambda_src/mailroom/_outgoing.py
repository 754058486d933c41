"""What may go out: tags, addresses, header fields and whole messages, checked before it is sent.

Nothing here does I/O. Every text that comes from outside passes `one_line` or a stricter pattern
before it gets near a header field, so that no line break, bare or encoded (RFC 2047), starts a
field of somebody else's choice. Errors name the argument, the value and the remedy.
"""

from __future__ import annotations

import re

from mailroom.errors import MailroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from email.message import EmailMessage, Message
    from typing import Any

    Field = tuple[str, bytes]
    Tags = Mapping[str, str] | Iterable[tuple[str, str]]
    AnyMessage = EmailMessage | Message

__all__ = [
    "CONFIGURATION_SET_FIELD",
    "LIST_FIELD",
    "MAX_BYTES",
    "MAX_BYTES_V1",
    "MAX_PARTS",
    "MAX_RECIPIENTS",
    "TAGS_FIELD",
    "InvalidMessage",
    "ListManagement",
    "ListUnsubscribe",
    "Mailbox",
    "Outgoing",
    "checked_configuration_set",
    "checked_fields",
    "checked_tags",
    "mailboxes",
    "one_line",
    "reconcile",
    "template_data",
    "template_name",
]

MAX_BYTES = 40 * 1024 * 1024
"""What API v2 and SMTP take, encoded: https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""

MAX_BYTES_V1 = 10 * 1024 * 1024
"""What API v1 takes, encoded."""

MAX_RECIPIENTS = 50
"""To, Cc and Bcc of one message together."""

MAX_PARTS = 500
"""MIME parts of one message."""

CONFIGURATION_SET_FIELD = "X-SES-CONFIGURATION-SET"
TAGS_FIELD = "X-SES-MESSAGE-TAGS"
LIST_FIELD = "X-SES-LIST-MANAGEMENT-OPTIONS"

_MAX_TEMPLATE_DATA = 262_144
_MAX_FIELDS = 15

_WORD = re.compile(r"[A-Za-z0-9_-]{1,256}")
_CONFIGURATION_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TEMPLATE = re.compile(r"[!-~]{1,256}")
# Tabs and bidirectional controls too: C0, DEL and C1, Unicode's own line ends, lone surrogates.
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# In a field of a finished message a line break is folding, if a blank and something follow it.
_BAD_FOLD = re.compile(r"\r(?!\n)|\r?\n(?![ \t]+[^ \t\r\n])|\x00")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,126}")
_FIELD_VALUE = re.compile(r"[ -~]{1,995}")
_LONG_LINE = re.compile(rb"[^\r\n]{999,}")

_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*")
# IDNA 2003, which is all that the standard library knows, takes these for others (sharp s, final
# sigma, joiners), i.e. names somebody else's domain.
_IDNA_DEVIATIONS = "\u00df\u1e9e\u03c2\u200c\u200d"
_MAILBOX = re.compile(r"(?P<name>[^<>]*?)\s*<\s*(?P<address>[^<>\s]*)\s*>")

_ADDRESS_FIELDS = ("from", "sender", "reply-to", "to", "cc", "bcc")
_NEVER_SENT = ("bcc", "resent-bcc", "x-ses-configuration-set", "x-ses-message-tags")
# SES sets these itself: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
_SET_BY_SES = frozenset(
    (
        "bcc",
        "cc",
        "content-disposition",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "reply-to",
        "return-path",
        "subject",
        "to",
    )
)


class InvalidMessage(MailroomError, ValueError):
    """The message was refused before SES saw it; the text names the argument and the remedy."""


# Words.


def one_line(text: object, what: str) -> str:
    """Return *text* if it is one line of text; raise `InvalidMessage` that names *what*."""
    if not isinstance(text, str):
        raise InvalidMessage(f"{what} is {text!r:.80}, a {type(text).__name__}; give a string")
    if found := _BREAK.search(text):
        raise InvalidMessage(
            f"{what} has {found[0]!r} at position {found.start()}; it must be one line of text, "
            "without control characters"
        )
    return text


def checked_tags(tags: Tags | None, what: str = "tags") -> dict[str, str]:
    """Return *tags* as a new dict; raise `InvalidMessage` that names every tag that SES refuses.

    ASCII letters, digits, ``_`` and ``-``, 1 to 256 of them, for name and value:
    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html. AWS documents no
    largest number of tags.
    """
    if tags is None:
        return {}
    if isinstance(tags, str):
        raise InvalidMessage(f"{what} is {tags!r:.80}; give a mapping of names to values")
    pairs = tags.items() if hasattr(tags, "items") else tags
    found: dict[str, str] = {}
    problems = []
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            problems.append(f"{pair!r:.80} is no pair of a name and a value")
            continue
        name, value = pair
        if isinstance(name, str) and name.lower().startswith("ses:"):
            problems.append(f"tag {name!r:.80} has the prefix 'ses:', which SES keeps to itself")
        elif not (isinstance(name, str) and _WORD.fullmatch(name)):
            problems.append(f"the name of tag {name!r:.80} {_WORD_RULE}")
        elif name in found:
            problems.append(f"tag {name!r:.80} is given twice")
        elif not (isinstance(value, str) and _WORD.fullmatch(value)):
            problems.append(f"tag {name!r:.80} has the value {value!r:.80}, which {_WORD_RULE}")
        else:
            found[name] = value
    if problems:
        raise InvalidMessage(f"{what}: {'; '.join(problems)}")
    return found


_WORD_RULE = "must be 1 to 256 of A-Z a-z 0-9 _ -"


def checked_configuration_set(name: object) -> str:
    """Return *name* if a configuration set can have it."""
    if not (isinstance(name, str) and _CONFIGURATION_SET.fullmatch(name)):
        raise InvalidMessage(
            f"configuration set {name!r:.80}: a name is 1 to 64 of A-Z a-z 0-9 _ -"
        )
    return name


def template_name(name: object) -> str:
    """Return *name* if it can name a template."""
    if not (isinstance(name, str) and _TEMPLATE.fullmatch(name)):
        raise InvalidMessage(
            f"template {name!r:.80}: a name is 1 to 256 printable ASCII characters, no blanks"
        )
    return name


def template_data(data: Mapping[str, Any] | None, what: str = "data") -> str:
    """Return *data* as the JSON that SES takes."""
    import json

    if data is None:
        return "{}"
    if isinstance(data, str) or not hasattr(data, "keys"):
        raise InvalidMessage(f"{what} is a {type(data).__name__}; give a mapping")
    try:
        text = json.dumps(dict(data), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"{what} cannot be JSON: {error}") from error
    if len(text) > _MAX_TEMPLATE_DATA:
        raise InvalidMessage(
            f"{what} is {len(text)} characters of JSON; SES takes {_MAX_TEMPLATE_DATA}"
        )
    return text


def checked_fields(
    headers: Mapping[str, str] | None, unsubscribe: ListUnsubscribe | None = None
) -> list[dict[str, str]]:
    """Return *headers* as API v2 takes them, with those of *unsubscribe*."""
    given = dict(headers or {})
    if unsubscribe is not None:
        if clash := [name for name in given if name.lower().startswith("list-unsubscribe")]:
            raise InvalidMessage(f"headers has {clash[0]!r} beside list_unsubscribe: give one")
        given.update(unsubscribe.headers())
    seen: set[str] = set()
    for name, value in given.items():
        if not (isinstance(name, str) and _FIELD_NAME.fullmatch(name)):
            raise InvalidMessage(
                f"header name {name!r:.80} must be 1 to 126 printable ASCII characters, no colon"
            )
        if name.lower() in _SET_BY_SES or name.lower().startswith("x-ses-"):
            raise InvalidMessage(
                f"header {name!r} is set by SES; use the argument that stands for it, or send()"
            )
        if name.lower() in seen:
            raise InvalidMessage(f"header {name!r} is given twice")
        seen.add(name.lower())
        one_line(value, f"header {name!r}")
        if not _FIELD_VALUE.fullmatch(value) or len(name) + len(value) > 996:
            raise InvalidMessage(
                f"header {name!r} has the value {value!r:.80}; it must be printable ASCII, at most "
                f"{min(995, 996 - len(name))} characters: encode other text as in RFC 2047"
            )
    if len(given) > _MAX_FIELDS:
        raise InvalidMessage(
            f"{len(given)} header fields; SES takes {_MAX_FIELDS} here: use send() for more"
        )
    return [{"Name": name, "Value": value} for name, value in given.items()]


# List mail.


class ListUnsubscribe:
    """How a reader leaves the list: an https address, a mail address, or both.

    With *https*, ``List-Unsubscribe-Post`` promises that a POST to it, without cookies or
    questions, unsubscribes at once (RFC 8058), as Gmail and Yahoo want from senders of many
    messages. ``one_click=False`` if the page asks first. *mailto* is an address, or a whole
    ``mailto:`` URI with, say, ``?subject=``.
    """

    __slots__ = ("https", "mailto", "one_click")

    def __init__(
        self, *, https: str | None = None, mailto: str | None = None, one_click: bool | None = None
    ) -> None:
        if https is None and mailto is None:
            raise InvalidMessage("list_unsubscribe has neither https nor mailto; give one")
        if https is None and one_click:
            raise InvalidMessage("one_click needs an https address: RFC 8058 knows no other")
        if https is not None:
            https = _uri(https, "https")
            if not https.lower().startswith("https://") or len(https) < 9:
                raise InvalidMessage(
                    f"list_unsubscribe https is {https!r:.80}; it must start with https://"
                )
        if mailto is not None:
            address = mailto[7:] if str(mailto).lower().startswith("mailto:") else mailto
            mailto = "mailto:" + _uri(address, "mailto")
            Mailbox.parse(mailto[7:].partition("?")[0].replace("%40", "@"), "mailto")
        self.https = https
        self.mailto = mailto
        self.one_click = https is not None and one_click is not False

    def headers(self) -> dict[str, str]:
        """Return the header fields, which go with smtplib's messages and Django's as well."""
        uris = [f"<{uri}>" for uri in (self.https, self.mailto) if uri]
        fields = {"List-Unsubscribe": ", ".join(uris)}
        if self.one_click:
            fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return fields


def _uri(text: object, what: str) -> str:
    text = one_line(text, f"list_unsubscribe {what}")
    if not re.fullmatch(r"[!-;=?-~]{1,900}", text) or "," in text:
        raise InvalidMessage(
            f"list_unsubscribe {what} is {text!r:.80}; it must be an ASCII URI of at most 900 "
            "characters, with blanks, commas and <> percent-encoded"
        )
    return text


class ListManagement:
    """The contact list, and perhaps the topic, that a message belongs to.

    SES itself then adds the ``List-Unsubscribe`` fields, fills in ``{{amazonSESUnsubscribeUrl}}``
    and refuses contacts who left:
    https://docs.aws.amazon.com/ses/latest/dg/sending-email-subscription-management.html. Not for
    `send_bulk`, as SendBulkEmail has no such option.
    """

    __slots__ = ("contact_list", "topic")

    def __init__(self, contact_list: str, *, topic: str | None = None) -> None:
        for what, name in (("contact_list", contact_list), ("topic", topic)):
            if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(name)):
                raise InvalidMessage(
                    f"{what} is {name!r:.80}; it must be 1 to 64 of A-Z a-z 0-9 _ -"
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
        """Return the value of the header field that says the same over SMTP."""
        return f"{self.contact_list}; topic={self.topic}" if self.topic else self.contact_list


# Addresses.


class Mailbox:
    """A display name, perhaps empty, and an address that SES can take: both checked."""

    __slots__ = ("address", "name")

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    @classmethod
    def parse(cls, text: object, what: str) -> Mailbox:
        """Read ``jane@example.com`` or ``Jane Doe <jane@example.com>``.

        A name may come encoded (RFC 2047) or not, quoted or not. The domain may be international:
        it becomes its A-label (RFC 5890).
        """
        text = one_line(text, what).strip()
        if match := _MAILBOX.fullmatch(text):
            return cls(_name(match["name"], what), _address(match["address"], what))
        return cls("", _address(text, what))

    def __str__(self) -> str:
        """The mailbox in ASCII, on one line."""
        if not self.name:
            return self.address
        if self.name.isascii() and "=?" not in self.name:
            quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{quoted}" <{self.address}>'
        from email.header import Header

        return f"{Header(self.name, 'utf-8', maxlinelen=72).encode(linesep='')} <{self.address}>"

    def folded(self) -> bytes:
        """The mailbox in ASCII, for a message: no line is longer than it may be."""
        if self.name and len(text := str(self)) > 70:
            return text.replace("?= =?", "?=\r\n =?").replace(" <", "\r\n <").encode("ascii")
        return str(self).encode("ascii")


def _name(text: str, what: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    text = one_line(_decoded(text), f"{what}: the display name").strip()
    if len(text) > 320:
        raise InvalidMessage(f"{what}: the display name has {len(text)} characters, more than 320")
    return text


def _decoded(text: str) -> str:
    if "=?" not in text:
        return text
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(text)))
    except Exception:  # no encoded word after all, or one in an unknown charset
        return text


def _address(text: str, what: str) -> str:
    local, at, domain = text.rpartition("@")
    if not (at and local and domain):
        raise InvalidMessage(f"{what} is {text!r:.80}; give an address such as jane@example.com")
    if not local.isascii():
        raise InvalidMessage(
            f"{what} is {text!r:.80}: the part before @ is not ASCII, and SES has no SMTPUTF8 to "
            "send it with; ask for another address of the recipient's"
        )
    if not _LOCAL_PART.fullmatch(local):
        raise InvalidMessage(
            f"{what} is {text!r:.80}: the part before @ must be 1 to 64 letters, digits and "
            "!#$%&'*+/=?^_`{|}~.- without quotes"
        )
    ascii_domain = _a_labels(domain, text, what)
    if len(local) + 1 + len(ascii_domain) > 254:
        raise InvalidMessage(f"{what} is {text!r:.80}: longer than the 254 characters of RFC 5321")
    return f"{local}@{ascii_domain}"


def _a_labels(domain: str, text: str, what: str) -> str:
    if not domain.isascii():
        if any(char in domain for char in _IDNA_DEVIATIONS):
            raise InvalidMessage(
                f"{what} is {text!r:.80}: the domain has a character that older and newer rules "
                "(IDNA 2003, 2008) take for different domains; write it as its A-label, xn--…"
            )
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise InvalidMessage(
                f"{what} is {text!r:.80}: the domain has no A-label ({error}); write it as xn--…"
            ) from error
    if not _DOMAIN.fullmatch(domain):
        raise InvalidMessage(f"{what} is {text!r:.80}: {domain!r:.80} is no domain name")
    return domain


def mailboxes(given: str | Iterable[str] | None, what: str) -> list[Mailbox]:
    """Return what *given*, one mailbox or several, says; a comma separates none."""
    if given is None:
        return []
    if isinstance(given, str):
        return [Mailbox.parse(given, what)]
    return [Mailbox.parse(one, f"{what}[{at}]") for at, one in enumerate(given)]


# Whole messages.


class Outgoing:
    """One message, checked, as bytes: its header fields one by one, and its body.

    Left out are ``Bcc`` and SES's own fields for configuration set and tags, which `reconcile`
    looks at beforehand. International domains have become A-labels. The message that it was made
    from is not changed.
    """

    __slots__ = ("body", "fields", "parts", "recipients", "sender")

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
            raise InvalidMessage("the message has no From; set one, or give from_address")
        self.sender = (boxes["sender"] or [author])[0].address
        if recipients is None:
            chosen = [*boxes["to"], *boxes["cc"], *boxes["bcc"]]
        else:
            chosen = mailboxes(recipients, "recipients")
        self.recipients = checked_recipients(chosen)
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
        """Put a field, whose value has been checked, ahead of the others."""
        if any(found == name.lower() for found, _ in self.fields):
            raise InvalidMessage(f"the message has its own {name}; give one or the other")
        self.fields.insert(0, (name.lower(), name.encode("ascii") + b": " + value))

    def __bytes__(self) -> bytes:
        return b"".join((*(raw + b"\r\n" for _, raw in self.fields), b"\r\n", self.body))

    def data(self, limit: int, interface: str) -> bytes:
        """Return the message as it goes over the wire, if *interface* takes as much."""
        if self.parts > MAX_PARTS:
            raise InvalidMessage(
                f"the message has {self.parts} MIME parts; SES takes {MAX_PARTS}: attach fewer, or "
                "put them into one archive"
            )
        data = bytes(self)
        if len(data) > limit:
            remedy = "put attachments where a link leads to them"
            if limit < MAX_BYTES:
                remedy = "use API v2 or SMTP, which take 40 MB, or " + remedy
            raise InvalidMessage(
                f"the message is {len(data)} bytes when encoded; {interface} takes {limit}: "
                f"{remedy}"
            )
        if long := _LONG_LINE.search(data):
            raise InvalidMessage(
                f"the message has a line of {long.end() - long.start()} bytes; RFC 5321 allows "
                "998: encode that part as quoted-printable or base64"
            )
        return data


def checked_recipients(chosen: Sequence[Mailbox]) -> tuple[str, ...]:
    """Return the addresses without repeats, if SES takes as many in one message."""
    found = tuple(dict.fromkeys(box.address for box in chosen))
    if not found:
        raise InvalidMessage("the message has no recipients; give To, Cc, Bcc or recipients")
    if len(found) > MAX_RECIPIENTS:
        raise InvalidMessage(
            f"{len(found)} recipients; SES takes {MAX_RECIPIENTS} in one message, To, Cc and Bcc "
            "together: send several messages, or use send_bulk()"
        )
    return found


def _check_parts(message: AnyMessage) -> int:
    if not hasattr(message, "raw_items") or not hasattr(message, "as_bytes"):
        raise InvalidMessage(
            f"message is a {type(message).__name__}; give an email.message.EmailMessage"
        )
    count = 0
    for part in message.walk():
        count += 1
        for name, value in part.raw_items():
            if not _FIELD_NAME.fullmatch(name):
                raise InvalidMessage(f"the message has a header field named {name!r:.80}")
            text = str(value)
            if _BAD_FOLD.search(text) or ("=?" in text and _BAD_FOLD.search(_decoded(text))):
                raise InvalidMessage(
                    f"header field {name!r} of the message has a line break or NUL in its value; "
                    "take it out"
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
            raise InvalidMessage(f"{what} is {str(value)!r:.80}, which names no address")
        found += [Mailbox(_name(shown, what), _address(spec, what)) for shown, spec in pairs]
    return found


def _spec(address: Any) -> str:
    # Not addr_spec, which quotes what needs quoting and so hides what the local part is.
    return f"{address.username}@{address.domain}" if address.domain else str(address.username)


def _international(message: AnyMessage, name: str) -> bool:
    return not all(str(value).isascii() for value in message.get_all(name, []))


def _serialized(message: AnyMessage) -> tuple[list[Field], bytes]:
    policy = message.policy.clone(linesep="\r\n", cte_type="7bit", mangle_from_=False)
    if getattr(policy, "utf8", False):
        policy = policy.clone(utf8=False)  # type: ignore[call-arg]
    try:
        data = message.as_bytes(policy=policy)
    except Exception as error:  # whatever the email package makes of it, it is not sendable
        raise InvalidMessage(f"the message cannot be encoded: {error}") from error
    header, _, body = data.partition(b"\r\n\r\n")
    fields: list[Field] = []
    for line in header.split(b"\r\n") if header else []:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + line)
        else:
            fields.append((line.partition(b":")[0].decode("latin-1").lower(), line))
    # Older Pythons write a line break that was hidden in an encoded word as it is
    # (CVE-2024-6923), so that the message would have fields that nobody set.
    if _names(name for name, _ in fields) != _names(name.lower() for name in message):
        raise InvalidMessage("a header field of the message hides a line break; take it out")
    return fields, body


def _names(names: Iterable[str]) -> list[str]:
    # These may change while parts are re-encoded for seven bits.
    return sorted(name for name in names if not name.startswith(("content-", "mime-version")))


def reconcile(
    message: AnyMessage, configuration_set: str | None, tags: Mapping[str, str], own_headers: str
) -> tuple[str | None, dict[str, str]]:
    """Return configuration set and tags for *message*, which may have its own in header fields.

    AWS merges nothing, so neither do we: see `mailroom.sending.Sender.send` for *own_headers*.
    """
    if own_headers not in ("refuse", "prefer", "discard"):
        raise InvalidMessage(
            f"own_headers is {own_headers!r}; it must be 'refuse', 'prefer' or 'discard'"
        )
    if own_headers == "discard":
        return configuration_set, dict(tags)
    own_set = {str(value).strip() for value in message.get_all(CONFIGURATION_SET_FIELD, [])}
    own_tags = message.get_all(TAGS_FIELD, [])
    if len(own_set) > 1:
        raise InvalidMessage(f"the message has two {CONFIGURATION_SET_FIELD} fields; keep one")
    if own_set:
        named = checked_configuration_set(own_set.pop())
        if own_headers == "refuse" and configuration_set not in (None, named):
            raise InvalidMessage(
                f"the message's {CONFIGURATION_SET_FIELD} says {named!r}, its sender "
                f"{configuration_set!r}: {_RECONCILE}"
            )
        configuration_set = named
    if own_tags:
        listed = _tags_of(own_tags)
        if own_headers == "refuse" and tags and dict(tags) != listed:
            raise InvalidMessage(
                f"the message's {TAGS_FIELD} and its sender give different tags, and AWS merges "
                f"nothing: {_RECONCILE}"
            )
        tags = listed
    return configuration_set, dict(tags)


_RECONCILE = "take the field out, or say own_headers='prefer' (the field) or 'discard' (the sender)"


def _tags_of(values: Iterable[object]) -> dict[str, str]:
    pairs = []
    for value in values:
        for pair in str(value).split(","):
            name, _, text = pair.partition("=")
            pairs.append((name.strip(), text.strip()))
    return checked_tags(pairs, f"the message's {TAGS_FIELD}")
