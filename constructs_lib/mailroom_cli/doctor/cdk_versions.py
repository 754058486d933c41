"""Whether the CDK CLI, aws-cdk-lib and Node go together, from what each says about itself.

A library newer than the CLI writes cloud assemblies that the CLI refuses.
https://docs.aws.amazon.com/cdk/v2/guide/versioning.html
"""

from __future__ import annotations

import json
import re
import tarfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

_SCHEMA = "aws-cdk.cloud-assembly-schema"
_SCHEMA_OF_CLI = "@aws-cdk/cloud-assembly-schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What a CLI lacks."""

    text: str
    """What is wrong."""
    wanted: str
    """The version that would do."""
    refused: bool
    """Whether the CLI refuses to deploy; otherwise it may do something wrong."""


def numbers(text: str) -> tuple[int, ...]:
    """Return the first version in a text as numbers; nothing if there is none."""
    found = re.search(r"\d+(?:\.\d+){0,2}", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def written(version_: tuple[int, ...]) -> str:
    """Return a version as text."""
    return ".".join(map(str, version_))


def of_cli(path: str) -> str:
    """Return the version of the CLI at a path; empty if its package does not say."""
    return str(_package(path).get("version", ""))


def node_needed(folder: Path) -> tuple[tuple[int, ...], str] | None:
    """Return the lowest version of Node that the CLI of an app runs on, and what says so."""
    from mailroom_local.control import MailroomError, find_cdk

    try:
        path = find_cdk(folder)
    except MailroomError:
        return None
    lowest = numbers((_package(path).get("engines") or {}).get("node", ""))
    return (lowest, f"the CDK CLI {of_cli(path)}") if lowest else None


def lack(path: str) -> Lack | None:
    """Return what a CLI lacks for the installed aws-cdk-lib; ``None`` if they go together."""
    cli = numbers(of_cli(path))
    wanted = _cli_wanted()
    if not cli or not wanted:
        return None
    package = _package(path)
    declared = {**package.get("devDependencies", {}), **package.get("dependencies", {})}
    reads = numbers(declared.get(_SCHEMA_OF_CLI, ""))
    try:
        writes = numbers(version(_SCHEMA))
        library = version("aws-cdk-lib")
    except PackageNotFoundError:
        return None
    if reads and reads[0] < writes[0]:
        return Lack(
            text=f"it reads cloud assemblies up to version {reads[0]}, and aws-cdk-lib {library} "
            f"writes version {writes[0]}, so it refuses to deploy",
            wanted=written(wanted),
            refused=True,
        )
    if cli < wanted:
        return Lack(
            text=f"aws-cdk-lib {library} was made for {written(wanted)} or newer",
            wanted=written(wanted),
            refused=not reads,
        )
    return None


@cache
def _cli_wanted() -> tuple[int, ...]:
    """The version of the CLI that the library's schema of cloud assemblies came with."""
    try:
        files = distribution(_SCHEMA).files or []
    except PackageNotFoundError:
        return ()
    for one in files:
        if one.name.endswith(".jsii.tgz"):
            with tarfile.open(str(one.locate())) as archive:
                member = archive.extractfile("package/cli-version.json")
                return numbers(json.load(member)["version"]) if member else ()
    return ()


def _package(path: str) -> dict[str, Any]:
    """The package.json of the CLI that a path leads to."""
    for folder in Path(path).resolve().parents:
        file = folder / "package.json"
        if file.is_file():
            found: dict[str, Any] = json.loads(file.read_text())
            if found.get("name") == "aws-cdk":
                return found
    return {}
