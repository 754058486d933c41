"""What lake, event bus and metrics refuse as destinations, and the errors."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from synthesis import FOLDER, Template, new_stack, warnings_of

from cdk_mailroom import (
    BUNDLED,
    ConfigurationError,
    EventLake,
    EventPublishing,
    EventType,
    PythonHandler,
)


def yours(**options) -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


def test_a_second_lake_is_refused(stack):
    """It would store the same events twice."""
    out = EventPublishing(stack, "Out")
    out.to_lake()
    with pytest.raises(
        ConfigurationError, match="lake is 'Stack/Out/Lake': to_lake was called already"
    ):
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
def test_ten_destinations_are_accepted_and_an_eleventh_is_refused(stack, call):
    """Whatever the destination is."""
    out = EventPublishing(stack, "Out")
    for number in range(10):
        out.add_destination(
            f"D{number}",
            destination=ses.EventDestination.sns_topic(sns.Topic(stack, f"T{number}")),
            types=EventType.BOUNCE,
        )
    with pytest.raises(ConfigurationError, match="len\\(destinations\\) is 11: SES allows 10"):
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
    found = Template(stack).of("AWS::SES::ConfigurationSetEventDestination")
    assert len(found) == 4


def dimension(name="campaign", value="none") -> ses.CloudWatchDimension:
    """Return a dimension from a tag."""
    return ses.CloudWatchDimension(
        name=name, default_value=value, source=ses.CloudWatchDimensionSource.MESSAGE_TAG
    )


@pytest.mark.parametrize(
    ("dimensions", "text"),
    [
        ([], "len(dimensions) is 0: pass 1 to 10"),
        ([dimension(f"d{n}") for n in range(11)], "len(dimensions) is 11: pass 1 to 10"),
        ([dimension("my tag")], "dimensions[0].name is 'my tag': use 1 to 256 letters"),
        ([dimension("a"), dimension("a")], "dimensions[1].name is 'a': duplicate name"),
        ([dimension(value="a b")], "dimensions[0].default_value is 'a b': use 1 to 256"),
        ([dimension(value="")], "dimensions[0].default_value is '': use 1 to 256"),
    ],
)
def test_dimensions_that_ses_would_refuse_are_refused(stack, dimensions, text):
    """Ten, of a few characters only."""
    with pytest.raises(ConfigurationError) as caught:
        EventPublishing(stack, "Out").to_metrics(dimensions)
    assert text in str(caught.value)


def test_metrics_are_named_in_one_call(stack):
    """A second destination would count everything twice."""
    out = EventPublishing(stack, "Out")
    out.to_metrics([dimension()])
    with pytest.raises(ConfigurationError, match="to_metrics was called already"):
        out.to_metrics([dimension("other")])


def test_a_target_cannot_be_combined_with_another(stack):
    """A rule has one target here; more rules cost nothing."""
    out = EventPublishing(stack, "Out")
    target = targets.SqsQueue(sqs.Queue(stack, "Queue"))
    with pytest.raises(
        ConfigurationError, match=r"len\(handlers\) is 2: pass either one EventBridge target"
    ):
        out.on_bus(EventType.BOUNCE, BUNDLED, target)


def test_two_rules_that_begin_alike_are_refused(stack):
    """Their construct ids would be the same."""
    out = EventPublishing(stack, "Out")
    out.on_bus(EventType.BOUNCE)
    with pytest.raises(
        ConfigurationError, match="types is 'Bounce': another rule begins with this type"
    ):
        out.on_bus([EventType.BOUNCE, EventType.OPEN])


def test_handlers_of_the_bus_are_checked_like_others(stack):
    """The same rules as for `on`."""
    out = EventPublishing(stack, "Out")
    with pytest.raises(ConfigurationError, match="synchronous is True: omit it"):
        out.on_bus(EventType.BOUNCE, yours(synchronous=True, timeout=Duration.seconds(9)))
    with pytest.raises(ConfigurationError, match="handlers is 'app:on_event': pass a PythonHandle"):
        out.on_bus(EventType.BOUNCE, "app:on_event")


@pytest.mark.parametrize("archive", [Duration.hours(5), Duration.days(0)])
def test_an_archive_must_be_kept_for_whole_days(stack, archive):
    """EventBridge supports nothing else."""
    with pytest.raises(ConfigurationError, match=r"archive is .*: pass whole days"):
        EventPublishing(stack, "Out").to_event_bus(archive=archive)


def test_one_archive_is_enough(stack):
    """A second would keep the same."""
    out = EventPublishing(stack, "Out")
    out.to_event_bus(archive=Duration.days(7))
    with pytest.raises(
        ConfigurationError, match="archive is 'Stack/Out/Archive': it exists already"
    ):
        out.to_event_bus(archive=Duration.days(7))


def test_a_lake_in_another_stack_without_a_topic_raises_a_warning():
    """Its alarms cannot use a topic of a stack that depends on the lake's."""
    stack = new_stack(name="Lakes")
    lake = EventLake(stack, "Lake")
    EventPublishing(new_stack(stack.node.root, "Mail"), "Out").to_lake(lake)
    [warning] = warnings_of(stack)["cdk-mailroom:lake-alarms"]
    assert "pass it an alert_topic" in warning
