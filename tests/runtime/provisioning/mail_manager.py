"""Address lists of Mail Manager in memory, with import jobs that take a few looks to end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

__all__ = ["FakeLists"]


class _Refused(ClientError):
    def __init__(self, text: str) -> None:
        code = type(self).__name__.lstrip("_")
        super().__init__({"Error": {"Code": code, "Message": text}}, "op")


class ResourceNotFoundException(_Refused):
    pass


class ConflictException(_Refused):
    pass


class FakeLists:
    """Lists by id; *page* members are shown at once, and addresses in *refused* never imported."""

    exceptions = SimpleNamespace(
        ResourceNotFoundException=ResourceNotFoundException, ConflictException=ConflictException
    )

    def __init__(self, *, page: int = 1000) -> None:
        self.lists: dict[str, dict[str, str]] = {}
        self.created: dict[tuple[str, str], datetime] = {}
        self._now = datetime(2026, 1, 1, tzinfo=UTC)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.page = page
        self.refused: set[str] = set()
        self.ends_as = "COMPLETED"
        self.looks = 2

    def members(self, address_list_id: str) -> set[str]:
        """Return who is in a list."""
        return set(self.lists[address_list_id].values())

    def put(self, address_list_id: str, *addresses: str) -> None:
        """Add members by hand."""
        for one in addresses:
            if self.lists[address_list_id].setdefault(one.lower(), one) is one:
                self.created[address_list_id, one] = self.now()

    def now(self) -> datetime:
        """Return the time, which is later with each question."""
        self._now += timedelta(seconds=1)
        return self._now

    def list_members_of_address_list(self, **asked: Any) -> dict[str, Any]:
        found = sorted(self._list(asked).values())
        start = int(asked.get("NextToken") or 0)
        end = start + min(self.page, asked["PageSize"])
        answer: dict[str, Any] = {
            "Addresses": [
                {"Address": one, "CreatedTimestamp": self.created[asked["AddressListId"], one]}
                for one in found[start:end]
            ]
        }
        return answer | ({"NextToken": str(end)} if end < len(found) else {})

    def get_member_of_address_list(self, **asked: Any) -> dict[str, Any]:
        if asked["Address"].lower() not in self._list(asked):
            raise ResourceNotFoundException(asked["Address"])
        return {"Address": asked["Address"]}

    def register_member_to_address_list(self, **asked: Any) -> dict[str, Any]:
        if asked["Address"].lower() in self._list(asked):
            raise ConflictException(asked["Address"])
        self.put(asked["AddressListId"], asked["Address"])
        return {}

    def deregister_member_from_address_list(self, **asked: Any) -> dict[str, Any]:
        if self._list(asked).pop(asked["Address"].lower(), None) is None:
            raise ResourceNotFoundException(asked["Address"])
        return {}

    def create_address_list_import_job(self, **asked: Any) -> dict[str, Any]:
        self._list(asked)
        job_id = f"job-{asked['ClientToken']}"
        new = {"list": asked["AddressListId"], "Status": "CREATED", "looks": self.looks}
        self.jobs.setdefault(job_id, new)
        return {"JobId": job_id, "PreSignedUrl": f"https://uploads.example/{job_id}"}

    def upload(self, url: str, data: bytes) -> None:
        """Take what is put to a URL."""
        self.jobs[url.rpartition("/")[2]]["data"] = data.decode()

    def start_address_list_import_job(self, **asked: Any) -> dict[str, Any]:
        job = self.jobs[asked["JobId"]]
        if job["Status"] != "CREATED" or "data" not in job:
            raise ConflictException(asked["JobId"])
        job["Status"] = "PROCESSING"
        return {}

    def get_address_list_import_job(self, **asked: Any) -> dict[str, Any]:
        job = self.jobs[asked["JobId"]]
        if job["Status"] == "PROCESSING":
            header, *addresses = job["data"].splitlines()
            assert header == "address"
            job["looks"] -= 1
            taken = addresses if job["looks"] <= 0 else addresses[: len(addresses) // 2]
            self.put(job["list"], *(one for one in taken if one not in self.refused))
            if job["looks"] <= 0:
                job["Status"] = self.ends_as
        return {"JobId": asked["JobId"], "Status": job["Status"], "Error": "no such bucket"}

    def _list(self, asked: dict[str, Any]) -> dict[str, str]:
        if asked["AddressListId"] not in self.lists:
            raise ResourceNotFoundException(asked["AddressListId"])
        return self.lists[asked["AddressListId"]]
