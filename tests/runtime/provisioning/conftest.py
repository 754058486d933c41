"""No test of a custom resource waits, or sees the clients of another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailroom import _runtime


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that a handler slept, without sleeping them."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.fixture(autouse=True)
def _forget_clients() -> Iterator[None]:
    yield
    _runtime._clients.clear()
