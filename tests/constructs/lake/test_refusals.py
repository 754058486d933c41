"""What the event lake refuses at synth, and the errors."""

from __future__ import annotations

from datetime import date

import pytest
from aws_cdk import CfnParameter, Duration, Size
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from synthesis import FOLDER, Template

from cdk_mailroom import ConfigurationError, EventLake, PythonHandler
from cdk_mailroom.lake import LakeBuffer, LakeQueries, LakeStorage

STREAM = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/theirs"
HUNDRED = Duration.days(100)


class Configured(PythonHandler):
    """A behaviour for receipt rules."""

    def configure(self, function, context):
        """Grant something."""


def yours(**options) -> PythonHandler:
    """Return a transform of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


def storage(**options) -> dict:
    """Return options of storage, and perhaps a retention."""
    retention = options.pop("retention", None)
    return {"storage": LakeStorage(**options), "retention": retention}


def buffer(**options) -> dict:
    """Return options of the buffer."""
    return {"buffer": LakeBuffer(**options)}


def queries(**options) -> dict:
    """Return options of queries."""
    return {"queries": LakeQueries(**options)}


def access(days: float) -> dict:
    """Return objects that move to infrequent access."""
    return {"infrequent_access_after": Duration.days(days)}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"format": "csv"}, "format is 'csv': use one of ['parquet', 'json']"),
        (buffer(size=Size.mebibytes(5)), "buffer.size is '5 MiB': pass a whole number, 64 to 128"),
        (buffer(size=Size.mebibytes(129)), "buffer.size is '129 MiB': pass a whole number, 64 to "),
        (buffer(size=Size.kibibytes(65_600)), "buffer.size is '64.0625 MiB': pass a whole number"),
        (buffer(interval=Duration.seconds(59)), "buffer.interval is '59 s': "),
        (buffer(interval=Duration.minutes(16)), "buffer.interval is '960 s': "),
        (storage(prefix="events"), "storage.prefix is 'events': end it with '/'"),
        (storage(prefix="/events/"), "storage.prefix is '/events/': begin without '/'"),
        (
            storage(prefix="e!{timestamp:yyyy}/"),
            "storage.prefix is 'e!{timestamp:yyyy}/': end it with '/', and leave out '!{…}'",
        ),
        (
            storage(error_prefix="events/errors/"),
            "storage.error_prefix is 'events/errors/': it is below storage.prefix ('events/')",
        ),
        (
            queries(result_prefix="events/"),
            "queries.result_prefix is 'events/': it is below storage.prefix ('events/')",
        ),
        (
            storage(**access(29)),
            "storage.infrequent_access_after is '29 d': S3 moves objects after 30 days or more",
        ),
        (
            storage(**access(60), glacier_after=Duration.days(89)),
            "storage.glacier_after is '89 d': pass at least 30 days more than infrequent_access_",
        ),
        (
            storage(glacier_after=Duration.days(400), retention=Duration.days(400)),
            "storage.glacier_after is '400 d': it has no effect: objects expire after 400 d",
        ),
        (
            storage(**access(60), retention=Duration.days(50)),
            "storage.infrequent_access_after is '60 d': it has no effect: objects expire after 50",
        ),
        (
            storage(glacier_after="forever"),
            "storage.glacier_after is 'forever': pass a Duration of whole days, or",
        ),
        (
            storage(infrequent_access_after=Duration.days(0)),
            "storage.infrequent_access_after is '0 days': pass whole days, at least one",
        ),
        ({"retention": Duration.hours(30)}, "retention is '1.25 days': "),
        ({"retention": Duration.days(0)}, "retention is '0 days': "),
        ({"retention": "always"}, "retention is 'always': "),
        (queries(result_retention=Duration.days(0)), "queries.result_retention is '0 days': "),
        (queries(database_name="Mail-Lake"), "queries.database_name is 'Mail-Lake': use 1 to 255"),
        (queries(workgroup_name="my group"), "queries.workgroup_name is 'my group': use 1 to 128"),
        (
            queries(scan_limit=Size.mebibytes(5)),
            "queries.scan_limit is '5 MiB': pass a whole number, 10 to 7340032 MiB",
        ),
        ({"freshness_limit": Duration.days(2)}, "freshness_limit is '172800 s': "),
        ({"freshness_limit": Duration.seconds(59)}, "freshness_limit is '59 s': "),
        ({"transform": "app:transform"}, "transform is 'app:transform': pass a PythonHandler"),
        (
            {"transform": yours(synchronous=True, timeout=Duration.seconds(10))},
            "synchronous is True: omit it",
        ),
        (
            {"transform": yours(timeout=Duration.seconds(301))},
            "transform.timeout is '301 s': pass whole seconds, 1 to 300",
        ),
        (
            {"transform": Configured(FOLDER, "app:on_mail")},
            "handler is 'Configured': pass a PythonHandler and grant",
        ),
    ],
)
def test_a_lake_that_would_not_work_is_refused(stack, options, problem):
    """The message names argument, value and remedy, and the construct is not made."""
    with pytest.raises(ConfigurationError) as caught:
        EventLake(stack, "Lake", **options)
    assert f"Stack/Lake:\n  - {problem}" in str(caught.value)
    assert not stack.node.children


def test_the_corrected_call_works_after_a_refused_one(stack):
    """A program that catches the error can go on."""
    with pytest.raises(ConfigurationError):
        EventLake(stack, "Lake", format="csv")
    assert EventLake(stack, "Lake").node.path == "Stack/Lake"


def test_a_transform_that_cannot_be_read_leaves_no_lake(stack, tmp_path):
    """What is wrong with its folder shows only when the code is put together."""
    (tmp_path / "app.py").write_text("def transform(event): ...")
    (tmp_path / "mailroom.py").write_text("")
    with pytest.raises(ConfigurationError, match="mailroom"):
        EventLake(stack, "Lake", transform=PythonHandler(tmp_path, "app:transform"))
    assert not stack.node.children


def theirs(stack) -> firehose.IDeliveryStream:
    """Return an imported stream."""
    return firehose.DeliveryStream.from_delivery_stream_arn(stack, "Theirs", STREAM)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"transform": yours()}, "transform is 'app:on_mail'"),
        (buffer(size=Size.mebibytes(64)), "buffer.size is '64 MiB'"),
        (buffer(interval=Duration.seconds(60)), "buffer.interval is '1 minute'"),
    ],
)
def test_options_that_a_given_stream_decides_are_refused(stack, options, problem):
    """It would be ignored, silently."""
    with pytest.raises(ConfigurationError) as caught:
        EventLake(stack, "Lake", stream=theirs(stack), bucket=s3.Bucket(stack, "Bucket"), **options)
    assert f"{problem}: it has no effect on a given stream" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (storage(infrequent_access_after=HUNDRED), "storage.infrequent_access_after"),
        (storage(glacier_after=HUNDRED), "storage.glacier_after"),
        ({"retention": HUNDRED}, "retention"),
        (queries(result_retention=HUNDRED), "queries.result_retention"),
    ],
)
def test_options_that_a_given_bucket_decides_are_refused(stack, options, name):
    """Its owner would believe that objects expire."""
    with pytest.raises(ConfigurationError) as caught:
        EventLake(stack, "Lake", bucket=s3.Bucket(stack, "Bucket"), **options)
    assert f"{name} is '100 days': it has no effect on a given bucket" in str(caught.value)


def test_a_given_stream_needs_its_bucket(stack):
    """The stream does not say where it writes."""
    with pytest.raises(ConfigurationError, match="bucket is None: pass the bucket that the given"):
        EventLake(stack, "Lake", stream=theirs(stack))


def test_a_key_without_effect_is_refused(stack):
    """It would encrypt neither the given stream nor the given bucket."""
    with pytest.raises(ConfigurationError, match="encryption_key is 'Stack/Key': it has no effect"):
        EventLake(
            stack,
            "Lake",
            stream=theirs(stack),
            bucket=s3.Bucket(stack, "Bucket"),
            encryption_key=kms.Key(stack, "Key"),
        )


def test_all_problems_are_reported_together(stack):
    """One run of synth is enough."""
    with pytest.raises(ConfigurationError) as caught:
        EventLake(
            stack,
            "Lake",
            format="csv",
            storage=LakeStorage(prefix="x"),
            queries=LakeQueries(scan_limit=Size.mebibytes(1)),
        )
    assert str(caught.value).count("\n  - ") == 3


def test_tokens_are_not_judged(stack):
    """CloudFormation knows their values later, and gets them unchanged."""
    name = CfnParameter(stack, "Name").value_as_string
    seconds = CfnParameter(stack, "Seconds", type="Number").value_as_number
    EventLake(
        stack,
        "Lake",
        buffer=LakeBuffer(interval=Duration.seconds(seconds)),
        queries=LakeQueries(database_name=name, first_day=date(2026, 1, 1)),
    )
    template = Template(stack)
    told = template.at("Lake/Stream")["ExtendedS3DestinationConfiguration"]
    assert told["BufferingHints"]["IntervalInSeconds"] == "<Seconds>"
    assert template.at("Lake/FreshnessAlarm")["Threshold"] == 3 * 900


@pytest.mark.parametrize(
    "options",
    [
        lambda token: {"retention": Duration.days(token)},
        lambda token: queries(scan_limit=Size.bytes(token)),
    ],
)
def test_a_value_used_in_a_calculation_must_be_known_at_synth(stack, options):
    """A token's number means nothing before the deployment."""
    token = CfnParameter(stack, "Number", type="Number").value_as_number
    with pytest.raises(ConfigurationError, match="known at synth"):
        EventLake(stack, "Lake", **options(token))
