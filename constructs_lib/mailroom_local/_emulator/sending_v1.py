"""The operations of SES API v1 that send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mailroom.ses import SENT_BYTES_V1
from mailroom_local._emulator.query import (
    Parameters,
    Request,
    Response,
    members,
    numbered,
    one,
    required,
    result,
)
from mailroom_local._emulator.refusals import record
from mailroom_local._emulator.sending import Submission, accept
from mailroom_local._emulator.sending_parts import (
    merged,
    send_parts,
    send_template,
    stored_template,
)
from mailroom_local._ses_error import SesError
from mailroom_local.mail.content import decoded_raw, normal_lines
from mailroom_local.mail.headers import addressed, header_of, read_headers
from mailroom_local.sending import decisions, refusals
from mailroom_local.sending.compose import Content


def _send_email(parameters: Parameters, request: Request) -> Response:
    for part in ("Subject", "Body.Text", "Body.Html"):
        refusals.check_charset(one(parameters, f"Message.{part}.Charset") or "")
    content = Content(
        subject=one(parameters, "Message.Subject.Data") or "",
        text=one(parameters, "Message.Body.Text.Data") or "",
        html=one(parameters, "Message.Body.Html.Data") or "",
    )
    message_id = send_parts(
        content,
        request,
        **_envelope(parameters),
        operation="SendEmail",
        tags=_tags(parameters, "Tags"),
        max_bytes=SENT_BYTES_V1,
    )
    return _answer("SendEmail", message_id)


def _send_raw_email(parameters: Parameters, request: Request) -> Response:
    raw = decoded_raw(required(parameters, "RawMessage.Data", "rawMessage.data"))
    destinations = members(parameters, "Destinations") or addressed(raw)
    header = read_headers(normal_lines(raw))
    message_id = accept(
        Submission(
            operation="SendRawEmail",
            source=one(parameters, "Source") or header_of(header, "From") or "",
            recipients=destinations,
            to=destinations,
            raw=raw,
            request=request,
            configuration_set=one(parameters, "ConfigurationSetName"),
            tags=_tags(parameters, "Tags"),
            heeds_headers=True,
            max_bytes=SENT_BYTES_V1,
        )
    )
    return _answer("SendRawEmail", message_id)


def _send_templated_email(parameters: Parameters, request: Request) -> Response:
    name = required(parameters, "Template", "template")
    message_id = send_template(
        stored_template(name),
        name,
        one(parameters, "TemplateData") or "",
        request,
        **_envelope(parameters),
        operation="SendTemplatedEmail",
        tags=_tags(parameters, "Tags"),
        max_bytes=SENT_BYTES_V1,
    )
    return _answer("SendTemplatedEmail", message_id)


def _send_bulk_templated_email(parameters: Parameters, request: Request) -> Response:
    name = required(parameters, "Template", "template")
    template = stored_template(name)
    default_data = one(parameters, "DefaultTemplateData") or ""
    # SES checks the default tags, and its events lack them, as users report since 2026-08:
    # https://github.com/boto/boto3/issues/4838
    _tags(parameters, "DefaultTags")
    statuses = []
    for prefix in numbered(parameters, "Destinations"):
        try:
            message_id = send_template(
                template,
                name,
                merged(default_data, one(parameters, f"{prefix}.ReplacementTemplateData") or ""),
                request,
                **_envelope(parameters, f"{prefix}."),
                operation="SendBulkTemplatedEmail",
                tags=_tags(parameters, f"{prefix}.ReplacementTags"),
                max_bytes=SENT_BYTES_V1,
            )
        except SesError as error:
            record("SendBulkTemplatedEmail", *envelope_of(parameters), error)
            statuses.append({"Status": error.code, "Error": error.message})
        else:
            statuses.append({"Status": "Success", "MessageId": message_id})
    return result("SendBulkTemplatedEmail", {"Status": statuses})


def envelope_of(parameters: Parameters) -> tuple[str, list[str]]:
    """From whom and to whom a call is, as far as its parameters say."""
    to, cc, bcc = (
        members(parameters, f"Destination.{kind}Addresses") for kind in ("To", "Cc", "Bcc")
    )
    listed = members(parameters, "Destinations") if "RawMessage.Data" in parameters else []
    return one(parameters, "Source") or "", [*to, *cc, *bcc, *listed]


def _envelope(parameters: Parameters, prefix: str = "") -> dict[str, Any]:
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


def _tags(parameters: Parameters, key: str) -> dict[str, str]:
    return decisions.checked_tags(
        {field: one(parameters, f"{prefix}.{field}") or "" for field in ("Name", "Value")}
        for prefix in numbered(parameters, key)
    )


def _answer(operation: str, message_id: str) -> Response:
    return result(operation, {"MessageId": message_id})


OPERATIONS: Mapping[str, Callable[[Parameters, Request], Response]] = {
    "SendBulkTemplatedEmail": _send_bulk_templated_email,
    "SendEmail": _send_email,
    "SendRawEmail": _send_raw_email,
    "SendTemplatedEmail": _send_templated_email,
}
