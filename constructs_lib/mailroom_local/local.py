"""The Python API behind the ``mailroom`` command; demos and tests use it directly."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from mailroom_local import cdk, clients, credentials, handlers, journal
from mailroom_local.credentials import Credentials
from mailroom_local.errors import MailroomError, NotRunning, SmtpRefused
from mailroom_local.journal import MessageRecord
from mailroom_local.processes import stop_group
from mailroom_local.progress import Progress, Silent
from mailroom_local.server import ENFORCE_PATH, IGNORE_PATH, SENT_PATH, STATUS_PATH
from mailroom_local.state import Server, State
from mailroom_local.workmail import DELIVERIES_PATH, ORGANIZATIONS_PATH

T = TypeVar("T")

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
_SMTP_SECONDS = 60.0
_ANSWER_SECONDS = 5.0
_TAIL_BYTES = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that the server took; ``refused`` holds recipients that it did not."""

    message_id: str
    reply: str
    refused: Mapping[str, tuple[int, str]] = field(default_factory=dict)


class LocalAws:
    """A local AWS on which SES receives mail, and sends it as far as its events.

    Used as a context it is started, and stopped at the end; :meth:`attach` finds one that runs.
    Port 0 means any free one.
    """

    def __init__(
        self,
        *,
        state: Path | str | None = None,
        port: int = 0,
        smtp_port: int = 0,
        submission_port: int = 0,
        region: str = clients.REGION,
        progress: Progress | None = None,
    ) -> None:
        self.state = State(state)
        self._port = port
        self._smtp_port = smtp_port
        self._submission_port = submission_port
        self._region = region
        self._progress = progress or Silent()
        self._process: subprocess.Popen[bytes] | None = None
        self._server: Server | None = None
        self._clients: dict[str, Any] = {}

    @classmethod
    def attach(
        cls, *, state: Path | str | None = None, progress: Progress | None = None
    ) -> LocalAws:
        """The local AWS that runs with this state directory; :class:`NotRunning` if none does."""
        found = cls(state=state, progress=progress)
        server = found.state.server()
        if server is None or not _answers(server):
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
    def server(self) -> Server:
        """Where the gateway and the SMTP server listen."""
        if self._server is None:
            raise NotRunning(
                "this local AWS has not been started",
                remedy="use it as a context manager, or call start() or attach()",
            )
        return self._server

    @property
    def submission_port(self) -> int:
        """Where mail is submitted by SMTP: STARTTLS first, then :attr:`credentials`."""
        return self.server.submission_port

    @property
    def credentials(self) -> Credentials:
        """A user and password for submission that need no IAM user.

        SES SMTP credentials work too, when their access key exists in the local IAM.
        """
        return credentials.LOCAL

    @property
    def running(self) -> bool:
        """Whether the server process is still there."""
        if self._process is not None:
            return self._process.poll() is None
        return self._server is not None and _answers(self._server)

    def start(self, *, detached: bool = False) -> None:
        """Start the server. Unless ``detached``, it ends with this process, even a killed one."""
        with contextlib.suppress(NotRunning):
            other = LocalAws.attach(state=self.state.root).server
            raise MailroomError(
                f"a local AWS already runs with {self.state.root} (process {other.pid})",
                remedy="stop it with `mailroom down`, or name another directory with --state",
            )
        # Everything that the server knew is gone with it, so nothing of its traces holds any more.
        self.state.remove()
        self.state.create()
        with self._progress.step("Starting the local AWS"):
            self._launch(detached=detached)

    def stop(self) -> None:
        """End the server and all that it started; the state directory stays for reading."""
        server, self._server = self._server, None
        self._clients.clear()
        if self._process is not None:
            stop_group(self._process)
            self._process = None
        elif server is not None:
            _stop(server)
        self.state.retract()

    def deploy(
        self,
        *,
        app: str | None = None,
        cwd: Path | str | None = None,
        context: Mapping[str, str] | None = None,
    ) -> None:
        """Deploy every stack of a CDK app with the CDK CLI.

        ``app`` is the command that synthesizes, run in ``cwd``; when it is not given, the
        ``cdk.json`` there says it. :class:`DeployFailed` carries the end of what the CLI said.
        """
        folder = Path(cwd or ".").absolute()
        cdk.Cdk(state=self.state, server=self.server).deploy(
            app=app, cwd=folder, progress=self._progress, context=context
        )

    def destroy(self) -> None:
        """Delete every stack of the app that was deployed last."""
        made = cdk.Cdk(state=self.state, server=self.server)
        made.destroy(progress=self._progress, cwd=self.state.root)

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS."""
        if service not in self._clients:
            session = clients.session(region=self.server.region)
            self._clients[service] = clients.client(session, service, self.server.endpoint)
        return self._clients[service]

    def verify_identity(self, identity: str) -> None:
        """Make an address or a domain a verified identity, as its owner does on AWS."""
        ses = self.client("ses")
        if "@" in identity:
            ses.verify_email_identity(EmailAddress=identity)
        else:
            ses.verify_domain_identity(Domain=identity)

    @contextlib.contextmanager
    def permissions_enforced(self) -> Iterator[None]:
        """While the context is open, a function may do only what its execution role allows.

        Otherwise the local AWS allows everything, as it must while the CDK CLI deploys: the roles
        that this assumes ask for permissions that the emulator does not know.
        """
        _get(self.server, ENFORCE_PATH)
        try:
            yield
        finally:
            _get(self.server, IGNORE_PATH)

    def send(
        self,
        message: EmailMessage | bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        tls: bool = True,
        client_address: str | None = None,
    ) -> Sent:
        """Send a message over SMTP, by STARTTLS unless told otherwise.

        ``client_address`` is where it pretends to come from, for IP filters. When no recipient is
        accepted, or the message is not, :class:`SmtpRefused` carries the answer.
        """
        raw = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
        raw = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
        # Closed rather than left by smtplib's own context, whose QUIT would fail in the middle of a
        # command, and hide that somebody pressed Ctrl-C.
        smtp = smtplib.SMTP("127.0.0.1", self.server.smtp_port, timeout=_SMTP_SECONDS)
        with contextlib.closing(smtp):
            smtp.ehlo()
            if tls:
                certificate = self.state.temporary / "smtp.pem"
                smtp.starttls(context=ssl.create_default_context(cafile=certificate))
                smtp.ehlo()
            if client_address is not None:
                _expect(smtp.docmd("XCLIENT", f"ADDR={client_address}"))
            return _transfer(smtp, raw, mail_from=mail_from, rcpt_tos=rcpt_tos)

    def messages(self, *, handlers: bool = True) -> list[MessageRecord]:
        """Every message, oldest first; with ``handlers``, also what functions said of it."""
        found = journal.read(self.state.journal)
        if handlers and self._server is not None:
            _join(found, self)
        return found

    def message(self, message_id: str, *, handlers: bool = True) -> MessageRecord:
        """One message, by its id or an unambiguous beginning of it."""
        found = [
            message
            for message in journal.read(self.state.journal)
            if (message.message_id or "").startswith(message_id)
        ]
        if len(found) != 1:
            raise MailroomError(
                f"{len(found)} messages have an id that begins with {message_id!r}",
                remedy="`mailroom log` lists the messages and their ids",
            )
        if handlers and self._server is not None:
            _join(found, self)
        return found[0]

    def wait(
        self, message_id: str, *, seconds: float = 30.0, handlers: bool = True
    ) -> MessageRecord:
        """The message, once all its actions have run.

        With ``handlers``, also once every asynchronous function has reported on it. A function
        that never does, because it does not use the ``mailroom`` runtime, costs the whole time.
        """
        return self.wait_until(
            lambda: self.message(message_id, handlers=handlers),
            lambda message: (
                message.finished
                and not (handlers and any(action.pending for action in message.actions))
            ),
            seconds=seconds,
        )

    def wait_until(self, read: Callable[[], T], good: Callable[[T], bool], *, seconds: float) -> T:
        """Read again and again until the value is good or the time is over; then the last one."""
        deadline = time.monotonic() + seconds
        while not good(value := read()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return value

    def sent(self) -> list[dict[str, Any]]:
        """What the account has sent through SES, oldest first.

        ``To``, ``Subject`` and so on are as they were given; ``Raw`` holds the bytes that a
        recipient gets, ``DeliveredTo`` the recipients that do.
        """
        answer: list[dict[str, Any]] = _get(self.server, SENT_PATH)
        for message in answer:
            if "Raw" in message:
                message["Raw"] = base64.b64decode(message["Raw"])
        return answer

    def events(self) -> list[dict[str, Any]]:
        """Every sending event as SES publishes it, oldest first.

        A message without a configuration set has none. Whether a destination took an event is in
        :meth:`messages`.
        """
        return journal.published(self.state.journal)

    def workmail_organization(
        self,
        organization_id: str,
        *,
        domains: Sequence[str],
        users: Sequence[str],
        answer_seconds: float = 15.0,
        seconds_per_minute: float = 1.0,
    ) -> None:
        """Make a WorkMail organization; its domains become verified identities, as on AWS.

        Mail for its domains then passes its inbound rules, without receipt rules, and mail that its
        users submit passes its outbound rules. ``seconds_per_minute`` is how long a minute of a
        rule's timeout lasts here, ``answer_seconds`` how long a function has for one answer.
        """
        made = {
            "OrganizationId": organization_id,
            "Domains": list(domains),
            "Users": list(users),
            "AnswerSeconds": answer_seconds,
            "SecondsPerMinute": seconds_per_minute,
        }
        self._workmail(made, path=ORGANIZATIONS_PATH)
        for domain in domains:
            self.verify_identity(domain)

    def workmail_rule(
        self, organization_id: str, rule: Mapping[str, Any], *, direction: str
    ) -> None:
        """Create a flow rule, or give the one of that name this content.

        ``direction`` is ``Inbound`` or ``Outbound``.
        """
        body = {"OrganizationId": organization_id, "Rule": dict(rule)}
        listed = self.workmail_rules(organization_id, direction=direction)
        verb = "Update" if rule.get("Name") in listed else "Create"
        self._workmail(body, target=f"{verb}{direction}MailFlowRule")

    def workmail_rules(self, organization_id: str, *, direction: str) -> list[str]:
        """The names of an organization's rules."""
        answer = self._workmail(
            {"OrganizationId": organization_id}, target=f"List{direction}MailFlowRules"
        )
        return [one["RuleName"] for one in answer[f"{direction}MailFlowRuleSummaries"]]

    def workmail_rules_from_stack(
        self, stack_name: str, *, organization_id: str | None = None
    ) -> list[str]:
        """Create the rules that a stack's outputs describe, as a person does at the console.

        The organization is the one that may invoke the function, unless it is named.
        """
        stack = self.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
        created = []
        for output in stack.get("Outputs", []):
            rule = _flow_rule(output["OutputValue"])
            if rule is None:
                continue
            kind, action = next(iter(rule["Action"].items()))
            name = organization_id or self._organization_of(action["Arn"])
            self.workmail_rule(name, rule, direction=kind.removesuffix("LambdaAction"))
            created.append(str(rule["Name"]))
        return created

    def mailbox(self, address: str) -> list[dict[str, Any]]:
        """What was delivered to a WorkMail user, oldest first.

        ``Folder`` is ``inbox`` or ``junk``, ``Raw`` the message, ``Bcc`` whether a rule's answer
        added the user.
        """
        delivered = _get(self.server, DELIVERIES_PATH)["Delivered"]
        found = [one for one in delivered if one["Address"] == address.casefold()]
        return [{**one, "Raw": base64.b64decode(one["Raw"])} for one in found]

    def workmail_bounces(self) -> list[dict[str, Any]]:
        """What WorkMail bounced, oldest first: ``To``, ``Recipient``, ``Message``, ``Rule``."""
        bounced: list[dict[str, Any]] = _get(self.server, DELIVERIES_PATH)["Bounced"]
        return bounced

    def _organization_of(self, function: str) -> str:
        policy = json.loads(self.client("lambda").get_policy(FunctionName=function)["Policy"])
        found = set(re.findall(r":organization/(m-[0-9a-f]{32})", json.dumps(policy)))
        if len(found) != 1:
            raise MailroomError(
                f"{len(found)} WorkMail organizations may invoke {function}",
                remedy="say which one is meant with organization_id",
            )
        return str(found.pop())

    def _workmail(self, body: Mapping[str, Any], *, path: str = "/", target: str = "") -> Any:
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        if target:
            headers["X-Amz-Target"] = f"WorkMailService.{target}"
        request = urllib.request.Request(  # noqa: S310  # our own server
            self.server.endpoint + path, data=json.dumps(body).encode(), headers=headers
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_ANSWER_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            told = json.load(error)
            raise MailroomError(
                f"{told['__type']}: {told['message']}", remedy="correct the rule or organization"
            ) from None

    def _launch(self, *, detached: bool) -> None:
        command = [
            *(sys.executable, "-m", "mailroom_local.server"),
            *("--state", str(self.state.root)),
            *("--port", str(self._port)),
            *("--smtp-port", str(self._smtp_port)),
            *("--submission-port", str(self._submission_port)),
            *("--region", self._region),
            *(() if detached else ("--parent", str(os.getpid()))),
        ]
        env = {
            **clients.environment("", region=self._region),
            "TMPDIR": str(self.state.temporary),
        }
        with self.state.server_log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  # our own module and options
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = process
        try:
            self._await_start(process)
        except BaseException:
            self.stop()
            raise
        if detached:
            self._process = None

    def _await_start(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            server = self.state.server()
            if server is not None and _answers(server):
                self._server = server
                return
            time.sleep(_POLL_SECONDS)
        tail = self.state.server_log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")
        raise MailroomError(
            f"the local AWS did not start:\n{tail.rstrip()}",
            remedy="choose other ports with --port, --smtp-port or --submission-port if one is "
            "taken; "
            f"the whole log is {self.state.server_log}",
        )


def _flow_rule(text: str) -> dict[str, Any] | None:
    try:
        rule = json.loads(text)
    except ValueError:
        return None
    good = isinstance(rule, dict) and {"Name", "Condition", "Action"} <= rule.keys()
    return rule if good else None


def _join(messages: list[MessageRecord], aws: LocalAws) -> None:
    handlers.join(messages, functions=aws.client("lambda"), logs=aws.client("logs"))


def _transfer(smtp: smtplib.SMTP, raw: bytes, *, mail_from: str, rcpt_tos: Sequence[str]) -> Sent:
    _expect(smtp.mail(mail_from, [f"SIZE={len(raw)}"]))
    answers = {recipient: _answer(smtp.rcpt(recipient)) for recipient in rcpt_tos}
    refused = {name: answer for name, answer in answers.items() if answer[0] >= 400}
    if len(refused) == len(answers):
        code, reply = next(iter(refused.values()), (554, "no recipients were given"))
        raise SmtpRefused(code=code, reply=reply, recipients=refused)
    code, reply = _expect(smtp.data(raw))
    return Sent(message_id=reply.rpartition(" ")[2], reply=f"{code} {reply}", refused=refused)


def _expect(answer: tuple[int, bytes]) -> tuple[int, str]:
    code, reply = _answer(answer)
    if code >= 400:
        raise SmtpRefused(code=code, reply=reply)
    return code, reply


def _answer(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], answer[1].decode("utf-8", "replace")


def _get(server: Server, path: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(server.endpoint + path, timeout=_ANSWER_SECONDS) as answer:
        return json.load(answer)


def _answers(server: Server) -> bool:
    try:
        return bool(_get(server, STATUS_PATH).get("pid") == server.pid)
    except (OSError, ValueError, urllib.error.URLError):
        return False


def _stop(server: Server) -> None:
    """End a server that another process started, once it has proved to be ours by its answer."""
    if not _answers(server):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            # When this process started it, it stays a zombie until somebody asks for its status.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(server.pid, os.WNOHANG)
            os.kill(server.pid, 0)
            time.sleep(_POLL_SECONDS)
        os.killpg(server.pid, signal.SIGKILL)
