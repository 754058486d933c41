"""What somebody wants to happen to a sent message, so that its handlers can be rehearsed.

Pure functions; :mod:`mailroom_local.sending.mailer` lets it happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mailroom.ses import EventType
from mailroom_local.events.payloads import Happening
from mailroom_local.sending import outcomes
from mailroom_local.sending.message import SentMessage
from mailroom_local.sending.outcomes import Outcome
from mailroom_local.sending.tracking import Link

_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
_READER = {"ip_address": "127.0.0.1", "user_agent": _USER_AGENT}
_EVERY: Sequence[Outcome] = (
    *(outcome for found in outcomes.LOCAL_OUTCOMES.values() for outcome in found),
    outcomes.ON_ACCOUNT_LIST,
    outcomes.ON_TENANT_LIST,
    outcomes.NOT_VALID,
    outcomes.UNSUBSCRIBED,
)
# The options that choose among the outcomes of a kind, by the names of their details.
_CHOICES: Mapping[EventType, Mapping[str, str]] = {
    EventType.BOUNCE: {"bounce_type": "type", "bounce_subtype": "subtype"},
    EventType.COMPLAINT: {"complaint_type": "type"},
    EventType.DELIVERY_DELAY: {"delay_type": "type"},
}


class Impossible(Exception):
    """Something that cannot happen to the message; the text says why, and what to do."""


class Unknown(Exception):
    """An option whose value makes no sense; the text names it, and what it may be."""


def happening(
    kind: EventType,
    outgoing: SentMessage,
    links: Sequence[Link],
    *,
    recipient: str | None,
    options: Mapping[str, str],
) -> Happening:
    """What happens, with details as of the mailbox simulator where nothing else is chosen.

    Raises:
        Impossible: If it cannot happen to this message.
        Unknown: If an option's value makes no sense.
    """
    who = recipient or next(iter(outgoing.recipients), "")
    if who.lower() not in (known.lower() for known in outgoing.recipients):
        raise Unknown(f"recipient is {who!r}: pass one of {', '.join(outgoing.recipients)}")
    if kind in _CHOICES:
        return Happening(kind=kind, recipient=who, detail=_chosen(kind, options))
    if kind is EventType.DELIVERY:
        return Happening(kind=kind, recipient=who)
    if kind is EventType.OPEN:
        return Happening(kind=kind, detail=_READER)
    if kind is EventType.CLICK:
        return Happening(kind=kind, detail={**_READER, **_clicked(links, options.get("link"))})
    if kind is EventType.RENDERING_FAILURE:
        detail = {
            "template": options.get("template") or "template",
            "message": options.get("message")
            or "Attribute 'name' is not present in the rendering data.",
        }
        return Happening(kind=kind, detail=detail)
    return Happening(kind=kind)


def _chosen(kind: EventType, options: Mapping[str, str]) -> Mapping[str, str]:
    details = [outcome.detail for outcome in _EVERY if outcome.kind is kind]
    for option, name in _CHOICES[kind].items():
        wanted = options.get(option)
        if not wanted:
            continue
        known = _names(detail.get(name, "") for detail in details)
        details = [detail for detail in details if detail.get(name, "").lower() == wanted.lower()]
        if not details:
            raise Unknown(f"{option} is {wanted!r}: pass one of {known}")
    return details[0]


def _clicked(links: Sequence[Link], wanted: str | None) -> dict[str, object]:
    found = [link for link in links if wanted in (None, "", link.url)]
    if found:
        return {"link": found[0].url, "link_tags": found[0].tags}
    if wanted and wanted.startswith(("http://", "https://")):
        return {"link": wanted, "link_tags": {}}
    if wanted:
        raise Unknown(f"link is {wanted!r}: pass a URL that begins with http:// or https://")
    raise Impossible("the message has no tracked links: pass `link`, or send one with a link")


def _names(found: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(name for name in found if name))
