"""Relays, and add-ons of other companies."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from synthesis import ACCOUNT, REGION, Template, new_stack, refuses, synthesized, warnings_of

from cdk_mailroom import MailGateway, Relay, gateway
from cdk_mailroom.gateway import AddonName, AddonSubscription, Deny


@pytest.fixture(scope="module")
def template() -> Template:
    """A relay with and one without a password, and two add-ons."""

    def build(stack):
        key = kms.Key(stack, "Key")
        secret = secretsmanager.Secret(stack, "Secret", encryption_key=key)
        Relay(stack, "Login", server="smtp.example.com", port=587, secret=secret)
        Relay(stack, "Plain", server="aspmx.l.google.com")
        port = CfnParameter(stack, "Port", type="Number").value_as_number
        Relay(stack, "Unknown", server=CfnParameter(stack, "Server").value_as_string, port=port)
        lists = AddonSubscription(
            stack, "Lists", name=AddonName.SPAMHAUS_DBL, accept_terms_and_price=True
        )
        scans = AddonSubscription(
            stack, "Scans", name="VADE_ADVANCED_EMAIL_SECURITY", accept_terms_and_price=True
        )
        gate = MailGateway(
            stack,
            "Gateway",
            recipients=["@example.com"],
            traffic=gateway.TrafficPolicy(statements=[Deny([lists.boolean("isListed").is_true])]),
        )
        gate.add_rule(
            "Spam",
            when=[scans.boolean("isPassed").is_false, scans.verdict("verdict").is_("FAIL")],
            unless=[scans.string("category").is_("clean")],
            after=[gateway.actions.Drop()],
            store=False,
        )

    return synthesized(build)


def test_a_relay_logs_in_with_its_secret(template):
    """Or not at all."""
    assert template.at("Login") == {
        "ServerName": "smtp.example.com",
        "ServerPort": 587,
        "Authentication": {"SecretArn": "<Secret>"},
    }
    assert template.at("Plain") == {
        "ServerName": "aspmx.l.google.com",
        "ServerPort": 25,
        "Authentication": {"NoAuthentication": {}},
    }


def test_ses_alone_reads_the_secret_for_relays_of_this_account(template):
    """By the policies of the secret and of its key, which exist before the relay."""

    def statement(actions, **equal):
        source = f"arn:aws:ses:{REGION}:{ACCOUNT}:mailmanager-smtp-relay/*"
        return {
            "Action": actions,
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT, **equal},
                "ArnLike": {"aws:SourceArn": source},
            },
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Resource": "*",
        }

    assert template.at("Secret/Policy")["ResourcePolicy"]["Statement"] == [
        statement(["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"])
    ]
    services = [
        one for one in template.at("Key")["KeyPolicy"]["Statement"] if "Service" in one["Principal"]
    ]
    via = f"secretsmanager.{REGION}.amazonaws.com"
    assert services == [statement(["kms:Decrypt", "kms:DescribeKey"], **{"kms:ViaService": via})]
    assert {"Secret/Policy", "Key"} <= template.needs("Login")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"server": "mail_1.example.com"}, ("server is 'mail_1.example.com'",)),
        ({"server": "a" * 101}, ("server", "100")),
        ({"port": 0}, ("port is 0", "65535")),
        ({"secret": "password"}, ("secret is 'password'",)),
    ],
)
def test_a_relay_that_mail_manager_refuses_is_refused(stack, options, words):
    """By argument."""
    with refuses(*words):
        Relay(stack, "Relay", **{"server": "mail.example.com", **options})


def test_a_secret_without_a_customer_key_is_refused(stack):
    """SES cannot use that of Secrets Manager."""
    with refuses("secret is 'Stack/Secret'", "encryption_key=kms.Key(…)"):
        Relay(stack, "Relay", server="a.example", secret=secretsmanager.Secret(stack, "Secret"))


def test_an_add_on_is_subscribed_to_and_used(template):
    """Conditions name its instance, so it exists before what uses it."""
    assert template.at("Lists/Subscription") == {"AddonName": "SPAMHAUS_DBL"}
    instance = template.at("Lists/Instance")
    assert instance == {"AddonSubscriptionId": "<Lists/Subscription.AddonSubscriptionId>"}
    assert "Lists/Instance" in template.needs("Gateway/TrafficPolicy")
    assert "Scans/Instance" in template.needs("Gateway/RuleSet")


@pytest.mark.parametrize(
    ("name", "price"), [(AddonName.SPAMHAUS_DBL, "$0.125"), ("TRENDMICRO_VSAPI", "$0.1875")]
)
@pytest.mark.parametrize("accepted", [False, "yes"])
def test_terms_and_price_have_to_be_accepted(stack, name, price, accepted):
    """A subscription accepts both for the company."""
    with refuses("accept_terms_and_price", price, "1,000 messages"):
        AddonSubscription(stack, "Addon", name=name, accept_terms_and_price=accepted)


def test_a_second_subscription_to_an_add_on_is_refused(stack):
    """The deployment would fail; another account or region has its own."""
    given = {"name": "SPAMHAUS_DBL", "accept_terms_and_price": True}
    AddonSubscription(stack, "First", **given)
    with refuses("name is 'SPAMHAUS_DBL'", "use Stack/First"):
        AddonSubscription(stack, "Second", **given)
    AddonSubscription(new_stack(cdk.App.of(stack), "There", region="us-east-1"), "First", **given)


def test_an_add_on_that_there_is_not_is_refused(stack):
    """Also one that exists already."""
    with refuses("name is 'SPAMASSASSIN'", "SPAMHAUS_DBL"):
        AddonSubscription(stack, "Addon", name="SPAMASSASSIN", accept_terms_and_price=True)
    with refuses("name is 'SPAMASSASSIN'", "SPAMHAUS_DBL"):
        gateway.Addon("arn", "SPAMASSASSIN")


@pytest.mark.parametrize(
    "condition",
    [
        gateway.Addon("arn", "SPAMHAUS_DBL").boolean("isListed").is_true,
        gateway.Addon("arn", "SPAMHAUS_DBL").string("listedOn").is_("DBL"),
    ],
)
def test_mail_over_ipv6_that_no_add_on_looks_at_is_warned_about(condition):
    """In the traffic policy, whatever the kind of the result."""
    network = gateway.PublicNetwork(dual_stack=True)
    traffic = gateway.TrafficPolicy(statements=[Deny([condition])])
    stack = new_stack()
    MailGateway(
        stack,
        "Gateway",
        recipients=["@example.com"],
        access=gateway.Open(network=network),
        traffic=traffic,
    )
    assert "cdk-mailroom:gateway-addon-network" in warnings_of(stack)


def test_an_add_on_that_exists_is_used_by_its_arn():
    """There is one subscription in an account and region."""
    addon = gateway.Addon("arn:aws:ses:eu-west-1:1:addon-instance/ai-1", "TRENDMICRO_VSAPI")
    stack = new_stack()
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    gate.add_rule(
        "Virus",
        when=[addon.boolean("isPassed").is_false],
        after=[gateway.actions.Drop()],
        store=False,
    )
    (rule,) = Template(stack).at("Gateway/RuleSet")["Rules"]
    (condition,) = rule["Conditions"]
    assert condition["BooleanExpression"]["Evaluate"]["Analysis"] == {
        "Analyzer": addon.addon_instance_arn,
        "ResultField": "isPassed",
    }
