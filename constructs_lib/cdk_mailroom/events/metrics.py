"""CloudWatch as an event destination: events counted by dimensions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, check_list, resolved
from mailroom.ses import DIMENSION_NAME, DIMENSION_VALUE, METRIC_DIMENSIONS

__all__ = ["check_dimensions", "to_cloudwatch"]

_Destination = ses.CfnConfigurationSetEventDestination

_SOURCES: Final = {
    ses.CloudWatchDimensionSource.EMAIL_HEADER: "emailHeader",
    ses.CloudWatchDimensionSource.LINK_TAG: "linkTag",
    ses.CloudWatchDimensionSource.MESSAGE_TAG: "messageTag",
}


def check_dimensions(problems: Problems, dimensions: Sequence[ses.CloudWatchDimension]) -> None:
    """Report what SES refuses: more than ten dimensions, or other characters."""
    if not check_list(problems, "dimensions", dimensions):
        return
    if not 0 < len(dimensions) <= METRIC_DIMENSIONS:
        problems.add("len(dimensions)", len(dimensions), f"pass 1 to {METRIC_DIMENSIONS}")
    seen: set[str] = set()
    for position, dimension in enumerate(dimensions):
        argument = f"dimensions[{position}]"
        if not hasattr(dimension, "default_value"):
            problems.add(argument, dimension, "pass an aws_ses.CloudWatchDimension")
            continue
        name, value = dimension.name, dimension.default_value
        if resolved(name):
            if not re.fullmatch(DIMENSION_NAME, name):
                problems.add(
                    f"{argument}.name", name, "use 1 to 256 letters, digits, '_', '-' and ':'"
                )
            elif name in seen:
                problems.add(f"{argument}.name", name, "duplicate name; pass each name once")
            seen.add(name)
        if resolved(value) and not re.fullmatch(DIMENSION_VALUE, value):
            problems.add(
                f"{argument}.default_value",
                value,
                "use 1 to 256 letters, digits, '_', '-', '.' and '@'",
            )


def to_cloudwatch(
    scope: Construct,
    *,
    configuration_set_name: str,
    dimensions: Sequence[ses.CloudWatchDimension],
    types: Sequence[str],
) -> ses.CfnConfigurationSetEventDestination:
    """Return the destination that counts events by *dimensions*."""
    return _Destination(
        scope,
        "MetricsDestination",
        configuration_set_name=configuration_set_name,
        event_destination=_Destination.EventDestinationProperty(
            matching_event_types=list(types),
            enabled=True,
            cloud_watch_destination=_Destination.CloudWatchDestinationProperty(
                dimension_configurations=[
                    _Destination.DimensionConfigurationProperty(
                        dimension_name=one.name,
                        dimension_value_source=_SOURCES[one.source],
                        default_dimension_value=one.default_value,
                    )
                    for one in dimensions
                ]
            ),
        ),
    )
