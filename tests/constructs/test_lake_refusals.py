"""What the event lake, EventBridge and CloudWatch refuse at synth, and in which words."""

from __future__ import annotations

from datetime import date

import pytest
from aws_cdk import CfnParameter, Duration, Size
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from synthesis import FOLDER, new_stack, warnings_of

from cdk_mailroom import (
    BUNDLED,
    ConfigurationError,
    EventLake,
    EventPublishing,
    EventType,
    PythonHandler,
)

STREAM = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/theirs"


class Configured(PythonHandler):
    """A behaviour for receipt rules."""

    def configure(self, function, context):
        """Grant something."""


def yours(**options) -> PythonHandler:
    """Return a transform of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


@pytest.mark.parametrize(
    ("options", "argument", "value", "remedy"),
    [
        ({"format": "csv"}, "format", "'csv'", "use one of ['parquet', 'json']"),
        (
            {"buffer_size": Size.mebibytes(5)},
            "buffer_size",
            "'5 MiB'",
            "64 to 128 MiB, whole ones; F",
        ),
        ({"buffer_size": Size.mebibytes(129)}, "buffer_size", "'129 MiB'", "64 to 128"),
        (
            {"buffer_interval": Duration.seconds(0)},
            "buffer_interval",
            "'0 s'",
            "whole seconds, 60 to 900",
        ),
        (
            {"buffer_interval": Duration.minutes(16)},
            "buffer_interval",
            "'960 s'",
            "whole seconds, 60 to 900",
        ),
        ({"prefix": "events"}, "prefix", "'events'", "end it with '/'"),
        ({"prefix": "/events/"}, "prefix", "'/events/'", "begin without '/'"),
        ({"prefix": "e!{timestamp:yyyy}/"}, "prefix", "'e!{timestamp:yyyy}/'", "leave partitions"),
        (
            {"error_prefix": "events/errors/"},
            "error_prefix",
            "'events/errors/'",
            "it lies below prefix, 'events/'; keep them apart",
        ),
        (
            {"infrequent_access_after": Duration.days(7)},
            "infrequent_access_after",
            "'7 d'",
            "S3 takes 30 days or more, or 0 for never",
        ),
        (
            {"infrequent_access_after": Duration.days(60), "glacier_after": Duration.days(70)},
            "glacier_after",
            "'70 d'",
            "give 30 days or more after infrequent_access_after, 60 d",
        ),
        (
            {"glacier_after": Duration.days(500), "expire_after": Duration.days(400)},
            "glacier_after",
            "'500 d'",
            "it has no effect: objects go after expire_after, 400 d",
        ),
        ({"expire_after": Duration.hours(30)}, "expire_after", "'1.25 d'", "give whole days"),
        ({"database_name": "Mail-Lake"}, "database_name", "'Mail-Lake'", "a-z, 0-9, _"),
        ({"workgroup_name": "my group"}, "workgroup_name", "'my group'", "1 to 128 letters"),
        ({"scan_limit": Size.mebibytes(5)}, "scan_limit", "'5 MiB'", "10 to 7340032 MiB"),
        (
            {"freshness_limit": Duration.days(2)},
            "freshness_limit",
            "'172800 s'",
            "60 to 86400",
        ),
        ({"transform": "app:transform"}, "transform", "'app:transform'", "give a PythonHandler"),
        (
            {"transform": yours(synchronous=True, timeout=Duration.seconds(10))},
            "synchronous",
            "True",
            "it has no effect on events",
        ),
        (
            {"transform": yours(timeout=Duration.minutes(10))},
            "transform.timeout",
            "'600 s'",
            "whole seconds, 1 to 300",
        ),
        (
            {"transform": Configured(FOLDER, "app:on_mail")},
            "transform",
            "'Configured'",
            "its configure() is for receipt rules",
        ),
    ],
)
def test_a_lake_that_would_not_work_is_refused(stack, options, argument, value, remedy):
    """Argument, value and remedy, in one line."""
    with pytest.raises(ConfigurationError) as caught:
        EventLake(stack, "Lake", **options)
    assert f"{argument} is {value}: " in str(caught.value)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"transform": yours()},
        {"buffer_size": Size.mebibytes(64)},
        {"buffer_interval": Duration.seconds(60)},
    ],
)
def test_what_a_given_stream_has_already_is_refused(stack, options):
    """It would be ignored, silently."""
    with pytest.raises(ConfigurationError, match="it has no effect on a given stream"):
        EventLake(
            stack,
            "Lake",
            stream=firehose.DeliveryStream.from_delivery_stream_arn(stack, "Theirs", STREAM),
            bucket=s3.Bucket(stack, "Bucket"),
            **options,
        )


@pytest.mark.parametrize(
    "name",
    ["infrequent_access_after", "glacier_after", "expire_after", "results_expire_after"],
)
def test_what_a_given_bucket_decides_is_refused(stack, name):
    """Whoever sets it would believe that objects go."""
    with pytest.raises(ConfigurationError, match=f"{name} is '100 days': it has no effect on a g"):
        EventLake(stack, "Lake", bucket=s3.Bucket(stack, "Bucket"), **{name: Duration.days(100)})


def test_a_given_stream_needs_its_bucket(stack):
    """Nothing tells where it writes."""
    with pytest.raises(ConfigurationError, match="bucket is None: with a given stream, give"):
        EventLake(
            stack,
            "Lake",
            stream=firehose.DeliveryStream.from_delivery_stream_arn(stack, "Theirs", STREAM),
        )


def test_a_key_for_nothing_is_refused(stack):
    """Whoever gives it would believe that something is encrypted with it."""
    with pytest.raises(ConfigurationError, match="encryption_key is 'Stack/Key': it has no effect"):
        EventLake(
            stack,
            "Lake",
            stream=firehose.DeliveryStream.from_delivery_stream_arn(stack, "Theirs", STREAM),
            bucket=s3.Bucket(stack, "Bucket"),
            encryption_key=kms.Key(stack, "Key"),
        )


def test_all_problems_are_told_together(stack):
    """One run of synth is enough."""
    with pytest.raises(ConfigurationError) as caught:
        EventLake(stack, "Lake", format="csv", prefix="x", scan_limit=Size.mebibytes(1))
    assert str(caught.value).count("\n  - ") == 3


def test_what_cloudformation_will_know_is_not_judged(stack):
    """A parameter's value comes later."""
    name = CfnParameter(stack, "Name").value_as_string
    EventLake(stack, "Lake", database_name=name, first_day=date(2026, 1, 1))


