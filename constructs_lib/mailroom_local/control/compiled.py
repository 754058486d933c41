"""Finds the compiled modules of deployed functions that cannot be imported on this machine.

Functions run here with the server's Python and processor. What was installed for Lambda may be for
others: wheels for arm64 and Python 3.13 do not import on x86 with Python 3.11.
"""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

_ASK = (
    "import importlib.machinery, json, sys; "
    "print(json.dumps([importlib.machinery.EXTENSION_SUFFIXES, sys.executable]))"
)
_ASKING_SECONDS = 60.0
_HEADER_BYTES = 20
_ELF = b"\x7fELF"
_DIST_INFO = re.compile(r"([^/]+?)-([^/-]+)\.dist-info/")


@dataclass(frozen=True, slots=True)
class _Python:
    """What a Python can import: the endings of names, and the kind of machine code."""

    suffixes: tuple[str, ...]
    machine: bytes

    def imports(self, name: str, header: bytes) -> bool:
        ending = name[name.index(".") :]
        return ending in self.suffixes and _machine(header) == self.machine


def found(assembly: Path, python: str) -> list[str]:
    """What cannot run here, a line for each function.

    Args:
        assembly: The cloud assembly.
        python: The Python that runs functions.
    """
    ours: _Python | None = None
    lines = []
    for function, asset in _functions(assembly):
        names = dict(_headers(asset))
        modules = {name: header for name, header in names.items() if header}
        if not modules:
            continue
        ours = ours or _python(python)
        foreign = [
            name for name, header in modules.items() if not ours.imports(Path(name).name, header)
        ]
        if foreign:
            packages = ", ".join(sorted({_package(name, names) for name in foreign}))
            lines.append(
                f"{function} cannot run here if it imports {packages}: compiled for another "
                "processor or Python than this machine's"
            )
    return lines


def _python(python: str) -> _Python:
    asked = subprocess.run(  # noqa: S603  # the server's own Python
        [python, "-I", "-c", _ASK],
        capture_output=True,
        text=True,
        timeout=_ASKING_SECONDS,
        check=True,
    )
    suffixes, executable = json.loads(asked.stdout)
    with Path(executable).open("rb") as file:
        return _Python(tuple(suffixes), _machine(file.read(_HEADER_BYTES)))


def _machine(header: bytes) -> bytes:
    """The part of a binary's first bytes that says for which system and processor it is."""
    # ELF has its e_machine at byte 18; Mach-O its CPU type at byte 4.
    return header[:5] + header[18:20] if header.startswith(_ELF) else header[:8]


def _functions(assembly: Path) -> Iterator[tuple[str, Path]]:
    """The functions of an assembly's templates with an asset, each with its zip or folder."""
    for listing in sorted(assembly.rglob("*.assets.json")):
        files: Mapping[str, Any] = json.loads(listing.read_text()).get("files", {})
        template = listing.with_name(listing.name.replace(".assets.json", ".template.json"))
        if not template.is_file():
            continue
        for logical_id, resource in json.loads(template.read_text())["Resources"].items():
            if resource["Type"] != "AWS::Lambda::Function":
                continue
            key = (resource.get("Properties", {}).get("Code") or {}).get("S3Key")
            asset = files.get(str(key).rpartition("/")[2].partition(".")[0])
            if asset is not None and "path" in asset["source"]:
                path = resource.get("Metadata", {}).get("aws:cdk:path", logical_id)
                yield path.removesuffix("/Resource"), listing.parent / asset["source"]["path"]


def _headers(asset: Path) -> Iterable[tuple[str, bytes]]:
    """The names in an asset, with the first bytes of each compiled module, and of no other."""
    if asset.is_dir():
        for path in sorted(each for each in asset.rglob("*") if each.is_file()):
            header = b""
            if _is_module(path.name):
                with path.open("rb") as module:
                    header = module.read(_HEADER_BYTES)
            yield path.relative_to(asset).as_posix(), header
        return
    with zipfile.ZipFile(asset) as archive:
        for name in archive.namelist():
            if not _is_module(name):
                yield name, b""
                continue
            with archive.open(name) as file:
                yield name, file.read(_HEADER_BYTES)


def _is_module(name: str) -> bool:
    # Libraries that modules bring along, such as numpy.libs/libx.so, are not imported.
    return name.endswith(".so") and not PurePosixPath(name).name.startswith("lib")


def _package(module: str, names: Iterable[str]) -> str:
    """The distribution that a module is from, with its version, or its top-level name."""
    top = module.partition("/")[0].partition(".")[0]
    for name in names:
        match = _DIST_INFO.match(name)
        if match and re.sub(r"[-_.]+", "_", match[1]).lower() == top.lower():
            return f"{match[1]} {match[2]}"
    return top
