"""The bundled behaviours behind a gateway."""

from __future__ import annotations

import pytest
from synthesis import Template, new_stack, refuses, targets, warnings_of

from cdk_mailroom import MailGateway, gateway, handlers
from cdk_mailroom.gateway import recipient

CODE = "cdk-mailroom:gateway-verdicts"
HANDED = ("ToEventBus", "ToQueue", "ToStateMachine", "ToTopic", "Webhook")


@pytest.fixture(scope="module")
def stack():
    """One rule for each behaviour."""
    stack = new_stack()
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    to = recipient.is_("support@example.com")
    for name, handler in {
        "Forward": handlers.Forward(to=["a@example.net"]),
        "Accepted": handlers.Forward(to=["a@example.net"], forward_unscanned=True),
        "Reply": handlers.AutoReply(text="Thank you."),
        "Save": handlers.SaveAttachments(),
    }.items():
        gate.add_rule(name, when=[to], handler=handler)
    gate.add_rule("ReplyAll", handler=handlers.AutoReply(text="Thank you."))
    given = targets(stack)
    for name in HANDED:
        arguments, options = given[name]
        gate.add_rule(name, handler=getattr(handlers, name)(**arguments, **options))
    return stack


@pytest.fixture(scope="module")
def template(stack) -> Template:
    """The same, synthesized."""
    return Template(stack)


def test_forward_forwards_what_nobody_has_scanned(template):
    """Behind a gateway there is no other mail."""
    found = template.environment("Gateway/Forward/Handler/Function")
    assert found["MAILROOM_FORWARD_UNSCANNED"] == "1"
    assert found["MAILROOM_FORWARD_FROM"] == "support@example.com"
    assert found["MAILROOM_PREFIX"] == "Forward/"


@pytest.mark.parametrize(
    ("rule", "sender"), [("Reply", "support@example.com"), ("ReplyAll", "no-reply@example.com")]
)
def test_the_sender_comes_from_the_conditions_or_from_the_gateway(template, rule, sender):
    """As from the recipients of a receipt rule."""
    found = template.environment(f"Gateway/{rule}/Handler/Function")
    assert found["MAILROOM_REPLY_FROM"] == sender


@pytest.mark.parametrize("name", HANDED)
def test_mail_is_handed_on(template, name):
    """To the same targets, with the stored mail."""
    found = template.environment(f"Gateway/{name}/Handler/Function")
    assert found["MAILROOM_PREFIX"] == f"{name}/"
    assert found["MAILROOM_HAND_ON_TEXT_BYTES"] == "65536"


def test_what_becomes_of_mail_without_verdicts_is_said(stack):
    """Of each behaviour that looks at them, unless it was accepted."""
    found = {text.partition(":")[0]: text for text in warnings_of(stack)[CODE]}
    assert set(found) == {
        f"Stack/Gateway/{name}/Handler/Function"
        for name in ("Forward", "Reply", "Save", "ReplyAll")
    }
    for text in found.values():
        assert "AddonSubscription" in text


@pytest.mark.parametrize("verdicts", [None, {"spf": {"FAIL": "STOP_RULE_SET"}}])
def test_rejecting_by_verdicts_is_refused_with_what_to_do(verdicts):
    """Mail Manager has none of its own on spam, and its rules decide by the others."""
    gate = MailGateway(new_stack(), "Gateway", recipients=["@example.com"])
    with refuses("RejectSpam", "Drop", "dkim.is_('FAIL')"):
        gate.add_rule("Rule", handler=handlers.RejectSpam(verdicts=verdicts))


def test_a_sender_that_nothing_names_is_refused():
    """A smart host accepts every recipient."""
    gate = MailGateway(new_stack(), "Gateway", recipients=gateway.ANY_RECIPIENT)
    with refuses("from_address", "verified identity"):
        gate.add_rule("Rule", handler=handlers.Forward(to=["a@example.net"]))