# EventPublishing


def test_a_second_lake_is_refused(stack):
    """It would be the same events twice."""
    out = EventPublishing(stack, "Out")
    out.to_lake()
    with pytest.raises(ConfigurationError, match="lake is 'Stack/Out/Lake': there is one already"):
        out.to_lake()


@pytest.mark.parametrize(
    "call",
    [
        lambda out: out.to_lake(),
        lambda out: out.to_event_bus(),
        lambda out: out.on_bus(EventType.BOUNCE),
        lambda out: out.to_metrics([dimension()]),
        lambda out: out.on(EventType.BOUNCE),
    ],
)
def test_ten_destinations_and_no_more(stack, call):
    """Whatever the destination is."""
    out = EventPublishing(stack, "Out")
    for number in range(10):
        out.add_destination(
            f"D{number}",
            destination=ses.EventDestination.sns_topic(sns.Topic(stack, f"T{number}")),
            types=EventType.BOUNCE,
        )
    with pytest.raises(ConfigurationError, match="destinations is 11: SES allows 10"):
        call(out)


def test_each_destination_counts_once(stack):
    """The bus is one, however many rules there are on it."""
    out = EventPublishing(stack, "Out")
    out.on(EventType.SEND)
    out.to_lake()
    out.to_metrics([dimension()])
    out.on_bus(EventType.BOUNCE)
    out.on_bus(EventType.OPEN)
    out.to_event_bus()
    assert out._destinations == 4


