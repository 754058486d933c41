"""The custom resource that waits until a role is known."""

from __future__ import annotations

import pytest

from mailroom.provisioning import propagation

PROPERTIES = {"ServiceToken": "arn", "Seconds": "60", "RoleArn": "arn:aws:iam::1:role/a"}


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """The seconds waited."""
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


def test_the_deployment_waits_for_a_new_role(waits):
    assert propagation.handler(request("Create")) == {"PhysicalResourceId": "Known"}
    assert waits == [60]


def test_the_deployment_waits_for_a_changed_role(waits):
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
def test_an_unchanged_role_needs_no_wait(waits, event):
    """Neither on the way out, nor for a change of something else."""
    propagation.handler(event)
    assert waits == [0]


def test_there_is_no_wait_for_roles_on_the_local_aws(waits, monkeypatch):
    """It is a single process, so a role is usable at once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    propagation.handler(request("Create"))
    assert waits == [0]


def test_work_ends_before_the_function_times_out(waits):
    """A failed wait would fail the deployment."""
    propagation.handler(request("Create", ResourceProperties={**PROPERTIES, "Seconds": "100000"}))
    assert waits == [240]
