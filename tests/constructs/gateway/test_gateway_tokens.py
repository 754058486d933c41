"""What only CloudFormation knows works in every argument of a gateway, or is refused by name."""

from __future__ import annotations

import pytest
from synthesis import FOLDER
from token_cases import KINDS, cases, complaints, public_callables

from cdk_mailroom import AddressList, MailArchive, MailGateway, PythonHandler, Relay, gateway

DROP = gateway.actions.Drop()
Q_IDS = {
    "application_id": "11111111-2222-3333-4444-555555555555",
    "index_id": "99999999-2222-3333-4444-555555555555",
}
ADDON = "arn:aws:ses:eu-west-1:111122223333:addon-instance/ai-1"
CA = "-----BEGIN CERTIFICATE-----"


def gate(stack, **arguments):
    """Return a gateway that is right but for *arguments*."""
    if not arguments.keys() & {"traffic", "recipients"}:
        arguments["recipients"] = ["@example.com"]
    # As little as there can be: each case makes one.
    made = MailGateway(stack, "Gateway", logs=gateway.Logs(actions=False), **arguments)
    if "rule_set" not in arguments:
        made.add_rule("First")
    return made


def rule(stack, **arguments):
    """Return a rule that is right but for *arguments*."""
    if "retry" in arguments:
        arguments["handler"] = PythonHandler(FOLDER, "app:on_mail")
    return gate(stack).add_rule("Rule", **{"handler": DROP, **arguments})


def acting(make):
    """Return what adds a rule with the action that *make* makes."""
    return lambda stack, **arguments: rule(stack, before=[make(stack, **arguments)], store=False)


def when(make):
    """Return what adds a rule with the condition that *make* makes."""
    return lambda stack, **arguments: rule(stack, when=[make(**arguments)], store=False)


def accessed(make):
    """Return a gateway with the access that *make* makes."""
    return lambda stack, **arguments: gate(stack, access=make(**arguments))


def stated(kind):
    """Return a gateway with a statement of *kind*."""
    return lambda stack, **arguments: gate(
        stack, traffic=gateway.TrafficPolicy(statements=[kind(**arguments)]), recipients=["@a.b"]
    )


def addon(**arguments):
    """Return an add-on that is right but for *arguments*."""
    return gateway.Addon(**{"addon_instance_arn": ADDON, "name": "SPAMHAUS_DBL", **arguments})


def subscription(stack, **arguments):
    """Return a subscription that is right but for *arguments*."""
    given = {"name": "SPAMHAUS_DBL", "accept_terms_and_price": True, **arguments}
    return gateway.AddonSubscription(stack, "Addon", **given)


def function(stack):
    """Return a function that exists already."""
    from aws_cdk import aws_lambda as lambda_

    arn = "arn:aws:lambda:eu-west-1:111122223333:function:theirs"
    return lambda_.Function.from_function_arn(stack, "Theirs", arn)


def bucket(stack):
    """Return a bucket."""
    from aws_cdk import aws_s3 as s3

    return s3.Bucket(stack, "Bucket")


def topic(stack):
    """Return a topic."""
    from aws_cdk import aws_sns as sns

    return sns.Topic(stack, "Topic")


