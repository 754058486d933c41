"""How many mails a second the local AWS takes, beside a bare aiosmtpd.

A mail counts as taken once everything that its rule asks for is done: its object is stored, or its
function has ended. Each mail comes over a connection of its own with STARTTLS, as from a mail
server; in a second series, all mails of a round come over one connection.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from benchmarks.measuring import (
    ROOT,
    Comparison,
    Cost,
    Report,
    cpu_of,
    in_turns,
    median,
    ratio,
    table,
)
from mailroom_local import LocalAws

_STORE, _CALL = "cdk-mailroom, stored in S3", "cdk-mailroom, stored, function called"
_DISCARD, _MEMORY = "aiosmtpd, thrown away", "aiosmtpd, kept in memory"
_DISK = "aiosmtpd, its Mailbox on disk"
_BARE = """
import socket, ssl, sys
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

class Discard:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"

class Memory:
    kept = []
    async def handle_DATA(self, server, session, envelope):
        self.kept.append(envelope)
        return "250 OK"

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
trustme.CA().issue_cert("localhost").configure_cert(context)
for handler in (Discard(), Memory(), Mailbox(sys.argv[1])):
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    Controller(handler, hostname="127.0.0.1", port=port, tls_context=context).start()
    print(port, flush=True)
sys.stdin.read()
"""
_HANDLER = "def on_mail(mail):\n    print(mail.message_id)\n"
_DEADLINE_SECONDS = 120.0


def measure(*, quick: bool = False) -> Report:
    """Compare the servers, with a connection for each mail and with one for all."""
    mails, rounds = (10, 2) if quick else (30, 4)
    with (
        tempfile.TemporaryDirectory() as folder,
        _bare(folder) as (bare, ports),
        LocalAws(state=Path(folder) / "state") as aws,
    ):
        account = Account(aws)
        targets = {
            _STORE: functools.partial(account.take, "store"),
            _CALL: functools.partial(account.take, "call"),
            **{
                name: functools.partial(_take, port, bare)
                for name, port in zip((_DISCARD, _MEMORY, _DISK), ports, strict=True)
            },
        }
        found = {
            series: in_turns(
                {
                    name: functools.partial(take, mails, apart=apart)
                    for name, take in targets.items()
                },
                rounds,
            )
            for series, apart in (("a connection each", True), ("one connection", False))
        }
    report = Report(
        tables=[table(f"A mail by SMTP, {name}", costs, _DISK) for name, costs in found.items()]
    )
    report.comparisons = [
        Comparison(
            subject="A mail by SMTP",
            what=f"{'stored' if ours == _STORE else 'stored and called'}, {series}",
            peer=peer,
            ratio=ratio(costs[ours], costs[peer], "wall"),
            by="wall",
            is_floor=peer == _DISCARD,
            why="It evaluates the rules, checks permissions, puts the object into S3, keeps a "
            "journal, and runs the function if one is called.",
        )
        for series, costs in found.items()
        for ours, peer in ((_STORE, _DISCARD), (_STORE, _DISK), (_CALL, _DISK))
    ]
    rates = ", ".join(
        f"{1 / median(costs[name], 'wall'):.0f} ({name}, {series})"
        for series, costs in found.items()
        for name in (_STORE, _CALL, _DISK)
    )
    report.notes.append(f"Mails a second: {rates}.")
    return report


@contextlib.contextmanager
def _bare(folder: str) -> Iterator[tuple[int, list[int]]]:
    """Run the bare servers; yield their process, and the port of each."""
    server = subprocess.Popen(
        [sys.executable, "-c", _BARE, os.path.join(folder, "Maildir")],  # noqa: PTH118 (an argument)
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield server.pid, [int(server.stdout.readline()) for _ in range(3)]
    finally:
        server.kill()
        server.wait()


def _take(port: int, server: int, mails: int, *, apart: bool) -> Cost:
    cpu, wall = cpu_of(server), time.perf_counter()
    deliver(port, "store@example.com", mails, apart=apart)
    taken = time.perf_counter() - wall
    return Cost(wall=taken / mails, cpu=(cpu_of(server) - cpu) / mails)


def deliver(port: int, recipient: str, mails: int, *, apart: bool = False) -> None:
    """Send mails, all over one connection, or each over its own if *apart*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = _letter(recipient)
    for _ in range(mails if apart else 1):
        with smtplib.SMTP("127.0.0.1", port) as client:
            client.starttls(context=context)
            for _ in range(1 if apart else mails):
                client.sendmail("jane@customer.example", [recipient], raw)


