"""WorkMail: organizations, and how long they still work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, named

RANK = 110
NEEDS = ("workmail:ListOrganizations",)

_ENDS = date(2027, 3, 31)
_END_OF_SUPPORT = (
    "https://docs.aws.amazon.com/workmail/latest/adminguide/workmail-end-of-support.html"
)
_REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
_MOST = 100


def look(place: Place) -> Iterator[Finding]:
    """Look for organizations."""
    if place.region not in _REGIONS:
        return
    found = place.reader.pages(
        "workmail", "list_organizations", "OrganizationSummaries", most=_MOST
    )
    names = [
        one.get("Alias") or one["OrganizationId"]
        for one in found.items
        if one.get("State") != "Deleted"
    ]
    days = (_ENDS - place.now.date()).days
    if names:
        left = f"ends on {_ENDS}, in {days} days" if days > 0 else f"ended on {_ENDS}"
        yield place.warning(
            "ends",
            f"WorkMail {left}; there is {named(names)}",
            remedy="move its mail: docs/leaving-workmail.md says how",
            source=_END_OF_SUPPORT,
        )
