"""The state directory: everything that the local AWS leaves on disk."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from mailroom_local.control.errors import MailroomError

DEFAULT = ".mailroom"

# By this file a folder is known to be ours, so that `down` never removes anybody else's.
_MARK = "mailroom-state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server process that announced itself."""

    pid: int
    endpoint: str
    smtp_port: int
    submission_port: int
    region: str
    account: str


class State:
    """Paths below one state directory."""

    def __init__(self, root: Path | str | None = None) -> None:
        chosen = root or os.environ.get("MAILROOM_STATE") or DEFAULT
        self.root = Path(chosen).absolute()
        self.journal = self.root / "journal.jsonl"
        self.server_log = self.root / "server.log"
        self.deploy_log = self.root / "cdk.log"
        self.temporary = self.root / "tmp"
        self.certificate = self.temporary / "smtp.pem"
        self.cdk_home = self.root / "cdk-home"
        self.cdk_out = self.root / "cdk.out"
        self.bootstrapped = self.root / "bootstrapped"
        self._server = self.root / "server.json"

    def create(self) -> None:
        """Make the directory, or refuse one that holds something else."""
        if self.root.exists() and not self._ours() and any(self.root.iterdir()):
            raise MailroomError(
                f"{self.root} is not a state directory of mailroom and not empty",
                remedy="name another one with --state, or with the variable MAILROOM_STATE",
            )
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / _MARK).touch()
        (self.root / ".gitignore").write_text("*\n")
        self.temporary.mkdir(exist_ok=True)

    def remove(self) -> None:
        """Delete the directory, if it is ours."""
        if self._ours():
            shutil.rmtree(self.root, ignore_errors=True)

    def announce(self, server: Server) -> None:
        """Say where the server can be reached; readers never see half of it."""
        pending = self._server.with_suffix(".new")
        pending.write_text(json.dumps(asdict(server)))
        pending.replace(self._server)

    def retract(self) -> None:
        """The server is gone."""
        self._server.unlink(missing_ok=True)

    def server(self) -> Server | None:
        """The server that announced itself last; it may have ended without a word since."""
        try:
            return Server(**json.loads(self._server.read_text()))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _ours(self) -> bool:
        return (self.root / _MARK).is_file()
