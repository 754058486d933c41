"""Delivery from a gateway to the mailboxes of WorkMail."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter
from synthesis import ACCOUNT, REGION, Template, refuses

from cdk_mailroom import MailGateway, gateway

ORGANIZATION = f"arn:aws:workmail:{REGION}:{ACCOUNT}:organization/m-1"
ROLE = "<Gateway/Role.Arn>"


def test_workmail_gets_the_organization_and_the_role_may_deliver_there(stack):
    """Not a mailbox."""
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    gate.add_rule("Rule", before=[gateway.actions.DeliverToWorkMail(ORGANIZATION)], store=False)
    template = Template(stack)
    (rule,) = template.at("Gateway/RuleSet")["Rules"]
    assert rule["Actions"] == [
        {
            "DeliverToMailbox": {
                "MailboxArn": ORGANIZATION,
                "RoleArn": ROLE,
                "ActionFailurePolicy": "CONTINUE",
            }
        }
    ]
    assert template.at("Gateway/Role/DefaultPolicy")["PolicyDocument"]["Statement"] == [
        {"Action": "workmail:DeliverToMailbox", "Effect": "Allow", "Resource": ORGANIZATION}
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"organization_arn": "m-1"}, ("organization_arn is 'm-1'", "organization/m-…")),
        ({"organization_arn": f"{ORGANIZATION}/user/a"}, ("organization_arn",)),
        (
            {"organization_arn": ORGANIZATION, "on_failure": "STOP"},
            ("on_failure is 'STOP'", "CONTINUE"),
        ),
    ],
)
def test_what_is_no_organization_is_refused(arguments, words):
    """Mailboxes are found by their addresses."""
    with refuses(*words):
        gateway.actions.DeliverToWorkMail(**arguments)


def test_an_organization_that_only_cloudformation_knows_passes(stack):
    """It cannot be looked at."""
    gateway.actions.DeliverToWorkMail(CfnParameter(stack, "Organization").value_as_string)
