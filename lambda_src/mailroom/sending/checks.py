"""Checks what goes into a message: text, tags, names, header fields and template data.

Every text from outside passes `one_line` or a stricter pattern before it reaches a header field,
so that no line break, plain or encoded (RFC 2047), can start another field.
"""

from __future__ import annotations

import re

from mailroom import ses
from mailroom.errors import InvalidMessage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    Tags = Mapping[str, str] | Iterable[tuple[str, str]]

__all__ = [
    "FIELD_NAME",
    "InvalidMessage",
    "checked_configuration_set",
    "checked_fields",
    "checked_tags",
    "one_line",
    "pairs",
    "template_data",
    "template_name",
    "utf8",
]

_MAX_FIELDS = 15

_TAG_NAME = re.compile(ses.TAG_NAME)
_TAG_VALUE = re.compile(ses.TAG_VALUE)
# Tabs and bidirectional controls too: C0, DEL and C1, Unicode's own line ends, lone surrogates.
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
FIELD_NAME = re.compile(r"[!-9;-~]{1,126}")
_FIELD_VALUE = re.compile(r"[ -~]{1,995}")
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


def one_line(text: object, what: str) -> str:
    """Return *text*; raise `InvalidMessage`, which names *what*, unless it is one line of text."""
    if not isinstance(text, str):
        raise InvalidMessage(f"{what} is {text!r:.80}, a {type(text).__name__}: pass a string")
    if found := _BREAK.search(text):
        raise InvalidMessage(
            f"{what} has {found[0]!r} at position {found.start()}: pass one line of text without "
            "control characters"
        )
    return text


def checked_tags(tags: Tags | None, what: str = "tags") -> dict[str, str]:
    """Return *tags* as a new dict; raise `InvalidMessage`, which names every tag SES would refuse.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html. AWS documents no
    maximum number of tags.
    """
    if tags is None:
        return {}
    if isinstance(tags, str):
        raise InvalidMessage(f"{what} is {tags!r:.80}: pass a mapping of names to values")
    pairs = tags.items() if hasattr(tags, "items") else tags
    found: dict[str, str] = {}
    problems = []
    for pair in pairs:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            problems.append(f"{pair!r:.80} is not a pair of a name and a value")
            continue
        name, value = pair
        if not (isinstance(name, str) and _TAG_NAME.fullmatch(name)):
            problems.append(
                f"tag {name!r:.80} has the prefix 'ses:', which SES reserves for itself, except "
                "for ses:feedback-id-a and ses:feedback-id-b"
                if isinstance(name, str) and name.lower().startswith("ses:")
                else f"the name of tag {name!r:.80} must be 1 to 255 of A-Z a-z 0-9 _ -"
            )
        elif name in found:
            problems.append(f"tag {name!r:.80} is given twice")
        elif not (isinstance(value, str) and _TAG_VALUE.fullmatch(value)):
            problems.append(
                f"tag {name!r:.80} has the value {value!r:.80}, which must be 1 to 255 of "
                "A-Z a-z 0-9 _ - . @"
            )
        else:
            found[name] = value
    if problems:
        raise InvalidMessage(f"{what}: {'; '.join(problems)}")
    return found


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return *tags* as API v2 takes them."""
    return [{"Name": name, "Value": value} for name, value in tags.items()]


def checked_configuration_set(name: object) -> str:
    """Return *name*; raise `InvalidMessage` unless a configuration set can have it."""
    if not (isinstance(name, str) and re.fullmatch(ses.CONFIGURATION_SET_NAME, name)):
        raise InvalidMessage(
            f"configuration_set is {name!r:.80}: pass a name of 1 to 64 of A-Z a-z 0-9 _ -"
        )
    return name


def template_name(name: object) -> str:
    """Return *name*; raise `InvalidMessage` unless a template can have it."""
    if not (isinstance(name, str) and re.fullmatch(ses.TEMPLATE_NAME, name)):
        raise InvalidMessage(
            f"template is {name!r:.80}: pass a name of 1 to 256 printable ASCII characters, "
            "without spaces"
        )
    return name


def template_data(data: Mapping[str, Any] | None, what: str = "data") -> str:
    """Return *data* as the JSON that SES accepts; raise `InvalidMessage` if it cannot be.

    Each null is named by its path: https://github.com/aws/aws-sdk-js/issues/2239.
    """
    import json

    if data is None:
        return "{}"
    if isinstance(data, str) or not hasattr(data, "keys"):
        raise InvalidMessage(f"{what} is a {type(data).__name__}: pass a mapping")
    try:
        text = json.dumps(dict(data), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"{what} cannot be written as JSON: {error}") from error
    if nulls := _nulls(data, what):
        raise InvalidMessage(
            f"{', '.join(nulls)} must not be None: SES accepts a message with null in its template "
            "data and never sends it; pass a text, such as '', or leave the key out"
        )
    if len(text) > ses.TEMPLATE_DATA_CHARACTERS:
        raise InvalidMessage(
            f"{what} is {len(text)} characters of JSON; SES accepts "
            f"{ses.TEMPLATE_DATA_CHARACTERS}: pass less data"
        )
    return text


def _nulls(value: Any, path: str) -> list[str]:
    # Only what JSON can express gets here, so that the depth has a bound.
    if value is None:
        return [path]
    if hasattr(value, "items"):
        return [one for key, each in value.items() for one in _nulls(each, f"{path}.{key}")]
    if isinstance(value, (list, tuple)):
        return [one for at, each in enumerate(value) for one in _nulls(each, f"{path}[{at}]")]
    return []


def checked_fields(headers: Mapping[str, str]) -> list[dict[str, str]]:
    """Return *headers* in API v2's form.

    Raises `InvalidMessage` for a name or value that SES would refuse, a field that SES sets
    itself, a repeated name, or more fields than SES accepts.
    """
    seen: set[str] = set()
    for name, value in headers.items():
        if not (isinstance(name, str) and FIELD_NAME.fullmatch(name)):
            raise InvalidMessage(
                f"header name {name!r:.80} must be 1 to 126 printable ASCII characters without a "
                "colon"
            )
        if name.lower() in _SET_BY_SES or name.lower().startswith("x-ses-"):
            raise InvalidMessage(
                f"header {name!r} is set by SES: use the argument of that meaning, or send()"
            )
        if name.lower() in seen:
            raise InvalidMessage(f"header {name!r} is given twice")
        seen.add(name.lower())
        one_line(value, f"header {name!r}")
        if not _FIELD_VALUE.fullmatch(value) or len(name) + len(value) > 996:
            raise InvalidMessage(
                f"header {name!r} has the value {value!r:.80}: pass 1 to "
                f"{min(995, 996 - len(name))} characters of printable ASCII, and encode other text "
                "as RFC 2047 says"
            )
    if len(headers) > _MAX_FIELDS:
        raise InvalidMessage(
            f"headers has {len(headers)} fields; SES accepts {_MAX_FIELDS}: use send() for more"
        )
    return [{"Name": name, "Value": value} for name, value in headers.items()]


def utf8(text: object, what: str) -> str:
    """Return *text*, which is *what*, if it is a string that UTF-8 can encode."""
    if not isinstance(text, str):
        raise InvalidMessage(f"{what} is a {type(text).__name__}: pass a string")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidMessage(
            f"{what} has a lone surrogate at position {error.start}: remove it"
        ) from error
    return text
