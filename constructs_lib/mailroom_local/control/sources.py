"""Where the code of the deployed functions is in the app: what the constructs note at synth."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What `PythonFunction` notes of each function with a folder.
_CODE = "mailroom:code"
_LOGICAL_ID = "aws:cdk:logicalId"


def folders(cdk_out: Path) -> dict[str, str]:
    """The folder of each function's code by its logical id, relative to the current folder."""
    notes: dict[str, dict[str, str]] = {}
    for path in cdk_out.rglob("*.metadata.json"):
        _add(notes, json.loads(path.read_text()))
    # Older versions of the CDK write them here.
    for path in cdk_out.rglob("manifest.json"):
        for artifact in json.loads(path.read_text()).get("artifacts", {}).values():
            _add(notes, artifact.get("metadata") or {})
    return {
        notes[f"{construct}/Resource"][_LOGICAL_ID]: os.path.relpath(note[_CODE])
        for construct, note in notes.items()
        if _CODE in note and _LOGICAL_ID in notes.get(f"{construct}/Resource", {})
    }


def folder_of(function_name: str, known: Mapping[str, str]) -> str:
    """The folder of a function's code; empty if it is unknown."""
    # STACK-LOGICALID-SUFFIX is how CloudFormation names what the template does not.
    found = [folder for logical_id, folder in known.items() if f"-{logical_id}-" in function_name]
    return found[0] if found else ""


def located(place: str, folder: str) -> str:
    """A file and line of a function, from the current folder if the file is there."""
    path = Path(folder, place.rpartition(":")[0])
    return f"{folder}/{place}" if folder and path.is_file() else place


def _add(notes: dict[str, dict[str, str]], found: Mapping[str, Any]) -> None:
    for construct, entries in found.items():
        for entry in entries:
            kind, data = entry.get("type"), entry.get("data")
            if kind in (_CODE, _LOGICAL_ID):
                text = str(data["folder"] if kind == _CODE else data)
                notes.setdefault(construct, {})[kind] = text
