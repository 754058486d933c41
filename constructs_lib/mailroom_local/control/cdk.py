"""Runs the ordinary CDK CLI against the local AWS."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from mailroom_local.control import clients
from mailroom_local.control.errors import DeployFailed, MailroomError
from mailroom_local.control.processes import Child
from mailroom_local.control.progress import Progress, Report
from mailroom_local.control.state import Server, State

_STEP_SECONDS = 600.0
# Ask nothing, print no notices, need no network.
_QUIET = ("--no-notices", "--no-color", "--ci")


def find_cdk() -> str:
    """Find the CDK CLI.

    Returns:
        The path of the `cdk` next to this Python, or else of the one on the PATH.

    Raises:
        MailroomError: If there is none.
    """
    folder = Path(sys.executable).parent
    found = shutil.which("cdk", path=str(folder)) or shutil.which("cdk")
    if found is None:
        raise MailroomError(
            "the CDK CLI was not found: `cdk` is neither next to this Python nor on the PATH",
            remedy="install it: npm install --global aws-cdk@2.1148.1",
        )
    return found


class Cdk:
    """The CLI with a local AWS as its account; its files stay in the state directory."""

    def __init__(self, *, state: State, server: Server) -> None:
        self._state = state
        self._cdk = find_cdk()
        folder = Path(sys.executable).parent
        self._env = {
            **clients.environment(server.endpoint, region=server.region),
            # So that `python app.py` runs this Python, and the CLI the Node installed with it.
            "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "CDK_HOME": str(state.cdk_home),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
            "CDK_DEFAULT_ACCOUNT": server.account,
            "CDK_DEFAULT_REGION": server.region,
        }
        self._environment = f"aws://{server.account}/{server.region}"

    def deploy(
        self,
        *,
        app: str | None,
        cwd: Path,
        progress: Progress,
        context: Mapping[str, str] | None = None,
    ) -> None:
        """Synthesize and deploy every stack of an app; bootstrap first, once per server."""
        with self._bootstrap() as bootstrap:
            if app and (cwd / app / "manifest.json").is_file():
                shutil.copytree(cwd / app, self._state.cdk_out, dirs_exist_ok=True)
            else:
                self._synthesize(app, cwd=cwd, progress=progress, context=context or {})
            if bootstrap is not None:
                with progress.step("Bootstrapping the local account"):
                    self._finish(bootstrap, "cdk bootstrap", "mailroom down, then try again")
                self._state.bootstrapped.touch(mode=0o600)
        self._deploy("--app", str(self._state.cdk_out), cwd=cwd, progress=progress)

    def deploy_again(
        self,
        *,
        app: str | None,
        cwd: Path,
        progress: Progress,
        context: Mapping[str, str] | None = None,
    ) -> None:
        """Synthesize and deploy an app that was deployed before, in one run of the CLI."""
        self._deploy(
            *("--output", str(self._state.cdk_out)),
            *(("--app", app) if app else ()),
            *_given(context or {}),
            cwd=cwd,
            progress=progress,
        )

    def _deploy(self, *arguments: str, cwd: Path, progress: Progress) -> None:
        with (
            progress.step("Deploying") as report,
            self._start(
                "deploy",
                "--all",
                *arguments,
                *("--require-approval", "never"),
                # Nobody reviews a change set here; it would only take seconds for each stack.
                *("--method", "direct"),
                *("--progress", "events"),
                cwd=cwd,
                report=report,
            ) as child,
        ):
            self._finish(child, "cdk deploy", f"see {self._state.deploy_log}")

    def _synthesize(
        self, app: str | None, *, cwd: Path, progress: Progress, context: Mapping[str, str]
    ) -> None:
        command = ["synth", "--quiet", "--output", str(self._state.cdk_out), *_given(context)]
        with (
            progress.step("Synthesizing the app") as report,
            self._start(
                *command, *(("--app", app) if app else ()), cwd=cwd, report=report
            ) as child,
        ):
            self._finish(child, "cdk synth", f"cd {cwd} && cdk synth")

    def destroy(self, *, progress: Progress, cwd: Path) -> None:
        """Delete every stack of the app that was deployed last."""
        with (
            progress.step("Destroying") as report,
            self._start(
                "destroy",
                "--all",
                "--force",
                "--app",
                str(self._state.cdk_out),
                cwd=cwd,
                report=report,
            ) as child,
        ):
            self._finish(child, "cdk destroy", f"see {self._state.deploy_log}")

    def _bootstrap(self) -> AbstractContextManager[Child | None]:
        if self._state.bootstrapped.exists():
            return nullcontext()
        # Not in the app's folder, whose cdk.json would make the CLI synthesize once more.
        return self._start("bootstrap", self._environment, cwd=self._state.root)

    def _start(self, *arguments: str, cwd: Path, report: Report = lambda line: None) -> Child:
        command = [self._cdk, *arguments, *_QUIET]
        return Child(command, cwd=cwd, env=self._env, log=self._state.deploy_log, on_line=report)

    def _finish(self, child: Child, name: str, remedy: str) -> None:
        status = child.wait(seconds=_STEP_SECONDS)
        if status == 0:
            return
        what = f"did not finish within {_STEP_SECONDS:.0f} s" if status is None else "failed"
        raise DeployFailed(f"{name} {what}", remedy=remedy, output="\n".join(child.tail))


def _given(context: Mapping[str, str]) -> list[str]:
    return [part for name, value in context.items() for part in ("-c", f"{name}={value}")]
