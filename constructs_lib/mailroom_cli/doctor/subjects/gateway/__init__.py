"""Mail gateway: ingress points of SES Mail Manager that take no mail, or drop all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted, several
from mailroom_cli.doctor.reading import Absent
from mailroom_cli.names import short_name

RANK = 45
NEEDS = ("ses:GetIngressPoint", "ses:GetRuleSet", "ses:ListIngressPoints")

_POINTS = "https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html"
_RULES = "https://docs.aws.amazon.com/ses/latest/dg/eb-rules.html"
_MOST = 50
_CHANGING = ("PROVISIONING", "UPDATING", "DEPROVISIONING")


def look(place: Place) -> Iterator[Finding]:
    """Look at the ingress points."""
    found = place.reader.pages("mailmanager", "list_ingress_points", "IngressPoints", most=_MOST)
    well = 0
    for wrong in several(lambda one: _point(place, one["IngressPointId"]), found.items):
        yield from wrong
        well += not wrong
    if well and place.saw_all:
        yield place.ok("takes-mail", f"{counted(well, 'ingress point')} active, with rules")
    if not found.complete:
        yield place.warning("not-all", f"only the first {_MOST} ingress points were looked at")


def _point(place: Place, point_id: str) -> Iterator[Finding]:
    point = place.reader.call("mailmanager", "get_ingress_point", IngressPointId=point_id)
    name, status = short_name(point["IngressPointName"]), point["Status"]
    if status in _CHANGING:
        yield place.note("changing", f"ingress point {name} is {status.lower()}")
    elif status != "ACTIVE":
        yield place.problem(
            "closed",
            f"ingress point {name} is {status}: it takes no mail",
            remedy="open it where it is deployed from; by hand:",
            command=place.aws(
                "mailmanager",
                "update-ingress-point",
                ingress_point_id=point_id,
                status_to_update="ACTIVE",
            ),
            source=_POINTS,
        )
    with suppress(Absent):
        rule_set = place.reader.call(
            "mailmanager",
            "get_rule_set",
            RuleSetId=point["RuleSetId"],
            absent=("ResourceNotFoundException",),
        )
        if not rule_set.get("Rules"):
            yield place.problem(
                "empty",
                f"ingress point {name}: its rule set {short_name(rule_set['RuleSetName'])} has no "
                "rules, so its mail is accepted and goes nowhere",
                remedy="add rules where the gateway is deployed from",
                source=_RULES,
            )
