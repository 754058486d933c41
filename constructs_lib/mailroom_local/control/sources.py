"""Where the code of the deployed functions is in the app: what the constructs note at synth."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# What `PythonFunction` notes of each function with a folder.
_CODE, _LOGICAL_ID = "mailroom:code", "aws:cdk:logicalId"
_STACK = "aws:cloudformation:stack"


def artifacts(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any], str]]:
    """Each artifact of a cloud assembly and of those inside it, with its folder and its name."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, artifact in (manifest.get("artifacts") or {}).items():
        if artifact["type"] == "cdk:cloud-assembly":
            yield from artifacts(folder / artifact["properties"]["directoryName"])
        else:
            yield folder, artifact, name


def noted(directory: Path, stack: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The logical id of each function with a folder, nested stacks' too, and what was noted."""
    metadata = dict(stack.get("metadata") or {})
    # Newer versions of the CDK write it here.
    if file := stack.get("additionalMetadataFile"):
        metadata |= json.loads((directory / file).read_text())
    ids = dict(_of_type(metadata, _LOGICAL_ID))
    for path, code in _of_type(metadata, _CODE):
        if logical_id := ids.get(f"{path}/Resource"):
            yield logical_id, code


def folders(cdk_out: Path) -> dict[str, str]:
    """The folder of each function's code by its logical id, relative to the current folder."""
    # Nothing is deployed yet, or just now again.
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        return {
            logical_id: os.path.relpath(code["folder"])
            for directory, artifact, _ in artifacts(cdk_out)
            if artifact["type"] == _STACK
            for logical_id, code in noted(directory, artifact)
        }
    return {}


def folder_of(function_name: str, known: Mapping[str, str]) -> str:
    """The folder of a function's code; empty if it is unknown."""
    # STACK-LOGICALID-SUFFIX is how CloudFormation names what the template does not.
    found = [folder for logical_id, folder in known.items() if f"-{logical_id}-" in function_name]
    return found[0] if found else ""


def located(place: str, folder: str) -> str:
    """A file and line of a function, from the current folder if the file is there."""
    path = Path(folder, place.rpartition(":")[0])
    return f"{folder}/{place}" if folder and path.is_file() else place


def _of_type(metadata: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    for path, entries in metadata.items():
        for entry in entries:
            if entry["type"] == kind:
                yield path, entry["data"]
