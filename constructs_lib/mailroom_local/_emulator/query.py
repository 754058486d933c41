"""The parameters of the SES query API, and its answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from mailroom_local._emulator import internals
from mailroom_local._ses_error import SesError

Response = tuple[int, dict[str, str], bytes]
Parameters = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who calls an operation, and from where."""

    caller: str
    client_address: str

    @classmethod
    def of(cls, headers: Any, query_params: Any) -> Request:
        """The request that the gateway is serving."""
        arn: str = internals.policies.request_caller_arn(headers, query_params)
        # arn:aws:iam::ACCOUNT:root, …:user/NAME, …:assumed-role/ROLE/SESSION
        parts = arn.rpartition(":")[2].split("/")
        return cls(
            caller=parts[1] if len(parts) > 1 else parts[0],
            client_address=str(internals.responses.get_request_client_ip()),
        )


def one(parameters: Parameters, key: str) -> str | None:
    values = parameters.get(key)
    return values[0] if values else None


def required(parameters: Parameters, key: str, field: str) -> str:
    value = one(parameters, key)
    if not value:
        raise SesError(
            "ValidationError",
            f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
            "Member must not be null",
        )
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


def done(operation: str) -> Response:
    response: Response = internals.ses.receipt_result(operation)
    return response


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
    response: Response = internals.responses.json_response(content or {})
    return response


def v1_error(error: SesError) -> Response:
    """An error as API v1 answers it."""
    internal = error.code == "InternalFailure"
    status, whose = (500, "Receiver") if internal else (400, "Sender")
    response: Response = internals.ses.error(error.code, error.message, status, whose)
    return response


def v2_error(error: SesError) -> Response:
    """An error as API v2 answers it."""
    code, status = _V2_CODES.get(error.code, ("BadRequestException", 400))
    response: Response = internals.ses_v2.json_err(code, error.message, status)
    return response
