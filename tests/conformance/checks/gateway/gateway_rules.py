"""Rules of Mail Manager: their order, conditions, functions and actions."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from conformance.check import Json, check
from conformance.checks.gateway.point import (
    CREATES,
    DOLLARS,
    MINUTES,
    NEEDS,
    POINT,
    STORING,
    Point,
    Store,
    rule,
    shared,
    to,
)
from conformance.events import observed
from conformance.permissions import FUNCTION, KEY_TAG, ROLE, TOPIC
from conformance.place import Place

TELL = "tell(event)"
# Answers with what stands in the local part of the recipient.
ANSWER = """
receipt = event["Records"][0]["ses"]["receipt"] if "Records" in event else event["receipt"]
for disposition in ("STOP_RULE_SET", "STOP_RULE", "CONTINUE"):
    if receipt["recipients"][0].startswith(disposition.lower().replace("_", "")):
        return {"disposition": disposition}
"""


def _invoke(function: str, role: str, **fields: Any) -> dict[str, Any]:
    return {
        "InvokeLambda": {
            "FunctionArn": function,
            "InvocationType": "EVENT",
            "RoleArn": role,
            "ActionFailurePolicy": "CONTINUE",
            **fields,
        }
    }


def _may_invoke(function: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function}


def _event(place: Place) -> tuple[Point, dict[str, Any]]:
    """The event that a function gets, once it has got one."""
    point, address = shared(place), place.address()
    place.mask(address, "recipient")
    function = place.function(TELL, invoked_by="")
    role = point.role(place, _may_invoke(function.arn))
    point.rules(place, rule("Tell", _invoke(function.arn, role), Conditions=[to(address)]))
    point.send(place, address)
    told = place.told(function, seconds=120)
    if not told:
        raise RuntimeError("the function was not called within two minutes")
    place.mask(function.name, "function")
    return point, told[0]


@check(
    "A function's event is that of SES receiving",
    actions=(*POINT, *FUNCTION),
    needs=NEEDS,
    creates=f"{CREATES}, a function",
    dollars=DOLLARS,
    minutes=MINUTES + 3,
)
def event(place: Place) -> Json:
    """Read the event of an asynchronous function, field by field."""
    _, told = _event(place)
    return observed(told)


@check(
    "Whether the event has `receipt.action`",
    actions=(*POINT, *FUNCTION),
    needs=NEEDS,
    creates=f"{CREATES}, a function",
    dollars=DOLLARS,
    minutes=MINUTES + 3,
)
def action_and_verdicts(place: Place) -> Json:
    """Read whether the event has an action and the verdicts of a scan, and which others."""
    _, told = _event(place)
    within = told["Records"][0]["ses"] if "Records" in told else told
    receipt = within.get("receipt", {})
    return {
        "in Records": "Records" in told,
        "receipt.action": sorted(receipt.get("action", {})),
        "verdicts": sorted(name for name in receipt if name.endswith("Verdict")),
    }


@check(
    "The key of a stored message",
    actions=STORING,
    needs=NEEDS,
    creates=f"{CREATES}, a bucket",
    dollars=DOLLARS,
    minutes=MINUTES + 2,
)
def key_of_stored_message(place: Place) -> Json:
    """Store below a prefix that ends with a slash, and below one that does not."""
    point, address = shared(place), place.address()
    store = Store(place, point)
    actions = (store.action("in/"), store.action("out"))
    point.rules(place, rule("Store", *actions, Conditions=[to(address)]))
    point.send(place, address)
    store.keys(last="out")
    return store.keys(last="in")


@check(
    "All rules run in order",
    actions=STORING,
    needs=NEEDS,
    creates=f"{CREATES}, a bucket",
    dollars=DOLLARS,
    minutes=MINUTES + 2,
    expects={"stored by": ["first", "second"]},
)
def order(place: Place) -> Json:
    """Send through two rules that store, one that drops, and a third that stores."""
    point, address = shared(place), place.address()
    store, met = Store(place, point), [to(address)]
    point.rules(
        place,
        rule("First", store.action("first/"), Conditions=met),
        rule("Second", store.action("second/"), Conditions=met),
        rule("Drop", {"Drop": {}}, Conditions=met),
        rule("Third", store.action("third/"), Conditions=met),
    )
    point.send(place, address)
    store.keys(last="second/")
    # What should not come would have come by now.
    place.pause(20)
    return {"stored by": store.prefixes(last="second/")}


@check(
    "`STOP_RULE_SET` ends everything, `STOP_RULE`",
    actions=(*STORING, *FUNCTION),
    needs=NEEDS,
    creates=f"{CREATES}, a bucket, a function",
    dollars=DOLLARS,
    minutes=MINUTES + 4,
    expects={"STOP_RULE_SET": []},
)
def dispositions(place: Place) -> Json:
    """Answer with each disposition: do the rule's next action and the next rule run?"""
    point, function = shared(place), place.function(ANSWER, invoked_by="")
    store = Store(place, point, _may_invoke(function.arn))
    invoke = _invoke(function.arn, store.role, InvocationType="REQUEST_RESPONSE")
    rules, cases = [], {}
    for disposition in ("CONTINUE", "STOP_RULE", "STOP_RULE_SET"):
        name = disposition.lower().replace("_", "")
        cases[disposition] = name, address = name, place.address(name)
        met = [to(address)]
        rules += [
            rule(f"{name}-1", invoke, store.action(f"{name}-action/"), Conditions=met),
            rule(f"{name}-2", store.action(f"{name}-rule/"), Conditions=met),
        ]
    point.rules(place, *rules)
    for _, address in cases.values():
        point.send(place, address)
    store.keys(last="continue-rule/")
    store.keys(last="stoprule-rule/")
    place.pause(20)
    found = store.prefixes(last="")
    return {
        disposition: [
            what
            for what, key in (("the next action", "action"), ("the next rule", "rule"))
            if f"{name}-{key}" in found
        ]
        for disposition, (name, _) in cases.items()
    }


