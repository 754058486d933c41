"""How SES decides: which rules match a message, who is refused, and what runs next.

Pure functions of rules (as ``DescribeActiveReceiptRuleSet`` returns them), envelopes and answers;
:mod:`mailroom_local.receiving.runner` carries the decisions out.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailroom.ses import Disposition
from mailroom_local.receiving.message import Match, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What decides about mail; ``rules`` is ``None`` when no rule set is active."""

    name: str = ""
    rules: Sequence[Rule] | None
    filters: Sequence[Mapping[str, Any]]
    identities: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The refusal of a recipient: the reply to the client, and the reason for the journal.

    ``rules`` is the version of the rules that decided.
    """

    reply: str
    reason: str
    rules: str | None = None


def matches(condition: str, address: str) -> bool:
    """Whether a recipient condition matches an envelope recipient.

    A full address also matches with labels (``user+label@``). A domain matches its own addresses,
    not those of subdomains; a domain with a leading dot matches only those of subdomains.
    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-receipt-rules-console-walkthrough.html
    """
    condition, address = condition.lower(), address.lower()
    local, _, domain = address.rpartition("@")
    if condition.startswith("."):
        return domain.endswith(condition)
    if "@" not in condition:
        return domain == condition
    return condition in (address, f"{local.partition('+')[0]}@{domain}")


def belongs(address: str, identities: Collection[str]) -> bool:
    """Whether an address, its domain or a parent domain is a verified identity."""
    address = address.lower()
    domain = address.rpartition("@")[2]
    return any(
        identity == address or domain == identity or domain.endswith("." + identity)
        for identity in (known.lower() for known in identities)
    )


def match_rules(
    rules: Iterable[Rule], recipients: Sequence[str], *, identities: Collection[str]
) -> list[Match]:
    """The enabled rules that match at least one recipient, in the order of the rule set.

    A rule without recipients matches every address of every verified identity.
    """
    found = []
    for rule in rules:
        if not rule.get("Enabled"):
            continue
        conditions = rule.get("Recipients") or []
        taken = tuple(
            recipient
            for recipient in recipients
            if any(matches(condition, recipient) for condition in conditions)
            or (not conditions and belongs(recipient, identities))
        )
        if taken:
            found.append(Match(rule=rule, recipients=taken))
    return found


def client_admitted(filters: Iterable[Mapping[str, Any]], client_address: str) -> bool:
    """Whether the account's IP filters admit this client; ``Allow`` overrides ``Block``."""
    address = ipaddress.ip_address(client_address)
    policies = {
        ip_filter["Policy"]
        for ip_filter in (receipt_filter["IpFilter"] for receipt_filter in filters)
        if address in ipaddress.ip_network(ip_filter["Cidr"], strict=False)
    }
    return "Block" not in policies or "Allow" in policies


def refuse_recipient(
    rules: Sequence[Rule] | None, recipient: str, *, tls: bool, identities: Collection[str]
) -> Refusal | None:
    """The refusal that answers RCPT TO, if any.

    ``rules`` is ``None`` when no rule set is active. SES documents only that a rule that
    requires TLS bounces other mail; here every rule that matches must accept the connection.
    """
    if rules is None:
        return Refusal(
            reply="550 5.1.1 Requested action not taken: mailbox unavailable",
            reason="no receipt rule set is active",
        )
    found = match_rules(rules, [recipient], identities=identities)
    if not found:
        return Refusal(
            reply="550 5.1.1 Requested action not taken: mailbox unavailable",
            reason="no enabled rule of the active rule set matches this recipient",
        )
    strict = [match.name for match in found if match.rule.get("TlsPolicy") == "Require"]
    if strict and not tls:
        return Refusal(
            reply="530 5.7.0 Must issue a STARTTLS command first",
            reason=f"rule {strict[0]} requires TLS",
        )
    return None


def disposition_of(payload: bytes, *, failed: bool) -> Disposition:
    """The disposition that a synchronous function returned; CONTINUE for anything else.

    That a failed function means CONTINUE is our choice: AWS does not document what SES does then.
    """
    if failed:
        return Disposition.CONTINUE
    try:
        answer = json.loads(payload)
        return Disposition(str(answer["disposition"]).upper())
    except (ValueError, TypeError, KeyError):
        return Disposition.CONTINUE
