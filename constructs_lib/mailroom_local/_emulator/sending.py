"""The operations that send: both APIs and SMTP submission lead to one :func:`accept`.

It decides, from what the account holds, whether SES takes a message and what becomes of it, and
hands it to the mailer. ministack's own operations only record what was sent.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

from mailroom_local._emulator import (
    configuration_sets,
    contacts,
    internals,
    permissions,
    suppression,
)
from mailroom_local._emulator.query import (
    Parameters,
    Request,
    Response,
    answer,
    members,
    numbered,
    one,
    required,
)
from mailroom_local._ses_error import SesError
from mailroom_local.receiving.decisions import read_headers
from mailroom_local.sending import decisions as sending
from mailroom_local.sending import templates
from mailroom_local.control.credentials import LOCAL
from mailroom_local.sending import credentials
from mailroom_local.sending.credentials import Caller
from mailroom_local.sending.decisions import Content, ListManagement, Outgoing, Unrendered

_PARTS = {"subject": "SubjectPart", "text": "TextPart", "html": "HtmlPart"}


class _Mailer:
    """To whom accepted messages are handed; the server sets it before the first request."""

    send: Callable[[Outgoing], bytes]


mailer = _Mailer()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submission:
    """A message and what its call said of it, whatever the interface was."""

    operation: str
    source: str
    recipients: Sequence[str]
    raw: bytes
    request: Request
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    configuration_set: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    # Whether configuration set, tags and list may also stand in the message's header.
    heeds_headers: bool = False
    list_management: ListManagement | None = None
    unrendered: Unrendered | None = None
    max_bytes: int = sending.MAX_BYTES_V2


def accept(submission: _Submission) -> str:
    """Take a message and return its id, or raise what SES refuses it with."""
    _check(submission)
    raw = sending.normal_lines(submission.raw)
    header = read_headers(raw) if submission.heeds_headers else []
    identity, default_set = _identity(parseaddr(submission.source)[1])
    name = (
        submission.configuration_set
        or sending.header_of(header, sending.CONFIGURATION_SET_HEADER)
        or default_set
        or None
    )
    stored = configuration_sets.record(name) if name else {}
    if not (stored.get("SendingOptions") or {}).get("SendingEnabled", True):
        raise SesError(
            "ConfigurationSetSendingPausedException",
            f"Email sending is disabled for the configuration set <{name}>.",
        )
    managed = submission.list_management or sending.list_management_of_header(
        sending.header_of(header, sending.LIST_HEADER)
    )
    if managed is not None:
        contacts.check(managed)
    now = datetime.now(UTC)
    account, region = internals.responses.get_account_id(), internals.responses.get_region()
    longest = (stored.get("DeliveryOptions") or {}).get("MaxDeliverySeconds")
    outgoing = Outgoing(
        message_id=sending.new_message_id(now),
        operation=submission.operation,
        sent_at=now,
        source=submission.source,
        source_arn=f"arn:aws:ses:{region}:{account}:identity/{identity}",
        recipients=tuple(parseaddr(each)[1] for each in submission.recipients),
        raw=raw,
        account=account,
        region=region,
        caller=submission.request.caller,
        source_ip=submission.request.client_address,
        configuration_set=name,
        tags=submission.tags
        or sending.tags_of_header(sending.header_of(header, sending.TAGS_HEADER)),
        withheld=_withheld(submission.recipients, stored, managed),
        list_management=managed,
        unrendered=submission.unrendered,
        max_delivery_seconds=int(longest or sending.MAX_DELIVERY_SECONDS),
        track_opens=configuration_sets.publishes(stored, "OPEN"),
        track_clicks=configuration_sets.publishes(stored, "CLICK"),
    )
    delivered = mailer.send(outgoing)
    if outgoing.unrendered is None and not outgoing.rejected:
        _record(outgoing, submission, delivered)
    return outgoing.message_id


def submit(
    raw: bytes, *, mail_from: str, rcpt_tos: list[str], caller: Caller, client_address: str
) -> str:
    """Take a message that came in by SMTP submission."""
    region = internals.responses.get_region()
    refusal = permissions.refuse_submission(
        caller, raw, mail_from=mail_from, rcpt_tos=rcpt_tos, region=region
    )
    if refusal is not None:
        raise SesError("Access denied", refusal)
    return accept(
        _Submission(
            operation="SendSmtpEmail",
            source=mail_from,
            recipients=rcpt_tos,
            to=rcpt_tos,
            raw=raw,
            request=Request(caller=caller.name, client_address=client_address),
            heeds_headers=True,
        )
    )


def authenticate(user: str, password: str, *, region: str) -> Caller | None:
    """The caller whose SMTP credentials these are."""
    local = LOCAL
    if user == local.user:
        return Caller(name=user) if credentials.matches(password, local.password) else None
    key = internals.iam._access_keys.get(user)
    if key is None or key.get("Status") != "Active":
        return None
    expected = credentials.smtp_password(key["SecretAccessKey"], region=region)
    if not credentials.matches(password, expected):
        return None
    return Caller(name=str(key["UserName"]), access_key=user)


def _check(submission: _Submission) -> None:
    addresses = [*submission.recipients, *([submission.source] if submission.source else [])]
    if any(internals.ses._missing_domain(address) for address in addresses):
        raise SesError("InvalidParameterValue", "Missing final '@domain'")
    if not submission.recipients:
        raise SesError("InvalidParameterValue", "No recipients were given.")
    if len(submission.recipients) > sending.MAX_RECIPIENTS:
        raise SesError(
            "InvalidParameterValue", f"Recipient count exceeds {sending.MAX_RECIPIENTS}."
        )
    if len(submission.raw) > submission.max_bytes:
        raise SesError(
            "InvalidParameterValue",
            f"Message length is more than {submission.max_bytes} bytes long.",
        )
    if rejection := internals.ses._message_rejection(submission.source, submission.recipients):
        raise SesError("MessageRejected", rejection)


def _identity(address: str) -> tuple[str, str | None]:
    """The identity that an address sends by, and the configuration set it has by default."""
    stored = internals.ses_v2._identities
    domain = address.rpartition("@")[2].lower()
    labels = domain.split(".")
    parents = [".".join(labels[start:]) for start in range(len(labels))]
    for name in (address, *parents):
        if name in stored:
            return name, stored[name].get("ConfigurationSetName") or None
    for name in (address, *parents):
        if name in internals.ses._identities:
            return name, None
    return domain, None


def _withheld(
    recipients: Iterable[str], stored: Mapping[str, Any], managed: ListManagement | None
) -> dict[str, sending.Outcome]:
    found = {}
    for recipient in (parseaddr(each)[1] for each in recipients):
        if suppression.holds(recipient, stored):
            found[recipient.lower()] = sending.ON_ACCOUNT_LIST
        elif managed is not None and not contacts.wants(managed, recipient):
            found[recipient.lower()] = sending.UNSUBSCRIBED
    return found


def _record(outgoing: Outgoing, submission: _Submission, delivered: bytes) -> None:
    """Keep what was sent where ministack keeps it, which counts it in the statistics too."""
    entry = {
        "MessageId": outgoing.message_id,
        "Source": outgoing.source,
        "To": list(submission.to),
        "CC": list(submission.cc),
        "BCC": list(submission.bcc),
        "Subject": outgoing.common_headers.get("subject", ""),
        "Timestamp": outgoing.sent_at.timestamp(),
        "Type": outgoing.operation,
        "DeliveredTo": sending.reached(outgoing),
        "Raw": base64.b64encode(delivered).decode(),
    }
    if outgoing.configuration_set:
        entry["ConfigurationSetName"] = outgoing.configuration_set
    internals.ses._sent_emails_list().append(entry)
    internals.ses._send_notifications(
        outgoing.message_id, outgoing.source, list(outgoing.recipients)
    )


# --- API v1 ------------------------------------------------------------------------------------


def _send_email_v1(parameters: Parameters, request: Request) -> Response:
    content = Content(
        subject=one(parameters, "Message.Subject.Data") or "",
        text=one(parameters, "Message.Body.Text.Data") or "",
        html=one(parameters, "Message.Body.Html.Data") or "",
    )
    message_id = _send_parts(
        content,
        request,
        **_v1_envelope(parameters),
        operation="SendEmail",
        tags=_v1_tags(parameters, "Tags"),
        max_bytes=sending.MAX_BYTES_V1,
    )
    return _v1_answer("SendEmail", message_id)


def _send_raw_email_v1(parameters: Parameters, request: Request) -> Response:
    raw = sending.decoded_raw(required(parameters, "RawMessage.Data", "rawMessage.data"))
    destinations = members(parameters, "Destinations") or sending.addressed(raw)
    header = read_headers(sending.normal_lines(raw))
    message_id = accept(
        _Submission(
            operation="SendRawEmail",
            source=one(parameters, "Source") or sending.header_of(header, "From") or "",
            recipients=destinations,
            to=destinations,
            raw=raw,
            request=request,
            configuration_set=one(parameters, "ConfigurationSetName"),
            tags=_v1_tags(parameters, "Tags"),
            heeds_headers=True,
            max_bytes=sending.MAX_BYTES_V1,
        )
    )
    return _v1_answer("SendRawEmail", message_id)


def _send_templated_email_v1(parameters: Parameters, request: Request) -> Response:
    name = required(parameters, "Template", "template")
    message_id = _send_template(
        _stored_template(name),
        name,
        one(parameters, "TemplateData") or "",
        request,
        **_v1_envelope(parameters),
        operation="SendTemplatedEmail",
        tags=_v1_tags(parameters, "Tags"),
        max_bytes=sending.MAX_BYTES_V1,
    )
    return _v1_answer("SendTemplatedEmail", message_id)


def _send_bulk_templated_email_v1(parameters: Parameters, request: Request) -> Response:
    name = required(parameters, "Template", "template")
    template = _stored_template(name)
    default_data = one(parameters, "DefaultTemplateData") or ""
    default_tags = _v1_tags(parameters, "DefaultTags")
    statuses = []
    for prefix in numbered(parameters, "Destinations"):
        try:
            message_id = _send_template(
                template,
                name,
                _merged(default_data, one(parameters, f"{prefix}.ReplacementTemplateData") or ""),
                request,
                **_v1_envelope(parameters, f"{prefix}."),
                operation="SendBulkTemplatedEmail",
                tags={**default_tags, **_v1_tags(parameters, f"{prefix}.ReplacementTags")},
                max_bytes=sending.MAX_BYTES_V1,
            )
        except SesError as error:
            statuses.append({"Status": error.code, "Error": error.message})
        else:
            statuses.append({"Status": "Success", "MessageId": message_id})
    inner = internals.ses._receipt_element("Status", statuses)
    response: Response = internals.ses._xml(
        200,
        "SendBulkTemplatedEmailResponse",
        f"<SendBulkTemplatedEmailResult>{inner}</SendBulkTemplatedEmailResult>",
    )
    return response


def _v1_envelope(parameters: Parameters, prefix: str = "") -> dict[str, Any]:
    to, cc, bcc = (
        members(parameters, f"{prefix}Destination.{kind}Addresses") for kind in ("To", "Cc", "Bcc")
    )
    return {
        "source": required(parameters, "Source", "source"),
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "reply_to": members(parameters, "ReplyToAddresses"),
        "configuration_set": one(parameters, "ConfigurationSetName"),
    }


def _v1_tags(parameters: Parameters, key: str) -> dict[str, str]:
    return sending.checked_tags(
        {field: one(parameters, f"{prefix}.{field}") or "" for field in ("Name", "Value")}
        for prefix in numbered(parameters, key)
    )


def _v1_answer(operation: str, message_id: str) -> Response:
    response: Response = internals.ses._xml(
        200,
        f"{operation}Response",
        f"<{operation}Result><MessageId>{message_id}</MessageId></{operation}Result>",
    )
    return response


OPERATIONS: Mapping[str, Callable[[Parameters, Request], Response]] = {
    "SendBulkTemplatedEmail": _send_bulk_templated_email_v1,
    "SendEmail": _send_email_v1,
    "SendRawEmail": _send_raw_email_v1,
    "SendTemplatedEmail": _send_templated_email_v1,
}


# --- API v2 ------------------------------------------------------------------------------------


def _send_email_v2(data: Mapping[str, Any], request: Request) -> Response:
    content = data.get("Content") or {}
    envelope = _v2_envelope(data, data.get("Destination") or {})
    envelope["operation"] = "SendEmail"
    envelope["tags"] = sending.checked_tags(data.get("EmailTags") or [])
    envelope["list_management"] = _v2_list_management(data)
    if raw := content.get("Raw"):
        message_id = _send_raw_v2(sending.decoded_raw(raw.get("Data", "")), request, envelope)
    elif template := content.get("Template"):
        stored, name = _v2_template(template)
        message_id = _send_template(
            stored,
            name,
            template.get("TemplateData") or "",
            request,
            headers=_v2_headers(template.get("Headers")),
            attachments=template.get("Attachments") or (),
            **envelope,
        )
    else:
        simple = content.get("Simple") or {}
        body = simple.get("Body") or {}
        parts = Content(
            subject=(simple.get("Subject") or {}).get("Data", ""),
            text=(body.get("Text") or {}).get("Data", ""),
            html=(body.get("Html") or {}).get("Data", ""),
            headers=_v2_headers(simple.get("Headers")),
            attachments=simple.get("Attachments") or (),
        )
        message_id = _send_parts(parts, request, **envelope)
    return answer({"MessageId": message_id})


def _send_raw_v2(raw: bytes, request: Request, envelope: dict[str, Any]) -> str:
    header = read_headers(sending.normal_lines(raw))
    named = [*envelope["to"], *envelope["cc"], *envelope["bcc"]]
    to = envelope["to"] if named else sending.addressed(raw)
    given = {
        **{key: value for key, value in envelope.items() if key != "reply_to"},
        "to": to,
        "source": envelope["source"] or sending.header_of(header, "From") or "",
    }
    return accept(_Submission(**given, recipients=named or to, raw=raw, request=request))


def _send_bulk_email_v2(data: Mapping[str, Any], request: Request) -> Response:
    content = (data.get("DefaultContent") or {}).get("Template") or {}
    stored, name = _v2_template(content)
    entries = data.get("BulkEmailEntries") or []
    if not entries:
        raise SesError("InvalidParameterValue", "BulkEmailEntries is required")
    default_tags = sending.checked_tags(data.get("DefaultEmailTags") or [])
    results = []
    for entry in entries:
        replacement = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
        headers = {
            **dict(_v2_headers(content.get("Headers"))),
            **dict(_v2_headers(entry.get("ReplacementHeaders"))),
        }
        try:
            message_id = _send_template(
                stored,
                name,
                _merged(
                    content.get("TemplateData") or "",
                    replacement.get("ReplacementTemplateData") or "",
                ),
                request,
                **_v2_envelope(data, entry.get("Destination") or {}),
                operation="SendBulkEmail",
                tags={**default_tags, **sending.checked_tags(entry.get("ReplacementTags") or [])},
                headers=list(headers.items()),
            )
        except SesError as error:
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


def _v2_envelope(data: Mapping[str, Any], destination: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": data.get("FromEmailAddress") or "",
        "to": destination.get("ToAddresses") or [],
        "cc": destination.get("CcAddresses") or [],
        "bcc": destination.get("BccAddresses") or [],
        "reply_to": data.get("ReplyToAddresses") or [],
        "configuration_set": data.get("ConfigurationSetName"),
    }


def _v2_list_management(data: Mapping[str, Any]) -> ListManagement | None:
    options = data.get("ListManagementOptions")
    if not options:
        return None
    return ListManagement(contact_list=options["ContactListName"], topic=options.get("TopicName"))


def _v2_headers(listed: Iterable[Mapping[str, str]] | None) -> list[tuple[str, str]]:
    return [(header["Name"], header["Value"]) for header in listed or ()]


def _v2_template(content: Mapping[str, Any]) -> tuple[Mapping[str, str], str]:
    stored, name, refusal = internals.ses_v2._resolve_send_template(content)
    if refusal is not None:
        code = "TemplateDoesNotExist" if refusal[0] == 404 else "InvalidParameterValue"
        raise SesError(code, str(json.loads(refusal[2]).get("message", "")))
    return stored, name


ROUTES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("POST", r"/outbound-emails"): _send_email_v2,
    ("POST", r"/outbound-bulk-emails"): _send_bulk_email_v2,
}


# --- what both have in common ------------------------------------------------------------------


def _stored_template(name: str) -> Mapping[str, str]:
    stored: Mapping[str, str] | None = internals.ses._templates.get(name)
    if stored is None:
        raise SesError("TemplateDoesNotExist", f"Template {name} does not exist")
    return stored


def _merged(default: str, replacement: str) -> str:
    """Replacement data over default data; rendering refuses what is no JSON object."""
    try:
        both = [json.loads(text) for text in (default, replacement) if text.strip()]
    except ValueError:
        return replacement or default
    if not all(isinstance(each, dict) for each in both):
        return replacement or default
    return json.dumps({key: value for each in both for key, value in each.items()})


def _send_template(
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
        parts = templates.render(
            {part: stored.get(key) or "" for part, key in _PARTS.items()}, data
        )
    except templates.RenderingFailed as failure:
        # SES takes the message nevertheless, and tells of the failure by an event only.
        unrendered = Unrendered(template=name, message=str(failure))
        return _send_parts(Content(subject=""), request, **envelope, unrendered=unrendered)
    content = Content(**parts, headers=headers, attachments=attachments)
    return _send_parts(content, request, **envelope)


def _send_parts(
    content: Content,
    request: Request,
    *,
    source: str,
    to: Sequence[str],
    cc: Sequence[str],
    bcc: Sequence[str],
    reply_to: Sequence[str],
    **more: Any,
) -> str:
    return accept(
        _Submission(
            source=source,
            recipients=[*to, *cc, *bcc],
            to=to,
            cc=cc,
            bcc=bcc,
            raw=sending.compose(content, source=source, to=to, cc=cc, reply_to=reply_to),
            request=request,
            **more,
        )
    )
