"""The event lake itself: its options, what it consists of, and who may query it."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration, Names, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk.interfaces.aws_kinesisfirehose import IDeliveryStreamRef
from constructs import Construct

from cdk_mailroom import _alarms, _quotas
from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems, Retention, check_seconds, leaving_nothing
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._places import check_query_place, check_region
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.lake import athena, options
from cdk_mailroom.lake.alarms import make_alarms
from cdk_mailroom.lake.options import LakeBuffer, LakeFormat, LakeQueries, LakeStorage
from cdk_mailroom.lake.storage import Lifecycle, lifecycle_of, make_bucket
from cdk_mailroom.lake.stream import Target, make_stream, make_transformation
from cdk_mailroom.lake.table import make_table

__all__ = ["EventLake"]

_GIVEN_STREAM = "it has no effect on a given stream, which has its own; omit it"
_GIVEN_BUCKET = "it has no effect on a given bucket; set it there"


class EventLake(MailConstruct):
    """Every sending event as a row of a table, to be queried in SQL for years.

    Creates a Firehose stream with the transformation ``mailroom.lake``, an encrypted private
    bucket that is kept if the stack is deleted, a Glue table whose partitions (event type and day)
    Athena computes, so that no crawler is needed, an Athena workgroup with a scan limit, and the
    queries of `named_queries`. What cannot be transformed, converted or delivered is kept below the
    error prefix and raises an alarm. `EventPublishing.to_lake` lets SES put events into it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stream: IDeliveryStreamRef | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        format: LakeFormat | str = LakeFormat.PARQUET,  # noqa: A002 (the usual word for it)
        transform: PythonHandler | None = None,
        pseudonym_secret: secretsmanager.ISecret | None = None,
        retention: Retention | None = None,
        storage: LakeStorage | None = None,
        buffer: LakeBuffer | None = None,
        queries: LakeQueries | None = None,
        freshness_limit: Duration | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None:
        """Create the lake; it is empty until something publishes to it.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            stream: A Firehose stream to use instead of a new one. It must write rows of
                ``mailroom.lake`` into the given bucket, below the prefix of *storage*.
            bucket: A bucket to use instead of a new one.
            encryption_key: Encrypts the new bucket, the new stream and query results. By default
                S3 and Firehose use their own keys.
            format: The format of objects; Parquet by default. It cannot be changed later, because
                a table has one format.
            transform: Your own function, ``transform(event) -> dict | None``: it adds to a row, or
                drops it. It runs in a process of its own, so that an event which ends that costs no
                other. None by default.
            pseudonym_secret: A secret whose text is the key of a hash that replaces the local part
                of each recipient. By default addresses are stored.
            retention: How long events and failed records are kept, in whole days, or
                ``"forever"``; two years by default.
            storage: Prefixes, and when objects move to cheaper storage classes.
            buffer: How long Firehose collects events before it writes an object.
            queries: The names and limits of database and workgroup.
            freshness_limit: An alarm is raised if events take longer to arrive, 60 to 86400
                seconds; three times the buffer's interval by default.
            alert_topic: The topic of the alarms. By default that of the first `EventPublishing`
                that uses the lake.

        Raises:
            ConfigurationError: An argument that AWS would refuse, or that would have no effect.
        """
        problems = Problems(scope, construct_id)
        own, waits, asks = (
            storage or LakeStorage(),
            buffer or LakeBuffer(),
            queries or LakeQueries(),
        )
        lifecycle = _checked(
            problems,
            format_=format,
            given_stream=stream,
            given_bucket=bucket,
            key=encryption_key,
            transform=transform,
            secret=pseudonym_secret,
            retention=retention,
            storage=own,
            buffer=waits,
            queries=asks,
            freshness_limit=freshness_limit,
        )
        for argument, resource in (
            ("encryption_key", encryption_key),
            ("alert_topic", alert_topic),
        ):
            check_region(problems, argument, resource, stack_of(scope), "a lake is in one region")
        problems.raise_if_any()
        with leaving_nothing(scope, construct_id):
            super().__init__(scope, construct_id)
            # First, because reading the transform's code may fail.
            function = (
                None
                if stream is not None
                else make_transformation(self, transform=transform, secret=pseudonym_secret)
            )

        self.format = LakeFormat(format)
        """The format of the objects."""
        self.prefix = own.prefix
        """The object name prefix of events."""
        self._result_prefix = asks.result_prefix
        self._alert_topic = alert_topic
        self.bucket: s3.IBucket = bucket or make_bucket(
            self, key=encryption_key, lifecycle=lifecycle, storage=own, queries=asks
        )
        """The bucket of events, failed records and query results."""
        self.database_name = asks.database_name or _lower(self, 200)
        """The name of the Glue database."""
        self.table = make_table(
            self,
            database_name=self.database_name,
            bucket=self.bucket,
            prefix=own.prefix,
            format_=self.format,
            first_day=asks.first_day,
            kept_days=None if bucket is not None else lifecycle.expire,
        )
        """The Glue table ``events``."""
        self.function: lambda_.Function | None = function
        """The transformation; ``None`` if the stream was given."""
        if stream is None:
            assert function is not None
            stream = make_stream(
                self,
                target=Target(
                    bucket=self.bucket,
                    storage=own,
                    format_=self.format,
                    database_name=self.database_name,
                    table=self.table,
                ),
                function=function,
                key=encryption_key,
                buffer=waits,
            )
        self.stream: IDeliveryStreamRef = stream
        """The stream that SES puts events into: the given one, or a new ``CfnDeliveryStream``."""
        self.stream_arn = stream.delivery_stream_ref.delivery_stream_arn
        """The ARN of the stream."""
        self.stream_name = stream.delivery_stream_ref.delivery_stream_name
        """The name of the stream, which its metrics have."""
        self.workgroup_name = asks.workgroup_name or Names.unique_resource_name(
            self, max_length=100, separator="-"
        )
        """The name of the Athena workgroup."""
        self.workgroup = athena.make_workgroup(
            self,
            name=self.workgroup_name,
            bucket=self.bucket,
            result_prefix=asks.result_prefix,
            scan_limit=asks.scan_limit or Size.gibibytes(100),
        )
        """The workgroup; no query can override its settings."""
        self.queries = athena.make_queries(
            self,
            workgroup=self.workgroup,
            database_name=self.database_name,
            table=self.table,
        )
        """The saved queries, by the names of their files."""
        self.alarms = make_alarms(
            self,
            stream_name=self.stream_name,
            freshness_limit=freshness_limit or _freshness_limit(waits),
            format_=self.format,
            function=self.function,
        )
        """The alarms, by construct id: events arrive late, or not at all."""
        if alert_topic is not None:
            self.send_alarms_to(alert_topic)

    @property
    def alert_topic(self) -> sns.ITopic | None:
        """The topic of the alarms."""
        return self._alert_topic

    def send_alarms_to(self, topic: sns.ITopic) -> None:
        """Let the alarms publish to *topic*; `EventPublishing.to_lake` does this for new lakes.

        Args:
            topic: A topic of the same stack, or of one that does not depend on it.
        """
        self._alert_topic = topic
        for alarm in self.alarms.values():
            _alarms.publish_alarm(alarm, topic)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables of a function that queries the lake."""
        return {
            "MAILROOM_LAKE_WORKGROUP": self.workgroup_name,
            "MAILROOM_LAKE_DATABASE": self.database_name,
        }

    def grant_query(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* query the table in the workgroup and read the results, and nothing else.

        A function also gets `environment`, which ``mailroom.lake.Lake`` reads. Where Lake Formation
        governs the account, it must grant SELECT on the table as well.

        Args:
            grantee: Who runs queries.

        Returns:
            The grant.

        Raises:
            ConfigurationError: A function in another account or region.
        """
        problems = Problems(self)
        check_query_place(problems, "grantee", self, grantee)
        problems.raise_if_any()
        if isinstance(grantee, lambda_.Function):
            for name, value in self.environment.items():
                grantee.add_environment(name, value)
        return athena.grant_query(
            grantee,
            scope=self,
            workgroup_name=self.workgroup_name,
            database_name=self.database_name,
            bucket=self.bucket,
            prefix=self.prefix,
            result_prefix=self._result_prefix,
        )


