"""Record that a template could not be rendered, and raise one alert for all of its mails.

Settings
    ``MAILROOM_EVENT_TABLE``, ``MAILROOM_EVENT_TTL_DAYS`` (90), ``MAILROOM_ALERT_TOPIC`` (no
    alerts without one), ``MAILROOM_ALERT_WINDOW_SECONDS`` (3600): the same template, attribute
    and configuration set raise one alert within it.

Permissions
    ``dynamodb:PutItem`` on the event table; ``sns:Publish`` on the alert topic if there is one.

Metrics
    ``Events`` by ``Type``; ``RenderingFailures`` by ``Template``, one for each mail.

Failures
    Recording and alerting are both tried before the first error is raised and the record is
    retried. The alert goes out at least once a window, and again only after a failure. Windows are
    counted by the events' own times, so a late delivery belongs to the window of its event.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html,
https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
"""

from __future__ import annotations

from mailroom.handlers.events import _alerts, _settings, _table, _text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.events import RenderingFailure

__all__ = ["on_event", "sentences"]

_settings.prepare(alerts=True)


def sentences(event: RenderingFailure, window: int) -> list[str]:
    """Return the alert's text."""
    template = _text.shown(event.template_name, 100)
    attribute = _text.shown(event.missing_attribute, 100)
    if attribute:
        why = f"the data have no attribute '{attribute}'"
        remedy = f"send '{attribute}' with the template data, or remove it from the template"
    else:
        why = f"SES says: {_text.shown(event.error_message).rstrip('.')}"
        remedy = "compare the template with the data that are sent with it"
    return [
        (
            f"The template '{template}' could not be rendered: {why}. The mail was not sent, "
            "although the call that sent it succeeded."
        ),
        f"What to do: {remedy}; then send the mail again.",
        (
            f"Further failures of this kind are not reported for up to {window} seconds; all of "
            "them are in the event table."
        ),
    ]


def on_event(event: RenderingFailure) -> None:
    """Record *event*, and raise an alert unless the same failure raised one already."""
    settings = _settings.settings()
    template = _text.dimension(event.detail.get("templateName"))

    def alert() -> None:
        cause = event.missing_attribute or event.error_message
        _alerts.alert(
            event,
            settings,
            f"Template {template} could not be rendered",
            sentences(event, settings.window),
            once_per=(
                "rendering failure",
                _text.configuration_set(event),
                event.template_name,
                cause,
            ),
        )

    _settings.each(lambda: _table.record(event, settings), alert)
