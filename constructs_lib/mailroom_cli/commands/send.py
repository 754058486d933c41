"""Send a message to the local AWS by SMTP and show the server's reply."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mailroom_cli import local
from mailroom_cli.errors import UsageError

if TYPE_CHECKING:
    from mailroom_local.control import Credentials, LocalAws

# Far enough back, if others send at the same time.
_REFUSALS = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="the message as an .eml file, or - for stdin"
    )
    parser.add_argument(
        "--from",
        dest="mail_from",
        metavar="ADDRESS",
        help="the envelope sender (default: the message's From)",
    )
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="an envelope recipient; can be repeated (default: the message's To and Cc)",
    )
    parser.add_argument("--no-tls", action="store_true", help="do not use STARTTLS")
    parser.add_argument(
        "--client-address", metavar="IP", help="pretend to connect from IP, to test IP filters"
    )
    gateway = parser.add_argument_group("sending to a MailGateway, instead of receipt rules")
    gateway.add_argument(
        "--gateway",
        metavar="NAME|ID",
        help="its ingress point, or a part of its name; `mailroom up` lists them",
    )
    gateway.add_argument(
        "--user", metavar="USER", help="the user name (default: the id of the ingress point)"
    )
    gateway.add_argument(
        "--password",
        metavar="PASSWORD",
        help="the password (default: the current one of the ingress point's secret)",
    )
    gateway.add_argument(
        "--client-certificate",
        metavar="FILE",
        help="a certificate and its key in PEM, for an ingress point with mutual TLS",
    )
    parser.add_argument("--json", action="store_true", help="write the reply as JSON")
    local.add_state_argument(parser)
    compose = parser.add_argument_group("composing a message, instead of FILE")
    compose.add_argument("--subject", metavar="TEXT", help="its subject")
    compose.add_argument("--body", metavar="TEXT", help="its text, or - for stdin")
    compose.add_argument(
        "--attach", action="append", default=[], metavar="FILE", help="a file to attach"
    )


def run(options: argparse.Namespace) -> int:
    """Send the message; the status is 1 when no recipient accepts it."""
    local.require()
    from mailroom_cli.message import envelope, message
    from mailroom_cli.terminal import say_json, show
    from mailroom_local.control import LocalAws, SmtpRefused

    _require_gateway(options)
    raw = message(options)
    mail_from, recipients = envelope(raw, options)
    aws = LocalAws.attach(state=options.state)
    message_id = None
    try:
        sent = aws.send(
            raw,
            mail_from=mail_from,
            rcpt_tos=recipients,
            tls=not options.no_tls,
            client_address=options.client_address,
            gateway=options.gateway,
            credentials=_credentials(aws, options),
            client_certificate=options.client_certificate,
        )
    except SmtpRefused as error:
        refused: Mapping[str, tuple[int, str]] = error.recipients
        reply = f"{error.code} {error.reply}"
    else:
        refused, reply, message_id = sent.refused, sent.reply, sent.message_id
    if options.json:
        replies = {recipient: f"{code} {text}" for recipient, (code, text) in refused.items()}
        say_json({"message_id": message_id, "reply": reply, "refused": replies})
    else:
        reasons = _reasons(aws) if refused else {}
        for recipient, (code, text) in refused.items():
            reason = reasons.get(recipient)
            show(f"{recipient}: {code} {text}" + (f" ({reason})" if reason else ""))
        if message_id is not None or not refused:
            show(reply)
    return 0 if message_id is not None else 1


def _require_gateway(options: argparse.Namespace) -> None:
    given = [
        f"--{name.replace('_', '-')}"
        for name in ("user", "password", "client_certificate")
        if getattr(options, name)
    ]
    if given and not options.gateway:
        raise UsageError(
            f"{', '.join(given)} has no effect: receipt rules ask for none",
            remedy=f"add --gateway, or omit {', '.join(given)}",
        )
    if options.user and not options.password:
        raise UsageError("--user needs a password", remedy="add --password, or omit --user")


def _credentials(aws: LocalAws, options: argparse.Namespace) -> Credentials | None:
    from mailroom_local.control import Credentials

    if not options.password:
        return None
    known = {name: point.id for point in aws.ingress_points() for name in (point.id, point.name)}
    return Credentials(
        user=options.user or known.get(options.gateway, options.gateway), password=options.password
    )


def _reasons(aws: LocalAws) -> dict[str, str]:
    """Why each recipient was refused last: the reply is SES's, which gives no reason."""
    return {
        recipient: message.reason
        for message in aws.messages(handlers=False, last=_REFUSALS)
        if message.reason
        for recipient in message.rcpt_tos
    }
