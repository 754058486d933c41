"""Measures the cost of a mail or an event with cdk-mailroom and with the alternatives.

``make bench`` prints it; ``--json`` is for programs. Import cost is measured on whole processes,
because that is what a cold start is; cost per event in one process. Every candidate takes its turn
in every round, so that a busy machine slows all of them alike, and medians are compared.
"""

from __future__ import annotations

import argparse
import binascii
import contextlib
import importlib.util
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LAMBDA_SRC = ROOT / "lambda_src"
MISSING = (
    "aws-lambda-powertools[parser] is not installed, so its rows are left out; "
    "the dependency group 'bench' installs it: pip install --group bench"
)

RUNTIME_CLIENT = "import awslambdaric.bootstrap, awslambdaric.lambda_runtime_client"
CLIENT = "import boto3; boto3.client('s3', region_name='us-east-1')"
IMPORTS = {
    "Lambda runtime client (base)": "",
    "mailroom.entry.receiving": "import mailroom.entry.receiving",
    "mailroom.entry.events": "import mailroom.entry.events",
    "mailroom.entry.events + bounce": (
        "import mailroom.entry.events, mailroom.handlers.events.bounce"
    ),
    "mailroom.entry.lake": "import mailroom.entry.lake",
    "Powertools data class": ("from aws_lambda_powertools.utilities.data_classes import SESEvent"),
    "Powertools pydantic model": (
        "from aws_lambda_powertools.utilities.parser.models import SesModel"
    ),
    "boto3 + S3 client": CLIENT,
    "mailroom.entry.receiving + S3 client": f"import mailroom.entry.receiving; {CLIENT}",
}


def sample() -> str:
    """Return AWS's sample event as text.

    With a DMARC verdict, which AWS leaves out of its own sample: Powertools' pydantic model
    refuses the event without it.
    """
    event = json.loads((ROOT / "tests/payloads/received_mail.json").read_text())
    event["Records"][0]["ses"]["receipt"]["dmarcVerdict"] = {"status": "PASS"}
    return json.dumps(event)


def with_powertools() -> bool:
    """Return whether Powertools and its parser are installed."""
    return all(importlib.util.find_spec(name) for name in ("aws_lambda_powertools", "pydantic"))


def measure_imports(runs: int) -> dict[str, dict[str, float]]:
    """Time whole processes that import a candidate after what Lambda has imported anyway."""
    times: dict[str, list[float]] = {}
    programs = {
        name: statement
        for name, statement in IMPORTS.items()
        if with_powertools() or "aws_lambda_powertools" not in statement
    }
    env = {**os.environ, "PYTHONPATH": str(LAMBDA_SRC), "POWERTOOLS_DEV": "0"}
    for name in ("MAILROOM_HANDLER", "MAILROOM_HANDLERS", "MAILROOM_EVENT_TABLE"):
        env.pop(name, None)
    for turn in range(runs + 1):
        for name, statement in programs.items():
            program = f"{RUNTIME_CLIENT}\n{statement}"
            started = time.perf_counter()
            # No timeout: with one, Python only polls for the end of the process.
            subprocess.run([sys.executable, "-c", program], env=env, check=True)
            if turn:  # the first only writes bytecode and warms the file cache
                times.setdefault(name, []).append((time.perf_counter() - started) * 1000)
    medians = {name: statistics.median(found) for name, found in times.items()}
    base = medians["Lambda runtime client (base)"]
    return {
        name: {"ms": median, "added_ms": median - base, "ratio": median / base}
        for name, median in medians.items()
    }


