"""A CloudWatch dashboard of sending and receiving."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import jsii
from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct, IValidation

from cdk_mailroom._checks import Problems
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom.events import EventPipeline, EventPublishing
from cdk_mailroom.events.alarms import (
    NOTIFICATION_FAILURES,
    REVIEW_THRESHOLDS,
    reputation_metric,
)
from cdk_mailroom.receiving import InboundMail
from cdk_mailroom.receiving.alarms import RULE_SET_FAILURES
from mailroom.ses import EventType

__all__ = ["MailDashboard"]

_NAMESPACE = "Mailroom"
_WIDTH = 24
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
_ALARMS_PER_WIDGET = 100
_HOUR = Duration.hours(1)
_FIVE_MINUTES = Duration.minutes(5)

# One colour for one thing in every graph: what went well is green and blue, what did not is red.
_COLOURS = {
    EventType.SEND: "#7f7f7f",
    EventType.DELIVERY: "#2ca02c",
    EventType.OPEN: "#1f77b4",
    EventType.CLICK: "#17becf",
    EventType.DELIVERY_DELAY: "#ffbf00",
    EventType.BOUNCE: "#ff7f0e",
    EventType.COMPLAINT: "#d62728",
    EventType.REJECT: "#9467bd",
    EventType.RENDERING_FAILURE: "#8c564b",
    EventType.SUBSCRIPTION: "#e377c2",
}


class MailDashboard(MailConstruct):
    """Rates, latency, events by type, queues and failures on one page.

    From top to bottom: the rates by which AWS judges the account, with its thresholds; events by
    type; delivery latency; whether the handlers keep up; dead-letter queues; what SNS and SES
    failed to do; and the state of all alarms. The graphs of events show the metrics of
    what is recorded, whether the bundled behaviours or functions of yours handle it.
    Create the dashboard last: synth fails if a type or a rule is added later, because the dashboard
    would not show it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        publishing: EventPublishing | None = None,
        inbound: InboundMail | None = None,
        dashboard_name: str | None = None,
    ) -> None:
        """Create the dashboard.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            publishing: The event publishing to show.
            inbound: The receiving to show.
            dashboard_name: The name of the dashboard; made by CloudFormation by default.

        Raises:
            ConfigurationError: Neither *publishing* nor *inbound* was passed.
        """
        problems = Problems(scope, construct_id)
        if publishing is None and inbound is None:
            problems.add("publishing", None, "pass publishing, inbound or both")
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=dashboard_name,
            default_interval=Duration.days(7),
            period_override=cloudwatch.PeriodOverride.INHERIT,
        )
        """The dashboard; add your own widgets with ``add_widgets``."""
        if publishing is not None:
            self._title("Sending")
            self._reputation()
            self._events(publishing)
            pipelines = _once(publishing.pipelines.values())
            self._pipelines(pipelines)
            if pipelines:
                self._notifications(publishing)
            found = [publishing.alarms, *(one.alarms for one in pipelines)]
            if publishing.lake is not None:
                found.append(publishing.lake.alarms)
            self._alarms("Alarms of sending", [alarm for one in found for alarm in one.values()])
        if inbound is not None:
            self._title("Receiving")
            self._inbound(inbound)
            self._alarms(
                "Alarms of receiving",
                [
                    *inbound.alarms.values(),
                    *(alarm for rule in inbound.rules for alarm in rule.failure_alarms),
                ],
            )
        self.node.add_validation(_NothingCameLater(publishing, inbound))

    def _title(self, text: str) -> None:
        self.dashboard.add_widgets(
            cloudwatch.TextWidget(markdown=f"# {text}", width=_WIDTH, height=1)
        )

    def _reputation(self) -> None:
        self.dashboard.add_widgets(
            *(self._rate(kind, 100 * review) for kind, review in REVIEW_THRESHOLDS.items())
        )

    def _rate(self, kind: str, review: float) -> cloudwatch.GraphWidget:
        percent = cloudwatch.MathExpression(
            expression="100 * rate",
            using_metrics={"rate": reputation_metric(kind)},
            label="percent",
            period=_HOUR,
        )
        return cloudwatch.GraphWidget(
            title=f"{kind} rate (account)",
            left=[percent],
            left_y_axis=cloudwatch.YAxisProps(min=0, label="%", show_units=False),
            left_annotations=[
                _line(review, f"AWS reviews the account at {review:g} %", cloudwatch.Color.RED),
                _line(review / 2, "early warning", cloudwatch.Color.ORANGE),
            ],
            width=_WIDTH // 2,
            height=6,
        )

    def _events(self, publishing: EventPublishing) -> None:
        name = publishing.configuration_set_name
        handled = [kind for kind in _COLOURS if kind in publishing.pipelines]
        events = {
            kind: cloudwatch.Metric(
                namespace=_NAMESPACE,
                metric_name="Events",
                dimensions_map={"ConfigurationSet": name, "Type": str(kind)},
                statistic="Sum",
                period=_HOUR,
                color=_COLOURS[kind],
                label=str(kind),
            )
            for kind in handled
        }
        if not events:
            return
        latency = [
            cloudwatch.Metric(
                namespace=_NAMESPACE,
                metric_name="DeliveryLatency",
                dimensions_map={"ConfigurationSet": name},
                statistic=statistic,
                period=_HOUR,
                label=statistic,
                unit=cloudwatch.Unit.MILLISECONDS,
            )
            for statistic in ("p50", "p90", "p99")
        ]
        self.dashboard.add_widgets(
            cloudwatch.SingleValueWidget(
                title="In the period shown",
                metrics=list(events.values()),
                set_period_to_time_range=True,
                width=_WIDTH,
                height=3,
            )
        )
        widgets = [
            cloudwatch.GraphWidget(
                title="Events by type, per hour",
                left=list(events.values()),
                left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
                width=_WIDTH // 2,
                height=7,
            )
        ]
        if EventType.DELIVERY in events:
            widgets.append(
                cloudwatch.GraphWidget(
                    title="From acceptance by SES to delivery",
                    left=latency,
                    left_y_axis=cloudwatch.YAxisProps(min=0, label="ms", show_units=False),
                    width=_WIDTH // 2,
                    height=7,
                )
            )
        self.dashboard.add_widgets(*widgets)

    def _pipelines(self, pipelines: Sequence[EventPipeline]) -> None:
        if not pipelines:
            return
        self.dashboard.add_widgets(
            _graph(
                "Oldest event waiting, in seconds",
                [
                    queue.metric_approximate_age_of_oldest_message(
                        statistic="Maximum", period=_FIVE_MINUTES, label=label
                    )
                    for pipeline in pipelines
                    for queue, label in (
                        (pipeline.queue, _name(pipeline)),
                        (pipeline.isolation_queue, f"{_name(pipeline)} isolated"),
                    )
                ],
            ),
            _graph(
                "Failed invocations and throttles",
                [
                    metric
                    for pipeline in pipelines
                    for metric in (
                        pipeline.function.metric_errors(
                            period=_FIVE_MINUTES, label=f"{_name(pipeline)} failed"
                        ),
                        pipeline.function.metric_throttles(
                            period=_FIVE_MINUTES, label=f"{_name(pipeline)} throttled"
                        ),
                    )
                ],
            ),
            _graph(
                "Dead letters",
                [
                    pipeline.dead_letter_queue.metric_approximate_number_of_messages_visible(
                        statistic="Maximum", period=_FIVE_MINUTES, label=_name(pipeline)
                    )
                    for pipeline in pipelines
                ],
            ),
        )

    def _notifications(self, publishing: EventPublishing) -> None:
        self.dashboard.add_widgets(
            _graph(
                "Events that SNS could not put into a queue",
                [publishing.alarms[name].metric for name, _ in NOTIFICATION_FAILURES.values()],
            )
        )

    def _alarms(self, title: str, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        for start in range(0, len(alarms), _ALARMS_PER_WIDGET):
            self.dashboard.add_widgets(
                cloudwatch.AlarmStatusWidget(
                    title=title,
                    alarms=list(alarms[start : start + _ALARMS_PER_WIDGET]),
                    width=_WIDTH,
                    height=4,
                )
            )

    def _inbound(self, inbound: InboundMail) -> None:
        handled = [(rule.node.id, rule.function) for rule in inbound.rules if rule.function]
        # CloudWatch refuses a graph without any metric.
        graphs = (
            []
            if not handled
            else [
                _graph(
                    "Mail by rule",
                    [
                        function.metric_invocations(period=_FIVE_MINUTES, label=name)
                        for name, function in handled
                    ],
                ),
                _graph(
                    "Handler duration, p90 in ms",
                    [
                        function.metric_duration(statistic="p90", period=_FIVE_MINUTES, label=name)
                        for name, function in handled
                    ],
                ),
            ]
        )
        self.dashboard.add_widgets(
            *graphs,
            _graph(
                "Failed invocations, and dead letters",
                [
                    *(
                        function.metric_errors(period=_FIVE_MINUTES, label=f"{name} failed")
                        for name, function in handled
                    ),
                    inbound.dead_letter_queue.metric_approximate_number_of_messages_visible(
                        statistic="Maximum",
                        period=_FIVE_MINUTES,
                        label="dead letters",
                        color=cloudwatch.Color.RED,
                    ),
                ],
            ),
            _graph(
                "Rules that SES failed to run",
                [inbound.alarms[f"{name}Alarm"].metric for name in RULE_SET_FAILURES],
            ),
        )


@jsii.implements(IValidation)
class _NothingCameLater:
    """Compares the types and rules at synth with those that the dashboard shows."""

    def __init__(self, publishing: EventPublishing | None, inbound: InboundMail | None) -> None:
        self._publishing = publishing
        self._inbound = inbound
        self._shown = self._handled()

    def validate(self) -> list[str]:
        """Return one sentence for each type or rule that is not shown."""
        return [
            f"{name} is missing from the dashboard, which was created before it: create the "
            "dashboard last"
            for name in self._handled()
            if name not in self._shown
        ]

    def _handled(self) -> list[str]:
        types = [] if self._publishing is None else self._publishing.pipelines
        rules = [] if self._inbound is None else self._inbound.rules
        return [
            *(f"the type {kind}" for kind in types),
            *(f"the rule {rule.node.id}" for rule in rules if rule.function),
        ]


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        width=_WIDTH // 3,
        height=6,
    )


def _name(pipeline: EventPipeline) -> str:
    first, *others = pipeline.types
    return f"{first} and {len(others)} more" if others else str(first)


def _line(value: float, label: str, colour: str) -> cloudwatch.HorizontalAnnotation:
    return cloudwatch.HorizontalAnnotation(value=value, label=label, color=colour)


def _once(pipelines: Iterable[EventPipeline]) -> list[EventPipeline]:
    # A pipeline of several types appears under each of them.
    return list(dict.fromkeys(pipelines))
