"""The requirements in a code asset: found, installed for the function's platform, reproducible."""

from __future__ import annotations

import base64
import hashlib
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from aws_cdk import aws_lambda as lambda_
from code_assets import asset, contents, pip_here
from synthesis import new_stack

from cdk_mailroom import ConfigurationError, InboundMail, PythonHandler, _requirements


def wheel(folder: Path, name: str, files: dict[str, str], *, tag: str = "py3-none-any") -> Path:
    """Write a wheel by hand, so that no test needs the network."""
    info = f"{name}-1.0.dist-info"
    entries = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: {tag}\n"
        ),
    }
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in entries.items()]
    entries[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in entries.items():
            archive.writestr(entry, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def offline(monkeypatch) -> None:
    """Let pip find nothing but what is named by path, and run in this process."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(_requirements, "subprocess", SimpleNamespace(run=pip_here))


@pytest.fixture
def requirements(tmp_path, offline) -> Path:
    """Return a requirements file that names a wheel beside it, by a relative path."""
    wheel(tmp_path, "parcel", {"parcel/__init__.py": "WEIGHT = 1\n"})
    path = tmp_path / "requirements.txt"
    path.write_text("./parcel-1.0-py3-none-any.whl\n")
    return path


def test_requirements_are_installed_beside_the_code(folder, requirements):
    """Also if the app is run from elsewhere: relative paths start at the file."""
    names = contents(asset(folder, requirements))
    assert names["parcel/__init__.py"] == b"WEIGHT = 1\n"
    assert "app.py" in names


def test_requirements_in_the_folder_are_found(folder, tmp_path, monkeypatch):
    """``requirements.txt`` needs no argument; modules beside it do not disturb pip's process."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    path = wheel(tmp_path, "parcel", {"parcel/__init__.py": ""})
    (folder / "requirements.txt").write_text(f"parcel @ {path.as_uri()}\n")
    (folder / "typing.py").write_text("raise RuntimeError('pip must not import this')\n")
    stack = new_stack()
    rule = InboundMail(stack, "Inbound").add_rule(
        "Support", recipients=["a@example.com"], handler=PythonHandler(folder, "app:on_mail")
    )
    assert rule.function is not None
    assert "parcel/__init__.py" in contents(asset(folder, folder / "requirements.txt"))


@pytest.mark.parametrize(
    ("architecture", "runtime", "tags"),
    [
        (
            "ARM_64",
            "PYTHON_3_13",
            [
                "cp313-cp313-manylinux_2_34_aarch64",
                "cp313-cp313-manylinux_2_28_aarch64",
                "cp313-cp313-manylinux2014_aarch64",
                "cp38-abi3-manylinux_2_17_aarch64",
            ],
        ),
        ("X86_64", "PYTHON_3_11", ["cp311-cp311-manylinux_2_26_x86_64"]),
    ],
)
def test_wheels_are_the_functions_platforms(tmp_path, offline, architecture, runtime, tags):
    """Whatever this machine is: the function's architecture, Python and C library."""
    names = [f"parcel{number}" for number in range(len(tags))]
    path = tmp_path / "requirements.txt"
    path.write_text(
        "\n".join(
            str(wheel(tmp_path, name, {f"{name}.so": ""}, tag=tag))
            for name, tag in zip(names, tags, strict=True)
        )
    )
    made = asset(
        None,
        path,
        runtime=getattr(lambda_.Runtime, runtime),
        architecture=getattr(lambda_.Architecture, architecture),
    )
    assert {f"{name}.so" for name in names} <= set(contents(made))


@pytest.mark.parametrize(
    ("runtime", "tag"),
    [
        ("PYTHON_3_13", "cp313-cp313-manylinux_2_17_x86_64"),
        ("PYTHON_3_13", "cp312-cp312-manylinux_2_17_aarch64"),
        ("PYTHON_3_13", "cp313-cp313-manylinux_2_39_aarch64"),
        ("PYTHON_3_11", "cp311-cp311-manylinux_2_28_aarch64"),
    ],
    ids=["architecture", "python", "glibc", "older glibc"],
)
def test_wheels_of_another_platform_are_refused(tmp_path, offline, runtime, tag):
    """It would fail in Lambda, at the first mail; the message names file and platform."""
    path = tmp_path / "requirements.txt"
    path.write_text(str(wheel(tmp_path, "parcel", {"parcel.so": ""}, tag=tag)))
    version = runtime.removeprefix("PYTHON_").replace("_", ".")
    with pytest.raises(
        ConfigurationError,
        match=rf"(?s)requirements.txt.*python{version} on arm64.*not a supported wheel",
    ):
        asset(None, path, runtime=getattr(lambda_.Runtime, runtime))


def test_requirements_that_cannot_be_found_are_reported_with_pips_words(tmp_path, offline):
    """What pip says is what helps."""
    path = tmp_path / "requirements.txt"
    path.write_text("no-such-distribution==1.0\n")
    with pytest.raises(
        ConfigurationError, match=r"(?s)requirements.txt.*no-such-distribution==1\.0"
    ):
        asset(None, path)


def test_requirements_give_the_same_bytes_every_time(tmp_path, offline):
    """pip's own records, commands and bytecode differ from machine to machine."""
    parcel = wheel(
        tmp_path,
        "parcel",
        {
            "parcel/__init__.py": "def main(): ...\n",
            "parcel/.hidden.json": "{}",
            "parcel-1.0.dist-info/entry_points.txt": "[console_scripts]\nparcel = parcel:main\n",
        },
    )
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        copy = shutil.copy(parcel, tmp_path / name)
        path = tmp_path / name / "requirements.txt"
        path.write_text(str(copy))
        made.append(asset(None, path))
    assert made[0] == made[1]
    names = {name for name in contents(made[0]) if not name.startswith("mailroom/")}
    assert names == {
        "parcel/__init__.py",
        "parcel/.hidden.json",
        "parcel-1.0.dist-info/METADATA",
        "parcel-1.0.dist-info/WHEEL",
        "parcel-1.0.dist-info/entry_points.txt",
    }


def test_a_requirement_that_brings_mailroom_is_refused(tmp_path, offline):
    """It would hide the runtime that this version of the constructs was made for."""
    path = tmp_path / "requirements.txt"
    path.write_text(str(wheel(tmp_path, "theirs", {"mailroom/__init__.py": ""})))
    with pytest.raises(ConfigurationError, match="'mailroom'"):
        asset(None, path)


def test_the_users_code_wins_over_requirements(folder, tmp_path, offline):
    """This is the usual order of Python's path."""
    (folder / "parcel.py").write_text("mine\n")
    path = tmp_path / "requirements.txt"
    path.write_text(str(wheel(tmp_path, "parcel", {"parcel.py": "theirs\n"})))
    assert contents(asset(folder, path))["parcel.py"] == b"mine\n"
