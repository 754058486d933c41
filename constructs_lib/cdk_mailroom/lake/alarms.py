"""The alarms of a lake: events that arrive late, or not at all."""

from __future__ import annotations

from aws_cdk import Duration, Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_mailroom.lake.options import LakeFormat

__all__ = ["make_alarms"]

_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD


def make_alarms(
    scope: Construct,
    *,
    stream_name: str,
    freshness_limit: Duration,
    format_: LakeFormat,
    function: lambda_.Function | None,
) -> dict[str, cloudwatch.Alarm]:
    """Return the alarms by construct id.

    https://docs.aws.amazon.com/firehose/latest/dev/cloudwatch-metrics.html
    """
    seconds = freshness_limit.to_seconds()
    wanted = [
        (
            "Freshness",
            "DeliveryToS3.DataFreshness",
            "Maximum",
            _ABOVE,
            seconds,
            f"Events take longer than {Tokenization.stringify_number(seconds)} s to reach the lake",
        ),
        (
            "Delivery",
            "DeliveryToS3.Success",
            "Minimum",
            _BELOW,
            1,
            "Firehose cannot write to the lake's bucket; it tries for a day",
        ),
        (
            "Throttled",
            "ThrottledRecords",
            "Sum",
            _ABOVE,
            0,
            "More events came than the stream's quota lets in",
        ),
        (
            "Partitions",
            "PartitionCountExceeded",
            "Maximum",
            _ABOVE,
            0,
            "More partitions at a time than the quota; the rest is below the error prefix",
        ),
    ]
    if function is not None:
        wanted.append(
            (
                "Transformation",
                "ExecuteProcessing.Success",
                "Minimum",
                _BELOW,
                1,
                "The transformation of events fails as a whole",
            )
        )
    if format_ is LakeFormat.PARQUET:
        wanted.append(
            (
                "Conversion",
                "FailedConversion.Records",
                "Sum",
                _ABOVE,
                0,
                "Rows do not fit the table; they are below the error prefix",
            )
        )
    alarms = {}
    for name, metric, statistic, operator, threshold, description in wanted:
        measured = cloudwatch.Metric(
            namespace="AWS/Firehose",
            metric_name=metric,
            dimensions_map={"DeliveryStreamName": stream_name},
            statistic=statistic,
            period=Duration.minutes(5),
        )
        alarms[f"{name}Alarm"] = _alarm(
            scope, f"{name}Alarm", measured, operator, threshold, description
        )
    if function is not None:
        alarms["BrokenEventAlarm"] = _broken_events(scope, function)
    return alarms


def _broken_events(scope: Construct, function: lambda_.Function) -> cloudwatch.Alarm:
    # ExecuteProcessing.Success counts calls of the function, and a call that answers
    # ProcessingFailed for one record has succeeded. The function's log names single records, and
    # only those of this lake, unlike the metric LakeFailed, which covers the whole account.
    failed = function.log_group.add_metric_filter(
        "BrokenEvents",
        filter_pattern=logs.FilterPattern.all(
            logs.FilterPattern.string_value("$.event", "=", "mailroom.lake"),
            logs.FilterPattern.number_value("$.failed", ">", 0),
        ),
        metric_value="$.failed",
        metric_namespace="Mailroom",
        metric_name=f"BrokenEvents-{scope.node.addr[-8:]}",
    )
    return _alarm(
        scope,
        "BrokenEventAlarm",
        failed.metric(statistic="Sum", period=Duration.minutes(5)),
        _ABOVE,
        0,
        "An event could not be made a row; it is below the error prefix",
    )


def _alarm(
    scope: Construct,
    construct_id: str,
    metric: cloudwatch.IMetric,
    operator: cloudwatch.ComparisonOperator,
    threshold: float,
    description: str,
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        alarm_description=description,
        comparison_operator=operator,
        threshold=threshold,
        evaluation_periods=1,
        # A quiet stream has no values.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
