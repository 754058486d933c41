"""Start the local AWS, deploy a CDK app to it, and serve SMTP until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from mailroom_local import render
from mailroom_local.cdk import find
from mailroom_local.errors import MailroomError, NotRunning
from mailroom_local.local import LocalAws
from mailroom_local.progress import Terminal
from mailroom_local.terminal import coloured, say

_WATCH_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--app",
        metavar="COMMAND|DIR",
        help='the command that synthesizes, such as "python app.py", or a folder with a cdk.json '
        "or an app.py (default: the cdk.json here)",
    )
    parser.add_argument("--port", type=int, default=0, help="of the AWS API (default: a free one)")
    parser.add_argument("--smtp-port", type=int, default=0, help="of SMTP (default: a free one)")
    parser.add_argument(
        "--submission-port",
        type=int,
        default=0,
        help="of SMTP submission, for sending (default: a free one)",
    )
    parser.add_argument(
        "--identity",
        action="append",
        default=[],
        metavar="DOMAIN|ADDRESS",
        help="verify this identity first, as its owner has done on AWS; may be repeated",
    )
    parser.add_argument(
        "--detach", action="store_true", help="return after the deployment; `down` stops it"
    )


def run(options: argparse.Namespace) -> int:
    """Bring everything up; with `--detach`, or when it was up already, return then."""
    app, folder = _app(options.app)
    find()
    progress = Terminal()
    try:
        running = LocalAws.attach(state=options.state, progress=progress)
    except NotRunning:
        pass
    else:
        say(f"the local AWS runs already ({running.server.endpoint}): deploying to it again")
        _prepare(running, options.identity, app, folder)
        _announce(running)
        return 0

    aws = LocalAws(
        state=options.state,
        port=options.port,
        smtp_port=options.smtp_port,
        submission_port=options.submission_port,
        progress=progress,
    )
    keep = False
    try:
        aws.start(detached=options.detach)
        _prepare(aws, options.identity, app, folder)
        _announce(aws)
        keep = options.detach
        if not keep:
            _watch(aws)
    finally:
        if not keep:
            aws.stop()
    return 0


def _app(given: str | None) -> tuple[str | None, Path]:
    here = Path.cwd()
    if given is None or Path(given).is_dir():
        folder = Path(given).absolute() if given else here
        if (folder / "cdk.json").is_file():
            return None, folder
        if given and (folder / "app.py").is_file():
            return "python app.py", folder
        raise MailroomError(
            f"there is no cdk.json in {folder}",
            remedy='name the app: mailroom up --app "python app.py", or --app its folder',
        )
    return given, here


def _prepare(aws: LocalAws, identities: list[str], app: str | None, folder: Path) -> None:
    for identity in identities:
        aws.verify_identity(identity)
    aws.deploy(app=app, cwd=folder)


def _announce(aws: LocalAws) -> None:
    active = aws.client("ses").describe_active_receipt_rule_set()
    rules = active.get("Rules", [])
    say()
    say(f"AWS   {aws.server.endpoint}  (account {aws.server.account}, {aws.server.region})")
    say(f"SMTP  127.0.0.1:{aws.server.smtp_port}  (mail that comes in)")
    user = aws.credentials
    say(
        f"SMTP  127.0.0.1:{aws.submission_port}  "
        f"(mail that is sent: STARTTLS, user {user.user}, password {user.password})"
    )
    if "Metadata" not in active:
        say("no receipt rule set is active, so every message will be refused")
    for rule in rules:
        recipients = ", ".join(rule.get("Recipients", [])) or "every verified identity"
        switched_off = "" if rule["Enabled"] else "  (disabled)"
        say(f"  {rule['Name']}: {recipients}{switched_off}")


def _watch(aws: LocalAws) -> None:
    say("Ctrl-C stops it; messages appear here as they are done with.")
    shown = 0
    while aws.running:
        done = [message for message in aws.messages(handlers=False) if message.finished]
        if fresh := done[shown:]:
            say(render.table(fresh, colour=coloured(sys.stdout)))
            shown = len(done)
        time.sleep(_WATCH_SECONDS)
    raise MailroomError(
        "the local AWS has ended by itself", remedy=f"its log is {aws.state.server_log}"
    )