def candidates(text: str) -> dict[str, Callable[[], object]]:
    """Return what to do with one event: decode it, and read the same six fields of it."""
    sys.path.insert(0, str(LAMBDA_SRC))
    from mailroom.receiving import ReceivedMail

    def bare() -> object:
        return json.loads(text)

    def by_hand() -> object:
        ses = json.loads(text)["Records"][0]["ses"]
        mail, receipt = ses["mail"], ses["receipt"]
        return (
            mail["messageId"],
            mail["source"],
            mail["commonHeaders"]["subject"],
            mail["commonHeaders"]["from"],
            receipt["recipients"],
            receipt["spamVerdict"]["status"],
        )

    def ours() -> object:
        mail = ReceivedMail(json.loads(text)["Records"][0]["ses"])
        return (
            mail.message_id,
            mail.source,
            mail.subject,
            mail.from_,
            mail.recipients,
            mail.spam.status,
        )

    found: dict[str, Callable[[], object]] = {
        "json.loads (base)": bare,
        "json.loads, six keys": by_hand,
        "mailroom ReceivedMail": ours,
    }
    if not with_powertools():
        return found

    from aws_lambda_powertools.utilities.data_classes import SESEvent
    from aws_lambda_powertools.utilities.parser.models import SesModel

    def data_class() -> object:
        event = SESEvent(json.loads(text))
        mail, receipt = event.mail, event.receipt
        return (
            mail.message_id,
            mail.source,
            mail.common_headers.subject,
            mail.common_headers.get_from,
            list(receipt.recipients),
            receipt.spam_verdict.status,
        )

    def model() -> object:
        ses = SesModel.model_validate(json.loads(text)).Records[0].ses
        return (
            ses.mail.messageId,
            ses.mail.source,
            ses.mail.commonHeaders.subject,
            ses.mail.commonHeaders.header_from,
            ses.receipt.recipients,
            ses.receipt.spamVerdict.status,
        )

    return {**found, "Powertools data class": data_class, "Powertools pydantic model": model}


def measure_events(rounds: int, repeats: int = 200) -> dict[str, dict[str, float]]:
    """Time each candidate on AWS's sample, in interleaved rounds of *repeats* events."""
    work = candidates(sample())
    answers = [do() for name, do in work.items() if name != "json.loads (base)"]
    if any(answer != answers[0] for answer in answers):
        raise SystemExit(f"the candidates do not read the same fields: {answers}")
    return measure(work, rounds, repeats)


def sending_events() -> list[str]:
    """Return AWS's sample of each sending event, minified, as SES publishes them."""
    found = sorted((ROOT / "tests/payloads/sending_events").glob("*.json"))
    return [json.dumps(json.loads(path.read_text()), separators=(",", ":")) for path in found]


def sending_candidates(texts: list[str]) -> dict[str, Callable[[], object]]:
    """Return what to do with one sample of each sending event: decode it, and read six fields."""
    sys.path.insert(0, str(LAMBDA_SRC))
    from mailroom.events import parse

    def bare() -> object:
        return [json.loads(text) for text in texts]

    def by_hand() -> object:
        answer = []
        for text in texts:
            event = json.loads(text)
            mail = event["mail"]
            kind = event["eventType"]
            part = event.get("bounce") or event.get("complaint") or event.get("deliveryDelay") or {}
            named = (
                part.get("bouncedRecipients")
                or part.get("complainedRecipients")
                or part.get("delayedRecipients")
            )
            recipients = [one["emailAddress"] for one in named] if named else mail["destination"]
            if kind == "Delivery":
                recipients = event["delivery"]["recipients"]
            answer.append(
                (
                    kind,
                    mail["messageId"],
                    mail["source"],
                    mail["destination"],
                    recipients,
                    mail["tags"]["ses:configuration-set"][0],
                )
            )
        return answer

    def ours() -> object:
        answer = []
        for text in texts:
            event = parse(text)
            mail = event.mail
            answer.append(
                (
                    event.type,
                    mail.message_id,
                    mail.source,
                    mail.destination,
                    event.recipients,
                    mail.configuration_set,
                )
            )
        return answer

    return {
        "json.loads (base)": bare,
        "json.loads, six keys": by_hand,
        "mailroom parse": ours,
    }


def batch_candidates(texts: list[str]) -> dict[str, Callable[[], object]]:
    """Return what to do with a batch of ten: take the events out of SQS's and SNS's envelopes."""
    sys.path.insert(0, str(LAMBDA_SRC))
    from mailroom.events import records
    from mailroom.testing import event_invocation

    batch = event_invocation(texts, "sqs-sns")

    def bare() -> object:
        return [json.loads(json.loads(one["body"])["Message"]) for one in batch["Records"]]

    def ours() -> object:
        return [event for _, event in records(batch)]

    return {"json.loads (base)": bare, "mailroom records": ours}


