"""The message and the envelope that ``mailroom send`` sends."""

from __future__ import annotations

import argparse
import mimetypes
import sys
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path

from mailroom_cli.errors import CommandError, UsageError

_DEFAULT_SENDER = "sender@example.net"


def message(options: argparse.Namespace) -> bytes:
    """Return the message that the options name or describe.

    Args:
        options: The command's.

    Raises:
        UsageError: The options contradict each other, or describe nothing.
        CommandError: A file cannot be read.
    """
    return _whole(options) if options.file else _composed(options)


def envelope(raw: bytes, options: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the envelope sender and recipients, bare addresses.

    Args:
        raw: The message.
        options: The command's; ``--from`` and ``--to`` override the message's header.

    Raises:
        UsageError: There is no recipient.
    """
    parsed = message_from_bytes(raw)
    senders = getaddresses([str(value) for value in parsed.get_all("From", [])])
    mail_from = options.mail_from or (senders[0][1] if senders else _DEFAULT_SENDER)
    named = [str(value) for key in ("To", "Cc") for value in parsed.get_all(key, [])]
    recipients = options.to or [address for _, address in getaddresses(named) if address]
    if not recipients:
        raise UsageError(
            "no recipient: the message has neither To nor Cc", remedy="pass --to ADDRESS"
        )
    # The envelope holds bare addresses; display names are for the header.
    return getaddresses([mail_from])[0][1], [getaddresses([to])[0][1] for to in recipients]


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


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(
            f"cannot read {name}: {error.strerror}", remedy="check the path"
        ) from error
