"""Sending events as checks observe them, by a configuration set of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from conformance.place import Place

LISTENER = "a configuration set, a topic, a queue"

_SIMULATED = "Amazon SES Mailbox Simulator"
# What another server, the clock or the caller chooses, and only whose type can be compared.
_FREE = (
    "smtpResponse",
    "ses:caller-identity",
    "ses:from-domain",
    "date",
    "userAgent",
    "feedbackId",
)
_RUN_DEPENDENT = (
    (r"\b[0-9a-f]{16}(-[0-9a-f]{4,12}){5}-\d{6}\b", "<message id>"),
    (r"\b[a-z]\d+-\d+\.smtp-out(\.[a-z0-9-]+)?\.amazonses\.com", "<server>"),
    (r"\b\d{1,3}(\.\d{1,3}){3}\b", "<ip>"),
    (r"TLSv1\.\d", "<tls version>"),
    (r"/SimpleNotificationService-[0-9a-f]+\.pem", "/<certificate>"),
)


def observed(value: Any, *, key: str = "") -> Any:
    """An event with words in place of what differs from run to run, and names of header fields."""
    if isinstance(value, Mapping):
        found = {name: observed(each, key=name) for name, each in value.items()}
        if isinstance(value.get("headers"), list):
            found["headers"] = [each["name"] for each in value["headers"]]
        return found
    if isinstance(value, list):
        return [observed(each, key=key) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return "<number>"
    if key in _FREE and value != _SIMULATED:
        return "<text>"
    if key == "sourceArn":
        return f"{value.rpartition('/')[0]}/<identity>"
    for pattern, mask in _RUN_DEPENDENT:
        value = re.sub(pattern, mask, value)
    return value


class Listener:
    """A configuration set that publishes these event types, and the queue that hears of them.

    The queue has whole envelopes unless `raw`; `options` are those of the configuration set.
    """

    def __init__(self, place: Place, *types: str, raw: bool = True, **options: Any) -> None:
        self.place = place
        self.name = place.name("set")
        self.topic, self.queue = place.topic(raw=raw)
        self.bodies: list[str] = []
        ses = place.client("sesv2")
        place.cleanup.add(
            f"configuration set {self.name}",
            ses.delete_configuration_set,
            ConfigurationSetName=self.name,
        )
        place.mask(self.name, "set")
        ses.create_configuration_set(ConfigurationSetName=self.name, **options)
        ses.create_configuration_set_event_destination(
            ConfigurationSetName=self.name,
            EventDestinationName="conformance",
            EventDestination={
                "Enabled": True,
                "MatchingEventTypes": list(types),
                "SnsDestination": {"TopicArn": self.topic},
            },
        )

    def until(self, good: Callable[[], Any], *, seconds: float) -> None:
        """Take what arrives until it is good, or the time is up."""

        def read() -> Any:
            self.bodies += self.place.taken(self.queue)
            return good()

        self.place.until(read, seconds=seconds)

    def all_of(self, message_id: str) -> list[dict[str, Any]]:
        """What has arrived about a message: by type, then in the order of arrival."""
        found = []
        for body in self.bodies:
            try:
                told = json.loads(body)
                told = json.loads(told["Message"]) if "TopicArn" in told else told
            except ValueError:
                continue
            if told.get("mail", {}).get("messageId") == message_id:
                found.append(told)
        return sorted(found, key=lambda each: str(each.get("eventType", "")))

    def kinds(self, message_id: str) -> set[str]:
        """The types of the events that have arrived about a message."""
        return {str(each["eventType"]) for each in self.all_of(message_id) if "eventType" in each}

    def story(self, message_id: str, *kinds: str, seconds: float = 60) -> list[dict[str, Any]]:
        """The events of a message, once there are these types, or the time is up."""
        self.until(lambda: self.kinds(message_id) >= set(kinds), seconds=seconds)
        return self.all_of(message_id)

    def told(self, message_id: str, *kinds: str, seconds: float = 60) -> dict[str, Any]:
        """The same as an observation, by type."""
        story = self.story(message_id, *kinds, seconds=seconds)
        return {each["eventType"]: observed(each) for each in story}