def dimension(name="campaign", value="none") -> ses.CloudWatchDimension:
    """Return a dimension from a tag."""
    return ses.CloudWatchDimension(
        name=name, default_value=value, source=ses.CloudWatchDimensionSource.MESSAGE_TAG
    )


@pytest.mark.parametrize(
    ("dimensions", "text"),
    [
        ([], "len(dimensions) is 0: give one at least, and 10 at most"),
        ([dimension(f"d{n}") for n in range(11)], "len(dimensions) is 11: give one at least"),
        ([dimension("my tag")], "dimensions[0].name is 'my tag': use 1 to 256 letters"),
        ([dimension("a"), dimension("a")], "dimensions[1].name is 'a': it is there twice"),
        ([dimension(value="a b")], "dimensions[0].default_value is 'a b': use 1 to 256"),
        ([dimension(value="")], "dimensions[0].default_value is '': use 1 to 256"),
    ],
)
def test_dimensions_that_ses_refuses(stack, dimensions, text):
    """Ten, of a few characters only."""
    with pytest.raises(ConfigurationError) as caught:
        EventPublishing(stack, "Out").to_metrics(dimensions)
    assert text in str(caught.value)


def test_metrics_are_named_in_one_call(stack):
    """A second destination would count everything twice."""
    out = EventPublishing(stack, "Out")
    out.to_metrics([dimension()])
    with pytest.raises(ConfigurationError, match="there are some already; name all in one call"):
        out.to_metrics([dimension("other")])


def test_a_target_stands_alone(stack):
    """A rule has one target here; more rules cost nothing."""
    out = EventPublishing(stack, "Out")
    target = targets.SqsQueue(sqs.Queue(stack, "Queue"))
    with pytest.raises(ConfigurationError, match=r"len\(handlers\) is 2: give one target alone"):
        out.on_bus(EventType.BOUNCE, BUNDLED, target)


def test_two_rules_that_begin_alike_are_refused(stack):
    """Their construct ids would be the same."""
    out = EventPublishing(stack, "Out")
    out.on_bus(EventType.BOUNCE)
    with pytest.raises(ConfigurationError, match="types is 'Bounce': a rule begins with it"):
        out.on_bus([EventType.BOUNCE, EventType.OPEN])


def test_handlers_of_the_bus_are_checked_as_others(stack):
    """The same rules as for `on`."""
    out = EventPublishing(stack, "Out")
    with pytest.raises(ConfigurationError, match="synchronous is True: it has no effect on events"):
        out.on_bus(EventType.BOUNCE, yours(synchronous=True, timeout=Duration.seconds(9)))
    with pytest.raises(ConfigurationError, match="handlers is 'app:on_event': give a PythonHandle"):
        out.on_bus(EventType.BOUNCE, "app:on_event")


@pytest.mark.parametrize("archive", [Duration.hours(5), Duration.days(0)])
def test_an_archive_is_kept_for_whole_days(stack, archive):
    """EventBridge knows no others."""
    with pytest.raises(ConfigurationError, match=r"archive is .*: give whole days"):
        EventPublishing(stack, "Out").to_event_bus(archive=archive)


def test_one_archive_is_enough(stack):
    """A second would keep the same."""
    out = EventPublishing(stack, "Out")
    out.to_event_bus(archive=Duration.days(7))
    with pytest.raises(ConfigurationError, match="archive is '7 days': there is one already"):
        out.to_event_bus(archive=Duration.days(7))


def test_a_lake_elsewhere_without_a_topic_is_warned_of():
    """Its alarms cannot tell a topic of the stack that waits for it."""
    stack = new_stack(name="Lakes")
    lake = EventLake(stack, "Lake")
    EventPublishing(new_stack(stack.node.root, "Mail"), "Out").to_lake(lake)
    [warning] = warnings_of(stack)["cdk-mailroom:lake-alarms"]
    assert "give it an alert_topic" in warning
