"""Appends to the journal, which :mod:`mailroom_local.control.journal` reads."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """Appends records to a file that others may read at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, kind: str, /, **fields: Any) -> None:
        """Append one record; a line is one write, so concurrent writers cannot mix."""
        record = {"type": kind, "at": datetime.now(UTC).isoformat(), **fields}
        line = json.dumps(record, separators=(",", ":")) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def elapsed_ms(started: float) -> float:
    """The milliseconds since a reading of :func:`time.perf_counter`."""
    return round((time.perf_counter() - started) * 1000, 1)
