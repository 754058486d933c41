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
class Refusal:
    """Why a recipient is refused during the SMTP conversation."""

    reply: str
    reason: str


def matches(condition: str, address: str) -> bool:
    """Whether a recipient condition takes an envelope recipient.

    A full address also takes its labels (``user+label@``), a domain takes its own addresses and
    none of its subdomains', a domain with a leading dot takes those and not its own.
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
    """Whether an address is, or lies in a domain of, one of the verified identities."""
    address = address.lower()
    domain = address.rpartition("@")[2]
    return any(
        identity == address or domain == identity or domain.endswith("." + identity)
        for identity in (known.lower() for known in identities)
    )


def match_rules(
    rules: Iterable[Rule], recipients: Sequence[str], *, identities: Collection[str]
) -> list[Match]:
    """The enabled rules that take at least one recipient, in the order of the rule set.

    A rule without recipients takes every address of every verified identity.
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
    """Whether the account's IP filters let this client in; ``Allow`` overrides ``Block``."""
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
    """The answer to RCPT TO when it is a refusal.

    ``rules`` is ``None`` when no rule set is active. SES says only that mail which does not come
    over TLS is bounced by a rule that requires it; here every rule that takes the recipient has to
    be content with the connection.
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
            reason="no enabled rule of the active rule set takes this recipient",
        )
    strict = [match.name for match in found if match.rule.get("TlsPolicy") == "Require"]
    if strict and not tls:
        return Refusal(
            reply="530 5.7.0 Must issue a STARTTLS command first",
            reason=f"rule {strict[0]} requires TLS",
        )
    return None


def disposition_of(payload: bytes, *, failed: bool) -> Disposition:
    """What a synchronous function's answer means; whatever is not understood is CONTINUE."""
    if failed:
        return Disposition.CONTINUE
    try:
        answer = json.loads(payload)
        return Disposition(str(answer["disposition"]).upper())
    except (ValueError, TypeError, KeyError):
        return Disposition.CONTINUE
