"""Watches the app of `mailroom up --watch`, and passes on what is done about its edits."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from rich.text import Text

from mailroom_cli.terminal import show, text

if TYPE_CHECKING:
    from mailroom_local.control import LocalAws
    from mailroom_local.control.watch import Notice


class Notices:
    """What a watcher has to tell, for the loop that writes to the terminal."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Notice] = SimpleQueue()
        self._fresh = Event()

    def tell(self, notice: Notice) -> None:
        """Take a notice, in any thread."""
        self._queue.put(notice)
        self._fresh.set()

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until there is a notice."""
        self._fresh.wait(seconds)

    def take(self) -> Iterator[Text]:
        """Return what has come, once."""
        self._fresh.clear()
        with contextlib.suppress(Empty):
            while True:
                notice = self._queue.get_nowait()
                style = "red" if notice.failed else "dim"
                lines = [text(line, style) for line in notice.text.splitlines()]
                yield Text("\n").join(lines)


def until_deployed(aws: LocalAws, deploy: Callable[[], None], *, folder: Path) -> float:
    """Deploy an app for the first time; whenever that fails, say why and wait for the next edit.

    Args:
        aws: The local AWS.
        deploy: Deploys the app.
        folder: The folder of the app.

    Returns:
        When the deployment that succeeded began.
    """
    from mailroom_local.control import DeployFailed, deployments
    from mailroom_local.control.watch import Watcher

    while True:
        since = time.time()
        try:
            deploy()
        except DeployFailed as error:
            if not aws.running:
                raise
            lines = deployments.described(error).splitlines()
            show(*(text(line, "red") for line in lines), stream=sys.stderr)
            show(f"Save a file in {folder} to deploy again.", stream=sys.stderr)
            Watcher(
                aws, folder=folder, deploy=deploy, since=since, tell=lambda _: None
            ).await_edit()
        else:
            return since


@contextlib.contextmanager
def watching(
    aws: LocalAws, *, folder: Path, deploy: Callable[[LocalAws], None], since: float
) -> Iterator[Notices]:
    """Deploy edits of an app while the context is open.

    Args:
        aws: The local AWS to which the app was deployed.
        folder: The folder of the app.
        deploy: Deploys the app in full.
        since: When the deployment began.

    Yields:
        What to show.
    """
    from mailroom_local.control import LocalAws
    from mailroom_local.control.watch import Watcher

    notices, stop = Notices(), Event()
    # Its own, which shows no steps: the messages are shown at the same time.
    other = LocalAws.attach(state=aws.state.root)
    watcher = Watcher(
        other, folder=folder, deploy=lambda: deploy(other), since=since, tell=notices.tell
    )
    thread = Thread(target=watcher.run, args=(stop,), name="mailroom-watch", daemon=True)
    thread.start()
    try:
        yield notices
    finally:
        stop.set()
        thread.join(timeout=5.0)