def _checked(
    problems: Problems,
    *,
    format_: LakeFormat | str,
    given_stream: IDeliveryStreamRef | None,
    given_bucket: s3.IBucket | None,
    key: kms.IKey | None,
    transform: PythonHandler | None,
    secret: secretsmanager.ISecret | None,
    retention: Retention | None,
    storage: LakeStorage,
    buffer: LakeBuffer,
    queries: LakeQueries,
    freshness_limit: Duration | None,
) -> Lifecycle:
    if format_ not in list(LakeFormat):
        problems.add("format", format_, f"use one of {[str(one) for one in LakeFormat]}")
    if given_stream is not None:
        options.check_has_no_effect(
            problems,
            _GIVEN_STREAM,
            **{
                "transform": transform,
                "pseudonym_secret": secret,
                "buffer.size": buffer.size,
                "buffer.interval": buffer.interval,
            },
        )
        if given_bucket is None:
            problems.add("bucket", None, "pass the bucket that the given stream writes to")
        elif key is not None:
            problems.add(
                "encryption_key",
                key.node.path,
                "it has no effect on a given stream and a given bucket; encrypt those with it",
            )
    if given_bucket is not None:
        options.check_has_no_effect(
            problems,
            _GIVEN_BUCKET,
            **{
                "retention": retention,
                "storage.infrequent_access_after": storage.infrequent_access_after,
                "storage.glacier_after": storage.glacier_after,
                "queries.result_retention": queries.result_retention,
            },
        )
    options.check_transform(problems, transform)
    options.check_prefixes(
        problems,
        {
            "storage.prefix": storage.prefix,
            "storage.error_prefix": storage.error_prefix,
            "queries.result_prefix": queries.result_prefix,
        },
    )
    options.check_buffer(problems, buffer)
    options.check_queries(problems, queries)
    check_seconds(problems, "freshness_limit", freshness_limit, range(60, 86_401))
    return lifecycle_of(problems, retention, storage, queries)


def _lower(scope: Construct, length: int) -> str:
    # Unquoted names in Athena have no hyphens, and Glue makes all names lower case.
    return Names.unique_resource_name(
        scope, max_length=length, separator="_", allowed_special_characters="_"
    ).lower()


def _freshness_limit(buffer: LakeBuffer) -> Duration:
    # Firehose itself may take 1.5 times the interval where it partitions.
    # https://docs.aws.amazon.com/firehose/latest/dev/buffering.html
    interval = buffer.interval or Duration.seconds(300)
    longest = _quotas.PARTITIONED_BUFFER_SECONDS[-1]
    return Duration.seconds(3 * (longest if interval.is_unresolved() else interval.to_seconds()))
