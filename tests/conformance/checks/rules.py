"""The order of receipt rules."""

from __future__ import annotations

from conformance.check import Json, check
from conformance.permissions import RULE_SET
from conformance.place import Place


@check(
    "`UpdateReceiptRule` leaves a rule where it is",
    actions=(*RULE_SET, "ses:UpdateReceiptRule"),
    creates="a receipt rule set, which is not activated",
)
def order_after_update(place: Place) -> Json:
    """Create rules with and without `After`, update one, and read their order."""
    ses, rules = place.client("ses"), place.rule_set()
    for name, placed in (("second", {}), ("first", {}), ("between", {"After": "first"})):
        ses.create_receipt_rule(RuleSetName=rules, Rule={"Name": name}, **placed)
    created = [each["Name"] for each in place.rules(rules)]
    ses.update_receipt_rule(RuleSetName=rules, Rule={"Name": "between", "ScanEnabled": True})
    updated = [each["Name"] for each in place.rules(rules)]
    return {"order when created": created, "order after an update": updated}
