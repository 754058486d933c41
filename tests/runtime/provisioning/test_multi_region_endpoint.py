"""The custom resource that finds the id of a multi-region endpoint."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from mailroom import _runtime
from mailroom.provisioning.multi_region_endpoint import handler

PROPERTIES = {"EndpointName": "both", "Region": "eu-central-1"}


def test_the_id_is_what_ses_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first refusal is IAM that does not know the policy yet."""
    client = boto3.client("sesv2", region_name="eu-west-1")
    monkeypatch.setattr(_runtime, "client", lambda service: client)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with Stubber(client) as stub:
        stub.add_client_error("get_multi_region_endpoint", "AccessDeniedException")
        stub.add_response(
            "get_multi_region_endpoint", {"EndpointId": "abc.def"}, {"EndpointName": "both"}
        )
        answer = handler({"RequestType": "Create", "ResourceProperties": PROPERTIES})
    assert answer == {"Data": {"EndpointId": "abc.def"}}


def test_a_deletion_asks_nothing() -> None:
    """The endpoint may be gone."""
    assert handler({"RequestType": "Delete", "ResourceProperties": PROPERTIES}) == {}
