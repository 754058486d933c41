"""The state directory: everything that a local AWS leaves on disk."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mailroom_local.control.errors import MailroomError
from mailroom_local.control.processes import runs

DEFAULT = ".mailroom"

# Marks a folder as ours, so that no other folder is ever deleted.
_MARK = "mailroom-state"
_ENDING_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server process, and where it listens."""

    pid: int
    """The process id."""
    endpoint: str
    """The URL of the gateway, for every AWS API."""
    smtp_port: int
    """The port at which mail for the account is received."""
    submission_port: int
    """The port at which mail from the account is submitted."""
    region: str
    """The region that clients use, unless they name another."""
    python: str
    """The Python that it runs in, and that runs functions."""
    account: str
    """The id of the account that clients use, unless they name another."""
    page: str = ""
    """The URL of the page that shows the account's mail; empty if it is not installed."""
    page_token: str = field(default="", repr=False)
    """What requests that change something on the page must have in `X-Mailroom-Token`."""


class State:
    """The files of a local AWS.

    Args:
        root: The state directory; by default `$MAILROOM_STATE`, or `.mailroom` in the current
            folder.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        chosen = root or os.environ.get("MAILROOM_STATE") or DEFAULT
        self.root = Path(chosen).absolute()
        self.journal = self.root / "journal.jsonl"
        self.server_log = self.root / "server.log"
        self.deploy_log = self.root / "cdk.log"
        self.install_log = self.root / "install.log"
        self.temporary = self.root / "tmp"
        self.certificate = self.temporary / "smtp.pem"
        self.cdk_home = self.root / "cdk-home"
        self.cdk_out = self.root / "cdk.out"
        self._server = self.root / "server.json"

    def create(self) -> None:
        """Create the directory, for this user only.

        Raises:
            MailroomError: If it holds something else.
        """
        if self.root.exists() and not self.is_ours() and any(self.root.iterdir()):
            raise MailroomError(
                f"{self.root} is not empty, and not a state directory of mailroom",
                remedy="choose another directory with --state or the variable MAILROOM_STATE",
            )
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        ignored = self.root / ".gitignore"
        for path in (
            self.root / _MARK,
            ignored,
            self.server_log,
            self.deploy_log,
            self.install_log,
        ):
            path.touch(mode=0o600)
        ignored.write_text("*\n")
        self.temporary.mkdir(mode=0o700, exist_ok=True)

    def remove(self) -> None:
        """Delete the directory, unless it holds something else."""
        if self.is_ours():
            shutil.rmtree(self.root, ignore_errors=True)

    def announce(self, server: Server) -> None:
        """Record where the server listens; readers never see half a record."""
        pending = self._server.with_suffix(".new")
        pending.touch(mode=0o600)
        pending.write_text(json.dumps(asdict(server)))
        pending.replace(self._server)

    def retract(self, pid: int) -> None:
        """Record that the server with this *pid* has ended, unless there is another one already."""
        if self._is_recorded(pid):
            self._server.unlink(missing_ok=True)

    def server(self) -> Server | None:
        """Return the server that was recorded last; it may have crashed since."""
        try:
            return Server(**json.loads(self._server.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def ended_cleanly(self, pid: int) -> bool:
        """Return whether the server with this *pid*, which does not answer, was shut down.

        It retracts its record then, and leaves it if it crashed or was killed.
        """
        deadline = time.monotonic() + _ENDING_SECONDS
        while self._is_recorded(pid):
            if not runs(pid):
                return not self._is_recorded(pid)
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _is_recorded(self, pid: int) -> bool:
        server = self.server()
        return server is not None and server.pid == pid

    def is_ours(self) -> bool:
        """Return whether the directory is a state directory, and nothing else."""
        return (self.root / _MARK).is_file()
