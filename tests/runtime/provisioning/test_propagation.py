"""The custom resource that waits until a role is known."""

from __future__ import annotations

import pytest

from mailroom.provisioning import propagation
from runtime.provisioning.cloudformation import Calls, Conditions, Custom, Stack

PROPERTIES = {"ServiceToken": "arn", "Seconds": "60", "RoleArn": "arn:aws:iam::1:role/a"}


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """Seconds that were waited for."""
    found: list[float] = []
    monkeypatch.setattr(propagation.time, "sleep", found.append)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return found


def request(kind: str, **more) -> dict:
    """Return what CloudFormation sends."""
    return {
        "RequestType": kind,
        "LogicalResourceId": "Known",
        "ResourceProperties": PROPERTIES,
        **more,
    }


def test_a_new_role_is_waited_for(waits):
    """For as long as was said."""
    propagation.handler(request("Create"))
    assert waits == [60]


def test_another_role_is_waited_for(waits):
    """Whatever the configuration set is about to use."""
    propagation.handler(
        request(
            "Update",
            PhysicalResourceId="Known",
            OldResourceProperties={**PROPERTIES, "RoleArn": "arn:aws:iam::1:role/b"},
        )
    )
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


def test_its_physical_id_never_changes(waits):
    """So CloudFormation never deletes one wait after another has succeeded."""
    stack = Stack(Calls())
    known = Custom("Known", PROPERTIES, handler=propagation.handler)
    stack.deploy([known])
    for conditions in (Conditions(), Conditions(fails_later=True)):
        stack.deploy([known.changed(RoleArn=f"arn:{conditions.fails_later}")], conditions)
        assert stack.physical_id("Known") == "Known"
    stack.delete()
    kinds = [event["RequestType"] for event in stack.requests]
    assert kinds == ["Create", "Update", "Update", "Update", "Delete"]


def test_a_local_aws_is_not_waited_for(waits, monkeypatch):
    """It is one place, so it knows at once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    propagation.handler(request("Create"))
    assert waits == [0]


def test_the_functions_time_is_never_used_up(waits):
    """A failed wait would fail the deployment."""
    propagation.handler(request("Create", ResourceProperties={**PROPERTIES, "Seconds": "100000"}))
    assert waits == [240]
