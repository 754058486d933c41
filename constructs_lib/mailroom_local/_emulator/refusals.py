"""Keeps what the sending operations refuse in the journal, with the reason."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from xml.sax.saxutils import unescape

from mailroom_local._emulator.query import Response
from mailroom_local._emulator.served import server
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


def denied(operation: str, source: str, recipients: Sequence[str], answer: Response) -> None:
    """Record an answer of the emulator to a caller without permission."""
    # Of API v1 in XML, of v2 in JSON.
    found = re.search(
        rb"<Message>(.*?)</Message>|\"[mM]essage\": *\"([^\"]*)", answer[2], re.DOTALL
    )
    text = unescape((found[1] or found[2]).decode()) if found else "Access denied"
    record(operation, source, recipients, SesError("AccessDenied", text), status=answer[0])


def record(
    operation: str, source: str, recipients: Sequence[str], error: SesError, *, status: int = 400
) -> None:
    """Record one refusal."""
    if error.code == "InternalFailure":
        status = 500
    server.journal.refused(
        mail_from=source,
        rcpt_tos=recipients,
        reply=f"{status} {error.code}",
        reason=error.message,
        operation=operation,
    )
