"""Suppression list: addresses that SES does not send to any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from mailroom_cli.doctor import rule_sets
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted, named
from mailroom_cli.doctor.reading import Unseen

RANK = 70
NEEDS = (
    "ses:GetAccount",
    "ses:GetIdentityVerificationAttributes",
    "ses:ListIdentities",
    "ses:ListSuppressedDestinations",
)

_LIST = "https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html"
_MOST = 1000
_REASONS = ("BOUNCE", "COMPLAINT")


def look(place: Place) -> Iterator[Finding]:
    """Look at the account's list."""
    with suppress(Unseen):
        yield from _settings(place)
    found = place.reader.pages(
        "sesv2", "list_suppressed_destinations", "SuppressedDestinationSummaries", most=_MOST
    )
    reasons = Counter(one["Reason"].lower() for one in found.items)
    why = ", ".join(f"{count} by {reason}" for reason, count in sorted(reasons.items()))
    if found.items:
        more = "" if found.complete else "more than "
        yield place.note(
            "listed",
            f"{more}{counted(len(found.items), 'address', 'addresses')} suppressed: {why}",
            source=_LIST,
        )
    else:
        yield place.ok("listed", "no address is suppressed")
    with suppress(Unseen):
        yield from _own(place, [one["EmailAddress"] for one in found.items])


def _settings(place: Place) -> Iterator[Finding]:
    account = place.reader.call("sesv2", "get_account")
    heeded = (account.get("SuppressionAttributes") or {}).get("SuppressedReasons") or []
    missing = [reason for reason in _REASONS if reason not in heeded]
    if missing:
        yield place.warning(
            "not-heeded",
            f"addresses are not suppressed after a {named(missing).lower()}, so mail to them goes "
            "on and harms the reputation",
            remedy="suppress them:",
            command=place.aws("sesv2", "put-account-suppression-attributes")
            + " --suppressed-reasons BOUNCE COMPLAINT",
            source=_LIST,
        )


def _own(place: Place, addresses: list[str]) -> Iterator[Finding]:
    """Addresses of the account's own domains, which somebody waits for mail at."""
    domains = rule_sets.verified_domains(place) if addresses else set()
    for address in addresses:
        if rule_sets.is_covered(rule_sets.domain_of(address), domains):
            yield place.warning(
                "own-address",
                f"{address} is suppressed, and its domain is yours: mail to it is not sent",
                remedy="if it works again, take it off the list:",
                command=place.aws("sesv2", "delete-suppressed-destination", email_address=address),
                source=_LIST,
            )
