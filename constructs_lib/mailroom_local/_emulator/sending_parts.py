"""Messages that both APIs take in parts, from the call or from a template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Request
from mailroom_local._emulator.sending import Submission, accept
from mailroom_local._ses_error import SesError
from mailroom_local.sending import refusals, templates
from mailroom_local.sending.compose import Content, compose
from mailroom_local.sending.message import Unrendered

_PARTS = {"subject": "SubjectPart", "text": "TextPart", "html": "HtmlPart"}


def stored_template(name: str) -> Mapping[str, str]:
    stored: Mapping[str, str] | None = internals.ses.templates.get(name)
    if stored is None:
        raise SesError("TemplateDoesNotExist", f"Template {name} does not exist")
    return stored


def merged(default: str, replacement: str) -> str:
    """Replacement data over default data; rendering refuses anything but a JSON object."""
    try:
        both = [json.loads(text) for text in (default, replacement) if text.strip()]
    except ValueError:
        return replacement or default
    if not all(isinstance(each, dict) for each in both):
        return replacement or default
    return json.dumps({key: value for each in both for key, value in each.items()})


def rendered(stored: Mapping[str, str], data: str) -> Content:
    """What a template says with these data, or the reason why SES cannot render it."""
    parts = {part: stored.get(key) or "" for part, key in _PARTS.items()}
    done = templates.render(parts, data)
    return Content(subject=done["subject"], text=done["text"], html=done["html"])


def send_template(
    stored: Mapping[str, str],
    name: str,
    data: str,
    request: Request,
    *,
    headers: Sequence[tuple[str, str]] = (),
    attachments: Sequence[Mapping[str, Any]] = (),
    **envelope: Any,
) -> str:
    try:
        content = rendered(stored, data)
    except templates.RenderingFailed as failure:
        # SES accepts the message nevertheless, and reports the failure only as an event.
        unrendered = Unrendered(template=name, message=str(failure))
        return send_parts(
            Content(subject=""), request, **envelope, template=name, unrendered=unrendered
        )
    content = replace(content, headers=headers, attachments=attachments)
    return send_parts(content, request, **envelope, template=name, dated=True)


def send_parts(
    content: Content,
    request: Request,
    *,
    source: str,
    to: Sequence[str],
    cc: Sequence[str],
    bcc: Sequence[str],
    reply_to: Sequence[str],
    dated: bool = False,
    **more: Any,
) -> str:
    # Before they are composed: SES and the composer read addresses differently.
    for address in (source, *to, *cc, *bcc, *reply_to):
        refusals.check_addresses(address)
    for attachment in content.attachments:
        refusals.check_attachment(str(attachment.get("FileName") or ""))
    return accept(
        Submission(
            source=source,
            recipients=[*to, *cc, *bcc],
            to=to,
            cc=cc,
            bcc=bcc,
            raw=compose(content, source=source, to=to, cc=cc, reply_to=reply_to, dated=dated),
            request=request,
            **more,
        )
    )
