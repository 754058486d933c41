"""Keep every sending event where SQL can ask for it: Firehose, S3, Glue and Athena."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from importlib import resources
from typing import Any, Final

from aws_cdk import Duration, Names, RemovalPolicy, Size, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk.interfaces.aws_kinesisfirehose import IDeliveryStreamRef
from constructs import Construct

from cdk_mailroom import _queues, _quotas
from cdk_mailroom._checks import Problems, check_prefix, check_seconds, resolved
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.handlers import PythonHandler
from mailroom.lake import EVENT_TYPES, PARTITIONS, columns

__all__ = ["EventLake", "LakeFormat", "named_queries"]

TABLE: Final = "events"
"""The table's name, which the queries use."""

_MEBIBYTE = 1024 * 1024
_GIVEN_STREAM = "it has no effect on a given stream, which has its own"
_GIVEN_BUCKET = "it has no effect on a given bucket; set it there"

_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_JSON = "org.openx.data.jsonserde.JsonSerDe"

# What an analyst does in a workgroup, and what the console asks besides.
_ATHENA_ACTIONS: Final = (
    "athena:BatchGetNamedQuery",
    "athena:BatchGetQueryExecution",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetQueryResultsStream",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)


class LakeFormat(StrEnum):
    """What the lake's objects are."""

    PARQUET = "parquet"
    """Columns, compressed: a query reads only those that it names."""
    JSON = "json"
    """One JSON object a line, gzip: any tool reads it, and a query reads all of it."""


class EventLake(Construct):
    """Every sending event as a row of a table, for years and for questions nobody foresaw.

    Creates a Firehose stream with the transformation ``mailroom.lake``, an encrypted private
    bucket that is kept if the stack is deleted, a Glue table that needs no crawler, because Athena
    computes its partitions (event type and day), an Athena workgroup with a scan limit, and the
    queries of `named_queries`. What cannot be transformed, converted or delivered is kept below
    *error_prefix*, and alarms tell of it. `EventPublishing.to_lake` lets the events in.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stream: IDeliveryStreamRef | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        format: LakeFormat | str = LakeFormat.PARQUET,  # noqa: A002 (it is the word)
        transform: PythonHandler | None = None,
        pseudonym_secret: secretsmanager.ISecret | None = None,
        prefix: str = "events/",
        error_prefix: str = "errors/",
        result_prefix: str = "results/",
        buffer_size: Size | None = None,
        buffer_interval: Duration | None = None,
        infrequent_access_after: Duration | None = None,
        glacier_after: Duration | None = None,
        expire_after: Duration | None = None,
        results_expire_after: Duration | None = None,
        first_day: date | None = None,
        database_name: str | None = None,
        workgroup_name: str | None = None,
        scan_limit: Size | None = None,
        alert_topic: sns.ITopic | None = None,
        freshness_limit: Duration | None = None,
    ) -> None:
        """Create the lake; it is empty until something publishes to it.

        *stream*, *bucket*: yours instead of new ones. A given stream must write the rows of
        ``mailroom.lake`` into the given bucket, below *prefix*, as this construct's would.
        *encryption_key*: of the new bucket, the new stream and the results of queries; otherwise
        S3's and Firehose's own keys. *format*: it cannot be changed later, as one table has one.
        *transform*: a function of yours, ``transform(event) -> dict | None``, which adds to a row
        or drops it. *pseudonym_secret*: recipients become keyed hashes by it.

        *buffer_size*: 64 to 128 MiB, 128; *buffer_interval*: 60 to 900 s, 300; whichever comes
        first makes an object. *infrequent_access_after*, 90 days, and *glacier_after*, 365: when
        objects move to cheaper storage (`Duration.days(0)`: never). *expire_after*: two years; 0
        keeps everything. *results_expire_after*: of queries' results, a week. *first_day*: of the
        table; older objects are not found. Unless given, as far back as objects are kept, or
        2026-01-01. *scan_limit*: what one query may read, 100 GiB. *freshness_limit*: an alarm
        goes off if events take longer to arrive, three times *buffer_interval*.

        Raises `ConfigurationError` for what AWS would refuse, or silently ignore.
        """
        super().__init__(scope, construct_id)
        self.format = LakeFormat(format) if format in list(LakeFormat) else None
        """What the objects are."""
        self.prefix, self._error_prefix = prefix, error_prefix
        self._result_prefix = result_prefix
        problems = Problems(self)
        if self.format is None:
            problems.add("format", format, f"use one of {[str(one) for one in LakeFormat]}")
        self._check_given(
            problems,
            stream,
            {
                "transform": transform,
                "pseudonym_secret": pseudonym_secret,
                "buffer_size": buffer_size,
                "buffer_interval": buffer_interval,
            },
            bucket,
            {
                "infrequent_access_after": infrequent_access_after,
                "glacier_after": glacier_after,
                "expire_after": expire_after,
                "results_expire_after": results_expire_after,
            },
        )
        if stream is not None and bucket is not None and encryption_key is not None:
            problems.add(
                "encryption_key",
                encryption_key.node.path,
                "it has no effect on a given stream and a given bucket; encrypt those with it",
            )
        _check_transform(problems, transform)
        _check_prefixes(
            problems,
            {"prefix": prefix, "error_prefix": error_prefix, "result_prefix": result_prefix},
        )
        _check_size(
            problems,
            "buffer_size",
            buffer_size,
            _quotas.PARTITIONED_BUFFER_MIB,
            "Firehose asks for so much where it partitions or converts",
        )
        check_seconds(
            problems, "buffer_interval", buffer_interval, _quotas.PARTITIONED_BUFFER_SECONDS
        )
        _check_size(
            problems,
            "scan_limit",
            scan_limit,
            _quotas.SCAN_LIMIT_MIB,
            "Athena takes no others",
        )
        check_seconds(problems, "freshness_limit", freshness_limit, range(60, 86_401))
        lifecycle = _Lifecycle(
            problems,
            infrequent_access_after,
            glacier_after,
            expire_after,
            results_expire_after,
        )
        _check_name(
            problems, "database_name", database_name, _quotas.ATHENA_NAME, "1 to 255 of a-z, 0-9, _"
        )
        _check_name(
            problems,
            "workgroup_name",
            workgroup_name,
            _quotas.WORKGROUP_NAME,
            "1 to 128 letters, digits, '.', '_' and '-'",
        )
        problems.raise_if_any()
        assert self.format is not None

        self._key = encryption_key
        self._alert_topic = alert_topic
        self.bucket: s3.IBucket = bucket or self._bucket(lifecycle)
        """Where events, errors and results of queries lie."""
        self.function: lambda_.Function | None = None
        """The transformation, unless the stream was given."""
        kept = None if bucket is not None else lifecycle.expire_days
        self.database_name = database_name or _lower(self, 200)
        """The Glue database, for queries."""
        self.table = self._table(_days(first_day, kept))
        """The Glue table ``events``."""
        interval = buffer_interval or Duration.seconds(300)
        self.stream: IDeliveryStreamRef = stream or self._stream(
            transform, pseudonym_secret, buffer_size or Size.mebibytes(128), interval
        )
        """Where SES puts the events: made, and then the L1 construct, or given."""
        self.stream_arn = self.stream.delivery_stream_ref.delivery_stream_arn
        """Its ARN."""
        self.stream_name = self.stream.delivery_stream_ref.delivery_stream_name
        """Its name, for metrics."""
        self.workgroup_name = workgroup_name or Names.unique_resource_name(
            self, max_length=100, separator="-"
        )
        """The Athena workgroup, for queries."""
        self.workgroup = self._workgroup(scan_limit or Size.gibibytes(100))
        """Where they are asked: settings that a query cannot override."""
        self.queries = self._queries()
        """The saved queries, by the names of their files."""
        if freshness_limit is None:
            freshness_limit = _thrice(interval)
        self.alarms = self._alarms(freshness_limit)
        """What goes off when events do not arrive, by construct id."""
        if alert_topic is not None:
            self.tell(alert_topic)

    @property
    def alert_topic(self) -> sns.ITopic | None:
        """Whom the alarms tell."""
        return self._alert_topic

    def tell(self, topic: sns.ITopic) -> None:
        """Have the alarms publish to *topic*; `EventPublishing.to_lake` does it if nobody did."""
        self._alert_topic = topic
        for alarm in self.alarms.values():
            _queues.tell(alarm, topic)

    def grant_query(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* ask the table in the workgroup, and read the results: nothing else.

        Where Lake Formation governs the account, it must grant SELECT on the table besides.
        """
        bucket = self.bucket
        grant = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(_ATHENA_ACTIONS),
            resource_arns=[self._arn("athena", "workgroup", self.workgroup_name)],
        )
        for actions, arns in (
            (
                ["glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable"],
                self._catalog_arns(),
            ),
            (["s3:GetObject"], [bucket.arn_for_objects(f"{self.prefix}*")]),
            (
                [
                    "s3:AbortMultipartUpload",
                    "s3:GetObject",
                    "s3:ListMultipartUploadParts",
                    "s3:PutObject",
                ],
                [bucket.arn_for_objects(f"{self._result_prefix}*")],
            ),
            (["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [bucket.bucket_arn]),
        ):
            grant = grant.combine(
                iam.Grant.add_to_principal(grantee=grantee, actions=actions, resource_arns=arns)
            )
        grant = grant.combine(
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=["s3:ListBucket"],
                resource_arns=[bucket.bucket_arn],
                conditions={
                    "StringLike": {"s3:prefix": [f"{self.prefix}*", f"{self._result_prefix}*"]}
                },
            )
        )
        for prefix in (self.prefix, self._result_prefix):
            reviewed_wildcard(
                grantee.grant_principal,
                bucket.arn_for_objects(f"{prefix}*"),
                "objects of one purpose, whose names Firehose and Athena make up",
            )
        key = bucket.encryption_key
        return grant if key is None else grant.combine(key.grant(grantee, "kms:Decrypt", _DATA_KEY))

    def _check_given(
        self,
        problems: Problems,
        stream: IDeliveryStreamRef | None,
        of_stream: dict[str, Any],
        bucket: s3.IBucket | None,
        of_bucket: dict[str, Any],
    ) -> None:
        if stream is not None:
            for argument, value in of_stream.items():
                if value is not None:
                    problems.add(argument, _readable(value), _GIVEN_STREAM)
            if bucket is None:
                problems.add("bucket", None, "with a given stream, give the bucket it writes to")
        if bucket is not None:
            for argument, value in of_bucket.items():
                if value is not None:
                    problems.add(argument, _readable(value), _GIVEN_BUCKET)

    def _arn(self, service: str, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(service=service, resource=resource, resource_name=name)

    def _catalog_arns(self) -> list[str]:
        return [
            Stack.of(self).format_arn(service="glue", resource="catalog"),
            self._arn("glue", "database", self.database_name),
            self._arn("glue", "table", f"{self.database_name}/{TABLE}"),
        ]

    def _bucket(self, lifecycle: _Lifecycle) -> s3.Bucket:
        keyed = self._key is not None
        return s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS if keyed else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key,
            # One call to KMS for many objects instead of one each.
            bucket_key_enabled=keyed or None,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=lifecycle.rules(self.prefix, self._error_prefix, self._result_prefix),
        )

    def _table(self, days: str) -> glue.CfnTable:
        stack = Stack.of(self)
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name, description="What SES told about mail that was sent"
            ),
        )
        location = self.bucket.s3_url_for_object(self.prefix)
        parquet = self.format is LakeFormat.PARQUET
        # Athena computes the partitions from these: nothing has to be added day by day.
        # https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
        parameters = {
            "EXTERNAL": "TRUE",
            "classification": str(self.format),
            "projection.enabled": "true",
            "projection.event_type.type": "enum",
            "projection.event_type.values": ",".join(EVENT_TYPES),
            "projection.day.type": "date",
            "projection.day.format": "yyyy-MM-dd",
            "projection.day.range": days,
            "projection.day.interval": "1",
            "projection.day.interval.unit": "DAYS",
            "storage.location.template": (f"{location}event_type=${{event_type}}/day=${{day}}/"),
        }
        table = glue.CfnTable(
            self,
            "Table",
            catalog_id=stack.account,
            database_name=self.database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=TABLE,
                description="One row for each event; its columns are mailroom.lake.SCHEMA",
                table_type="EXTERNAL_TABLE",
                parameters=parameters,
                partition_keys=[
                    glue.CfnTable.ColumnProperty(name=name, type="string") for name in PARTITIONS
                ],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=location,
                    columns=[
                        glue.CfnTable.ColumnProperty(
                            name=column["Name"],
                            type=column["Type"],
                            comment=column.get("Comment"),
                        )
                        for column in columns()
                    ],
                    compressed=True,
                    input_format=_INPUT if parquet else _TEXT_INPUT,
                    output_format=_OUTPUT if parquet else _TEXT_OUTPUT,
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=_PARQUET if parquet else _JSON,
                        # A line that is cut short spoils itself, not the query.
                        parameters=(
                            {"serialization.format": "1"}
                            if parquet
                            else {"ignore.malformed.json": "true"}
                        ),
                    ),
                ),
            ),
        )
        table.node.add_dependency(database)
        return table

    def _transform(
        self, transform: PythonHandler | None, secret: secretsmanager.ISecret | None
    ) -> lambda_.Function:
        maker = transform or PythonHandler(
            None, "mailroom.lake:handler", memory_size=512, timeout=Duration.minutes(2)
        )
        function = maker.make_function(
            Construct(self, "Transform"),
            entry="mailroom.lake",
            specs=[] if transform is None else [transform.handler],
            description="Makes rows of SES events for the event lake",
        )
        if transform is not None:
            function.add_environment("MAILROOM_TRANSFORM", transform.handler)
        if secret is not None:
            function.add_environment("MAILROOM_PSEUDONYM_SECRET", secret.secret_arn)
            # Not secret.grant_read(), which also lets it see what the secret is about. Of a secret
            # that was looked up by name nobody knows the six characters that end its ARN.
            known = secret.secret_full_arn or f"{secret.secret_arn}-??????"
            iam.Grant.add_to_principal(
                grantee=function, actions=["secretsmanager:GetSecretValue"], resource_arns=[known]
            )
            if secret.encryption_key is not None:
                secret.encryption_key.grant(function, "kms:Decrypt")
        return function

    def _stream(
        self,
        transform: PythonHandler | None,
        secret: secretsmanager.ISecret | None,
        size: Size,
        interval: Duration,
    ) -> firehose.CfnDeliveryStream:
        function = self.function = self._transform(transform, secret)
        log_group = logs.LogGroup(
            self,
            "DeliveryLogs",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        log_stream = log_group.add_stream("DeliveryLog")
        role = self._delivery_role(function, log_group)
        stream_of = firehose.CfnDeliveryStream
        parquet = self.format is LakeFormat.PARQUET
        parameter = stream_of.ProcessorParameterProperty
        # Role and table are named in here, so they are there before Firehose looks at them.
        return stream_of(
            self,
            "Stream",
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=(
                stream_of.DeliveryStreamEncryptionConfigurationInputProperty(
                    key_type="AWS_OWNED_CMK" if self._key is None else "CUSTOMER_MANAGED_CMK",
                    key_arn=None if self._key is None else self._key.key_arn,
                )
            ),
            extended_s3_destination_configuration=(
                stream_of.ExtendedS3DestinationConfigurationProperty(
                    bucket_arn=self.bucket.bucket_arn,
                    role_arn=role.role_arn,
                    prefix=self.prefix
                    + "".join(f"{name}=!{{partitionKeyFromLambda:{name}}}/" for name in PARTITIONS),
                    error_output_prefix=(
                        f"{self._error_prefix}!{{firehose:error-output-type}}/"
                        "day=!{timestamp:yyyy-MM-dd}/"
                    ),
                    buffering_hints=stream_of.BufferingHintsProperty(
                        interval_in_seconds=interval.to_seconds(),
                        size_in_m_bs=size.to_mebibytes(),
                    ),
                    # Parquet compresses by itself, and Firehose then takes no other word.
                    compression_format="UNCOMPRESSED" if parquet else "GZIP",
                    file_extension=".parquet" if parquet else ".json.gz",
                    cloud_watch_logging_options=stream_of.CloudWatchLoggingOptionsProperty(
                        enabled=True,
                        log_group_name=log_group.log_group_name,
                        log_stream_name=log_stream.log_stream_name,
                    ),
                    # It can be switched on when a stream is made, and never again.
                    dynamic_partitioning_configuration=(
                        stream_of.DynamicPartitioningConfigurationProperty(
                            enabled=True,
                            retry_options=stream_of.RetryOptionsProperty(duration_in_seconds=300),
                        )
                    ),
                    processing_configuration=stream_of.ProcessingConfigurationProperty(
                        enabled=True,
                        processors=[
                            stream_of.ProcessorProperty(
                                type="Lambda",
                                parameters=[
                                    parameter(parameter_name=name, parameter_value=value)
                                    for name, value in (
                                        ("LambdaArn", function.function_arn),
                                        # An answer may have 6 MB, and a row is larger than
                                        # its event, so a batch has 1 MB.
                                        ("BufferSizeInMBs", "1"),
                                        ("BufferIntervalInSeconds", "60"),
                                        ("NumberOfRetries", "3"),
                                    )
                                ],
                            )
                        ],
                    ),
                    data_format_conversion_configuration=(
                        self._conversion(role) if parquet else None
                    ),
                    s3_backup_mode="Disabled",
                )
            ),
        )

    def _conversion(
        self, role: iam.Role
    ) -> firehose.CfnDeliveryStream.DataFormatConversionConfigurationProperty:
        stream_of = firehose.CfnDeliveryStream
        return stream_of.DataFormatConversionConfigurationProperty(
            enabled=True,
            input_format_configuration=stream_of.InputFormatConfigurationProperty(
                deserializer=stream_of.DeserializerProperty(
                    open_x_json_ser_de=stream_of.OpenXJsonSerDeProperty()
                )
            ),
            output_format_configuration=stream_of.OutputFormatConfigurationProperty(
                serializer=stream_of.SerializerProperty(
                    parquet_ser_de=stream_of.ParquetSerDeProperty(compression="GZIP")
                )
            ),
            schema_configuration=stream_of.SchemaConfigurationProperty(
                role_arn=role.role_arn,
                catalog_id=Stack.of(self).account,
                region=Stack.of(self).region,
                database_name=self.database_name,
                table_name=self.table.ref,
                version_id="LATEST",
            ),
        )

    def _delivery_role(self, function: lambda_.Function, log_group: logs.LogGroup) -> iam.Role:
        """Return what Firehose acts as; one resource, so that it is whole once it is there."""
        bucket = self.bucket
        role = iam.Role(
            self,
            "DeliveryRole",
            description="Firehose fills the event lake",
            assumed_by=iam.ServicePrincipal(
                "firehose.amazonaws.com",
                # Firehose sends the account so: https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
                conditions={"StringEquals": {"sts:ExternalId": Stack.of(self).account}},
            ),
            inline_policies={
                "Deliver": iam.PolicyDocument(
                    statements=[
                        _allow(
                            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                            [
                                bucket.arn_for_objects(f"{prefix}*")
                                for prefix in (self.prefix, self._error_prefix)
                            ],
                        ),
                        _allow(
                            [
                                "s3:GetBucketLocation",
                                "s3:ListBucket",
                                "s3:ListBucketMultipartUploads",
                            ],
                            [bucket.bucket_arn],
                        ),
                        _allow(
                            ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
                            [function.function_arn, f"{function.function_arn}:$LATEST"],
                        ),
                        _allow(
                            ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
                            self._catalog_arns(),
                        ),
                        _allow(["logs:PutLogEvents"], [log_group.log_group_arn]),
                        *(
                            [_allow(["kms:Decrypt", _DATA_KEY], [bucket.encryption_key.key_arn])]
                            if bucket.encryption_key is not None
                            else []
                        ),
                    ]
                )
            },
        )
        for prefix in (self.prefix, self._error_prefix):
            reviewed_wildcard(
                role,
                bucket.arn_for_objects(f"{prefix}*"),
                "objects of one purpose, whose names Firehose makes up",
            )
        reviewed_wildcard(
            role, log_group.log_group_arn, "the streams of the one group that is Firehose's"
        )
        return role

    def _workgroup(self, limit: Size) -> athena.CfnWorkGroup:
        group = athena.CfnWorkGroup
        key = self.bucket.encryption_key
        return group(
            self,
            "Workgroup",
            name=self.workgroup_name,
            description="Questions to the event lake",
            # Else a stack with one question in its history cannot be deleted.
            recursive_delete_option=True,
            work_group_configuration=group.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=limit.to_mebibytes() * _MEBIBYTE,
                engine_version=group.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=group.ResultConfigurationProperty(
                    output_location=self.bucket.s3_url_for_object(self._result_prefix),
                    expected_bucket_owner=self.bucket.env.account,
                    encryption_configuration=group.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3" if key is None else "SSE_KMS",
                        kms_key=None if key is None else key.key_arn,
                    ),
                ),
            ),
        )

    def _queries(self) -> dict[str, athena.CfnNamedQuery]:
        made = {}
        for name, sql in named_queries().items():
            title, _, rest = sql.partition("\n")
            made[name] = athena.CfnNamedQuery(
                self,
                "".join(word.capitalize() for word in name.split("_")),
                name=title.removeprefix("-- "),
                description=_description(rest),
                database=self.database_name,
                work_group=self.workgroup.ref,
                query_string=sql,
            )
            made[name].node.add_dependency(self.table)
        return made

    def _alarms(self, freshness: Duration) -> dict[str, cloudwatch.Alarm]:
        """Make the alarms: https://docs.aws.amazon.com/firehose/latest/dev/cloudwatch-metrics.html.

        Where a stream is quiet there are no values, which is no reason for an alarm.
        """
        below = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        above = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
        seconds = freshness.to_seconds()
        wanted = [
            (
                "Freshness",
                "DeliveryToS3.DataFreshness",
                "Maximum",
                above,
                seconds,
                f"Events take longer than {seconds} s to reach the lake",
            ),
            (
                "Delivery",
                "DeliveryToS3.Success",
                "Minimum",
                below,
                1,
                "Firehose cannot write to the lake's bucket; it tries for a day",
            ),
            (
                "Throttled",
                "ThrottledRecords",
                "Sum",
                above,
                0,
                "More events came than the stream's quota lets in",
            ),
            (
                "Partitions",
                "PartitionCountExceeded",
                "Maximum",
                above,
                0,
                "More partitions at a time than the quota; the rest is below the error prefix",
            ),
        ]
        if self.function is not None:
            wanted.append(
                (
                    "Transformation",
                    "ExecuteProcessing.Success",
                    "Minimum",
                    below,
                    1,
                    "The transformation of events fails as a whole",
                )
            )
        if self.format is LakeFormat.PARQUET:
            wanted.append(
                (
                    "Conversion",
                    "FailedConversion.Records",
                    "Sum",
                    above,
                    0,
                    "Rows do not fit the table; they are below the error prefix",
                )
            )
        alarms = {
            f"{name}Alarm": self._alarm(
                f"{name}Alarm",
                cloudwatch.Metric(
                    namespace="AWS/Firehose",
                    metric_name=metric,
                    dimensions_map={"DeliveryStreamName": self.stream_name},
                    statistic=statistic,
                    period=Duration.minutes(5),
                ),
                operator,
                threshold,
                description,
            )
            for name, metric, statistic, operator, threshold, description in wanted
        }
        if self.function is not None:
            alarms["BrokenEventAlarm"] = self._broken_events(self.function)
        return alarms

    def _broken_events(self, function: lambda_.Function) -> cloudwatch.Alarm:
        # ExecuteProcessing.Success counts calls of the function, and a call that answers
        # ProcessingFailed for one record has succeeded. Only the function's log tells, and tells
        # it of this lake, unlike the metric LakeFailed, which is the account's.
        failed = function.log_group.add_metric_filter(
            "BrokenEvents",
            filter_pattern=logs.FilterPattern.all(
                logs.FilterPattern.string_value("$.event", "=", "mailroom.lake"),
                logs.FilterPattern.number_value("$.failed", ">", 0),
            ),
            metric_value="$.failed",
            metric_namespace="Mailroom",
            metric_name=f"BrokenEvents-{self.node.addr[-8:]}",
        )
        return self._alarm(
            "BrokenEventAlarm",
            failed.metric(statistic="Sum", period=Duration.minutes(5)),
            cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            0,
            "An event could not be made a row; it is below the error prefix",
        )

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        operator: cloudwatch.ComparisonOperator,
        threshold: float,
        description: str,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            alarm_description=description,
            comparison_operator=operator,
            threshold=threshold,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )


