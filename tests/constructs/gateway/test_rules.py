"""Rules: their names, their limits, and what a refused one leaves."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter
from synthesis import FOLDER, Template, new_stack, refuses

from cdk_mailroom import MailGateway, PythonHandler, gateway, handlers
from cdk_mailroom.gateway import GatewayRule, HandledGatewayRule, recipient

DROP = gateway.actions.Drop()


@pytest.fixture
def gate(stack) -> MailGateway:
    """Return a gateway with everything left to its default."""
    return MailGateway(stack, "Gateway", recipients=["@example.com"])


def test_a_rule_with_a_handler_has_a_function(gate):
    """Another may have one, or none."""
    own = gate.add_rule("Own", handler=PythonHandler(FOLDER, "app:on_mail"))
    assert type(own) is HandledGatewayRule
    assert own.function.node.path == "Stack/Gateway/Own/Handler/Function"
    plain = gate.add_rule("Plain", handler=DROP)
    assert type(plain) is GatewayRule
    assert plain.function is None
    assert gate.rules == (own, plain)
    assert own.stored.prefix == "Own/"
    assert own.dead_letter_queue is gate.dead_letter_queue


def test_handlers_run_before_and_after_too(gate, stack):
    """Each has its own function."""
    handler = PythonHandler(FOLDER, "app:on_mail")
    gate.add_rule("Rule", before=[handler], handler=handler, after=[handler])
    (rule,) = Template(stack).at("Gateway/RuleSet")["Rules"]
    assert [next(iter(one)) for one in rule["Actions"]] == [
        "InvokeLambda",
        "WriteToS3",
        "InvokeLambda",
        "InvokeLambda",
    ]
    assert [
        one["InvokeLambda"]["FunctionArn"] for one in rule["Actions"] if "InvokeLambda" in one
    ] == [f"<Gateway/Rule/{name}/Function.Arn>" for name in ("Before1", "Handler", "After1")]


def test_a_synchronous_handler_has_alarms(gate):
    """On what it leaves on no dead-letter queue."""
    rule = gate.add_rule("Rule", handler=PythonHandler(FOLDER, "app:on_mail", synchronous=True))
    assert [alarm.node.id for alarm in rule.failure_alarms] == ["FailureAlarm", "NotKeptAlarm"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"before": []}, ("handler is None", "would do nothing")),
        ({"before": DROP}, ("before", "pass a list")),
        ({"after": [5]}, ("actions[1] is 5", "gateway.actions")),
        ({"before": [DROP] * 11}, ("len(actions) is 11", "10")),
        ({"rule_name": "a b"}, ("rule_name is 'a b'", "32")),
        ({"rule_name": "a" * 33}, ("rule_name", "32")),
        ({"on_failure": "STOP"}, ("on_failure is 'STOP'", "CONTINUE")),
        (
            {"handler": handlers.RejectSpam()},
            ("handler is 'RejectSpam'", "AddonSubscription", "spf.is_('FAIL')"),
        ),
        ({"handler": handlers.SaveAttachments(), "store": False}, ("store is False", "omit it")),
    ],
)
def test_a_rule_that_cannot_work_is_refused_and_leaves_nothing(gate, options, words):
    """The corrected call may use the same id."""
    given = {"before": [DROP], "store": False, **options}
    with refuses(*words):
        gate.add_rule("Rule", **given)
    gate.add_rule("Rule", after=[DROP], store=False)
    assert len(gate.rules) == 1


def test_an_id_that_is_no_name_asks_for_a_name(gate):
    """The name is in each log record, and has 32 characters at most."""
    with refuses("rule_name", "1 to 32"):
        gate.add_rule("ARuleWithAVeryLongConstructIdIndeed", after=[DROP])
    rule = gate.add_rule("ARuleWithAVeryLongConstructIdIndeed", after=[DROP], rule_name="long")
    assert rule.rule_name == "long"
    with refuses("rule_name is 'long'", "another"):
        gate.add_rule("Other", after=[DROP], rule_name="long")


def test_a_prefix_that_is_too_long_is_refused(gate):
    """That of the stored copy is the rule's id."""
    with refuses("prefix", "62"):
        gate.add_rule("A" * 62, rule_name="a", after=[DROP])


def test_there_are_forty_rules_at_most(gate):
    """AWS does not raise it."""
    for number in range(40):
        gate.add_rule(f"Rule{number}", handler=gateway.actions.Archive("a-1"), store=False)
    with refuses("len(rules) is 41", "40"):
        gate.add_rule("Rule40", after=[DROP], store=False)


def test_ten_actions_of_a_rule_set_send_at_most(gate):
    """Relay and Send together."""
    send = gateway.actions.Send(identities=["example.com"])
    when = [recipient.contains("a")]
    relay = gateway.actions.Relay("r-1")
    gate.add_rule("Five", when=when, before=[send, relay] * 5, store=False)
    with refuses("len(relay and send actions) is 11", "10"):
        gate.add_rule("Eleventh", when=when, before=[relay], store=False)


class Contexts(PythonHandler):
    """Keeps what it is configured with."""

    def configure(self, function, context):
        """Keep it."""
        self.context = context


def test_a_handler_of_ones_own_gets_the_same_context_as_from_a_receipt_rule(gate):
    """It may grant and set without knowing which of both it serves."""
    from cdk_mailroom import InboundMail

    handler = Contexts(FOLDER, "app:on_mail")
    gate.add_rule("Behind", when=[recipient.is_("a@example.com")], handler=handler)
    behind = handler.context
    InboundMail(new_stack(), "Inbound").add_rule(
        "Behind", recipients=["a@example.com"], handler=handler
    )
    received = handler.context
    assert behind.kind == "gateway rule"
    assert received.kind == "receipt rule"
    assert (behind.rule_id, behind.recipients) == (received.rule_id, ["a@example.com"])
    assert behind.stored.prefix == received.stored.prefix


@pytest.mark.parametrize(
    ("when", "recipients"),
    [
        ([], ["example.com"]),
        ([recipient.is_("a@example.com", "b@example.com")], ["a@example.com", "b@example.com"]),
        (
            [recipient.ends_with("@in.example.com", ".example.com")],
            ["in.example.com", "example.com"],
        ),
        ([recipient.starts_with("a")], ["example.com"]),
        ([gateway.subject.is_("a@example.net")], ["example.com"]),
        ([recipient.contains("a"), recipient.is_("a@example.com")], ["a@example.com"]),
    ],
)
def test_a_handler_knows_whom_the_rule_is_for(gate, when, recipients):
    """By its conditions, or else by what the gateway accepts: a sender's address comes from it."""
    handler = Contexts(FOLDER, "app:on_mail")
    gate.add_rule("Rule", when=when, handler=handler)
    assert list(handler.context.recipients) == recipients


def test_what_only_cloudformation_knows_is_no_recipient(gate, stack):
    """The handler has it as it is."""
    handler = Contexts(FOLDER, "app:on_mail")
    unknown = CfnParameter(stack, "Recipient").value_as_string
    gate.add_rule("Rule", when=[recipient.is_(unknown)], handler=handler)
    assert handler.context.recipients == [unknown]
