"""The story of a message: what was decided about it, what was done, and what came of that."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailroom_local.control import outcomes, sources
from mailroom_local.control.journal import (
    ActionRecord,
    EventRecord,
    HandlerOutcome,
    MessageRecord,
)
from mailroom_local.page import gateways
from mailroom_local.page.accounts import Accounts
from mailroom_local.page.entry import Entry
from mailroom_local.page.index import Index
from mailroom_local.page.links import Link
from mailroom_local.receiving import explaining

_AROUND = 2
# As mail programs write it in several languages.
_REPLY = re.compile(r"\s*(?:re|aw|sv|vs|antw|odp|rif|res)(?:\[\d+\])?\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells stories.

    Args:
        index: The messages.
        accounts: The accounts, which know how often a function is tried again.
    """

    index: Index
    accounts: Accounts

    def story(self, entry: Entry) -> dict[str, Any]:
        """The story of a message."""
        with self.index.reading():
            # A copy, as the journal goes on meanwhile.
            record = copy.deepcopy(entry.record)
            links = [
                *(self._related(link, link.cause) for link in self.index.links.causes(entry.key)),
                *(
                    self._related(link, link.sent)
                    for link in self.index.links.consequences(entry.key)
                ),
            ]
        outcomes.settle([record], client=self.accounts.of_arn)
        folders = sources.folders(self.accounts.state.cdk_out)
        in_force = self.index.rules.get(entry.begun.get("rules") or "")
        refused = {"reply": record.refused, "reason": record.reason or ""}
        return {
            "refusal": refused if record.refused else None,
            "gateway": record.gateway,
            "policy": record.policy,
            "rule_set": in_force["rule_set"] if in_force else None,
            "rules": (
                _gateway_rules(record, entry.begun.get("rule_names") or (), folders)
                if record.gateway
                else _rules(record, in_force, folders)
            ),
            "events": [_event(event, folders) for event in record.events],
            "calls": _calls(record.calls, folders),
            "problems": record.problems,
            "related": [link for link in links if link is not None],
        }

    def events(self, entry: Entry) -> list[dict[str, Any]]:
        """The events of a sent message."""
        with self.index.reading():
            record = copy.deepcopy(entry.record)
        folders = sources.folders(self.accounts.state.cdk_out)
        return [_event(event, folders) for event in record.events]

    def _related(self, link: Link, key: str) -> dict[str, Any] | None:
        other = self.index.get(key)
        cause, sent = self.index.get(link.cause), self.index.get(link.sent)
        if other is None or cause is None or sent is None:
            return None
        return {
            "key": key,
            "relation": _relation(link, cause.record.subject, sent.record.subject),
            "direction": "caused" if key == link.sent else "caused_by",
            "subject": other.record.subject,
            "from": other.record.mail_from,
            "to": other.record.rcpt_tos,
            "function": link.function,
            "certain": link.certain,
        }


def _relation(link: Link, before: str, after: str) -> str:
    """What was sent: where its fields do not say it, its subject does."""
    if link.relation != "sent":
        return link.relation
    if _REPLY.match(after):
        return "reply"
    same = before.strip() and after.strip().endswith(before.strip())
    return "forward" if same else "sent"


def _rules(
    record: MessageRecord, in_force: Mapping[str, Any] | None, folders: Mapping[str, str]
) -> list[dict[str, Any]]:
    ran = {rule.name: rule for rule in record.rules}
    known = {rule["Name"]: rule for rule in (in_force or {}).get("rules", [])}
    if record.outgoing:
        return []
    return [
        _rule(name, record, known.get(name), in_force or {}, folders)
        for name in dict.fromkeys([*known, *ran])
    ]


def _gateway_rules(
    record: MessageRecord, names: Sequence[str], folders: Mapping[str, str]
) -> list[dict[str, Any]]:
    recipients = {rule.name: rule.recipients for rule in record.rules}
    return [
        {
            "name": name,
            "matched": matched,
            "reason": reason,
            "recipients": recipients.get(name, []),
            "conditions": [],
            "actions": [_action(each, folders) for each in record.actions if each.rule == name],
        }
        for name, matched, reason in gateways.tried(record, names)
    ]


