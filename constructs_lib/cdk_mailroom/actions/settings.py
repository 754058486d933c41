"""Checks for action settings that SES would refuse, in our actions and in aws-cdk-lib's."""

from __future__ import annotations

import re

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._places import check_arn_region, resource_of
from mailroom.ses import ADDED_HEADER_CHARACTERS, ADDED_HEADER_NAME, SYNCHRONOUS_SECONDS

__all__ = ["SAME_REGION", "check_settings", "check_topic"]

SAME_REGION = "SES uses functions, topics and keys of its own region only"
"""Why a rule cannot have what is in another region."""

_WITH_TOPIC = (
    "bounce_action",
    "lambda_action",
    "s3_action",
    "sns_action",
    "stop_action",
    "workmail_action",
)
_FIFO_REMEDY = "pass a standard topic: SES cannot publish to a FIFO topic"


def check_topic(problems: Problems, topic: sns.ITopic | None) -> None:
    """Note that *topic* is a FIFO topic."""
    if topic is not None and (topic.fifo or _is_fifo(topic.topic_arn)):
        problems.add("topic", topic.node.path, _FIFO_REMEDY)


def check_settings(
    problems: Problems, argument: str, settings: ses.ReceiptRuleActionConfig, stack: Stack
) -> None:
    """Note what SES would refuse in one action of a rule in *stack*."""
    for kind in _WITH_TOPIC:
        topic_arn: str | None = getattr(getattr(settings, kind), "topic_arn", None)
        if topic_arn is not None and _is_fifo(topic_arn):
            problems.add(f"{argument}.topic", _name_of(topic_arn), _FIFO_REMEDY)
        check_arn_region(problems, f"{argument}.topic", topic_arn, stack, SAME_REGION)
    function_arn = getattr(settings.lambda_action, "function_arn", None)
    check_arn_region(problems, f"{argument}.function", function_arn, stack, SAME_REGION)
    key_arn = getattr(settings.s3_action, "kms_key_arn", None)
    check_arn_region(problems, f"{argument}.key", key_arn, stack, SAME_REGION)
    if settings.lambda_action is not None:
        _check_call(problems, argument, settings.lambda_action)
    if settings.add_header_action is not None:
        _check_header(problems, argument, settings.add_header_action)


def _check_call(problems: Problems, argument: str, call: ses.LambdaActionConfig) -> None:
    if call.invocation_type != "RequestResponse":
        return
    function = _resource(call.function_arn)
    if not isinstance(function, lambda_.CfnFunction):
        return
    seconds = function.timeout or 0
    if resolved(seconds) and seconds > SYNCHRONOUS_SECONDS:
        problems.add(
            f"{argument}.timeout",
            f"{seconds:g} s",
            f"set at most {SYNCHRONOUS_SECONDS} s, as long as SES waits for a synchronous function",
        )


def _check_header(problems: Problems, argument: str, header: ses.AddHeaderActionConfig) -> None:
    name, value = header.header_name, header.header_value
    if resolved(name) and not re.fullmatch(ADDED_HEADER_NAME, name):
        problems.add(f"{argument}.name", name, "use 1 to 50 letters, digits and hyphens")
    if resolved(value) and (len(value) > ADDED_HEADER_CHARACTERS or re.search(r"[\r\n]", value)):
        problems.add(
            f"{argument}.value",
            value[:80],
            f"stay within {ADDED_HEADER_CHARACTERS} characters, without line breaks",
        )


def _is_fifo(topic_arn: str) -> bool:
    if resolved(topic_arn):
        return topic_arn.endswith(".fifo")
    topic = _resource(topic_arn)
    return isinstance(topic, sns.CfnTopic) and topic.fifo_topic is True


def _name_of(arn: str) -> str:
    resource = _resource(arn)
    return arn if resource is None else resource.node.path.removesuffix("/Resource")


def _resource(arn: str) -> Construct | None:
    """Return the resource that has the ARN *arn*, if it is made in this app."""
    return None if resolved(arn) else resource_of(arn)
