"""Runs tests in a copy of the repository, in forks of a process that is warm.

What is dear to import is imported before, but nothing of ours. Each job forks a session, which
imports and collects some files of tests. Each step of the job forks again, may replace the code of
the functions that a mutant changed, and runs some of the tests. A job whose file was changed
before finds the change wherever code is imported: in this process, in others, and in assets.
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
from types import CodeType, FunctionType
from typing import Any

import pytest

ROOTS = ("lambda_src", "constructs_lib")
MEMORY = 3 << 30
STEPS = 150
"""After so many, a new process: the CDK's own remembers everything that was ever made."""


class Session:
    """Collects tests, and runs some of them for each step, in a fork."""

    def __init__(self, steps: list[dict[str, Any]], answers: int, *, go_on: bool) -> None:
        self.steps, self.answers, self.go_on = steps, answers, go_on
        self.failed: list[str] = []
        self.seconds: dict[str, float] = {}
        self.coverage: Any = None
        self.test = ""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.collect = lambda generation=2: 0
        gc.unfreeze()
        functions = [one for one in gc.get_objects() if isinstance(one, FunctionType)]
        gc.freeze()
        for step in self.steps:
            answer = {"code": 2}
            if not session.testsfailed:
                answer = forked(
                    lambda write, step=step: self._run(session, step, functions, write), step
                )
            elif not self.failed:
                self.failed = ["collecting"]
            answer = {"failed": self.failed, "seconds": {}, "took": 0.0, **answer}
            os.write(self.answers, (json.dumps(answer) + "\n").encode())
            if answer["code"] == -1 and not self.go_on:
                break
        return True

    def _run(
        self,
        session: pytest.Session,
        step: dict[str, Any],
        functions: list[FunctionType],
        write: int,
    ) -> None:
        cpu = int(step["cpu"])
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        code = 0
        if step.get("text") is not None and not replace(step, functions):
            code = 9
        rank = {test: index for index, test in enumerate(step["tests"])}
        items = [one for one in session.items if _wanted(one.nodeid, rank)]
        items.sort(key=lambda one: rank.get(one.nodeid, 0))
        if step.get("measure"):
            import coverage

            self.coverage = coverage.Coverage(data_file=None, config_file=False, source=list(ROOTS))
            self.coverage.start()
        for item, following in zip(items, [*items[1:], None], strict=True):
            if code or (self.failed and self.coverage is None):
                break
            self._context(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self._context("")
        lines = _lines(self.coverage) if self.coverage is not None else {}
        answer = {"code": code or int(bool(self.failed)), "lines": lines}
        answer |= {"failed": self.failed, "seconds": self.seconds}
        with os.fdopen(write, "w") as pipe:
            json.dump(answer, pipe)

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


def _wanted(nodeid: str, rank: dict[str, int]) -> bool:
    return nodeid in rank or nodeid.partition("::")[0] in rank


def replace(step: dict[str, Any], functions: list[FunctionType]) -> bool:
    """Give the function around a mutant its changed code; tell whether it was found."""
    path = str(Path(step["path"]).resolve())
    changed = _named(compile(step["text"], path, "exec"))
    # Much is imported when it is first used.
    with contextlib.suppress(Exception):
        importlib.import_module(".".join(Path(step["path"]).with_suffix("").parts[1:]))
    functions = [*functions, *(one for one in gc.get_objects() if isinstance(one, FunctionType))]
    begins = (step["function"] + ".").startswith
    replaced = False
    for function in functions:
        code = function.__code__
        # A function within a function is made anew by the outer one.
        if (
            code.co_filename == path
            and "<" not in code.co_qualname
            and begins(code.co_qualname + ".")
        ):
            new = changed.get((code.co_qualname, code.co_firstlineno))
            if new is None or new.co_freevars != code.co_freevars:
                return False
            function.__code__ = new
            replaced = True
    return replaced


def _named(code: CodeType) -> dict[tuple[str, int], CodeType]:
    found = {}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found[one.co_qualname, one.co_firstlineno] = one
            found |= _named(one)
    return found


def _lines(measured: Any) -> dict[str, dict[str, str]]:
    """Return for each file the lines that each test ran, as the bits of a number."""
    measured.stop()
    data = measured.get_data()
    found: dict[str, dict[str, str]] = {}
    for file in data.measured_files():
        tests: dict[str, int] = {}
        for line, contexts in data.contexts_by_lineno(file).items():
            for test in contexts:
                tests[test] = tests.get(test, 0) | 1 << line
        if tests:
            found[os.path.relpath(file)] = {test: hex(bits) for test, bits in tests.items()}
    return found


def forked(work: Any, limits: dict[str, Any]) -> dict[str, Any]:
    """Let a fork do *work* and return its answer; the code is -1 if there is none."""
    read, write = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.setsid()
        with contextlib.suppress(BaseException):
            work(write)
        os._exit(0)
    os.close(write)
    os.set_blocking(read, False)
    text, running = b"", True
    while running:
        running = os.waitpid(child, os.WNOHANG)[0] == 0
        with contextlib.suppress(BlockingIOError):
            while more := os.read(read, 1 << 20):
                text += more
        if running and time.monotonic() - began > limits["wall"]:
            os.killpg(child, signal.SIGKILL)
        if running:
            time.sleep(0.005)
    os.close(read)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # what a test started, and a mutant did not end
    answer: dict[str, Any] = {"code": -1}
    with contextlib.suppress(ValueError):
        answer = json.loads(text)
    return {**answer, "took": time.monotonic() - began}


def warm() -> None:
    """Import what the tests import, save what may be changed."""
    import jsii_direct

    jsii_direct.install()
    named = set()
    for path in [*Path("constructs_lib").rglob("*.py"), *Path("tests/constructs").rglob("*.py")]:
        named.update(re.findall(r"^from aws_cdk import (aws_\w+)", path.read_text(), re.MULTILINE))
    for name in [
        *(f"aws_cdk.{one}" for one in sorted(named)), "aws_cdk.assertions", "cdk_nag", "boto3",
        "moto", "hypothesis.strategies", "cryptography", "coverage", "http.server", "zipfile",
    ]:  # fmt: skip
        importlib.import_module(name)
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        plugin.load()
    ours = ("mailroom", "cdk_mailroom", "mailroom_cli", "mailroom_local")
    loaded = [name for name in sys.modules if name.split(".")[0] in ours]
    assert not loaded, f"a fork would not import these again: {loaded}"
    gc.collect()
    gc.freeze()


def collect(job: dict[str, Any], answers: int) -> None:
    """Run the session of *job* in this process."""
    with open(job["log"], "wb") as log:  # noqa: PTH123
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    # What the fork began with lives to the end; looking through it takes longer than most tests.
    gc.collect = lambda generation=2: 0
    plugins = [Session(job["steps"], answers, go_on=job["go_on"])]
    pytest.main(["-q", "--tb=short", "-p", "no:cacheprovider", *job["files"]], plugins=plugins)


def main() -> None:
    """Read jobs from standard input, one JSON object a line; answer each step with a line."""
    answers = os.dup(1)
    os.dup2(2, 1)
    warm()
    os.write(answers, b'{"ready": true}\n')
    steps = 0
    for line in sys.stdin:
        job = json.loads(line)
        steps += len(job["steps"])
        forked(lambda _, job=job: collect(job, answers), {"wall": 86_400})
        # The CDK's process may wait for the end of a call that was cut short.
        last = steps >= STEPS
        os.write(answers, (json.dumps({"end": True, "last": last}) + "\n").encode())
        if last:
            break


if __name__ == "__main__":
    main()
