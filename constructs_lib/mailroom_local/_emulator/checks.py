"""The live checks: whether SES has the permissions for what it is set up to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mailroom.ses import SETUP_NOTIFICATION, object_key
from mailroom_local._emulator import internals
from mailroom_local._emulator.policies import Service
from mailroom_local._ses_error import SesError
from mailroom_local.receiving import rules
from mailroom_local.receiving.rules import Rule


def check_rule(set_name: str, rule: Rule) -> None:
    """Check that SES may carry out every action; SES does whenever a rule is written."""
    rules.check_form(rule)
    source = _ses(f"receipt-rule-set/{set_name}:receipt-rule/{rule['Name']}")
    for kind, fields in rules.actions(rule):
        if kind == "LambdaAction":
            _check_function(source, fields.get("FunctionArn", ""))
        if kind == "S3Action":
            _check_bucket(source, fields, rule_name=rule["Name"])
        if kind == "BounceAction" and internals.ses.message_rejection(fields["Sender"]):
            raise SesError("InvalidParameterValue", f"Identity is not verified: {fields['Sender']}")
        if fields.get("TopicArn") or kind == "SNSAction":
            _check_topic(source, fields.get("TopicArn", ""))


def check_event_destination(configuration_set: str, definition: Mapping[str, Any]) -> None:
    """Check that SES may publish there; SES does whenever a destination is written."""
    source = _ses(f"configuration-set/{configuration_set}")
    if target := definition.get("SnsDestination"):
        _check_event_topic(source, str(target.get("TopicArn", "")))
    if target := definition.get("KinesisFirehoseDestination"):
        _check_stream(source, target)
    if target := definition.get("EventBridgeDestination"):
        arn = str(target.get("EventBusArn", ""))
        if arn != f"arn:aws:events:{source.region}:{source.account}:event-bus/default":
            raise SesError(
                "InvalidParameterValue", f"Only the default event bus can be used, not <{arn}>."
            )


def _ses(resource: str) -> Service:
    account = internals.responses.get_account_id()
    arn = f"arn:aws:ses:{internals.responses.get_region()}:{account}:{resource}"
    # aws:Referer is older than aws:SourceAccount; some templates still use it.
    return Service("ses.amazonaws.com", arn, **{"aws:referer": account})


def _check_function(source: Service, arn: str) -> None:
    refusal = SesError("InvalidLambdaFunction", f"Could not invoke Lambda function: {arn}")
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "lambda":
        raise SesError("InvalidLambdaFunction", f"Invalid Lambda function: {arn}")
    if parts[3] != source.region:
        raise refusal
    function = internals.functions.functions.get(parts[6])
    if function is None or parts[4] != source.account:
        raise refusal
    if source.decision("lambda:InvokeFunction", arn, function.get("policy")) != "Allow":
        raise refusal


def _check_bucket(source: Service, fields: Mapping[str, str], *, rule_name: str) -> None:
    bucket = fields["BucketName"]
    refusal = SesError("InvalidS3Configuration", f"Could not write to bucket: {bucket}")
    if not bucket:
        raise SesError("InvalidParameterValue", "Bucket name must not be empty")
    if bucket not in internals.s3.buckets:
        raise SesError("InvalidS3Configuration", f"No such bucket: {bucket}")
    key = object_key(fields.get("ObjectKeyPrefix", ""), SETUP_NOTIFICATION)
    resource = f"arn:aws:s3:::{bucket}/{key}"
    policy = internals.s3.bucket_policies.get(bucket)
    if role := fields.get("IamRoleArn"):
        if not source.may_as(role, "s3:PutObject", resource):
            raise SesError(
                "InvalidS3Configuration", f"Could not assume the provided IAM Role: {role}"
            )
        if source.decision("s3:PutObject", resource, policy) == "Deny":
            raise refusal
    elif source.decision("s3:PutObject", resource, policy) != "Allow":
        raise refusal
    encryption = internals.s3.bucket_default_sse_headers(bucket)
    if "kms" in encryption.get("x-amz-server-side-encryption", "") and not fields.get("IamRoleArn"):
        key = encryption.get("x-amz-server-side-encryption-aws-kms-key-id", "alias/aws/s3")
        if not _key_serves(
            source,
            key,
            ("kms:GenerateDataKey", "kms:Decrypt"),
            {
                "kms:viaservice": f"s3.{source.region}.amazonaws.com",
                "kms:encryptioncontext:aws:s3:arn": f"arn:aws:s3:::{bucket}",
            },
        ):
            raise refusal
    if (key := fields.get("KmsKeyArn", "")) and not key.endswith(":alias/aws/ses"):
        context = {
            "kms:encryptioncontext:aws:ses:rule-name": rule_name,
            "kms:encryptioncontext:aws:ses:source-account": source.account,
            "kms:encryptioncontext:aws:ses:message-id": SETUP_NOTIFICATION,
        }
        if not _key_serves(source, key, ("kms:GenerateDataKey",), context):
            raise SesError("InvalidS3Configuration", f"Could not encrypt with KMS key: {key}")


def _check_topic(source: Service, arn: str) -> None:
    refusal = SesError("InvalidSnsTopic", f"Could not publish to SNS topic: {arn}")
    if arn.count(":") < 5:
        raise SesError("InvalidSnsTopic", f"Invalid SNS topic: {arn}")
    topic = internals.sns.topics.get(arn)
    if topic is None or arn.endswith(".fifo"):
        raise refusal
    attributes = topic.get("attributes", {})
    # A topic of the same account needs no statement for SES, but must not deny it.
    if source.decision("sns:Publish", arn, attributes.get("Policy")) == "Deny":
        raise refusal
    key = attributes.get("KmsMasterKeyId")
    if key and not _key_serves(
        source,
        key,
        ("kms:GenerateDataKey", "kms:Decrypt"),
        {"kms:viaservice": f"sns.{source.region}.amazonaws.com"},
    ):
        raise refusal


def _check_event_topic(source: Service, arn: str) -> None:
    refusal = SesError(
        "InvalidSNSDestination", f"Could not publish to the SNS topic <{arn}> of the destination."
    )
    topic = internals.sns.topics.get(arn)
    if topic is None:
        raise SesError("InvalidSNSDestination", f"SNS topic <{arn}> not found.")
    if arn.endswith(".fifo") or arn.split(":")[3] != source.region:
        raise refusal
    attributes = topic.get("attributes", {})
    # The default policy of a topic admits anyone who acts for its owner.
    policy = attributes.get("Policy")
    owner = {"aws:sourceowner": source.account}
    if source.decision("sns:Publish", arn, policy, **owner) != "Allow":
        raise refusal
    key = attributes.get("KmsMasterKeyId")
    context = {"kms:viaservice": f"sns.{source.region}.amazonaws.com"}
    if key and not _key_serves(source, key, ("kms:GenerateDataKey", "kms:Decrypt"), context):
        raise refusal


def _check_stream(source: Service, target: Mapping[str, Any]) -> None:
    stream, role = str(target.get("DeliveryStreamArn", "")), str(target.get("IamRoleArn", ""))
    if internals.firehose.streams.get(stream.rpartition("/")[2]) is None:
        raise SesError("InvalidFirehoseDestination", f"Delivery stream <{stream}> does not exist.")
    if not source.may_as(role, "firehose:PutRecordBatch", stream):
        raise SesError(
            "InvalidFirehoseDestination",
            f"Could not assume IAM role <{role}>, or it may not put records to <{stream}>.",
        )


def _key_serves(
    source: Service, key: str, actions: Sequence[str], context: Mapping[str, str]
) -> bool:
    # The policy of an AWS managed key cannot be changed, and never admits SES.
    record = None if "alias/aws/" in key else internals.kms.resolve_key(key)
    return record is not None and all(
        source.decision(action, record["Arn"], record.get("Policy"), **context) == "Allow"
        for action in actions
    )
