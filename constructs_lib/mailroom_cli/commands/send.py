"""Send a message to the local AWS by SMTP and show the server's reply."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path

from mailroom_cli import local
from mailroom_cli.errors import CommandError, UsageError

_DEFAULT_SENDER = "sender@example.net"


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
    raw = _whole(options) if options.file else _composed(options)
    mail_from, recipients = _envelope(raw, options)
    from mailroom_cli.terminal import say_json, show
    from mailroom_local.control import LocalAws, SmtpRefused

    aws = LocalAws.attach(state=options.state)
    message_id = None
    try:
        sent = aws.send(
            raw,
            mail_from=mail_from,
            rcpt_tos=recipients,
            tls=not options.no_tls,
            client_address=options.client_address,
        )
    except SmtpRefused as error:
        refused: Mapping[str, tuple[int, str]] = error.recipients
        reply = f"{error.code} {error.reply}"
    else:
        refused, reply, message_id = sent.refused, sent.reply, sent.message_id
    if options.json:
        replies = {recipient: f"{code} {told}" for recipient, (code, told) in refused.items()}
        say_json({"message_id": message_id, "reply": reply, "refused": replies})
    else:
        for recipient, (code, told) in refused.items():
            show(f"{recipient}: {code} {told}")
        if message_id is not None or not refused:
            show(reply)
    return 0 if message_id is not None else 1


def _whole(options: argparse.Namespace) -> bytes:
    unused = [f"--{name}" for name in ("subject", "body", "attach") if getattr(options, name)]
    if unused:
        raise UsageError(
            f"{', '.join(unused)} cannot be combined with a whole message ({options.file})",
            remedy="omit the file to compose a message, or omit these options",
        )
    return sys.stdin.buffer.read() if options.file == "-" else _read(options.file)


def _composed(options: argparse.Namespace) -> bytes:
    if not options.to:
        raise UsageError(
            "no message: pass a file, or --to and --body",
            remedy="mailroom send FILE.eml, or mailroom send --to support@example.com --body Hello",
        )
    import mimetypes

    message = EmailMessage()
    message["From"] = options.mail_from or _DEFAULT_SENDER
    message["To"] = ", ".join(options.to)
    message["Subject"] = options.subject or "A test message"
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain="mailroom.invalid")
    body = sys.stdin.read() if options.body == "-" else options.body or ""
    message.set_content(body)
    for name in options.attach:
        main, _, sub = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
        message.add_attachment(_read(name), maintype=main, subtype=sub, filename=Path(name).name)
    return message.as_bytes(policy=SMTP)


def _envelope(raw: bytes, options: argparse.Namespace) -> tuple[str, list[str]]:
    message = message_from_bytes(raw)
    senders = getaddresses([str(value) for value in message.get_all("From", [])])
    mail_from = options.mail_from or (senders[0][1] if senders else _DEFAULT_SENDER)
    named = [str(value) for key in ("To", "Cc") for value in message.get_all(key, [])]
    recipients = options.to or [address for _, address in getaddresses(named) if address]
    if not recipients:
        raise UsageError(
            "no recipient: the message has neither To nor Cc", remedy="pass --to ADDRESS"
        )
    # The envelope holds bare addresses; display names are for the header.
    return getaddresses([mail_from])[0][1], [getaddresses([to])[0][1] for to in recipients]


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(
            f"cannot read {name}: {error.strerror}", remedy="check the path"
        ) from error
