"""Archives, and the messages in them.

https://docs.aws.amazon.com/ses/latest/dg/eb-archiving.html
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cached_property
from typing import Any

from mailroom import mime
from mailroom.mime import bodies
from mailroom.mime.parts import Part
from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway import links, readable
from mailroom_local._emulator.gateway.changes import changed
from mailroom_local._emulator.gateway.model import Refused, invalid, known
from mailroom_local._emulator.gateway.store import Resource, Table, now, page

ACTIVE, DELETED = "ACTIVE", "PENDING_DELETION"
# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
QUOTA, RETENTION_CHANGE_SECONDS = 10, 7 * 24 * 3600


class _Archives(Table):
    """The quota and the uniqueness of names hold for archives that are not deleted."""

    def check_name(self, resource: Resource, fields: Mapping[str, Any]) -> None:
        given = fields.get("ArchiveName")
        for each in active():
            if given and each.id != resource.id and each.fields.get("ArchiveName") == given:
                raise Refused(
                    "ConflictException", f"An archive with the name {given} already exists."
                )


table = _Archives(
    "archive",
    id_name="ArchiveId",
    arn_name="ArchiveArn",
    name="ArchiveName",
    resource="mailmanager-archive",
    prefix="a-",
)
_messages: Any = internals.responses.AccountRegionScopedDict()


@dataclass(kw_only=True)
class Archived:
    """A message in an archive."""

    id: str
    archive_id: str
    raw: bytes
    mail_from: str
    rcpt_tos: tuple[str, ...]
    helo: str
    received: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Of the answer of GetArchiveMessage, without the time."""

    @cached_property
    def _root(self) -> Part:
        return mime.parse(self.raw)

    def fields(self, name: str) -> list[str]:
        """The header fields of a name as text."""
        return [str(value) for value in self._message.get_all(name, [])]

    @cached_property
    def _message(self) -> EmailMessage:
        return mime.build(self._root)

    @property
    def has_attachments(self) -> bool:
        """Whether a part is a file."""
        return any(True for _ in bodies.attachments(self._root))

    @property
    def envelope(self) -> dict[str, Any]:
        """The envelope as answers have it."""
        return {"Helo": self.helo, "From": self.mail_from, "To": list(self.rcpt_tos)}

    def body(self) -> dict[str, Any]:
        """Its text and HTML, as answers have them."""
        found: dict[str, Any] = {}
        for part in filter(bodies.is_text_to_read, self._root.walk(into_messages=False)):
            name = "Text" if part.content_type == "text/plain" else "Html"
            if name not in found:
                found[name], wrong = part.text()
                if wrong:
                    found["MessageMalformed"] = True
        return found


def clear() -> None:
    """Forget all messages."""
    _messages.clear()


def active() -> list[Resource]:
    """The archives that are not deleted."""
    return [each for each in table.all() if each.fields["ArchiveState"] == ACTIVE]


def keep(
    archive: str,
    raw: bytes,
    *,
    mail_from: str,
    rcpt_tos: Sequence[str],
    message_id: str = "",
    helo: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Put a message into an archive by its id or ARN, and return the message's id there."""
    found = table.find(archive)
    if found is None or found.fields["ArchiveState"] != ACTIVE:
        raise Refused("ResourceNotFoundException", f"The archive {archive} does not exist.")
    kept = Archived(
        # One message can be archived twice.
        id="-".join(part for part in (message_id, uuid.uuid4().hex) if part),
        archive_id=found.id,
        raw=raw,
        mail_from=mail_from,
        rcpt_tos=tuple(rcpt_tos),
        helo=helo,
        received=time.time(),
        metadata=metadata or {},
    )
    _messages[kept.id] = kept
    return kept.id


def messages(archive_id: str) -> list[Archived]:
    """The messages of an archive, the newest first."""
    found = [each for each in _messages.values() if each.archive_id == archive_id]
    return sorted(found, key=lambda each: -each.received)


def message(archived_id: str) -> Archived:
    """A message by its id."""
    found: Archived | None = _messages.get(archived_id)
    if found is None:
        raise invalid(f"The archived message {archived_id} does not exist.")
    return found


def accessible(archive_id: str) -> Resource:
    """An archive whose messages can be searched, read and exported: not one being deleted."""
    found = table.get(archive_id)
    if found.fields["ArchiveState"] != ACTIVE:
        raise invalid(f"The archive {archive_id} is pending deletion.")
    return found


def create(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateArchive.html"""
    if len(active()) >= QUOTA:
        raise Refused(
            "ServiceQuotaExceededException",
            f"The maximum number of active archives of this account and region is {QUOTA}.",
        )
    if key := given.get("KmsKeyArn"):
        readable.check_archive_key(key)
    at = now()
    fields = {
        **known("GetArchive", given),
        "ArchiveState": ACTIVE,
        "CreatedTimestamp": at,
        "LastUpdatedTimestamp": at,
    }
    made = table.new(fields, tags=given.get("Tags"))
    table.put(made)
    return {"ArchiveId": made.id}


def update(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_UpdateArchive.html"""
    found = table.get(given["ArchiveId"])
    if found.fields["ArchiveState"] != ACTIVE:
        raise Refused("ConflictException", f"The archive {found.id} is being deleted.")
    table.check_name(found, given)
    private = dict(found.private)
    retention = given.get("Retention")
    if retention is not None and retention != found.fields.get("Retention"):
        if time.time() < private.get("retention_changed", 0) + RETENTION_CHANGE_SECONDS:
            raise Refused(
                "ServiceQuotaExceededException",
                "The retention of an archive may change once a week.",
            )
        private["retention_changed"] = time.time()
    fields = {**found.fields, **known("GetArchive", given), "LastUpdatedTimestamp": now()}
    table.put(changed(found, fields, private))
    return {}


def _get_message(given: Mapping[str, Any]) -> dict[str, Any]:
    found = message(given["ArchivedMessageId"])
    accessible(found.archive_id)
    return {
        "MessageDownloadLink": links.download(found.id, found.raw),
        "Metadata": {"Timestamp": round(found.received, 3), **found.metadata},
        "Envelope": found.envelope,
    }


def _get_content(given: Mapping[str, Any]) -> dict[str, Any]:
    found = message(given["ArchivedMessageId"])
    accessible(found.archive_id)
    return {"Body": found.body()}


def _list(given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("ArchiveId", "ArchiveName", "ArchiveState", "LastUpdatedTimestamp")
    return page(
        given,
        "Archives",
        table.all(),
        each=lambda resource: {
            name: resource.fields[name] for name in names if name in resource.fields
        },
    )


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateArchive": create,
    "GetArchive": lambda given: table.get(given["ArchiveId"]).fields,
    "GetArchiveMessage": _get_message,
    "GetArchiveMessageContent": _get_content,
    "ListArchives": _list,
    "UpdateArchive": update,
}
