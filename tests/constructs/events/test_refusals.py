"""What `EventPublishing` refuses: with argument, value and remedy, all problems together."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, Duration, Fn
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, refuses

from cdk_mailroom import (
    BUNDLED,
    ConfigurationError,
    EventPublishing,
    EventType,
    PythonHandler,
    handlers,
)
from cdk_mailroom.events import Alerts


def yours(**options) -> PythonHandler:
    """Return a handler that is valid except for *options*."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


@pytest.fixture
def out(stack) -> EventPublishing:
    """Everything left to its default."""
    return EventPublishing(stack, "Out")


# EventPublishing


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"configuration_set_name": "a b"}, ("'a b'", "1 to 64 letters")),
        ({"configuration_set_name": ""}, ("''", "1 to 64 letters")),
        ({"configuration_set_name": "a" * 65}, ("aaa", "1 to 64 letters")),
        ({"maximum_concurrency": 1}, ("is 1", "2 to 1000")),
        ({"maximum_concurrency": 1001}, ("is 1001", "2 to 1000")),
        ({"maximum_concurrency": True}, ("is True", "2 to 1000")),
        (
            {"alerts": Alerts(window=Duration.millis(1500))},
            ("alerts.window is '1.5 s'", "whole seconds"),
        ),
        (
            {"alerts": Alerts(window=Duration.seconds(0))},
            ("alerts.window is '0 s'", "whole seconds"),
        ),
        ({"alerts": Alerts(delay_warning=Duration.days(15))}, ("alerts.delay_warning", "1209600")),
        ({"retention": Duration.hours(36)}, ("1.5 days", "whole days")),
        ({"retention": Duration.days(0)}, ("0 days", "at least one")),
        ({"retention": "always"}, ("'always'", "'forever'")),
        ({"identities": "example.com"}, ("'example.com'", "['example.com']")),
        ({"identities": []}, ("[]", "omit the argument for all")),
        ({"identities": ["example.com", "@x"]}, ("identities[1] is '@x'", "'user@example.com'")),
        ({"identities": [".example.com"]}, ("'.example.com'", "write 'example.com'")),
    ],
)
def test_an_invalid_option_is_refused(stack, options, words):
    """The message begins with the construct and the argument, and says what is valid."""
    with refuses("Stack/Out:\n", f"- {next(iter(options))}", *words):
        EventPublishing(stack, "Out", **options)
    assert not stack.node.children


def test_a_name_of_a_given_configuration_set_is_refused(stack):
    """It already has a name; the argument would be silently ignored."""
    theirs = ses.ConfigurationSet.from_configuration_set_name(stack, "Theirs", "theirs")
    with refuses("- configuration_set_name is 'ours'", "no effect on a given configuration_set"):
        EventPublishing(stack, "Out", configuration_set=theirs, configuration_set_name="ours")


@pytest.mark.parametrize("argument", ["topic", "alert_topic"])
def test_a_fifo_topic_is_refused(stack, argument):
    """Neither SES nor an alarm can publish to one, made here or imported."""
    for topic in (
        sns.Topic(stack, "Made", fifo=True),
        sns.Topic.from_topic_arn(stack, "Imported", "arn:aws:sns:eu-west-1:111122223333:a.fifo"),
    ):
        with refuses(f"{argument} is {topic.node.path!r}", "FIFO"):
            EventPublishing(stack, f"Out{topic.node.id}", **{argument: topic})


@pytest.mark.parametrize("argument", ["topic", "alert_topic"])
def test_a_topic_encrypted_with_the_aws_managed_key_is_refused(stack, argument):
    """Its policy admits no service and cannot be changed."""
    key = kms.Alias.from_alias_name(stack, "Key", "alias/aws/sns")
    topic = sns.Topic(stack, "Topic", master_key=key)
    with refuses(f"{argument} is 'Stack/Topic'", "alias/aws/sns", "a customer managed key"):
        EventPublishing(stack, "Out", **{argument: topic})


def test_a_table_with_other_keys_is_refused(stack):
    """Otherwise the first event would fail, hours later."""
    table = dynamodb.Table(
        stack,
        "Table",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
    )
    with refuses("event_table is 'Stack/Table'", "['id']", "'message_id' and 'at'"):
        EventPublishing(stack, "Out", event_table=table)


