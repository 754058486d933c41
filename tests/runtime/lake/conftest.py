"""Settings for the tests of the lake; no test inherits another's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailroom import _runtime
from mailroom.entry import lake as entry


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("MAILROOM_TRANSFORM", "MAILROOM_PSEUDONYM_SECRET", "AWS_ENDPOINT_URL", "_HANDLER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_runtime, "_clients", {})
    entry._settings = None
    yield
    if entry._settings is not None:
        entry._settings.child.close()
    entry._settings = None
