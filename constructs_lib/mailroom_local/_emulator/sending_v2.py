"""The operations of SES API v2 that send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mailroom_local._emulator import endpoints, internals, tenants
from mailroom_local._emulator.query import (
    Request,
    Response,
    answer,
)
from mailroom_local._emulator.refusals import record
from mailroom_local._emulator.sending import Submission, accept, check_tenant
from mailroom_local._emulator.sending_parts import (
    merged,
    send_parts,
    send_template,
)
from mailroom_local._ses_error import SesError
from mailroom_local.mail.content import decoded_raw, normal_lines
from mailroom_local.mail.headers import addressed, header_of, read_headers
from mailroom_local.sending import decisions, refusals
from mailroom_local.sending.compose import Content
from mailroom_local.sending.message import MailingList


def _send_email(data: Mapping[str, Any], request: Request) -> Response:
    content = data.get("Content") or {}
    envelope = _envelope(data, data.get("Destination") or {})
    envelope["operation"] = "SendEmail"
    envelope["tags"] = decisions.checked_tags(data.get("EmailTags") or [])
    envelope["list_management"] = _list_management(data)
    if raw := content.get("Raw"):
        message_id = _send_raw(decoded_raw(raw.get("Data", "")), request, envelope)
    elif template := content.get("Template"):
        stored, name = _template(template)
        message_id = send_template(
            stored,
            name,
            template.get("TemplateData") or "",
            request,
            headers=_headers(template.get("Headers")),
            attachments=template.get("Attachments") or (),
            **envelope,
        )
    else:
        simple = content.get("Simple") or {}
        body = simple.get("Body") or {}
        for part in (simple.get("Subject"), body.get("Text"), body.get("Html")):
            refusals.check_charset((part or {}).get("Charset") or "")
        parts = Content(
            subject=(simple.get("Subject") or {}).get("Data", ""),
            text=(body.get("Text") or {}).get("Data", ""),
            html=(body.get("Html") or {}).get("Data", ""),
            headers=_headers(simple.get("Headers")),
            attachments=simple.get("Attachments") or (),
        )
        message_id = send_parts(parts, request, **envelope)
    return answer({"MessageId": message_id})


def _send_raw(raw: bytes, request: Request, envelope: dict[str, Any]) -> str:
    header = read_headers(normal_lines(raw))
    named = [*envelope["to"], *envelope["cc"], *envelope["bcc"]]
    to = envelope["to"] if named else addressed(raw)
    given = {
        **{key: value for key, value in envelope.items() if key != "reply_to"},
        "to": to,
        "source": envelope["source"] or header_of(header, "From") or "",
    }
    return accept(Submission(**given, recipients=named or to, raw=raw, request=request))


def _send_bulk_email(data: Mapping[str, Any], request: Request) -> Response:
    content = (data.get("DefaultContent") or {}).get("Template") or {}
    stored, name = _template(content)
    entries = data.get("BulkEmailEntries") or []
    if not entries:
        raise SesError("InvalidParameterValue", "BulkEmailEntries is required")
    # What is wrong with all entries refuses the whole call.
    common = _envelope(data, {})
    endpoints.check(common["endpoint_id"])
    tenants.record(common["tenant"])
    check_tenant(
        common["tenant"],
        source=common["source"],
        configuration_set=common["configuration_set"],
        template=name,
    )
    default_tags = decisions.checked_tags(data.get("DefaultEmailTags") or [])
    results = []
    for entry in entries:
        replacement = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
        headers = {
            **dict(_headers(content.get("Headers"))),
            **dict(_headers(entry.get("ReplacementHeaders"))),
        }
        try:
            message_id = send_template(
                stored,
                name,
                merged(
                    content.get("TemplateData") or "",
                    replacement.get("ReplacementTemplateData") or "",
                ),
                request,
                **_envelope(data, entry.get("Destination") or {}),
                operation="SendBulkEmail",
                tags={**default_tags, **decisions.checked_tags(entry.get("ReplacementTags") or [])},
                headers=list(headers.items()),
                attachments=content.get("Attachments") or (),
            )
        except SesError as error:
            record("SendBulkEmail", *envelope_of({**data, **entry}), error)
            results.append({"Status": _BULK_STATUS.get(error.code, "FAILED"), "Error": str(error)})
        else:
            results.append({"Status": "SUCCESS", "MessageId": message_id})
    return answer({"BulkEmailEntryResults": results})


_BULK_STATUS = {
    "ConfigurationSetDoesNotExist": "CONFIGURATION_SET_NOT_FOUND",
    "ConfigurationSetSendingPausedException": "CONFIGURATION_SET_SENDING_PAUSED",
    "InvalidParameterValue": "INVALID_PARAMETER",
    "MessageRejected": "MESSAGE_REJECTED",
}


def envelope_of(data: Mapping[str, Any]) -> tuple[str, list[str]]:
    """From whom and to whom a call or an entry of it is."""
    destination = data.get("Destination") or {}
    listed = [destination.get(f"{kind}Addresses") or [] for kind in ("To", "Cc", "Bcc")]
    return str(data.get("FromEmailAddress") or ""), [each for kind in listed for each in kind]


def _envelope(data: Mapping[str, Any], destination: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": data.get("FromEmailAddress") or "",
        "to": destination.get("ToAddresses") or [],
        "cc": destination.get("CcAddresses") or [],
        "bcc": destination.get("BccAddresses") or [],
        "reply_to": data.get("ReplyToAddresses") or [],
        "configuration_set": data.get("ConfigurationSetName"),
        "tenant": data.get("TenantName"),
        "endpoint_id": data.get("EndpointId"),
        "tracking": decisions.checked_tracking(data.get("ConfigurationOverrides")),
    }


def _list_management(data: Mapping[str, Any]) -> MailingList | None:
    options = data.get("ListManagementOptions")
    if not options:
        return None
    return MailingList(contact_list=options["ContactListName"], topic=options.get("TopicName"))


def _headers(listed: Iterable[Mapping[str, str]] | None) -> list[tuple[str, str]]:
    return [(header["Name"], header["Value"]) for header in listed or ()]


def _template(content: Mapping[str, Any]) -> tuple[Mapping[str, str], str]:
    stored, name, refusal = internals.ses_v2.resolve_send_template(content)
    if refusal is not None:
        code = "TemplateDoesNotExist" if refusal[0] == 404 else "InvalidParameterValue"
        raise SesError(code, str(json.loads(refusal[2]).get("message", "")))
    return stored, name


ROUTES: Mapping[tuple[str, str], tuple[str, Callable[..., Response]]] = {
    ("POST", r"/outbound-emails"): ("SendEmail", _send_email),
    ("POST", r"/outbound-bulk-emails"): ("SendBulkEmail", _send_bulk_email),
}
