"""Reports the progress of long work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

Report = Callable[[str], None]
"""Shows the latest detail of a step."""


class Progress(Protocol):
    """Shows the steps of long work."""

    def step(self, title: str) -> contextlib.AbstractContextManager[Report]:
        """Show a step while the context is open; call its value with the latest detail."""
        ...


class Silent:
    """Shows nothing."""

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Report]:
        """Do nothing around the step."""
        yield lambda detail: None
