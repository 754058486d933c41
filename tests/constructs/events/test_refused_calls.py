"""A refused call of `EventPublishing` leaves nothing behind, so it can be corrected."""

from __future__ import annotations

import pytest
from aws_cdk import aws_ses as ses
from synthesis import FOLDER, synthesized

from cdk_mailroom import BUNDLED, ConfigurationError, EventPublishing, EventType, PythonHandler


def unreadable(tmp_path) -> PythonHandler:
    """Return a handler whose code cannot be put together, which shows only when it is used."""
    (tmp_path / "app.py").write_text("def on_event(event): ...")
    (tmp_path / "mailroom").mkdir()
    (tmp_path / "mailroom" / "hidden.py").write_text("")
    return PythonHandler(tmp_path, "app:on_event")


def yours() -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail")


def metric(name: str) -> ses.CloudWatchDimension:
    """Return a dimension from a message tag."""
    return ses.CloudWatchDimension(
        name=name, default_value="none", source=ses.CloudWatchDimensionSource.MESSAGE_TAG
    )


@pytest.mark.parametrize(
    ("refused", "corrected"),
    [
        (
            lambda out, broken: out.on(EventType.BOUNCE, BUNDLED, broken),
            lambda out: out.on(EventType.BOUNCE, BUNDLED, yours()),
        ),
        (
            lambda out, broken: out.on([EventType.BOUNCE, EventType.BOUNCE]),
            lambda out: out.on([EventType.BOUNCE]),
        ),
        (
            lambda out, broken: out.on_bus(EventType.BOUNCE, BUNDLED, broken),
            lambda out: out.on_bus(EventType.BOUNCE, yours()),
        ),
        (
            lambda out, broken: out.to_lake(types=["bounce"]),
            lambda out: out.to_lake(types=[EventType.BOUNCE]),
        ),
        (
            lambda out, broken: out.to_metrics([metric("a b")]),
            lambda out: out.to_metrics([metric("a")]),
        ),
        (
            lambda out, broken: out.to_event_bus(archive="always"),
            lambda out: out.to_event_bus(archive="forever"),
        ),
    ],
    ids=["on", "on twice", "on_bus", "to_lake", "to_metrics", "to_event_bus"],
)
def test_the_corrected_call_has_the_same_result_as_a_first_call(refused, corrected, tmp_path):
    """The template is the same as without the refused call."""

    def build(stack):
        out = EventPublishing(stack, "Out")
        with pytest.raises(ConfigurationError):
            refused(out, unreadable(tmp_path))
        corrected(out)

    after = synthesized(build).raw["Resources"]
    alone = synthesized(lambda stack: corrected(EventPublishing(stack, "Out"))).raw["Resources"]
    assert after == alone


def test_an_archive_can_be_kept_forever():
    """Without a retention, EventBridge keeps events forever."""
    template = synthesized(
        lambda stack: EventPublishing(stack, "Out").to_event_bus(archive="forever")
    )
    [archive] = template.of("AWS::Events::Archive").values()
    assert not archive.get("RetentionDays")
