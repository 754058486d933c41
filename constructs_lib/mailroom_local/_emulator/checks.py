"""The live checks: whether SES has the permissions for what it is set up to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mailroom.ses import SETUP_NOTIFICATION
from mailroom_local._emulator import internals
from mailroom_local._ses_error import SesError
from mailroom_local.receiving import rules
from mailroom_local.receiving.rules import Rule

_SES_PRINCIPAL = "ses.amazonaws.com"


def check_rule(set_name: str, rule: Rule) -> None:
    """Check that SES may carry out every action; SES does whenever a rule is written."""
    rules.check_quotas(rule)
    source = Source(f"receipt-rule-set/{set_name}:receipt-rule/{rule['Name']}", rule=rule["Name"])
    for kind, fields in rules.actions(rule):
        if kind == "LambdaAction":
            _check_function(source, fields.get("FunctionArn", ""))
        if kind == "S3Action":
            _check_bucket(source, fields)
        if fields.get("TopicArn") or kind == "SNSAction":
            _check_topic(source, fields.get("TopicArn", ""))


def check_event_destination(configuration_set: str, definition: Mapping[str, Any]) -> None:
    """Check that SES may publish there; SES does whenever a destination is written."""
    source = Source(f"configuration-set/{configuration_set}")
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


class Source:
    """The resource for which SES acts; conditions of policies are compared with it."""

    def __init__(self, resource: str, *, rule: str = "") -> None:
        self.account: str = internals.responses.get_account_id()
        self.region: str = internals.responses.get_region()
        self.rule = rule
        self.arn = f"arn:aws:ses:{self.region}:{self.account}:{resource}"

    def may(
        self, action: str, resource: str, policy: str | Mapping[str, Any] | None, **context: str
    ) -> str:
        """``Allow``, ``Deny`` or ``ImplicitDeny``: what this resource policy says to SES."""
        decision: str = internals.policies.evaluate_resource_policy(
            policy, self.context(action, resource, **context), _SES_PRINCIPAL
        ).decision
        return decision

    def context(self, action: str, resource: str, **context: str) -> Any:
        return internals.policies.EvalContext(
            principal_arn=_SES_PRINCIPAL,
            principal_type="Service",
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=self.region,
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context={
                "aws:sourceaccount": self.account,
                "aws:sourcearn": self.arn,
                # Older than aws:SourceAccount; some templates still use it.
                "aws:referer": self.account,
                "aws:principalisawsservice": "true",
                "aws:principalservicename": _SES_PRINCIPAL,
                **context,
            },
        )


def _check_function(source: Source, arn: str) -> None:
    refusal = SesError("InvalidLambdaFunction", f"Could not invoke Lambda function: {arn}")
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "lambda" or parts[3] != source.region:
        raise refusal
    function = internals.functions.functions.get(parts[6])
    if function is None or parts[4] != source.account:
        raise refusal
    if source.may("lambda:InvokeFunction", arn, function.get("policy")) != "Allow":
        raise refusal


def _check_bucket(source: Source, fields: Mapping[str, str]) -> None:
    bucket = fields.get("BucketName", "")
    refusal = SesError("InvalidS3Configuration", f"Could not write to bucket: {bucket}")
    if bucket not in internals.s3.buckets:
        raise refusal
    prefix = fields.get("ObjectKeyPrefix", "")
    resource = f"arn:aws:s3:::{bucket}/{prefix}{SETUP_NOTIFICATION}"
    policy = internals.s3.bucket_policies.get(bucket)
    if role := fields.get("IamRoleArn"):
        if not _role_may(source, role, "s3:PutObject", resource):
            raise SesError(
                "InvalidS3Configuration", f"Could not assume the provided IAM Role: {role}"
            )
        if source.may("s3:PutObject", resource, policy) == "Deny":
            raise refusal
    elif source.may("s3:PutObject", resource, policy) != "Allow":
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
            "kms:encryptioncontext:aws:ses:rule-name": source.rule,
            "kms:encryptioncontext:aws:ses:source-account": source.account,
            "kms:encryptioncontext:aws:ses:message-id": SETUP_NOTIFICATION,
        }
        if not _key_serves(source, key, ("kms:GenerateDataKey",), context):
            raise SesError("InvalidS3Configuration", f"Could not encrypt with KMS key: {key}")


def _check_topic(source: Source, arn: str) -> None:
    refusal = SesError("InvalidSnsTopic", f"Invalid SNS topic: {arn}")
    topic = internals.sns.topics.get(arn)
    if topic is None or arn.endswith(".fifo"):
        raise refusal
    attributes = topic.get("attributes", {})
    # A topic of the same account needs no statement for SES, but must not deny it.
    if source.may("sns:Publish", arn, attributes.get("Policy")) == "Deny":
        raise refusal
    key = attributes.get("KmsMasterKeyId")
    if key and not _key_serves(
        source,
        key,
        ("kms:GenerateDataKey", "kms:Decrypt"),
        {"kms:viaservice": f"sns.{source.region}.amazonaws.com"},
    ):
        raise refusal


def _check_event_topic(source: Source, arn: str) -> None:
    refusal = SesError(
        "InvalidSNSDestination", f"Could not publish to the SNS topic <{arn}> of the destination."
    )
    topic = internals.sns.topics.get(arn)
    if topic is None or arn.endswith(".fifo") or arn.split(":")[3] != source.region:
        raise refusal
    attributes = topic.get("attributes", {})
    # The default policy of a topic admits whoever acts for its owner.
    policy = attributes.get("Policy")
    owner = {"aws:sourceowner": source.account}
    if source.may("sns:Publish", arn, policy, **owner) != "Allow":
        raise refusal
    key = attributes.get("KmsMasterKeyId")
    context = {"kms:viaservice": f"sns.{source.region}.amazonaws.com"}
    if key and not _key_serves(source, key, ("kms:GenerateDataKey", "kms:Decrypt"), context):
        raise refusal


def _check_stream(source: Source, target: Mapping[str, Any]) -> None:
    stream, role = str(target.get("DeliveryStreamArn", "")), str(target.get("IamRoleArn", ""))
    if internals.firehose.streams.get(stream.rpartition("/")[2]) is None:
        raise SesError("InvalidFirehoseDestination", f"Delivery stream <{stream}> does not exist.")
    if not _role_may(source, role, "firehose:PutRecordBatch", stream):
        raise SesError(
            "InvalidFirehoseDestination",
            f"Could not assume IAM role <{role}>, or it may not put records to <{stream}>.",
        )


def _key_serves(
    source: Source, key: str, actions: Sequence[str], context: Mapping[str, str]
) -> bool:
    # The policy of an AWS managed key cannot be changed, and never admits SES.
    record = None if "alias/aws/" in key else internals.kms.resolve_key(key)
    return record is not None and all(
        source.may(action, record["Arn"], record.get("Policy"), **context) == "Allow"
        for action in actions
    )


def _role_may(source: Source, arn: str, action: str, resource: str) -> bool:
    name = arn.rsplit("/", 1)[-1]
    role = internals.iam.roles.get(name)
    if role is None:
        return False
    trust = role.get("AssumeRolePolicyDocument")
    if source.may("sts:AssumeRole", arn, trust) != "Allow":
        return False
    granted = internals.policies.gather_role_policies(name, source.account)
    decision: str = internals.policies.evaluate(source.context(action, resource), granted).decision
    return decision == "Allow"
