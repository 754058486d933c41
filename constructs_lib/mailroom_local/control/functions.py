"""Which functions of a deployed app run code of which folder, as the cloud assembly says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What `PythonFunction` notes of each function with a folder.
_CODE, _LOGICAL_ID = "cdk-mailroom:code", "aws:cdk:logicalId"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """A function with code of the user's."""

    stack: str
    """The name of its stack."""
    logical_id: str
    """Its id in the stack's template."""
    code: Mapping[str, Any] = field(hash=False)
    """What its zip is made of."""

    @property
    def folder(self) -> Path:
        """The folder with the user's code."""
        return Path(self.code["folder"])

    @property
    def requirements(self) -> Path | None:
        """Its requirements file."""
        given = self.code.get("requirements")
        return Path(given) if given else None

    def has(self, path: Path) -> bool:
        """Whether the file is part of its code."""
        return path == self.requirements or path.is_relative_to(self.folder)


def of_assembly(folder: Path) -> list[DeployedFunction]:
    """The functions of a cloud assembly; those of nested stacks are left out.

    Args:
        folder: The cloud assembly.
    """
    return list(_functions(folder))


def _functions(folder: Path) -> Iterator[DeployedFunction]:
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, artifact in (manifest.get("artifacts") or {}).items():
        properties = artifact.get("properties") or {}
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _functions(folder / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            metadata = dict(artifact.get("metadata") or {})
            if file := artifact.get("additionalMetadataFile"):
                metadata |= json.loads((folder / file).read_text())
            template = json.loads((folder / properties["templateFile"]).read_text())
            stack = properties.get("stackName", name)
            for path, code in _of_type(metadata, _CODE):
                ids = dict(_of_type(metadata, _LOGICAL_ID))
                logical_id = ids.get(f"{path}/Resource", "")
                if logical_id in template.get("Resources", {}):
                    yield DeployedFunction(stack=stack, logical_id=logical_id, code=code)


def _of_type(metadata: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == kind:
                yield path, entry["data"]
