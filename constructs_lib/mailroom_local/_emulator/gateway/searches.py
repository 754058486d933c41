"""Searches in archives, and exports from them; both end before their call does.

https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_StartArchiveSearch.html
https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_StartArchiveExport.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway import archives
from mailroom_local._emulator.gateway.archives import Archived
from mailroom_local._emulator.gateway.model import Refused, invalid
from mailroom_local._emulator.gateway.store import now, page
from mailroom_local._emulator.policies import Service

# https://docs.aws.amazon.com/ses/latest/dg/eb-archiving.html
SEARCHED_SECONDS = 30 * 24 * 3600
EXPORTED = 250_000

_searches: Any = internals.responses.AccountRegionScopedDict()
_exports: Any = internals.responses.AccountRegionScopedDict()


def clear() -> None:
    """Forget everything."""
    _searches.clear()
    _exports.clear()


def archive_id(kind: str, own_id: str) -> str:
    """The archive of a search or of an export."""
    found: str = _get(_searches if kind == "search" else _exports, kind, own_id)["ArchiveId"]
    return found


def _start_search(given: Mapping[str, Any]) -> dict[str, Any]:
    archives.accessible(given["ArchiveId"])
    begin, end = _period(given)
    if end - begin > SEARCHED_SECONDS:
        raise invalid("A search covers at most 30 days.")
    found = _matching(given)[: given["MaxResults"]]
    own_id = str(uuid.uuid4())
    _searches[own_id] = {**_asked(given), "id": own_id, "rows": [_row(each) for each in found]}
    return {"SearchId": own_id}


def _results(given: Mapping[str, Any]) -> dict[str, Any]:
    found = _get(_searches, "search", given["SearchId"])
    archives.accessible(found["ArchiveId"])
    return {"Rows": found["rows"]}


def _start_export(given: Mapping[str, Any]) -> dict[str, Any]:
    archive = archives.accessible(given["ArchiveId"])
    _period(given)
    location = str((given["ExportDestinationConfiguration"].get("S3") or {}).get("S3Location"))
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    export = {**_asked(given), "id": str(uuid.uuid4())}
    export["ExportDestinationConfiguration"] = given["ExportDestinationConfiguration"]
    try:
        found = _matching(given)[: given.get("MaxResults") or EXPORTED]
        _write(archive.arn, bucket, prefix.rstrip("/"), found, bool(given.get("IncludeMetadata")))
    except Refused as error:
        export["Status"] = {
            **export["Status"],
            "State": "FAILED",
            "ErrorMessage": error.message,
        }
    _exports[export["id"]] = export
    return {"ExportId": export["id"]}


def _write(arn: str, bucket: str, prefix: str, found: list[Archived], metadata: bool) -> None:
    service = Service("ses.amazonaws.com", arn)
    if bucket not in internals.s3.buckets:
        raise invalid(f"The bucket {bucket} does not exist.")
    for each in found:
        key = "/".join(part for part in (prefix, f"{each.id}.eml") if part)
        policy = internals.s3.bucket_policies.get(bucket)
        if service.decision("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", policy) != "Allow":
            raise invalid(f"Amazon SES has no permission for s3:PutObject on {bucket}/{key}.")
        internals.s3.put_object(bucket, key, each.raw, {})
        if metadata:
            content = {"Envelope": each.envelope, "Metadata": each.metadata}
            body = json.dumps(content).encode()
            internals.s3.put_object(bucket, key.removesuffix(".eml") + ".json", body, {})


def _stop(stored: Any, kind: str, own_id: str) -> dict[str, Any]:
    _get(stored, kind, own_id)
    return {}


def _asked(given: Mapping[str, Any]) -> dict[str, Any]:
    begin, end = _period(given)
    at = now()
    return {
        "ArchiveId": given["ArchiveId"],
        "Filters": given.get("Filters"),
        "FromTimestamp": begin,
        "ToTimestamp": end,
        "MaxResults": given.get("MaxResults"),
        "Status": {"SubmissionTimestamp": at, "CompletionTimestamp": at, "State": "COMPLETED"},
    }


def _period(given: Mapping[str, Any]) -> tuple[float, float]:
    begin, end = (_seconds(given[name]) for name in ("FromTimestamp", "ToTimestamp"))
    if begin > end:
        raise invalid("FromTimestamp is after ToTimestamp.")
    return begin, end


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise Refused("SerializationException", f"{value} is not a time.") from None
    return value.timestamp() if isinstance(value, datetime) else float(value)


def _matching(given: Mapping[str, Any]) -> list[Archived]:
    begin, end = _period(given)
    filters = given.get("Filters") or {}
    return [
        each
        for each in archives.messages(given["ArchiveId"])
        if begin <= each.received <= end
        and all(_matches(condition, each) for condition in filters.get("Include") or ())
        and not any(_matches(condition, each) for condition in filters.get("Unless") or ())
    ]


def _matches(condition: Mapping[str, Any], message: Archived) -> bool:
    if expression := condition.get("BooleanExpression"):
        wanted: bool = expression["Operator"] == "IS_TRUE"
        return message.has_attachments == wanted
    expression = condition["StringExpression"]
    attribute = expression["Evaluate"]["Attribute"]
    text = {
        "ENVELOPE_FROM": message.mail_from,
        "ENVELOPE_TO": ", ".join(message.rcpt_tos),
    }.get(attribute)
    if text is None:
        text = ", ".join(message.fields(attribute))
    return any(value.lower() in text.lower() for value in expression["Values"])


def _row(message: Archived) -> dict[str, Any]:
    texts = {
        "Date": "Date",
        "To": "To",
        "From": "From",
        "Cc": "Cc",
        "Subject": "Subject",
        "MessageId": "Message-ID",
        "InReplyTo": "In-Reply-To",
        "XMailer": "X-Mailer",
        "XOriginalMailer": "X-Original-Mailer",
        "XPriority": "X-Priority",
    }
    row: dict[str, Any] = {
        "ArchivedMessageId": message.id,
        "ReceivedTimestamp": round(message.received, 3),
        "HasAttachments": message.has_attachments,
        "ReceivedHeaders": message.fields("Received"),
        "Envelope": message.envelope,
    }
    row |= {key: text for key, name in texts.items() if (text := ", ".join(message.fields(name)))}
    names = ("IngressPointId", "SenderHostname", "SenderIpAddress", "SourceArn")
    return row | {name: message.metadata[name] for name in names if name in message.metadata}


def _get(stored: Any, kind: str, own_id: str) -> dict[str, Any]:
    found: dict[str, Any] | None = stored.get(own_id)
    if found is None:
        raise invalid(f"The {kind} {own_id} does not exist.")
    return found


def _listed(stored: Any, key: str, id_name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    archives.table.get(given["ArchiveId"])
    found = [each for each in stored.values() if each["ArchiveId"] == given["ArchiveId"]]
    return page(given, key, found, each=lambda one: {id_name: one["id"], "Status": one["Status"]})


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "GetArchiveExport": lambda given: _get(_exports, "export", given["ExportId"]),
    "GetArchiveSearch": lambda given: _get(_searches, "search", given["SearchId"]),
    "GetArchiveSearchResults": _results,
    "ListArchiveExports": lambda given: _listed(_exports, "Exports", "ExportId", given),
    "ListArchiveSearches": lambda given: _listed(_searches, "Searches", "SearchId", given),
    "StartArchiveExport": _start_export,
    "StartArchiveSearch": _start_search,
    "StopArchiveExport": lambda given: _stop(_exports, "export", given["ExportId"]),
    "StopArchiveSearch": lambda given: _stop(_searches, "search", given["SearchId"]),
}
