"""Does to its process what an event's message id says."""

import os
import signal
import sys
import time

from mailroom.events import Send, SendingEvent

DEEDS = {
    "os._exit": lambda: os._exit(1),
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: time.sleep(60),
    "sys.exit": lambda: sys.exit(1),
}


def on_send(event: Send) -> None:
    perish(event)


def transform(event: SendingEvent) -> dict[str, str]:
    perish(event)
    return {}


def perish(event: SendingEvent) -> None:
    deed = DEEDS.get(event.mail.message_id)
    if deed is not None:
        deed()
