"""`EventLake` and `EventPublishing.to_lake`: what they create, each option, and the queries."""

from __future__ import annotations

import json

import pytest
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from synthesis import ACCOUNT, REGION, Template, cycle, new_stack, synthesized

from cdk_mailroom import EventLake, EventPublishing, EventType
from mailroom.lake import PARTITIONS

STREAM = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/theirs"


def destination(template: Template, path: str = "Out/Lake/Stream") -> dict:
    """Return the stream's S3 configuration."""
    return template.at(path)["ExtendedS3DestinationConfiguration"]


# The stream


def test_rows_are_partitioned_by_type_and_day_as_the_transformation_says(plain):
    """The partition keys come from its response, so that nothing is parsed twice."""
    told = destination(plain)
    assert told["DynamicPartitioningConfiguration"]["Enabled"] is True
    assert told["Prefix"] == (
        "events/event_type=!{partitionKeyFromLambda:event_type}/day=!{partitionKeyFromLambda:day}/"
    )
    assert PARTITIONS == ("event_type", "day")


def test_failed_events_are_kept_by_reason_and_day(plain):
    """A replay finds them there."""
    assert destination(plain)["ErrorOutputPrefix"] == (
        "errors/!{firehose:error-output-type}/day=!{timestamp:yyyy-MM-dd}/"
    )


def test_the_stream_waits_for_128_mib_or_five_minutes(plain):
    """Few and large objects; the alternative is many requests, and slow queries."""
    assert destination(plain)["BufferingHints"] == {"IntervalInSeconds": 300, "SizeInMBs": 128}


def test_rows_become_parquet_by_the_tables_own_columns(plain):
    """Compression is inside Parquet, so that a query can still read single columns."""
    told = destination(plain)
    assert told["CompressionFormat"] == "UNCOMPRESSED"
    assert told["FileExtension"] == ".parquet"
    conversion = told["DataFormatConversionConfiguration"]
    assert conversion["OutputFormatConfiguration"] == {
        "Serializer": {"ParquetSerDe": {"Compression": "GZIP"}}
    }
    assert conversion["SchemaConfiguration"] == {
        "CatalogId": ACCOUNT,
        "DatabaseName": plain.at("Out/Lake/Database")["DatabaseInput"]["Name"],
        "Region": REGION,
        "RoleARN": "<Out/Lake/DeliveryRole.Arn>",
        "TableName": "<Out/Lake/Table>",
        "VersionId": "LATEST",
    }


