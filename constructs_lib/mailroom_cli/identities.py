"""Finds the addresses of a deployed app that no verified identity covers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# In the environment of a bundled function: the address that it sends from.
_SENDER = re.compile(r"MAILROOM_[A-Z]+_FROM")
# https://docs.aws.amazon.com/ses/latest/APIReference/API_GetIdentityVerificationAttributes.html
_PER_CALL = 100


def unverified(
    client: Callable[[str], Any], rules: Iterable[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Find what to verify.

    Args:
        client: Returns the boto3 client of a service.
        rules: The receipt rules of the active rule set.

    Returns:
        The domains, each with the recipients of rules and the senders that need it.
    """
    verified = _verified(client("ses"))
    # SES sends from a verified address, but receives only for verified domains.
    senders = [one for one in _senders(client("lambda"), rules) if one not in verified]
    found: dict[str, list[str]] = {}
    for address in dict.fromkeys([*_recipients(rules), *senders]):
        domain = address.rpartition("@")[2].removeprefix(".")
        if not any(f".{domain}".endswith(f".{name}") for name in verified):
            found.setdefault(domain, []).append(address)
    return found


def _recipients(rules: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for rule in rules:
        yield from (recipient.lower() for recipient in rule.get("Recipients", []))


def _senders(functions: Any, rules: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for rule in rules:
        for action in rule.get("Actions", []):
            if bounce := action.get("BounceAction"):
                yield bounce["Sender"].lower()
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            variables = function.get("Environment", {}).get("Variables", {})
            for name, address in variables.items():
                if _SENDER.fullmatch(name) and "@" in address:
                    yield address.rpartition("<")[2].rstrip(">").lower()


def _verified(ses: Any) -> set[str]:
    names = [
        name
        for page in ses.get_paginator("list_identities").paginate()
        for name in page["Identities"]
    ]
    found = set()
    for start in range(0, len(names), _PER_CALL):
        answer = ses.get_identity_verification_attributes(
            Identities=names[start : start + _PER_CALL]
        )
        for name, attributes in answer["VerificationAttributes"].items():
            if attributes["VerificationStatus"] == "Success":
                found.add(name.lower())
    return found
