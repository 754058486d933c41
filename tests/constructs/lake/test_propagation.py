"""The custom resource that waits until a role is known."""

from __future__ import annotations

import pytest

from mailroom.provisioning import propagation

PROPERTIES = {"ServiceToken": "arn", "Seconds": "60", "RoleArn": "arn:aws:iam::1:role/a"}


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """Seconds that were waited for."""
    found: list[float] = []
    monkeypatch.setattr(propagation.time, "sleep", found.append)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return found


def request(kind: str, **more) -> dict:
    """Return what the provider framework sends."""
    return {
        "RequestType": kind,
        "LogicalResourceId": "Known",
        "ResourceProperties": PROPERTIES,
        **more,
    }


def test_a_new_role_is_waited_for(waits):
    """For as long as was said."""
    assert propagation.handler(request("Create")) == {"PhysicalResourceId": "Known"}
    assert waits == [60]


def test_another_role_is_waited_for(waits):
    """The id stays, as there is nothing to delete."""
    answer = propagation.handler(
        request(
            "Update",
            PhysicalResourceId="Known",
            OldResourceProperties={**PROPERTIES, "RoleArn": "arn:aws:iam::1:role/b"},
        )
    )
    assert answer == {"PhysicalResourceId": "Known"}
    assert waits == [60]


@pytest.mark.parametrize(
    "event",
    [
        request("Delete", PhysicalResourceId="Known"),
        request("Update", PhysicalResourceId="Known", OldResourceProperties=PROPERTIES),
    ],
)
def test_nothing_new_is_not_waited_for(waits, event):
    """Neither on the way out, nor for a change of something else."""
    propagation.handler(event)
    assert waits == [0]


def test_a_local_aws_is_not_waited_for(waits, monkeypatch):
    """It is one place, so it knows at once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    propagation.handler(request("Create"))
    assert waits == [0]


def test_the_functions_time_is_never_used_up(waits):
    """A failed wait would fail the deployment."""
    propagation.handler(request("Create", ResourceProperties={**PROPERTIES, "Seconds": "100000"}))
    assert waits == [240]
