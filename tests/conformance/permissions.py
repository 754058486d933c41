"""The IAM actions that checks need, the policy made of them, and what was really called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Names begin with this, and the policy is for names that do.
COMMON_PREFIX = "mailroom-conformance"

BUCKET = (
    "s3:CreateBucket", "s3:PutBucketPolicy", "s3:ListBucket", "s3:GetObject", "s3:DeleteObject",
    "s3:DeleteBucket",
)  # fmt: skip
QUEUE = (
    "sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage",
    "sqs:DeleteQueue",
)  # fmt: skip
TOPIC = (
    *QUEUE, "sns:CreateTopic", "sns:SetTopicAttributes", "sns:Subscribe", "sns:DeleteTopic",
)  # fmt: skip
ROLE = (
    "iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:DeleteRole", "iam:PassRole",
)  # fmt: skip
FUNCTION = (
    *QUEUE, *ROLE, "lambda:CreateFunction", "lambda:GetFunctionConfiguration",
    "lambda:AddPermission", "lambda:DeleteFunction", "logs:DeleteLogGroup",
)  # fmt: skip
RULE_SET = (
    "ses:CreateReceiptRuleSet", "ses:DescribeReceiptRuleSet", "ses:DeleteReceiptRuleSet",
    "ses:CreateReceiptRule",
)  # fmt: skip
# What CloudFormation does with rules besides.
RULE_CHANGES = ("ses:UpdateReceiptRule", "ses:DescribeReceiptRule", "ses:DeleteReceiptRule")
# A rule of the active set.
RULE = (
    *RULE_SET, "ses:DescribeActiveReceiptRuleSet", "ses:SetActiveReceiptRuleSet",
    "ses:DeleteReceiptRule",
)  # fmt: skip
CONFIGURATION_SET = (
    *TOPIC, "ses:CreateConfigurationSet", "ses:DeleteConfigurationSet",
    "ses:CreateConfigurationSetEventDestination",
)  # fmt: skip
STACK = (
    "cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DescribeStacks",
    "cloudformation:DescribeStackEvents", "cloudformation:DescribeStackResources",
    "cloudformation:DeleteStack",
)  # fmt: skip
# Of the program itself, before any check.
ALWAYS = ("ses:GetEmailIdentity", "ses:GetAccount")

# Where IAM's name of an action is not that of the operation.
_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "lambda:Invoke": "lambda:InvokeFunction",
    "sts:GetCallerIdentity": None,
}
_SERVICES = {"sesv2": "ses", "mailmanager": "ses"}

_NAMED = f"{COMMON_PREFIX}-*"
_OBJECTS = ("s3:GetObject", "s3:DeleteObject", "s3:PutObject")
# The ARNs of what checks create; other actions know no resources, or none that we could name.
_RESOURCES = {
    "sqs": (f"arn:aws:sqs:REGION:ACCOUNT:{_NAMED}",),
    "sns": (f"arn:aws:sns:REGION:ACCOUNT:{_NAMED}",),
    "lambda": (f"arn:aws:lambda:REGION:ACCOUNT:function:{_NAMED}",),
    "iam": (f"arn:aws:iam::ACCOUNT:role/{_NAMED}",),
    "logs": (f"arn:aws:logs:REGION:ACCOUNT:log-group:/aws/lambda/{_NAMED}",),
    "cloudformation": (f"arn:aws:cloudformation:REGION:ACCOUNT:stack/{_NAMED}/*",),
    "firehose": (f"arn:aws:firehose:REGION:ACCOUNT:deliverystream/{_NAMED}",),
}
# Services that assume the roles which checks create.
PASSED_TO = ("firehose.amazonaws.com", "lambda.amazonaws.com", "ses.amazonaws.com")
# Actions that know no resources.
EVERYWHERE = ("lambda:ListFunctions", "sns:Unsubscribe", "logs:DescribeLogGroups")

_called: ContextVar[set[str] | None] = ContextVar("called", default=None)


@contextmanager
def watched() -> Iterator[set[str]]:
    """Collect the IAM actions of all calls in this context."""
    found: set[str] = set()
    token = _called.set(found)
    try:
        yield found
    finally:
        _called.reset(token)


def watch(client: Any) -> None:
    """Note the calls of a client for `watched`."""
    client.meta.events.register("before-call", note)


def policy(actions: Iterable[str], *, account: str, region: str) -> dict[str, Any]:
    """The policy that allows these actions on what the program creates."""
    by_resource: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for action in {*actions, *ALWAYS} - {"iam:PassRole"}:
        by_resource[_resources(action)].add(action)
    statements: list[dict[str, Any]] = [
        {
            "Effect": "Allow",
            "Action": sorted(allowed),
            "Resource": [
                each.replace("REGION", region).replace("ACCOUNT", account) for each in resources
            ],
        }
        for resources, allowed in sorted(by_resource.items())
    ]
    if "iam:PassRole" in actions:
        statements.append(
            {
                "Effect": "Allow",
                "Action": ["iam:PassRole"],
                "Resource": [each.replace("ACCOUNT", account) for each in _RESOURCES["iam"]],
                "Condition": {"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _resources(action: str) -> tuple[str, ...]:
    service = action.partition(":")[0]
    if action in EVERYWHERE:
        return ("*",)
    if service == "s3":
        return (f"arn:aws:s3:::{_NAMED}" + ("/*" if action in _OBJECTS else ""),)
    return _RESOURCES.get(service, ("*",))


def note(model: Any, **_: Any) -> None:
    """Note a call; `model` is botocore's of the operation."""
    found = _called.get()
    if found is None:
        return
    service = model.service_model.service_name
    name = f"{_SERVICES.get(service, service)}:{model.name}"
    if action := _ACTIONS.get(name, name):
        found.add(action)
