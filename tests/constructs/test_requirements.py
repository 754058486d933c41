"""Requirements are installed once, and a damaged cache is never used."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from code_assets import pip_here

from cdk_mailroom import ConfigurationError, _requirements

RUNTIME, ARCHITECTURE = "python3.13", "arm64"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """Return the cache's folder, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cdk-mailroom"


@pytest.fixture
def pip(monkeypatch, cache):
    """Replace pip, and return the platforms that it was run for."""
    runs: list[list[str]] = []

    def run(command, **options):
        runs.append(command)
        target = Path(command[command.index("--target") + 1])
        (target / "parcel").mkdir()
        (target / "parcel" / "__init__.py").write_text(f"RUN = {len(runs)}\n")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return runs


WRITTEN = {
    "parcel/__init__.py": True,
    "parcel/bin/tool": True,
    "parcel/direct_url.json": True,
    "parcel-1.0.dist-info/METADATA": True,
    "parcel-1.0.dist-info/RECORD": False,
    "parcel-1.0.dist-info/INSTALLER": False,
    "parcel-1.0.dist-info/REQUESTED": False,
    "parcel-1.0.dist-info/direct_url.json": False,
    "parcel/__pycache__/__init__.cpython-313.pyc": False,
    "bin/parcel": False,
}
"""What pip installs, and whether it is the same on every machine."""


@pytest.fixture
def file(tmp_path) -> Path:
    """Return a requirements file."""
    path = tmp_path / "requirements.txt"
    path.write_text("parcel==1.0\n")
    return path


def installed(file, runtime=RUNTIME, architecture=ARCHITECTURE):
    """Install as another process would."""
    _requirements._installed.cache_clear()
    return _requirements.installed(file, runtime, architecture)


def test_a_second_process_uses_what_the_first_installed(file, pip):
    """pip runs once."""
    first = installed(file)
    assert installed(file) == first == {"parcel/__init__.py": b"RUN = 1\n"}
    assert len(pip) == 1


def test_a_second_function_of_one_process_does_not_even_read_the_disk(file, pip, cache):
    """As it is kept in memory too."""
    first = installed(file)
    next(cache.glob("*.zip")).unlink()
    assert _requirements.installed(file, RUNTIME, ARCHITECTURE) is first


@pytest.mark.parametrize(
    "change",
    [
        lambda file, _: file.write_text("parcel==2.0\n"),
        lambda _, monkeypatch: monkeypatch.setenv("PIP_INDEX_URL", "https://example.com/simple"),
        lambda _, monkeypatch: monkeypatch.setattr(sys, "version", "3.99"),
        lambda _, monkeypatch: monkeypatch.setattr(sys, "platform", "other"),
        lambda _, monkeypatch: monkeypatch.setattr(_requirements, "version", lambda name: "99"),
    ],
    ids=["the file", "pip's settings", "this Python", "this machine", "pip"],
)
def test_pip_runs_again_when_something_else_decides(file, pip, monkeypatch, change):
    """Everything that decides which wheels pip chooses is part of the key."""
    installed(file)
    change(file, monkeypatch)
    installed(file)
    assert len(pip) == 2


def test_each_platform_is_installed_for_itself(file, pip):
    """A wheel of one platform does not load on another."""
    for runtime in ("python3.12", "python3.13"):
        for architecture in ("arm64", "x86_64"):
            installed(file, runtime, architecture)
    assert len(pip) == 4


@pytest.mark.parametrize(
    ("runtime", "minors"), [("python3.11", [26, 24, 17]), ("python3.12", [34, 31, 28, 26, 24, 17])]
)
def test_wheels_may_need_the_glibc_that_the_runtime_has_and_no_later_one(
    file, pip, runtime, minors
):
    installed(file, runtime=runtime)
    platforms = [part.partition("=")[2] for part in pip[0] if part.startswith("--platform=")]
    assert platforms == [
        *(f"manylinux_2_{minor}_aarch64" for minor in minors),
        "manylinux2014_aarch64",
    ]


