"""The identities of an account, and those that its rules and functions need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mailroom_local.page import accounts

# In the environment of a bundled function: the address that it sends from.
_SENDER = re.compile(r"MAILROOM_[A-Z]+_FROM")
_PER_CALL = 100


def identities(
    client: Callable[[str], Any], rule_sets: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Each identity with the addresses that need it; those that are needed and missing, too."""
    statuses = _statuses(client("ses"))
    needed: dict[str, list[str]] = {name: [] for name in statuses}
    active = [rule for one in rule_sets if one["active"] for rule in one["rules"]]
    for address in dict.fromkeys([*_recipients(active), *_senders(client("lambda"), active)]):
        domain = address.rpartition("@")[2].removeprefix(".")
        covering = [n for n in statuses if n == address or f".{domain}".endswith(f".{n}")]
        needed.setdefault(covering[0] if covering else domain, []).append(address)
    for name, addresses in needed.items():
        verified = statuses.get(name) == "Success"
        yield {"name": name, "verified": verified, "needed_by": addresses}


def _recipients(rules: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for rule in rules:
        yield from (recipient.lower() for recipient in rule["recipients"])


def _senders(functions: Any, rules: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for rule in rules:
        for action in rule["actions"]:
            if action["kind"] == "Bounce":
                yield action["target"].lower()
    for function in accounts.pages(functions, "list_functions", "Functions"):
        variables = (function.get("Environment") or {}).get("Variables") or {}
        for name, address in variables.items():
            if _SENDER.fullmatch(name) and "@" in address:
                yield address.rpartition("<")[2].rstrip(">").lower()


def _statuses(ses: Any) -> dict[str, str]:
    names = list(accounts.pages(ses, "list_identities", "Identities"))
    found: dict[str, str] = {}
    for start in range(0, len(names), _PER_CALL):
        answer = ses.get_identity_verification_attributes(
            Identities=names[start : start + _PER_CALL]
        )
        for name, attributes in answer["VerificationAttributes"].items():
            found[name.lower()] = attributes["VerificationStatus"]
    return found
