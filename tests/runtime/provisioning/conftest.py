"""No test of a custom resource waits, or sees clients and answers of another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailroom import _runtime
from mailroom.provisioning import activation


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that activation slept, without sleeping them."""
    slept: list[float] = []
    monkeypatch.setattr("mailroom.provisioning.activation.time.sleep", slept.append)
    monkeypatch.setattr(activation, "_answers", {})
    return slept


@pytest.fixture(autouse=True)
def _forget_client() -> Iterator[None]:
    yield
    _runtime._clients.pop("ses", None)
