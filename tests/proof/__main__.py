"""``make prove``: run the parts of the proof and write what they found to ``docs/proof.md``.

``make prove PARTS="conformance torture"`` runs some of them; the page keeps the sections of the
others. ``FULL=1`` takes the whole million of records, and the whole sample of mutants. The status
is 1 if a part failed, took too long, or found that its claim does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from proof import FOLDER, Result
from proof.page import section, written

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "proof.md"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A program that writes its `Result`."""

    command: tuple[str, ...]
    """What Python runs."""
    less: tuple[str, ...] = ()
    """What makes it a part of the whole work, so that all parts end within 20 minutes."""
    minutes: int
    """How long it may take; the program is stopped then. Without `less`, four times as long."""


PARTS = {
    "conformance": Part(command=("-m", "conformance"), minutes=4),
    "torture": Part(
        command=("-m", "torture"),
        less=("--records", "200000", "--messages", "20000"),
        minutes=4,
    ),
    "faults": Part(command=("-m", "faults"), minutes=7),
    "mutation": Part(command=("-m", "mutation"), less=("--sample", "60"), minutes=8),
    "bench": Part(command=("-m", "benchmarks"), less=("--quick",), minutes=5),
    "scaling": Part(command=("benchmarks/scaling.py",), minutes=2),
}


def main() -> int:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--full", action="store_true", help="all of the work, not a part of it")
    options = parser.parse_args()
    names = options.parts or list(PARTS)
    for name in names:
        if name not in PARTS:
            parser.error(f"{name} is not a part of the proof; the parts are {', '.join(PARTS)}")
    console = Console(highlight=False)
    failed: list[str] = []
    started = time.monotonic()
    for name in names:
        part = PARTS[name]
        minutes = part.minutes * 4 if options.full else part.minutes
        console.rule(f"{name}, at most {minutes} minutes")
        result = _run(name, part.command + (() if options.full else part.less), minutes)
        if not result.holds:
            failed.append(name)
        page = PAGE.read_text(encoding="utf-8")
        page = written(page, {name: section(result)}, order=list(PARTS))
        PAGE.write_text(page, encoding="utf-8")
    minutes = (time.monotonic() - started) / 60
    console.rule()
    console.print(f"{len(names)} parts in {minutes:.1f} minutes; see docs/proof.md")
    if failed:
        console.print(f"[red]does not hold: {', '.join(failed)}")
    return 1 if failed else 0


def _run(name: str, command: tuple[str, ...], minutes: int) -> Result:
    """Run a part; one that ends without a result has failed, whatever an earlier run found."""
    (FOLDER / f"{name}.json").unlink(missing_ok=True)
    paths = [str(ROOT / folder) for folder in ("tests", "constructs_lib", "lambda_src")]
    # The editable installation has the sources too; a copy of the repository has only these.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, start_new_session=True
    )
    try:
        reason = f"it ended without a result, with status {process.wait(minutes * 60)}"
    except subprocess.TimeoutExpired:
        reason = f"it was stopped after {minutes} minutes"
    finally:
        _end(process)
    try:
        return Result.read(FOLDER / f"{name}.json")
    except FileNotFoundError:
        return Result(
            part=name,
            claim=f"The part failed: {reason}.",
            command=f"make prove PARTS={name}",
            holds=False,
            seconds=time.monotonic() - started,
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a part and what it started: first as Ctrl-C would, so that it can clean up."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
