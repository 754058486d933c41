"""Why a rule did not match a message, or did not get to its actions.

Pure functions of the rules that were in force, as :func:`in_words` puts them into the journal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mailroom_local.receiving import decisions
from mailroom_local.receiving.decisions import InForce
from mailroom_local.receiving.message import Rule


def in_words(now: InForce) -> dict[str, Any]:
    """What the journal keeps of the rules that decide about mail."""
    return {
        "rule_set": now.name,
        "identities": list(now.identities),
        "rules": [
            {
                "Name": rule["Name"],
                "Enabled": bool(rule.get("Enabled")),
                "Recipients": list(rule.get("Recipients") or []),
                "TlsPolicy": rule.get("TlsPolicy") or "Optional",
                "Actions": [kind for action in rule.get("Actions", []) for kind in action],
            }
            for rule in now.rules or []
        ],
    }


def unmatched(
    rule: Rule, recipients: Sequence[str], *, identities: Collection[str], tls: bool
) -> str:
    """Why a rule does not take a message to these recipients; empty if it does."""
    if not rule.get("Enabled"):
        return "disabled"
    found = decisions.match_rules([rule], recipients, identities=identities)
    if not found:
        conditions = ", ".join(rule.get("Recipients") or [])
        wanted = conditions or "a rule without recipients takes those of verified identities only"
        return f"no recipient matches: {wanted}"
    if rule.get("TlsPolicy") == "Require" and not tls:
        return "it requires TLS, and the message came without"
    return ""


def not_reached(rule: str, *, stopped_by: str | None, finished: bool) -> str:
    """Why a rule that matches has not run."""
    if stopped_by is not None and stopped_by != rule:
        return f"not reached: rule {stopped_by} stopped the rule set"
    if not finished:
        return "not reached yet"
    return "not reached: the rules before it went wrong"


def not_run(actions: Sequence[Mapping[str, Any]], *, finished: bool) -> str:
    """Why the next action of a rule, after these, has not run."""
    stopping = actions[-1] if actions else {}
    if stopping.get("outcome") in ("STOP_RULE", "STOP_RULE_SET"):
        what = "rule set" if stopping["outcome"] == "STOP_RULE_SET" else "rule"
        return f"not reached: the {stopping['kind']} action before it stopped the {what}"
    return "not reached" if finished else "not reached yet"
