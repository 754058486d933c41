"""Tortures every synthesized entry point with mutated records and messages: 0 may be lost.

    make torture
    PYTHONPATH=tests python -m torture [--records N] [--messages N] [--seed S] [--workers W]
                                       [--only NAME[:INDEX]] [--json]

``--only events`` runs one function, ``--only events:1234`` the invocation with that one input, and
prints it. The same seed and index always make the same input.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from proof.result import Result
from torture.report import described

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
PATIENCE = 180.0
"""Seconds without progress after which an input counts as one that hangs."""
MOST_SECONDS = 4.0
"""CPU seconds that one message may take."""


@dataclass(kw_only=True)
class Share:
    """A function's share of all records and of all messages."""

    kind: str
    records: int = 0
    messages: int = 0


# Indexes that are used, of ten: those of an invocation are not all used, see `invocations`.
_USED = {"events": 8.61, "arrivals": 8.29, "lake": 9.1, "receiving": 10.0, "workmail": 10.0}
SHARES = {
    "lake": Share(kind="lake", records=580),
    "lake-transform": Share(kind="lake", records=100),
    "events": Share(kind="events", records=130),
    "events-bundled": Share(kind="events", records=60),
    "mail-function": Share(kind="arrivals", records=40),
    "receiving": Share(kind="receiving", records=20, messages=15),
    "receiving-synchronous": Share(kind="receiving", records=10),
    "gateway": Share(kind="receiving", records=10),
    "reject-spam": Share(kind="receiving", records=15),
    "auto-reply": Share(kind="receiving", records=10, messages=4),
    "forward": Share(kind="receiving", messages=16),
    "save-attachments": Share(kind="receiving", messages=9),
    "to-event-bus": Share(kind="receiving", messages=5),
    "to-queue": Share(kind="receiving", messages=4),
    "to-state-machine": Share(kind="receiving", messages=3),
    "to-topic": Share(kind="receiving", messages=4),
    "webhook": Share(kind="receiving", messages=3),
    "gateway-resend": Share(kind="receiving", messages=8),
    "workmail-flow": Share(kind="workmail", records=10, messages=4),
    "workmail-restrict": Share(kind="workmail", records=8),
    "workmail-flow-metrics": Share(kind="workmail", records=7),
    "workmail-banner": Share(kind="workmail", messages=8),
    "workmail-strip": Share(kind="workmail", messages=8),
    "workmail-block": Share(kind="workmail", messages=6),
    "workmail-disclaimer": Share(kind="workmail", messages=2),
    "workmail-journal": Share(kind="workmail", messages=1),
}
_SAMPLES = {"receiving": "receiving", "events": "events", "lake": "events", "arrivals": "arrivals"}
_RECORDS_A_TASK = 30_000
_MESSAGES_A_TASK = 2_500