def named_queries() -> dict[str, str]:
    """Return the saved queries by the names of their files in ``queries/``.

    Athena and DuckDB both run them; DuckDB has ``approx_percentile`` under another name::

        CREATE MACRO approx_percentile(value, part) AS approx_quantile(value, part)
    """
    folder = resources.files("cdk_mailroom").joinpath("queries")
    return {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda one: one.name)
        if file.name.endswith(".sql")
    }


_DATA_KEY: Final = "kms:GenerateDataKey"


class _Lifecycle:
    """When objects move and go; a duration of zero means never."""

    def __init__(
        self,
        problems: Problems,
        infrequent_access_after: Duration | None,
        glacier_after: Duration | None,
        expire_after: Duration | None,
        results_expire_after: Duration | None,
    ) -> None:
        self.access_days = _whole_days(
            problems, "infrequent_access_after", infrequent_access_after, 90
        )
        self.glacier_days = _whole_days(problems, "glacier_after", glacier_after, 365)
        self.expire_days = _whole_days(problems, "expire_after", expire_after, 730)
        self.result_days = _whole_days(problems, "results_expire_after", results_expire_after, 7)
        least = _quotas.INFREQUENT_ACCESS_DAYS
        if infrequent_access_after is not None and 0 < self.access_days < least:
            problems.add(
                "infrequent_access_after",
                f"{self.access_days} d",
                f"S3 takes {least} days or more, or 0 for never",
            )
        if glacier_after is None and expire_after is not None and self.expire_days:
            # What goes before it would move need not be said to stay.
            self.glacier_days = min(self.glacier_days, self.expire_days)
        if infrequent_access_after is None:
            later = [one for one in (self.glacier_days, self.expire_days) if one]
            if later and min(later) < self.access_days + least:
                self.access_days = 0
        if (
            self.access_days
            and self.glacier_days
            and (self.glacier_days < self.access_days + least)
        ):
            problems.add(
                "glacier_after",
                f"{self.glacier_days} d",
                f"give {least} days or more after infrequent_access_after, "
                f"{self.access_days} d: S3 bills that long in any case",
            )
        for argument, days in (
            ("infrequent_access_after", self.access_days),
            ("glacier_after", self.glacier_days),
        ):
            if self.expire_days and days and days > self.expire_days:
                problems.add(
                    argument,
                    f"{days} d",
                    f"it has no effect: objects go after expire_after, {self.expire_days} d",
                )
        if self.glacier_days and self.glacier_days == self.expire_days:
            self.glacier_days = 0

    def rules(self, events: str, errors: str, results: str) -> list[s3.LifecycleRule]:
        """Return the bucket's rules."""
        stages = (
            (s3.StorageClass.INFREQUENT_ACCESS, self.access_days),
            (s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, self.glacier_days),
        )
        expiration = Duration.days(self.expire_days) if self.expire_days else None
        rules = [
            s3.LifecycleRule(
                id="unfinished", abort_incomplete_multipart_upload_after=Duration.days(7)
            )
        ]
        transitions = [
            s3.Transition(storage_class=kind, transition_after=Duration.days(days))
            for kind, days in stages
            if days
        ]
        if transitions or expiration:
            rules.append(
                s3.LifecycleRule(
                    id="events", prefix=events, transitions=transitions, expiration=expiration
                )
            )
        if expiration:
            rules.append(s3.LifecycleRule(id="errors", prefix=errors, expiration=expiration))
        if self.result_days:
            rules.append(
                s3.LifecycleRule(
                    id="results", prefix=results, expiration=Duration.days(self.result_days)
                )
            )
        return rules


