"""Compiled modules that were installed for another machine are named; others are not."""

import importlib.machinery
import json
import sys
import zipfile
from pathlib import Path

import pytest

from mailroom_local.control import compiled

HERE = importlib.machinery.EXTENSION_SUFFIXES[0]
OWN = Path(sys.executable).resolve().read_bytes()[:64]
# The same kind of file for a processor that this is not.
OTHER = OWN[:18] + b"\xf3\x7f" + OWN[20:]
ABI3 = ".abi3.so"
WHEEL = {"pydantic_core/__init__.py": b"", "pydantic_core-2.33.2.dist-info/METADATA": b"Name: x"}


def assembly(folder: Path, files: dict[str, bytes], *, zipped: bool = True) -> Path:
    """What `cdk synth` writes for one function with these files."""
    asset = folder / ("asset.abc.zip" if zipped else "asset.abc")
    if zipped:
        with zipfile.ZipFile(asset, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        for name, content in files.items():
            (asset / name).parent.mkdir(parents=True, exist_ok=True)
            (asset / name).write_bytes(content)
    listed = {"abc": {"source": {"path": asset.name, "packaging": "file"}}}
    (folder / "Stack.assets.json").write_text(json.dumps({"files": listed}))
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Code": {"S3Bucket": {"Fn::Sub": "x"}, "S3Key": "abc.zip"}},
        "Metadata": {"aws:cdk:path": "Stack/Inbound/Support/Resource"},
    }
    inline = {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"ZipFile": "x"}}}
    template = {"Resources": {"F": function, "Inline": inline, "Q": {"Type": "AWS::SQS::Queue"}}}
    (folder / "Stack.template.json").write_text(json.dumps(template))
    return folder


def found(folder: Path) -> list[str]:
    return compiled.found(folder, sys.executable)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "folder"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"_pydantic_core{HERE}", OTHER),
        (f"_pydantic_core{ABI3}", OTHER),
        ("_pydantic_core.so", OTHER),
        ("_pydantic_core.cpython-399-x86_64-linux-gnu.so", OWN),
        (f"_pydantic_core{HERE}", b""),
    ],
    ids=["processor", "abi3 processor", "untagged processor", "python", "not a binary"],
)
def test_what_cannot_be_imported_is_named_by_function_and_package(
    tmp_path: Path, name: str, content: bytes, zipped: bool
) -> None:
    files = {**WHEEL, f"pydantic_core/{name}": content}
    if not content:
        files[f"pydantic_core/{name}"] = b"#!/bin/sh"
    [line] = found(assembly(tmp_path, files, zipped=zipped))
    assert line.startswith(
        "Stack/Inbound/Support cannot run here if it imports pydantic_core 2.33.2:"
    )


@pytest.mark.parametrize("suffix", [HERE, ABI3, ".so"])
def test_what_can_be_imported_is_not_named(tmp_path: Path, suffix: str) -> None:
    assert found(assembly(tmp_path, {**WHEEL, f"pydantic_core/_pydantic_core{suffix}": OWN})) == []


def test_plain_python_is_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then no process is started either."""
    monkeypatch.setattr(compiled, "_python", lambda python: pytest.fail("asked"))
    assert found(assembly(tmp_path, {**WHEEL, "numpy.libs/libx.so": OTHER})) == []


def test_a_package_without_metadata_has_the_name_of_its_folder(tmp_path: Path) -> None:
    [line] = found(assembly(tmp_path, {"mine/fast.so": OTHER}))
    assert "imports mine:" in line
