"""Keeps what the sending operations refuse in the journal, with the reason."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mailroom_local._emulator.sending import server
from mailroom_local._journal import described
from mailroom_local._ses_error import SesError

_log = logging.getLogger("mailroom")


@contextmanager
def recorded(operation: str, source: str, recipients: Sequence[str]) -> Iterator[None]:
    """Record what is raised inside, and let nothing but an error of SES out."""
    try:
        yield
    except SesError as error:
        record(operation, source, recipients, error)
        raise
    except Exception as error:
        _log.exception("%s failed", operation)
        failure = SesError("InternalFailure", " at ".join(described(error)))
        record(operation, source, recipients, failure)
        raise failure from error


def record(operation: str, source: str, recipients: Sequence[str], error: SesError) -> None:
    """Record one refusal."""
    status = 500 if error.code == "InternalFailure" else 400
    server.journal.refused(
        mail_from=source,
        rcpt_tos=recipients,
        reply=f"{status} {error.code}",
        reason=error.message,
        operation=operation,
    )
