"""Import jobs: many addresses for a list, in one file.

https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateAddressListImportJob.html
"""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway import address_lists, links
from mailroom_local._emulator.gateway.model import Refused
from mailroom_local._emulator.gateway.store import now, page

_jobs: Any = internals.responses.AccountRegionScopedDict()


def clear() -> None:
    """Forget everything."""
    _jobs.clear()


def list_id(job_id: str) -> str:
    """The address list of a job."""
    found: str = _get(job_id)["AddressListId"]
    return found


def _create(given: Mapping[str, Any]) -> dict[str, Any]:
    address_lists.table.get(given["AddressListId"])
    job_id = str(uuid.uuid4())
    url = links.upload(job_id)
    _jobs[job_id] = {
        "JobId": job_id,
        "Name": given["Name"],
        "Status": "CREATED",
        "PreSignedUrl": url,
        "ImportDataFormat": given["ImportDataFormat"],
        "AddressListId": given["AddressListId"],
        "CreatedTimestamp": now(),
    }
    return {"JobId": job_id, "PreSignedUrl": url}


def _start(given: Mapping[str, Any]) -> dict[str, Any]:
    job = _get(given["JobId"])
    if job["Status"] != "CREATED":
        raise Refused("ConflictException", f"The import job is {job['Status']}, not CREATED.")
    uploaded = links.uploaded(job["PreSignedUrl"])
    _jobs[job["JobId"]] = {**job, "StartTimestamp": now(), **_run(job, uploaded)}
    return {}


def _stop(given: Mapping[str, Any]) -> dict[str, Any]:
    job = _get(given["JobId"])
    if job["Status"] not in ("CREATED", "PROCESSING"):
        raise Refused("ConflictException", f"The import job is {job['Status']} already.")
    _jobs[job["JobId"]] = {**job, "Status": "STOPPED", "CompletedTimestamp": now()}
    return {}


def _run(job: Mapping[str, Any], uploaded: bytes | None) -> dict[str, Any]:
    """Import the file; what its job then says."""
    ended: dict[str, Any] = {"CompletedTimestamp": now(), "Status": "FAILED"}
    if uploaded is None:
        return {**ended, "Error": "No file was uploaded to the URL of the job."}
    try:
        read = _csv if job["ImportDataFormat"]["ImportDataType"] == "CSV" else _json
        addresses = read(uploaded.decode("utf-8-sig"))
    except ValueError as error:
        return {**ended, "Error": f"The file cannot be read: {error}"}
    good = [address for address in addresses if address_lists.acceptable(address)]
    try:
        address_lists.add(address_lists.table.get(job["AddressListId"]), good)
    except Refused as error:
        return {**ended, "Error": error.message}
    counts = {"ImportedItemsCount": len(good), "FailedItemsCount": len(addresses) - len(good)}
    return {**ended, **counts, "Status": "COMPLETED"}


def _csv(text: str) -> list[Any]:
    rows = csv.DictReader(io.StringIO(text))
    if "address" not in (rows.fieldnames or ()):
        raise ValueError("its first line must name the column address")
    return [row["address"] for row in rows]


def _json(text: str) -> list[Any]:
    content = json.loads(text)
    items = content.get("items") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise ValueError('it must be an object with "items", a list of objects with "address"')
    return [item.get("address") if isinstance(item, dict) else None for item in items]


def _get(job_id: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _jobs.get(job_id)
    if found is None:
        raise Refused("ResourceNotFoundException", f"The import job {job_id} does not exist.")
    return found


def _list(given: Mapping[str, Any]) -> dict[str, Any]:
    address_lists.table.get(given["AddressListId"])
    jobs = [job for job in _jobs.values() if job["AddressListId"] == given["AddressListId"]]
    return page(given, "ImportJobs", jobs)


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateAddressListImportJob": _create,
    "GetAddressListImportJob": lambda given: _get(given["JobId"]),
    "ListAddressListImportJobs": _list,
    "StartAddressListImportJob": _start,
    "StopAddressListImportJob": _stop,
}
