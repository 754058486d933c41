"""The event that a function gets, and the meaning of its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from email import message_from_bytes
from typing import Any

from mailroom_local.mail.headers import decode, mailboxes, read_headers
from mailroom_local.workmail.model import (
    INBOUND,
    NOT_DELIVERED,
    OUTBOUND,
    Fate,
    Flow,
    Refused,
    WrongAnswer,
)

MAX_ANSWER_BYTES = 256 * 1024
MAX_ACTIONS = 10
MAX_OUTBOUND = 500
MAX_EVENT_BYTES = 128 * 1024
MAX_SUBJECT = 256
MAX_LINE = 1000

_TYPES = {
    INBOUND: frozenset({"DEFAULT", "BOUNCE", "DROP", "MOVE_TO_JUNK", "BYPASS_SPAM_CHECK"}),
    OUTBOUND: frozenset({"DEFAULT", "BOUNCE", "DROP"}),
}


def flow_event(flow: Flow, recipients: Sequence[str], invocation_id: str) -> dict[str, Any]:
    """The event that a function gets."""
    headers: dict[str, str] = {}
    for name, value in read_headers(flow.raw):
        headers.setdefault(name.lower(), decode(value))
    event: dict[str, Any] = {
        "summaryVersion": "2019-07-28",
        "envelope": {"mailFrom": {"address": flow.mail_from}, "recipients": []},
        "messageId": flow.id,
        "invocationId": invocation_id,
        "flowDirection": flow.direction.upper(),
        "truncated": False,
    }
    senders = mailboxes([headers.get("sender") or headers.get("from", "")])
    if senders:
        event["sender"] = {"address": senders[0][1]}
    if "subject" in headers:
        event["subject"] = headers["subject"][:MAX_SUBJECT]
    size = len(json.dumps(event))
    for address in recipients:
        one = {"address": address}
        size += len(json.dumps(one)) + 2
        if size > MAX_EVENT_BYTES:
            event["truncated"] = True
            break
        event["envelope"]["recipients"].append(one)
    return event


def read_answer(
    payload: bytes, direction: str, recipients: Sequence[str], *, fallback: Fate
) -> dict[str, Fate]:
    """The fate of each recipient by an answer, and of addresses that it adds."""
    if len(payload) > MAX_ANSWER_BYTES:
        raise WrongAnswer(f"the answer has {len(payload)} bytes, more than {MAX_ANSWER_BYTES}")
    try:
        answer = json.loads(payload)
    except ValueError:
        raise WrongAnswer("the answer is not JSON") from None
    actions = answer.get("actions") if isinstance(answer, dict) else None
    if not isinstance(actions, list):
        raise WrongAnswer("the answer has no list of actions")
    if len(actions) > MAX_ACTIONS:
        raise WrongAnswer(f"the answer has {len(actions)} actions, more than {MAX_ACTIONS}")
    rest: Fate | None = None
    named: dict[str, tuple[str, Fate]] = {}
    for number, entry in enumerate(actions):
        fate, everyone, addresses = _action(entry, f"actions[{number}]", direction)
        if everyone:
            if rest is not None:
                raise WrongAnswer("two actions are for all recipients")
            rest = fate
        for address in addresses:
            if address.casefold() in named:
                raise WrongAnswer(f"{address} is in two actions")
            named[address.casefold()] = (address, fate)
    if direction == OUTBOUND and len(named) > MAX_OUTBOUND:
        raise WrongAnswer(f"the answer names {len(named)} recipients, more than {MAX_OUTBOUND}")
    fates: dict[str, Fate] = {}
    for address in recipients:
        own = named.pop(address.casefold(), None)
        fates[address] = own[1] if own else rest or fallback
    for address, fate in named.values():
        fates[address] = Fate(fate.kind, fate.text, added=True)
    return fates


def _action(entry: Any, path: str, direction: str) -> tuple[Fate, bool, list[str]]:
    action = entry.get("action") if isinstance(entry, dict) else None
    if not isinstance(action, dict):
        raise WrongAnswer(f"{path}.action is missing")
    kind = action.get("type")
    if not isinstance(kind, str) or kind not in _TYPES[direction]:
        raise WrongAnswer(f"{path}.action.type is {kind!r}")
    parameters = action.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise WrongAnswer(f"{path}.action.parameters is not an object")
    text = parameters.get("bounceMessage", NOT_DELIVERED)
    if not isinstance(text, str):
        raise WrongAnswer(f"{path}.action.parameters.bounceMessage is not a string")
    everyone, addresses = entry.get("allRecipients", False), entry.get("recipients") or []
    if not isinstance(everyone, bool):
        raise WrongAnswer(f"{path}.allRecipients is {everyone!r}, not a boolean")
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        raise WrongAnswer(f"{path}.recipients is not a list of addresses")
    return Fate(kind, text), everyone, addresses


def check_content(content: bytes) -> None:
    """Refuse content that WorkMail does not accept as a message."""
    if any(len(line) > MAX_LINE for line in re.split(rb"(?<=\n)", content)):
        raise Refused("MessageRejected", f"A line is longer than {MAX_LINE} characters.")
    message = message_from_bytes(content)
    if not message.keys() or any(part.defects for part in message.walk()):
        raise Refused("MessageRejected", "The content is not a well-formed MIME message.")
