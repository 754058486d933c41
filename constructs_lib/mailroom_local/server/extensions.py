"""The parts of a local AWS that are served if they are installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from mailroom_local._journal import Journal
from mailroom_local.receiving.smtp import OtherReceiver
from mailroom_local.sending.submission import Submit
from mailroom_local.server.paths import App

# Each has a module `extension` with a function `connect`.
_PARTS = ("mailroom_local.workmail",)


class Extension(Protocol):
    """A service that takes its mail and requests before SES and the emulator do."""

    receiver: OtherReceiver

    def around_submit(self, submit: Submit) -> Submit:
        """Submission that passes through this service first."""
        ...

    def around_gateway(self, gateway: App) -> App:
        """The gateway with this service's operations."""
        ...

    def close(self, *, by: float) -> None:
        """Finish what was accepted; the journal has what the time did not allow."""
        ...


def connected(*, endpoint: str, region: str, journal: Journal) -> Iterator[Extension]:
    """The parts that are there, each connected to the local AWS."""
    for name in _PARTS:
        if find_spec(name) is not None:
            module = import_module(f"{name}.extension")
            yield module.connect(endpoint=endpoint, region=region, journal=journal)
