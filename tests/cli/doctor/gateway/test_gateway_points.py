"""Ingress points that take no mail, or whose mail goes nowhere, are found."""

import time
from typing import Any

from mailroom_cli.doctor.findings import Level

from ..conftest import Account

DROP = {"Name": "all", "Actions": [{"Drop": {}}]}


def wait(api: Any, point: str, status: str) -> None:
    """Wait until the change of an ingress point is complete."""
    deadline = time.monotonic() + 60
    while api.get_ingress_point(IngressPointId=point)["Status"] != status:
        assert time.monotonic() < deadline, f"{point} does not become {status}"
        time.sleep(0.02)


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
    wait(api, point, "ACTIVE")
    empty = account.mends(
        "gateway", "empty", lambda: api.update_rule_set(RuleSetId=rules, Rules=[DROP])
    )
    assert empty.level is Level.PROBLEM
    assert [one.check for one in account.look("gateway")] == ["takes-mail"]
    api.update_ingress_point(IngressPointId=point, StatusToUpdate="CLOSED")
    wait(api, point, "CLOSED")
    finding = account.find("gateway", "closed")
    account.run(finding.command)
    wait(api, point, "ACTIVE")
    assert [one.check for one in account.look("gateway")] == ["takes-mail"]
    assert finding.found.startswith("ingress point gate is CLOSED")
