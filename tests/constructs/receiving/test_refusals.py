"""What is refused at synth: with argument, value and remedy, all problems of a call together."""

from __future__ import annotations

import pytest
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as ses_actions
from synthesis import FOLDER, refuses

from cdk_mailroom import InboundMail, PythonHandler, actions


@pytest.fixture
def inbound(stack) -> InboundMail:
    """Return an inbound with everything left to its default."""
    return InboundMail(stack, "Inbound")


def add(inbound: InboundMail, **options):
    """Add a rule that is right but for *options*."""
    return inbound.add_rule("Rule", **{"recipients": ["a@example.com"], **options})


def python(**options) -> PythonHandler:
    """Return a handler that is right but for *options*."""
    return PythonHandler(FOLDER, options.pop("handler", "app:on_mail"), **options)


# InboundMail


def test_a_name_for_a_given_rule_set_is_refused(stack):
    """The set already has a name."""
    given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stack, "Theirs", "theirs")
    with refuses("rule_set_name is 'ours'", "omit it", "rule_set"):
        InboundMail(stack, "Inbound", rule_set=given, rule_set_name="ours")


def test_joining_with_a_given_rule_set_is_refused(stack):
    """Joining means whatever set is active."""
    given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stack, "Theirs", "theirs")
    with refuses("rule_set is 'Stack/Theirs'", "omit it", "active"):
        InboundMail(stack, "Inbound", rule_set=given, activation="join")


def test_a_rule_to_follow_in_a_new_rule_set_is_refused(stack):
    """A new set has no rule yet."""
    theirs = ses.ReceiptRule.from_receipt_rule_name(stack, "First", "first")
    with refuses("after_rule is 'Stack/First'", "pass the rule_set"):
        InboundMail(stack, "Inbound", after_rule=theirs)


def test_an_unknown_activation_is_refused(stack):
    """The message lists what there is."""
    with refuses("activation is 'steal'", "refuse", "join", "replace"):
        InboundMail(stack, "Inbound", activation="steal")


def test_a_malformed_rule_set_name_is_refused(stack):
    """The same grammar as a rule's."""
    with refuses("rule_set_name is 'a b'", "letters"):
        InboundMail(stack, "Inbound", rule_set_name="a b")


def test_options_of_a_given_bucket_are_refused(stack):
    """Retention, removal policy and key belong where the bucket is made; all are reported."""
    with refuses("retention is", "removal_policy is 'DESTROY'", "given bucket"):
        InboundMail(
            stack,
            "Inbound",
            bucket=s3.Bucket(stack, "Mine"),
            retention=Duration.days(1),
            removal_policy=RemovalPolicy.DESTROY,
        )


def test_an_unknown_retention_is_refused(stack):
    """The only accepted word is "forever"."""
    with refuses("retention is 'always'", "forever"):
        InboundMail(stack, "Inbound", retention="always")


def test_a_domain_without_a_zone_is_refused(stack):
    """There is nowhere to put its records."""
    with refuses("domain is 'example.com'", "hosted_zone"):
        InboundMail(stack, "Inbound", domain="example.com")


def test_a_domain_outside_the_zone_is_refused(stack):
    """ "notexample.com" ends in "example.com" but is a different domain."""
    zone = route53.PublicHostedZone(stack, "Zone", zone_name="example.com")
    with refuses("domain is 'notexample.com'", "zone example.com"):
        InboundMail(stack, "Inbound", hosted_zone=zone, domain="notexample.com")


def test_a_zone_without_a_name_is_refused(stack):
    """A zone imported by its id alone does not have its domain name."""
    zone = route53.HostedZone.from_hosted_zone_id(stack, "Zone", "Z1")
    with refuses("hosted_zone is 'Stack/Zone'", "from_hosted_zone_attributes"):
        InboundMail(stack, "Inbound", hosted_zone=zone)


# add_rule


def test_an_empty_list_of_recipients_is_refused(inbound):
    """For SES that is a catch-all, which must be asked for by name."""
    with refuses("recipients is []", "EVERY_RECIPIENT"):
        add(inbound, recipients=[])


def test_a_string_for_recipients_is_refused(inbound):
    """A string is a sequence of letters to Python."""
    with refuses("recipients is 'a@example.com'", "['a@example.com']"):
        add(inbound, recipients="a@example.com")


def test_501_recipients_are_refused(inbound):
    """500 is SES's limit."""
    with refuses("len(recipients) is 501", "500"):
        add(inbound, recipients=[f"a{number}@example.com" for number in range(501)])


def test_500_recipients_are_accepted(inbound):
    """The limit itself is allowed."""
    assert add(inbound, recipients=[f"a{number}@example.com" for number in range(500)])


