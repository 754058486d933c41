"""The server process: where it listens, when it ends, what reaches it."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import LocalAws, MailroomError, NotRunning
from mailroom_local.control import clients


def family(pid: int) -> set[int]:
    """A process, its children and theirs, from /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(stat[1])
    members = {pid}
    while more := {child for child, parent in parents.items() if parent in members} - members:
        members |= more
    return members


def listening(pid: int) -> set[str]:
    """The addresses, as /proc writes them, on which a process and its family listen."""
    sockets = set()
    for member in family(pid):
        for descriptor in Path(f"/proc/{member}/fd").glob("*"):
            with contextlib.suppress(OSError):
                sockets.add(str(descriptor.readlink()).removeprefix("socket:"))
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"[{row[9]}]" in sockets}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_listens_beyond_loopback(aws: LocalAws, account: Any) -> None:
    """Not the gateway, not SMTP, not what services open later, not the functions."""
    account.functions.invoke(FunctionName=account.function("return 1"))
    # Left to itself, this service would open a port on every interface.
    aws.client("transfer").create_server()
    assert listening(aws.server.pid) == {"0100007F"}


def test_the_server_process_cannot_bind_another_address() -> None:
    """By an audit hook, so that no library can forget it."""
    code = (
        "import socket\n"
        "from mailroom_local.server.loopback import keep_to_loopback\nkeep_to_loopback()\n"
        "socket.socket().bind(('127.0.0.1', 0))\n"
        "socket.socket(socket.AF_INET6).bind(('::1', 0)) if socket.has_ipv6 else None\n"
        "for address in ('0.0.0.0', ''):\n"
        "    try:\n        socket.socket().bind((address, 0))\n"
        "    except PermissionError: pass\n    else: raise SystemExit(address)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_all_files_are_in_the_state_directory(aws: LocalAws, account: Any) -> None:
    """So that `mailroom down` leaves nothing: the code of functions too."""
    account.functions.invoke(FunctionName=account.function("return 1"))
    opened = []
    for member in family(aws.server.pid):
        for descriptor in Path(f"/proc/{member}/fd").glob("*"):
            # A connection may be closed in the meantime.
            with contextlib.suppress(FileNotFoundError):
                opened.append(str(descriptor.readlink()))
    files = [path for path in opened if path.startswith("/") and not path.startswith("/dev/")]
    work = [str(Path(f"/proc/{member}/cwd").readlink()) for member in family(aws.server.pid)]
    inside = str(aws.state.root)
    assert [path for path in files if not path.startswith(inside)] == []
    assert any(path.startswith(f"{inside}/tmp/") for path in work)


def test_a_port_that_is_taken_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """And no half-started server stays."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        aws = LocalAws(state=tmp_path / "state", port=taken.getsockname()[1])
        with pytest.raises(MailroomError, match="cannot be used") as error:
            aws.start()
    assert "--port" in error.value.remedy
    assert not aws.running


def test_one_state_directory_has_one_server(aws: LocalAws) -> None:
    """A second server would leave the first with no way to stop it."""
    with pytest.raises(MailroomError, match="already runs"):
        LocalAws(state=aws.state.root).start()
    assert LocalAws.attach(state=aws.state.root).server == aws.server


def test_attaching_to_nothing_raises_not_running(tmp_path: Path) -> None:
    """Also when a server announced itself and was killed since."""
    with pytest.raises(NotRunning):
        LocalAws.attach(state=tmp_path / "state")


def test_the_server_ends_with_a_process_that_was_killed(tmp_path: Path) -> None:
    """The killed process could not stop the server itself."""
    code = (
        "import sys, time\nfrom mailroom_local import LocalAws\n"
        "aws = LocalAws(state=sys.argv[1])\naws.start()\nprint(aws.server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "state")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    try:
        server = int(parent.stdout.readline())
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait(5)
        parent.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{server}").exists():
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.1)
    with pytest.raises(NotRunning):
        LocalAws.attach(state=tmp_path / "state")


def test_the_users_real_account_is_out_of_reach(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Profiles, credentials and endpoints of the environment lead nowhere."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://192.0.2.1")
    fresh = LocalAws.attach(state=aws.state.root)
    assert fresh.client("sts").get_caller_identity()["Account"] == clients.ACCOUNT
    environment = clients.environment(aws.server.endpoint)
    assert "AWS_PROFILE" not in environment
    assert "AWS_ENDPOINT_URL_STS" not in environment
    assert environment["AWS_ACCESS_KEY_ID"] == clients.ACCOUNT