def _rule(
    name: str,
    record: MessageRecord,
    rule: Mapping[str, Any] | None,
    in_force: Mapping[str, Any],
    folders: Mapping[str, str],
) -> dict[str, Any]:
    ran = next((one for one in record.rules if one.name == name), None)
    actions = [_action(each, folders) for each in record.actions if each.rule == name]
    reason = ""
    if ran is None and rule is not None:
        identities = in_force["identities"]
        reason = explaining.unmatched(
            rule, record.rcpt_tos, identities=identities, tls=record.tls
        ) or explaining.not_reached(name, stopped_by=record.stopped_by, finished=record.finished)
    elif rule is not None:
        why = explaining.not_run(actions, finished=record.finished)
        actions += [_unrun(kind, why) for kind in rule["Actions"][len(actions) :]]
    return {
        "name": name,
        "matched": ran is not None,
        "reason": reason,
        "recipients": ran.recipients if ran else [],
        "conditions": rule["Recipients"] if rule else [],
        "actions": actions,
    }


def _unrun(kind: str, why: str) -> dict[str, Any]:
    name = kind.removesuffix("Action").replace("Workmail", "WorkMail")
    return {
        "kind": name,
        "outcome": "not reached",
        "ms": None,
        "at": None,
        "pending": "yet" in why,
        "detail": {"reason": why},
        "error": None,
        "calls": [],
    }


def _action(action: ActionRecord, folders: Mapping[str, str]) -> dict[str, Any]:
    detail = dict(action.detail)
    return {
        "kind": action.kind,
        "outcome": action.outcome,
        "ms": action.ms,
        "at": action.at.isoformat() if action.at else None,
        "pending": action.pending,
        "error": detail.pop("error", None),
        "detail": detail,
        "calls": _calls(action.handler, folders),
    }


def _event(event: EventRecord, folders: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "at": event.at.isoformat(),
        "recipient": event.recipient,
        "summary": _summary(event),
        "payload": event.payload,
        "destinations": [
            {
                "name": each["name"],
                "type": each["kind"],
                "outcome": each["outcome"],
                **({"detail": each["error"]} if each.get("error") else {}),
            }
            for each in event.destinations
        ],
        "calls": _calls(event.handlers, folders),
    }


def _summary(event: EventRecord) -> str:
    body = event.payload
    match event.kind:
        case "Bounce":
            bounce = body["bounce"]
            code = bounce["bouncedRecipients"][0].get("diagnosticCode", "")
            return ", ".join(filter(None, (bounce["bounceType"], bounce["bounceSubType"], code)))
        case "Complaint":
            return str(body["complaint"].get("complaintFeedbackType") or "")
        case "Delivery":
            return str(body["delivery"]["smtpResponse"])
        case "DeliveryDelay":
            return str(body["deliveryDelay"]["delayType"])
        case "Reject":
            return str(body["reject"]["reason"])
        case "Open":
            return str(body["open"]["userAgent"])
        case "Click":
            return str(body["click"]["link"])
        case "Rendering Failure":
            return str(body["failure"]["errorMessage"])
        case "Subscription":
            return str(body["subscription"]["contactList"])
    return ""


def _calls(calls: list[HandlerOutcome], folders: Mapping[str, str]) -> list[dict[str, Any]]:
    tries: dict[str, int] = {}
    found = []
    for call in calls:
        tries[call.function_arn] = tries.get(call.function_arn, 0) + 1
        folder = sources.folder_of(call.function_name, folders)
        place = sources.located(call.place, folder) if call.place else ""
        found.append(
            {
                "function": call.function_name,
                "arn": call.function_arn,
                "outcome": call.outcome,
                "failed": call.failed,
                "at": call.at.isoformat() if call.at else None,
                "ms": call.ms,
                "error": call.error,
                "detail": call.detail,
                "traceback": call.traceback,
                "place": place,
                "source": _source(place),
                "output": call.output,
                "omitted": call.omitted,
                "receives": call.receives,
                "try": tries[call.function_arn],
                "final": call.final,
                "dead_letter_queue": call.dead_letter_queue,
            }
        )
    return found


def _source(place: str) -> list[dict[str, Any]]:
    """The lines around a place in the user's code."""
    file, _, number = place.rpartition(":")
    if not number.isdigit() or not Path(file).is_file():
        return []
    lines = Path(file).read_text(errors="replace").splitlines()
    first = max(int(number) - 1 - _AROUND, 0)
    return [
        {"number": first + offset + 1, "text": line, "raised": first + offset + 1 == int(number)}
        for offset, line in enumerate(lines[first : int(number) + _AROUND])
    ]
