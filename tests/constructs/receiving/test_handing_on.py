"""Handing mail on: options, settings, permissions, and what is refused."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from synthesis import Template, new_stack, refuses, targets

from cdk_mailroom import InboundMail, handlers

from .test_bundled_handlers import allowed, function, queue_and_log

NAMES = ["ToEventBus", "ToQueue", "ToStateMachine", "ToTopic", "Webhook"]
TARGET = {
    "ToEventBus": ("MAILROOM_BUS", "<Bus.Arn>"),
    "ToQueue": ("MAILROOM_QUEUE", "<Queue>"),
    "ToStateMachine": ("MAILROOM_STATE_MACHINE", "<Machine>"),
    "ToTopic": ("MAILROOM_TOPIC", "<Topic>"),
    "Webhook": ("MAILROOM_WEBHOOK_SECRET", "<Secret>"),
}
SENDING = {
    "ToEventBus": {("events:PutEvents", "<Bus.Arn>")},
    "ToQueue": {("sqs:SendMessage", "<Queue.Arn>")},
    "ToStateMachine": {("states:StartExecution", "<Machine>")},
    "ToTopic": {("sns:Publish", "<Topic>")},
    "Webhook": {("secretsmanager:GetSecretValue", "<Secret>")},
}


def build(key=None, **more):
    """Return a stack with one rule for each target."""
    stack = new_stack()
    made = kms.Key(stack, "Key") if key else None
    inbound = InboundMail(stack, "Inbound")
    for name, (target, options) in targets(stack, made).items():
        inbound.add_rule(
            name,
            recipients=[f"{name.lower()}@example.com"],
            handler=getattr(handlers, name)(*target.values(), **options, **more),
        )
    return stack


@pytest.fixture(scope="module")
def plain() -> Template:
    """One rule for each target, with everything left to its default."""
    return Template(build())


@pytest.fixture(scope="module")
def keyed() -> Template:
    """The same with targets on a customer key, and other options."""
    return Template(build(key=True, text_bytes=0, memory_size=512))


@pytest.mark.parametrize("name", NAMES)
def test_the_function_knows_its_target(plain, name):
    """And an id of its own, so that two rules with one target do not take each other's repeats."""
    environment = plain.environment(function(name))
    variable, value = TARGET[name]
    assert environment[variable] == value
    assert environment["MAILROOM_HAND_ON_TEXT_BYTES"] == "65536"
    ids = {plain.environment(function(one))["MAILROOM_HAND_ON_ID"] for one in NAMES}
    assert len(ids) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_may_read_its_rules_mail_and_reach_its_target_only(plain, name):
    """No other rule's mail, no other target, and nothing else of this one."""
    assert allowed(plain, function(name)) == {
        ("s3:GetObject", f"<Inbound/Bucket.Arn>/{name}/*"),
        *SENDING[name],
        *queue_and_log(name),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_key_of_an_encrypted_target_may_be_used(keyed, name):
    """Where the caller encrypts; the bus and the state machine use their keys themselves."""
    used = {
        "ToQueue": {"kms:Decrypt", "kms:GenerateDataKey"},
        "ToTopic": {"kms:Decrypt", "kms:GenerateDataKey"},
        "Webhook": {"kms:Decrypt"},
    }
    found = {action for action, resource in allowed(keyed, function(name)) if "Key" in resource}
    assert found == used.get(name, set())


@pytest.mark.parametrize("name", NAMES)
def test_each_option_reaches_the_runtime(keyed, name):
    """text_bytes=, memory_size=."""
    assert keyed.environment(function(name))["MAILROOM_HAND_ON_TEXT_BYTES"] == "0"
    assert keyed.at(function(name))["MemorySize"] == 512


def test_what_fails_ends_in_the_dead_letter_queue(plain):
    """As for any asynchronous handler."""
    invoke = plain.of("AWS::Lambda::EventInvokeConfig")
    queues = [
        config["DestinationConfig"]["OnFailure"]["Destination"]
        for path, config in invoke.items()
        if path.split("/")[1] in NAMES
    ]
    assert queues == ["<Inbound/DeadLetterQueue.Arn>"] * len(NAMES)


def webhook(stack, url="https://hooks.example.com", **options):
    """Return a webhook that is right but for the arguments."""
    if "secret" not in options:
        options["secret"] = secretsmanager.Secret(stack, "Secret")
    return handlers.Webhook(url, **options)


@pytest.mark.parametrize(
    ("url", "options", "remedy"),
    [
        ("http://hooks.example.com", {}, "allow_http=True"),
        ("ftp://hooks.example.com", {"allow_http": True}, "use https"),
        ("hooks.example.com/mail", {}, "use https"),
        ("https:///mail", {}, "must have a host"),
        ("https://user:word@hooks.example.com", {}, "no user"),
        ("https://hooks.example.com/#mail", {}, "no fragment"),
        ("https://hooks.example.com/ä b", {}, "must be encoded"),
        ("https://hooks.example.com:port/", {}, "no valid host and port"),
        ("https://127.0.0.1/", {}, "not public"),
        ("https://10.1.2.3/", {}, "not public"),
        ("https://169.254.169.254/", {"allow_private": True}, "not public"),
        ("https://[::1]/", {}, "not public"),
        ("https://[::ffff:10.0.0.1]/", {}, "not public"),
    ],
)
def test_a_url_that_no_request_goes_to_is_refused(stack, url, options, remedy):
    """At synth; the URL itself is not shown, because it may contain a password."""
    with refuses("url is 'not usable'", remedy) as caught:
        webhook(stack, url, **options)
    assert "word" not in str(caught.value)


def test_http_and_private_addresses_are_allowed_on_request(stack):
    """Each by its own option, which reaches the runtime."""
    hook = webhook(stack, "http://10.1.2.3:8080/", allow_http=True, allow_private=True)
    InboundMail(stack, "Inbound").add_rule("Rule", recipients=["a@example.com"], handler=hook)
    environment = Template(stack).environment(function("Rule"))
    assert environment["MAILROOM_WEBHOOK_ALLOW_HTTP"] == "1"
    assert environment["MAILROOM_WEBHOOK_ALLOW_PRIVATE"] == "1"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda stack: handlers.ToQueue("queue"), ("queue is 'queue'", "pass a construct")),
        (lambda stack: handlers.ToTopic(None), ("topic is None", "pass a construct")),
        (lambda stack: handlers.ToEventBus("bus"), ("bus is 'bus'", "from_event_bus_name")),
        (lambda stack: handlers.ToStateMachine("a"), ("machine is 'a'", "pass a construct")),
        (lambda stack: webhook(stack, secret="word"), ("secret is", "from_secret_name_v2")),
        (
            lambda stack: webhook(stack, timeout=Duration.seconds(44)),
            ("timeout is '44 s'", "at least 45 s"),
        ),
        (
            lambda stack: handlers.ToQueue(sqs.Queue(stack, "Queue"), text_bytes=200_001),
            ("text_bytes is 200001", "0 to 200000"),
        ),
    ],
)
def test_a_wrong_argument_is_refused_by_name(stack, make, words):
    """With a remedy."""
    with refuses(*words):
        make(stack)


