"""Settings and AWS for the tests of sending events."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from moto import mock_aws

from mailroom import _runtime
from runtime.events.event_aws import BUNDLED, REGION, TABLE, TOPIC, Aws, new_process


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the construct would set; no test inherits another's clients or memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("EVENT_TTL_DAYS", "ALERT_WINDOW_SECONDS", "EXPIRY_WARNING_SECONDS", "SUPPRESS"):
        monkeypatch.delenv(f"MAILROOM_{name}", raising=False)
    monkeypatch.delenv("MAILROOM_LOG_ADDRESSES", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/Outbound Bounce")
    monkeypatch.setenv("MAILROOM_EVENT_TABLE", TABLE)
    monkeypatch.setenv("MAILROOM_ALERT_TOPIC", TOPIC)
    monkeypatch.setenv("MAILROOM_HANDLERS", json.dumps(BUNDLED))
    monkeypatch.setattr(_runtime, "_clients", {})
    new_process()
    yield
    new_process()


@pytest.fixture
def aws() -> Iterator[Aws]:
    """The AWS that the bundled behaviours see."""
    with mock_aws():
        found = Aws()
        found.start()
        yield found
