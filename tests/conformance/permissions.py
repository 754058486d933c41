"""The IAM actions that checks need, the policy made of them, and what was really called."""

from __future__ import annotations

import json
import re
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
_HERE = "REGION:ACCOUNT"
_ROLES = (f"arn:aws:iam::ACCOUNT:role/{_NAMED}",)
_SES = f"arn:aws:ses:{_HERE}"
# What each action may be used on, by its first letters; the first that fits counts. Most actions of
# SES know no resources, and Mail Manager's name what they create by an id that is made up.
_RESOURCES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("s3:GetObject", "s3:DeleteObject", "s3:PutObject"), (f"arn:aws:s3:::{_NAMED}/*",)),
    (("s3:",), (f"arn:aws:s3:::{_NAMED}",)),
    (("sqs:",), (f"arn:aws:sqs:{_HERE}:{_NAMED}",)),
    (("sns:Unsubscribe",), ("*",)),
    (("sns:",), (f"arn:aws:sns:{_HERE}:{_NAMED}",)),
    (("lambda:ListFunctions",), ("*",)),
    (("lambda:",), (f"arn:aws:lambda:{_HERE}:function:{_NAMED}",)),
    (
        (
            "iam:CreateUser", "iam:DeleteUser", "iam:PutUserPolicy", "iam:CreateAccessKey",
            "iam:DeleteAccessKey",
        ),
        (f"arn:aws:iam::ACCOUNT:user/{_NAMED}",),
    ),
    (("iam:CreateServiceLinkedRole",), ("arn:aws:iam::ACCOUNT:role/aws-service-role/*",)),
    (("iam:", "sts:AssumeRole"), _ROLES),
    (("logs:PutResourcePolicy", "logs:Describe"), ("*",)),
    (
        (
            "logs:CreateDelivery", "logs:DeleteDelivery", "logs:PutDelivery",
        ),
        (
            f"arn:aws:logs:{_HERE}:delivery-source:{_NAMED}",
            f"arn:aws:logs:{_HERE}:delivery-destination:{_NAMED}",
            f"arn:aws:logs:{_HERE}:delivery:*",
        ),
    ),
    (
        ("logs:",),
        (
            f"arn:aws:logs:{_HERE}:log-group:/aws/lambda/{_NAMED}",
            f"arn:aws:logs:{_HERE}:log-group:/aws/vendedlogs/{_NAMED}",
        ),
    ),
    (("cloudformation:",), (f"arn:aws:cloudformation:{_HERE}:stack/{_NAMED}/*",)),
    (("firehose:",), (f"arn:aws:firehose:{_HERE}:deliverystream/{_NAMED}",)),
    (("athena:",), (f"arn:aws:athena:{_HERE}:workgroup/{_NAMED}",)),
    (
        ("glue:",),
        (
            f"arn:aws:glue:{_HERE}:catalog",
            f"arn:aws:glue:{_HERE}:database/{_NAMED.replace('-', '?')}",
            f"arn:aws:glue:{_HERE}:table/{_NAMED.replace('-', '?')}/*",
        ),
    ),
    (
        ("ses:Send",),
        (
            f"{_SES}:identity/DOMAIN",
            f"{_SES}:configuration-set/{_NAMED}",
            f"{_SES}:template/{_NAMED}",
            f"{_SES}:tenant/{_NAMED}",
        ),
    ),
)  # fmt: skip
# Services that assume the roles which checks create.
PASSED_TO = ("firehose.amazonaws.com", "lambda.amazonaws.com", "ses.amazonaws.com")
# The name of a key is made up by KMS, so it is known by this tag.
KEY_TAG = {"TagKey": COMMON_PREFIX, "TagValue": "yes"}
_CONDITIONS = {
    "iam:PassRole": {"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
    "kms:CreateKey": {"StringEquals": {f"aws:RequestTag/{COMMON_PREFIX}": "yes"}},
    "kms:TagResource": {"StringEquals": {f"aws:RequestTag/{COMMON_PREFIX}": "yes"}},
    "kms:PutKeyPolicy": {"StringEquals": {f"aws:ResourceTag/{COMMON_PREFIX}": "yes"}},
    "kms:ScheduleKeyDeletion": {"StringEquals": {f"aws:ResourceTag/{COMMON_PREFIX}": "yes"}},
}

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


def policy(
    actions: Iterable[str], *, account: str, region: str, domain: str = ""
) -> dict[str, Any]:
    """The policy that allows these actions on what the program creates."""
    here = {"REGION": region, "ACCOUNT": account, "DOMAIN": domain or "DOMAIN"}
    grouped: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for action in sorted({*actions, *ALWAYS}):
        condition = json.dumps(_CONDITIONS.get(action))
        grouped[_resources(action), condition].append(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": allowed,
                "Resource": [
                    re.sub("REGION|ACCOUNT|DOMAIN", lambda word: here[word[0]], each)
                    for each in resources
                ],
            }
            | ({"Condition": json.loads(condition)} if condition != "null" else {})
            for (resources, condition), allowed in sorted(grouped.items())
        ],
    }


def _resources(action: str) -> tuple[str, ...]:
    for beginnings, resources in _RESOURCES:
        if action.startswith(beginnings):
            return resources
    return ("*",)


def note(model: Any, **_: Any) -> None:
    """Note a call; `model` is botocore's of the operation."""
    found = _called.get()
    if found is None:
        return
    service = model.service_model.service_name
    name = f"{_SERVICES.get(service, service)}:{model.name}"
    if action := _ACTIONS.get(name, name):
        found.add(action)