def _whole_days(problems: Problems, argument: str, value: Duration | None, default: int) -> int:
    if value is None:
        return default
    if value.is_unresolved():
        problems.add(argument, "unknown", "give a duration that is known at synth")
        return default
    days = value.to_days(integral=False)
    if days % 1 or days < 0:
        problems.add(argument, f"{days} d", "give whole days, or 0 for never")
    return int(days)


def _days(first: date | None, kept: int | None) -> str:
    """Return the days that the table has; each more is one more thing a query may look for."""
    if first is not None:
        start = first.isoformat()
    elif kept:
        start = f"NOW-{kept + 1}DAYS"
    else:
        start = "2026-01-01"
    # Clocks differ, and an event's time is not Athena's.
    return f"{start},NOW+1DAYS"


def _check_transform(problems: Problems, transform: object) -> None:
    if transform is None:
        return
    if not isinstance(transform, PythonHandler):
        problems.add("transform", transform, "give a PythonHandler")
        return
    transform.check_for_events(problems)
    if type(transform).configure is not PythonHandler.configure:
        problems.add(
            "transform",
            type(transform).__name__,
            "its configure() is for receipt rules; give a PythonHandler, and grant to the "
            "lake's function",
        )
    check_seconds(problems, "transform.timeout", transform.timeout, _quotas.TRANSFORMATION_SECONDS)


