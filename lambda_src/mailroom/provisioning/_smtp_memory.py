"""What CloudFormation asks for SMTP credentials, and what the secret's versions say of their keys.

Nothing here calls AWS; `mailroom.provisioning.smtp_credentials` does, and describes the rules.
"""

from __future__ import annotations

import json
import re

from mailroom.errors import MailroomError, MissingField
from mailroom.sending import smtp_host, smtp_password

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

__all__ = ["Key", "Memory", "Request", "SmtpCredentialsError", "Version", "announcement_id"]

# Ids of versions have 32 to 64 characters.
_VERSION = re.compile(r"([A-Z0-9]{16,28})-(\d{10})-([0-9a-f]{24})")
_ANNOUNCEMENT = re.compile(r"mailroom-creating-a-key-(\d{10})(?:-([A-Z0-9]{16,28}))?")

# A key that was announced is created within the function's five minutes, by another clock.
_UNTIL_CREATED = 360


class SmtpCredentialsError(MailroomError, RuntimeError):
    """The credentials were not created; the text says why and what to do."""


class Request:
    """One request of CloudFormation."""

    __slots__ = ("before", "kind", "physical_id", "properties")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.kind: str = event.get("RequestType", "")
        self.physical_id: str = event.get("PhysicalResourceId") or ""
        self.properties = _relevant(event.get("ResourceProperties") or {})
        self.before = _relevant(event.get("OldResourceProperties") or {})

    def check(self) -> None:
        """Raise unless the properties can be acted on."""
        if self.kind not in ("Create", "Update", "Delete"):
            raise SmtpCredentialsError(
                f"RequestType is {self.kind!r}: send 'Create', 'Update' or 'Delete'"
            )
        for name in ("UserName", "SecretArn", "Region"):
            if not self.properties[name]:
                raise MissingField(f"missing 'ResourceProperties.{name}'")

    @property
    def user(self) -> str:
        """The IAM user."""
        return self.properties["UserName"]

    @property
    def secret(self) -> str:
        """The secret's ARN."""
        return self.properties["SecretArn"]

    @property
    def digest(self) -> str:
        """What the id of a version says of these properties."""
        from hashlib import sha256

        return sha256(json.dumps(self.properties, sort_keys=True).encode()).hexdigest()[:24]

    def check_place(self) -> None:
        """Raise if the user or the secret is another one than before."""
        for name in ("UserName", "SecretArn"):
            if self.kind == "Update" and self.before[name] != self.properties[name]:
                raise SmtpCredentialsError(
                    f"{name} is {self.properties[name]!r} and was {self.before[name]!r}: an update "
                    "cannot move credentials; give the SmtpCredentials another construct id, so "
                    "that new ones are created and these are deleted"
                )

    def version_id(self, key_id: str, announced: str) -> str:
        """Return the id of the version with these properties and that key."""
        return f"{key_id}-{announced}-{self.digest}"

    def value(self, key: Mapping[str, str]) -> str:
        """Return the value of the secret for the access key *key*."""
        region = self.properties["Region"]
        return json.dumps(
            {
                "username": key["AccessKeyId"],
                "password": smtp_password(key["SecretAccessKey"], region),
                "host": self.properties["Host"] or smtp_host(region),
                "port": int(self.properties["Port"] or 587),
            }
        )


def _relevant(properties: Mapping[str, Any]) -> dict[str, str]:
    names = ("UserName", "SecretArn", "Region", "Rotation", "Host", "Port")
    return {name: str(properties.get(name) or "") for name in names}


class Key:
    """An access key of the user."""

    __slots__ = ("active", "created", "id")

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.id: str = found["AccessKeyId"]
        self.active = found.get("Status") == "Active"
        self.created: float = found["CreateDate"].timestamp()


class Version:
    """A version of the secret that has a key of ours, as far as its id tells."""

    __slots__ = ("announced", "digest", "id", "key")

    def __init__(self, version_id: str, key: str, announced: str, digest: str) -> None:
        self.id = version_id
        self.key = key
        self.announced = announced
        self.digest = digest


class Memory:
    """What the ids of the secret's versions say of our keys."""

    __slots__ = ("announcements", "current", "current_id", "previous")

    def __init__(self, versions: Mapping[str, Iterable[str]]) -> None:
        self.current_id: str | None = None
        self.current: Version | None = None
        self.previous: Version | None = None
        self.announcements: list[tuple[str, str]] = []
        for version_id, labels in versions.items():
            found = _VERSION.fullmatch(version_id)
            version = Version(version_id, *found.groups()) if found else None
            if "AWSCURRENT" in labels:
                self.current_id, self.current = version_id, version
            if "AWSPREVIOUS" in labels:
                self.previous = version
            if announcement := _ANNOUNCEMENT.fullmatch(version_id):
                self.announcements.append((announcement[1], announcement[2] or ""))

    @property
    def versions(self) -> list[Version]:
        """Our versions, the current one first."""
        return [version for version in (self.current, self.previous) if version]

    @property
    def keys(self) -> set[str]:
        """The ids of our keys."""
        return {version.key for version in self.versions}

    @property
    def digests(self) -> set[str]:
        """Of the properties that our versions were made for."""
        return {version.digest for version in self.versions}

    def strays(self, keys: Iterable[Key]) -> list[str]:
        """Return those of *keys* that were announced, and whose version was never written."""
        written = {version.announced for version in self.versions}
        pending = [one for one in self.announcements if one[0] not in written]
        return [
            key.id
            for key in keys
            if key.id not in self.keys
            and any(
                key.id != beside and key.created < int(when) + _UNTIL_CREATED
                for when, beside in pending
            )
        ]


def announcement_id(when: str, beside: Iterable[str]) -> str:
    """Return the id of the version that announces a key *beside* the user's others."""
    return "-".join(["mailroom-creating-a-key", when, *beside])
