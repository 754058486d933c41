"""How long work reports its progress."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

Report = Callable[[str], None]
"""Shows the latest detail of a step."""


class Progress(Protocol):
    """Where the steps of long work are shown."""

    def step(self, title: str) -> contextlib.AbstractContextManager[Report]:
        """Show a step while the context is open; the value takes its latest detail."""
        ...


class Silent:
    """Shows nothing."""

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Report]:
        """Do nothing around the step."""
        yield lambda detail: None
