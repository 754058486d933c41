"""Composes the MIME message of an API call that passes its parts."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from mailroom_local._ses_error import SesError
from mailroom_local.mail.content import decoded_raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The parts of a message, as an API call passes them."""

    subject: str
    text: str = ""
    html: str = ""
    headers: Sequence[tuple[str, str]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()


def compose(
    content: Content,
    *,
    source: str,
    to: Sequence[str],
    cc: Sequence[str],
    reply_to: Sequence[str] = (),
    dated: bool = False,
) -> bytes:
    """The MIME message of an API call that passes its parts, with its fields in SES's order.

    SES gives what it renders from a template a ``Date``.
    """
    message = EmailMessage(policy=SMTP)
    try:
        if dated:
            message["Date"] = format_datetime(datetime.now(UTC))
        if source:
            message["From"] = source
        for name, addresses in (("To", to), ("Cc", cc), ("Reply-To", reply_to)):
            if addresses:
                message[name] = ", ".join(addresses)
        message["Subject"] = content.subject
        for name, value in content.headers:
            message[name] = value
        message["MIME-Version"] = "1.0"
        if content.text or not content.html:
            message.set_content(content.text)
        if content.html and content.text:
            message.add_alternative(content.html, subtype="html")
        elif content.html:
            message.set_content(content.html, subtype="html")
        for attachment in content.attachments:
            _attach(message, attachment)
        return message.as_bytes()
    except ValueError as error:
        raise SesError("InvalidParameterValue", str(error)) from error


def _attach(message: EmailMessage, attachment: Mapping[str, Any]) -> None:
    name = str(attachment.get("FileName", ""))
    kind = str(attachment.get("ContentType") or mimetypes.guess_type(name)[0] or "")
    main, slash, sub = kind.partition("/")
    if not slash:
        main, sub = "application", "octet-stream"
    sub, semicolon, parameters = sub.partition(";")
    content = attachment.get("RawContent", "")
    identifier = attachment.get("ContentId")
    part = EmailMessage(policy=SMTP)
    part.set_content(
        content if isinstance(content, bytes) else decoded_raw(content),
        maintype=main.strip(),
        subtype=sub.strip(),
        filename=name,
        disposition=str(attachment.get("ContentDisposition", "ATTACHMENT")).lower(),
        cid=f"<{identifier.strip('<>')}>" if identifier else None,
    )
    if semicolon:
        # Such as the method of an invitation.
        part.replace_header("Content-Type", f"{part['Content-Type']};{parameters}")
    if message.get_content_type() != "multipart/mixed":
        message.make_mixed()
    message.attach(part)
