"""``make prove``: run the parts of the proof and write what they found to ``docs/proof.md``.

``make prove PARTS="conformance torture"`` runs some of them; the page keeps the sections of the
others. The status is 1 if a part failed, took too long, or found that its claim does not hold.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
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
    minutes: int
    """How long it may take; the program is stopped then."""


PARTS = {
    "conformance": Part(command=("-m", "conformance"), minutes=5),
    "torture": Part(command=("-m", "torture"), minutes=9),
    "faults": Part(command=("-m", "faults"), minutes=8),
    "mutation": Part(command=("-m", "mutation"), minutes=9),
    "bench": Part(command=("-m", "benchmarks"), minutes=6),
    "scaling": Part(command=("benchmarks/scaling.py",), minutes=3),
}


def main() -> int:
    """Run the parts that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    names = parser.parse_args().parts or list(PARTS)
    for name in names:
        if name not in PARTS:
            parser.error(f"{name} is not a part of the proof; the parts are {', '.join(PARTS)}")
    console = Console(highlight=False)
    before = PAGE.read_text(encoding="utf-8")
    sections: dict[str, str] = {}
    failed: list[str] = []
    started = time.monotonic()
    for name in names:
        console.rule(f"{name}, at most {PARTS[name].minutes} minutes")
        result = _run(name, PARTS[name])
        sections[name] = section(result)
        if not result.holds:
            failed.append(name)
    PAGE.write_text(written(before, sections, order=list(PARTS)), encoding="utf-8")
    minutes = (time.monotonic() - started) / 60
    console.rule()
    console.print(f"{len(names)} parts in {minutes:.1f} minutes; see docs/proof.md")
    if failed:
        console.print(f"[red]does not hold: {', '.join(failed)}")
    return 1 if failed else 0


def _run(name: str, part: Part) -> Result:
    """Run a part; one that ends without a result has failed, whatever an earlier run found."""
    (FOLDER / f"{name}.json").unlink(missing_ok=True)
    paths = [str(ROOT / folder) for folder in ("tests", "constructs_lib", "lambda_src")]
    # The editable installation has the sources too; a copy of the repository has only these.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    started = time.monotonic()
    reason = "it ended without a result"
    try:
        process = subprocess.run(
            [sys.executable, *part.command],
            cwd=ROOT,
            env=environment,
            timeout=part.minutes * 60,
            check=False,
        )
        reason = f"{reason}, with status {process.returncode}"
    except subprocess.TimeoutExpired:
        reason = f"it was stopped after {part.minutes} minutes"
    try:
        result = Result.read(FOLDER / f"{name}.json")
    except FileNotFoundError:
        return Result(
            part=name,
            claim=f"The part failed: {reason}.",
            command=f"make prove PARTS={name}",
            holds=False,
            seconds=time.monotonic() - started,
        )
    return result


if __name__ == "__main__":
    sys.exit(main())