def tasks(deployed: dict[str, Any], *, records: int, messages: int, seed: int) -> list[Any]:
    """Return what the workers have to do, the longest first."""
    shares = {name: share for name, share in SHARES.items() if name in deployed["functions"]}
    whole = sum(share.records for share in shares.values())
    all_messages = sum(share.messages for share in shares.values())
    found, given, mailed = [], 0, 0
    for name, share in shares.items():
        common = {
            "function": deployed["functions"][name],
            "kind": share.kind,
            "seed": seed,
            "samples": deployed["samples"][_SAMPLES.get(share.kind, share.kind)],
            "most_seconds": MOST_SECONDS,
        }
        # A little more, as what is used of the indexes is a matter of chance.
        slots = int(records * share.records / whole / _USED[share.kind] * 10 * 1.004) + 1
        slots = -(-slots // 10) * 10 if share.records else 0
        for first in range(0, slots, _RECORDS_A_TASK):
            last = min(first + _RECORDS_A_TASK, slots)
            found.append({**common, "what": "records", "first": first, "last": last})
        given += share.messages
        until = messages * given // max(all_messages, 1)
        for first in range(mailed, until, _MESSAGES_A_TASK):
            last = min(first + _MESSAGES_A_TASK, until)
            found.append({**common, "what": "messages", "first": first, "last": last})
        mailed = until
    return sorted(found, key=_weight, reverse=True)


def _weight(task: dict[str, Any]) -> float:
    each = 5.0 if task["what"] == "messages" else 0.3
    return (task["last"] - task["first"]) * each


def deployed_in(folder: Path) -> dict[str, Any]:
    """Synthesize the app into *folder*, in a process of its own, and return its functions."""
    paths = (ROOT / "constructs_lib", ROOT / "lambda_src", TESTS)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    environment["CDK_VALIDATION"] = "false"
    done = subprocess.run(
        [sys.executable, "-m", "torture.stack", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the app under torture cannot be synthesized:\n{done.stderr}")
    found: dict[str, Any] = json.loads((folder / "torture.json").read_text("utf-8"))
    return found


def run(task: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run a task in a process of its own, and return its result."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        files = [Path(place) / name for name in ("task.json", "result.json", "progress")]
        files[0].write_text(json.dumps(task))
        files[2].write_text(" " * 20)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(TESTS),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        worker = subprocess.Popen(
            [sys.executable, "-m", "torture.worker", *map(str, files)],
            env=environment,
            cwd=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = _waited_for(worker, files[2])
        if files[1].exists():
            result: dict[str, Any] = json.loads(files[1].read_text("utf-8"))
            return result
        at = files[2].read_text().strip() or str(task["first"])
        return {
            "name": task["function"]["name"],
            "what": task["what"],
            "died": f"{said}: status {worker.returncode}, at {at}",
            "at": int(at),
        }


def _waited_for(worker: subprocess.Popen[str], progress: Path) -> str:
    """Wait for *worker*, and end it if one input takes too long; return what it said."""
    seen, since = "", time.monotonic()
    while True:
        try:
            return worker.communicate(timeout=5)[1][-700:]
        except subprocess.TimeoutExpired:
            now = progress.read_text()
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                worker.kill()
                worker.communicate()
                return f"no progress for {PATIENCE:.0f} s"


def torture(
    *, records: int, messages: int, seed: int, workers: int, only: str | None, losing: bool = False
) -> Result:
    """Run everything, and return the result."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as place:
        folder = Path(place)
        found = tasks(deployed_in(folder), records=records, messages=messages, seed=seed)
        if only is not None:
            found = _chosen(found, only)
        for task in found:
            task["losing"] = losing
        with ThreadPoolExecutor(workers) as pool:
            going = [pool.submit(run, task, folder) for task in found]
            for number, _ in enumerate(as_completed(going), start=1):
                passed = time.monotonic() - started
                print(f"{number} of {len(going)} tasks, {passed:.0f} s", file=sys.stderr)
            results = [one.result() for one in going]
    part = described(results, records=records, messages=messages, seed=seed, only=only)
    part.seconds = time.monotonic() - started
    part.command += f' ARGS="--records {records} --messages {messages} --seed {seed}"'
    part.notes.append(
        f"{workers} workers, {part.seconds:.0f} s by the clock, "
        f"{sum(one.get('whole_cpu', 0) for one in results):.0f} s of CPU"
    )
    return part


def _chosen(found: list[Any], only: str) -> list[Any]:
    """Return the tasks of a function; with an index, the invocation that has it."""
    name, _, index = only.partition(":")
    what, _, name = name.rpartition("/")
    mine = [
        task
        for task in found
        if task["function"]["name"] == name and (not what or task["what"] == what)
    ]
    if not mine:
        names = sorted({task["function"]["name"] for task in found})
        raise SystemExit(f"--only is {only!r}: use one of {', '.join(names)}")
    if not index:
        return mine
    chosen = []
    for task in {task["what"]: task for task in mine}.values():
        first = int(index)
        single = task["what"] == "messages" or task["kind"] in ("receiving", "workmail")
        first = first if single else first // 10 * 10
        last = first + (1 if single else 10)
        chosen.append({**task, "first": first, "last": last, "show": int(index)})
    return chosen


def main() -> None:
    """Read the arguments, torture, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m torture")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--only", help="a function, such as events, or events:1234, or messages/receiving:7"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args()
    result = torture(
        records=options.records,
        messages=options.messages,
        seed=options.seed,
        workers=options.workers,
        only=options.only,
    )
    if options.only is None:
        result.write()
    if options.json:
        print(json.dumps(asdict(result), indent=1))
    else:
        result.show()
    raise SystemExit(0 if result.holds else 1)


if __name__ == "__main__":
    main()
