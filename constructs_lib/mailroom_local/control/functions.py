"""Which functions of a deployed app run code of which folder, as the cloud assembly says."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailroom_local.control.sources import artifacts, noted


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """A function with code of the user's."""

    stack: str
    """The name of its stack."""
    logical_id: str
    """Its id in the stack's template."""
    environment: str
    """The account and region of its stack, as the cloud assembly has them."""
    code: Mapping[str, Any] = field(hash=False)
    """What its zip is made of."""

    @property
    def folder(self) -> Path:
        """The folder with the user's code."""
        return Path(self.code["folder"])

    @property
    def file(self) -> str:
        """The handler's module as a file of the folder."""
        module = self.code["handler"].partition(":")[0].replace(".", "/")
        names = (f"{module}/__init__.py", f"{module}.py")
        return next((name for name in names if (self.folder / name).is_file()), names[-1])

    @property
    def requirements(self) -> Path | None:
        """Its requirements file."""
        given = self.code.get("requirements")
        return Path(given) if given else None

    def has(self, path: Path) -> bool:
        """Whether the file is part of its code."""
        return path == self.requirements or path.is_relative_to(self.folder)


def of_assembly(folder: Path) -> list[DeployedFunction]:
    """The functions of a cloud assembly whose code can be updated alone.

    Left out are folders that other functions have, too: those of nested stacks, and those that
    are made with `runtime_code`. They would keep the old code.

    Args:
        folder: The cloud assembly.
    """
    functions: dict[DeployedFunction, Path] = {}
    assets: set[Path] = set()
    for directory, artifact, name in artifacts(folder):
        properties = artifact.get("properties") or {}
        if artifact["type"] == "cdk:asset-manifest":
            listed = json.loads((directory / properties["file"]).read_text())["files"].values()
            paths = (asset["source"].get("path") for asset in listed)
            assets.update(directory / path for path in paths if path)
        elif artifact["type"] == "aws:cloudformation:stack":
            functions.update(_of_stack(directory, artifact, name))
    others = [_names(asset) for asset in assets - set(functions.values()) if asset.suffix == ".zip"]
    shared = {
        function.folder for function in functions if any(function.file in names for names in others)
    }
    return [function for function in functions if function.folder not in shared]


def _of_stack(
    directory: Path, artifact: Mapping[str, Any], name: str
) -> Iterator[tuple[DeployedFunction, Path]]:
    """Each function with its asset."""
    properties = artifact["properties"]
    template = json.loads((directory / properties["templateFile"]).read_text())
    resources = template.get("Resources") or {}
    for logical_id, code in noted(directory, artifact):
        resource = resources.get(logical_id)
        if resource is not None:
            stack = properties.get("stackName", name)
            function = DeployedFunction(
                stack=stack,
                logical_id=logical_id,
                environment=artifact["environment"],
                code=code,
            )
            yield function, directory / f"asset.{resource['Properties']['Code']['S3Key']}"


def _names(asset: Path) -> frozenset[str]:
    with zipfile.ZipFile(asset) as archive:
        return frozenset(archive.namelist())
