"""Which tests judge a mutant, and what they say."""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mutation.mutants import Mutant
from mutation.worker import ROOTS

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "mutation"
KEPT = BUILD / "coverage"
KILLERS = BUILD / "killers.json"
SUITE = ("tests/runtime", "examples", "tests/constructs")
# The first measures this machine; the others make an environment for each test.
NOT_JUDGES = ("runtime/test_budgets.py", "constructs/test_wheel.py")
MOST_SECONDS = 30.0
# A first look is short, as most mutants are killed at once and the others are looked at again.
FIRST_SECONDS = 8.0
BATCH = 40
_WORD = re.compile(r"[a-z]{4,}")
_RARE = re.compile(r"[\w.]{10,}")
T = TypeVar("T")


@dataclass
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    state: str
    """``killed``, ``endless``, ``survived`` or ``untested``."""
    by: str = ""
    tests: int = 0


class Worker:
    """A process that runs tests in its own copy of the repository."""

    def __init__(self, number: int) -> None:
        self.folder = BUILD / f"copy{number}"
        self._process: subprocess.Popen[str] | None = None
        self.folder.with_suffix(".errors").unlink(missing_ok=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
        for path in [*self.folder.rglob("*.py")]:
            if path.relative_to(self.folder).as_posix() not in names:
                path.unlink()
        for name in names:
            copy, source = self.folder / name, (ROOT / name).read_bytes()
            if not copy.exists() or copy.read_bytes() != source:
                _write(copy, source)

    def run(self, files: list[str], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Collect *files*, and return the answer of each step.

        With the CDK, one that does not end is the last, as the CDK may wait for the rest of it.
        """
        log = str(self.folder.with_suffix(".log"))
        job = {"files": files, "steps": steps, "log": log, "go_on": _without_cdk(files)}
        pipe = self._started()
        assert pipe.stdin is not None
        assert pipe.stdout is not None
        pipe.stdin.write(json.dumps(job) + "\n")
        pipe.stdin.flush()
        answers: list[dict[str, Any]] = []
        while not (answer := json.loads(pipe.stdout.readline() or '{"end": true}')).get("end"):
            answers.append(answer)
        ended = all(one["code"] != -1 for one in answers)
        if answer.get("last", True) or not (ended or _without_cdk(files)):
            self.close()
        return answers

    @contextlib.contextmanager
    def changed(self, files: Mapping[str, Callable[[bytes], bytes | None]]) -> Iterator[None]:
        """Change files in the copy, by path, for as long as the block lasts."""
        before = {path: (self.folder / path).read_bytes() for path in files}
        try:
            for path, change in files.items():
                changed = change(before[path])
                assert changed is not None, path
                _write(self.folder / path, changed)
            yield
        finally:
            for path, source in before.items():
                _write(self.folder / path, source)

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            paths = [str(self.folder / one) for one in (*ROOTS, "tests")]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
            # The CDK's process reads its environment before tests/conftest.py sets it.
            environment["CDK_VALIDATION"] = "false"
            errors = self.folder.with_suffix(".errors")
            with errors.open("ab") as said:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "mutation.worker"],
                    cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    # The CDK prints the warnings of each app.
                    stderr=said,
                    env=environment,
                    preexec_fn=lambda: os.nice(10) and None,
                )  # fmt: skip
            assert self._process.stdout is not None
            if not json.loads(self._process.stdout.readline() or "{}").get("ready"):
                raise RuntimeError(f"the worker in {self.folder} did not start: see {errors}")
        return self._process

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None


def _without_cdk(files: list[str]) -> bool:
    """Tell whether no process of the CDK can be left in the middle of a call."""
    return all(file.startswith("tests/runtime/") for file in files)


def _write(file: Path, source: bytes) -> None:
    """Write a file, and forget what it was compiled to: Python may not see the change."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(source)
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        compiled.unlink()


@dataclass
class Measured:
    """What one file of tests runs, and for how long."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, int]]
    """For each source file, the lines that each test ran, as bits; ``""`` is for all tests."""


@dataclass
class Coverage:
    """What each test runs. Kept under build/, and measured again where files have changed."""

    files: dict[str, Measured] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)
    """Tests that fail here without a mutant, and judge none."""
    killers: dict[str, str] = field(default_factory=dict)
    """The test that killed a mutant in an earlier run, which is asked first in this one."""

    @classmethod
    def take(cls, workers: list[Worker], say: Callable[[str], None]) -> Coverage:
        """Return what is kept, after measuring what is missing or out of date."""
        KEPT.mkdir(parents=True, exist_ok=True)
        stale = [one for one in suite() if _out_of_date(one)]
        if stale:
            say(f"measuring what {len(stale)} of {len(suite())} files of tests run")
        each(workers, [stale[at : at + 8] for at in range(0, len(stale), 8)], measure)
        made = cls()
        for one in suite():
            made.read(one)
        if KILLERS.exists():
            made.killers = json.loads(KILLERS.read_text())
        return made

    def remember(self, verdicts: Iterable[Verdict]) -> None:
        """Keep which test killed which mutant."""
        self.killers |= {one.mutant.id: one.by for one in verdicts if one.by}
        KILLERS.write_text(json.dumps(self.killers))

    def read(self, file: str) -> None:
        """Add what was measured of *file*."""
        kept = json.loads(_kept(file).read_text())
        self.failing += kept["failed"]
        self.files[file] = Measured(
            {one: took for one, took in kept["seconds"].items() if one not in kept["failed"]},
            {
                path: {test: int(bits, 16) for test, bits in ran.items()}
                for path, ran in kept["lines"].items()
            },
        )

    def chosen(self, mutant: Mutant, most: float) -> tuple[list[str], float]:
        """Return the tests to run, likely and quick ones first, and how long they take."""
        killer = self.killers.get(mutant.id)
        folder, module = (
            Path(mutant.path).parts[at].removesuffix(".py").strip("_") for at in (2, -1)
        )
        imported = not self._run_by_tests(mutant)
        found: list[tuple[bool, int, float, str]] = []
        rare = _RARE.findall(mutant.before)
        words = set(_WORD.findall(f"{mutant.id.partition(':')[2]} {mutant.after}".lower()))

        def likely(file: str, test: str) -> int:
            """How closely a test relates to the mutant: its module, its folder, its words."""
            said = len(words & set(_WORD.findall(test.lower())))
            quoted = any(one in _text(file) for one in rare)
            runs = test in self.files[file].lines.get(mutant.path, {})
            return 2 * (module in file) + (folder in file) + said + 3 * quoted + 2 * runs

        for file, measured in self.files.items():
            ran = measured.lines.get(mutant.path, {})
            everything = bool(ran.get("", 0) >> mutant.line & 1) or _elsewhere(file, module)
            names = {one for one, bits in ran.items() if bits >> mutant.line & 1}
            if imported:
                users, names = _users(file, measured, mutant)
                everything = everything or users
            found += [
                (test != killer, -likely(file, test), seconds, test)
                for test, seconds in measured.seconds.items()
                if everything or test in names
            ]
        chosen: list[str] = []
        total = 0.0
        for *_, seconds, test in sorted(found):
            if total < most:
                chosen.append(test)
                total += seconds
        return chosen, total

    def _run_by_tests(self, mutant: Mutant) -> bool:
        """Tell whether something after import runs the line."""
        if not _bodies(mutant.path) >> mutant.line & 1:
            return False
        ran = (one.lines.get(mutant.path, {}) for one in self.files.values())
        return any(bits >> mutant.line & 1 for tests in ran for test, bits in tests.items() if test)


def _elsewhere(file: str, module: str) -> bool:
    """Tell whether tests in *file* use *module* in another process, where nothing is measured."""
    return Path(file).stem == f"test_{module}" or (
        "subprocess" in _text(file) and bool(_lines_with(file, module) or module in Path(file).stem)
    )


def _users(file: str, measured: Measured, mutant: Mutant) -> tuple[bool, set[str]]:
    """Return whether all tests of *file* use what an imported statement defines, or which do."""
    # A default of an argument belongs to the class whose constructor has it.
    named = (*mutant.names, *(mutant.function or "").split("."))
    names = [name for name in named if len(name) > 2 and not name.startswith("__")]
    everything = any(_lines_with(file, name) for name in names)
    some = set()
    for source, ran in measured.lines.items():
        for name in names:
            if lines := _lines_with(source, name):
                some |= {test for test, bits in ran.items() if bits & lines}
                # A fixture of several tests, which belongs to none of them.
                everything = everything or bool(ran.get("", 0) & lines & _bodies(source))
    return everything, some - {""} or set(measured.lines.get(mutant.path, ())) - {""}


@functools.cache
def _bodies(file: str) -> int:
    """Return the lines in functions, which no import runs, as bits."""
    return sum(
        1 << line
        for line in {
            line
            for node in ast.walk(ast.parse(_text(file)))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for line in range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        }
    )


@functools.cache
def _lines_with(file: str, name: str) -> int:
    """Return the lines that mention *name*, as bits."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    lines = _text(file).split("\n")
    return sum(1 << number for number, line in enumerate(lines, 1) if word.search(line))


@functools.cache
def _text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _kept(file: str) -> Path:
    return KEPT / (file.replace("/", "%") + ".json")


def _out_of_date(file: str) -> bool:
    path = _kept(file)
    digests = json.loads(path.read_text())["digests"] if path.exists() else {file: "none"}
    return any(_digest(ROOT / one) != digest for one, digest in digests.items())


def suite() -> list[str]:
    """Return the files whose tests judge."""
    found = (path for folder in SUITE for path in sorted((ROOT / folder).rglob("test_*.py")))
    names = [path.relative_to(ROOT).as_posix() for path in found]
    return [one for one in names if not one.endswith(NOT_JUDGES)]


def step(tests: list[str], seconds: float, **more: Any) -> dict[str, Any]:
    """Return a step that runs *tests*, or all of a file, which are known to take *seconds*."""
    return {"tests": tests, "cpu": 10 + seconds, "wall": 60 + 5 * seconds, **more}


def measure(worker: Worker, files: list[str]) -> None:
    """Keep what the tests in *files* run."""
    steps = [step([one], 120, measure=True) for one in files]
    answers = worker.run(files, steps)
    for file, answer in zip(files, answers, strict=False):
        if answer["code"] not in (0, 1):
            log = worker.folder.with_suffix(".log").read_text(errors="replace")
            raise RuntimeError(f"{file} does not run without a mutant:\n{log[-3000:]}")
        answer["digests"] = {one: _digest(worker.folder / one) for one in [file, *answer["lines"]]}
        _kept(file).write_text(json.dumps(answer))


def batches(found: list[Mutant]) -> list[list[Mutant]]:
    """Return the mutants in batches that share tests."""
    folders: dict[str, list[Mutant]] = {}
    for mutant in found:
        folders.setdefault("/".join(mutant.path.split("/")[:-1]), []).append(mutant)
    return [one[at : at + BATCH] for one in folders.values() for at in range(0, len(one), BATCH)]


def judge_batch(worker: Worker, batch: list[Mutant], coverage: Coverage) -> list[Verdict]:
    """Judge mutants by replacing functions, which is quick, but only kills count.

    What runs in another process or when a module is imported is not replaced.
    """
    steps, asked = [], []
    for mutant in batch:
        tests, seconds = coverage.chosen(mutant, FIRST_SECONDS)
        if tests and mutant.function:
            text = mutant.apply((worker.folder / mutant.path).read_bytes())
            assert text is not None
            more = {"path": mutant.path, "function": mutant.function, "text": text.decode()}
            steps.append(step(tests, seconds, **more))
            asked.append(mutant)
    files = list(dict.fromkeys(test.partition("::")[0] for one in steps for test in one["tests"]))
    killed = []
    for mutant, answer in zip(asked, worker.run(files, steps), strict=False):
        if answer["code"] in (1, -1):
            killed.append(_verdict(mutant, answer))
    return killed


def judge(worker: Worker, mutant: Mutant, coverage: Coverage) -> Verdict:
    """Judge a mutant by changing its file, so that it is wherever the file is read."""
    tests, seconds = coverage.chosen(mutant, MOST_SECONDS)
    if not tests:
        return Verdict(mutant, "untested")
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    with worker.changed({mutant.path: mutant.apply}):
        answers = worker.run(files, [step(tests, seconds)])
    return _verdict(mutant, answers[0] if answers else {"code": -1})


def _verdict(mutant: Mutant, answer: dict[str, Any]) -> Verdict:
    verdict = Verdict(mutant, "survived", tests=len(answer.get("seconds", ())))
    if answer["code"] == -1:
        verdict.state = "endless"
    elif answer["code"] in (1, 2):
        verdict.state, verdict.by = "killed", answer["failed"][0]
    return verdict


def control(worker: Worker, verdicts: Iterable[Verdict]) -> str:
    """Run what killed mutants with code that differs by a comment; return what fails even so."""
    killed = [one for one in verdicts if one.state == "killed"]
    tests = list(dict.fromkeys(one.by for one in killed if "::" in one.by))
    if not tests:
        return ""
    comment = {one.mutant.path: lambda source: source + b"\n# as before\n" for one in killed}
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    with worker.changed(comment):
        answers = worker.run(files, [step(tests, 200)])
    failed = answers[0]["failed"] if answers else ["what did not end"]
    return ", ".join(failed)


def each(workers: list[Worker], jobs: Iterable[T], work: Callable[[Worker, T], object]) -> None:
    """Let the workers do all *jobs*; raise what the first failed with."""
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    failures: list[BaseException] = []

    def loop(worker: Worker) -> None:
        while not failures:
            try:
                work(worker, waiting.get_nowait())
            except queue.Empty:
                return
            except BaseException as failure:
                failures.append(failure)

    threads = [threading.Thread(target=loop, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
