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

import hatchling.build
import pytest

from assemblies import CONTEXT, EXAMPLES, ROOT, synthesize

EXAMPLE = "helpdesk"
ROOTS = ("constructs_lib", "lambda_src")
PACKAGES = {"cdk_mailroom", "mailroom", "mailroom_cli", "mailroom_local"}

# What `assemblies.synthesize` does, without anything of the checkout on the path.
SYNTHESIS = textwrap.dedent(
    """
    import functools, json, os, runpy, sys
    for path in reversed(json.loads(os.environ["TEST_PATH"])):
        sys.path.insert(0, path)
    import aws_cdk, cdk_mailroom, mailroom
    context = json.loads(os.environ["TEST_CONTEXT"])
    aws_cdk.App = functools.partial(aws_cdk.App, context=context, outdir=sys.argv[1])
    sys.path.insert(0, os.getcwd())
    runpy.run_path("app.py")
    print(json.dumps([cdk_mailroom.__file__, mailroom.__file__]))
    """
)


def synthesize_installed(example: Path, outdir: Path, packages: Path) -> list[str]:
    """Synthesize with *packages* first on the path; return where our packages came from.

    ``-S`` keeps the editable install's .pth file out; dependencies are named as a path.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", SYNTHESIS, str(outdir)],
        cwd=example,
        env={
            **os.environ,
            "TEST_PATH": json.dumps([str(packages), sysconfig.get_path("purelib")]),
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
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ROOTS:
        shutil.copytree(ROOT / name, source / name)
    folder = tmp_path_factory.mktemp("dist")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(source)
        return folder / hatchling.build.build_wheel(str(folder))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder into which pip has installed the wheel."""
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--disable-pip-version-check", "--target", str(target), str(wheel)),
        ],
        check=True,
    )
    return target


def test_the_wheel_has_the_checkouts_files_byte_for_byte(installed):
    """So its templates and assets are the checkout's."""
    for package in PACKAGES:
        [source] = (ROOT / root / package for root in ROOTS if (ROOT / root / package).is_dir())
        one, two = (
            {
                path.relative_to(folder): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file() and "__pycache__" not in path.parts
            }
            for folder in (source, installed / package)
        )
        assert one == two


def test_an_example_synthesizes_to_the_checkouts_templates_and_assets(installed, tmp_path):
    """Installing compiled the packages; nothing of that may show."""
    copied = shutil.copytree(EXAMPLES / EXAMPLE, tmp_path / "my example")
    synthesize(EXAMPLE, tmp_path / "checkout")
    there = synthesize_installed(copied, tmp_path / "wheel", installed)
    assert all(path.startswith(str(installed)) for path in there)
    one, two = (
        {
            path.name: path.read_bytes()
            for pattern in ("*.template.json", "asset.*.zip")
            for path in (tmp_path / name).glob(pattern)
        }
        for name in ("checkout", "wheel")
    )
    assert one
    assert one == two


def test_the_wheel_ships_types_and_no_tests(wheel):
    """Four packages, each with its marker, and the licence."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
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
        "jsii",
        "rich",
    }
    assert not [line for line in plain if "==" in line]
    extras = [line for line in needed if line not in plain]
    assert [line for line in extras if "extra == 'local'" in line and "==" in line[:20]] == []
    names = {line.partition("extra == ")[2].strip("'") for line in extras}
    assert names == {"doctor", "emulator", "lake", "local"}
