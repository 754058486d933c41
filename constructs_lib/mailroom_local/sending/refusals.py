"""What SES refuses of a message's content, in its words, for both APIs and SMTP.

The words are those that users of SES have reported. Where no report quotes any, they are ours:
``docs/assumptions.md`` lists them.
"""

from __future__ import annotations

import codecs
import re

from mailroom import mime
from mailroom.mime.parts import Part
from mailroom.ses import ATTACHMENT_NAME, PARTS_PER_MESSAGE, REFUSED_EXTENSIONS
from mailroom_local._ses_error import SesError
from mailroom_local.mail.headers import header_block

# With its line end.
# https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html
_LINE_BYTES = 1000

# https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
_ONLY_ONCE = """
    accept-language acceptlanguage archived-at auto-submitted bounces-to comments
    content-alternative content-base content-class content-description content-disposition
    content-duration content-id content-language content-length content-location content-md5
    content-transfer-encoding content-type date delivered-to disposition-notification-options
    disposition-notification-to dkim-signature domainkey-signature errors-to from importance
    in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe
    list-unsubscribe list-unsubscribe-post message-context message-id mime-version organization
    original-from original-message-id original-recipient original-subject precedence priority
    references reply-to return-path return-receipt-to sender solicitation sensitivity subject
    thread-index thread-topic user-agent vbr-info
"""
_ONCE = frozenset(_ONLY_ONCE.split())
_ADDRESSES = frozenset(("from", "sender", "reply-to", "to", "cc", "bcc"))
_FIELD = re.compile(rb"^([^:\r\n]*):", re.MULTILINE)
_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?]*)?\?[bBqQ]\?")
_SIGN = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[(),:;<>]|[^"\\(),:;<>]+', re.DOTALL)
_PARAMETER = re.compile(r'\s*[^\s=;"]+\s*(=?)\s*(?:"(?:[^"\\]|\\.)*"|[^;"]*)\s*(?:;|\Z)', re.DOTALL)
_LOCAL = re.compile(r'"(?:[^"\\\r\n]|\\.)*"|[^\s()<>,;:\\"\[\]@]+')
_DOMAIN = re.compile(r"\[[^\[\]\s]+\]|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def check_message(raw: bytes) -> None:
    """Refuse a message that SES does not send, with lines that end as those of mail do."""
    if any(len(line) > _LINE_BYTES for line in raw.splitlines(keepends=True)):
        raise _refusal(f"Line length exceeds {_LINE_BYTES} characters.")
    _check_names(header_block(raw))
    message = mime.parse(raw)
    for name, value in message.fields:
        if name.lower() in _ADDRESSES:
            check_addresses(value, required=name.lower() in ("from", "to"))
        _check_words(value)
    parts = list(message.walk(into_messages=False))
    if len(parts) > PARTS_PER_MESSAGE:
        raise _refusal(f"The message has more than {PARTS_PER_MESSAGE} MIME parts.")
    for part in parts:
        _check_part(part)


def check_addresses(value: str, *, required: bool = True) -> None:
    """Refuse an address field, or an address of an API call, that SES cannot read."""
    if not value.isascii():
        raise _refusal("Missing final '@domain'")
    if required and not value.strip():
        raise _refusal("Empty address")
    for address in _addresses(headers_unfolded(value)):
        check_address(address)


def check_address(address: str) -> None:
    """Refuse what is not an address of a mailbox: without a display name, and in ASCII."""
    if address.startswith("@") and ":" in address:
        address = address.partition(":")[2]
    local, at, domain = address.rpartition("@")
    if not at or not domain or not address.isascii():
        raise _refusal("Missing final '@domain'")
    if not local:
        raise _refusal("Missing local name")
    for part, name, pattern in ((local, "Local address", _LOCAL), (domain, "Domain", _DOMAIN)):
        if part.startswith('"') and pattern.fullmatch(part):
            continue
        if re.search(r"[\s\x00-\x1f\x7f]", part):
            raise _refusal(f"{name} contains control or whitespace")
        if part.startswith("."):
            raise _refusal(f"{name} starts with dot")
        if ".." in part:
            raise _refusal(f"{name} contains dot-dot")
        if part.endswith("."):
            raise _refusal(f"{name} ends with dot")
        if not pattern.fullmatch(part):
            raise _refusal(f"{name} contains illegal character")


def check_charset(charset: str) -> None:
    """Refuse the ``Charset`` of an API call that SES does not know."""
    if charset and not _known(charset):
        raise _refusal(f"Unsupported charset '{charset}'.")


def check_attachment(name: str) -> None:
    """Refuse an attachment of an API call by the name of its file."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if not re.fullmatch(ATTACHMENT_NAME, name) or extension in REFUSED_EXTENSIONS:
        raise _refusal(f"Illegal attachment file name '{name}'.")


def _check_names(block: bytes) -> None:
    seen: set[str] = set()
    for found in _FIELD.finditer(block):
        if found.start() and found[0][:1] in (b" ", b"\t"):
            continue  # the line goes on with the field above it
        name = found[1].strip().decode("ascii", "replace")
        if not name:
            raise _refusal("Empty header names are illegal.")
        if name.lower() in _ONCE and name.lower() in seen:
            raise _refusal(f"Duplicate header '{name}'.")
        seen.add(name.lower())
    # A message without any field is taken, as a recorded SendRawEmail shows.
    if seen and "from" not in seen:
        raise _refusal("Missing required header 'From'.")


def _check_words(value: str) -> None:
    for word in _WORD.finditer(value):
        if not _known(word[1]):
            raise _refusal(f"Unsupported encoding {word[1]}.")


def _check_part(part: Part) -> None:
    for name in ("content-type", "content-disposition"):
        for value in part.all(name)[:1]:
            _check_parameters(headers_unfolded(value))
    childless = part.content_type.startswith("multipart/") and not part.children
    # If it is nested too deep, our reader has not opened it.
    if childless and not any(b"--" + boundary in part.raw for boundary in part.boundaries):
        raise _refusal("Missing start boundary")


def _check_parameters(value: str) -> None:
    """Refuse a parameter without a value, such as the ``charset`` of ``text/plain; charset``."""
    rest = re.sub(r"\([^()]*\)", "", value).partition(";")[2]
    while rest.strip():
        found = _PARAMETER.match(rest)
        if found is None:
            return
        if not found[1]:
            following = f"'{rest[found.end() - 1]}'" if rest[found.end() - 1] == ";" else "'null'"
            raise _refusal(f"Expected '=', got {following}")
        rest = rest[found.end() :]


def _addresses(value: str) -> list[str]:
    """The addresses of a field: what is in angle brackets, or else all of a mailbox."""
    found: list[str] = []
    bare: list[str] = []
    angle: list[str] | None = None
    closed = False
    depth = 0
    for sign in (*_SIGN.findall(value), ","):
        if sign.startswith('"') and (len(sign) == 1 or sign[-1] != '"'):
            raise _refusal("Missing '\"'")
        if depth or sign == "(":
            depth += (sign == "(") - (sign == ")")
        elif angle is not None and sign != ">":
            if sign == "<":
                raise _refusal("Extra route-addr")
            angle.append(sign)
        elif sign == "<":
            if closed:
                raise _refusal("Extra route-addr")
            angle = []
        elif sign == ">":
            if angle is None:
                raise _refusal("Missing '<'")
            found.append("".join(angle).strip())
            angle, closed = None, True
        elif sign in (",", ":", ";"):
            text = "".join(bare).strip()
            # What is before a colon is the name of a group.
            if text and not closed and sign != ":":
                found.append(text)
            bare, closed = [], False
        else:
            bare.append(sign)
    if depth:
        raise _refusal("Missing ')'")
    if angle is not None:
        raise _refusal("Missing '>'")
    return found


def headers_unfolded(value: str) -> str:
    """A raw value as one line."""
    return re.sub(r"[\r\n]+(?=[ \t])", "", value).strip()


def _known(charset: str) -> bool:
    try:
        codecs.lookup(charset)
        b"".decode(charset)
    except (LookupError, ValueError):
        return False
    return True


def _refusal(text: str) -> SesError:
    return SesError("InvalidParameterValue", text)
