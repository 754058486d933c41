"""How soon an edit of a handler is in force, from saving it to a mail that the new code handled.

`mailroom up --watch` beside `cdk deploy` and `cdk deploy --hotswap` of the same app, on two local
AWS. Mail is sent, one after the other, until the new code has handled one.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measuring import (
    Comparison,
    Cost,
    Report,
    cpu_of,
    environ,
    in_turns,
    process,
    ratio,
    table,
)
from mailroom_local import LocalAws
from mailroom_local.control.clients import environment

_OURS, _DEPLOY, _HOTSWAP = "mailroom up --watch", "cdk deploy", "cdk deploy --hotswap"
_APP = """
import aws_cdk as cdk
from cdk_mailroom import InboundMail, PythonHandler

app = cdk.App()
inbound = InboundMail(cdk.Stack(app, "Desk"), "Inbound")
inbound.add_rule(
    "Support", recipients=["support@example.com"], handler=PythonHandler("desk", "app:on_mail")
)
app.synth()
"""
_HANDLER = """
from pathlib import Path

def on_mail(mail):
    Path({live!r}).write_text({version!r})
"""
_LETTER = b"Subject: The printer\r\n\r\nIt prints, but only on Tuesdays.\r\n"
_DEADLINE_SECONDS = 120.0
_NOTE = "Edit to live: the peers deploy to a local AWS too; on AWS, the same takes them longer."


def measure(*, quick: bool = False) -> Report:
    """Compare the three ways."""
    with tempfile.TemporaryDirectory() as root, contextlib.ExitStack() as stack:
        watched, deployed = _Desk(Path(root, "watched")), _Desk(Path(root, "deployed"))
        watcher = stack.enter_context(watched.watched())
        aws = stack.enter_context(LocalAws(state=deployed.state))
        aws.verify_identity("example.com")
        aws.deploy(app=_command(), cwd=deployed.folder)
        watched.await_watching()
        costs = in_turns(
            {
                _OURS: functools.partial(
                    watched.edit, LocalAws.attach(state=watched.state), watcher
                ),
                _DEPLOY: functools.partial(deployed.edit, aws, deploy=_cdk(aws, deployed)),
                _HOTSWAP: functools.partial(
                    deployed.edit, aws, deploy=_cdk(aws, deployed, "--hotswap")
                ),
            },
            1 if quick else 3,
            warm=not quick,
        )
    return Report(
        tables=[table("An edit of a handler, from saved to handled", costs, _DEPLOY)],
        comparisons=[
            Comparison(
                subject="Edit to live",
                what="an edit of a handler",
                peer=peer,
                ratio=ratio(costs[_OURS], costs[peer], "wall"),
                by="wall",
            )
            for peer in (_DEPLOY, _HOTSWAP)
        ],
        notes=[_NOTE],
    )


class _Desk:
    """An app in a folder of its own, whose handler says which version of it has run."""

    def __init__(self, folder: Path) -> None:
        # What is written beside the app is not an edit of it.
        self.folder = folder / "app"
        self.state = folder / "state"
        self._version = 0
        self._live = folder / "live"
        self._output = folder / "output"
        (self.folder / "desk").mkdir(parents=True)
        (self.folder / "app.py").write_text(_APP)
        self._save()

    def _save(self) -> str:
        self._version += 1
        code = _HANDLER.format(live=str(self._live), version=str(self._version))
        (self.folder / "desk" / "app.py").write_text(code)
        return str(self._version)

    @contextlib.contextmanager
    def watched(self) -> Iterator[int]:
        """Run `mailroom up --watch`; yield its process."""
        ports = [f"--{name}port=0" for name in ("", "smtp-", "submission-", "page-")]
        command = [sys.executable, "-m", "mailroom_cli", "up", "--watch", "--app", _command()]
        command += ["--state", str(self.state), "--identity", "example.com", *ports]
        with self._output.open("wb") as output:
            running = subprocess.Popen(
                command, cwd=self.folder, env=environ(), stdout=output, stderr=subprocess.STDOUT
            )
        try:
            yield running.pid
        finally:
            # The local AWS ends with the process that started it.
            running.terminate()
            running.wait()

    def await_watching(self) -> None:
        """Wait until edits are watched."""
        _until(lambda: "Edits in" in self._output.read_text(), self._output.read_text)

    def edit(
        self, aws: LocalAws, watcher: int = 0, *, deploy: Callable[[], float] = lambda: 0.0
    ) -> Cost:
        """Save the handler, deploy it, and send mail until the new code has handled one."""
        cpu, wall = self._cpu(aws, watcher), time.perf_counter()
        version = self._save()
        cli = deploy()

        def handled() -> bool:
            sent = aws.send(
                _LETTER, mail_from="jane@customer.example", rcpt_tos=["support@example.com"]
            )
            aws.wait(sent.message_id)
            return self._live.is_file() and self._live.read_text() == version

        _until(handled, lambda: f"version {version} did not run")
        taken = time.perf_counter() - wall
        return Cost(wall=taken, cpu=self._cpu(aws, watcher) - cpu + cli)

    def _cpu(self, aws: LocalAws, watcher: int) -> float:
        # `up` has started its server, unlike what another process runs.
        return cpu_of(watcher) if watcher else cpu_of(aws.server.pid)


def _cdk(aws: LocalAws, desk: _Desk, *options: str) -> Callable[[], float]:
    """Return what deploys with the CDK CLI, and returns the CPU time that it took."""
    found = shutil.which("cdk")
    if found is None:
        raise RuntimeError("there is no cdk on the PATH: run `make bench`")
    command = [found, "deploy", "--all", "--app", _command(), "--require-approval", "never"]
    command += ["--output", str(desk.state.parent / "cdk.out"), "--no-notices", "--ci", *options]
    if not options:
        command += ["--method", "direct"]  # the fastest of it
    server = aws.server
    variables = environment(server.endpoint, region=server.region, account=server.account)
    variables |= {
        "PYTHONPATH": environ()["PYTHONPATH"],
        "CDK_HOME": str(desk.state.parent / "home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
    return lambda: process(command, variables, cwd=desk.folder).cpu


def _command() -> str:
    return f"{sys.executable} app.py"


def _until(done: Callable[[], bool], said: Callable[[], str]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing after {_DEADLINE_SECONDS:.0f} s: {said()[-1000:]}")
        time.sleep(0.02)
