"""Permission to send."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from email import message_from_bytes
from email.utils import parseaddr
from typing import Any

from mailroom_local import sending
from mailroom_local._emulator import internals
from mailroom_local._emulator.query import Parameters, Response, members, numbered, one
from mailroom_local.receiving import read_headers

_ACTIONS = {
    "/v2/email/outbound-emails": "ses:SendEmail",
    "/v2/email/outbound-bulk-emails": "ses:SendBulkEmail",
}

_V1_ACTIONS = ("SendBulkTemplatedEmail", "SendEmail", "SendRawEmail", "SendTemplatedEmail")

_original: Callable[..., Response | None] = internals.app._enforce_ses_v2
_original_extract: Callable[..., str | None] = internals.actions.extract_iam_action


def extract_iam_action(
    service: str, method: str, path: str, headers: Any, body: bytes, *others: Any, **more: Any
) -> str | None:
    """The action that the gateway itself asks permission for.

    None for what API v1 sends: the gateway would ask for it on ``*``, :func:`refuse_v1` does on
    what SES asks it for.
    """
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
        raw = sending.normal_lines(sending.decoded_raw(data))
        found = read_headers(raw)
        source = source or sending.header_of(found, "From")
        configuration_set = configuration_set or sending.header_of(
            found, sending.CONFIGURATION_SET_HEADER
        )
        recipients = recipients or sending.addressed(raw)
    return _refusal(
        "ses",
        f"ses:{operation}",
        source=source or "",
        # What a bulk call lists there are structures, not addresses.
        recipients=[recipient for recipient in recipients if recipient],
        configuration_set=configuration_set,
        headers=headers,
        query_params=query_params,
        request_id="",
    )


def enforce_ses_v2(
    method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
) -> Response | None:
    """The refusal of a call, if permissions are enforced and the caller has none for it."""
    action = _ACTIONS.get(path)
    if not internals.app.AUTH or method != "POST" or action is None:
        return _original(method, path, headers, body, query_params, request_id)
    try:
        request = json.loads(body)
    except ValueError:
        return None
    entries = [request, *(request.get("BulkEmailEntries") or [])]
    destinations = [
        listed for entry in entries for listed in (entry.get("Destination") or {}).values()
    ]
    return _refusal(
        "sesv2",
        action,
        source=str(request.get("FromEmailAddress") or _raw_sender(request)),
        recipients=[recipient for listed in destinations for recipient in listed],
        configuration_set=request.get("ConfigurationSetName"),
        headers=headers,
        query_params=query_params,
        request_id=request_id,
    )


def _refusal(
    service: str,
    action: str,
    *,
    source: str,
    recipients: Sequence[str],
    configuration_set: str | None,
    headers: Any,
    query_params: Any,
    request_id: str,
) -> Response | None:
    """Ask for the action where SES does.

    ministack asks for it on ``*`` and without condition keys. SES asks for it on the identity that
    the message is sent from, and on the configuration set too.
    """
    display, address = parseaddr(source)
    domain = address.rpartition("@")[2]
    known = address in internals.ses._identities or address in internals.ses_v2._identities
    resources = [f"identity/{address if known else domain}"]
    if configuration_set:
        resources.append(f"configuration-set/{configuration_set}")
    context = {
        "ses:FromAddress": address,
        "ses:FromDisplayName": display,
        "ses:Recipients": list(recipients),
    }
    scope = f"arn:aws:ses:{internals.responses.get_region()}:{internals.responses.get_account_id()}"
    for resource in resources:
        refusal: Response | None = internals.app._enforce_data_plane(
            service,
            action,
            headers,
            query_params,
            request_id,
            resource_arn=f"{scope}:{resource}",
            service_context=context,
            named_resource=f"{scope}:{resource}",
        )
        if refusal is not None:
            return refusal
    return None


def _raw_sender(request: Mapping[str, Any]) -> str:
    data = ((request.get("Content") or {}).get("Raw") or {}).get("Data", "")
    return str(message_from_bytes(base64.b64decode(data)).get("From", ""))
