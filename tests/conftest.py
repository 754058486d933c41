"""Settings for all tests: none may depend on the machine or reach AWS."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from _pytest.unraisableexception import gc_collect_iterations_key
from hypothesis import HealthCheck, settings
from xdist.scheduler import EachScheduling, LoadFileScheduling
from xdist.workermanage import WorkerController

import jsii_direct

# The CDK's own validation takes more than half of a synth, and only warns; `make check` has it.
os.environ["CDK_VALIDATION"] = "false"

# `--hypothesis-profile thorough` looks further, and elsewhere each time.
_slowly = settings(deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("mailroom", _slowly, derandomize=True, database=None, max_examples=25)
settings.register_profile("thorough", _slowly, max_examples=1_000)
settings.load_profile("mailroom")


jsii_direct.install()


# Every boto3 session would list, read and parse the services' models again, 0.1 s and more each.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, as some tests wait for a local AWS."""
    return (os.cpu_count() or 1) + 1


# Seconds that the tests of a folder take. What is not named takes those of the last.
FOLDERS = {
    "tests/constructs": 165,
    "tests/runtime": 145,
    "tests/local/page": 50,
    "tests/local": 135,
    "tests/end_to_end": 75,
    "tests/cli": 75,
    "": 20,
}


def pytest_configure_node(node: WorkerController) -> None:
    """With ``--dist each``, say which folders this worker runs: they share what they deploy."""
    if _in_folders(node.config):
        workers = [spec.id for spec in node.nodemanager.specs]
        node.workerinput["folders"] = _shares(workers)[node.workerinput["workerid"]]


def _in_folders(config: pytest.Config) -> bool:
    """Return whether the whole suite is run; else the workers share out the files."""
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return config.option.dist == "each" and everything


def _shares(workers: list[str]) -> dict[str, list[str]]:
    """Hand out the folders: the longest first, each to the worker that has least to do."""
    seconds = dict.fromkeys(workers, 0)
    shares: dict[str, list[str]] = {worker: [] for worker in workers}
    for folder in sorted(FOLDERS, key=lambda name: -FOLDERS[name]):
        least = min(seconds, key=lambda worker: seconds[worker])
        seconds[least] += FOLDERS[folder]
        shares[least].append(folder)
    return shares


class _OwnFolders:
    """Leaves out the folders of the other workers, before anything there is imported."""

    def __init__(self, root: Path, folders: list[str]) -> None:
        self._root = root
        self._folders = folders

    def _has(self, path: Path) -> bool:
        name = f"{path.relative_to(self._root).as_posix()}/"
        inside = any(folder.startswith(name) for folder in self._folders)
        return inside or _folder(name) in self._folders

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return None if self._has(collection_path) else True


def _folder(path: str) -> str:
    return next(name for name in FOLDERS if not name or path.startswith(f"{name}/"))


class _EachItsOwn(EachScheduling):
    """Counts the tests of all workers; ``each`` means that every worker has the same ones."""

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        super().add_node_collection(node, collection)
        found = sum(map(len, self.node2collection.values()))
        self.config.pluginmanager.get_plugin("session").testscollected = found


def pytest_xdist_make_scheduler(
    config: pytest.Config, log: Any
) -> EachScheduling | LoadFileScheduling | None:
    if config.option.dist != "each":
        return None
    if _in_folders(config):
        return _EachItsOwn(config, log)
    # The page comes first, as in the whole suite.
    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the page, which shows all that an account has: other tests add to it."""
    items.sort(key=lambda item: "page" not in item.path.parts)


def pytest_configure(config: pytest.Config) -> None:
    """Do not look for garbage at the end, five times, half a second each time."""
    config.stash[gc_collect_iterations_key] = 0
    folders = getattr(config, "workerinput", {}).get("folders")
    if folders is not None:
        # Not hooks of this file, which would not be asked about ``examples``.
        config.pluginmanager.register(_OwnFolders(config.rootpath, folders))


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Let workers send only reports that say something, which takes 2 ms less for each test."""
    if session.config.option.durations is not None:
        return
    for plugin in session.config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugin.sendevent = functools.partial(_send_news, plugin.sendevent)


def _send_news(send: Callable[..., None], name: str, **event: Any) -> None:
    """Leave out when a test starts and ends, and that its fixtures work."""
    data = event.get("data", {})
    quiet = name == "testreport" and data["when"] != "call" and data["outcome"] == "passed"
    if not quiet and name not in ("logstart", "logfinish"):
        send(name, **event)


# Of what is made until the tests are collected, almost everything lives to the end.
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare the garbage collector the million objects that live to the end anyway."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let syrupy hear of the worker that has the snapshots; it expects the same tests of all."""
    report = getattr(session.config, "workeroutput", {}).get("syrupy_report")
    used = any("snapshot" in getattr(item, "fixturenames", ()) for item in session.items)
    if report and not used:
        report["selected"] = {}
        report.pop("collected", None)


def pytest_unconfigure() -> None:
    """Let the modules of C++ find everything given back."""
    gc.unfreeze()


@pytest.fixture(autouse=True, scope="session")
def _nobodys_account() -> None:
    """Hide the account that the developer is logged in to."""
    for name in os.environ.keys() - {"CDK_VALIDATION"}:
        if name.startswith(("AWS_", "CDK_")):
            del os.environ[name]
    os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "test"
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
