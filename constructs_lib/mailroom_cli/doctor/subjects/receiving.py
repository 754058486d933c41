"""Receiving: which receipt rule set is active, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec

from mailroom_cli.doctor import rule_sets
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted, named
from mailroom_cli.doctor.reading import Absent, Unseen

RANK = 30
NEEDS = (
    "cloudformation:DescribeStackResources",
    "cloudformation:DescribeStacks",
    "ses:DescribeActiveReceiptRuleSet",
    "ses:ListReceiptFilters",
    "ses:ListReceiptRuleSets",
    "ssm:GetParametersByPath",
)

_RULE_SETS = "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-receipt-rules-console-walkthrough.html"
_TYPE = "AWS::SES::ReceiptRuleSet"
_FILTERS = "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-ip-filtering-console-walkthrough.html"
_EVERYONE = ("0.0.0.0/0", "::/0")
_MOST = 100
# WorkMail receives through a set of this name.
_WORKMAIL = "INBOUND_MAIL"


def look(place: Place) -> Iterator[Finding]:
    """Look at the rule sets."""
    active = rule_sets.active(place)
    name = active["Metadata"]["Name"] if active else ""
    ledgers: list[rule_sets.Ledger] = []
    with suppress(Unseen):
        ledgers = list(rule_sets.ledgers(place))
    if active is None:
        yield from _none(place)
    else:
        rules = counted(len(active.get("Rules", [])), "rule")
        yield place.ok("active", f"{name} with {rules} is active; {_owner(place, name, ledgers)}")
    yield from _displaced(place, name, ledgers)
    yield from _others(place, name)
    yield from _filters(place)


def _none(place: Place) -> Iterator[Finding]:
    found = place.reader.pages("ses", "list_receipt_rule_sets", "RuleSets", most=_MOST)
    if not found.items:
        yield place.note("none", "no receipt rule set: SES receives no mail here")
        return
    names = [one["Name"] for one in found.items]
    yield place.problem(
        "none-active",
        f"no receipt rule set is active, so every message is refused; there are {named(names)}",
        remedy="activate the right one"
        if len(names) > 1
        else "activate it, if its rules are to run:",
        command=place.aws("ses", "set-active-receipt-rule-set", rule_set_name=names[0]),
        source=_RULE_SETS,
    )


def _displaced(place: Place, name: str, ledgers: list[rule_sets.Ledger]) -> Iterator[Finding]:
    """Sets that the stack of an app has activated, and that are not active any more."""
    for ledger in ledgers:
        if not ledger.stack:
            yield place.note(
                "left-ledger",
                f"the parameter {ledger.parameter} belongs to a stack that is gone",
                remedy="delete it:",
                command=place.aws("ssm", "delete-parameter", name=ledger.parameter),
            )
        elif ledger.rule_set != name:
            instead = f"{name} is" if name else "none is"
            yield place.problem(
                "displaced",
                f"the stack {ledger.stack} activated {ledger.rule_set}, and now {instead} active: "
                "its rules never run",
                remedy="find out who changed it; to activate the stack's set again:",
                command=place.aws(
                    "ses", "set-active-receipt-rule-set", rule_set_name=ledger.rule_set
                ),
                source=_RULE_SETS,
            )


def _others(place: Place, active: str) -> Iterator[Finding]:
    found = place.reader.pages("ses", "list_receipt_rule_sets", "RuleSets", most=_MOST)
    others = [one["Name"] for one in found.items if one["Name"] != active]
    if active and others:
        yield place.note("inactive", f"not active, so their rules never run: {named(others)}")


def _filters(place: Place) -> Iterator[Finding]:
    filters = place.reader.call("ses", "list_receipt_filters").get("Filters") or []
    by_policy: dict[str, list[str]] = {"Allow": [], "Block": []}
    for one in filters:
        by_policy[one["IpFilter"]["Policy"]].append(one["IpFilter"]["Cidr"])
    if not set(_EVERYONE) & set(by_policy["Block"]):
        return
    if allowed := by_policy["Allow"]:
        yield place.note("filters", f"IP filters let only {named(allowed)} deliver mail")
        return
    names = [one["Name"] for one in filters if one["IpFilter"]["Cidr"] in _EVERYONE]
    yield place.problem(
        "filters",
        f"the IP filter {named(names)} blocks everyone, so every message is refused",
        remedy="delete it, or allow the addresses that may deliver; to delete it:",
        command=place.aws("ses", "delete-receipt-filter", filter_name=names[0]),
        source=_FILTERS,
    )


def _owner(place: Place, name: str, ledgers: list[rule_sets.Ledger]) -> str:
    """Who made or activated a rule set, as far as it can be told."""
    for ledger in ledgers:
        if ledger.rule_set == name and ledger.stack:
            return f"the stack {ledger.stack} activated it, with cdk-mailroom"
    with suppress(Absent, Unseen):
        found = place.reader.call(
            "cloudformation",
            "describe_stack_resources",
            PhysicalResourceId=name,
            # CloudFormation's answer where no stack has the resource.
            absent=("ValidationError",),
        )["StackResources"]
        types = [one["ResourceType"] for one in found if one.get("PhysicalResourceId") == name]
        # Of a large stack, the answer may leave the rule set out.
        if found and (_TYPE in types or not types):
            return f"the stack {found[0]['StackName']} made it, and something else activated it"
    if name == _WORKMAIL and find_spec("mailroom_cli.workmail"):
        return "WorkMail makes sets of this name"
    return "its owner is unknown: no stack has it, so it was made by hand or by another tool"
