"""Ingress points that take no mail, or whose mail goes nowhere, are found."""

import time

from mailroom_cli.doctor.findings import Level

from ..conftest import Account

DROP = {"Name": "all", "Actions": [{"Drop": {}}]}


def test_a_closed_ingress_point_and_a_rule_set_without_rules_are_problems(
    account: Account,
) -> None:
    assert account.look("gateway") == []
    api = account.client("mailmanager")
    policy = api.create_traffic_policy(
        TrafficPolicyName="all", DefaultAction="ALLOW", PolicyStatements=[]
    )["TrafficPolicyId"]
    rules = api.create_rule_set(RuleSetName="rules", Rules=[])["RuleSetId"]
    point = api.create_ingress_point(
        IngressPointName="gate", Type="OPEN", RuleSetId=rules, TrafficPolicyId=policy
    )["IngressPointId"]
    empty = account.mends(
        "gateway", "empty", lambda: api.update_rule_set(RuleSetId=rules, Rules=[DROP])
    )
    assert empty.level is Level.PROBLEM
    assert [one.check for one in account.look("gateway")] == ["takes-mail"]
    api.update_ingress_point(IngressPointId=point, StatusToUpdate="CLOSED")
    while api.get_ingress_point(IngressPointId=point)["Status"] != "CLOSED":
        time.sleep(0.02)
    finding = account.find("gateway", "closed")
    account.run(finding.command)
    assert "closed" not in [one.check for one in account.look("gateway")]
    assert finding.found.startswith("ingress point gate is CLOSED")
