"""Handle sending events: configuration set, SNS destination, one pipeline for each type."""

from cdk_mailroom.events.options import Alerts
from cdk_mailroom.events.pipeline import (
    BUNDLED,
    Bundled,
    BusPipeline,
    EventPipeline,
    Pipeline,
)
from cdk_mailroom.events.publishing import EventPublishing
from mailroom.ses import EventType

__all__ = [
    "BUNDLED",
    "Alerts",
    "Bundled",
    "BusPipeline",
    "EventPipeline",
    "EventPublishing",
    "EventType",
    "Pipeline",
]