@pytest.mark.parametrize(
    "recipient",
    ["", "@", "a@", "@example.com", "a b@example.com", "example", "a@example", "..example.com",
     "a@-example.com", "a@example.com\n", "a@exämple.com", "A <a@example.com>", "a@b@example.com",
     "*@example.com ", "example.com/support", "a..b@example.com", ".a@example.com", None, 7],
)  # fmt: skip
def test_a_malformed_recipient_is_refused(inbound, recipient):
    """SES would refuse it while the stack deploys, or never match it."""
    with refuses(f"recipients[1] is {recipient!r}", "user@example.com"):
        add(inbound, recipients=["a@example.com", recipient])


def test_a_recipient_named_twice_is_refused(inbound):
    """Letter case makes no difference."""
    with refuses("recipients[1] is 'A@Example.com'", "duplicate"):
        add(inbound, recipients=["a@example.com", "A@Example.com"])


@pytest.mark.parametrize("name", ["", "-a", "a-", "_a", "a b", "a.b", "ä", "a" * 64, "a\n"])
def test_a_malformed_rule_name_is_refused(inbound, name):
    """Letters, digits, hyphen, underscore; a letter or digit at each end; under 64."""
    with refuses(f"rule_name is {name!r}", "64"):
        add(inbound, rule_name=name)


def test_a_rule_name_of_63_characters_is_accepted(inbound):
    """ "Less than 64", says SES."""
    assert add(inbound, rule_name="a" * 63)


def test_eleven_actions_are_refused(inbound):
    """The stored copy and the handler count."""
    headers = [ses_actions.AddHeader(name=f"X-{number}", value="1") for number in range(9)]
    with refuses("len(actions) is 11", "10", "second rule"):
        add(inbound, handler=python(), after=headers)


def test_ten_actions_are_accepted(inbound):
    """The limit itself is allowed."""
    headers = [ses_actions.AddHeader(name=f"X-{number}", value="1") for number in range(8)]
    assert add(inbound, handler=python(), after=headers)


def test_a_rule_that_does_nothing_is_refused(inbound):
    """It would swallow mail without a trace."""
    with refuses("handler is None", "do nothing"):
        add(inbound, store=False)


def test_a_rule_beyond_the_200th_is_refused(stack, monkeypatch):
    """A rule set holds 200."""
    monkeypatch.setattr("cdk_mailroom.receiving.inbound.RULES_PER_RULE_SET", 1)
    inbound = InboundMail(stack, "Inbound")
    add(inbound)
    with refuses("len(rules) is 2", "several recipients"):
        inbound.add_rule("Second", recipients=["b@example.com"])


def test_an_action_behind_a_stop_is_refused(inbound):
    """It could never run."""
    with refuses("actions[0] is 'Stop'", "put it last"):
        add(inbound, before=[actions.Stop()])


def test_a_handler_given_as_a_plain_function_is_refused(inbound):
    """The most common mistake: the function itself instead of its location."""
    with refuses("<built-in function print>", "PythonHandler"):
        add(inbound, handler=print)


@pytest.mark.parametrize("place", ["before", "after"])
def test_anything_that_is_not_an_action_is_refused(inbound, place):
    """The error comes from here, not from JavaScript."""
    with refuses("is 'stop': pass PythonHandler", "aws_ses_actions"):
        add(inbound, **{place: ["stop"]})


def test_all_problems_of_one_rule_are_reported_together(inbound):
    """Five mistakes should not need five attempts."""
    with refuses("recipients[0]", "rule_name", "actions[0]", "len(actions)"):
        add(
            inbound,
            recipients=["nonsense"],
            rule_name="-",
            before=[actions.Stop()],
            after=[ses_actions.AddHeader(name="X-A", value="1") for _ in range(9)],
        )


def test_the_message_names_the_rule(inbound):
    """An app may have many."""
    with refuses("Stack/Inbound/Rule:"):
        add(inbound, rule_name="-")


# add_ip_filter


@pytest.mark.parametrize(
    "cidr",
    ["", "nonsense", "203.0.113.1/24", "203.0.113.0/33", "203.0.113.0/255.255.255.0", 7, None],
)
def test_a_bad_cidr_is_refused(inbound, cidr):
    """An address, or a range in CIDR notation whose host bits are zero."""
    with refuses(f"cidr is {cidr!r}", "203.0.113.0/24"):
        inbound.add_ip_filter("Filter", cidr=cidr)


def test_a_filter_beyond_the_100th_is_refused(inbound, monkeypatch):
    """An account has 100."""
    monkeypatch.setattr("cdk_mailroom.receiving.inbound.IP_FILTERS", 1)
    inbound.add_ip_filter("First", cidr="203.0.113.1")
    with refuses("len(filters) is 2", "allows 1"):
        inbound.add_ip_filter("Second", cidr="203.0.113.2")