def test_a_target_in_another_region_is_refused(stack):
    """The function could not reach it."""
    queue = sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:us-east-1:111122223333:far")
    with refuses("queue is", "us-east-1", "of its own region"):
        InboundMail(stack, "Inbound").add_rule(
            "Rule", recipients=["a@example.com"], handler=handlers.ToQueue(queue)
        )


def test_a_rule_that_stores_no_mail_may_hand_it_on(stack):
    """The event has no text then."""
    rule = InboundMail(stack, "Inbound").add_rule(
        "Rule",
        recipients=["a@example.com"],
        handler=handlers.ToQueue(sqs.Queue(stack, "Queue")),
        store=False,
    )
    assert rule.stored is None
    assert "MAILROOM_BUCKET" not in Template(stack).environment(function("Rule"))


def test_the_secret_itself_is_in_no_template(plain):
    """Its ARN is; the function reads the value when it runs."""
    assert "resolve:secretsmanager" not in str(plain.raw)


def test_a_secret_found_by_its_name_can_be_read(stack):
    """Its ARN ends in six characters that are not known at synth."""
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "hook")
    InboundMail(stack, "Inbound").add_rule(
        "Rule", recipients=["a@example.com"], handler=webhook(stack, secret=secret)
    )
    (found,) = [
        resource
        for action, resource in allowed(Template(stack), function("Rule"))
        if action == "secretsmanager:GetSecretValue"
    ]
    assert found.endswith(":secret:hook-??????")