@check(
    "A call that could not be made is tried again",
    actions=(*POINT, *FUNCTION, "lambda:CreateAlias"),
    needs=NEEDS,
    creates=f"{CREATES}, a function",
    dollars=DOLLARS,
    minutes=MINUTES + 9,
)
def retries(place: Place) -> Generator[float, None, Json]:
    """Send while an alias of a function is not there, and while the role may not call it."""
    point, function = shared(place), place.function(TELL, invoked_by="")
    other = place.function(TELL, invoked_by="")
    may, may_not = (
        point.role(place, _may_invoke(f"{function.arn}:late")),
        point.role(place, _may_invoke(function.arn)),
    )
    addresses = {"not there": place.address(), "not allowed": place.address()}
    actions = {
        "not there": _invoke(f"{function.arn}:late", may, RetryTimeMinutes=8),
        "not allowed": _invoke(other.arn, may_not, RetryTimeMinutes=8),
    }
    point.rules(
        place,
        *(
            rule(f"Rule{number}", actions[how], Conditions=[to(address)])
            for number, (how, address) in enumerate(addresses.items())
        ),
    )
    for address in addresses.values():
        point.send(place, address)
    place.pause(30)
    queues = {"not there": function.queue, "not allowed": other.queue}
    before = {how: bool(place.taken(queue)) for how, queue in queues.items()}
    place.client("lambda").create_alias(
        FunctionName=function.name, Name="late", FunctionVersion="$LATEST"
    )
    policy = {"Version": "2012-10-17", "Statement": [_may_invoke(other.arn)]}
    place.client("iam").put_role_policy(
        RoleName=may_not.rpartition("/")[2], PolicyName="inline", PolicyDocument=json.dumps(policy)
    )
    # A minute of the retry time takes a second on the local AWS.
    yield place.later(480, locally=18)
    return {
        f"the function is {how}": {
            "called before": before[how],
            "called afterwards": bool(place.taken(queue)),
        }
        for how, queue in queues.items()
    }


@check(
    "Letter case matters in conditions",
    actions=STORING,
    needs=NEEDS,
    creates=f"{CREATES}, a bucket",
    dollars=DOLLARS,
    minutes=MINUTES + 2,
)
def letter_case(place: Place) -> Json:
    """Meet a mail by conditions that spell its recipient and subject otherwise."""
    point, address = shared(place), place.address("jane")
    store = Store(place, point)

    def subject(how: str, text: str) -> dict[str, Any]:
        evaluated = {"Evaluate": {"Attribute": "SUBJECT"}, "Operator": how, "Values": [text]}
        return {"StringExpression": evaluated}

    conditions = {
        "recipient": to(address.upper()),
        "subject": subject("EQUALS", "CONFORMANCE"),
        "word of the subject": subject("CONTAINS", "FORMANCE"),
        "as it is written": to(address),
    }
    names = {f"rule{number}": case for number, case in enumerate(conditions)}
    point.rules(
        place,
        *(
            rule(name, store.action(f"{name}/"), Conditions=[to(address), conditions[case]])
            for name, case in names.items()
            if case != "recipient"
        ),
        rule("rule0", store.action("rule0/"), Conditions=[conditions["recipient"]]),
    )
    point.send(place, address)
    last = next(name for name, case in names.items() if case == "as it is written")
    store.keys(last=f"{last}/")
    place.pause(20)
    found = store.prefixes(last="")
    return {case: "meets" if name in found else "does not meet" for name, case in names.items()}


@check(
    "For a topic with a key",
    actions=(
        *POINT,
        *ROLE,
        *TOPIC,
        "kms:CreateKey",
        "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
    ),
    needs=NEEDS,
    creates=f"{CREATES}, a topic, a key of KMS that is deleted after seven days",
    dollars=DOLLARS + 0.25,
    minutes=MINUTES + 4,
    here="the local AWS asks for no permission to use a topic's key",
)
def topic_with_a_key(place: Place) -> Json:
    """Publish to a topic with a key by a role without `kms:Decrypt`, and by one that has it."""
    point, kms, found = shared(place), place.client("kms"), {}
    key = kms.create_key(Description="conformance", Tags=[KEY_TAG])["KeyMetadata"]["Arn"]
    place.cleanup.add("key", kms.schedule_key_deletion, KeyId=key, PendingWindowInDays=7)
    listed = ["kms:GenerateDataKey*", "kms:Encrypt", "kms:DescribeKey"]
    for how, actions in (
        ("without kms:Decrypt", listed),
        ("with kms:Decrypt", [*listed, "kms:Decrypt"]),
    ):
        topic, queue = place.topic()
        place.client("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key
        )
        role = point.role(
            place,
            {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic},
            {"Effect": "Allow", "Action": actions, "Resource": key},
        )
        address = place.address()
        publish = {"TopicArn": topic, "RoleArn": role, "ActionFailurePolicy": "CONTINUE"}
        point.rules(place, rule("Publish", {"PublishToSns": publish}, Conditions=[to(address)]))
        point.send(place, address)
        arrived = place.until(lambda queue=queue: place.taken(queue), seconds=60)
        found[how] = "published" if arrived else "not published"
    return found