A = gateway.actions
CALLS = {
    "Addon": when(lambda **given: addon(**given).boolean("isListed").is_true),
    "Addon.boolean": when(lambda **given: addon().boolean(**given).is_true),
    "Addon.string": when(lambda **given: addon().string(**given).is_("a")),
    "Addon.verdict": when(lambda **given: addon().verdict(**given).is_("FAIL")),
    "AddonSubscription": subscription,
    "AddonSubscription.boolean": lambda stack, **given: rule(
        stack, when=[subscription(stack).boolean(**given).is_true]
    ),
    "AddonSubscription.string": lambda stack, **given: rule(
        stack, when=[subscription(stack).string(**given).is_("a")]
    ),
    "AddonSubscription.verdict": lambda stack, **given: rule(
        stack, when=[subscription(stack).verdict(**given).is_("FAIL")]
    ),
    "AddressList": lambda stack, **given: AddressList(stack, "List", **given),
    "AddressList.from_address_list_arn": lambda stack, **given: AddressList.from_address_list_arn(
        stack, "List", **given
    ),
    "Allow": stated(gateway.Allow),
    "Authenticated": accessed(gateway.Authenticated),
    "Deny": stated(gateway.Deny),
    "ExistingIngressPoint": lambda stack, **given: MailGateway(
        stack,
        "Gateway",
        access=gateway.ExistingIngressPoint(**{"ingress_point_id": "inp-1", **given}),
    ).add_rule("Rule", after=[DROP]),
    "MailArchive": lambda stack, **given: MailArchive(stack, "Archive", **given),
    "MailArchive.from_archive_arn": lambda stack, **given: MailArchive.from_archive_arn(
        stack, "Archive", **given
    ),
    "MailGateway": gate,
    "MailGateway.add_rule": rule,
    "MutualTls": accessed(lambda **given: gateway.MutualTls(**{"ca": CA, **given})),
    "Open": accessed(gateway.Open),
    "Relay": lambda stack, **given: Relay(stack, "Relay", **{"server": "a.example", **given}),
    "TrafficPolicy": lambda stack, **given: gate(
        stack, traffic=gateway.TrafficPolicy(**given), recipients=["@a.example"]
    ),
    "VpcEndpoint": lambda stack, **given: gate(
        stack, access=gateway.Open(network=gateway.VpcEndpoint(**given))
    ),
    "certificate": when(lambda **given: gateway.certificate(**given).is_("a")),
    "header": when(lambda **given: gateway.header(**given).is_("a")),
}
ACTIONS = {
    "AddHeader": acting(lambda _, **given: A.AddHeader(**{"name": "X-A", "value": "a", **given})),
    "Archive": acting(lambda _, **given: A.Archive(**{"archive": "a-1", **given})),
    "Bounce": acting(
        lambda _, **given: A.Bounce(**{"sender": "a@b.example", "diagnostic": "No", **given})
    ),
    "DeliverToQBusiness": acting(lambda _, **given: A.DeliverToQBusiness(**Q_IDS | given)),
    "InvokeFunction": acting(lambda stack, **given: A.InvokeFunction(function(stack), **given)),
    "Publish": acting(lambda stack, **given: A.Publish(topic(stack), **given)),
    "Relay": acting(lambda _, **given: A.Relay(**{"relay": "r-1", **given})),
    "ReplaceRecipients": acting(lambda _, **given: A.ReplaceRecipients(given["addresses"])),
    "Send": acting(lambda _, **given: A.Send(**{"identities": ["a.example"], **given})),
    "Store": acting(lambda stack, **given: A.Store(bucket(stack), **given)),
}
# Made by the library, or implemented by users.
NOT_CALLED_BY_USERS = {
    *("Access", "AnyCondition", "BoundAccess", "BoundGatewayAction", "ExistingAddressList"),
    *("ExistingMailArchive", "GatewayAction", "GatewayContext", "GatewayRule"),
    *("HandledGatewayRule", "PolicyCondition", "RuleCondition"),
}


def called(*packages):
    """Return what users call, without what an access offers to the gateway."""
    found = public_callables(*packages, part="gateway", skip=NOT_CALLED_BY_USERS)
    return {name: one for name, one in found.items() if not name.endswith(".tls_policy")}


CALLABLES = {
    name: one for name, one in called(gateway).items() if name not in ("actions", "OnFailure")
}
CALLABLES_OF_ACTIONS = called(gateway.actions)


def test_every_public_callable_of_a_gateway_is_tried():
    """A new one, or a new argument of one, is found by its annotations."""
    assert CALLABLES.keys() == CALLS.keys()
    assert CALLABLES_OF_ACTIONS.keys() == ACTIONS.keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("calls", "callables"),
    [(CALLS, CALLABLES), (ACTIONS, CALLABLES_OF_ACTIONS)],
    ids=["gateway", "actions"],
)
def test_tokens_work_or_are_refused_by_name(calls, callables, kind):
    """No error of jsii reaches the user, when the app is built or when it is synthesized."""
    wrong = complaints(calls, cases(callables, kind))
    assert not wrong, "\n".join(wrong)