def test_json_is_compressed_lines_and_nothing_is_converted(optioned):
    """For tools that read no Parquet."""
    told = destination(optioned, "Lake/Stream")
    assert told["CompressionFormat"] == "GZIP"
    assert told["FileExtension"] == ".json.gz"
    assert "DataFormatConversionConfiguration" not in told
    serde = optioned.at("Lake/Table")["TableInput"]["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"


def test_batches_of_the_transformation_leave_room_for_its_answer(plain):
    """1 MB in, as 6 MB come out at most and a row is up to 2.5 times its event."""
    [processor] = destination(plain)["ProcessingConfiguration"]["Processors"]
    assert processor["Type"] == "Lambda"
    assert {one["ParameterName"]: one["ParameterValue"] for one in processor["Parameters"]} == {
        "LambdaArn": "<Out/Lake/Transform/Function.Arn>",
        "BufferSizeInMBs": "1",
        "BufferIntervalInSeconds": "60",
        "NumberOfRetries": "3",
    }


def test_the_stream_is_encrypted(plain, optioned):
    """The key is Firehose's or a customer key."""
    name = "DeliveryStreamEncryptionConfigurationInput"
    assert plain.at("Out/Lake/Stream")[name] == {"KeyType": "AWS_OWNED_CMK"}
    assert optioned.at("Lake/Stream")[name] == {
        "KeyType": "CUSTOMER_MANAGED_CMK",
        "KeyARN": "<Key.Arn>",
    }


def test_the_transformation_is_the_runtimes(plain):
    """Without boto3 or a secret, unless a secret is given."""
    function = plain.at("Out/Lake/Transform/Function")
    assert function["Handler"] == "mailroom.entry.lake.handler"
    assert "MAILROOM_TRANSFORM" not in plain.environment("Out/Lake/Transform/Function")
    assert "MAILROOM_PSEUDONYM_SECRET" not in plain.environment("Out/Lake/Transform/Function")


def test_a_custom_transform_and_a_secret_reach_the_function(optioned):
    """With the options of the handler."""
    assert optioned.environment("Lake/Transform/Function") == {
        "MAILROOM_TRANSFORM": "app:on_mail",
        "MAILROOM_PSEUDONYM_SECRET": "<Secret>",
    }
    function = optioned.at("Lake/Transform/Function")
    assert (function["Timeout"], function["MemorySize"]) == (90, 1024)


def test_stream_options_reach_firehose(optioned):
    told = destination(optioned, "Lake/Stream")
    assert told["Prefix"].startswith("mail/event_type=!{")
    assert told["ErrorOutputPrefix"].startswith("broken/!{firehose")
    assert told["BufferingHints"] == {"IntervalInSeconds": 900, "SizeInMBs": 64}


# Alarms


ALARMS = {
    "Freshness": ("DeliveryToS3.DataFreshness", "Maximum", "GreaterThanThreshold", 900),
    "Delivery": ("DeliveryToS3.Success", "Minimum", "LessThanThreshold", 1),
    "Throttled": ("ThrottledRecords", "Sum", "GreaterThanThreshold", 0),
    "Partitions": ("PartitionCountExceeded", "Maximum", "GreaterThanThreshold", 0),
    "Transformation": ("ExecuteProcessing.Success", "Minimum", "LessThanThreshold", 1),
    "Conversion": ("FailedConversion.Records", "Sum", "GreaterThanThreshold", 0),
}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_reports_events_that_do_not_arrive(plain, name):
    """It is published to the alert topic; missing data raises no alarm."""
    alarm = plain.at(f"Out/Lake/{name}Alarm")
    metric, statistic, operator, threshold = ALARMS[name]
    assert alarm["Namespace"] == "AWS/Firehose"
    assert alarm["MetricName"] == metric
    assert alarm["Statistic"] == statistic
    assert alarm["ComparisonOperator"] == operator
    assert alarm["Threshold"] == threshold
    assert alarm["Dimensions"] == [{"Name": "DeliveryStreamName", "Value": "<Out/Lake/Stream>"}]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmActions"] == ["<Out/AlertTopic>"]


def test_an_alarm_reports_single_broken_events(plain):
    """Firehose's metric does not count them, because the call succeeded."""
    [found] = plain.of("AWS::Logs::MetricFilter").values()
    assert found["FilterPattern"] == '{ ($.event = "mailroom.lake") && ($.failed > 0) }'
    assert found["LogGroupName"] == "<Out/Lake/Transform/Logs>"
    [transformation] = found["MetricTransformations"]
    assert transformation["MetricValue"] == "$.failed"
    alarm = plain.at("Out/Lake/BrokenEventAlarm")
    assert alarm["MetricName"] == transformation["MetricName"]
    assert alarm["Namespace"] == transformation["MetricNamespace"]
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", 300, 0)
    assert alarm["AlarmActions"] == ["<Out/AlertTopic>"]


def test_the_metric_filter_matches_the_line_that_the_runtime_logs(capsys):
    """Event name and field are the runtime's own."""
    from mailroom.entry import lake

    lake.handler({"records": [{"recordId": "1", "data": "bm8="}]})
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (line["event"], line["failed"]) == ("mailroom.lake", 1)


def test_an_alert_topic_given_to_the_lake_is_used():
    """The publishing's topic gets none of these alarms."""

    def build(stack):
        lake = EventLake(stack, "Lake", alert_topic=sns.Topic(stack, "Mine"))
        EventPublishing(stack, "Out").to_lake(lake)

    template = synthesized(build)
    assert template.at("Lake/DeliveryAlarm")["AlarmActions"] == ["<Mine>"]


def test_freshness_and_conversion_follow_the_options(optioned):
    """JSON is not converted, so it has no conversion alarm."""
    assert optioned.at("Lake/FreshnessAlarm")["Threshold"] == 3600
    assert "Lake/ConversionAlarm" not in optioned.resources


# to_lake


def test_ses_publishes_every_type(plain):
    """All types by default: a future query may be about any of them."""
    told = plain.at("Out/LakeDestination")["EventDestination"]
    assert len(told["MatchingEventTypes"]) == len(EventType) == 10
    assert told["KinesisFirehoseDestination"] == {
        "DeliveryStreamARN": "<Out/Lake/Stream.Arn>",
        "IAMRoleARN": "<Out/LakeRole.Arn>",
    }
    assert told["Enabled"] is True


def test_only_the_named_types_reach_the_lake(optioned):
    """In CloudFormation's spelling."""
    told = optioned.at("Out/LakeDestination")["EventDestination"]
    assert told["MatchingEventTypes"] == ["bounce", "open"]


def test_the_destination_waits_until_the_role_is_known(plain):
    """SES assumes it at once, and rejects a role that IAM has only just created."""
    known = plain.at("Out/LakeRoleKnown/Default")
    assert known["Seconds"] == "60"
    assert "Out/LakeRoleKnown/Default" in plain.references["Out/LakeDestination"]
    assert "Out/LakeRole" in plain.references["Out/LakeRoleKnown/Default"]
    assert "Out/Lake/Stream" in plain.needs("Out/LakeDestination")


def test_the_wait_begins_again_when_the_role_changes(plain):
    """Another trust or another stream is as new as another role."""
    known = plain.at("Out/LakeRoleKnown/Default")
    role = plain.at("Out/LakeRole")
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert known["Trusts"] == trust["Condition"]["ArnLike"]["aws:SourceArn"]
    [allowed] = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert known["MayPutTo"] == allowed["Resource"]
    assert known["RoleArn"] == "<Out/LakeRole.Arn>"


def test_the_table_and_the_role_are_created_before_the_stream(plain):
    """Firehose looks at both when the stream is made."""
    assert {"Out/Lake/Table", "Out/Lake/DeliveryRole", "Out/Lake/Database"} <= plain.needs(
        "Out/Lake/Stream"
    )


@pytest.mark.parametrize("name", ["plain", "optioned"])
def test_dependencies_have_no_cycle(name, request):
    """CloudFormation would refuse the template."""
    assert cycle(request.getfixturevalue(name).references) == []


def test_the_lake_gets_the_publishings_key():
    """As its queues and topics do."""

    def build(stack):
        EventPublishing(stack, "Out", encryption_key=kms.Key(stack, "Key")).to_lake()

    template = synthesized(build)
    assert (
        template.at("Out/Lake/Stream")["DeliveryStreamEncryptionConfigurationInput"]["KeyARN"]
        == "<Key.Arn>"
    )
    assert cycle(template.references) == []


def test_two_publishings_fill_one_lake():
    """Each has its own role, because a role is limited to one configuration set."""

    def build(stack):
        one, two = EventPublishing(stack, "One"), EventPublishing(stack, "Two")
        lake = one.to_lake()
        assert two.to_lake(lake) is lake
        assert two.lake is lake

    template = synthesized(build)
    assert {"One/LakeRole", "Two/LakeRole"} <= set(template.of("AWS::IAM::Role"))
    assert len(template.of("AWS::KinesisFirehose::DeliveryStream")) == 1
    assert len(template.of("Custom::IamPropagation")) == 2
    # The lake already publishes its alarms to the first topic.
    assert template.at("One/Lake/DeliveryAlarm")["AlarmActions"] == ["<One/AlertTopic>"]


def test_a_given_stream_is_used_and_none_is_created():
    """Table, workgroup and alarms are; they are about what it writes."""

    def build(stack):
        lake = EventLake(
            stack,
            "Lake",
            stream=firehose.DeliveryStream.from_delivery_stream_arn(stack, "Theirs", STREAM),
            bucket=s3.Bucket.from_bucket_name(stack, "Bucket", "theirs"),
        )
        assert lake.function is None
        EventPublishing(stack, "Out").to_lake(lake)

    template = synthesized(build)
    assert not template.of("AWS::KinesisFirehose::DeliveryStream")
    assert not template.of("AWS::S3::Bucket")
    told = template.at("Out/LakeDestination")["EventDestination"]
    assert told["KinesisFirehoseDestination"]["DeliveryStreamARN"] == STREAM
    location = template.at("Lake/Table")["TableInput"]["StorageDescriptor"]["Location"]
    assert location == "s3://theirs/events/"
    assert "Lake/TransformationAlarm" not in template.resources
    alarm = template.at("Lake/FreshnessAlarm")
    assert alarm["Dimensions"] == [{"Name": "DeliveryStreamName", "Value": "theirs"}]


def test_a_lake_can_be_in_another_stack():
    """SES's role is with the publishing, so the stacks do not wait for each other."""
    stack = new_stack(name="Lakes")
    lake = EventLake(stack, "Lake", alert_topic=sns.Topic(stack, "Alerts"))
    other = new_stack(stack.node.root, "Mail")
    EventPublishing(other, "Out").to_lake(lake)
    assert "Out/LakeRole" in Template(other).of("AWS::IAM::Role")
