"""The parameters of the SES query API, and its answers."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from mailroom_local._emulator import internals
from mailroom_local._ses_error import SesError
from mailroom_local.receiving import rules

Response = tuple[int, dict[str, str], bytes]
Parameters = dict[str, list[str]]

_TRACE = "x-amzn-trace-id"
_TRACE_ROOT = re.compile(r"Root=([0-9a-zA-Z-]+)")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who calls an operation, and from where."""

    caller: str
    client_address: str
    trace: str | None = None
    """The invocation of a function that made the call."""

    @classmethod
    def of(cls, headers: Any, query_params: Any) -> Request:
        """The request that the gateway is serving."""
        arn: str = internals.policies.request_caller_arn(headers, query_params)
        # arn:aws:iam::ACCOUNT:root, …:user/NAME, …:assumed-role/ROLE/SESSION
        parts = arn.rpartition(":")[2].split("/")
        return cls(
            caller=parts[1] if len(parts) > 1 else parts[0],
            client_address=str(internals.responses.get_request_client_ip()),
            trace=trace_root(next((v for k, v in headers.items() if k.lower() == _TRACE), "")),
        )


def trace_root(header: str) -> str | None:
    """What identifies an invocation in its ``X-Amzn-Trace-Id``."""
    found = _TRACE_ROOT.search(header)
    return found[1] if found else None


def one(parameters: Parameters, key: str) -> str | None:
    values = parameters.get(key)
    return values[0] if values else None


def required(parameters: Parameters, key: str, field: str) -> str:
    value = one(parameters, key)
    if not value:
        raise rules.invalid(field, "Member must not be null")
    return value


def count(parameters: Parameters, key: str) -> int:
    prefix = f"{key}.member."
    numbers = {
        name.removeprefix(prefix).split(".")[0] for name in parameters if name.startswith(prefix)
    }
    return len(numbers)


def members(parameters: Parameters, key: str) -> list[str]:
    return [
        one(parameters, f"{key}.member.{number}") or ""
        for number in range(1, count(parameters, key) + 1)
    ]


def result(operation: str, content: Mapping[str, Any] | None = None) -> Response:
    """An answer of API v1."""
    inner = _element(f"{operation}Result", content or {})
    if _NOT_XML.search(inner):
        return v1_error(SesError("InternalFailure", ""))
    end = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    return _xml(200, f"{operation}Response", inner + end)


class Entries(dict[str, Any]):
    """A map whose keys are the caller's, such as names of identities."""


def iso_now() -> str:
    """The time as SES writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _element(name: str, value: Any) -> str:
    if isinstance(value, Entries):
        pairs = ({"key": key, "value": each} for key, each in value.items())
        inner = "".join(_element("entry", pair) for pair in pairs)
    elif isinstance(value, Mapping):
        inner = "".join(_element(key, each) for key, each in value.items())
    elif isinstance(value, list):
        inner = "".join(_element("member", each) for each in value)
    else:
        inner = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{inner}</{name}>"


def _xml(status: int, name: str, inner: str) -> Response:
    body = f'<{name} xmlns="http://ses.amazonaws.com/doc/2010-12-01/">{inner}</{name}>'
    return status, {"Content-Type": "application/xml"}, body.encode(errors="replace")


def raise_for(response: Response | None) -> None:
    """Raise the error that one of ministack's own answers carries."""
    if response is None or response[0] < 400:
        return
    root = ElementTree.fromstring(response[2])  # noqa: S314  # ministack wrote it just now
    texts = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
    raise SesError(texts.get("Code", "InternalFailure"), texts.get("Message", ""))


def numbered(parameters: Parameters, key: str) -> list[str]:
    """The prefixes of a list of structures: ``KEY.member.1`` and so on."""
    return [f"{key}.member.{number}" for number in range(1, count(parameters, key) + 1)]


# What API v2 calls an error that is named here as API v1 names it.
_V2_CODES = {
    "AccessDeniedException": ("AccessDeniedException", 403),
    "AlreadyExists": ("AlreadyExistsException", 400),
    "ConfigurationSetDoesNotExist": ("NotFoundException", 404),
    "ConfigurationSetSendingPausedException": ("SendingPausedException", 400),
    "InternalFailure": ("InternalServiceErrorException", 500),
    "LimitExceeded": ("LimitExceededException", 400),
    "MessageRejected": ("MessageRejected", 400),
    "NotFound": ("NotFoundException", 404),
    "TemplateDoesNotExist": ("NotFoundException", 404),
}


def answer(content: dict[str, Any] | None = None) -> Response:
    """An answer of API v2."""
    body = json.dumps(content or {}, ensure_ascii=False)
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, body.encode()


def v1_error(error: SesError) -> Response:
    """An error as API v1 answers it."""
    internal = error.code == "InternalFailure"
    status, whose = (500, "Receiver") if internal else (400, "Sender")
    described = {"Type": whose, "Code": error.code, "Message": error.message}
    inner = _element("Error", described) + _element("RequestId", uuid.uuid4())
    return _xml(status, "ErrorResponse", inner)


def v2_error(error: SesError) -> Response:
    """An error as API v2 answers it."""
    code, status = _V2_CODES.get(error.code, ("BadRequestException", 400))
    body = json.dumps({"message": error.message, "name": code})
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code}
    return status, headers, body.encode()