def _check_prefixes(problems: Problems, prefixes: dict[str, str]) -> None:
    for argument, prefix in prefixes.items():
        check_prefix(problems, argument, prefix)
        if not resolved(prefix):
            continue
        if not prefix.endswith("/") or "!{" in prefix or prefix == "/":
            problems.add(argument, prefix, "end it with '/', and leave partitions to the lake")
        for other, theirs in prefixes.items():
            if other != argument and resolved(theirs) and theirs.startswith(prefix):
                problems.add(
                    other, theirs, f"it lies below {argument}, {prefix!r}; keep them apart"
                )


def _check_size(
    problems: Problems, argument: str, size: Size | None, allowed: range, reason: str
) -> None:
    if size is None or size.is_unresolved():
        return
    mebibytes = size.to_bytes() / _MEBIBYTE
    if mebibytes % 1 or not allowed[0] <= mebibytes <= allowed[-1]:
        problems.add(
            argument,
            f"{mebibytes:g} MiB",
            f"give {allowed[0]} to {allowed[-1]} MiB, whole ones; {reason}",
        )


def _check_name(
    problems: Problems, argument: str, name: str | None, pattern: str, allowed: str
) -> None:
    import re

    if name is not None and resolved(name) and not re.fullmatch(pattern, name):
        problems.add(argument, name, f"use {allowed}")


def _allow(actions: Sequence[str], resource_arns: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resource_arns))


def _lower(scope: Construct, length: int) -> str:
    # Athena takes no hyphens unquoted, and Glue makes all names lower case.
    return Names.unique_resource_name(
        scope, max_length=length, separator="_", allowed_special_characters="_"
    ).lower()


def _thrice(interval: Duration) -> Duration:
    # Firehose itself may take 1.5 times the interval where it partitions.
    # https://docs.aws.amazon.com/firehose/latest/dev/buffering.html
    return Duration.seconds(3 * interval.to_seconds())


def _description(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def _readable(value: object) -> object:
    if isinstance(value, Duration):
        return value.to_human_string()
    if isinstance(value, Size):
        return f"{value.to_mebibytes(rounding=None)} MiB"
    if isinstance(value, Construct):
        return value.node.path
    return getattr(value, "handler", None) or str(value)
