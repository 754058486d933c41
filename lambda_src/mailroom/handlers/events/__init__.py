"""Bundled behaviours of sending events; each module has a function ``on_event``.

Settings
    ``MAILROOM_EVENT_TABLE``
        The DynamoDB table in which every event is recorded.
    ``MAILROOM_EVENT_TTL_DAYS``
        How long a record is kept, counted from the event. Default: 90.
    ``MAILROOM_ALERT_TOPIC``
        ARN of the SNS topic for alerts. Default: no alerts.
    ``MAILROOM_ALERT_WINDOW_SECONDS``
        How long the same alert is not repeated, for the types that use this setting. Default: 3600.
    ``MAILROOM_EXPIRY_WARNING_SECONDS``
        How long before SES gives up a delayed mail an alert is raised. Default: 7200.
    ``MAILROOM_SUPPRESS``
        ``0`` to leave the suppression list unchanged. Default: ``1``.

Failures
    Every step of a behaviour can be repeated, and all are tried before the first error is raised:
    a table that is throttled does not delay a suppression. The record is then retried, and every
    step runs again.

Metrics
    A value is printed when the item that it counts was new, so duplicates are not counted; a
    function that is killed between the two leaves one value out. ``Send``, ``Delivery``,
    ``Bounce`` and ``DeliveryDelay`` count recipients, as SES's own rates do. The other types
    count events, because their recipients are only those who may be meant.
"""
