"""Calls of the SES API that were recorded with their errors, made again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from conformance.check import Json, Need, NotRun, check
from conformance.comparing import shown
from conformance.permissions import CONFIGURATION_SET, RULE, RULE_SET, TOPIC
from conformance.place import Place

_RECORDED = Path(__file__).parents[2] / "payloads" / "recorded"
# Nothing may meet what the account has, so each of these gets a name of this run.
_NAMES = ("with.dot", "nope", "ghost", "block", "list-1", "list-2")
_RULES = "SES refuses rules, rule sets and IP filters"


def calls(probe: str) -> list[tuple[str, dict[str, Any]]]:
    """The recorded calls of a file, in their order: operation and arguments."""
    cases = json.loads((_RECORDED / f"{probe}.json").read_text("utf-8"))["data"]["cases"]
    return [(case["call"][0], case["call"][1]) for case in cases]


def titles(probe: str) -> list[str]:
    """What the calls of a file are called in an observation and in its record."""
    return [
        f"{number}. {operation.removeprefix('v2:')} {shown(_anywhere(arguments), limit=100)}"
        for number, (operation, arguments) in enumerate(calls(probe), 1)
    ]


def _anywhere(arguments: dict[str, Any]) -> Any:
    """The arguments without a region and an account, which would be masked in some runs only."""
    text = json.dumps(arguments)
    return json.loads(text.replace("us-east-1:000000000000", "REGION:ACCOUNT"))


def _replayed(place: Place, probe: str, names: Mapping[str, str]) -> Json:
    """Make the calls of a file, with names of this run in place of the recorded ones."""
    own = {**names, **{word: place.name(word.replace(".", "-")) for word in _NAMES}}
    own["with.dot"] = own["with.dot"].replace("with-dot", "with.dot")
    for word, name in own.items():
        if not word.startswith("REGION"):
            place.mask(name, word)
    cases = zip(titles(probe), calls(probe), strict=True)
    return {title: _answered(place, *_named(call, own)) for title, call in cases}


def _answered(place: Place, operation: str, arguments: dict[str, Any]) -> Json:
    second = operation.startswith("v2:")
    name = operation.removeprefix("v2:")
    _forget(place, name, arguments)
    try:
        # What botocore would refuse by itself has to reach SES.
        place.unchecked_client("sesv2" if second else "ses")._make_api_call(name, arguments)
    except ClientError as error:
        found = error.response["Error"]
        return {"code": found["Code"], "words": found["Message"]}
    return {"code": "accepted"}


def _forget(place: Place, operation: str, arguments: dict[str, Any]) -> None:
    ses = place.client("ses")
    if operation == "CreateReceiptRuleSet":
        name = arguments["RuleSetName"]
        if name.startswith(place.site.prefix):
            place.cleanup.add(f"rule set {name}", ses.delete_receipt_rule_set, RuleSetName=name)
    if operation == "CreateReceiptFilter":
        name = arguments["Filter"]["Name"]
        if name.startswith(place.site.prefix):
            place.cleanup.add(f"IP filter {name}", ses.delete_receipt_filter, FilterName=name)
    if operation == "CreateContactList":
        name = arguments["ContactListName"]
        lists = place.client("sesv2")
        place.cleanup.add(f"contact list {name}", lists.delete_contact_list, ContactListName=name)


def _named(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _named(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_named(each, names) for each in value]
    if isinstance(value, str):
        pattern = "|".join(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])" for word in names)
        return re.sub(pattern, lambda found: names[found[0]], value)
    return value


def _arns(place: Place) -> dict[str, str]:
    own = f"{place.region}:{place.account}"
    return {"REGION_SNS": f"arn:aws:sns:{own}", "REGION_LAMBDA": f"arn:aws:lambda:{own}:function"}


@check(
    _RULES,
    actions=(*RULE_SET, "ses:DescribeReceiptRule"),
    creates="two receipt rule sets, which are not activated",
    minutes=0.5,
)
def rule_names(place: Place) -> Json:
    """Create rule sets and rules with names that SES refuses."""
    return _replayed(place, "probe-rule-names", {"SET": place.rule_set()})


@check(
    _RULES,
    actions=RULE_SET,
    creates="a receipt rule set, which is not activated",
    minutes=0.5,
)
def rule_shapes(place: Place) -> Json:
    """Create rules whose actions lack something or have too much."""
    return _replayed(place, "probe-rule-shape-errors", {"SET": place.rule_set()})


@check(
    _RULES,
    actions=RULE_SET,
    creates="a receipt rule set, which is not activated",
    minutes=0.5,
)
def rule_targets(place: Place) -> Json:
    """Create rules whose bucket, topic, function or sender does not exist."""
    names = {"SET": place.rule_set(), "no-such-bucket-i": place.name("absent")}
    return _replayed(place, "probe-rule-target-errors", {**names, **_arns(place)})


@check(
    _RULES,
    actions=(
        *RULE,
        "ses:DescribeReceiptRule",
        "ses:UpdateReceiptRule",
        "ses:SetReceiptRulePosition",
    ),
    needs=(Need.ACTIVATION,),
    creates="two receipt rule sets, of which one is active",
    minutes=0.5,
)
def rule_existence(place: Place) -> Json:
    """Name rules and rule sets that exist already, or not at all."""
    names = {"SET": place.rule_set(), "ACTIVE": place.site.active_rule_set()}
    first = {"RuleSetName": names["SET"], "Rule": {"Name": "first"}}
    place.client("ses").create_receipt_rule(**first)
    return _replayed(place, "probe-rule-existence-errors", names)


@check(
    _RULES,
    actions=("ses:CreateReceiptFilter", "ses:DeleteReceiptFilter"),
    creates="an IP filter that blocks 10.0.0.0/24",
)
def ip_filters(place: Place) -> Json:
    """Create IP filters that are good, bad, and there already."""
    return _replayed(place, "probe-receipt-filters", {})


@check(
    "A rule of which only the name is given",
    actions=(*RULE_SET, *TOPIC),
    creates="a receipt rule set, which is not activated, a topic and its queue",
)
def rule_defaults(place: Place) -> Json:
    """Create a rule by its name alone, and an SNS action without an encoding."""
    rules, (topic, _) = place.rule_set(), place.topic()
    for rule in (
        {"Name": "minimal"},
        {"Name": "topic", "Actions": [{"SNSAction": {"TopicArn": topic}}]},
        {"Name": "many", "Recipients": ["B@example.com", "a@Example.com", "b@example.com"]},
    ):
        place.client("ses").create_receipt_rule(RuleSetName=rules, Rule=rule)
    found = {each["Name"]: each for each in place.rules(rules)}
    return {
        "minimal": found["minimal"],
        "encoding": found["topic"]["Actions"][0]["SNSAction"].get("Encoding"),
        "recipients": found["many"]["Recipients"],
    }


@check(
    "SES refuses configuration sets, event destinations and contact lists",
    actions=(
        *CONFIGURATION_SET,
        "ses:DeleteConfigurationSetEventDestination",
        "ses:SetIdentityHeadersInNotificationsEnabled",
    ),
    creates="a configuration set, a topic and its queue",
    minutes=0.5,
)
def configuration_sets(place: Place) -> Json:
    """Name configuration sets and event destinations that do not exist, by API v1."""
    name, _ = place.configuration_set("SEND")
    return _replayed(place, "probe-v1-configuration-sets", {"CONF": name, **_arns(place)})


@check(
    "SES refuses configuration sets, event destinations and contact lists",
    actions=(
        *CONFIGURATION_SET,
        "ses:UpdateConfigurationSetEventDestination",
        "ses:DeleteConfigurationSetEventDestination",
        "ses:GetConfigurationSetEventDestinations",
    ),
    creates="a configuration set, two topics and their queues",
    minutes=0.5,
)
def event_destinations(place: Place) -> Json:
    """Create event destinations that SES refuses, by API v2."""
    (name, _), (topic, _) = place.configuration_set("SEND"), place.topic()
    own = {"CONF": name, "REGION_SNS:t0": topic, **_arns(place)}
    return _replayed(place, "probe-v2-event-destinations", own)


@check(
    "SES refuses configuration sets, event destinations and contact lists",
    actions=(
        "ses:CreateContactList",
        "ses:DeleteContactList",
        "ses:GetContactList",
        "ses:ListContactLists",
    ),
    creates="a contact list, if the account has none",
)
def contact_lists(place: Place) -> Json:
    """Create contact lists that SES refuses; an account has one at most."""
    there = place.client("sesv2").list_contact_lists()["ContactLists"]
    if there:
        raise NotRun(f"the account has the contact list {there[0]['ContactListName']} already")
    return _replayed(place, "probe-v2-contact-lists", {})