def _letter(recipient: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Jane Doe <jane@customer.example>"
    message["To"] = recipient
    message["Subject"] = "The printer on the second floor"
    message["Message-ID"] = "<4711@customer.example>"
    message.set_content("It prints, but only on Tuesdays.\n" * 30)
    message.add_alternative("<p>It prints, but only on Tuesdays.</p>\n" * 30, subtype="html")
    return message.as_bytes().replace(b"\n", b"\r\n")


class Account:
    """A local AWS with one rule that stores, and one whose asynchronous function is called too."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        account = aws.server.account
        s3, ses, functions = (aws.client(name) for name in ("s3", "ses", "lambda"))
        s3.create_bucket(Bucket="mail")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::mail/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        s3.put_bucket_policy(Bucket="mail", Policy=json.dumps(policy))
        function = functions.create_function(
            FunctionName="on-mail",
            Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
            Role=f"arn:aws:iam::{account}:role/any",
            Handler="mailroom.entry.receiving.handler",
            Code={"ZipFile": _packed()},
            Timeout=60,
            MemorySize=512,
            Environment={"Variables": {"MAILROOM_HANDLER": "app:on_mail", "MAILROOM_RULE": "call"}},
        )["FunctionArn"]
        functions.add_permission(
            FunctionName="on-mail",
            StatementId="ses",
            Action="lambda:InvokeFunction",
            Principal="ses.amazonaws.com",
            SourceAccount=account,
        )
        aws.verify_identity("example.com")
        ses.create_receipt_rule_set(RuleSetName="rules")
        store = {"S3Action": {"BucketName": "mail", "ObjectKeyPrefix": "inbound/"}}
        call = {"LambdaAction": {"FunctionArn": function, "InvocationType": "Event"}}
        for name, actions in (("store", [store]), ("call", [store, call])):
            rule = {
                "Name": name,
                "Enabled": True,
                "ScanEnabled": True,
                "Recipients": [f"{name}@example.com"],
                "Actions": actions,
            }
            ses.create_receipt_rule(RuleSetName="rules", Rule=rule)
        ses.set_active_receipt_rule_set(RuleSetName="rules")

    def take(self, rule: str, mails: int, *, apart: bool = False) -> Cost:
        """Send mails to a rule, and wait until all that it asks for is done."""
        before = len(self._aws.messages(handlers=False))
        cpu, wall = cpu_of(self._aws.server.pid), time.perf_counter()
        deliver(self._aws.server.smtp_port, f"{rule}@example.com", mails, apart=apart)
        self._settled(before, mails)
        taken = time.perf_counter() - wall
        return Cost(wall=taken / mails, cpu=(cpu_of(self._aws.server.pid) - cpu) / mails)

    def _settled(self, before: int, mails: int) -> None:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            fresh = self._aws.messages()[before:]
            actions = [action for message in fresh for action in message.actions]
            if len(fresh) == mails and all(message.finished for message in fresh):
                failed = [action for action in actions if action.outcome == "failed"]
                assert not failed, failed[0]
                if not any(action.pending for action in actions):
                    return
            time.sleep(0.01)
        raise TimeoutError(f"{mails} messages were not done in {_DEADLINE_SECONDS:.0f} s")


def _packed() -> bytes:
    buffer = io.BytesIO()
    source = ROOT / "lambda_src"
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*.py")):
            archive.write(path, path.relative_to(source))
        archive.writestr("app.py", _HANDLER)
    return buffer.getvalue()