def test_all_problems_are_reported_together(stack):
    """One run shows all of them."""
    with pytest.raises(ConfigurationError) as caught:
        EventPublishing(
            stack,
            "Out",
            configuration_set_name="a b",
            maximum_concurrency=0,
            retention=Duration.hours(1),
            identities=[],
        )
    assert str(caught.value).count("\n  - ") == 4


def test_tokens_are_not_judged(stack):
    """Their values are unknown before the deployment."""
    text = CfnParameter(stack, "Text").value_as_string
    number = CfnParameter(stack, "Number", type="Number").value_as_number
    out = EventPublishing(
        stack,
        "Out",
        configuration_set_name=text,
        topic=sns.Topic.from_topic_arn(stack, "Topic", Fn.import_value("topic")),
        identities=[text],
        maximum_concurrency=number,
        retention=Duration.days(number),
    )
    out.on(EventType.BOUNCE)
    out.grant_send(
        iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com")),
        from_address=text,
    )
    template = Template(stack)
    assert template.at("Out/Bounce/Mapping")["ScalingConfig"] == {"MaximumConcurrency": "<Number>"}
    assert template.environment("Out/Bounce/Function")["MAILROOM_EVENT_TTL_DAYS"] == "<Number>"


# on()


def test_an_empty_list_of_types_is_refused(out):
    """An empty list does not mean all."""
    with refuses("Stack/Out:\n", "types is []", "at least one EventType"):
        out.on([])


@pytest.mark.parametrize("kind", ["bounce", "RENDERING_FAILURE", "*", ""])
def test_an_unknown_type_is_refused(out, kind):
    """The message lists the valid types."""
    with refuses(f"types is {kind!r}", "BOUNCE", "RENDERING_FAILURE", "SUBSCRIPTION"):
        out.on(kind)


def test_a_type_that_is_already_handled_is_refused(out):
    """Two pipelines would each handle every event of it; the remedy is to chain."""
    out.on([EventType.BOUNCE, EventType.OPEN])
    with refuses("types is 'Bounce'", "handled already", "on(type, BUNDLED, yours)"):
        out.on(EventType.BOUNCE, yours())
    with refuses("types is 'Open'", "handled already"):
        out.on([EventType.CLICK, EventType.OPEN])


def test_a_type_listed_twice_is_refused(out):
    """The message differs from that for a type that is already handled."""
    with refuses("types is 'Bounce'", "pass each type once") as caught:
        out.on([EventType.BOUNCE, EventType.OPEN, EventType.BOUNCE])
    assert "handled already" not in str(caught.value)


def test_a_refused_call_leaves_nothing_behind(out):
    """The right call after it works."""
    with refuses("pass each type once"):
        out.on([EventType.BOUNCE, EventType.BOUNCE])
    out.on(EventType.BOUNCE)
    assert list(out.pipelines) == [EventType.BOUNCE]


def test_two_custom_functions_are_refused(out):
    """One function has only one code asset."""
    with refuses("len(handlers) is 2", "a Lambda function has one folder"):
        out.on(EventType.BOUNCE, yours(), yours())


def test_passing_bundled_twice_is_refused(out):
    """It would run twice."""
    with refuses("BUNDLED", "twice"):
        out.on(EventType.BOUNCE, BUNDLED, yours(), BUNDLED)


@pytest.mark.parametrize("handler", ["app:on_bounce", type(BUNDLED), None])
def test_anything_that_is_not_a_handler_is_refused(out, handler):
    """It would be taken for the bundled behaviour, without its permissions."""
    with refuses("handlers is ", "pass a PythonHandler, or BUNDLED"):
        out.on(EventType.BOUNCE, handler)


def test_a_function_name_reserved_by_lambda_is_refused(out, stack):
    """An existing function is subscribed to the topic instead."""
    function = lambda_.Function.from_function_name(stack, "Theirs", "theirs")
    with refuses("handlers is ", "pass a PythonHandler"):
        out.on(EventType.BOUNCE, function)


