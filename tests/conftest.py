"""Settings for all tests: none may depend on the machine or reach AWS."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Callable
from typing import Any

import botocore.loaders
import pytest
from _pytest.unraisableexception import gc_collect_iterations_key
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

import jsii_direct

# The CDK's own validation takes more than half of a synth, and only warns; `make check` has it.
os.environ["CDK_VALIDATION"] = "false"

# `--hypothesis-profile thorough` looks further, and elsewhere each time.
_slowly = settings(deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("mailroom", _slowly, derandomize=True, database=None, max_examples=25)
settings.register_profile("thorough", _slowly, max_examples=1_000)
settings.load_profile("mailroom")


jsii_direct.install()


# Every boto3 session would read and parse the services' models again, 0.1 s and more each time.
_read = functools.cache(botocore.loaders.JSONFileLoader().load_file)


def _read_once(self: botocore.loaders.JSONFileLoader, file_path: str) -> Any:
    return _read(file_path)


botocore.loaders.JSONFileLoader.load_file = _read_once


class _ByFile(LoadFileScheduling):
    """One worker runs a whole file, and all files that share something dear."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        for name, members in SHARING.items():
            if any(member in file for member in members):
                return name
        return file


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, as some tests wait for a local AWS."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)


# The files that share a deployed stack, a local AWS, or a browser and the mail that it shows.
SHARING = {
    "letters": tuple(
        f"end_to_end/test_{name}.py"
        for name in ("demos", "handing_on", "lake", "readme", "sending", "shared_batch")
    ),
    "commands": tuple(
        [f"cli/test_{name}.py" for name in ("account", "log", "send", "show", "tail", "trace")]
        + ["cli/doctor/"]
    ),
    "browser": ("local/page/browser",),
}
SLOW = ("end_to_end", "cli", "browser", "test_separable.py", "test_wheel.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow files first, so that no core is left waiting at the end."""
    items.sort(key=lambda item: not any(name in item.path.parts for name in SLOW))


def pytest_configure(config: pytest.Config) -> None:
    """Do not look for garbage at the end, five times, half a second each time."""
    config.stash[gc_collect_iterations_key] = 0


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
