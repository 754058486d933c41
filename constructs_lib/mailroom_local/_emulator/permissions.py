"""Permission to send."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any
from xml.sax.saxutils import unescape

from mailroom.ses import CONFIGURATION_SET_HEADER, TENANT_HEADER
from mailroom_local._emulator import internals, refusals
from mailroom_local._emulator.parts import GATEWAY
from mailroom_local._emulator.query import Parameters, Response, members, numbered, one
from mailroom_local.mail.content import decoded_raw, normal_lines
from mailroom_local.mail.headers import addressed, header_of, mailboxes, read_headers
from mailroom_local.sending.credentials import Caller

_SEND, _SEND_BULK = "/v2/email/outbound-emails", "/v2/email/outbound-bulk-emails"

_V1_ACTIONS = ("SendBulkTemplatedEmail", "SendEmail", "SendRawEmail", "SendTemplatedEmail")

_original: Callable[..., Response | None] = internals.app.enforce_ses_v2
_original_extract: Callable[..., str | None] = internals.actions.extract_iam_action


def extract_iam_action(
    service: str, method: str, path: str, headers: Any, body: bytes, *others: Any, **more: Any
) -> str | None:
    """The action that the gateway itself asks permission for.

    None for what API v1 sends: the gateway would ask for it on ``*``, :func:`refuse_v1` does on
    what SES asks it for. None for Mail Manager, which asks by itself.
    """
    if service == "ses" and GATEWAY and GATEWAY.target(headers) is not None:
        return None
    action = _original_extract(service, method, path, headers, body, *others, **more)
    v1_send = service == "ses" and action in {f"ses:{name}" for name in _V1_ACTIONS}
    return None if v1_send and not path.startswith("/v2/") else action


def refuse_v1(
    operation: str, parameters: Parameters, headers: Any, query_params: Any
) -> Response | None:
    """The refusal of a call that sends by API v1, if the caller has no permission for it."""
    if not internals.app.AUTH:
        return None
    source, configuration_set = one(parameters, "Source"), one(parameters, "ConfigurationSetName")
    recipients = members(parameters, "Destinations")
    for prefix in ("", *(f"{entry}." for entry in numbered(parameters, "Destinations"))):
        for kind in ("To", "Cc", "Bcc"):
            recipients += members(parameters, f"{prefix}Destination.{kind}Addresses")
    if data := one(parameters, "RawMessage.Data"):
        raw = normal_lines(decoded_raw(data))
        found = read_headers(raw)
        source = source or header_of(found, "From")
        configuration_set = configuration_set or header_of(found, CONFIGURATION_SET_HEADER)
        recipients = recipients or addressed(raw)
    return _refusal(
        "ses",
        [f"ses:{operation}"],
        source=source or "",
        # What a bulk call lists there are structures, not addresses.
        recipients=[recipient for recipient in recipients if recipient],
        configuration_set=configuration_set,
        template=one(parameters, "Template"),
        headers=headers,
        query_params=query_params,
        request_id="",
    )


def refuse_submission(
    caller: Caller, raw: bytes, *, mail_from: str, rcpt_tos: Sequence[str], region: str
) -> str | None:
    """What SMTP submission is refused with, if the IAM user has no permission for the message.

    API v1 requires this permission for raw mail.
    """
    if not internals.app.AUTH or caller.access_key is None:
        return None
    header = read_headers(normal_lines(raw))
    scope = f"Credential={caller.access_key}/19700101/{region}/ses/aws4_request"
    refusal = _refusal(
        "ses",
        ["ses:SendRawEmail"],
        source=header_of(header, "From") or mail_from,
        recipients=rcpt_tos,
        configuration_set=header_of(header, CONFIGURATION_SET_HEADER),
        template=None,
        headers={"authorization": f"AWS4-HMAC-SHA256 {scope}"},
        query_params={},
        request_id="",
        tenant=header_of(header, TENANT_HEADER),
    )
    if refusal is None:
        return None
    found = re.search(rb"<Message>(.*?)</Message>", refusal[2], re.DOTALL)
    return unescape(found[1].decode()) if found else "Access denied"


def enforce_ses_v2(
    method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
) -> Response | None:
    """The refusal of a call, if permissions are enforced and the caller has none for it."""
    if not internals.app.AUTH or method != "POST" or path not in (_SEND, _SEND_BULK):
        return _original(method, path, headers, body, query_params, request_id)
    try:
        request = json.loads(body)
    except ValueError:
        return None
    actions, content = _v2_actions(path, request)
    entries = [request, *(request.get("BulkEmailEntries") or [])]
    destinations = [
        listed for entry in entries for listed in (entry.get("Destination") or {}).values()
    ]
    source = str(request.get("FromEmailAddress") or _raw_sender(request))
    recipients = [recipient for listed in destinations for recipient in listed or ()]
    refusal = _refusal(
        "sesv2",
        actions,
        source=source,
        recipients=recipients,
        configuration_set=request.get("ConfigurationSetName"),
        template=(content.get("Template") or {}).get("TemplateName"),
        headers=headers,
        query_params=query_params,
        request_id=request_id,
        tenant=request.get("TenantName"),
        endpoint_id=request.get("EndpointId"),
        tracking=(request.get("ConfigurationOverrides") or {}).get("Tracking"),
    )
    if refusal is not None:
        refusals.denied(actions[0].removeprefix("ses:"), source, recipients, refusal)
    return refusal


def _v2_actions(path: str, request: Mapping[str, Any]) -> tuple[Sequence[str], Mapping[str, Any]]:
    """The actions that a call of API v2 needs, and its content.

    Raw and templated content needs what API v1 calls it; a bulk call both names.
    https://github.com/anymail/django-anymail/issues/384
    """
    if path == _SEND_BULK:
        actions = ["ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"]
        return actions, request.get("DefaultContent") or {}
    content = request.get("Content") or {}
    for kind, action in (("Raw", "ses:SendRawEmail"), ("Template", "ses:SendTemplatedEmail")):
        if content.get(kind):
            return [action], content
    return ["ses:SendEmail"], content


def _refusal(
    service: str,
    actions: Sequence[str],
    *,
    source: str,
    recipients: Sequence[str],
    configuration_set: str | None,
    template: str | None,
    headers: Any,
    query_params: Any,
    request_id: str,
    tenant: str | None = None,
    endpoint_id: str | None = None,
    tracking: Mapping[str, str] | None = None,
) -> Response | None:
    """Ask for the actions where SES does.

    ministack asks for one on ``*`` and without condition keys. SES asks on the identity that the
    message is sent from, on the configuration set and on the stored template; and for what a call
    says of tracking on ``*``.
    """
    display, address = (*mailboxes([source]), ("", ""))[0]
    domain = address.rpartition("@")[2]
    known = address in internals.ses.identities or address in internals.ses_v2.identities
    resources = [f"identity/{address if known else domain}"]
    if configuration_set:
        resources.append(f"configuration-set/{configuration_set}")
    if template:
        resources.append(f"template/{template}")
    context: dict[str, Any] = {}
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_sesv2.html
    if "ses:SendBulkEmail" not in actions:
        context = {
            "ses:FromAddress": address,
            "ses:FromDisplayName": display,
            "ses:Recipients": list(recipients),
        }
    if tenant:
        context["ses:TenantName"] = tenant
    if endpoint_id:
        context["ses:MultiRegionEndpointId"] = endpoint_id
    scope = f"arn:aws:ses:{internals.responses.get_region()}:{internals.responses.get_account_id()}"
    asked = [(action, f"{scope}:{resource}") for action, resource in product(actions, resources)]
    if tracking:
        asked.append(("ses:ApplyTrackingConfigurationOverrides", "*"))
        context |= {f"ses:{name}": value for name, value in tracking.items()}
    for action, arn in asked:
        refusal: Response | None = internals.app.enforce_data_plane(
            service,
            action,
            headers,
            query_params,
            request_id,
            resource_arn=arn,
            service_context=context,
            named_resource=arn,
        )
        if refusal is not None:
            return refusal
    return None


def _raw_sender(request: Mapping[str, Any]) -> str:
    data = ((request.get("Content") or {}).get("Raw") or {}).get("Data", "")
    return header_of(read_headers(normal_lines(decoded_raw(data))), "From") or ""
