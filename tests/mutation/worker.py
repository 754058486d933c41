"""Runs tests in a copy of the repository, each job in a fork of a process that is warm.

What is dear to import is imported before, but nothing of ours: so a fork imports the changed file
as a new process would, and processes that tests start find it through PYTHONPATH.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.metadata
import json
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOTS = ("lambda_src", "constructs_lib")
MEMORY = 3 << 30
JOBS = 80
"""After so many, a new process: the CDK's own remembers everything that was ever made."""


class Recorder:
    """Chooses the tests of a job, and notes what they did."""

    def __init__(self, wanted: dict[str, list[str]] | None, coverage: Any, write: int) -> None:
        self.wanted, self.coverage, self.write = wanted, coverage, write
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self.test = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.wanted is not None:
            order = [test for tests in self.wanted.values() for test in tests]
            rank = {nodeid: index for index, nodeid in enumerate(order)}
            items[:] = sorted(
                (one for one in items if one.nodeid in rank), key=lambda one: rank[one.nodeid]
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self._context(item.nodeid)
        try:
            return (yield)
        finally:
            self._context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[Any]:
        """What a fixture of several tests runs belongs to none of them."""
        if fixturedef.scope == "function":
            return (yield)
        test = self.test
        self._context("")
        try:
            return (yield)
        finally:
            self._context(test)

    def _context(self, nodeid: str) -> None:
        self.test = nodeid
        if self.coverage is not None:
            self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        took = self.seconds.get(report.nodeid, 0.0)
        self.seconds[report.nodeid] = round(took + report.duration, 4)
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Answer, and end at once: there is nothing to tidy in a fork."""
        answer = {
            "code": int(exitstatus),
            "failed": self.failed,
            "seconds": self.seconds,
            "lines": _lines(self.coverage) if self.coverage is not None else {},
        }
        with os.fdopen(self.write, "w") as pipe:
            json.dump(answer, pipe)
        sys.stdout.flush()
        os._exit(0)


def run(job: dict[str, Any], write: int) -> None:
    """Do the job in this process, a fork, and write the answer to *write*."""
    os.setsid()
    with open(job["log"], "wb") as log:  # noqa: PTH123
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(job["cpu"]), int(job["cpu"]) + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    measured = None
    if job.get("measure"):
        import coverage

        measured = coverage.Coverage(data_file=None, config_file=False, source=list(ROOTS))
        measured.start()
    options = ["-q", "--tb=short", "-p", "no:cacheprovider"]
    if measured is None:
        options.append("-x")
    # What the fork began with lives to the end; looking through it takes longer than most tests.
    gc.collect = lambda generation=2: 0
    pytest.main([*options, *job["files"]], plugins=[Recorder(job.get("tests"), measured, write)])


def _lines(measured: Any) -> dict[str, dict[str, str]]:
    """Return for each file the lines that each test ran, as the bits of a number."""
    measured.stop()
    data = measured.get_data()
    found: dict[str, dict[str, int]] = {}
    for file in data.measured_files():
        tests: dict[str, int] = {}
        for line, contexts in data.contexts_by_lineno(file).items():
            for test in contexts:
                tests[test] = tests.get(test, 0) | 1 << line
        if tests:
            found[os.path.relpath(file)] = tests
    return {
        file: {test: hex(bits) for test, bits in tests.items()} for file, tests in found.items()
    }


def forked(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job in a fork; return its answer, or why there is none."""
    read, write = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(read)
        with contextlib.suppress(BaseException):
            run(job, write)
        os._exit(0)
    os.close(write)
    os.set_blocking(read, False)
    text, status = b"", None
    while status is None:
        with contextlib.suppress(BlockingIOError):
            text += os.read(read, 1 << 20)
        done, state = os.waitpid(child, os.WNOHANG)
        status = state if done else None
        if status is None and time.monotonic() - began > job["wall"]:
            os.killpg(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
        elif status is None:
            time.sleep(0.01)
    with contextlib.suppress(BlockingIOError):
        while more := os.read(read, 1 << 20):
            text += more
    os.close(read)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what a test started, and a mutant did not end
    answer = {"code": -1, "failed": [], "seconds": {}, "lines": {}}
    if text:
        answer = json.loads(text)
    answer["took"] = time.monotonic() - began
    return answer


def warm() -> None:
    """Import what the tests import, save what may be changed."""
    import jsii_direct

    jsii_direct.install()
    named = set()
    for path in [
        *Path().glob("constructs_lib/cdk_mailroom/**/*.py"),
        *Path().glob("tests/**/*.py"),
    ]:
        named.update(re.findall(r"^from aws_cdk import (aws_\w+)", path.read_text(), re.MULTILINE))
    for name in [
        *(f"aws_cdk.{one}" for one in sorted(named)), "aws_cdk.assertions", "cdk_nag", "boto3",
        "moto", "hypothesis.strategies", "syrupy", "xdist.scheduler", "cryptography", "coverage",
        "email.message", "http.server", "zipfile", "rich.console",
    ]:  # fmt: skip
        importlib.import_module(name)
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        plugin.load()
    ours = ("mailroom", "cdk_mailroom", "mailroom_cli", "mailroom_local")
    loaded = [name for name in sys.modules if name.split(".")[0] in ours]
    assert not loaded, f"a fork would not import these again: {loaded}"
    gc.collect()
    gc.freeze()


def main() -> None:
    """Read jobs from standard input, one JSON object a line, and answer likewise."""
    warm()
    print(json.dumps({"ready": True}), flush=True)
    for number, line in enumerate(sys.stdin, 1):
        answer = forked(json.loads(line))
        # The CDK's process may wait for the end of a call that was cut short.
        answer["last"] = number >= JOBS or answer["code"] == -1
        print(json.dumps(answer), flush=True)
        if answer["last"]:
            break


if __name__ == "__main__":
    main()
