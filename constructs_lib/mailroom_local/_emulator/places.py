"""The accounts and regions in use: ministack keeps what belongs to each apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mailroom_local._emulator import internals

Place = tuple[str, str]


def home() -> Place:
    """The account and region of requests that name none."""
    return internals.responses.get_account_id(), internals.responses.get_region()


def receiving() -> list[Place]:
    """Where a receipt rule set is active."""
    stored = internals.ses.active_receipt_rule_set.to_dict()
    return sorted({(account, region) for account, region, _ in stored})


def regions(account: str) -> list[str]:
    """The regions of an account that have identities, and the one of requests that name none."""
    used = {region for owner, region in _identities() if owner == account}
    return sorted({home()[1], *used})


def of_sender(address: str) -> Place:
    """Where an address is verified, itself or its domain; by default the place of :func:`home`."""
    address = address.lower()
    labels = address.rpartition("@")[2].split(".")
    names = {address, *(".".join(labels[start:]) for start in range(len(labels)))}
    found = [place for place, known in _identities().items() if known & names]
    return home() if home() in found or not found else found[0]


def access_keys(key_id: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The access keys of this id, each with its account."""
    for (account, name), key in internals.iam.access_keys.to_dict().items():
        if name == key_id:
            yield account, key


def _identities() -> dict[Place, set[str]]:
    found: dict[Place, set[str]] = {}
    for stored in (internals.ses.identities, internals.ses_v2.identities):
        for account, region, name in stored.to_dict():
            found.setdefault((account, region), set()).add(str(name).lower())
    return dict(sorted(found.items()))
