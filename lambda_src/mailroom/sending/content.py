"""What SES builds a message from: texts, attachments and templates."""

from __future__ import annotations

import re

from mailroom import ses
from mailroom.sending.checks import InvalidMessage, one_line, template_data, template_name, utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

__all__ = ["Attachment", "InlineTemplate", "attached", "simple", "templated"]

_HELPER = re.compile(r"\{\{\{?\s*(?:[#/^>]|else\b)[^}]*\}\}\}?")


class Attachment:
    """A file of a message that SES builds. Printing it does not show its content.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Attachment.html

    Args:
        name: Name of the file, at most 255 characters, without a folder. SES does not send
            programs and scripts: https://docs.aws.amazon.com/ses/latest/dg/mime-types.html.
        content: The file as bytes.
        content_type: MIME type, such as ``application/pdf``, at most 78 characters. Default: by
            the extension of *name*, else ``application/octet-stream``.
        content_id: For a picture in the HTML, the name that the HTML calls it by:
            ``<img src="cid:logo">`` shows the attachment with the content id ``logo``. Default:
            the file is attached, not shown.
        description: Describes the file, at most 1000 characters. Default: none.

    Raises:
        InvalidMessage: SES would refuse it.
    """

    __slots__ = ("content", "content_id", "content_type", "description", "name")

    def __init__(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str | None = None,
        content_id: str | None = None,
        description: str | None = None,
    ) -> None:
        if not isinstance(content, bytes):
            raise InvalidMessage(
                f"content of {name!r:.80} is a {type(content).__name__}: pass bytes"
            )
        if not re.fullmatch(ses.ATTACHMENT_NAME, one_line(name, "name")):
            raise InvalidMessage(
                f"name is {name!r:.80}: pass 1 to 255 characters, without a folder and "
                'none of / \\ : * ? " < > |'
            )
        if name.rpartition(".")[2].lower() in ses.REFUSED_EXTENSIONS and "." in name:
            raise InvalidMessage(
                f"name is {name!r:.80}, and SES does not send such files: put it into an "
                "archive, or send a link"
            )
        if content_type is None:
            from mimetypes import guess_type

            content_type = guess_type(name)[0] or "application/octet-stream"
        if (
            not re.fullmatch(ses.ATTACHMENT_TYPE, one_line(content_type, "content_type"))
            or len(content_type) > ses.ATTACHMENT_TYPE_CHARACTERS
        ):
            raise InvalidMessage(
                f"content_type is {content_type!r:.80}: pass a MIME type of at most "
                f"{ses.ATTACHMENT_TYPE_CHARACTERS} characters, such as application/pdf"
            )
        if content_id is not None and not re.fullmatch(
            ses.ATTACHMENT_ID, one_line(content_id, "content_id")
        ):
            raise InvalidMessage(
                f"content_id is {content_id!r:.80}: pass 1 to 78 printable ASCII characters, "
                "without spaces, < and >"
            )
        if (
            description is not None
            and len(one_line(description, "description")) > ses.ATTACHMENT_DESCRIPTION_CHARACTERS
        ):
            raise InvalidMessage(
                f"description has {len(description)} characters: use at most "
                f"{ses.ATTACHMENT_DESCRIPTION_CHARACTERS}"
            )
        self.name = name
        self.content = content
        self.content_type = content_type
        self.content_id = content_id
        self.description = description

    def __repr__(self) -> str:
        return f"<Attachment {self.name!r}: {self.content_type}, {len(self.content)} bytes>"


class InlineTemplate:
    """A template that is passed with the call, in place of the name of a stored one.

    SES only replaces ``{{name}}`` in it; for conditions, loops and partials store an
    `EmailTemplate`.
    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EmailTemplateContent.html

    Args:
        subject: The subject, one line.
        text: The plain text.
        html: The HTML.

    Raises:
        InvalidMessage: Neither *text* nor *html* is given, or one of the three uses a helper.
    """

    __slots__ = ("html", "subject", "text")

    def __init__(self, *, subject: str, text: str | None = None, html: str | None = None) -> None:
        one_line(subject, "subject")
        for name, value in (("subject", subject), ("text", text), ("html", html)):
            if value is not None and (found := _HELPER.search(utf8(value, name))):
                raise InvalidMessage(
                    f"{name} has {found[0]!r:.80}, and in an inline template SES only replaces "
                    "{{names}}: store it as an EmailTemplate, and pass its name"
                )
        if text is None and html is None:
            raise InvalidMessage("neither text nor html is given: pass one or both")
        self.subject = subject
        self.text = text
        self.html = html


def simple(
    subject: str, text: str | None, html: str | None, attachments: Iterable[Attachment]
) -> dict[str, Any]:
    """Return the content of a message of *text*, *html* or both."""
    one_line(subject, "subject")
    body = {}
    for key, value in (("Text", text), ("Html", html)):
        if value is not None:
            body[key] = {"Data": utf8(value, key.lower()), "Charset": "UTF-8"}
    if not body:
        raise InvalidMessage("neither text nor html is given: pass one or both")
    size = sum(len(part["Data"].encode()) for part in body.values())
    if size > ses.SENT_BYTES:
        raise InvalidMessage(
            f"text and html are {size} bytes; API v2 accepts {ses.SENT_BYTES}: send less"
        )
    content: dict[str, Any] = {
        "Subject": {"Data": subject, "Charset": "UTF-8"},
        "Body": body,
    }
    return {**content, **attached(attachments, size)}


def templated(
    template: str | InlineTemplate,
    data: Mapping[str, Any] | None,
    attachments: Iterable[Attachment],
) -> dict[str, Any]:
    """Return the content of a message from a template, stored or inline."""
    content: dict[str, Any]
    if isinstance(template, InlineTemplate):
        parts = {"Subject": template.subject, "Text": template.text, "Html": template.html}
        content = {
            "TemplateContent": {key: text for key, text in parts.items() if text is not None}
        }
    else:
        content = {"TemplateName": template_name(template)}
    return {**content, "TemplateData": template_data(data), **attached(attachments)}


def attached(attachments: Iterable[Attachment], size: int = 0) -> dict[str, Any]:
    """Return *attachments* in API v2's form, of a message that has *size* bytes without them."""
    listed = []
    names: set[str] = set()
    for at, one in enumerate(attachments):
        if not isinstance(one, Attachment):
            raise InvalidMessage(f"attachments[{at}] is a {type(one).__name__}: pass an Attachment")
        # Base64 writes 76 characters and a line end for 57 bytes.
        size += -(-len(one.content) // 57) * 78
        argument = {
            "FileName": one.name,
            "RawContent": one.content,
            "ContentType": one.content_type,
            "ContentDisposition": "INLINE" if one.content_id else "ATTACHMENT",
            "ContentTransferEncoding": "BASE64",
        }
        if one.content_id:
            if one.content_id in names:
                raise InvalidMessage(f"content_id {one.content_id!r} is given twice")
            names.add(one.content_id)
            argument["ContentId"] = one.content_id
        if one.description:
            argument["ContentDescription"] = one.description
        listed.append(argument)
    if size > ses.SENT_BYTES:
        raise InvalidMessage(
            f"the message is {size} bytes with its attachments encoded; API v2 accepts "
            f"{ses.SENT_BYTES}: send a link in place of the attachments"
        )
    return {"Attachments": listed} if listed else {}
