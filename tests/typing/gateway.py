"""What a type checker knows of gateways: each attribute has its own operators only."""

from typing import assert_type

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom import (
    AddressList,
    MailArchive,
    MailGateway,
    PythonHandler,
    Relay,
    actions,
    gateway,
    handlers,
)
from cdk_mailroom.gateway import (
    Addon,
    Allow,
    AnyCondition,
    Deny,
    GatewayRule,
    HandledGatewayRule,
    PolicyCondition,
    RuleCondition,
    dkim,
    dmarc_policy,
    header,
    mail_from,
    recipient,
    size,
    source_ip,
    subject,
    tls,
    tls_version,
)


def receive(stack: cdk.Stack) -> None:
    blocked = AddressList(stack, "Blocked", members=["spam@example.net"])
    gate = MailGateway(
        stack,
        "Gateway",
        recipients=["@example.com"],
        access=gateway.Open(
            tls=gateway.Tls.OPTIONAL, network=gateway.PublicNetwork(dual_stack=True)
        ),
        traffic=gateway.TrafficPolicy(
            deny_from=["192.0.2.0/24"],
            minimum_tls="TLS1_2",
            statements=[Deny([recipient.in_list(blocked)])],
        ),
        logs=gateway.Logs(accepted=True),
        retention="forever",
    )
    assert_type(gate.mx, str)
    own = gate.add_rule(
        "Own",
        when=[recipient.is_("a@example.com"), size < 1_000_000, mail_from.not_in_list(blocked)],
        unless=[dkim.is_("FAIL")],
        handler=PythonHandler("app", "app:on_mail"),
        before=[gateway.actions.Archive(MailArchive(stack, "Archive"))],
        after=[gateway.actions.Drop()],
        retry=cdk.Duration.hours(4),
    )
    assert_type(own, HandledGatewayRule)
    assert_type(own.function, lambda_.Function)
    forward = gate.add_rule("Forward", handler=handlers.Forward(to=["c@example.net"]))
    assert_type(forward.function, lambda_.Function)
    relay = Relay(stack, "Office", server="mail.example.com")
    plain = gate.add_rule("Plain", handler=gateway.actions.Relay(relay))
    assert_type(plain, GatewayRule)
    assert_type(plain.function, lambda_.IFunction | None)
    MailGateway(stack, "Other", recipients=gateway.ANY_RECIPIENT, rule_set=gate)
    gate.add_rule("Receipt", before=[actions.Stop()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    gate.add_rule("One", when=tls.is_true, before=[gateway.actions.Drop()])  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


def decide() -> None:
    assert_type(recipient.ends_with("@example.com"), AnyCondition)
    assert_type(source_ip.in_range("192.0.2.0/24"), AnyCondition)
    assert_type(Addon("arn", "SPAMHAUS_DBL").boolean("isListed").is_true, AnyCondition)
    assert_type(subject.contains("urgent"), RuleCondition)
    assert_type(header("X-Spam").is_not("yes"), RuleCondition)
    assert_type(size >= 1, RuleCondition)
    assert_type(tls.is_true, RuleCondition)
    assert_type(tls_version.at_least("TLS1_3"), PolicyCondition)


def decide_by_what_there_is_not() -> None:
    dkim.starts_with("F")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    dkim.is_("FAILED")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    dmarc_policy.is_("PASS")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    tls_version.at_least("TLS1_1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    tls.is_("yes")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    subject.in_list("al-1")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    size.contains("1")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    source_ip.is_("192.0.2.1")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    Deny([subject.contains("urgent")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Allow([dkim.is_("PASS")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
