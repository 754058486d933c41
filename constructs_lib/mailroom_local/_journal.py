"""Appends to the journal, which :mod:`mailroom_local.control.journal` reads."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_log = logging.getLogger("mailroom")


class Journal:
    """Appends records to a file that others may read at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, message_id: str, raw: bytes) -> None:
        """Keep the bytes of a message, for `mailroom show`."""
        path = kept(self._path, message_id)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)

    def write(self, kind: str, /, **fields: Any) -> None:
        """Append one record; a line is one write, so concurrent writers cannot mix."""
        record = {"type": kind, "at": datetime.now(UTC).isoformat(), **fields}
        # What JSON cannot carry is shown as text: a record must not be lost over one of its fields.
        line = json.dumps(record, separators=(",", ":"), default=str) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def refused(
        self,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        reply: str,
        reason: str,
        operation: str | None = None,
        rules: str | None = None,
        tls: bool = False,
        **more: Any,
    ) -> None:
        """Record an answer that refuses something, and why; ``operation`` if it was to be sent.

        ``rules`` is the version of the receipt rules that decided; ``more`` is written, too.
        """
        self.write(
            "refused",
            mail_from=mail_from,
            rcpt_tos=list(rcpt_tos),
            reply=reply,
            reason=reason,
            operation=operation,
            rules=rules,
            tls=tls,
            **more,
        )

    @contextmanager
    def guarded(self, message_id: str | None) -> Iterator[None]:
        """Turn an exception into a problem of a message's story; the log has it in full."""
        try:
            yield
        except Exception as error:
            text, place = described(error)
            _log.exception("message %s: %s", message_id, text)
            self.write("problem", message_id=message_id, error=text, place=place)


def kept(journal: Path, message_id: str) -> Path:
    """Where the bytes of a message are."""
    return journal.parent / "messages" / f"{message_id}.eml"


def described(error: BaseException) -> tuple[str, str]:
    """What an exception says, with its type, and the file and line that raised it."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text, ""
    # The innermost line of ours says more than where a library gave up.
    own = [frame for frame in frames if "mailroom" in frame.filename] or list(frames)
    return text, f"{'/'.join(Path(own[-1].filename).parts[-3:])}:{own[-1].lineno}"


def elapsed_ms(started: float) -> float:
    """The milliseconds since a reading of :func:`time.perf_counter`."""
    return round((time.perf_counter() - started) * 1000, 1)
