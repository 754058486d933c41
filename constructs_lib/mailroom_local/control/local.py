"""Starts and stops a local AWS, deploys apps to it and sends it mail."""

from __future__ import annotations

import contextlib
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.message import EmailMessage
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mailroom_local.control import (
    bootstrap,
    clients,
    compiled,
    deployments,
    emulator,
    gateways,
    killed,
    requests,
    server_process,
    smtp,
)
from mailroom_local.control.cdk import Cdk
from mailroom_local.control.credentials import LOCAL, Credentials
from mailroom_local.control.emulator import Interpreter
from mailroom_local.control.environments import Environment, keep, kept
from mailroom_local.control.errors import MailroomError, NotRunning
from mailroom_local.control.gateways import IngressPoint
from mailroom_local.control.processes import interrupted_afterwards, stop_group
from mailroom_local.control.progress import Progress, Silent
from mailroom_local.control.smtp import Sent
from mailroom_local.control.state import State

# WorkMail's methods are there if its module is.
if TYPE_CHECKING or find_spec("mailroom_local.control.workmail"):
    from mailroom_local.control.workmail import WorkMailAccount as _Account
else:
    from mailroom_local.control.account import Account as _Account


class LocalAws(_Account):
    """A local AWS on which SES receives mail, and sends it as far as its events.

    As a context manager it starts, and stops at the end; :meth:`attach` finds one that runs.

    Args:
        state: The state directory; by default `$MAILROOM_STATE`, or `.mailroom` in the current
            folder.
        port: The port of the gateway; 0 takes any free one.
        smtp_port: The port at which mail is received; 0 takes any free one.
        submission_port: The port at which mail is submitted; 0 takes any free one.
        page_port: The port of the page that shows the account's mail; 0 takes any free one.
        region: The region of stacks that are not pinned to one.
        progress: Shows the steps of starting and deploying; by default nothing is shown.
    """

    def __init__(
        self,
        *,
        state: Path | str | None = None,
        port: int = 0,
        smtp_port: int = 0,
        submission_port: int = 0,
        page_port: int = 0,
        region: str = clients.REGION,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(State(state))
        self._port = port
        self._smtp_port = smtp_port
        self._submission_port = submission_port
        self._page_port = page_port
        self._region = region
        self._progress = progress or Silent()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def attach(
        cls, *, state: Path | str | None = None, progress: Progress | None = None
    ) -> LocalAws:
        """Return the local AWS that runs with a state directory.

        Args:
            state: The state directory; by default `$MAILROOM_STATE`, or `.mailroom` in the current
                folder.
            progress: Shows the steps of deploying; by default nothing is shown.

        Returns:
            The running local AWS.

        Raises:
            NotRunning: If none runs there.
        """
        found = cls(state=state, progress=progress)
        server = found.state.server()
        if server is None or not requests.answers(server):
            raise NotRunning(
                f"no local AWS runs with the state directory {found.state.root}",
                remedy="start one with `mailroom up`, or name another directory with --state",
            )
        found._server = server
        return found

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def submission_port(self) -> int:
        """The port at which mail is submitted: STARTTLS first, then :attr:`credentials`."""
        return self.server.submission_port

    @property
    def credentials(self) -> Credentials:
        """A user name and a password for submission that need no IAM user.

        SES SMTP credentials work too, if their access key exists in the local IAM.
        """
        return LOCAL

    @property
    def environments(self) -> Sequence[Environment]:
        """The accounts and regions of the last deployment, in the order of its stacks."""
        return tuple(kept(self._deployed_to)) or (self.environment,)

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        if self._process is not None:
            return self._process.poll() is None
        return self._server is not None and requests.answers(self._server)

    def start(self, *, detached: bool = False) -> None:
        """Start the server, with an empty account.

        If the last server was killed, and messages that it had accepted may not have been handled,
        all of its messages are kept beside the state directory, in one with the suffix `-killed`,
        and a `UserWarning` says so.

        Args:
            detached: Whether the server outlives this process. By default it ends with it, even if
                this process is killed.

        Raises:
            MailroomError: If a local AWS runs with the state directory, the emulator cannot be
                installed, a port is in use, or the server does not start.
        """
        with contextlib.suppress(NotRunning):
            other = LocalAws.attach(state=self.state.root).server
            raise MailroomError(
                f"a local AWS already runs with {self.state.root} (process {other.pid})",
                remedy="stop it with `mailroom down`, or name another directory with --state",
            )
        killed.keep(self.state)
        # Everything else that the last server knew is gone with it, so its traces are of no use.
        self.state.remove()
        self.state.create()
        interpreter = emulator.interpreter(self.state, self._progress)
        with self._progress.step("Starting the local AWS"):
            self._start(interpreter, detached=detached)

    def stop(self) -> None:
        """End the server and everything that it started; the state directory stays."""
        server, self._server = self._server, None
        self._clients.clear()
        ended = 0
        if self._process is not None:
            stop_group(self._process)
            ended, self._process = self._process.returncode, None
        elif server is not None:
            server_process.stop(server)
        # One that was killed leaves where it listened, which tells the next start.
        if ended == 0 and server is not None:
            self.state.retract(server.pid)

    def deploy(
        self,
        *,
        app: str | None = None,
        cwd: Path | str | None = None,
        context: Mapping[str, str] | None = None,
        stacks: Sequence[str] = (),
        region: str | None = None,
    ) -> None:
        """Deploy a CDK app with the CDK CLI, to the accounts and regions of its stacks.

        Identities that were verified before are verified in each of them, too. What the `mailroom`
        constructs install from requirements is for this machine. A function with other compiled
        modules that cannot be imported here is deployed, and a `UserWarning` names it.

        Args:
            app: The command that synthesizes, or the folder of a cloud assembly that
                `app.synth()` has written; by default the `app` of the `cdk.json` in `cwd`.
            cwd: The folder in which it runs; by default the current one.
            context: Context values for the app; a cloud assembly has its own.
            stacks: The names of the stacks, as for `cdk deploy`; by default all.
            region: The region of stacks that are not pinned to one; by default that of
                :attr:`environment`.

        Raises:
            DeployFailed: If the CDK CLI fails; `output` is the end of what it printed.
            MailroomError: If there is no CDK CLI.
        """
        cdk = self._cdk(Path(cwd or ".").absolute(), region=region)
        with deployments.recorded(self.state.journal, "the app"):
            environments = cdk.prepare(app=app, context=context or {})
            self._use(environments)
            for place in environments:
                where = {"account": place.account, "region": place.region}
                bootstrap.create(self.client("cloudformation", **where))
            cdk.deploy(environments, stacks=stacks)
        for line in compiled.found(self.state.cdk_out, self.server.python):
            warnings.warn(line, stacklevel=2)

    def deploy_again(
        self,
        *,
        app: str | None = None,
        cwd: Path | str | None = None,
        context: Mapping[str, str] | None = None,
        stacks: Sequence[str] = (),
    ) -> None:
        """Deploy an app that was deployed before, with one start of the CDK CLI instead of two.

        Args:
            app: The command that synthesizes; by default the `app` of the `cdk.json` in `cwd`.
            cwd: The folder in which it runs; by default the current one.
            context: Context values for the app.
            stacks: The names of the stacks to deploy; by default all.

        Raises:
            DeployFailed: If the CDK CLI fails; `output` is the end of what it printed.
            MailroomError: If there is no CDK CLI.
        """
        folder = Path(cwd or ".").absolute()
        with deployments.recorded(self.state.journal, "the app"):
            self._cdk(folder).deploy_again(app=app, context=context or {}, stacks=stacks)

    def destroy(self) -> None:
        """Delete every stack of the app that was deployed last.

        Raises:
            DeployFailed: If the CDK CLI fails; `output` is the end of what it printed.
        """
        self._cdk(self.state.root).destroy()

    @property
    def _deployed_to(self) -> Path:
        return self.state.root / "environments.json"

    def _cdk(self, cwd: Path, *, region: str | None = None) -> Cdk:
        home = self.environment
        return Cdk(
            state=self.state,
            server=self.server,
            cwd=cwd,
            progress=self._progress,
            default=Environment(account=home.account, region=region or home.region),
        )

    def _use(self, environments: Sequence[Environment]) -> None:
        """Verify identities in these environments, and make one the one that clients use."""
        keep(self._deployed_to, environments)
        before = self.environment
        for place in environments:
            for identity in self._verified if place != before else ():
                self.verify_identity(identity, account=place.account, region=place.region)
        if before in environments:
            return
        # Nothing is deployed there, so nothing should be sent from there.
        for identity in self._verified:
            self.client("ses").delete_identity(Identity=identity)
        home = environments[0]
        self._server = replace(self.server, account=home.account, region=home.region)
        self.state.announce(self._server)

    def send(
        self,
        message: EmailMessage | bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        tls: bool = True,
        client_address: str | None = None,
        gateway: str | None = None,
        credentials: Credentials | None = None,
        client_certificate: Path | str | None = None,
    ) -> Sent:
        """Send a message from outside to the account, over SMTP.

        Receipt rules take it, or with `gateway` an ingress point of SES Mail Manager.

        Args:
            message: The message.
            mail_from: The envelope sender; empty for a notification.
            rcpt_tos: The envelope recipients.
            tls: Whether to use STARTTLS.
            client_address: The IP address to come from, for IP filters; by default 127.0.0.1.
            gateway: The name or the id of an ingress point, or a part of the name that no other one
                has. Results in the message's header
                `X-Mailroom-Addon` count when its traffic policy decides, too.
            credentials: The user name and password for an ingress point that asks for them; by
                default its id, and the current password of its secret.
            client_certificate: A file in PEM with a certificate and its key, for an ingress point
                with mutual TLS.

        Returns:
            The id and reply, and the recipients that were refused.

        Raises:
            SmtpRefused: If every recipient, or the message, is refused.
            MailroomError: If there is no such ingress point, or `credentials` or
                `client_certificate` is given without one.
        """
        certificate = self._certificate if tls else None
        envelope: dict[str, Any] = {"mail_from": mail_from, "rcpt_tos": rcpt_tos}
        if gateway is None:
            for name, given in (
                ("credentials", credentials),
                ("client_certificate", client_certificate),
            ):
                if given is not None:
                    raise MailroomError(
                        f"{name} has no effect: receipt rules ask for none",
                        remedy=f"pass gateway, or omit {name}",
                    )
            return smtp.deliver(
                message,
                port=self.server.smtp_port,
                certificate=certificate,
                client_address=client_address,
                **envelope,
            )
        point = gateways.chosen(self.ingress_points(), gateway)
        if credentials is None and point.kind == "AUTH" and tls:
            credentials = gateways.credentials_of(point, self.client)
        return smtp.deliver(
            message,
            port=point.port,
            certificate=certificate,
            client_address=client_address,
            credentials=credentials,
            client_certificate=Path(client_certificate) if client_certificate else None,
            addons=smtp.rehearsed_addons(message),
            **envelope,
        )

    def ingress_points(self) -> list[IngressPoint]:
        """Return the ingress points of SES Mail Manager, in every account and region.

        Returns:
            The ingress points, each with the host and port at which it takes mail.
        """
        return gateways.listed(self.server)

    def submit(
        self,
        message: EmailMessage | bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        credentials: Credentials = LOCAL,
    ) -> Sent:
        """Send a message from the account, by SMTP submission.

        Args:
            message: The message.
            mail_from: The envelope sender, in a verified identity.
            rcpt_tos: The envelope recipients.
            credentials: The user name and password; by default :attr:`credentials`.

        Returns:
            The id and reply.

        Raises:
            SmtpRefused: If the credentials or the message are refused.
        """
        return smtp.deliver(
            message,
            port=self.server.submission_port,
            certificate=self._certificate,
            mail_from=mail_from,
            rcpt_tos=rcpt_tos,
            credentials=credentials,
        )

    @property
    def _certificate(self) -> Path:
        return self.state.certificate

    def _start(self, interpreter: Interpreter, *, detached: bool) -> None:
        try:
            with interrupted_afterwards():
                self._process = server_process.launch(
                    self.state,
                    interpreter,
                    port=self._port,
                    smtp_port=self._smtp_port,
                    submission_port=self._submission_port,
                    page_port=self._page_port,
                    region=self._region,
                    detached=detached,
                )
            self._server = server_process.await_start(self._process, self.state)
        except BaseException:
            self.stop()
            raise
        if detached:
            self._process = None