def test_what_differs_from_machine_to_machine_is_left_out(file, cache, monkeypatch):
    """Two machines deploy the same."""

    def run(command, **options):
        for name in WRITTEN:
            path = Path(command[command.index("--target") + 1], name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert sorted(installed(file)) == sorted(name for name, kept in WRITTEN.items() if kept)


@pytest.mark.parametrize("line", ["-r {}", "-c {}", "--requirement={}", "--constraint {}"])
def test_a_requirements_file_included_by_another_counts(tmp_path, file, pip, line):
    """Also one that such a file refers to, and one that refers back."""
    other, third = tmp_path / "other.txt", tmp_path / "third.txt"
    file.write_text(line.format("other.txt") + "\n")
    other.write_text("-r third.txt\n")
    third.write_text("-r requirements.txt\n")
    installed(file)
    installed(file)
    assert len(pip) == 1
    third.write_text("parcel==3.0\n")
    installed(file)
    assert len(pip) == 2


@pytest.mark.parametrize(
    "line",
    [
        "./parcel-1.0-py3-none-any.whl",
        "/srv/parcel-1.0-py3-none-any.whl",
        "~/parcel",
        "parcel-1.0-py3-none-any.whl",
        "parcel @ file:///srv/parcel.whl",
        "-e parcel",
        "--find-links wheels\nparcel",
        "-f wheels\nparcel",
    ],
)
def test_a_local_file_is_not_cached(file, pip, cache, line):
    """It may change while its name stays."""
    file.write_text(f"{line}\n")
    installed(file)
    installed(file)
    assert len(pip) == 2
    assert not cache.exists()


@pytest.mark.parametrize(
    "line",
    [
        "parcel[extra]>=1 ; python_version > '3.10'  # a comment",
        "parcel @ https://example.com/parcel-1.0-py3-none-any.whl",
        "-f https://example.com/wheels\nparcel",
    ],
)
def test_requirements_from_an_index_are_cached(file, pip, line):
    """Requirements without a version stay at what was found first."""
    file.write_text(f"{line}\n")
    installed(file)
    installed(file)
    assert len(pip) == 1


def damage(entry: Path, how: str) -> None:
    """Do to *entry* what full disks, crashes and cleaners do."""
    content = entry.read_bytes()
    match how:
        case "cut":
            entry.write_bytes(content[: len(content) // 2])
        case "empty":
            entry.write_bytes(b"")
        case "changed":
            entry.write_bytes(content.replace(b"RUN = 1", b"RUN = 7"))
        case "unreadable":
            entry.unlink()
            entry.mkdir()


@pytest.mark.parametrize("how", ["cut", "empty", "changed", "unreadable"])
def test_a_damaged_cache_entry_is_installed_again(file, pip, cache, how):
    """Never deployed, whatever happened to it."""
    installed(file)
    damage(next(cache.glob("*.zip")), how)
    assert installed(file) == {"parcel/__init__.py": b"RUN = 2\n"}


def test_an_entry_appears_whole_or_not_at_all(file, pip, cache, monkeypatch):
    """A process that is killed while it writes leaves nothing that is taken for an entry."""

    def fails(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fails)
    with pytest.raises(KeyboardInterrupt):
        installed(file)
    assert list(cache.iterdir()) == []


def test_synth_works_when_the_cache_cannot_be_written(file, pip, cache):
    """It only costs time."""
    cache.parent.mkdir()
    cache.write_text("a file where the folder should be")
    assert installed(file) == {"parcel/__init__.py": b"RUN = 1\n"}
    assert installed(file) == {"parcel/__init__.py": b"RUN = 2\n"}


def test_only_the_user_can_read_the_cache(file, pip, cache):
    """It may hold packages of a private index."""
    installed(file)
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("given", [None, "", "relative"])
def test_the_cache_is_in_the_home_folder_by_default(file, pip, tmp_path, monkeypatch, given):
    """As the XDG base directory specification says."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if given is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
    installed(file)
    assert len(list((tmp_path / "home/.cache/cdk-mailroom").glob("*.zip"))) == 1


def test_for_the_local_aws_they_are_installed_for_this_machine(file, pip, monkeypatch):
    """And apart from those for Lambda."""
    installed(file)
    monkeypatch.setenv("MAILROOM_LOCAL_PYTHON", "/emulator/python")
    installed(file)
    monkeypatch.delenv("MAILROOM_LOCAL_PYTHON")
    installed(file)
    for_lambda, here = pip
    assert here[here.index("pip") + 1 :][:2] == ["--python", "/emulator/python"]
    assert not [part for part in here if part.startswith("--platform")]
    assert "--python-version" in for_lambda
    assert "--python" not in for_lambda


def test_without_a_wheel_for_this_machine_lambdas_is_taken(file, pip, monkeypatch, capsys):
    """It cannot run here, which the deployment says; on Lambda it can."""
    run = subprocess.run

    def refuse(command, **options):
        if "--python" in command:
            pip.append(command)
            return subprocess.CompletedProcess(command, 1, "", "no matching distribution")
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", refuse)
    monkeypatch.setenv("MAILROOM_LOCAL_PYTHON", "/emulator/python")
    assert installed(file)
    assert len(pip) == 2
    assert "could not install it for this machine" in capsys.readouterr().err


def test_a_failure_is_not_kept(file, cache, monkeypatch):
    """The next synth tries again."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(_requirements, "subprocess", SimpleNamespace(run=pip_here))
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="pip could not install it"):
            installed(file)
    assert not cache.exists()
