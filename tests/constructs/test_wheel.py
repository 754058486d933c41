"""The wheel: what users install gives the same templates and assets as the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from pathlib import Path

import pytest

from assemblies import CONTEXT, EXAMPLES, ROOT, synthesize

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/app.py"))

# What `assemblies.synthesize` does, without anything of the checkout on the path.
SYNTHESIS = textwrap.dedent(
    """
    import functools, json, os, runpy, sys
    for path in reversed(json.loads(os.environ["TEST_PATH"])):
        sys.path.insert(0, path)
    import aws_cdk, cdk_mailroom, mailroom
    context, App = json.loads(os.environ["TEST_CONTEXT"]), aws_cdk.App
    for example in json.loads(os.environ["TEST_EXAMPLES"]):
        outdir = os.path.join(sys.argv[1], os.path.basename(example))
        aws_cdk.App = functools.partial(App, context=context, outdir=outdir)
        sys.path.insert(0, example)
        runpy.run_path(os.path.join(example, "app.py"))
        sys.path.remove(example)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(example):
                del sys.modules[name]
    print(json.dumps([cdk_mailroom.__file__, mailroom.__file__]))
    """
)


def synthesize_installed(examples: Path, outdir: Path, packages: Path) -> list[str]:
    """Synthesize with *packages* first on the path; return where our packages came from.

    ``-S`` keeps the editable install's .pth file out; dependencies are named as a path.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", SYNTHESIS, str(outdir)],
        cwd=examples,
        env={
            **os.environ,
            "TEST_PATH": json.dumps([str(packages), sysconfig.get_path("purelib")]),
            "TEST_EXAMPLES": json.dumps([str(examples / name) for name in NAMES]),
            "TEST_CONTEXT": json.dumps(CONTEXT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Return the wheel, built from a copy, so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("constructs_lib", "lambda_src"):
        shutil.copytree(ROOT / name, source / name)
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(folder),
            str(source),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def clouds(wheel, tmp_path_factory) -> dict[str, Path]:
    """The examples' cloud assembly, from the checkout and from the installed wheel."""
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--disable-pip-version-check", "--target", str(target), str(wheel)),
        ],
        check=True,
    )
    copied = tmp_path_factory.mktemp("elsewhere") / "my examples"
    shutil.copytree(EXAMPLES, copied)
    clouds = {name: tmp_path_factory.mktemp(name) for name in ("checkout", "wheel")}
    for example in NAMES:
        synthesize(example, clouds["checkout"] / example)
    there = synthesize_installed(copied, clouds["wheel"], target)
    assert all(path.startswith(str(target)) for path in there)
    return clouds


@pytest.mark.parametrize("example", NAMES)
def test_the_wheels_templates_are_the_checkouts(clouds, example):
    """Asset hashes, which are part of them, included."""
    one, two = (
        {
            path.name: json.loads(path.read_text())
            for path in (folder / example).glob("*.template.json")
        }
        for folder in clouds.values()
    )
    assert one
    assert one == two


def test_the_wheels_assets_are_the_checkouts_byte_for_byte(clouds):
    """Installing compiled the packages; nothing of that may show."""
    one, two = (
        {path.name: path.read_bytes() for path in folder.glob("*/asset.*.zip")}
        for folder in clouds.values()
    )
    assert one
    assert one == two


def test_the_wheel_ships_types_and_no_tests(wheel):
    """Four packages, each with its marker, and the licence."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packages = {"cdk_mailroom", "mailroom", "mailroom_cli", "mailroom_local"}
    for package in packages:
        assert f"{package}/py.typed" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == packages
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_the_wheel_needs_only_its_declared_dependencies(wheel):
    """As ranges; what is exact belongs to the extra that users do not install beside their app."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(
            archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")
        )
    needed = [
        line.removeprefix("Requires-Dist: ")
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist")
    ]
    plain = {line for line in needed if "extra ==" not in line}
    assert {line.split("<")[0].split(">")[0] for line in plain} == {
        "aws-cdk-lib",
        "constructs",
        "boto3",
        "rich",
    }
    assert not [line for line in plain if "==" in line]
    extras = [line for line in needed if line not in plain]
    assert [line for line in extras if "extra == 'local'" in line and "==" in line[:20]] == []
    assert all("'local'" in line or "'emulator'" in line for line in extras)
