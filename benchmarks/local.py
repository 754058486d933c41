"""Compares how fast the local AWS takes mail with a bare aiosmtpd that throws it away.

``make bench`` prints it; ``--json`` is for programs. A mail counts as taken once everything that
its rule asks for is done: its object is stored, or its function has ended. The servers take turns,
so that a busy machine slows all alike, and the median of the ratios is what counts. Each mail comes
over a connection of its own with STARTTLS, as from a mail server; in a second series all mails of
a round come over one connection, where nothing hides what a mail costs.
"""

from __future__ import annotations

import argparse
import io
import json
import smtplib
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from mailroom_local import LocalAws

ROOT = Path(__file__).resolve().parent.parent
BARE = """
import socket, ssl, sys
import trustme
from aiosmtpd.controller import Controller

class Discard:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
trustme.CA().issue_cert("localhost").configure_cert(context)
with socket.socket() as chosen:
    chosen.bind(("127.0.0.1", 0))
    port = chosen.getsockname()[1]
controller = Controller(Discard(), hostname="127.0.0.1", port=port, tls_context=context)
controller.start()
print(port, flush=True)
sys.stdin.read()
"""
HANDLER = "def on_mail(mail):\n    print(mail.message_id)\n"
DEADLINE_SECONDS = 120.0


def letter(recipient: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Jane Doe <jane@customer.example>"
    message["To"] = recipient
    message["Subject"] = "The printer on the second floor"
    message["Message-ID"] = "<4711@customer.example>"
    message.set_content("It prints, but only on Tuesdays.\n" * 30)
    message.add_alternative("<p>It prints, but only on Tuesdays.</p>\n" * 30, subtype="html")
    return message.as_bytes().replace(b"\n", b"\r\n")


def deliver(port: int, context: ssl.SSLContext, recipient: str, count: int) -> None:
    raw = letter(recipient)
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.starttls(context=context)
        for _ in range(count):
            client.sendmail("jane@customer.example", [recipient], raw)


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
            Code={"ZipFile": packed()},
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

    def settled(self, before: int, count: int) -> None:
        """Wait until *count* messages after the first *before* ones are done."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            fresh = self._aws.messages(handlers=False)[before:]
            if len(fresh) == count and all(message.finished for message in fresh):
                called = any(action.kind == "Lambda" for action in fresh[-1].actions)
                if not called or not any(
                    action.pending
                    for message in self._aws.messages()[before:]
                    for action in message.actions
                ):
                    failed = [a for m in fresh for a in m.actions if a.outcome == "failed"]
                    assert not failed, failed[0]
                    return
            time.sleep(0.01)
        raise TimeoutError(f"{count} messages were not done in {DEADLINE_SECONDS:.0f} s")


def packed() -> bytes:
    buffer = io.BytesIO()
    source = ROOT / "lambda_src"
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*.py")):
            archive.write(path, path.relative_to(source))
        archive.writestr("app.py", HANDLER)
    return buffer.getvalue()


def rates(rounds: int, mails: int) -> dict[str, dict[str, list[float]]]:
    """The mails a second of each target in each round, by series."""
    with tempfile.TemporaryDirectory() as folder, LocalAws(state=Path(folder) / "state") as aws:
        account = Account(aws)
        bare = subprocess.Popen(
            [sys.executable, "-c", BARE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert bare.stdout is not None
            bare_port = int(bare.stdout.readline())
            return measured(aws, account, bare_port, rounds=rounds, mails=mails)
        finally:
            bare.kill()
            bare.wait()


def measured(
    aws: LocalAws, account: Account, bare_port: int, *, rounds: int, mails: int
) -> dict[str, dict[str, list[float]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def apart(port: int, recipient: str) -> None:
        for _ in range(mails):
            deliver(port, context, recipient, 1)

    def together(port: int, recipient: str) -> None:
        deliver(port, context, recipient, mails)

    series: dict[str, Callable[[int, str], None]] = {
        "a connection each": apart,
        "one connection": together,
    }
    found: dict[str, dict[str, list[float]]] = {
        name: {"bare": [], "store": [], "call": []} for name in series
    }
    for number in range(rounds + 1):
        for name, send in series.items():
            for target in ("bare", "store", "call"):
                before = len(aws.messages(handlers=False))
                started = time.perf_counter()
                if target == "bare":
                    send(bare_port, "store@example.com")
                else:
                    send(aws.server.smtp_port, f"{target}@example.com")
                    account.settled(before, mails)
                rate = mails / (time.perf_counter() - started)
                if number:  # the first round starts processes and fills caches
                    found[name][target].append(rate)
    return found


def report(found: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for name, targets in found.items():
        for target, measurements in targets.items():
            ratios = [one / bare for one, bare in zip(measurements, targets["bare"], strict=True)]
            table[f"{name}, {target}"] = {
                "mails a second": round(statistics.median(measurements), 1),
                "of bare aiosmtpd": round(statistics.median(ratios), 3),
                "worst": round(min(ratios), 3),
                "best": round(max(ratios), 3),
            }
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=30)
    options = parser.parse_args()
    table = report(rates(options.rounds, options.mails))
    if options.json:
        print(json.dumps(table, indent=2))
        return
    print("Mails taken, compared with a bare aiosmtpd that throws them away (median, worst, best):")
    for name, row in table.items():
        print(
            f"  {name:<26}{row['mails a second']:>8.1f}/s  {row['of bare aiosmtpd']:>6.3f}"
            f"  {row['worst']:>6.3f}  {row['best']:>6.3f}"
        )


if __name__ == "__main__":
    main()
