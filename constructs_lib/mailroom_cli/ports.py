"""The ports of the local AWS, whether they are free, and which process holds one."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

USUAL: Mapping[str, tuple[int, str]] = {
    "port": (4566, "the AWS API"),
    "smtp_port": (1025, "SMTP, for mail that is received"),
    "submission_port": (1587, "SMTP submission, for mail that is sent"),
    "page_port": (8025, "the page that shows mail and its story"),
}
"""The usual port of each server, and what it is for."""

_PROCESSES = Path("/proc")
_LISTENING = "0A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process that listens on a port."""

    pid: int
    command: str
    """Its command line, shortened."""


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> Holder | None:
    """Return the process that listens on a port, if it may be seen: another user's may not."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port)}
    for folder in _PROCESSES.glob("[0-9]*") if wanted else ():
        with contextlib.suppress(OSError):
            if any(str(each.readlink()) in wanted for each in (folder / "fd").iterdir()):
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                command = " ".join(filter(None, words))
                short = command if len(command) <= 60 else command[:59] + "…"
                return Holder(pid=int(folder.name), command=short)
    return None


def _listening(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen on a port."""
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROCESSES / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                local, state, inode = fields[1], fields[3], fields[9]
                if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                    yield inode
