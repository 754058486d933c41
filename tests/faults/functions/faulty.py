"""Handlers that fail as the mail or the event asks them to."""

from __future__ import annotations

import os
import re
import signal
import time

from mailroom.events import SendingEvent
from mailroom.receiving import Disposition, ReceivedMail

_CHUNK = 8 * 1024 * 1024


def on_mail(mail: ReceivedMail) -> None:
    act(mail.subject or "")


def on_gate(mail: ReceivedMail) -> Disposition:
    act(mail.subject or "")
    return Disposition.CONTINUE


def on_event(event: SendingEvent) -> None:
    act("".join(event.mail.tags.get("fault", [])))


def act(text: str) -> None:
    found = re.search(r"\b(kill|hang|memory|raise|exit)\b", text)
    fault = found[1] if found else ""
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hang":
        time.sleep(60)
    if fault == "memory":
        exhaust()
    if fault == "raise":
        raise RuntimeError("on purpose")
    if fault == "exit":
        raise SystemExit(1)


def exhaust() -> None:
    """Allocate until the function's memory is used up, and end as the kernel then ends it.

    The local AWS has no limit of memory.
    """
    limit = int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * 1024 * 1024
    taken = []
    while _resident() < limit:
        taken.append(bytearray(os.urandom(_CHUNK)))
    os.kill(os.getpid(), signal.SIGKILL)


def _resident() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123 (as short as the others)
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
