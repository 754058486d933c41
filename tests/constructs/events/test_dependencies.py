"""Dependencies around `EventPublishing`: no cycles, and listeners first."""

from __future__ import annotations

import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from compositions import check_order, templates_of
from synthesis import ACCOUNT, FOLDER, REGION

from cdk_mailroom import BUNDLED, EventPublishing, EventType, InboundMail, PythonHandler


def yours() -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail")


def handled(out: EventPublishing) -> EventPublishing:
    """Handle types in every way."""
    out.on(EventType.BOUNCE)
    out.on(EventType.COMPLAINT, BUNDLED, yours())
    pipeline = out.on([EventType.OPEN, EventType.CLICK], yours())
    out.grant_send(pipeline.function)
    return out


def plain(stack, other):
    """Everything left to its default."""
    handled(EventPublishing(stack, "Out"))


def customer_key(stack, other):
    """One key for topics, queues and table."""
    handled(EventPublishing(stack, "Out", encryption_key=kms.Key(stack, "Key")))


def customer_key_and_name(stack, other):
    """Policies name the set by a literal."""
    key = kms.Key(stack, "Key")
    handled(EventPublishing(stack, "Out", encryption_key=key, configuration_set_name="ours"))


def given_set(stack, other):
    """A configuration set made in the same stack."""
    handled(EventPublishing(stack, "Out", configuration_set=ses.ConfigurationSet(stack, "Set")))


def imported_set(stack, other):
    """A configuration set that already exists."""
    theirs = ses.ConfigurationSet.from_configuration_set_name(stack, "Set", "theirs")
    handled(EventPublishing(stack, "Out", configuration_set=theirs))


def topic_from_another_stack(stack, other):
    """Its policy must not name our configuration set."""
    topic = sns.Topic(other, "Topic", master_key=kms.Key(other, "Key"))
    handled(EventPublishing(stack, "Out", topic=topic))


def key_from_another_stack(stack, other):
    """Its policy must name neither configuration set nor topic."""
    handled(EventPublishing(stack, "Out", encryption_key=kms.Key(other, "Key")))


def everything_from_another_stack(stack, other):
    """Key, topics, configuration set and table."""
    key = kms.Key(other, "Key")
    text = dynamodb.AttributeType.STRING
    out = EventPublishing(
        stack,
        "Out",
        configuration_set=ses.ConfigurationSet(other, "Set"),
        topic=sns.Topic(other, "Topic", master_key=key),
        alert_topic=sns.Topic(other, "Alerts", master_key=key),
        encryption_key=key,
        event_table=dynamodb.Table(
            other,
            "Table",
            partition_key=dynamodb.Attribute(name="message_id", type=text),
            sort_key=dynamodb.Attribute(name="at", type=text),
            encryption_key=key,
        ),
    )
    handled(out)


def with_inbound(stack, other):
    """A function that receives mail and answers it; one key, and one topic for all alarms."""
    key = kms.Key(stack, "Key")
    alerts = sns.Topic(stack, "Alerts", master_key=key)
    inbound = InboundMail(stack, "Inbound", encryption_key=key, alert_topic=alerts)
    rule = inbound.add_rule("Support", recipients=["a@example.com"], handler=yours())
    out = handled(EventPublishing(stack, "Out", encryption_key=key, alert_topic=alerts))
    out.grant_send(rule.function)


COMPOSITIONS = [
    plain,
    customer_key,
    customer_key_and_name,
    given_set,
    imported_set,
    topic_from_another_stack,
    key_from_another_stack,
    everything_from_another_stack,
    with_inbound,
]


compositions = pytest.mark.parametrize("build", COMPOSITIONS, ids=lambda build: build.__name__)


@compositions
def test_dependencies_have_no_cycle(build):
    """No resource depends on itself, and no two stacks depend on each other."""
    check_order(build)


@compositions
def test_ses_publishes_when_somebody_listens(build):
    """Events published before the subscription exists are lost, and SES checks the policy."""
    ours, _ = templates_of(build)
    needed = ours.needs("Out/Destination")
    assert set(ours.of("AWS::SNS::Subscription")) <= needed
    assert set(ours.of("AWS::SES::ConfigurationSet")) <= needed
    if "Out/Topic/Policy" in ours.resources:
        assert "Out/Topic/Policy" in needed


@compositions
def test_a_subscription_waits_for_permission_to_fill_its_queue(build):
    """SNS would retry, and give up in the end."""
    ours, _ = templates_of(build)
    for path in ours.of("AWS::SNS::Subscription"):
        assert f"{path.removesuffix('Subscription')}Queue/Policy" in ours.needs(path)


@compositions
def test_functions_may_act_before_the_first_event_comes(build):
    """A mapping that polls before its function's policy is there fails to be created."""
    ours, _ = templates_of(build)
    for path in ours.of("AWS::Lambda::EventSourceMapping"):
        assert f"{path.rpartition('/')[0]}/Role/DefaultPolicy" in ours.needs(path)


@pytest.mark.parametrize("build", [topic_from_another_stack, everything_from_another_stack])
def test_permissions_in_another_stack_hold_for_this_account_only(build):
    """Our set's name would make the stacks wait for each other, so any set of ours will do."""
    _, other = templates_of(build)
    statements = [
        *other.at("Topic/Policy")["PolicyDocument"]["Statement"],
        *other.at("Key")["KeyPolicy"]["Statement"],
    ]
    of_ses = [one for one in statements if one["Principal"] == {"Service": "ses.amazonaws.com"}]
    assert len(of_ses) == 2
    for statement in of_ses:
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        source = statement["Condition"]["ArnLike"]["aws:SourceArn"]
        assert source == f"arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/*"