def lake_candidates(texts: list[str]) -> dict[str, Callable[[], object]]:
    """Return what to do with ten records of Firehose: decode, read, and make rows of them."""
    sys.path.insert(0, str(LAMBDA_SRC))
    from mailroom import lake
    from mailroom.entry.lake import handler
    from mailroom.events import SendingEvent, records
    from mailroom.testing import event_invocation

    batch = event_invocation(texts, "firehose")

    def bare() -> object:
        return [json.loads(binascii.a2b_base64(one["data"])) for one in batch["records"]]

    def read() -> object:
        return [event for _, event in records(batch)]

    def rows() -> object:
        return [lake.row(event) for _, event in records(batch) if isinstance(event, SendingEvent)]

    def copied() -> object:
        answers = []
        for one in batch["records"]:
            text = binascii.a2b_base64(one["data"])
            made = {"type": json.loads(text)["eventType"], "raw": text.decode()}
            line = (json.dumps(made) + "\n").encode()
            answers.append(binascii.b2a_base64(line, newline=False).decode())
        return answers

    def whole() -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            return handler(batch)

    return {
        "json.loads (base)": bare,
        "mailroom records": read,
        "mailroom records and row": rows,
        "least transformation, by hand": copied,
        "mailroom lake handler": whole,
    }


def measure_sending(
    rounds: int, repeats: int = 20
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Time the ten sending events, by themselves and as a batch."""
    texts = sending_events()
    work = sending_candidates(texts)
    if work["json.loads, six keys"]() != work["mailroom parse"]():
        raise SystemExit("the candidates do not read the same fields of sending events")
    return measure(work, rounds, repeats), measure(batch_candidates(texts), rounds, repeats)


def measure(
    work: dict[str, Callable[[], object]], rounds: int, repeats: int
) -> dict[str, dict[str, float]]:
    """Time each candidate in interleaved rounds of *repeats*."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, do in work.items():
            started = time.perf_counter()
            for _ in range(repeats):
                do()
            times[name].append((time.perf_counter() - started) / repeats * 1e6)
    base = times["json.loads (base)"]
    return {
        name: {
            "us": statistics.median(found),
            # Per round, so that both sides of a ratio are measured at the same time.
            "ratio": statistics.median(a / b for a, b in zip(found, base, strict=True)),
        }
        for name, found in times.items()
    }


def table(title: str, columns: list[str], rows: list[list[str]]) -> str:
    """Return *rows* as columns, the first aligned to the left and the others to the right."""
    lines = [[title, *columns], *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]

    def line(cells: list[str]) -> str:
        first = cells[0].ljust(widths[0])
        return "  ".join([first, *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))])

    return "\n".join([line(lines[0]), "  ".join("-" * w for w in widths), *map(line, rows)])


def versions() -> dict[str, str]:
    """Return the versions of everything that was measured."""
    found = {"python": platform.python_version()}
    for name in ("awslambdaric", "boto3", "aws-lambda-powertools", "pydantic"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--runs", type=int, default=15, help="processes per import (default: 15)")
    parser.add_argument("--rounds", type=int, default=40, help="rounds of events (default: 40)")
    arguments = parser.parse_args()
    if min(arguments.runs, arguments.rounds) < 1:
        parser.error("--runs and --rounds must be at least 1")

    if not with_powertools():
        print(MISSING, file=sys.stderr)
    if not arguments.json:
        print("measuring, about half a minute …", file=sys.stderr)
    imports = measure_imports(arguments.runs)
    events = measure_events(arguments.rounds)
    sending, batch = measure_sending(arguments.rounds)
    lake = measure(lake_candidates(sending_events()), arguments.rounds, 20)
    if arguments.json:
        report: dict[str, Any] = {
            "versions": versions(),
            "imports": imports,
            "events": events,
            "sending_events": sending,
            "sending_batch": batch,
            "lake": lake,
        }
        print(json.dumps(report, indent=2))
        return
    print(", ".join(f"{name} {number}" for name, number in versions().items()), end="\n\n")
    rows = [
        [name, f"{row['ms']:.1f}", f"{row['added_ms']:+.1f}", f"{row['ratio']:.2f} x"]
        for name, row in imports.items()
    ]
    print(table("Import, whole process", ["ms", "added ms", "ratio"], rows), end="\n\n")
    for title, found in (
        ("One received mail, decoded, six fields", events),
        ("Ten sending events, decoded, six fields of each", sending),
        ("Ten sending events, out of SQS and SNS", batch),
        ("Ten records of Firehose, base64 decoded", lake),
    ):
        rows = [[name, f"{row['us']:.1f}", f"{row['ratio']:.2f} x"] for name, row in found.items()]
        print(table(title, ["µs", "ratio"], rows), end="\n\n")


if __name__ == "__main__":
    main()
