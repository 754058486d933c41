"""Mail Manager's API: JSON 1.0, which is signed for ``ses`` as the other APIs of SES are."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway import (
    addons,
    address_lists,
    archives,
    import_jobs,
    points,
    relays,
    removal,
    rule_sets,
    searches,
    tags,
    traffic_policies,
)
from mailroom_local._emulator.gateway.model import Refused, check, known
from mailroom_local._emulator.query import Response

_log = logging.getLogger("mailroom")

TARGET = "MailManagerSvc."

OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    **addons.OPERATIONS,
    **address_lists.OPERATIONS,
    **archives.OPERATIONS,
    **import_jobs.OPERATIONS,
    **points.OPERATIONS,
    **relays.OPERATIONS,
    **removal.OPERATIONS,
    **rule_sets.OPERATIONS,
    **searches.OPERATIONS,
    **tags.OPERATIONS,
    **traffic_policies.OPERATIONS,
}

# What an operation asks permission on: a table for what a member names by its id.
_BY_ID: Mapping[str, Any] = {table.id_name: table for table in removal.TABLES}
_ON_EVERYTHING = frozenset({"ListArchiveExports", "ListArchiveSearches"})

# The answers of calls with a ClientToken, which may be repeated.
_answers: Any = internals.responses.AccountRegionScopedDict()


def clear() -> None:
    """Forget the answers that may be repeated."""
    _answers.clear()


def target(headers: Any) -> str | None:
    """The operation that a request asks of Mail Manager, or None if it is for another API."""
    for name, value in headers.items():
        if name.lower() == "x-amz-target" and value.startswith(TARGET):
            return str(value.removeprefix(TARGET))
    return None


def answer(operation: str, headers: Any, body: bytes, query_params: Any) -> Response:
    """The answer to a request."""
    try:
        content = _called(operation, headers, body, query_params)
    except Refused as error:
        found = {"__type": error.code, "Message": error.message}
        return _response(400, found)
    except Exception:
        _log.exception("%s failed", operation)
        failure = {"__type": "InternalServerException", "Message": "Internal failure"}
        return _response(500, failure)
    return _response(200, content)


def call(operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation answers to this input."""
    _check(operation, given)
    present = {key: value for key, value in given.items() if value is not None}
    return known(operation, OPERATIONS[operation](present))


def _check(operation: str, given: Mapping[str, Any]) -> None:
    if operation not in OPERATIONS:
        raise Refused("UnknownOperationException", f"There is no operation {operation}.")
    check(operation, given)


def _called(operation: str, headers: Any, body: bytes, query_params: Any) -> dict[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise Refused("SerializationException", "The body is not JSON.") from None
    if not isinstance(given, dict):
        raise Refused("SerializationException", "The body is not a JSON object.")
    if internals.app.AUTH:
        # What permission is asked on follows from a well-formed input.
        _check(operation, given)
        _authorize(operation, given, headers, query_params)
    token = given.get("ClientToken")
    if token is None:
        return call(operation, given)
    key = json.dumps([operation, token])
    if key not in _answers:
        _answers[key] = (given, call(operation, given))
    repeated, found = _answers[key]
    if repeated != given:
        raise Refused("ConflictException", "The ClientToken was used with another input.")
    return dict(found)


def _authorize(operation: str, given: Mapping[str, Any], headers: Any, query_params: Any) -> None:
    asked: list[tuple[str, str, dict[str, str]]] = [
        (f"ses:{operation}", _resource(operation, given), {})
    ]
    if operation in ("CreateRuleSet", "UpdateRuleSet"):
        context = {"iam:PassedToService": "ses.amazonaws.com"}
        asked += [("iam:PassRole", role, context) for role in sorted(rule_sets.roles(given))]
    if operation.startswith("Create") and given.get("Tags"):
        asked.append(("ses:TagResource", asked[0][1], {}))
    for action, resource, context in asked:
        refusal = internals.app.enforce_data_plane(
            "sesv2",
            action,
            headers,
            query_params,
            str(uuid.uuid4()),
            resource_arn=resource,
            service_context=context,
            named_resource=resource,
        )
        if refusal is not None:
            found = re.search(rb'"[mM]essage": *"((?:[^"\\]|\\.)*)', refusal[2])
            text = found[1].decode() if found else f"not authorized to perform {action}"
            raise Refused("AccessDeniedException", text)


def _resource(operation: str, given: Mapping[str, Any]) -> str:
    """The ARN that permission is asked on.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_mailmanager.html
    """
    if operation in _ON_EVERYTHING:
        return "*"
    if arn := given.get("ResourceArn"):
        return str(arn)
    own = operation.removeprefix("Create")
    if operation.startswith("Create") and f"{own}Id" in _BY_ID:
        return str(_BY_ID[f"{own}Id"].arn("*"))
    try:
        if named := given.get("JobId"):
            given = {"AddressListId": import_jobs.list_id(str(named))}
        elif named := given.get("ArchivedMessageId"):
            given = {"ArchiveId": archives.message(str(named)).archive_id}
        elif named := given.get("SearchId"):
            given = {"ArchiveId": searches.archive_id("search", str(named))}
        elif named := given.get("ExportId"):
            given = {"ArchiveId": searches.archive_id("export", str(named))}
    except Refused:
        # Whoever may not use the archive or list does not learn what exists in it.
        kind = "AddressListId" if "JobId" in given else "ArchiveId"
        given = {kind: "*"}
    for name in ("AddressListId", "ArchiveId", *_BY_ID):
        if named := given.get(name):
            return str(_BY_ID[name].arn(named))
    return "*"


def _response(status: int, content: Mapping[str, Any]) -> Response:
    # ministack adds its own headers to these.
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    return status, headers, json.dumps(content, ensure_ascii=False).encode()
