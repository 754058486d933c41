"""Where the commands say what they have to say."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(text: str = "", *, stream: TextIO | None = None) -> None:
    """Write a line now, also into a pipe, which would otherwise see it much later."""
    target = stream or sys.stdout
    target.write(text + "\n")
    target.flush()


def coloured(stream: TextIO) -> bool:
    """Whether colour is welcome there. https://no-color.org"""
    return stream.isatty() and not os.environ.get("NO_COLOR")
