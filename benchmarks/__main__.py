"""Measures cdk-mailroom beside its alternatives; ``make bench`` runs it.

All subjects take about six minutes on two quiet cores. Their result is kept for ``docs/proof.md``;
the picture is drawn if they were measured in full.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version

from benchmarks import picture
from benchmarks.measuring import ROOT, Comparison, Report
from proof.result import Result, Table

_SUBJECTS = ("imports", "events", "reading", "synth", "edits", "mails", "logs")
_PICTURE = "bench.svg"
_MEASURED = (
    "aws-cdk-lib",
    "aws-lambda-powertools",
    "pydantic",
    "mail-parser",
    "aiosmtpd",
    "boto3",
    "awslambdaric",
)
_HOW = (
    "Every candidate took its turn in every round; a ratio is that of two figures of the same "
    "round. CPU time is less disturbed by what else runs on the machine than the clock is."
)
_EVEN = 0.05
_BY = {"wall": "clock", "cpu": "CPU", "memory": "memory"}


def main() -> int:
    """Measure, print, and keep the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(_SUBJECTS)}")
    parser.add_argument("--quick", action="store_true", help="few rounds, in about a minute")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    unknown = set(options.subjects) - set(_SUBJECTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: pass {', '.join(_SUBJECTS)}")
    chosen = [one for one in _SUBJECTS if one in options.subjects or not options.subjects]
    started = time.monotonic()
    report = Report()
    for name in chosen:
        print(f"measuring {name} …", file=sys.stderr)
        found: Report = importlib.import_module(f"benchmarks.{name}").measure(quick=options.quick)
        report.tables += found.tables
        report.growth += found.growth
        report.comparisons += found.comparisons
        report.notes += found.notes
    result = _result(report)
    result.seconds = time.monotonic() - started
    if options.quick:
        result.notes.append("Measured with --quick: few rounds, so the spread says little.")
    if chosen == list(_SUBJECTS):
        result.pictures = [_PICTURE]
        result.write()
    if chosen == list(_SUBJECTS) and not options.quick:
        drawn = picture.draw(report.comparisons, report.growth)
        (ROOT / "docs" / "images" / _PICTURE).write_text(drawn, encoding="utf-8")
    if options.json:
        print(json.dumps(asdict(result), indent=2))
    else:
        result.show()
    return 0 if result.holds else 1


def _result(report: Report) -> Result:
    peers = ", ".join(f"{name} {version(name)}" for name in _MEASURED)
    return Result(
        part="bench",
        claim="what cdk-mailroom costs beside its alternatives is within its limits",
        command="make bench",
        holds=all(one.within for one in report.comparisons),
        tables=[
            *_summaries(report.comparisons),
            *(growth.table() for growth in report.growth),
            *report.tables,
        ],
        notes=[
            *_reasons(report.comparisons),
            *report.notes,
            f"Measured with Python {platform.python_version()}, {peers}.",
            _HOW,
        ],
    )


def _summaries(comparisons: Sequence[Comparison]) -> list[Table]:
    """What is ahead of us, what we are ahead of, and floors, which do only a part of the work."""
    peers = [one for one in comparisons if not one.is_floor]
    groups = {
        "Where a peer is ahead": [one for one in peers if one.ratio.median > 1 + _EVEN],
        "Where it is even": [one for one in peers if abs(one.ratio.median - 1) <= _EVEN],
        "Where cdk-mailroom is ahead": [one for one in peers if one.ratio.median < 1 - _EVEN],
        "Beside a floor, which does only a part of the work": [
            one for one in comparisons if one.is_floor
        ],
    }
    return [
        Table(
            title=f"{title}: ours by the peer's",
            columns=["subject", "peer", "of", "ratio", "least to most", "limit"],
            rows=[_row(one) for one in sorted(found, key=lambda one: -one.ratio.median)],
            numeric=3,
        )
        for title, found in groups.items()
        if found
    ]


def _reasons(comparisons: Sequence[Comparison]) -> list[str]:
    """Say once why ours takes more, however many figures show it."""
    dearer = [one for one in comparisons if one.ratio.median > 1 + _EVEN]
    said: dict[str, list[str]] = {}
    for one in dearer:
        # A subject's own reason needs no list of its figures.
        alone = {other.why for other in dearer if other.subject == one.subject} == {one.why}
        name = one.subject if alone else f"{one.subject}, {one.what}"
        if one.why and name not in said.setdefault(one.why, []):
            said[one.why].append(name)
    return [f"{'; '.join(names)}: ours takes more. {why}" for why, names in said.items()]


def _row(one: Comparison) -> list[str]:
    return [
        f"{one.subject}: {one.what}",
        one.peer,
        _BY[one.by],
        f"{one.ratio.median:.2f}",
        f"{one.ratio.least:.2f} to {one.ratio.most:.2f}",
        "" if one.limit is None else f"{one.limit:.2f}{'' if one.within else ' (exceeded)'}",
    ]


if __name__ == "__main__":
    sys.exit(main())
