"""Mail that a gateway delivers into the mailboxes of an organization."""

import json
from typing import Any

from local.workmail.organization import Organization


def test_deliver_to_mailbox_hands_mail_to_the_organization(
    account: Any, office: Organization
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    name = account.name("gateway")
    role = account.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )["Role"]["Arn"]
    allowed = {
        "Effect": "Allow",
        "Action": "workmail:DeliverToMailbox",
        "Resource": office.arn,
    }
    account.iam.put_role_policy(
        RoleName=name, PolicyName="deliver", PolicyDocument=json.dumps({"Statement": [allowed]})
    )
    manager = account.aws.client("mailmanager")
    deliver = {"DeliverToMailbox": {"MailboxArn": office.arn, "RoleArn": role}}
    rules = [{"Name": "deliver", "Actions": [deliver]}]
    point = manager.create_ingress_point(
        IngressPointName=name,
        Type="OPEN",
        TlsPolicy="OPTIONAL",
        RuleSetId=manager.create_rule_set(RuleSetName=name, Rules=rules)["RuleSetId"],
        TrafficPolicyId=manager.create_traffic_policy(
            TrafficPolicyName=name, DefaultAction="ALLOW", PolicyStatements=[]
        )["TrafficPolicyId"],
    )["IngressPointId"]
    account.aws.wait_until(
        account.aws.ingress_points,
        lambda found: any(one.id == point and one.status == "ACTIVE" for one in found),
        seconds=5,
    )
    story = account.send(to=[office.ann], gateway=point)
    [action] = story.actions
    assert (action.kind, action.outcome) == ("DeliverToMailbox", "done")
    delivered = account.aws.wait(action.detail["deliveredAs"], seconds=10)
    assert [one.outcome for one in delivered.actions] == ["inbox"]
    manager.delete_ingress_point(IngressPointId=point)
