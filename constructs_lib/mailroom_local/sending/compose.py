"""Composes the MIME message of an API call that passes its parts."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
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
) -> bytes:
    """The MIME message of an API call that passes its parts."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = source
        for name, addresses in (("To", to), ("Cc", cc), ("Reply-To", reply_to)):
            if addresses:
                message[name] = ", ".join(addresses)
        message["Subject"] = content.subject
        for name, value in content.headers:
            message[name] = value
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
    kind = attachment.get("ContentType") or mimetypes.guess_type(name)[0]
    main, _, sub = (kind or "application/octet-stream").partition("/")
    content = attachment.get("RawContent", "")
    message.add_attachment(
        content if isinstance(content, bytes) else decoded_raw(content),
        maintype=main,
        subtype=sub,
        filename=name,
        disposition=str(attachment.get("ContentDisposition", "ATTACHMENT")).lower(),
        cid=attachment.get("ContentId"),
    )
