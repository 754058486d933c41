"""What a type checker knows of the constructs."""

from typing import assert_type

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs

from cdk_mailroom import (
    EVERY_RECIPIENT,
    EventPublishing,
    EventType,
    HandledRule,
    InboundMail,
    InboundRule,
    MailFunction,
    MultiRegionEndpoint,
    PythonHandler,
    Tenant,
    actions,
    handlers,
)


def receive(stack: cdk.Stack) -> None:
    inbound = InboundMail(stack, "Inbound", activation="join", retention="forever")
    assert_type(inbound.bucket, s3.IBucket)
    own = inbound.add_rule(
        "Own", recipients=["a@example.com"], handler=PythonHandler("app", "app:on_mail")
    )
    assert_type(own, HandledRule)
    assert_type(own.function, lambda_.Function)
    assert_type(own.rule, ses.ReceiptRule)
    forward = inbound.add_rule(
        "Forward", recipients=["b@example.com"], handler=handlers.Forward(to=["c@example.net"])
    )
    assert_type(forward.function, lambda_.Function)
    queue = sqs.Queue(stack, "Queue")
    handed = inbound.add_rule(
        "Handed", recipients=["d@example.com"], handler=handlers.ToQueue(queue, text_bytes=0)
    )
    assert_type(handed.function, lambda_.Function)
    handlers.Webhook("https://example.com")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    mail = MailFunction(stack, "Mail", handler=PythonHandler("app", "app:on_mail"))
    assert_type(mail.function, lambda_.Function)
    assert_type(mail.on_queue(queue), lambda_.EventSourceMapping)
    store = inbound.add_rule("Store", recipients=EVERY_RECIPIENT, after=[actions.Stop()])
    assert_type(store, InboundRule)
    assert_type(store.function, lambda_.IFunction | None)
    inbound.add_rule("None")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


def describe() -> None:
    PythonHandler("app", "app:on_mail", memory_size=256, timeout=cdk.Duration.seconds(5))
    PythonHandler("app", "app:on_mail", memory_size="256")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    PythonHandler("app", "app:on_mail", memorysize=256)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def publish(stack: cdk.Stack) -> None:
    outbound = EventPublishing(
        stack, "Outbound", configuration_set=ses.ConfigurationSet(stack, "Set")
    )
    pipeline = outbound.on([EventType.BOUNCE, EventType.COMPLAINT])
    assert_type(pipeline.function, lambda_.Function)
    assert_type(pipeline.queue, sqs.Queue)
    outbound.grant_send(pipeline.function)
    tenant = Tenant(stack, "Acme", tenant_name="acme", identities=["example.com"])
    endpoint = MultiRegionEndpoint(stack, "Both", endpoint_name="both", region="eu-central-1")
    outbound.grant_send(
        pipeline.function, tenants=[tenant, "globex"], endpoint=endpoint, tracking="off"
    )
