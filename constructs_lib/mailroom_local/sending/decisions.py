"""How SES decides on a message that is sent: its tags, its list, and what happens to it.

Pure functions; :mod:`mailroom_local.sending.mailer` carries the decisions out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mailroom.ses import TAG_NAME, TAG_VALUE, EventType
from mailroom_local._ses_error import SesError
from mailroom_local.sending.message import MailingList, SentMessage
from mailroom_local.sending.outcomes import Outcome, outcomes

_TAG_RULES = {
    "name": (re.compile(TAG_NAME), "'_',  '-'"),
    "value": (re.compile(TAG_VALUE), "'_',  '-' , '.', '@'"),
}
_TAG_CHARACTERS = 255


def story(outgoing: SentMessage) -> list[tuple[Outcome, str | None]]:
    """What happens to a message right after it is accepted, each with its recipient."""
    if outgoing.unrendered is not None:
        failure = outgoing.unrendered
        detail = {"message": failure.message, "template": failure.template}
        return [(Outcome(kind=EventType.RENDERING_FAILURE, detail=detail), None)]
    if outgoing.rejected:
        return [(Outcome(kind=EventType.REJECT), None)]
    happened: list[tuple[Outcome, str | None]] = [(Outcome(kind=EventType.SEND), None)]
    for recipient in outgoing.recipients:
        held = outgoing.withheld.get(recipient.lower())
        happened += [(each, recipient) for each in ((held,) if held else outcomes(recipient))]
    return happened


def reached(outgoing: SentMessage) -> list[str]:
    """The recipients to whom it is delivered."""
    return [
        recipient
        for outcome, recipient in story(outgoing)
        if outcome.kind is EventType.DELIVERY and recipient is not None
    ]


def never_works(recipient: str) -> bool:
    """Whether an address is in a domain that is reserved for not existing (RFC 2606)."""
    return recipient.lower().endswith(".invalid")


def checked_tracking(overrides: Mapping[str, Any] | None) -> dict[str, str]:
    """What a call says of tracking; an error if it says anything but on or off."""
    found = {}
    for name in ("OpenTrackingEnabled", "ClickTrackingEnabled"):
        value = ((overrides or {}).get("Tracking") or {}).get(name)
        if value is None:
            continue
        if value not in ("ENABLED", "DISABLED"):
            field = f"configurationOverrides.tracking.{name[0].lower()}{name[1:]}"
            raise SesError(
                "InvalidParameterValue",
                f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
                "Member must satisfy enum value set: [ENABLED, DISABLED]",
            )
        found[name] = value
    return found


def tags_of_header(value: str | None) -> dict[str, str]:
    """The tags of an ``X-SES-MESSAGE-TAGS`` header; SES drops invalid ones."""
    found = {}
    for pair in re.split(r"[,;]", value or ""):
        name, equals, content = (part.strip() for part in pair.partition("="))
        if equals and not _tag_problem("name", name) and not _tag_problem("value", content):
            found[name] = content
    return found


def list_management_of_header(value: str | None) -> MailingList | None:
    """The contact list and topic of an ``X-SES-LIST-MANAGEMENT-OPTIONS`` header."""
    if not value:
        return None
    first, *others = (part.strip() for part in value.split(";"))
    topics = [part.partition("=")[2] for part in others if part.lower().startswith("topic")]
    return MailingList(
        contact_list=first.rpartition("=")[2], topic=topics[0].strip() if topics else None
    )


def checked_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags of an API call by name; an error if one is invalid."""
    found = {}
    for tag in tags:
        name, value = tag.get("Name", ""), tag.get("Value", "")
        for part, text in (("name", name), ("value", value)):
            if problem := _tag_problem(part, text):
                raise SesError("InvalidParameterValue", problem)
        found[name] = value
    return found


def _tag_problem(part: str, text: str) -> str | None:
    """What SES answers to a tag's name or value, if it refuses it."""
    pattern, characters = _TAG_RULES[part]
    if not text:
        return f"The tag {part} must be specified."
    if len(text) > _TAG_CHARACTERS:
        return f"Tag {part} cannot exceed {_TAG_CHARACTERS} characters."
    if not pattern.fullmatch(text):
        return (
            f"Invalid tag {part} <{text}>: only alphanumeric ASCII characters, {characters} are "
            "allowed."
        )
    return None
