"""Send a message to the local SMTP server and show its answer."""

from __future__ import annotations

import argparse
import mimetypes
import sys
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path

from mailroom_local.errors import MailroomError, SmtpRefused
from mailroom_local.local import LocalAws
from mailroom_local.terminal import say

_DEFAULT_SENDER = "sender@example.net"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", nargs="?", metavar="FILE.eml", help="a whole message; - is stdin")
    parser.add_argument(
        "--from", dest="mail_from", help="the envelope sender (default: the message's From)"
    )
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="an envelope recipient, may be repeated (default: the message's To and Cc)",
    )
    parser.add_argument("--subject", help="of a quick message")
    parser.add_argument("--body", help="of a quick message; - is stdin")
    parser.add_argument(
        "--attach", action="append", default=[], metavar="FILE", help="to a quick message"
    )
    parser.add_argument("--no-tls", action="store_true", help="do not use STARTTLS")
    parser.add_argument(
        "--client-address", metavar="IP", help="pretend to connect from there, for IP filters"
    )


def run(options: argparse.Namespace) -> int:
    """Send; the status is 1 when nobody takes the message."""
    raw = _whole(options) if options.file else _quick(options)
    mail_from, recipients = _envelope(raw, options)
    aws = LocalAws.attach(state=options.state)
    try:
        sent = aws.send(
            raw,
            mail_from=mail_from,
            rcpt_tos=recipients,
            tls=not options.no_tls,
            client_address=options.client_address,
        )
    except SmtpRefused as refused:
        for recipient, (code, reply) in refused.recipients.items():
            say(f"{recipient}: {code} {reply}")
        if not refused.recipients:
            say(f"{refused.code} {refused.reply}")
        return 1
    for recipient, (code, reply) in sent.refused.items():
        say(f"{recipient}: {code} {reply}")
    say(sent.reply)
    return 0


def _whole(options: argparse.Namespace) -> bytes:
    unused = [f"--{name}" for name in ("subject", "body", "attach") if getattr(options, name)]
    if unused:
        raise MailroomError(
            f"{', '.join(unused)} would be ignored with a whole message",
            remedy="leave out the file, or these options",
        )
    if options.file == "-":
        return sys.stdin.buffer.read()
    return _read(options.file)


def _quick(options: argparse.Namespace) -> bytes:
    if not options.to:
        raise MailroomError(
            "neither a file nor a recipient is given",
            remedy="mailroom send FILE.eml, or mailroom send --to support@example.com --body Hello",
        )
    message = EmailMessage()
    message["From"] = options.mail_from or _DEFAULT_SENDER
    message["To"] = ", ".join(options.to)
    message["Subject"] = options.subject or "A quick message"
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
        raise MailroomError("the message names no recipient", remedy="name one with --to ADDRESS")
    # A display name is for the header; the envelope holds the bare address.
    return getaddresses([mail_from])[0][1], [getaddresses([to])[0][1] for to in recipients]


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise MailroomError(
            f"{name} cannot be read: {error.strerror}", remedy="check the path"
        ) from error
