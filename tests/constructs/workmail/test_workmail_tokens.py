"""What only CloudFormation knows works in every argument for WorkMail, or is refused by name."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_s3 as s3
from synthesis import FOLDER
from token_cases import KINDS, cases, complaints, public_callables

from cdk_mailroom import workmail
from cdk_mailroom.workmail import (
    Asynchronous,
    BlockSensitive,
    Disclaimer,
    EmailFlowRule,
    ExternalBanner,
    FlowHandler,
    Journal,
    RestrictRecipients,
    SensitivePattern,
    StripAttachments,
    Synchronous,
)

WAITING = Synchronous(timeout=Duration.minutes(5), fallback="DEFAULT")


def rule(stack, **arguments):
    """Make a rule that is right but for *arguments*."""
    defaults = {
        "organization_id": f"m-{'0' * 32}",
        "direction": "INBOUND",
        "handler": FlowHandler(FOLDER, "app:on_mail"),
        "mode": Asynchronous(),
    }
    return EmailFlowRule(stack, "Flow", **defaults | arguments)


def handled(make, **defaults):
    """Return what makes a synchronous rule with the handler that *make* makes."""
    return lambda stack, **arguments: rule(
        stack, mode=WAITING, handler=make(**defaults | arguments)
    )


PATTERN = {"name": "card", "pattern": r"\d{16}"}
CALLS = {
    "EmailFlowRule": rule,
    "Synchronous": lambda stack, **arguments: rule(
        stack,
        mode=Synchronous(**{"timeout": Duration.minutes(5), "fallback": "DEFAULT"} | arguments),
    ),
    "BlockSensitive": handled(BlockSensitive, patterns=[SensitivePattern(**PATTERN)]),
    "SensitivePattern": lambda stack, **arguments: rule(
        stack,
        mode=WAITING,
        handler=BlockSensitive(patterns=[SensitivePattern(**PATTERN | arguments)]),
    ),
    "Disclaimer": handled(Disclaimer, text="Hello"),
    "ExternalBanner": handled(ExternalBanner, domains=["example.com"], text="Hello"),
    "Journal": lambda stack, **arguments: rule(
        stack, handler=Journal(bucket=s3.Bucket(stack, "Bucket"), **arguments)
    ),
    "RestrictRecipients": handled(
        RestrictRecipients, groups=["all@example.com"], domains=["example.com"]
    ),
    "StripAttachments": handled(StripAttachments),
}
CALLABLES = {
    name: function
    for name, function in public_callables(workmail, part="workmail").items()
    if not name.endswith(".create") and name != "FlowHandler"
}


def test_every_public_callable_for_workmail_is_tried():
    assert CALLABLES.keys() == CALLS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_work_or_are_refused_by_name_in_workmail(kind):
    wrong = complaints(CALLS, cases(CALLABLES, kind))
    assert not wrong, "\n".join(wrong)
