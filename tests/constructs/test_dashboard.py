"""`MailDashboard`: what a person sees, and that it is what the runtime measures."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, new_stack, synthesized

from cdk_mailroom import (
    ConfigurationError,
    EventPublishing,
    EventType,
    InboundMail,
    MailDashboard,
    PythonHandler,
    handlers,
)


def yours() -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail")


def widgets(template: Template) -> dict[str, dict]:
    """Return each graph by its title, as CloudWatch reads it."""
    [dashboard] = template.of("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"])
    return {
        one["properties"].get("title") or one["properties"]["markdown"]: one
        for one in body["widgets"]
    }


def metrics(widget: dict) -> Iterator[tuple[list[str], dict]]:
    """Yield each metric of a graph: namespace, name and dimensions, and how it is drawn."""
    for *names, last in widget["properties"].get("metrics", []):
        if isinstance(last, dict):
            yield names, last
        else:
            yield [*names, last], {}


@pytest.fixture(scope="module")
def both() -> Template:
    """All types in three pipelines, and two rules."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")
        inbound.add_rule("Support", recipients=["a@example.com"], handler=yours())
        inbound.add_rule("Archive", recipients=["b@example.com"])
        inbound.add_rule("Gate", recipients=["c@example.com"], before=[handlers.RejectSpam()])
        out = EventPublishing(stack, "Out", configuration_set_name="ours")
        out.on(EventType.BOUNCE)
        out.on(EventType.COMPLAINT, yours())
        out.on([kind for kind in EventType if kind not in out.pipelines])
        MailDashboard(stack, "Dashboard", publishing=out, inbound=inbound, dashboard_name="Mail")

    return synthesized(build)


@pytest.fixture(scope="module")
def sending() -> Template:
    """Two types, neither of them deliveries."""

    def build(stack):
        out = EventPublishing(stack, "Out")
        out.on(EventType.BOUNCE)
        out.on(EventType.OPEN)
        MailDashboard(stack, "Dashboard", publishing=out)

    return synthesized(build)


