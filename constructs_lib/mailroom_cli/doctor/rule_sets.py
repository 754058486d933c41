"""What several subjects ask about the active receipt rule set and the verified identities."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mailroom_cli.doctor.place import Place
from mailroom_cli.doctor.reading import Listed

# They are read by the hundred, so that many are a matter of seconds.
MOST_IDENTITIES = 1000
"""How many identities are looked at."""

_PER_CALL = 100
_LEDGERS = "/cdk-mailroom/"
_MOST_LEDGERS = 100
_MOST_STACKS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the stack of an app says about the rule set that it activated."""

    stack: str
    """The name of the stack; empty if there is none any more."""
    parameter: str
    """The name of the parameter."""
    rule_set: str
    """The rule set."""


def active(place: Place) -> dict[str, Any] | None:
    """Return the active rule set as SES describes it; ``None`` if none is active."""
    found = place.reader.call("ses", "describe_active_receipt_rule_set")
    return found if found.get("Metadata") else None


def ledgers(place: Place) -> Iterator[Ledger]:
    """Yield the rule sets that stacks with the constructs have activated."""
    found = place.reader.pages(
        "ssm",
        "get_parameters_by_path",
        "Parameters",
        most=_MOST_LEDGERS,
        Path=_LEDGERS,
        Recursive=True,
    )
    written = [one for one in found.items if one["Name"].endswith("/active-rule-set")]
    if not written:
        return
    listed = place.reader.pages("cloudformation", "describe_stacks", "Stacks", most=_MOST_STACKS)
    stacks = {one["StackId"].rpartition("/")[2]: one["StackName"] for one in listed.items}
    for parameter in written:
        guid = parameter["Name"].split("/")[2]
        if guid not in stacks and not listed.complete:
            continue
        for entry in json.loads(parameter["Value"]).values():
            yield Ledger(
                stack=stacks.get(guid, ""),
                parameter=parameter["Name"],
                rule_set=entry["rule_set"],
            )


def identities(place: Place) -> Listed:
    """Return the names of the identities, as far as they are looked at."""
    return place.reader.pages("ses", "list_identities", "Identities", most=MOST_IDENTITIES)


def verification(place: Place) -> dict[str, str]:
    """Return the identities, in lower case, with their status: ``Success``, ``Pending`` …"""
    names = identities(place).items
    found: dict[str, str] = {}
    for start in range(0, len(names), _PER_CALL):
        answer = place.reader.call(
            "ses",
            "get_identity_verification_attributes",
            Identities=names[start : start + _PER_CALL],
        )
        for name, attributes in answer["VerificationAttributes"].items():
            found[name.lower()] = attributes["VerificationStatus"]
    return found


def verified_domains(place: Place) -> set[str]:
    """Return the domains that SES receives for, and sends from."""
    return {
        name
        for name, status in verification(place).items()
        if status == "Success" and "@" not in name
    }


def is_covered(domain: str, verified: set[str]) -> bool:
    """Return whether a domain, or a parent domain, is verified."""
    return any(f".{domain}".endswith(f".{name}") for name in verified)


def domain_of(recipient: str) -> str:
    """Return the domain of a rule's recipient: of an address, a domain or a ``.domain``."""
    return recipient.rpartition("@")[2].removeprefix(".").lower()
