"""The Firehose stream of a lake, its transformation, and the role that it acts as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cdk_mailroom._asked import account_of, region_of
from cdk_mailroom._objects import objects_arn
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom._secrets import grant_read_secret
from cdk_mailroom.functions import PythonFunction
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.lake.options import LakeBuffer, LakeFormat, LakeStorage
from cdk_mailroom.lake.table import catalog_arns
from mailroom.lake import PARTITIONS

__all__ = ["Target", "make_stream", "make_transformation"]

_CfnStream = firehose.CfnDeliveryStream


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a stream writes, and in which format."""

    bucket: s3.IBucket
    storage: LakeStorage
    format_: LakeFormat
    database_name: str
    table: glue.CfnTable


def make_transformation(
    scope: Construct,
    *,
    transform: PythonHandler | None,
    secret: secretsmanager.ISecret | None,
) -> lambda_.Function:
    """Return the function that makes rows of events."""
    maker = transform or PythonFunction(
        None, "mailroom.entry.lake:handler", memory_size=512, timeout=Duration.minutes(2)
    )
    function = maker.create(
        Construct(scope, "Transform"),
        entry="mailroom.entry.lake",
        specs=[] if transform is None else [transform.handler],
        description="Makes rows of SES events for the event lake",
        environment=None if transform is None else {"MAILROOM_TRANSFORM": transform.handler},
    )
    if secret is not None:
        function.add_environment("MAILROOM_PSEUDONYM_SECRET", secret.secret_arn)
        grant_read_secret(function, secret)
    return function


def make_stream(
    scope: Construct,
    *,
    target: Target,
    function: lambda_.Function,
    key: kms.IKey | None,
    buffer: LakeBuffer,
) -> firehose.CfnDeliveryStream:
    """Return the stream, whose role and table exist before it does."""
    log_group = logs.LogGroup(
        scope,
        "DeliveryLogs",
        retention=logs.RetentionDays.THREE_MONTHS,
        removal_policy=RemovalPolicy.DESTROY,
    )
    log_stream = log_group.add_stream("DeliveryLog")
    role = _delivery_role(scope, target=target, function=function, log_group=log_group)
    parquet = target.format_ is LakeFormat.PARQUET
    partitions = "".join(f"{name}=!{{partitionKeyFromLambda:{name}}}/" for name in PARTITIONS)
    return _CfnStream(
        scope,
        "Stream",
        delivery_stream_type="DirectPut",
        delivery_stream_encryption_configuration_input=(
            _CfnStream.DeliveryStreamEncryptionConfigurationInputProperty(
                key_type="AWS_OWNED_CMK" if key is None else "CUSTOMER_MANAGED_CMK",
                key_arn=None if key is None else key.key_arn,
            )
        ),
        extended_s3_destination_configuration=(
            _CfnStream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=target.bucket.bucket_arn,
                role_arn=role.role_arn,
                prefix=f"{target.storage.prefix}{partitions}",
                error_output_prefix=(
                    f"{target.storage.error_prefix}!{{firehose:error-output-type}}/"
                    "day=!{timestamp:yyyy-MM-dd}/"
                ),
                buffering_hints=_CfnStream.BufferingHintsProperty(
                    interval_in_seconds=(buffer.interval or Duration.seconds(300)).to_seconds(),
                    size_in_m_bs=(buffer.size or Size.mebibytes(128)).to_mebibytes(),
                ),
                # Parquet is compressed inside, and Firehose then accepts no other value.
                compression_format="UNCOMPRESSED" if parquet else "GZIP",
                file_extension=".parquet" if parquet else ".json.gz",
                cloud_watch_logging_options=_CfnStream.CloudWatchLoggingOptionsProperty(
                    enabled=True,
                    log_group_name=log_group.log_group_name,
                    log_stream_name=log_stream.log_stream_name,
                ),
                # It can be switched on only when a stream is made.
                dynamic_partitioning_configuration=(
                    _CfnStream.DynamicPartitioningConfigurationProperty(
                        enabled=True,
                        retry_options=_CfnStream.RetryOptionsProperty(duration_in_seconds=300),
                    )
                ),
                processing_configuration=_CfnStream.ProcessingConfigurationProperty(
                    enabled=True, processors=[_processor(function)]
                ),
                data_format_conversion_configuration=(
                    _conversion(scope, target, role) if parquet else None
                ),
                s3_backup_mode="Disabled",
            )
        ),
    )


def _processor(function: lambda_.Function) -> firehose.CfnDeliveryStream.ProcessorProperty:
    return _CfnStream.ProcessorProperty(
        type="Lambda",
        parameters=[
            _CfnStream.ProcessorParameterProperty(parameter_name=name, parameter_value=value)
            for name, value in (
                ("LambdaArn", function.function_arn),
                # A response may have 6 MB, and a row is larger than its event.
                ("BufferSizeInMBs", "1"),
                ("BufferIntervalInSeconds", "60"),
                ("NumberOfRetries", "3"),
            )
        ],
    )


def _conversion(
    scope: Construct, target: Target, role: iam.Role
) -> firehose.CfnDeliveryStream.DataFormatConversionConfigurationProperty:
    return _CfnStream.DataFormatConversionConfigurationProperty(
        enabled=True,
        input_format_configuration=_CfnStream.InputFormatConfigurationProperty(
            deserializer=_CfnStream.DeserializerProperty(
                open_x_json_ser_de=_CfnStream.OpenXJsonSerDeProperty()
            )
        ),
        output_format_configuration=_CfnStream.OutputFormatConfigurationProperty(
            serializer=_CfnStream.SerializerProperty(
                parquet_ser_de=_CfnStream.ParquetSerDeProperty(compression="GZIP")
            )
        ),
        schema_configuration=_CfnStream.SchemaConfigurationProperty(
            role_arn=role.role_arn,
            catalog_id=account_of(scope),
            region=region_of(scope),
            database_name=target.database_name,
            table_name=target.table.ref,
            version_id="LATEST",
        ),
    )


def _delivery_role(
    scope: Construct, *, target: Target, function: lambda_.Function, log_group: logs.LogGroup
) -> iam.Role:
    """Return the role with its permissions in one resource, so that it is never incomplete."""
    bucket, key = target.bucket, target.bucket.encryption_key
    written = [
        objects_arn(bucket, prefix)
        for prefix in (target.storage.prefix, target.storage.error_prefix)
    ]
    statements = [
        _allow(["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], written),
        _allow(
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            [bucket.bucket_arn],
        ),
        _allow(
            ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
            [function.function_arn, f"{function.function_arn}:$LATEST"],
        ),
        _allow(
            ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
            catalog_arns(scope, target.database_name),
        ),
        _allow(["logs:PutLogEvents"], [log_group.log_group_arn]),
    ]
    if key is not None:
        statements.append(_allow(["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn]))
    role = iam.Role(
        scope,
        "DeliveryRole",
        description="Firehose fills the event lake",
        assumed_by=iam.ServicePrincipal(
            "firehose.amazonaws.com",
            # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
            conditions={"StringEquals": {"sts:ExternalId": account_of(scope)}},
        ),
        inline_policies={"Deliver": iam.PolicyDocument(statements=statements)},
    )
    for objects in written:
        reviewed_wildcard(role, objects, "objects for one purpose, whose names Firehose generates")
    reviewed_wildcard(role, log_group.log_group_arn, "the log streams of Firehose's log group only")
    return role


def _allow(actions: Sequence[str], resource_arns: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resource_arns))
