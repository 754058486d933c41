"""What the page knows of the stack: from the services themselves, wherever they are."""

from __future__ import annotations

import json
from typing import Any

from local.page.gates import gateway
from mailroom_local.control import clients


def home(page: Any) -> Any:
    """The part of the stack that is where the tests' account is; other tests have others."""
    here = (page.aws.server.account, page.aws.server.region)
    everywhere = page.get("/stack").json["environments"]
    return next(one for one in everywhere if (one["account"], one["region"]) == here)


def named(found: Any, part: str, name: str) -> Any:
    return next(one for one in found[part] if one["name"] == name)


def edge(found: Any, origin: str, target: str) -> str | None:
    joined = [
        one["about"] for one in found["edges"] if (one["from"], one["to"]) == (origin, target)
    ]
    return joined[0] if joined else None


def test_rules_are_in_order_with_their_actions(page: Any, account: Any, active: str) -> None:
    bucket, (topic, _) = account.bucket(), account.topic()
    arn = account.function()
    first = account.rule(active, {"S3Action": {"BucketName": bucket, "TopicArn": topic}})
    second = account.rule(
        active,
        {"LambdaAction": {"FunctionArn": arn}},
        {"StopAction": {"Scope": "RuleSet"}},
        Recipients=["needed@elsewhere.example"],
        Enabled=False,
        TlsPolicy="Require",
    )
    found = home(page)
    one, two = named(found, "rule_sets", active)["rules"]
    assert named(found, "rule_sets", active)["active"]
    assert (one["name"], two["name"]) == (first, second)
    assert [(a["kind"], a["target"], a["arn"]) for a in (*one["actions"], *two["actions"])] == [
        ("S3", bucket, f"arn:aws:s3:::{bucket}"),
        ("Lambda", arn.rpartition(":")[2], arn),
        ("Stop", "RuleSet", None),
    ]
    assert (two["enabled"], two["tls"], two["recipients"]) == (
        False,
        "Require",
        ["needed@elsewhere.example"],
    )
    assert edge(found, f"rule:{first}", f"arn:aws:s3:::{bucket}") == "S3"
    assert edge(found, f"rule:{first}", topic) == "notification of S3"
    assert edge(found, f"rule:{second}", arn) == "Lambda"
    assert edge(found, f"rule:{first}", f"rule:{second}") == "next rule"


def test_identities_say_who_needs_them(page: Any, account: Any, active: str) -> None:
    account.rule(active, Recipients=["a@missing.example", "b@sending.example"])
    found = home(page)
    assert named(found, "identities", "missing.example") == {
        "name": "missing.example",
        "verified": False,
        "needed_by": ["a@missing.example"],
    }
    assert named(found, "identities", "sending.example")["verified"]
    assert "b@sending.example" in named(found, "identities", "sending.example")["needed_by"]


def test_the_way_of_an_event_is_joined_from_set_to_dead_letters(page: Any, account: Any) -> None:
    name, queue = account.configuration_set("BOUNCE")
    dead = account.sqs.create_queue(QueueName=account.name("dead"))["QueueUrl"]
    arns = [
        f"arn:aws:sqs:{account.region}:{account.id}:{u.rpartition('/')[2]}" for u in (queue, dead)
    ]
    policy = {"deadLetterTargetArn": arns[1], "maxReceiveCount": 3}
    account.sqs.set_queue_attributes(
        QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)}
    )
    function = account.function()
    mapping = account.functions.create_event_source_mapping(
        EventSourceArn=arns[0], FunctionName=function, Enabled=False
    )["UUID"]
    account.sqs.send_message(QueueUrl=dead, MessageBody="x")
    found = home(page)
    account.functions.delete_event_source_mapping(UUID=mapping)
    (destination,) = named(found, "configuration_sets", name)["destinations"]
    assert (destination["type"], destination["events"]) == ("SNS", ["Bounce"])
    topic = destination["arn"]
    assert edge(found, f"set:{name}", topic) == "Bounce"
    assert edge(found, topic, arns[0]) == "sqs"
    assert edge(found, arns[0], function) == "reads"
    assert edge(found, arns[0], arns[1]) == "dead letters"
    assert named(found, "queues", dead.rpartition("/")[2])["depth"] == 1
    assert named(found, "queues", dead.rpartition("/")[2])["dead_letter_of"] == [arns[0]]
    assert named(found, "functions", function.rpartition(":")[2])["invoked_by"] == [arns[0]]


def test_alarms_have_their_state_and_reason(page: Any, account: Any) -> None:
    watch = account.aws.client("cloudwatch")
    name = account.name("alarm")
    watch.put_metric_alarm(
        AlarmName=name,
        MetricName="x",
        Namespace="y",
        Period=60,
        Statistic="Sum",
        Threshold=1,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="too many bounces")
    found = home(page)
    watch.delete_alarms(AlarmNames=[name])
    assert named(found, "alarms", name) == {
        "name": name,
        "state": "ALARM",
        "reason": "too many bounces",
    }


def test_other_accounts_and_regions_are_there_once_they_receive(page: Any, account: Any) -> None:
    session = clients.session(region="eu-west-1", account="111122223333")
    ses = clients.client(session, "ses", account.aws.server.endpoint)
    ses.create_receipt_rule_set(RuleSetName="abroad")
    ses.set_active_receipt_rule_set(RuleSetName="abroad")
    try:
        places = page.get("/stack").json["environments"]
        found = [one for one in places if one["account"] == "111122223333"]
        assert [rule_set["name"] for one in found for rule_set in one["rule_sets"]] == ["abroad"]
        assert {"account": "111122223333", "region": "eu-west-1"} in page.get("").json[
            "environments"
        ]
    finally:
        ses.set_active_receipt_rule_set()
        ses.delete_receipt_rule_set(RuleSetName="abroad")


def test_the_api_says_where_everything_is(page: Any, account: Any) -> None:
    found = page.get("").json
    server = account.aws.server
    assert (found["endpoint"], found["smtp_port"], found["submission_port"]) == (
        server.endpoint,
        server.smtp_port,
        server.submission_port,
    )
    assert found["app"] is None


def test_a_gateway_has_its_place_and_its_story(page: Any, account: Any) -> None:
    """In the stack with its rules, and in the story with what decided."""
    point = gateway(account)
    found = next(one for one in home(page)["ingress_points"] if one["id"] == point)
    assert [rule["name"] for rule in found["rules"]] == ["sales", "rest", "late"]
    assert found["address"].startswith("127.0.0.1:")
    ids = [f"gateway-rule:{point}/{name}" for name in ("sales", "rest")]
    assert edge(home(page), f"point:{point}", ids[0]) == f"rule set {found['rule_set']}"
    assert edge(home(page), *ids) == "next rule"

    message = page.message(account.send(gateway=point).message_id)
    assert (message["gateway"], message["rules"]) == (found["name"], ["rest"])
    story = message["story"]
    assert story["policy"] == ["support@example.com accepted: the default action is ALLOW"]
    assert [(rule["name"], rule["matched"], rule["reason"]) for rule in story["rules"]] == [
        (
            "sales",
            False,
            "condition 1: RECIPIENT EQUALS sales@example.com does not hold (support@example.com)",
        ),
        ("rest", True, "the rule has no conditions"),
        ("late", False, "not reached: no recipient was left"),
    ]
    assert page.post(f"/messages/{message['key']}/again").status == 409