@pytest.mark.parametrize(
    "handler",
    [handlers.AutoReply(text="Thanks"), handlers.Forward(to=["a@example.com"])],
    ids=["AutoReply", "Forward"],
)
def test_a_behaviour_for_received_mail_is_refused(out, handler):
    """Its permissions come with a receipt rule, so it could do nothing here."""
    with refuses(f"handler is {type(handler).__name__!r}", "for rules only"):
        out.on(EventType.BOUNCE, handler)


@pytest.mark.parametrize("option", ["synchronous", "remember_handled"])
def test_options_for_received_mail_are_refused(out, option):
    """They would have no effect."""
    with refuses(f"{option} is True", "omit it"):
        out.on(EventType.BOUNCE, yours(**{option: True}))


def test_reserved_concurrency_below_that_of_both_queues_is_refused(stack):
    """Throttled messages would be received again and again, and become dead letters."""
    out = EventPublishing(stack, "Out", maximum_concurrency=5)
    with refuses("reserved_concurrency is 6", "at least 7"):
        out.on(EventType.BOUNCE, yours(reserved_concurrency=6))
    out.on(EventType.BOUNCE, yours(reserved_concurrency=7))


def test_all_problems_of_a_call_are_reported_together(out):
    """Types and handlers alike."""
    with pytest.raises(ConfigurationError) as caught:
        out.on(["bounce", EventType.OPEN, EventType.OPEN], yours(synchronous=True), yours(), None)
    assert str(caught.value).count("\n  - ") == 5


# add_destination()


def dashboards() -> ses.EventDestination:
    """Return a destination that needs nothing else."""
    return ses.EventDestination.cloud_watch_dimensions(
        [
            ses.CloudWatchDimension(
                name="tag",
                source=ses.CloudWatchDimensionSource.MESSAGE_TAG,
                default_value="none",
            )
        ]
    )


def test_an_eleventh_destination_is_refused(out):
    """The topic is one of the ten."""
    out.on(EventType.BOUNCE)
    for number in range(9):
        out.add_destination(f"D{number}", destination=dashboards(), types=[EventType.SEND])
    with refuses("Stack/Out/D9:\n", "destinations) is 11", "10 for a configuration set"):
        out.add_destination("D9", destination=dashboards(), types=[EventType.SEND])
    out.on(EventType.OPEN)  # changes the topic's destination, and adds none


def test_a_topic_as_the_eleventh_destination_is_refused(out):
    """Ten others are accepted as long as no type is handled."""
    for number in range(10):
        out.add_destination(f"D{number}", destination=dashboards(), types=EventType.SEND)
    with refuses("destinations) is 11", "the topic among them"):
        out.on(EventType.BOUNCE)


@pytest.mark.parametrize("types", [[], ["bounce"], [EventType.OPEN, EventType.OPEN]])
def test_wrong_types_of_a_destination_are_refused(out, types):
    """The same checks as for `on`."""
    with refuses("Stack/Out/D:\n", "types is "):
        out.add_destination("D", destination=dashboards(), types=types)


# grant_send()


@pytest.fixture
def role(stack) -> iam.Role:
    """A role that sends mail."""
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))


def test_a_from_address_with_a_name_is_refused(out, role):
    """The condition compares the bare address."""
    with refuses("from_address is 'News <a@example.com>'", "bare address"):
        out.grant_send(role, from_address="News <a@example.com>")


def test_templates_as_one_text_are_refused(out, role):
    """Each character would be taken for a template."""
    with refuses("templates is 'Welcome'", "['Welcome']"):
        out.grant_send(role, templates="Welcome")


@pytest.mark.parametrize(
    "address", ["a@other.example", "a@notexample.com", "x.a@example.org", "a@mail.example.org"]
)
def test_a_from_address_outside_the_identities_is_refused(stack, role, address):
    """SES would refuse every mail."""
    out = EventPublishing(stack, "Out", identities=["a@example.org", "example.com"])
    with refuses(f"from_address is {address!r}", "of the identities a@example.org, example.com"):
        out.grant_send(role, from_address=address)


@pytest.mark.parametrize(
    "address", ["a@example.com", "A@Example.COM", "a@mail.example.com", "b@example.net"]
)
def test_a_from_address_within_an_identity_can_be_granted(stack, role, address):
    """A domain's identity also covers its subdomains."""
    out = EventPublishing(stack, "Out", identities=["example.com", "B@example.net"])
    assert out.grant_send(role, from_address=address).success
