"""An ingress point for the tests of the page."""

from typing import Any


def gateway(account: Any) -> str:
    """The id of an ingress point with two rules, the first for one recipient."""
    api, name = account.aws.client("mailmanager"), account.name("gate")
    condition = {
        "Evaluate": {"Attribute": "RECIPIENT"},
        "Operator": "EQUALS",
        "Values": ["sales@example.com"],
    }
    rules = [
        {
            "Name": "sales",
            "Conditions": [{"StringExpression": condition}],
            "Actions": [{"AddHeader": {"HeaderName": "X-Sales", "HeaderValue": "yes"}}],
        },
        {"Name": "rest", "Actions": [{"Drop": {}}]},
        {"Name": "late", "Actions": [{"Drop": {}}]},
    ]
    rule_set = api.create_rule_set(RuleSetName=f"{name}-rules", Rules=rules)["RuleSetId"]
    policy = api.create_traffic_policy(
        TrafficPolicyName=f"{name}-policy", DefaultAction="ALLOW", PolicyStatements=[]
    )["TrafficPolicyId"]
    point: str = api.create_ingress_point(
        IngressPointName=name,
        Type="OPEN",
        TlsPolicy="OPTIONAL",
        RuleSetId=rule_set,
        TrafficPolicyId=policy,
    )["IngressPointId"]
    account.aws.wait_until(
        account.aws.ingress_points,
        lambda found: all(one.status == "ACTIVE" for one in found if one.id == point),
        seconds=5,
    )
    return point
