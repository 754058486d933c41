"""In which Python the server runs: this one, the one given, or one that is made once."""

import os
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailroom_local.control import LocalAws, MailroomError, Report, State, emulator

REQUIREMENTS = [f"ministack=={emulator.MINISTACK_VERSION}", "aiosmtpd>=1"]
# Stands in for virtualenv and pip: a link to this Python, after a moment.
MAKE = (
    "import os, sys, time; time.sleep(0.2); os.makedirs('bin'); "
    "os.symlink(sys.executable, 'bin/python')"
)


class Steps:
    """Remembers what was shown."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Report]:
        self.titles.append(title)
        yield lambda line: None


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "state")
    state.create()
    return state


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with the extra `local` and without the emulator; returns its cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(emulator, "_is_here", lambda: False)
    monkeypatch.setattr(emulator, "_MAKER", "venv")
    monkeypatch.setattr(emulator, "_requirements", lambda: REQUIREMENTS)
    monkeypatch.setattr(emulator, "_commands", lambda part, wanted: [[sys.executable, "-c", MAKE]])
    return tmp_path / "cache" / "cdk-mailroom"


def made(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.is_dir())


def test_an_environment_with_the_emulator_runs_the_server_itself(state: State) -> None:
    steps = Steps()
    found = emulator.interpreter(state, steps)
    assert (found.python, found.packages, steps.titles) == (sys.executable, None, [])


def test_another_version_of_the_emulator_is_not_used(
    state: State, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(emulator, "version", lambda name: "1.5.34")
    assert not emulator._is_here()


def test_the_environment_is_made_once_and_says_so(state: State, elsewhere: Path) -> None:
    steps = Steps()
    found = emulator.interpreter(state, steps)
    assert Path(found.python).parent.parent.parent == elsewhere
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    [title] = steps.titles
    assert "once" in title
    assert "minute" in title

    other = State(state.root.parent / "other")
    other.create()
    assert emulator.interpreter(other, steps).python == found.python
    assert steps.titles == [title]


def test_only_our_packages_are_put_on_its_path(state: State, elsewhere: Path) -> None:
    """What else is installed beside them must not hide what the emulator needs."""
    packages = emulator.interpreter(state, Steps()).packages
    assert packages is not None
    assert sorted(path.name for path in packages.iterdir()) == ["mailroom", "mailroom_local"]
    code = "import sys, mailroom_local.control; print(mailroom_local.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(packages))


def test_two_processes_make_one_environment(state: State, elsewhere: Path) -> None:
    """The lock belongs to an open file, so threads stand for processes."""
    calls: list[float] = []
    single = emulator._make

    def counted(*arguments: object) -> None:
        calls.append(time.monotonic())
        single(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emulator, "_make", counted)
        workers = [
            threading.Thread(target=emulator._made, args=(state.install_log, Steps()))
            for _ in range(3)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(20)
    assert len(calls) == 1
    assert len(made(elsewhere)) == 1


def test_what_an_interruption_leaves_is_not_used_and_goes(state: State, elsewhere: Path) -> None:
    found = Path(emulator.interpreter(state, Steps()).python)
    environment = found.parent.parent
    left = environment.with_name(f"{environment.name}-part")
    left.mkdir()
    found.unlink()
    assert emulator._made(state.install_log, Steps()) == str(found)
    assert found.exists()
    assert made(elsewhere) == [environment.name]


def test_without_a_package_index_the_error_says_what_to_do(
    state: State, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = [sys.executable, "-c", "raise SystemExit('no route to host')"]
    monkeypatch.setattr(emulator, "_commands", lambda part, wanted: [fail])
    with pytest.raises(MailroomError, match="no route to host") as error:
        emulator.interpreter(state, Steps())
    assert emulator.VARIABLE in error.value.remedy
    assert str(state.install_log) in error.value.remedy
    assert made(elsewhere) == []


def test_the_environment_is_given_by_a_variable(
    state: State, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(emulator.VARIABLE, sys.executable)
    assert emulator.interpreter(state, Steps()).python == sys.executable


@pytest.mark.parametrize("given", ["/no/such/python", "/bin/false"])
def test_a_given_python_without_the_emulator_is_an_error(
    state: State, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv(emulator.VARIABLE, given)
    with pytest.raises(MailroomError, match=given) as error:
        emulator.interpreter(state, Steps())
    assert "cdk-mailroom[emulator]" in error.value.remedy


def test_a_missing_extra_is_named(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "find_spec", lambda name: None)
    with pytest.raises(MailroomError, match="not installed") as error:
        LocalAws(state=tmp_path / "other").start()
    assert "cdk-mailroom[local]" in error.value.remedy


def test_the_server_runs_in_the_environment_that_is_given(aws: LocalAws) -> None:
    """A folder with modules named like the standard library's was no obstacle."""
    assert (aws.state.root.parent / "email.py").exists()
    variables = Path(f"/proc/{aws.server.pid}/environ").read_bytes()
    assert f"PYTHONPATH={aws.state.temporary}/packages".encode() in variables
    assert aws.client("sts").get_caller_identity()["Account"] == aws.server.account


def test_what_is_installed_is_what_the_project_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    listed = [f"{line}; extra == '{name}'" for name in extras for line in extras[name]]
    monkeypatch.setattr(emulator, "requires", lambda name: [*project["dependencies"], *listed])
    monkeypatch.setattr(emulator, "find_spec", lambda name: None)
    assert emulator._requirements() == extras["emulator"]
    # Who has DuckDB beside mailroom has a lake to query.
    monkeypatch.setattr(emulator, "find_spec", lambda name: name == "duckdb")
    assert emulator._requirements() == [*extras["emulator"], *extras["lake"]]
    assert not [line for line in (*project["dependencies"], *extras["local"]) if "==" in line]
