"""Mail that is accepted and that no rule answers for is lost: synth says where it can be."""

from __future__ import annotations

import pytest
from synthesis import FOLDER, new_stack, refuses, warnings_of

from cdk_mailroom import MailGateway, PythonHandler, gateway
from cdk_mailroom.gateway import recipient, size, source_ip, spf

ACTIONS = gateway.actions
LOST = "cdk-mailroom:gateway-lost-mail"


def lost(*rules, recipients=("@example.com",), **options):
    """Tell whether a gateway with *rules* warns of lost mail."""
    stack = new_stack()
    gate = MailGateway(stack, "Gateway", recipients=recipients, **options)
    for number, one in enumerate(rules):
        gate.add_rule(f"Rule{number}", **one)
    # Validation is when an app has its last rule.
    gate.node.validate()
    return LOST in warnings_of(stack)


@pytest.mark.parametrize(
    ("rules", "options"),
    [
        ([{"when": [recipient.is_("support@example.com")]}], {}),
        ([{"when": [recipient.ends_with("@example.com"), size < 9]}], {}),
        ([{"unless": [spf.is_("FAIL")]}], {}),
        ([{"when": [recipient.ends_with("@example.com")]}], {"recipients": gateway.ANY_RECIPIENT}),
        ([{"handler": ACTIONS.AddHeader("X-A", "b"), "store": False}], {}),
        ([{"handler": ACTIONS.ReplaceRecipients("a@b.example"), "store": False}], {}),
        (
            [{"when": [recipient.ends_with("@example.com")]}],
            {
                "traffic": gateway.TrafficPolicy(
                    statements=[gateway.Allow([recipient.contains("a")])]
                )
            },
        ),
    ],
    ids=["one", "size", "unless", "anyone", "header", "replaced", "allowed besides"],
)
def test_mail_that_may_meet_no_rule_is_warned_of(rules, options):
    assert lost(*rules, **options)


@pytest.mark.parametrize(
    ("rules", "options"),
    [
        ([{"when": [size < 9]}, {}], {}),
        ([{"when": [recipient.ends_with("@Example.com")]}], {}),
        (
            [{"when": [recipient.is_("a@example.com", "b@example.com")]}],
            {"recipients": ["a@example.com", "b@example.com"]},
        ),
        ([{"handler": PythonHandler(FOLDER, "app:on_mail"), "store": False}], {}),
        ([{"when": [size < 9]}, {"handler": ACTIONS.Drop(), "store": False}], {}),
    ],
    ids=["rest", "domain", "addresses", "handler", "dropped on purpose"],
)
def test_mail_that_always_meets_a_rule_is_not(rules, options):
    assert not lost(*rules, **options)


def test_a_gateway_that_shares_rules_is_asked_too():
    stack = new_stack()
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    gate.add_rule("Own", when=[recipient.ends_with("@example.com")])
    MailGateway(stack, "Other", recipients=["@example.org"], rule_set=gate)
    gate.node.validate()
    [text] = warnings_of(stack)[LOST]
    assert "@example.org" in text
    assert "@example.com" not in text


def test_nothing_runs_behind_a_drop():
    """Neither an action of its rule, the stored copy included, nor a later rule."""
    gate = MailGateway(new_stack(), "Gateway", recipients=["@example.com"])
    with refuses("actions[0] is 'Drop()'", "after=[Drop()]"):
        gate.add_rule("Rule", before=[ACTIONS.Drop()])
    gate.add_rule("All", after=[ACTIONS.Drop()])
    with refuses("position is 2", "before All"):
        gate.add_rule("Rule")


def test_rules_may_follow_a_drop_that_a_function_decides_about():
    """With STOP_RULE, it skips the Drop."""
    gate = MailGateway(new_stack(), "Gateway", recipients=["@example.com"])
    handler = PythonHandler(FOLDER, "app:on_mail", synchronous=True, on_error="stop_rule")
    gate.add_rule("Decides", handler=handler, after=[ACTIONS.Drop()])
    gate.add_rule("Rest")
    assert len(gate.rules) == 2


@pytest.mark.parametrize(
    ("when", "traffic"),
    [
        ([recipient.ends_with(".com", "com")], None),
        ([source_ip.in_range("0.0.0.0/0")], None),
        ([source_ip.in_range("::/0")], None),
        (
            [],
            gateway.TrafficPolicy(
                statements=[gateway.Allow([gateway.tls_version.at_least("TLS1_2")])]
            ),
        ),
    ],
    ids=["top-level domain", "all of IPv4", "all of IPv6", "a statement that allows anyone"],
)
def test_what_limits_nobody_leaves_an_open_relay(when, traffic):
    recipients = gateway.ANY_RECIPIENT if traffic is None else ["@example.com"]
    gate = MailGateway(new_stack(), "Gateway", recipients=recipients, traffic=traffic)
    gate.add_rule("Send", when=when, handler=ACTIONS.Send(identities=["example.com"]))
    [complaint] = gate.node.validate()
    assert "open relay" in complaint


def test_a_vpc_may_send_to_anyone_without_a_login():
    """Nobody else reaches its endpoint."""
    gate = MailGateway(
        new_stack(),
        "Gateway",
        recipients=gateway.ANY_RECIPIENT,
        access=gateway.Open(network=gateway.VpcEndpoint("vpce-0123456789abcdef0")),
    )
    gate.add_rule("Send", handler=ACTIONS.Send(identities=["example.com"]))
    assert gate.node.validate() == []
