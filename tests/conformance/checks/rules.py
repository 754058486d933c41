"""The order of receipt rules."""

from __future__ import annotations

from typing import Any

from conformance.check import Json, check
from conformance.permissions import BUCKET, FUNCTION, RULE_CHANGES, RULE_SET, STACK, TOPIC
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


@check(
    "CloudFormation moves a rule when only its `After` changes",
    actions=(*STACK, *RULE_SET, *RULE_CHANGES),
    creates="a stack with a receipt rule set, which is not activated, and two rules",
    minutes=3,
)
def after_alone(place: Place) -> Json:
    """Exchange two rules by their `After` alone, through CloudFormation."""
    name = place.name("rules")

    def template(first: str, second: str) -> dict[str, Any]:
        return {
            "Set": {"Type": "AWS::SES::ReceiptRuleSet", "Properties": {"RuleSetName": name}},
            first: _rule(name, first, after=None, depends="Set"),
            second: _rule(name, second, after=first, depends=first),
        }

    stack, created = place.deploy(template("one", "two"))
    before = [each["Name"] for each in place.rules(name)]
    _, updated = place.deploy(template("two", "one"), stack=stack)
    after = [each["Name"] for each in place.rules(name)]
    return {
        "creation": created, "order": before, "exchange": updated, "order afterwards": after
    }  # fmt: skip


def _rule(rule_set: str, name: str, *, after: str | None, depends: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"RuleSetName": rule_set, "Rule": {"Name": name}}
    return {
        "Type": "AWS::SES::ReceiptRule",
        "Properties": properties | ({"After": after} if after else {}),
        "DependsOn": depends,
    }


@check(
    "On creating a rule, SES checks that it may",
    actions=(*RULE_SET, *BUCKET, *FUNCTION, *TOPIC),
    creates="a receipt rule set, a function, a bucket and a topic to which SES has no permission",
    minutes=1,
)
def permissions_at_creation(place: Place) -> Json:
    """Create rules whose function, bucket or topic SES may not use, or which do not exist."""
    rules, bucket = place.rule_set(), place.bucket(writable=False)
    function = place.function("return None", invoked_by="")
    topic, _ = place.topic(writable=False)
    denied = place.denied_topic()
    absent = place.name("absent")
    arn = f"{function.arn.rpartition(':')[0]}:{absent}"
    actions = {
        "function without permission": {"LambdaAction": {"FunctionArn": function.arn}},
        "function that does not exist": {"LambdaAction": {"FunctionArn": arn}},
        "bucket without permission": {"S3Action": {"BucketName": bucket}},
        "bucket that does not exist": {"S3Action": {"BucketName": absent}},
        "topic without a statement for SES": {"SNSAction": {"TopicArn": topic}},
        "topic that denies SES": {"SNSAction": {"TopicArn": denied}},
        "topic that does not exist": {
            "SNSAction": {"TopicArn": f"{topic.rpartition(':')[0]}:{absent}"}
        },
    }
    for name in (bucket, topic, denied, absent):
        place.mask(name, "name")
    place.mask(function.name, "function")
    return {
        words: place.error(
            place.client("ses").create_receipt_rule,
            RuleSetName=rules,
            Rule={"Name": f"rule-{number}", "Actions": [action]},
        )
        for number, (words, action) in enumerate(actions.items())
    }


@check(
    "A rule may name recipients of unverified domains",
    actions=RULE_SET,
    creates="a receipt rule set, which is not activated",
)
def unverified_recipients(place: Place) -> Json:
    """Create a rule for a domain that nobody has verified."""
    rule = {"Name": "unverified", "Recipients": ["unverified.example", "a@unverified.example"]}
    return {
        "creation": place.error(
            place.client("ses").create_receipt_rule, RuleSetName=place.rule_set(), Rule=rule
        )
    }


@check(
    "A rule takes 500 recipients",
    actions=RULE_SET,
    creates="a receipt rule set, which is not activated",
    expects={"101": "accepted", "500": "accepted"},
)
def recipients(place: Place) -> Json:
    """Create rules with 101, 500 and 501 recipients."""
    rules = place.rule_set()
    return {
        str(count): place.error(
            place.client("ses").create_receipt_rule,
            RuleSetName=rules,
            Rule={
                "Name": f"with-{count}",
                "Recipients": [f"a{number}@example.com" for number in range(count)],
            },
        )
        for count in (101, 500, 501)
    }


@check(
    "The texts of `Too many rule sets` and `Too many recipients`",
    actions=(*RULE_SET, "ses:ListReceiptRuleSets"),
    creates="as many receipt rule sets as the account may still have, for two minutes",
    minutes=2,
)
def limits(place: Place) -> Json:
    """Create one more rule set, action, recipient and filter than allowed."""
    ses, rules = place.client("ses"), place.rule_set()
    header = {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "v"}}
    eleven = {"Name": "eleven", "Actions": [header] * 11}
    many = {"Name": "many", "Recipients": [f"a{number}@example.com" for number in range(501)]}
    found = {
        "the 11th action": place.error(ses.create_receipt_rule, RuleSetName=rules, Rule=eleven),
        "the 501st recipient": place.error(ses.create_receipt_rule, RuleSetName=rules, Rule=many),
    }
    for _ in range(41):
        name = place.name("set")
        place.cleanup.add(f"rule set {name}", ses.delete_receipt_rule_set, RuleSetName=name)
        answer = place.error(ses.create_receipt_rule_set, RuleSetName=name)
        if answer != "accepted":
            break
    listed = len(ses.list_receipt_rule_sets()["RuleSets"])
    return {**found, "one more rule set": answer, "rule sets then": listed}
