"""Run it: ``PYTHONPATH=tests python -m mutation``, or ``make mutation``."""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from mutation import judging, mutants
from mutation.judging import Coverage, Verdict, Worker
from mutation.mutants import Mutant
from proof.result import Result, Table

PARTS = {
    "runtime": "lambda_src/mailroom",
    "constructs": "constructs_lib/cdk_mailroom",
    "cli": "constructs_lib/mailroom_cli",
    "local": "constructs_lib/mailroom_local",
}
EXPLAINED = Path(__file__).with_name("explained.toml")
SEED = 17


def main() -> int:
    """Judge mutants, and print what survived."""
    parser = argparse.ArgumentParser(prog="mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=600, help="how many mutants")
    parser.add_argument("--seed", type=int, default=SEED, help="which of them")
    parser.add_argument("--only", metavar="ID", help="those whose id contains this, thoroughly")
    parser.add_argument("--part", choices=PARTS, action="append", help="runtime and constructs")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print each verdict as JSON")
    options = parser.parse_args()

    began = time.monotonic()
    say = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    parts = options.part or ["runtime", "constructs"]
    everything = [one for part in parts for one in mutants.mutants(judging.ROOT, PARTS[part])]
    explained = read_explained()
    if options.only:
        chosen = [one for one in everything if options.only in one.id]
    else:
        chosen = mutants.sample(everything, options.sample, options.seed)
    chosen = [one for one in chosen if one.apply((judging.ROOT / one.path).read_bytes())]
    workers = [Worker(number) for number in range(options.workers)]
    coverage = Coverage.take(workers, say)
    measured = time.monotonic()
    verdicts: list[Verdict] = []

    judged = [one for one in chosen if options.only or one.id not in explained]

    def batch(worker: Worker, mutants: list[Mutant]) -> None:
        verdicts.extend(judging.judge_batch(worker, mutants, coverage))
        coverage.remember(verdicts)
        say(f"{len(verdicts)} killed after {time.monotonic() - measured:.0f} s")

    def work(worker: Worker, mutant: Mutant) -> None:
        verdicts.append(judging.judge(worker, mutant, coverage))
        if verdicts[-1].state in ("survived", "untested"):
            say(f"{verdicts[-1].state}: {mutant.id} -> {mutant.after!r}")

    judging.each(workers, judging.batches(judged), batch)
    killed = {one.mutant for one in verdicts}
    judging.each(workers, [one for one in judged if one not in killed], work)
    coverage.remember(verdicts)
    wrong = judging.control(workers[0], verdicts)
    for worker in workers:
        worker.close()
    verdicts += [Verdict(one, "explained") for one in chosen if one not in judged]
    if options.json:
        print(json.dumps([{**asdict(one), "id": one.mutant.id} for one in verdicts]))
    result = report(verdicts, everything, wrong)
    if set(parts) >= {"runtime", "constructs"}:
        gone = explained.keys() - {one.id for one in everything}
        result.holds = result.holds and not gone
        result.notes += [f"explained, but no longer there: {one}" for one in sorted(gone)]
    result.seconds = time.monotonic() - began
    result.notes.append(
        f"Seed {options.seed}; judging took {time.monotonic() - measured:.0f} s with "
        f"{options.workers} workers, after {measured - began:.0f} s for the coverage."
    )
    result.notes += [f"Judges nothing, as it fails in a worker: {one}" for one in coverage.failing]
    if not options.only:
        result.write()
    result.show()
    return not result.holds


def read_explained() -> dict[str, str]:
    """Return the reason of each mutant that may survive."""
    groups = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))["explained"]
    return {one: group["reason"] for group in groups for one in group["mutants"]}


def report(verdicts: list[Verdict], everything: list[Mutant], wrong: str) -> Result:
    """Return the figures by folder, and what nobody noticed."""
    states = ("killed", "endless", "explained", "survived", "untested")
    table = Table(title="Mutants", columns=["Folder", "All", "Judged", *states], numeric=7)
    possible = Counter(mutants.folder_of(one.path) for one in everything)
    for folder in [*sorted({mutants.folder_of(one.mutant.path) for one in verdicts}), ""]:
        those = [
            one for one in verdicts if mutants.folder_of(one.mutant.path) == folder or not folder
        ]
        counts = Counter(one.state for one in those)
        cells = [possible[folder] if folder else len(everything), len(those)]
        cells += [counts[state] for state in states]
        table.rows.append([folder or "Together", *map(str, cells)])
    left = [one for one in verdicts if one.state in ("survived", "untested")]
    notes = [
        f"{one.state}: {one.mutant.path}:{one.mutant.line} {one.mutant.id} -> {one.mutant.after}"
        for one in left
    ]
    if wrong:
        notes.append(f"The verdicts do not count: without a mutant, {wrong} fails as well.")
    return Result(
        part="mutation",
        claim="of a sample of changes to the code, tests notice each that is not explained",
        command="make mutation",
        holds=not left and not wrong,
        tables=[table],
        notes=notes,
    )


if __name__ == "__main__":
    sys.exit(main())
