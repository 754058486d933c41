"""What the three flows of mail cost and where they bend, at 1, 100 and 10,000 mails a second.

``python benchmarks/scaling.py`` measures our functions, calculates with the prices and quotas of
``scale/aws.py``, and prints the tables of ``docs/scaling.md``. With ``--write`` it keeps what it
measured and writes the tables and the picture anew; with ``--kept`` it measures nothing. With
``--better`` the lesser CPU counts, of now and of what was kept: run it twice on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "lambda_src")]

from scale import inputs, page  # noqa: E402
from scale.flows import Paper  # noqa: E402

from proof.result import Result, machine  # noqa: E402 (the path comes first)


def main() -> None:
    """Measure, calculate, and show or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--kept", action="store_true", help="use what was measured last")
    parser.add_argument("--better", action="store_true", help="keep what took less CPU before")
    parser.add_argument("--write", action="store_true", help="write the pages and the picture")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="for each function (default: %(default)s)"
    )
    arguments = parser.parse_args()
    started = time.monotonic()
    kept = json.loads(inputs.KEPT.read_text("utf-8"))
    notes = [f"{name} is not as calculated: run with --write" for name in page.outdated(kept)]
    if not arguments.kept:
        found = inputs.measure(arguments.seconds)
        notes += inputs.differences(found, kept["inputs"])
        if arguments.better:
            found = inputs.better(found, kept["inputs"])
        kept = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "inputs": found}
    if arguments.write:
        notes = []
        inputs.KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        page.write(kept)
    paper = Paper(kept["inputs"])
    result = Result(
        part="scaling",
        claim="The tables of docs/scaling.md follow from measurements and AWS's prices and quotas.",
        command="python benchmarks/scaling.py",
        # That another machine takes more or less CPU is no fault of the page.
        holds=not notes,
        seconds=time.monotonic() - started,
        tables=[page.tables(paper)[0]],
        notes=[*notes, "The other tables are in [Scale and cost](scaling.md)."],
        date=kept["date"],
        machine=kept["machine"],
    )
    result.write()
    if arguments.json:
        print(json.dumps(asdict(result), indent=1))
    else:
        result.show()
    sys.exit(not result.holds)


if __name__ == "__main__":
    main()
