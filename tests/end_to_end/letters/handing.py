"""A mail that five rules hand on to five kinds of targets, and one that arrives three ways."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as events_targets
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions

from cdk_mailroom import InboundMail, MailFunction, PythonHandler, actions, handlers

HERE = Path(__file__).parent

SECRET = "whsec_" + "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5"


def hand_on(
    stack: cdk.Stack, inbound: InboundMail, *, webhook: str, recipient: str
) -> dict[str, str]:
    """Add the rules and their targets; what topic and bus get comes to a queue each."""
    queues = {
        name: sqs.Queue(stack, f"{name}Handed", removal_policy=cdk.RemovalPolicy.DESTROY)
        for name in ("Topic", "Bus")
    }
    fifo = sqs.Queue(stack, "QueueHanded", fifo=True, removal_policy=cdk.RemovalPolicy.DESTROY)
    topic = sns.Topic(stack, "HandedTopic")
    topic.add_subscription(subscriptions.SqsSubscription(queues["Topic"]))
    bus = events.EventBus(stack, "HandedBus")
    events.Rule(
        stack,
        "HandedRule",
        event_bus=bus,
        event_pattern=events.EventPattern(source=["cdk-mailroom"], detail_type=["Mail Received"]),
        targets=[events_targets.SqsQueue(queues["Bus"])],
    )
    machine = stepfunctions.StateMachine(
        stack,
        "HandedMachine",
        definition_body=stepfunctions.DefinitionBody.from_chainable(
            stepfunctions.Succeed(stack, "HandedEnd")
        ),
    )
    secret = secretsmanager.Secret(
        stack,
        "HandedSecret",
        secret_string_value=cdk.SecretValue.unsafe_plain_text(SECRET),
    )
    targets = {
        "ToQueue": handlers.ToQueue(fifo),
        "ToTopic": handlers.ToTopic(topic),
        "ToBus": handlers.ToEventBus(bus),
        "ToMachine": handlers.ToStateMachine(machine),
        "ToHook": handlers.Webhook(webhook, secret=secret, allow_http=True, allow_private=True),
    }
    for name, handler in targets.items():
        inbound.add_rule(name, recipients=[recipient], handler=handler)
    return {
        "HandedQueue": fifo.queue_url,
        "HandedTopicQueue": queues["Topic"].queue_url,
        "HandedBusQueue": queues["Bus"].queue_url,
        "HandedExecutions": machine.state_machine_arn,
    }


def arrive(stack: cdk.Stack, inbound: InboundMail, *, recipient: str) -> dict[str, str]:
    """Publish a mail in both encodings, and store it; one function gets it each way."""
    utf8, base64 = sns.Topic(stack, "Utf8"), sns.Topic(stack, "Base64")
    rule = inbound.add_rule(
        "Arrive",
        recipients=[recipient],
        before=[
            actions.Sns(topic=utf8),
            actions.Sns(topic=base64, encoding=actions.EmailEncoding.BASE64),
        ],
    )
    assert rule.stored is not None
    queue = sqs.Queue(stack, "Arriving", visibility_timeout=cdk.Duration.minutes(6))
    base64.add_subscription(subscriptions.SqsSubscription(queue))
    arriving = MailFunction(
        stack, "Arrived", handler=PythonHandler(HERE / "functions", "arriving:on_mail")
    )
    arriving.on_topic(utf8)
    arriving.on_queue(queue)
    arriving.on_bucket(inbound.bucket, prefix=rule.stored.prefix)
    return {"ArrivedLogs": arriving.function.log_group.log_group_name}