@pytest.fixture(scope="module")
def receiving() -> Template:
    """Receiving only, and not one handler."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")
        inbound.add_rule("Archive", recipients=["b@example.com"])
        MailDashboard(stack, "Dashboard", inbound=inbound)

    return synthesized(build)


@pytest.fixture(scope="module")
def idle() -> Template:
    """Nothing is handled yet."""
    return synthesized(
        lambda stack: MailDashboard(stack, "Dashboard", publishing=EventPublishing(stack, "Out"))
    )


ALL = pytest.mark.parametrize("case", ["both", "sending", "receiving", "idle"])


@ALL
def test_every_graph_has_a_metric(request, case):
    """CloudWatch refuses a whole dashboard for one graph without."""
    for widget in widgets(request.getfixturevalue(case)).values():
        properties = widget["properties"]
        assert widget["type"] == "text" or properties.get("metrics") or properties.get("alarms")


@ALL
def test_no_two_graphs_overlap(request, case):
    """And no row is wider than the grid of 24 columns."""
    taken = set()
    for widget in widgets(request.getfixturevalue(case)).values():
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_a_dashboard_contains_the_given_constructs(both, sending, receiving):
    """A heading for each side that there is."""
    headings = {
        name: [title for title in widgets(template) if title.startswith("# ")]
        for name, template in (("both", both), ("sending", sending), ("receiving", receiving))
    }
    assert headings == {
        "both": ["# Sending", "# Receiving"],
        "sending": ["# Sending"],
        "receiving": ["# Receiving"],
    }


def test_passing_neither_is_refused(stack):
    """An empty dashboard is useless."""
    with pytest.raises(ConfigurationError, match="pass publishing, inbound or both"):
        MailDashboard(stack, "Dashboard")


def test_the_dashboard_has_the_given_name(both, sending):
    """CloudFormation makes one otherwise."""
    assert both.at("Dashboard/Dashboard")["DashboardName"] == "Mail"
    assert "DashboardName" not in sending.at("Dashboard/Dashboard")


@pytest.mark.parametrize("title", ["Events by type, per hour", "In the period shown"])
def test_every_handled_type_is_shown_once_in_its_colour(both, title):
    """One colour for one thing, in both graphs."""
    shown = [(names[-1], drawn["color"]) for names, drawn in metrics(widgets(both)[title])]
    assert sorted(kind for kind, _ in shown) == sorted(EventType)
    assert len({colour for _, colour in shown}) == len(EventType)


def test_types_that_nobody_handles_are_not_shown(sending):
    """They would be lines at nothing; so would be the latency of deliveries."""
    page = widgets(sending)
    shown = [names[-1] for names, _ in metrics(page["Events by type, per hour"])]
    assert sorted(shown) == ["Bounce", "Open"]
    assert "From acceptance by SES to delivery" not in page


@pytest.mark.parametrize(
    ("title", "metric", "review"),
    [
        ("Bounce rate (account)", "Reputation.BounceRate", 5),
        ("Complaint rate (account)", "Reputation.ComplaintRate", 0.1),
    ],
)
def test_awss_thresholds_are_drawn(sending, title, metric, review):
    """In percent, as AWS writes them, with a warning at half."""
    widget = widgets(sending)[title]
    lines = widget["properties"]["annotations"]["horizontal"]
    assert [line["value"] for line in lines] == [review, review / 2]
    assert f"{review:g} %" in lines[0]["label"]
    [(_, percent), (rate, drawn)] = metrics(widget)
    assert percent["expression"] == f"100 * {drawn['id']}"
    assert rate == ["AWS/SES", metric]
    assert drawn["visible"] is False


def test_the_lines_match_the_alarm_thresholds(sending):
    """The dashboard and the alarms must agree."""
    page = widgets(sending)
    drawn = {
        line["value"]
        for title in ("Bounce rate (account)", "Complaint rate (account)")
        for line in page[title]["properties"]["annotations"]["horizontal"]
    }
    alarms = {
        round(100 * alarm["Threshold"], 4)
        for alarm in sending.of("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"].startswith("Reputation.")
    }
    assert drawn == alarms


def test_a_pipeline_is_named_after_all_its_types(both):
    """Not by its first type alone."""
    page = widgets(both)
    labels = [drawn["label"] for _, drawn in metrics(page["Dead letters"])]
    assert labels == ["Bounce", "Complaint", "Click and 7 more"]
    waiting = [drawn["label"] for _, drawn in metrics(page["Oldest event waiting, in seconds"])]
    assert waiting == [name for label in labels for name in (label, f"{label} isolated")]


def test_rules_without_a_function_have_no_graph(both, receiving):
    """A rule that only stores runs nothing."""
    [(names, drawn)] = metrics(widgets(both)["Mail by rule"])
    assert drawn["label"] == "Support"
    assert names[-1] == "<Inbound/Support/Handler/Function>"
    assert "Mail by rule" not in widgets(receiving)


def test_every_alarm_is_shown(both):
    """Those of sending and those of receiving."""
    page = widgets(both)
    shown = [
        arn
        for title in ("Alarms of sending", "Alarms of receiving")
        for arn in page[title]["properties"]["alarms"]
    ]
    assert sorted(shown) == sorted(f"<{path}.Arn>" for path in both.of("AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Rules that SES failed to run", {"PublishFailure", "PublishExpired"}),
        (
            "Events that SNS could not put into a queue",
            {"NumberOfNotificationsFailed", "NumberOfNotificationsFailedToRedriveToDlq"},
        ),
    ],
)
def test_what_services_failed_to_do_is_shown(both, title, names):
    assert {one[1] for one, _ in metrics(widgets(both)[title])} == names


def test_latency_is_shown_as_percentiles(both):
    """A mean would hide the slow ones."""
    widget = widgets(both)["From acceptance by SES to delivery"]
    assert [drawn["stat"] for _, drawn in metrics(widget)] == ["p50", "p90", "p99"]


def test_resources_added_after_the_dashboard_are_an_error():
    """They would be missing without notice."""
    stack = new_stack()
    sns.Topic(stack, "Unused")
    out, inbound = EventPublishing(stack, "Out"), InboundMail(stack, "Inbound")
    out.on(EventType.BOUNCE)
    MailDashboard(stack, "Dashboard", publishing=out, inbound=inbound)
    out.on(EventType.OPEN)
    inbound.add_rule("Late", recipients=["a@example.com"], handler=yours())
    with pytest.raises(RuntimeError) as caught:
        Template(stack)
    for word in ("Stack/Dashboard", "the type Open", "the rule Late", "create the dashboard last"):
        assert word in str(caught.value)
    assert "Bounce" not in str(caught.value)


# What the page shows, and what the runtime measures


@pytest.fixture(scope="module")
def measured() -> set[tuple[str, ...]]:
    """Namespace, name and dimensions of every metric that the bundled behaviours print."""
    import contextlib
    import io
    from importlib import import_module
    from unittest import mock

    from mailroom.handlers.events import _settings
    from mailroom.testing import sending_event

    found = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILROOM_EVENT_TABLE", "Table")
        patch.setattr(_settings, "_settings", None)
        patch.setattr(_settings._runtime, "client", lambda service: mock.MagicMock())
        for kind in EventType:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                module = import_module(f"mailroom.handlers.events.{kind.name.lower()}")
                module.on_event(sending_event(str(kind), configuration_set="ours"))
            for line in map(json.loads, printed.getvalue().splitlines()):
                for directive in line["_aws"]["CloudWatchMetrics"]:
                    [names], [metric] = directive["Dimensions"], directive["Metrics"]
                    dimensions = (part for name in names for part in (name, line[name]))
                    found.add((directive["Namespace"], metric["Name"], *dimensions))
    return found


def test_the_dashboard_shows_the_runtimes_metrics(both, measured):
    """Namespace, name, and each dimension in its order: anything else is an empty graph."""
    shown = {
        tuple(names)
        for widget in widgets(both).values()
        for names, _ in metrics(widget)
        if names and names[0] == "Mailroom"
    }
    assert len(shown) == len(EventType) + 1
    assert shown <= measured
